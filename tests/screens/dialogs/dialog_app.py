"""An application that opens a dialog above a page of text."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.pilot import Pilot
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

    async def click_text(self, text: str) -> None:
        """Click the first place on the screen that shows a text."""
        pilot = Pilot(self)
        await pilot.pause()
        lines = self.text.split("\n")
        row = next((row for row, line in enumerate(lines) if text in line), None)
        assert row is not None, f"not on the screen: {text}"
        column = lines[row].index(text) + 1
        # A click without a widget would name the dialog as its target, as a click beside the dialog does.
        widget, region = self.screen.get_widget_at(column, row)
        await pilot.click(widget, offset=(column - region.x, row - region.y))
        await pilot.pause()

    @property
    def text(self) -> str:
        """The text on the screen."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())
