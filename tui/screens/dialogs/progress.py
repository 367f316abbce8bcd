"""The dialog that shows the progress of long work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.widgets import ProgressBar

from tui.controller.progress import TaskProgress
from tui.screens.dialogs.modal import Modal

__all__ = ["ProgressDialog", "show_progress"]

_DELAY: Final = 0.3
"""Seconds until the dialog opens."""

_INTERVAL: Final = 0.1
"""Seconds between two updates of the bar."""


class ProgressDialog(Modal[None]):
    """A progress bar; Esc stops the work."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stop", "Stop")]

    DEFAULT_CSS = """
    ProgressDialog ProgressBar { margin: 0 2; width: 100%; }
    """

    def __init__(self, title: str, progress: TaskProgress) -> None:
        self._bar = ProgressBar(1.0, show_eta=False)
        super().__init__(title, self._bar, "Esc stops it; nothing is written then")
        self._progress = progress

    def on_mount(self) -> None:
        self.set_interval(_INTERVAL, self._update_bar)

    def _update_bar(self) -> None:
        self._bar.update(progress=self._progress.share)

    def action_stop(self) -> None:
        """Stop the work."""
        self._progress.stopped = True

    def on_click(self, event: Click) -> None:
        # A click beside the dialog must neither close it nor stop the work.
        event.prevent_default()


@contextmanager
def show_progress(app: App[object], title: str, progress: TaskProgress) -> Iterator[None]:
    """Show the progress of the work in the `with` block, if it takes longer than a moment."""
    dialog = ProgressDialog(title, progress)
    delay = app.set_timer(_DELAY, lambda: app.push_screen(dialog))
    try:
        yield
    finally:
        delay.stop()
        if dialog.is_attached:
            dialog.dismiss()
