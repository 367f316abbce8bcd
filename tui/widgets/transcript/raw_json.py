"""A list of items as the JSON that it is, however long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from rich.segment import Segment
from textual.cache import LRUCache
from textual.message import Message

from tui.model import Item, Page
from tui.printable import printable
from tui.render import ItemStyles, Line
from tui.render.code import json_lines
from tui.widgets.lines.cursor_view import CursorView
from tui.widgets.lines.paint import MARGIN
from tui.widgets.transcript.item_cache import ItemCache

__all__ = ["RawJson"]

_KEPT: Final = 192
"""Items that are kept drawn."""


class RawJson(CursorView):
    """Items one below the other, as one list of JSON.

    Say with `show` how many there are, and hand over with `receive` what `ItemsNeeded` asks for.
    """

    ALLOW_SELECT = False

    _ESTIMATE = 9

    @dataclass
    class ItemsNeeded(Message):
        """Items came into sight that are not at hand; answer with `receive`."""

        start: int
        """Position of the first of them in the list."""
        end: int
        """Position after the last."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._items = ItemCache()
        self._drawn: LRUCache[int, Sequence[Line]] = LRUCache(_KEPT)
        self._drawn_in: tuple[ItemStyles, int] | None = None
        self._number = 0

    def show(self, number: int) -> None:
        """Show a list of so many items, at its end."""
        self._number = number
        self._items.clear()
        self._drawn.clear()
        self.begin(max(number, 1))
        self.action_finish()

    def receive(self, page: Page) -> None:
        """Take what `ItemsNeeded` asked for, its positions counted from the beginning of the list."""
        at_end = self._viewport.at_end
        for position in self._items.receive(page):
            if position < self.count:
                self._drawn.discard(position)
                self.renew(position)
        if at_end:
            self.action_finish()
        else:
            self.update_view()

    def measure(self, position: int) -> int | None:
        lines = self._lines(position)
        return None if lines is None else len(lines)

    def line(self, position: int, number: int) -> Line:
        lines = self._lines(position)
        if lines is None or number >= len(lines):
            return Line([Segment("…" if number == 0 else "", self.item_styles.muted)])
        return lines[number]

    def request_blocks(self, start: int, end: int) -> None:
        """Ask for the items in sight that are not at hand."""
        for page in self._items.missing_pages(start, end - 1, self._number):
            self.post_message(self.ItemsNeeded(page.start, page.stop).set_sender(self))

    def _lines(self, position: int) -> Sequence[Line] | None:
        look = self.item_styles, self.scrollable_content_region.width
        if look != self._drawn_in:
            self._drawn.clear()
            self._drawn_in = look
        if not self._number:
            return [Line([Segment("[]", self.item_styles.text)])]
        lines = self._drawn.get(position)
        item = self._items.get(position)
        if lines is None and item is not None:
            lines = self._drawn[position] = self._draw(position, item)
        return lines

    def _draw(self, position: int, item: Item) -> Sequence[Line]:
        item_styles = self.item_styles
        if item.data is None:
            told = f"// cannot be decoded, and left out: {item.raw or ''}"
            lines = [Line([Segment(printable(" ".join(told[:400].split())), item_styles.muted)])]
        else:
            lines = list(json_lines(item.data, max(self.text_width - MARGIN, 1), item_styles))
            if position < self._number - 1:
                lines[-1].content.append(Segment(",", item_styles.text))
        first = [Line([Segment("[", item_styles.text)])] if position == 0 else []
        last = [Line([Segment("]", item_styles.text)])] if position == self._number - 1 else []
        return list(chain(first, lines, last))
