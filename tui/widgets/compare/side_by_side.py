"""The turns of two branches side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from tui.model.compare import Comparison, TurnComparison, TurnPair
from tui.widgets.compare.diff_view import DiffView
from tui.widgets.compare.lines import Block, DiffStyles, draw_turns
from tui.widgets.lines.paint import MARGIN
from tui.widgets.message import WidgetMessage
from tui.widgets.page_cache import PageCache

__all__ = ["SideBySide"]

_PAGE: Final = 8
"""Pairs of turns that are requested at once."""

_CAPACITY: Final = 128
"""Pairs of turns that are kept."""

_SEEK_AHEAD: Final = 8 * _PAGE
"""Pairs of turns that are requested at once to find the next difference."""


class SideBySide(DiffView):
    """Pairs of turns below each other, in two columns if there is room for them.

    Pass a comparison to `show`, and answer `TurnsNeeded` with `receive`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "side(0)", "Left side", show=False, id="compare.left"),
        Binding("l,right", "side(1)", "Right side", show=False, id="compare.right"),
        Binding("enter", "open", "Go to turn", id="compare.open"),
    ]

    @dataclass
    class TurnsNeeded(WidgetMessage["SideBySide"]):
        """Posted when turns are in sight that were not compared; answer with `receive` or `drop_request`."""

        comparison: Comparison
        start: int
        """The index of the first pair in `comparison.pairs`."""
        pairs: tuple[TurnPair, ...]

    @dataclass
    class TurnOpened(WidgetMessage["SideBySide"]):
        """Posted when the user chose a turn."""

        branch_id: str
        turn: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._comparison: Comparison | None = None
        self._turns: PageCache[TurnComparison] = PageCache(_PAGE, _CAPACITY)

    @property
    def side(self) -> int:
        """The side whose turn Enter goes to: 0 for left, 1 for right."""
        return self._side

    def show(self, comparison: Comparison) -> None:
        """Show a comparison from its beginning."""
        self._comparison = comparison
        self._clear()
        self.show_blocks(len(comparison.pairs))

    def swap(self, comparison: Comparison) -> None:
        """Show the same comparison with its sides exchanged."""
        turns = [(index, turns.swapped()) for index, turns in self._turns.items()]
        self._comparison = comparison
        self._clear()
        for index, swapped in turns:
            self._turns.put(index, [swapped], self._turns.revision)
        self._side = 1 - self._side
        self.refresh()

    def receive(self, comparison: Comparison, start: int, turns: Sequence[TurnComparison]) -> None:
        """Show the turns that `TurnsNeeded` requested, unless another comparison is shown meanwhile."""
        if comparison is not self._comparison:
            return
        self._turns.put(start, turns, self._turns.revision)
        for position in range(start, start + len(turns)):
            self.block_changed(position)
        self.update_view()
        self.seek_on()

    def drop_request(self, start: int) -> None:
        """Forget the request for turns that could not be read, so that they are requested again when needed."""
        self._turns.drop_request(start)
        self._seek_step = 0

    def _clear(self) -> None:
        self._turns.clear()
        self.clear_blocks()

    # Drawing

    def draw_block(self, position: int, styles: DiffStyles, *, full: bool) -> Block | None:
        turns = self._turns.get(position)
        if turns is None or self._comparison is None:
            return None
        return draw_turns(self._comparison, turns, self.column_width, self.column_count, styles, full=full)

    def request_blocks(self, start: int, end: int) -> None:
        """Request the turns of a range that were not compared."""
        comparison = self._comparison
        if comparison is None:
            return
        for page in self._turns.missing_pages(range(start, min(end, self.count)), range(self.count)):
            pairs = comparison.pairs[page.start : page.stop]
            self.post_message(self.TurnsNeeded(self, comparison, page.start, pairs))

    # Moving

    def block_differs(self, position: int) -> bool | None:
        turns = self._turns.get(position)
        return None if turns is None else turns.differs

    def request_ahead(self, position: int, step: int) -> None:
        end = position + _SEEK_AHEAD if step > 0 else position + 1
        self.request_blocks(max(end - _SEEK_AHEAD, 0), end)

    def action_side(self, side: int) -> None:
        """Choose the side whose turn Enter goes to."""
        self._side = side
        self.refresh()

    def action_open(self) -> None:
        """Go to the turn under the cursor, or to the turn beside it if the chosen side has none."""
        comparison, (position, number) = self._comparison, self.cursor
        if comparison is None or position >= self.count:
            return
        pair, block = comparison.pairs[position], self.block(position)
        row = block.rows[number] if block is not None and number < len(block.rows) else None
        side = self._side if row is None or row.side is None else row.side
        turns = [(comparison.left.branch_id, pair.left), (comparison.right.branch_id, pair.right)]
        for branch_id, turn in (turns[side], turns[1 - side]):
            if turn is not None:
                self.post_message(self.TurnOpened(self, branch_id, turn))
                return

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line and side; go to the turn on a double click."""
        super().on_click(event)
        offset = event.get_content_offset(self)
        if offset is not None and self.column_count == 2:
            self.action_side(int(offset.x >= MARGIN + self.column_width + 1))
        if offset is not None and event.chain == 2 and event.button == 1:
            self.action_open()
