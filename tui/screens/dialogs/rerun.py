"""The dialog that asks how often to rerun a turn."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Checkbox, Input

from tui.screens.dialogs.modal import Modal, hint

__all__ = ["RerunDialog", "RerunOptions"]


class RerunOptions(NamedTuple):
    """The number of branches to create, and whether all of them run at once."""

    times: int
    together: bool


class RerunDialog(Modal[RerunOptions | None]):
    """Asks for a number of new branches."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "run", "Run", show=False, priority=True)]

    DEFAULT_CSS = """
    RerunDialog {
        Checkbox, Checkbox:focus { height: 1; margin: 0 2; padding: 0; border: none; background: transparent; }
    }
    """

    def __init__(self, turn: int) -> None:
        self._number = Input("1", type="integer", restrict=r"[1-9]?[0-9]?", max_length=2, select_on_focus=True)
        self._together = Checkbox("all at once", compact=True)
        title = f"Rerun turn {turn} on how many new branches?"
        keys = hint(("Enter runs", "run"), "Tab, Space all at once", ("Esc cancels", "close"))
        super().__init__(title, self._number, keys, below=[self._together])

    @on(Input.Submitted)
    def action_run(self) -> None:
        """Close with the answer after the input has handled earlier keys, which a binding with priority overtakes."""
        self._number.call_later(self._answer)

    def _answer(self) -> None:
        if self._number.value:
            self.dismiss(RerunOptions(int(self._number.value), self._together.value))
