"""The dialog for a line that a tool reads with `input()`."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.widgets import Input, Static

from tui.printable import printable
from tui.screens.dialogs.modal import Modal, Scroll, hint

__all__ = ["ToolInputDialog"]

_MAX_PROMPT: Final = 10_000
"""Characters that are shown, from the end of the prompt: the question is there."""


class ToolInputDialog(Modal[str]):
    """Asks for a line of text; a click outside the dialog does not close it, as closing stops the run."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "app.quit", "Quit", show=False)]

    DEFAULT_CSS = """
    ToolInputDialog {
        &.-tall Scroll { margin: 1 0; }
        Input, Input:focus { background: $foreground 15%; }
    }
    """

    def __init__(self, branch_name: str, prompt: str) -> None:
        self._line = Input()
        keys = hint(("Enter answers", "submit"), ("Esc stops the run", "close"))
        body = Scroll(Static(printable(prompt[-_MAX_PROMPT:]), markup=False), can_focus=False)
        body.display = bool(prompt.strip())
        super().__init__(f"A tool on {branch_name} asks for a line of input", body, keys, below=[self._line])

    def on_mount(self) -> None:
        self._body.scroll_end(animate=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Close the dialog and return the line."""
        self.dismiss(self._line.value)

    def on_click(self, event: Click) -> None:
        """Stay open."""
