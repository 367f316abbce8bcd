"""The turns of two branches side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache

from tui.model.compare import Comparison, TurnComparison, TurnPair
from tui.render import Line
from tui.widgets.compare.lines import Block, DiffStyles, draw_turns
from tui.widgets.lines.cursor_view import CursorView
from tui.widgets.lines.paint import MARGIN
from tui.widgets.message import WidgetMessage
from tui.widgets.page_cache import PageCache

__all__ = ["SideBySide"]

_TWO_COLUMNS_WIDTH: Final = 100
"""Minimum width for two columns."""

_PAGE: Final = 8
"""Pairs of turns that are requested at once."""

_CAPACITY: Final = 128
"""Pairs of turns that are kept."""

_SEEK_AHEAD: Final = 8 * _PAGE
"""Pairs of turns that are requested at once to find the next difference."""

_SEPARATOR_WIDTH: Final = 3
"""Cells between two columns."""


class SideBySide(CursorView):
    """Pairs of turns below each other, in two columns if there is room for them.

    Pass a comparison to `show`, and answer `TurnsNeeded` with `receive`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "difference(1)", "Next difference", id="compare.next"),
        Binding("N", "difference(-1)", "Previous", id="compare.previous"),
        Binding("h,left", "side(0)", "Left side", show=False, id="compare.left"),
        Binding("l,right", "side(1)", "Right side", show=False, id="compare.right"),
        Binding("o", "full", "All of it", id="compare.full"),
        Binding("enter", "open", "Go to turn", id="compare.open"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "side-by-side--left",
        "side-by-side--left-words",
        "side-by-side--right",
        "side-by-side--right-words",
    }
    """See `DiffStyles`."""

    DEFAULT_CSS = """
    SideBySide {
        & > .side-by-side--left { color: $text-error; text-style: bold; }
        & > .side-by-side--left-words { color: $text-error; background: $error-muted; }
        & > .side-by-side--right { color: $text-success; text-style: bold; }
        & > .side-by-side--right-words { color: $text-success; background: $success-muted; }
        &:ansi > .side-by-side--left-words { text-style: reverse; }
        &:ansi > .side-by-side--right-words { text-style: reverse; }
        &:nocolor > .side-by-side--left-words { text-style: bold underline; }
        &:nocolor > .side-by-side--right-words { text-style: bold underline; }
    }
    """

    ALLOW_SELECT = False

    _ESTIMATE = 12

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
        self._drawn: LRUCache[int, Block] = LRUCache(_CAPACITY)
        self._drawn_in: DiffStyles | None = None
        self._side = 0
        self._full = False
        self._seek_step = 0
        self._seek_from = (0, 0)

    @property
    def column_count(self) -> int:
        """2 if the sides are next to each other, 1 if they are one below the other."""
        return 2 if self.size.width >= _TWO_COLUMNS_WIDTH else 1

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
            self._drawn.discard(position)
            self.invalidate(position)
        self.update_view()
        if self._seek_step:
            self._seek()

    def drop_request(self, start: int) -> None:
        """Forget the request for turns that could not be read, so that they are requested again when needed."""
        self._turns.drop_request(start)
        self._seek_step = 0

    def _clear(self) -> None:
        self._turns.clear()
        self._drawn.clear()
        self._seek_step = 0

    # Drawing

    def measure(self, position: int) -> int | None:
        block = self._block(position)
        return None if block is None else len(block.rows)

    def line(self, position: int, number: int) -> Line:
        block = self._block(position)
        if block is None or number >= len(block.rows):
            is_waiting = block is None and number == 0
            return Line([Segment("…" if is_waiting else "", self.item_styles.muted)])
        row = block.rows[number]
        has_cursor = (position, number) == self.cursor and self.has_focus
        cursor_style = self.get_component_rich_style("cursor-view--cursor") if has_cursor else Style.null()
        if self.column_count == 1:
            return Line(_padded(row.left, self._column_width, cursor_style))
        backgrounds = [cursor_style if side == self._side else Style.null() for side in (0, 1)]
        if has_cursor and self._side:
            separator = Segment(" ▌ ", self.foreground_style("cursor-view--bar"))
        else:
            separator = Segment(" │ ", self.item_styles.muted)
        left = _padded(row.left, self._column_width, backgrounds[0])
        return Line([*left, separator, *_padded(row.right, self._column_width, backgrounds[1])])

    def left_edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """Return a bar for the line under the cursor, unless the right side is chosen."""
        if self.column_count == 2 and self._side:
            return Segment(" "), self.rich_style
        return super().left_edge(position, number)

    def request_blocks(self, start: int, end: int) -> None:
        """Request the turns of a range that were not compared."""
        comparison = self._comparison
        if comparison is None:
            return
        for page in self._turns.missing_pages(range(start, min(end, self.count)), range(self.count)):
            pairs = comparison.pairs[page.start : page.stop]
            self.post_message(self.TurnsNeeded(self, comparison, page.start, pairs))

    @property
    def _column_width(self) -> int:
        # The last cell keeps text off the scrollbar.
        room = max(self.scrollable_content_region.width - MARGIN - 1, 1)
        return room if self.column_count == 1 else (room - _SEPARATOR_WIDTH) // 2

    def _block(self, position: int) -> Block | None:
        styles = self._diff_styles
        if styles != self._drawn_in:
            self._drawn.clear()
            self._drawn_in = styles
        drawn = self._drawn.get(position)
        turns = self._turns.get(position)
        if drawn is None and turns is not None and self._comparison is not None:
            drawn = draw_turns(self._comparison, turns, self._column_width, self.column_count, styles, full=self._full)
            self._drawn[position] = drawn
        return drawn

    @property
    def _diff_styles(self) -> DiffStyles:
        return DiffStyles(
            self.item_styles,
            self.foreground_style("side-by-side--left"),
            self.foreground_style("side-by-side--right"),
            self.get_component_rich_style("side-by-side--left-words"),
            self.get_component_rich_style("side-by-side--right-words"),
        )

    def on_size(self) -> None:
        """Draw in the current width."""
        self._drawn.clear()
        super().on_size()

    # Moving

    def action_difference(self, step: int) -> None:
        """Go to the next (1) or previous (-1) difference, even if its turn must be read first."""
        self._seek_step, self._seek_from = step, self.cursor
        self._seek()

    def _seek(self) -> None:
        """Go on to the difference that the user asked for; if turns before it were not read, request them and stop."""
        step, (position, number) = self._seek_step, self._seek_from
        while 0 <= position < self.count:
            turns = self._turns.get(position)
            if turns is None:
                self._seek_from = position, number
                end = position + _SEEK_AHEAD if step > 0 else position + 1
                self.request_blocks(max(end - _SEEK_AHEAD, 0), end)
                return
            # Turns without a difference need not be drawn.
            block = self._block(position) if turns.differs else None
            differences = block.differences if block is not None else ()
            ahead = [row for row in differences if (row > number if step > 0 else row < number)]
            if ahead:
                self._seek_step = 0
                self.go_to(position, ahead[0] if step > 0 else ahead[-1])
                return
            position += step
            number = -1 if step > 0 else sys.maxsize
        self._seek_step = 0
        self.app.bell()

    def action_side(self, side: int) -> None:
        """Choose the side whose turn Enter goes to."""
        self._side = side
        self.refresh()

    def action_full(self) -> None:
        """Toggle between showing common items in full and shortened."""
        self._full = not self._full
        self._drawn.clear()
        self._viewport.reset(self.count)
        self.go_to(self.cursor[0])

    def action_open(self) -> None:
        """Go to the turn under the cursor, or to the turn beside it if the chosen side has none."""
        comparison, (position, number) = self._comparison, self.cursor
        if comparison is None or position >= self.count:
            return
        pair, block = comparison.pairs[position], self._block(position)
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
            self.action_side(int(offset.x >= MARGIN + self._column_width + 1))
        if offset is not None and event.chain == 2 and event.button == 1:
            self.action_open()


def _padded(cells: Sequence[Segment], width: int, background: Style) -> list[Segment]:
    """Return segments cut or padded to a width, over a background."""
    padded = Segment.adjust_line_length(list(cells), width)
    return [Segment(text, background + style if style else background) for text, style, _ in padded]
