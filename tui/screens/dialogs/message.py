"""Something that does not pass by itself, such as an error: to be read, and copied."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.printable import printable, printable_line
from tui.screens.dialogs.modal import Modal, Scroll

__all__ = ["MessageDialog"]

_HINT = "y copies all · Esc closes"


class MessageDialog(Modal[None]):
    """A text with details; `y` copies both, the mouse selects parts, Esc or Enter closes."""

    LINES = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", "Close", show=False),
        Binding("y", "copy", "Copy"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | y | Copy title, text and details. |
    | escape, enter | Close. |
    """

    DEFAULT_CSS = """
    MessageDialog {
        &.-tall Scroll { margin: 1 0; }
        .message--details { margin-top: 1; color: $foreground-muted; }
    }
    """

    def __init__(self, title: str, text: str, details: str = "") -> None:
        """Make the dialog; all three may hold untrusted text."""
        said = [Static(Content(printable(text)))]
        if details:
            said.append(Static(Content(printable(details)), classes="message--details"))
        super().__init__(Scroll(*said))
        self._title = title
        self._text = text
        self._details = details
        self._hint = Static(_HINT, classes="modal--hint", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(printable_line(self._title)), classes="modal--title")
            yield self._growing
            yield self._hint

    def action_copy(self) -> None:
        """Copy the whole to the clipboard, as it is and not as it is shown."""
        parts = (self._title, self._text, self._details)
        self.app.copy_to_clipboard("\n\n".join(part for part in parts if part))
        self._hint.update("copied · Esc closes")
