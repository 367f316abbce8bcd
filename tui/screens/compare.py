"""The screen that compares two branches, or two turns, side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, NamedTuple, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.errors import ConvoError
from tui.model.compare import Comparison, TurnComparison, TurnPair
from tui.screens.command_screen import CommandScreen
from tui.widgets.compare.side_by_side import SideBySide
from tui.widgets.compare.summary import CompareSummary
from tui.widgets.key_bar import KeyBar
from tui.widgets.message import MenuRequested

__all__ = ["CompareScreen", "TurnToOpen"]

CompareTurns: TypeAlias = Callable[[Comparison, Sequence[TurnPair]], Awaitable[tuple[TurnComparison, ...]]]


class TurnToOpen(NamedTuple):
    """The branch and the number of a turn that the user opened."""

    branch_id: str
    turn: int


class CompareScreen(CommandScreen[TurnToOpen | None]):
    """A summary, and below it the turns of both sides; returns the turn that was opened, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("percent_sign", "swap", "Swap sides", id="compare.swap"),
        Binding("escape,q", "dismiss", "Close", id="compare.close"),
        Binding("space", "app.screen_menu", "Menu", id="compare.menu"),
    ]

    def __init__(self, comparison: Comparison, compare_turns: CompareTurns) -> None:
        """Create the screen.

        Args:
            comparison: The comparison to show.
            compare_turns: Reads and compares pairs of its turns.
        """
        super().__init__()
        self._comparison = comparison
        self._compare_turns = compare_turns
        self._summary = CompareSummary()
        self._side_by_side = SideBySide()

    def compose(self) -> ComposeResult:
        yield self._summary
        yield self._side_by_side
        yield KeyBar("app.screen_menu")

    def on_mount(self) -> None:
        self._summary.comparison = self._comparison
        self._side_by_side.show(self._comparison)
        self._side_by_side.focus()

    @on(SideBySide.TurnsNeeded)
    def _load_turns(self, event: SideBySide.TurnsNeeded) -> None:
        async def load() -> None:
            try:
                turns = await self._compare_turns(event.comparison, event.pairs)
            except ConvoError:
                self._side_by_side.drop_request(event.start)
                raise
            self._side_by_side.receive(event.comparison, event.start, turns)

        self.run_command(load)

    @on(MenuRequested)
    async def _open_menu_at_mouse(self, event: MenuRequested) -> None:
        await self.app.run_action(f"app.screen_menu({event.at.x}, {event.at.y})")

    @on(SideBySide.TurnOpened)
    def _open_turn(self, event: SideBySide.TurnOpened) -> None:
        self.dismiss(TurnToOpen(event.branch_id, event.turn))

    def action_swap(self) -> None:
        """Swap the sides."""
        self._comparison = self._summary.comparison = self._comparison.swapped()
        self._side_by_side.swap(self._comparison)
