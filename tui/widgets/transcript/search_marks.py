"""Where the lines of a transcript, as they are shown, hold what is searched for."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from textual.cache import LRUCache

from tui.model.query import Query
from tui.widgets.transcript.blocks import Blocks

__all__ = ["Hits", "Place"]

_KEPT: Final = 128
_MOST_LINES: Final = 8_000
"""Lines of an item that are looked through."""

_Key: TypeAlias = tuple[int, int, int]


class Place(NamedTuple):
    """One occurrence in an item: on one line, or on several where it is wrapped.

    Attributes:
        pieces: Number of the line in the item's block, first character and the one after the last.
    """

    pieces: tuple[tuple[int, int, int], ...]

    @property
    def line(self) -> int:
        """The line on which it begins."""
        return self.pieces[0][0]


class _Marks(NamedTuple):
    """What is marked in an item.

    Attributes:
        places: The occurrences in their order.
        lines: For each line that has some, first character, the one after the last, and number of the occurrence.
    """

    places: Sequence[Place] = ()
    lines: Mapping[int, Sequence[tuple[int, int, int]]] = {}


class Hits:
    """Marks in the blocks of a branch: all occurrences of a query, one of them the current one.

    Attributes:
        query: What is marked; None for nothing.
        at: Position of the item with the current occurrence, and its number among the item's; -1 for none.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._known: LRUCache[_Key, _Marks] = LRUCache(_KEPT)
        self.query: Query | None = None
        self.at = (-1, -1)

    def show(self, query: Query | None) -> None:
        """Mark this from now on."""
        if query != self.query:
            self.query = query
            self._known.clear()
            self.at = (-1, -1)

    def places(self, position: int) -> Sequence[Place]:
        """The occurrences in an item as it is shown now; none while it is not at hand."""
        return self._marks(position).places

    def on_line(self, position: int, number: int) -> list[tuple[int, int, bool]]:
        """First character, the one after the last, and whether it is the current one, for each occurrence on a line."""
        if self.query is None:
            return []
        marked = self._marks(position).lines.get(number, ())
        return [(start, end, self.at == (position, ordinal)) for start, end, ordinal in marked]

    def _marks(self, position: int) -> _Marks:
        item = self._blocks.item(position)
        if self.query is None or item is None:
            return _Marks()
        height = self._blocks.viewport.block_height(position)
        if position >= self._blocks.stored:
            # What is being written changes under the same id.
            return self._find(self.query, position, height)
        key = (item.message_id, self._blocks.width, height)
        found = self._known.get(key)
        if found is None:
            self._known[key] = found = self._find(self.query, position, height)
        return found

    def _find(self, query: Query, position: int, height: int) -> _Marks:
        first = self._blocks.blank_lines_above(position)
        lines = [self._blocks.line(position, number) for number in range(first, min(height, first + _MOST_LINES))]
        begins = [0]
        for line in lines:
            begins.append(begins[-1] + len(line.text) + len(line.separator))
        try:
            spans = query.spans("".join(line.text + line.separator for line in lines))
        except TimeoutError:
            return _Marks()
        places: list[Place] = []
        for start, end in spans:
            pieces: list[tuple[int, int, int]] = []
            for index in range(bisect_right(begins, start) - 1, len(lines)):
                if begins[index] >= end:
                    break
                low, high = max(start - begins[index], 0), min(end - begins[index], len(lines[index].text))
                if low < high:
                    pieces.append((first + index, low, high))
            if pieces:
                places.append(Place(tuple(pieces)))
        marked: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for ordinal, place in enumerate(places):
            for number, low, high in place.pieces:
                marked[number].append((low, high, ordinal))
        return _Marks(places, marked)
