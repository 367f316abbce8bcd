"""What of a session is to be written, as what, and where."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, RadioButton, RadioSet, Static
from textual.worker import Worker

from tui.controller.progress import Stopped, TaskProgress
from tui.errors import ConvoError
from tui.formats import Format
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal

__all__ = ["Export", "ExportDialog", "Extent"]

_FORMATS = {Format.MARKDOWN: "Markdown", Format.HTML: "HTML page", Format.JSON: "JSON, importable"}
_HINT = "Enter writes · Tab goes on · Esc leaves"
_EVERY = 0.1
"""Seconds between two looks at how far the writing is."""


class Extent(NamedTuple):
    """A choice of what is written.

    Attributes:
        label: How it is called; may hold untrusted names.
        name: The beginning of the file's name that is proposed.
        branches: The branches.
    """

    label: str
    name: str
    branches: Sequence[str]


class Export(NamedTuple):
    """What was asked for."""

    branches: Sequence[str]
    form: Format
    target: Path
    overwrite: bool


class _Radio(RadioButton):
    """A choice that shows without colours too whether it holds."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("●" if self.value else "○", style)


def _one_of(labels: Iterable[str]) -> RadioSet:
    return RadioSet(*(_Radio(Content(printable_line(label)), value=not place) for place, label in enumerate(labels)))


class ExportDialog(Modal[Path | None]):
    """Asks what to write where, and shows how far it is; the result is the file that was written."""

    LINES = 6
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "write", "Write", show=False, priority=True)]
    """
    | Key(s) | Description |
    | :- | :- |
    | enter | Write the file; a second time to let it take the place of one that is there. |
    | escape | Stop the writing, else leave. |
    """

    DEFAULT_CSS = """
    ExportDialog {
        Horizontal { height: auto; margin: 0 2; }
        .export--label { width: 6; color: $foreground-muted; }
        RadioSet, RadioSet:focus {
            width: 1fr; height: auto; padding: 0; border: none; background: transparent; layout: horizontal;
        }
        &.-stacked RadioSet { layout: vertical; }
        RadioSet > RadioButton {
            width: auto; padding: 0 2 0 0; background: transparent;
            & > .toggle--button { color: $foreground-muted; background: transparent; }
            &.-on > .toggle--button { color: $text-success; background: transparent; }
        }
        Input, Input:focus { width: 1fr; height: 1; padding: 0; border: none; background: transparent; }
        .export--message { height: auto; margin: 0 2; color: $text-warning; }
        &.-tall Horizontal { margin: 1 2 0 2; }
        &.-tall .export--message { margin: 1 2 0 2; }
    }
    """

    def __init__(
        self, extents: Sequence[Extent], write: Callable[[Export, TaskProgress], Awaitable[None]], folder: Path
    ) -> None:
        """Make the dialog.

        Args:
            extents: What may be written, the likeliest first.
            write: Writes it; raises ConvoError where that fails, Stopped where it was stopped.
            folder: Where a file goes whose name says nothing else.
        """
        self._file = Input(select_on_focus=True)
        super().__init__(self._file)
        self._extents = extents
        self._write = write
        self._folder = folder
        self._proposed = ""
        self._refused: Path | None = None
        self._progress: TaskProgress | None = None
        self._what = _one_of(extent.label for extent in extents)
        self._form = _one_of(_FORMATS.values())
        self._said = Static("", classes="export--message", markup=False)
        self._hint = Static(_HINT, classes="modal--hint", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Export", classes="modal--title")
            for label, widget in (("what", self._what), ("as", self._form), ("file", self._file)):
                yield Horizontal(Static(label, classes="export--label"), widget)
            yield self._said
            yield self._hint

    def on_mount(self) -> None:
        self._propose()
        self.set_focus(self._file)
        self.set_interval(_EVERY, self._show_progress)

    def on_resize(self) -> None:
        super().on_resize()
        self.set_class(self.size.width < 100, "-stacked")

    @on(RadioSet.Changed)
    def _propose(self) -> None:
        """Name the file after what is in it, unless the user has named it."""
        if self._file.value == self._proposed:
            name = re.sub(r"[^\w.-]+", "-", self._extent.name).strip("-.") or "session"
            self._proposed = self._file.value = f"{name[:80]}.{self._format}"

    @property
    def _extent(self) -> Extent:
        return self._extents[max(self._what.pressed_index, 0)]

    @property
    def _format(self) -> Format:
        return list(_FORMATS)[max(self._form.pressed_index, 0)]

    def action_write(self) -> None:
        """Write what was chosen, once the keys pressed before have arrived: this one overtakes them."""
        self._file.call_later(self._begin)

    def _begin(self) -> None:
        name = self._file.value.strip()
        if self._progress is not None or not name:
            return
        target = self._folder / Path(name).expanduser()
        overwrite = target == self._refused
        asked = Export(self._extent.branches, self._format, target, overwrite)
        self._progress = TaskProgress()
        _: Worker[None] = self.run_worker(self._do(asked, self._progress))

    async def _do(self, asked: Export, progress: TaskProgress) -> None:
        try:
            await self._write(asked, progress)
        except Stopped:
            self._tell("Stopped; nothing was written.")
        except ConvoError as error:
            there = asked.target.is_file() and not asked.overwrite
            self._refused = asked.target if there else None
            self._tell(f"{error} {'Enter again replaces it.' if there else error.hint}".strip())
        else:
            self.dismiss(asked.target)

    def _tell(self, text: str) -> None:
        self._progress = None
        self._said.update(printable_line(text))
        self._hint.update(_HINT)

    def _show_progress(self) -> None:
        if self._progress is not None:
            self._hint.update(f"writing, {self._progress.share:.0%} · Esc stops")

    def action_leave(self) -> None:
        """Stop the writing, else leave."""
        if self._progress is not None:
            self._progress.stopped = True
        else:
            super().action_leave()
