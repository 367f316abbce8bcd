"""An application that opens a dialog above a page of text."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Static

__all__ = ["DialogApp"]

ResultT = TypeVar("ResultT")


class DialogApp(App[None], Generic[ResultT]):
    """A page of text with a dialog above it.

    Attributes:
        dialog: The dialog.
        results: The results of the dialog so far.
    """

    BINDINGS = [Binding("ctrl+p", "command_palette", show=False)]  # noqa: RUF012 as the base declares it

    def __init__(self, dialog: ModalScreen[ResultT]) -> None:
        super().__init__()
        self.dialog = dialog
        self.results: list[ResultT | None] = []

    def compose(self) -> ComposeResult:
        yield Static("A conversation lies below. " * 200)

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.results.append)

    @property
    def text(self) -> str:
        """The text on the screen."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())
