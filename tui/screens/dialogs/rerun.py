"""Asking how often a turn is rerun."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Checkbox, Input

from tui.screens.dialogs.modal import Modal

__all__ = ["RerunDialog", "RerunOptions"]


class RerunOptions(NamedTuple):
    """The answer of the user.

    Attributes:
        times: Number of new branches.
        together: Whether all of them run at once.
    """

    times: int
    together: bool


class RerunDialog(Modal[RerunOptions | None]):
    """Asks for a number of new branches."""

    CHROME_LINES = 4
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "run", "Run", show=False, priority=True)]

    DEFAULT_CSS = """
    RerunDialog {
        Checkbox, Checkbox:focus { height: 1; margin: 0 2; padding: 0; border: none; background: transparent; }
    }
    """

    def __init__(self, turn: int) -> None:
        """Create the dialog for a turn."""
        self._number = Input("1", type="integer", restrict=r"[1-9]?[0-9]?", max_length=2, select_on_focus=True)
        self._together = Checkbox("all at once", compact=True)
        title = f"Rerun turn {turn} on how many new branches?"
        super().__init__(title, self._number, "Enter runs · Tab, Space all at once · Esc cancels")

    def compose_body(self) -> ComposeResult:
        yield self._number
        yield self._together

    def on_mount(self) -> None:
        self.set_focus(self._number)

    @on(Input.Submitted)
    def action_run(self) -> None:
        """Close with the answer, once the keys pressed before have arrived: a binding with priority overtakes them."""
        self._number.call_later(self._answer)

    def _answer(self) -> None:
        if self._number.value:
            self.dismiss(RerunOptions(int(self._number.value), self._together.value))
