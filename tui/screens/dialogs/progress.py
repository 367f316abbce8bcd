"""What takes longer than a moment: how far it is, and Esc to stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.screen import Screen
from textual.widgets import ProgressBar, Static

from tui.controller.progress import TaskProgress
from tui.printable import printable_line
from tui.screens.dialogs.modal import Modal

__all__ = ["ProgressDialog", "waiting"]

_MOMENT: Final = 0.3
"""Seconds that are waited for without a word."""

_EVERY: Final = 0.1
"""Seconds between two looks how far it is."""


class ProgressDialog(Modal[None]):
    """Shows how far some work is. It goes when the work is over, also when that was stopped."""

    LINES = 2
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stop", "Stop")]
    """
    | Key(s) | Description |
    | :- | :- |
    | escape | Stop the work. |
    """

    DEFAULT_CSS = """
    ProgressDialog ProgressBar { margin: 0 2; width: 100%; }
    """

    def __init__(self, title: str, work: TaskProgress) -> None:
        """Make the screen.

        Args:
            title: What is done; untrusted text in it is shown as it is.
            work: How far it is.
        """
        super().__init__(ProgressBar(1.0, show_eta=False))
        self._title = title
        self._work = work

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(printable_line(self._title)), classes="modal--title")
            yield self._growing
            yield Static("Esc stops it; then nothing is written", classes="modal--hint", markup=False)

    def on_mount(self) -> None:
        self.set_interval(_EVERY, self._show)

    def _show(self) -> None:
        self.query_one(ProgressBar).update(progress=self._work.share)

    def action_stop(self) -> None:
        self._work.stopped = True

    def on_click(self, event: Click) -> None:
        # A click beside it is no answer to anything.
        event.prevent_default()


@contextmanager
def waiting(screen: Screen[Any], title: str, work: TaskProgress) -> Iterator[None]:
    """Show how far some work is, if it takes longer than a moment."""
    dialog = ProgressDialog(title, work)
    moment = screen.set_timer(_MOMENT, lambda: screen.app.push_screen(dialog))
    try:
        yield
    finally:
        moment.stop()
        if dialog.is_attached:
            dialog.dismiss()
