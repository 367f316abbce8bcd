"""Two branches, or two turns, side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, NamedTuple, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker

from tui.errors import ConvoError
from tui.model.compare import Comparison, TurnComparison, TurnPair
from tui.painting.painted_screen import PaintedScreen
from tui.printable import printable_line
from tui.widgets.compare.side_by_side import SideBySide
from tui.widgets.compare.summary import CompareSummary
from tui.widgets.key_bar import KeyBar

__all__ = ["CompareScreen", "Place"]

Read: TypeAlias = Callable[[Comparison, Sequence[TurnPair]], Awaitable[tuple[TurnComparison, ...]]]


class Place(NamedTuple):
    """A turn to go to.

    Attributes:
        branch_id: Its branch.
        turn: Its number.
    """

    branch_id: str
    turn: int


class CompareScreen(PaintedScreen[Place | None]):
    """A summary, and below it the turns of both sides; gives the turn that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "swap", "Swap sides", id="compare.swap"),
        Binding("escape,q", "close", "Close", id="compare.close"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | s | Exchange the sides. |
    | escape, q | Back to the explorer. |
    """

    def __init__(self, comparison: Comparison, read: Read) -> None:
        """Make the screen.

        Args:
            comparison: What is shown.
            read: Reads some turns of it.
        """
        super().__init__()
        self._comparison = comparison
        self._read = read
        self._summary = CompareSummary()
        self._compared = SideBySide()

    def compose(self) -> ComposeResult:
        yield self._summary
        yield self._compared
        yield KeyBar()

    def on_mount(self) -> None:
        self._summary.comparison = self._comparison
        self._compared.show(self._comparison)
        self._compared.focus()

    @on(SideBySide.TurnsNeeded)
    def _bring(self, event: SideBySide.TurnsNeeded) -> None:
        async def bring() -> None:
            try:
                details = await self._read(event.comparison, event.pairs)
            except ConvoError as error:
                self._compared.drop_request(event.start)
                self.notify(printable_line(f"{error} {error.hint}".strip()), severity="error", markup=False)
            else:
                self._compared.receive(event.comparison, event.start, details)

        _: Worker[None] = self.run_worker(bring())

    @on(SideBySide.TurnOpened)
    def _open(self, event: SideBySide.TurnOpened) -> None:
        self.dismiss(Place(event.branch_id, event.turn))

    def action_swap(self) -> None:
        """Exchange the sides."""
        self._comparison = self._summary.comparison = self._comparison.swapped()
        self._compared.swap(self._comparison)

    def action_close(self) -> None:
        """Go back to the explorer."""
        self.dismiss(None)
