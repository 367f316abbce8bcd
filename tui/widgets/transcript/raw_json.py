"""A list of items as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from rich.segment import Segment
from textual.cache import LRUCache

from tui.model import Item, Page
from tui.printable import printable
from tui.render import ItemStyles, Line
from tui.render.code import json_lines
from tui.widgets.lines.cursor_view import CursorView
from tui.widgets.lines.paint import MARGIN
from tui.widgets.message import WidgetMessage
from tui.widgets.transcript.item_cache import ItemCache

__all__ = ["RawJson"]

_CAPACITY: Final = 192
"""Rendered items that are kept."""

_MAX_UNDECODABLE_LENGTH: Final = 400
"""Characters that are shown of an item that cannot be decoded."""


class RawJson(CursorView):
    """Shows items as one JSON list.

    Call `show` with the number of items, and answer `ItemsNeeded` with `receive`.
    """

    ALLOW_SELECT = False

    _ESTIMATE = 9

    @dataclass
    class ItemsNeeded(WidgetMessage["RawJson"]):
        """Posted when items are in sight that were not read; answer with `receive`."""

        start: int
        """Position of the first item in the list."""
        end: int
        """Position after the last item."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._items = ItemCache()
        self._rendered: LRUCache[int, Sequence[Line]] = LRUCache(_CAPACITY)
        self._rendered_in: tuple[ItemStyles, int] | None = None
        self._item_count = 0

    def show(self, item_count: int) -> None:
        """Show a list of this many items, scrolled to its end."""
        self._item_count = item_count
        self._items.clear()
        self._rendered.clear()
        self.show_blocks(max(item_count, 1))
        self.action_finish()

    def receive(self, page: Page) -> None:
        """Show the items that `ItemsNeeded` requested, with positions in the list."""
        at_end = self._viewport.at_end
        for position in self._items.receive(page):
            if position < self.count:
                self._rendered.discard(position)
                self.invalidate(position)
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
        """Request the items of a range that were not read."""
        for page in self._items.missing_pages(start, end - 1, self._item_count):
            self.post_message(self.ItemsNeeded(self, page.start, page.stop))

    def _lines(self, position: int) -> Sequence[Line] | None:
        styles = self.item_styles, self.scrollable_content_region.width
        if styles != self._rendered_in:
            self._rendered.clear()
            self._rendered_in = styles
        if not self._item_count:
            return [Line([Segment("[]", self.item_styles.text)])]
        lines = self._rendered.get(position)
        item = self._items.get(position)
        if lines is None and item is not None:
            lines = self._rendered[position] = self._render_item(position, item)
        return lines

    def _render_item(self, position: int, item: Item) -> Sequence[Line]:
        item_styles = self.item_styles
        if item.data is None:
            raw = " ".join((item.raw or "")[:_MAX_UNDECODABLE_LENGTH].split())
            lines = [Line([Segment(printable(f"// cannot be decoded, and left out: {raw}"), item_styles.muted)])]
        else:
            lines = list(json_lines(item.data, max(self.text_width - MARGIN, 1), item_styles))
            if position < self._item_count - 1:
                lines[-1].content.append(Segment(",", item_styles.text))
        first = [Line([Segment("[", item_styles.text)])] if position == 0 else []
        last = [Line([Segment("]", item_styles.text)])] if position == self._item_count - 1 else []
        return list(chain(first, lines, last))
