"""Two stretches of turns side by side, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message

from tui.model.compare import Comparison, TurnComparison, TurnPair
from tui.render import ItemStyles, Line
from tui.widgets.compare.lines import Block, DiffStyles, Row, draw_turns
from tui.widgets.lines.cursor_view import CursorView
from tui.widgets.lines.paint import MARGIN

__all__ = ["SideBySide"]

_TWO_COLUMNS: Final = 100
"""Cells of the widget from which the sides stand side by side."""

_PAGE: Final = 8
"""Pairs of turns that are asked for at once."""

_KEPT: Final = 128
"""Pairs of turns that are kept."""

_BELOW: Final = 1 << 30
"""A row below all rows of a block."""

_BETWEEN: Final = 3
"""Cells between two columns."""


class SideBySide(CursorView):
    """Pairs of turns, one below the other; in two columns where there is room for them.

    Give it a comparison with `show`, and what `DetailsNeeded` asks for with `receive`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "difference(1)", "Next difference", id="compare.next"),
        Binding("N", "difference(-1)", "Previous", id="compare.previous"),
        Binding("h,left", "side(0)", "Left side", show=False, id="compare.left"),
        Binding("l,right", "side(1)", "Right side", show=False, id="compare.right"),
        Binding("o", "full", "All of it", id="compare.full"),
        Binding("enter", "open", "Go to turn", id="compare.open"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | n, N | The next difference, the one before. |
    | h, left | The left side. |
    | l, right | The right side. |
    | o | Show what both sides have in full, or only enough to know it. |
    | enter | Go to the turn under the cursor. |
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "side-by-side--left",
        "side-by-side--left-words",
        "side-by-side--right",
        "side-by-side--right-words",
    }
    """
    | Class | Description |
    | :- | :- |
    | `side-by-side--left` | The left branch's name, and the sign at what only it has. |
    | `side-by-side--left-words` | Words that only the left side has. |
    | `side-by-side--right` | The right branch's name, and the sign at what only it has. |
    | `side-by-side--right-words` | Words that only the right side has. |
    """

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
    class DetailsNeeded(Message):
        """Turns came into sight of which the items are not known; answer with `receive`."""

        comparison: Comparison
        """What they belong to."""
        start: int
        """The place of the first pair in `comparison.pairs`."""
        pairs: tuple[TurnPair, ...]
        """The pairs of turns."""

    @dataclass
    class TurnOpened(Message):
        """A turn was chosen."""

        branch_id: str
        """The branch to show."""
        turn: int
        """The turn of it."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._comparison: Comparison | None = None
        self._details: LRUCache[int, TurnComparison] = LRUCache(_KEPT)
        self._drawn: LRUCache[int, Block] = LRUCache(_KEPT)
        self._drawn_in: DiffStyles | None = None
        self._asked: set[int] = set()
        self._side = 0
        self._full = False
        self._seeking = 0
        self._passed = (0, 0)

    @property
    def columns(self) -> int:
        """2 where the sides stand side by side, 1 where they stand one below the other."""
        return 2 if self.size.width >= _TWO_COLUMNS else 1

    @property
    def side(self) -> int:
        """The side whose turn Enter goes to: 0 the left, 1 the right."""
        return self._side

    def show(self, comparison: Comparison) -> None:
        """Show a comparison from its beginning."""
        self._comparison = comparison
        self._forget()
        self.show_blocks(len(comparison.pairs))

    def swap(self, comparison: Comparison) -> None:
        """Show the same comparison with its sides exchanged."""
        details = {place: self._details[place].swapped() for place in self._details.keys()}  # noqa: SIM118 no mapping
        self._comparison = comparison
        self._forget()
        for place, detail in details.items():
            self._details[place] = detail
        self._side = 1 - self._side
        self.refresh()

    def receive(self, comparison: Comparison, start: int, details: Sequence[TurnComparison]) -> None:
        """Take what `DetailsNeeded` asked for; what belongs to another comparison is dropped."""
        if comparison is not self._comparison:
            return
        for place, detail in enumerate(details, start):
            self._details[place] = detail
            self._drawn.discard(place)
            self._asked.discard(place)
            self.invalidate(place)
        self.update_view()
        if self._seeking:
            self._seek()

    def forgo(self, start: int, count: int) -> None:
        """Do without what `DetailsNeeded` asked for: it could not be read, and is asked for when it next matters."""
        self._asked.difference_update(range(start, start + count))
        self._seeking = 0

    def _forget(self) -> None:
        self._details.clear()
        self._drawn.clear()
        self._asked.clear()
        self._seeking = 0

    # What is drawn

    def measure(self, position: int) -> int | None:
        block = self._block(position)
        return None if block is None else len(block.rows)

    def line(self, position: int, number: int) -> Line:
        block = self._block(position)
        if block is None or number >= len(block.rows):
            waits = block is None and number == 0
            return Line([Segment("…" if waits else "", self.item_styles.muted)])
        row = block.rows[number]
        on_it = (position, number) == self.cursor and self.has_focus
        background_style = self.get_component_rich_style("cursor-view--cursor") if on_it else Style.null()
        if self.columns == 1:
            return Line(_cells(row.left, self._column_width, background_style))
        grounds = [background_style if on_it and side == self._side else Style.null() for side in (0, 1)]
        between = Segment(" ▌ " if on_it and self._side else " │ ", self._bar(on_it))
        left = _cells(row.left, self._column_width, grounds[0])
        return Line([*left, between, *_cells(row.right, self._column_width, grounds[1])])

    def left_edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """The bar at the cursor, where that is on the left side."""
        if self.columns == 2 and self._side:
            return Segment(" "), self.rich_style
        return super().left_edge(position, number)

    def request_blocks(self, start: int, end: int) -> None:
        """Ask for the turns in sight that are not known yet."""
        comparison = self._comparison
        lacking = [
            place for place in range(start, min(end, self.count)) if place not in self._details and self._may_ask(place)
        ]
        if comparison is not None and lacking:
            first, last = lacking[0], min(max(lacking[-1] + 1, lacking[0] + _PAGE), self.count)
            self._asked.update(range(first, last))
            pairs = comparison.pairs[first:last]
            self.post_message(self.DetailsNeeded(comparison, first, pairs).set_sender(self))

    def _may_ask(self, place: int) -> bool:
        return place not in self._asked

    @property
    def _column_width(self) -> int:
        room = max(self.scrollable_content_region.width - MARGIN, 1)
        return room if self.columns == 1 else (room - _BETWEEN) // 2

    def _bar(self, on_it: bool) -> Style:
        return self.foreground_style("cursor-view--bar") if on_it and self._side else self.item_styles.muted

    def _block(self, position: int) -> Block | None:
        inks = self._inks
        if inks != self._drawn_in:
            self._drawn.clear()
            self._drawn_in = inks
        drawn = self._drawn.get(position)
        detail = self._details.get(position)
        if drawn is None and detail is not None and self._comparison is not None:
            drawn = draw_turns(self._comparison, detail, self._column_width, self.columns, inks, full=self._full)
            self._drawn[position] = drawn
        return drawn

    @property
    def _inks(self) -> DiffStyles:
        item_styles: ItemStyles = self.item_styles
        return DiffStyles(
            item_styles,
            self.foreground_style("side-by-side--left"),
            self.foreground_style("side-by-side--right"),
            self.get_component_rich_style("side-by-side--left-words"),
            self.get_component_rich_style("side-by-side--right-words"),
        )

    def on_size(self) -> None:
        """Draw anew in the width that there is now."""
        self._drawn.clear()
        super().on_size()

    # What the user does

    def action_difference(self, step: int) -> None:
        """Go to the next difference (`step` 1), or the one before (-1), also where its turn is not known yet."""
        self._seeking, self._passed = step, self.cursor
        self._seek()

    def _seek(self) -> None:
        step, (position, number) = self._seeking, self._passed
        while 0 <= position < self.count:
            block = self._block(position)
            if block is None:
                near = range(max(position - _PAGE + 1, 0), position + 1) if step < 0 else range(position, position + 1)
                self.request_blocks(near.start, near.stop)
                return
            ahead = [row for row in block.differences if (row > number if step > 0 else row < number)]
            if ahead:
                self._seeking = 0
                self.go_to(position, ahead[0] if step > 0 else ahead[-1])
                return
            position += step
            number = -1 if step > 0 else _BELOW
            self._passed = position, number
        self._seeking = 0
        self.app.bell()

    def action_side(self, side: int) -> None:
        """Choose the side whose turn Enter goes to."""
        self._side = side
        self.refresh()

    def action_full(self) -> None:
        """Show what both sides have in full, or only enough to know it."""
        self._full = not self._full
        self._drawn.clear()
        self._viewport.reset(self.count)
        self.go_to(self.cursor[0])

    def action_open(self) -> None:
        """Go to the turn under the cursor; where its side has none, to the other one's."""
        comparison, (position, number) = self._comparison, self.cursor
        if comparison is None or position >= self.count:
            return
        pair, block = comparison.pairs[position], self._block(position)
        row: Row | None = block.rows[number] if block is not None and number < len(block.rows) else None
        side = self._side if row is None or row.side is None else row.side
        places = [(comparison.left.branch_id, pair.left), (comparison.right.branch_id, pair.right)]
        for branch_id, turn in (places[side], places[1 - side]):
            if turn is not None:
                self.post_message(self.TurnOpened(branch_id, turn))
                return

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line and the side; a second click goes to the turn."""
        super().on_click(event)
        offset = event.get_content_offset(self)
        if offset is not None and self.columns == 2:
            self.action_side(int(offset.x >= MARGIN + self._column_width + 1))
        if offset is not None and event.chain == 2:
            self.action_open()


def _cells(cells: Sequence[Segment], width: int, background_style: Style) -> list[Segment]:
    """The segments in exactly so many cells, over a ground of their own."""
    padded = Segment.adjust_line_length(list(cells), width)
    return [Segment(text, background_style + style if style else background_style) for text, style, _ in padded]
