"""One line on the run that is under way: what it does, since when, what it cost so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import var

from tui.model import Run, RunState, View
from tui.painting.deferred_refresh import SuspendableRefresh
from tui.widgets.format import fit_name, format_tokens

__all__ = ["RunStatus"]

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_A_SECOND: Final = 10
_DOING: Final = 40
"""Cells of what the run is doing, at most."""


class RunStatus(SuspendableRefresh):
    """What the run on the shown branch is at; takes no room while there is none.

    Args:
        clock: Tells the seconds since the epoch.
        id: Id of the widget.
        classes: Its CSS classes.
    """

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
    """What is shown."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._clock = clock

    @property
    def run(self) -> Run | None:
        """The run on the shown branch."""
        return self.view.runs.get(self.view.branch_id)

    def on_mount(self) -> None:
        self._show()

    def watch_view(self, before: View, view: View) -> None:
        """Take in another moment of the run."""
        if self.is_mounted and view.runs.get(view.branch_id) != before.runs.get(before.branch_id):
            self._show()

    def _show(self) -> None:
        """Turn the spinner while there is something to wait for."""
        run = self.run
        self.set_class(run is not None, "-running")
        turning = None if run is None or run.state is RunState.WAITING else 1 / _FRAMES_A_SECOND
        if turning != self.auto_refresh:
            self.auto_refresh = turning
        self.refresh()

    def render(self) -> RenderResult:
        """The line for the present width."""
        run = self.run
        if run is None:
            return Content("")
        return _adapted_size(self._parts(run), self.content_size.width)

    def _parts(self, run: Run) -> Sequence[tuple[int, Content]]:
        """The parts of the line from left to right; the first to be left out has the lowest number."""
        others = len(self.view.runs) - 1
        elsewhere = (0, Content(f"{others} more on other branches" if others else ""))
        if run.state is RunState.WAITING:
            return [
                (9, Content.styled("? waits for your leave", "bold $text-warning")),
                (8, Content("w answers")),
                (3, Content("Esc stops")),
                elsewhere,
            ]
        now = self._clock()
        spinner = (_FRAMES[int(now * _FRAMES_A_SECOND) % len(_FRAMES)] + " ", "$text-accent")
        if run.state is RunState.STOPPING:
            return [(9, Content.assemble(spinner, "stopping…")), elsewhere]
        doing = fit_name(run.progress.activity, _DOING) or "starting"
        usage = run.progress.usage
        return [
            (9, Content.assemble(spinner, (doing, "$foreground"))),
            (4, Content(_elapsed(now - run.started_at))),
            (2, Content(f"{format_tokens(usage.total_tokens)} tokens" if usage is not None else "")),
            (5, Content(f"{len(run.queued)} queued" if run.queued else "")),
            (8, Content("Esc stops")),
            elsewhere,
        ]


def _elapsed(seconds: float) -> str:
    """Seconds as minutes and seconds: `0:07`, `12:30`, `71:05`."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    return f"{minutes}:{rest:02}"


def _adapted_size(parts: Sequence[tuple[int, Content]], width: int) -> Content:
    """The parts with dots between them, the least needed left out until the rest fits."""
    kept = [(rank, part) for rank, part in parts if part]
    line = Content(" · ").join(part for _, part in kept)
    while line.cell_length > width and len(kept) > 1:
        kept.remove(min(kept, key=lambda ranked: ranked[0]))
        line = Content(" · ").join(part for _, part in kept)
    return line
