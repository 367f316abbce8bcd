"""The dialog that shows a message, such as an error, until it is closed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.printable import printable
from tui.screens.dialogs.modal import Modal, Scroll, hint

__all__ = ["MessageDialog"]


class MessageDialog(Modal[None]):
    """A text with details; `c` copies all of it, the mouse selects parts, Esc or Enter closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "Close", show=False),
        Binding("c", "copy", "Copy"),
    ]

    DEFAULT_CSS = """
    MessageDialog {
        &.-tall Scroll { margin: 1 0; }
        .message--details { margin-top: 1; color: $foreground-muted; }
    }
    """

    def __init__(self, title: str, text: str, details: str = "") -> None:
        """Create the dialog; all arguments may contain untrusted text."""
        parts = [Static(printable(text), markup=False)]
        if details:
            parts.append(Static(printable(details), classes="message--details", markup=False))
        super().__init__(title, Scroll(*parts), hint(("c copies all", "copy"), ("Esc closes", "close")))
        self._copied = "\n\n".join(part for part in (title, text, details) if part)

    def action_copy(self) -> None:
        """Copy title, text and details to the clipboard, control characters included."""
        self.app.copy_to_clipboard(self._copied)
        self._hint.update(hint("copied", ("Esc closes", "close")))
