"""How often, and how, a turn is to be asked again."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Checkbox, Input, Static

from tui.screens.dialogs.modal import Modal

__all__ = ["RerunDialog", "RerunOptions"]


class RerunOptions(NamedTuple):
    """What was said.

    Attributes:
        times: How many new branches.
        together: Whether all run at once.
    """

    times: int
    together: bool


class RerunDialog(Modal[RerunOptions | None]):
    """Asks for a number; Enter runs, Esc leaves."""

    LINES = 4
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "run", "Run", show=False, priority=True)]

    DEFAULT_CSS = """
    RerunDialog {
        Input, Input:focus { width: 1fr; height: 1; margin: 0 2; padding: 0; border: none; background: transparent; }
        Checkbox, Checkbox:focus { height: 1; margin: 0 2; padding: 0; border: none; background: transparent; }
    }
    """

    def __init__(self, turn: int) -> None:
        """Make the dialog.

        Args:
            turn: The turn that is to be asked again.
        """
        self._number = Input("1", type="integer", restrict=r"[1-9]?[0-9]?", max_length=2, select_on_focus=True)
        self._together = Checkbox("all at once, not one after another", compact=True)
        super().__init__(self._number)
        self._turn = turn

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(f"Ask turn {self._turn} again on how many new branches?"), classes="modal--title")
            yield self._number
            yield self._together
            yield Static("Enter runs · Tab, Space at once · Esc leaves", classes="modal--hint", markup=False)

    def on_mount(self) -> None:
        self.set_focus(self._number)

    @on(Input.Submitted)
    def action_run(self) -> None:
        """Give what was said, once the keys pressed before have arrived: this one overtakes them."""
        self._number.call_later(self._give)

    def _give(self) -> None:
        if self._number.value:
            self.dismiss(RerunOptions(int(self._number.value), self._together.value))
