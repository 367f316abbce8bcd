"""The dialog that exports branches to a file."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.geometry import Size
from textual.widgets import Input, RadioButton, RadioSet, Static
from textual.worker import Worker

from tui.controller.progress import Stopped, TaskProgress
from tui.errors import ConvoError
from tui.formats import Format
from tui.printable import printable_line
from tui.screens.dialogs.modal import FieldRow, Modal, hint

__all__ = ["ExportChoice", "ExportDialog", "Extent"]

_FORMATS: Final = {Format.MARKDOWN: "Markdown", Format.HTML: "HTML page", Format.JSON: "JSON, importable"}
_HINT: Final = hint(("Enter exports", "write"), "Tab next", "← → choose", ("Esc cancels", "close"))

_INTERVAL: Final = 0.1
"""Seconds between two updates of the progress."""


class Extent(NamedTuple):
    """A choice of branches to export.

    Attributes:
        label: The label of the choice; it may contain untrusted names.
        name: The proposed file name, without its extension.
        branches: The ids of the branches.
    """

    label: str
    name: str
    branches: Sequence[str]


class ExportChoice(NamedTuple):
    """The choice of the user."""

    branches: Sequence[str]
    file_format: Format
    target: Path
    overwrite: bool


class _Radio(RadioButton):
    """A radio button whose state is visible without colours, too."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("●" if self.value else "○", style)


class _RadioSet(RadioSet):
    """A radio set whose arrow keys choose a button, not only move a highlight, as do the first letters of its label."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,right", "choose(1)", "Next choice", show=False),
        Binding("up,left", "choose(-1)", "Previous choice", show=False),
    ]

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = [printable_line(label) for label in labels]
        super().__init__(*(_Radio(Content(label), value=not index) for index, label in enumerate(self._labels)))
        self._typed = ""

    def action_choose(self, step: int) -> None:
        """Choose the next (1) or previous (-1) button."""
        self._typed = ""
        self.press((self.pressed_index + step) % len(self._labels))

    def on_blur(self) -> None:
        self._typed = ""

    def on_key(self, event: Key) -> None:
        """Choose a button by the letters typed so far, or the next one by its first letter alone."""
        letter = (event.character or "").casefold()
        if not letter.isalnum():
            return
        for typed in dict.fromkeys((self._typed + letter, letter)):
            first = self.pressed_index + (len(typed) == 1)
            for index in (*range(first, len(self._labels)), *range(first)):
                if self._labels[index].casefold().startswith(typed):
                    event.stop().prevent_default()
                    self._typed = typed
                    self.press(index)
                    return

    def press(self, index: int) -> None:
        """Choose a button."""
        list(self.query(RadioButton))[index].value = True


class ExportDialog(Modal[Path | None]):
    """Asks what to export, and shows the progress; returns the file that was written."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "write", "Export", show=False, priority=True)]

    DEFAULT_CSS = """
    ExportDialog {
        FieldRow { margin: 0 2; }
        RadioSet, RadioSet:focus {
            width: 1fr; height: auto; padding: 0; border: none; background: transparent; layout: horizontal;
        }
        &.-stacked RadioSet { layout: vertical; }
        RadioSet > RadioButton {
            width: auto; padding: 0 2 0 0; background: transparent;
            & > .toggle--button { color: $foreground-muted; background: transparent; }
            &.-on > .toggle--button { color: $text-success; background: transparent; }
        }
        .export--message { height: auto; margin: 0 2; color: $text-warning; }
        &.-tall FieldRow { margin: 1 2 0 2; }
        &.-tall .export--message { margin: 1 2 0 2; }
    }
    """

    def __init__(
        self, extents: Sequence[Extent], write: Callable[[ExportChoice, TaskProgress], Awaitable[None]], folder: Path
    ) -> None:
        """Create the dialog.

        Args:
            extents: The choices of branches; the first one is chosen at first.
            write: Writes the file; raises `ConvoError` if it fails, `Stopped` if the user stopped it.
            folder: The folder that relative file names refer to.
        """
        self._file = Input(select_on_focus=True)
        self._extent_choice = _RadioSet(extent.label for extent in extents)
        self._format_choice = _RadioSet(_FORMATS.values())
        self._message = Static("", classes="export--message", markup=False)
        fields = (("What", self._extent_choice), ("Format", self._format_choice), ("File", self._file))
        *above, body = (FieldRow(label, field) for label, field in fields)
        super().__init__("Export", body, _HINT, above=above, below=[self._message])
        self._extents = extents
        self._write = write
        self._folder = folder
        self._proposed = ""
        self._format = Format.MARKDOWN
        self._format_of_name: Format | None = None
        self._existing: Path | None = None
        self._progress: TaskProgress | None = None

    def on_mount(self) -> None:
        self._propose()
        self.set_focus(self._format_choice)
        self.set_interval(_INTERVAL, self._show_progress)

    def fit(self, size: Size) -> None:
        super().fit(size)
        self.set_class(size.width < 100, "-stacked")

    @on(RadioSet.Changed)
    def _choose(self, event: RadioSet.Changed) -> None:
        if event.radio_set is self._format_choice:
            self._format = list(_FORMATS)[event.index]
        self._propose()

    def _propose(self) -> None:
        """Name the file after its content, unless the user has changed the name."""
        if self._file.value == self._proposed:
            self._format_of_name = self._format
            name = re.sub(r"[^\w.-]+", "-", self._extent.name).strip("-.") or "session"
            self._proposed = self._file.value = f"{name[:80]}.{self._format}"

    @property
    def _extent(self) -> Extent:
        return self._extents[max(self._extent_choice.pressed_index, 0)]

    @on(Input.Changed)
    def _follow_name(self) -> None:
        """Choose the format of a suffix that the user has typed."""
        before, self._format_of_name = self._format_of_name, Format.of_file(self._file.value.strip())
        if self._format_of_name is not None and self._format_of_name is not before:
            self._format = self._format_of_name
            self._format_choice.press(list(_FORMATS).index(self._format))

    def action_write(self) -> None:
        """Export once the input has handled the keys before this one, whose binding has priority."""
        self._file.call_later(self._start)

    def _start(self) -> None:
        name = self._file.value.strip()
        if self._progress is not None or not name:
            return
        self._follow_name()
        target = self._folder / Path(name).expanduser()
        overwrite = target == self._existing
        export = ExportChoice(self._extent.branches, self._format, target, overwrite)
        self._progress = TaskProgress()
        _: Worker[None] = self.run_worker(self._run(export, self._progress))

    async def _run(self, export: ExportChoice, progress: TaskProgress) -> None:
        try:
            await self._write(export, progress)
        except Stopped:
            self._show_message("Stopped; nothing was written.")
        except ConvoError as error:
            exists = export.target.is_file() and not export.overwrite
            self._existing = export.target if exists else None
            self._show_message(f"{error} Enter again overwrites it." if exists else error.full_message)
        else:
            self.dismiss(export.target)

    def _show_message(self, text: str) -> None:
        self._progress = None
        self._message.update(printable_line(text))
        self._hint.update(_HINT)

    def _show_progress(self) -> None:
        if self._progress is not None:
            self._hint.update(hint(f"exporting… {self._progress.share:.0%}", ("Esc stops", "close")))

    def action_close(self) -> None:
        """Stop the export, or close."""
        if self._progress is not None:
            self._progress.stopped = True
        else:
            super().action_close()
