"""The matches of a query in the shown lines of a transcript."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from textual.cache import LRUCache

from tui.model.query import Query
from tui.widgets.transcript.blocks import Blocks

__all__ = ["Match", "SearchMarks"]

_CAPACITY: Final = 128
"""Items whose matches are kept."""

_MAX_LINES: Final = 8_000
"""Lines of an item that are searched."""

_Key: TypeAlias = tuple[int, int, int]


class Match(NamedTuple):
    """A match in an item, on one line or wrapped over several.

    Attributes:
        parts: For each line, its number in the item's block, and start and end of the characters.
    """

    parts: tuple[tuple[int, int, int], ...]

    @property
    def line(self) -> int:
        """The number of the line on which the match begins."""
        return self.parts[0][0]


class _ItemMatches(NamedTuple):
    """The matches in an item.

    Attributes:
        lines: By line number, start and end of the matching characters, and the ordinal of the match.
    """

    matches: Sequence[Match] = ()
    lines: Mapping[int, Sequence[tuple[int, int, int]]] = {}


class SearchMarks:
    """The matches of a query in the blocks of a branch, and the current match.

    Attributes:
        query: The query; None if nothing is marked.
        current: Position of the item with the current match, and the ordinal of the match in it; -1 for none.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._known: LRUCache[_Key, _ItemMatches] = LRUCache(_CAPACITY)
        self.query: Query | None = None
        self.current = (-1, -1)

    def show(self, query: Query | None) -> None:
        """Mark the matches of a query; None marks nothing."""
        if query != self.query:
            self.query = query
            self._known.clear()
            self.current = (-1, -1)

    def matches(self, position: int) -> Sequence[Match]:
        """Return the matches in the shown lines of an item; no matches if it was not read."""
        return self._item_matches(position).matches

    def on_line(self, position: int, number: int) -> list[tuple[int, int, bool]]:
        """Return start and end of each match on a line, and whether it is the current match."""
        if self.query is None:
            return []
        found = self._item_matches(position).lines.get(number, ())
        return [(start, end, self.current == (position, ordinal)) for start, end, ordinal in found]

    def _item_matches(self, position: int) -> _ItemMatches:
        item = self._blocks.item(position)
        if self.query is None or item is None:
            return _ItemMatches()
        height = self._blocks.viewport.block_height(position)
        if position >= self._blocks.stored:
            # A live item changes under the same id.
            return self._find(self.query, position, height)
        key = (item.message_id, self._blocks.width, height)
        found = self._known.get(key)
        if found is None:
            self._known[key] = found = self._find(self.query, position, height)
        return found

    def _find(self, query: Query, position: int, height: int) -> _ItemMatches:
        first = self._blocks.blank_lines_above(position)
        lines = [self._blocks.line(position, number) for number in range(first, min(height, first + _MAX_LINES))]
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line.text) + len(line.separator))
        try:
            spans = query.spans("".join(line.text + line.separator for line in lines))
        except TimeoutError:
            return _ItemMatches()
        matches: list[Match] = []
        for start, end in spans:
            parts: list[tuple[int, int, int]] = []
            for index in range(bisect_right(starts, start) - 1, len(lines)):
                if starts[index] >= end:
                    break
                low, high = max(start - starts[index], 0), min(end - starts[index], len(lines[index].text))
                if low < high:
                    parts.append((first + index, low, high))
            if parts:
                matches.append(Match(tuple(parts)))
        by_line: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for ordinal, match in enumerate(matches):
            for number, low, high in match.parts:
                by_line[number].append((low, high, ordinal))
        return _ItemMatches(matches, by_line)
