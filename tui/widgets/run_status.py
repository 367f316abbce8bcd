"""The line about the current run: its activity, its duration and its tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

from tui.model import Run, RunState, Usage, View
from tui.widgets.format import fit_name, format_tokens
from tui.widgets.message import WidgetMessage

__all__ = ["RunStatus"]

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND: Final = 10
_ACTIVITY_CELLS: Final = 40


class _Part(NamedTuple):
    """A part of the line; parts with low ranks are omitted first, empty parts always."""

    rank: int
    content: Content


class RunStatus(Widget):
    """The state of the run on the shown branch; takes no room if there is no run."""

    DEFAULT_CSS = """
    RunStatus {
        display: none;
        height: 1;
        padding: 0 1;
        background: $surface;
        color: $text-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;

        &.-running { display: block; }
    }
    """

    view: var[View] = var(View())
    """The view to show."""

    @dataclass
    class Clicked(WidgetMessage["RunStatus"]):
        """Posted when the line was clicked."""

    def __init__(self, clock: Callable[[], float] = time.time, *, id: str | None = None) -> None:  # noqa: A002
        """Create the widget, given a function that returns the seconds since the epoch."""
        super().__init__(id=id)
        self._clock = clock

    @property
    def shown_run(self) -> Run | None:
        """The run on the shown branch; None if there is none."""
        return self.view.runs.get(self.view.branch_id)

    def on_mount(self) -> None:
        self._update()

    def watch_view(self, before: View, view: View) -> None:
        if self.is_mounted and view.runs.get(view.branch_id) != before.runs.get(before.branch_id):
            self._update()

    def on_click(self) -> None:
        self.post_message(self.Clicked(self))

    def _update(self) -> None:
        run = self.shown_run
        self.set_class(run is not None, "-running")
        # The spinner stops while the run waits for the user.
        interval = None if run is None or run.state is RunState.WAITING else 1 / _FRAMES_PER_SECOND
        if interval != self.auto_refresh:
            self.auto_refresh = interval
        self.refresh()

    def render(self) -> RenderResult:
        run = self.shown_run
        return Content("") if run is None else _fit(self._parts(run), self.content_size.width)

    def _parts(self, run: Run) -> Sequence[_Part]:
        """Return the parts of the line from left to right."""
        others = len(self.view.runs) - 1
        elsewhere = _Part(0, Content(f"{others} more on other branches" if others else ""))
        if run.state is RunState.WAITING:
            return [
                _Part(9, Content.styled("? needs approval", "bold $text-warning")),
                _Part(8, Content("w answers")),
                elsewhere,
            ]
        now = self._clock()
        spinner = (_FRAMES[int(now * _FRAMES_PER_SECOND) % len(_FRAMES)] + " ", "$text-accent")
        if run.state is RunState.STOPPING:
            return [_Part(9, Content.assemble(spinner, "stopping…")), elsewhere]
        activity = fit_name(run.progress.activity, _ACTIVITY_CELLS) or "starting"
        usage = run.progress.usage
        return [
            _Part(9, Content.assemble(spinner, (activity, "$foreground"))),
            _Part(4, Content(_format_elapsed(now - run.started_at))),
            _Part(2, Content(_tokens(usage))),
            _Part(5, Content(f"{len(run.queued)} queued" if run.queued else "")),
            _Part(8, Content("Esc stops")),
            elsewhere,
        ]


def _tokens(usage: Usage | None) -> str:
    return "" if usage is None else f"{format_tokens(usage.total_tokens, estimated=usage.estimated)} tokens"


def _format_elapsed(seconds: float) -> str:
    """Write seconds as minutes and seconds: `0:07`, `12:30`, `71:05`."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    return f"{minutes}:{rest:02}"


def _fit(parts: Sequence[_Part], width: int) -> Content:
    """Join parts with dots, and omit the parts with the lowest ranks until the line fits."""
    kept = [part for part in parts if part.content]
    line = Content(" · ").join(part.content for part in kept)
    while line.cell_length > width and len(kept) > 1:
        kept.remove(min(kept, key=lambda part: part.rank))
        line = Content(" · ").join(part.content for part in kept)
    return line
