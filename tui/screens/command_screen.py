"""The base of the screens that run commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import TypeVar

from textual.screen import Screen
from textual.worker import Worker

from tui.errors import ConvoError
from tui.model import Severity
from tui.painting.painted_screen import PaintedScreen
from tui.printable import printable_line
from tui.screens.key_order import run_holding_keys

__all__ = ["CommandScreen"]

ResultT = TypeVar("ResultT")
T = TypeVar("T")


class CommandScreen(PaintedScreen[ResultT]):
    """A screen that runs commands and shows the `ConvoError` they raise."""

    def __init__(self) -> None:
        super().__init__()
        self._last_error = ""
        self._last_error_until = 0.0

    def run_command(self, command: Callable[[], Awaitable[object]]) -> None:
        """Run a command in a worker, and report its error."""
        _: Worker[bool] = self.run_worker(partial(self.run_reported, command))

    def run_holding_keys(self, command: Callable[[], Awaitable[object]]) -> None:
        """Run a command in a worker, while keys wait for the dialog that it opens or the focus that it moves."""
        run_holding_keys(self, partial(self.run_reported, command))

    async def run_reported(self, command: Callable[[], Awaitable[object]]) -> bool:
        """Run a command, and report its error; return whether there was none."""
        try:
            await command()
        except ConvoError as error:
            self.report(error)
            return False
        return True

    async def push_dialog(self, dialog: Screen[T], closed: Callable[[T | None], None] | None = None) -> None:
        """Open a dialog, and return once it has the focus, so that it receives the keys that are pressed meanwhile."""
        # Later the notice would stay on this screen, behind the dialog.
        self.app.clear_notifications()
        await self.app.push_screen(dialog, closed)
        if dialog.focused is None:
            dialog.focus_next()

    def report(self, error: ConvoError) -> None:
        """Show an error unless its notice is on the screen already, as when a repeated key causes it."""
        text = error.full_message
        if text != self._last_error or monotonic() > self._last_error_until:
            self._last_error, self._last_error_until = text, monotonic() + self.app.NOTIFICATION_TIMEOUT
            self.show_notice(text, "error")

    def show_notice(self, text: str, severity: Severity = "information") -> None:
        """Show a notice, which may contain untrusted text."""
        self.notify(printable_line(text), severity=severity, markup=False)
