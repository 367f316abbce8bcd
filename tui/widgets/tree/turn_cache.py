"""The turns that the tree has read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from tui.model import Chain, Turn
from tui.widgets.page_cache import PageCache

__all__ = ["TurnCache", "TurnPage"]

_PAGE: Final = 64
_CAPACITY: Final = 8192


class TurnPage(NamedTuple):
    """Turns to be read.

    Attributes:
        branch_id: A branch that holds them.
        first: Number of the first turn.
        last: Number of the last turn.
    """

    branch_id: str
    first: int
    last: int


class TurnCache:
    """Turns by number and by the oldest branch that holds them."""

    def __init__(self) -> None:
        self._pages: PageCache[Turn] = PageCache(_PAGE, _CAPACITY)

    def clear(self) -> None:
        """Drop all turns, because another session is shown."""
        self._pages.clear()

    def invalidate(self, revision: int) -> None:
        """Make the turns stale that were read under earlier revisions."""
        self._pages.invalidate(revision)

    def get(self, chain: Chain, turn: int) -> Turn | None:
        """Return a turn of a chain; None if it was not read."""
        return self._pages.get(turn, chain.holders[0])

    def missing_pages(self, chain: Chain, turns: Iterable[int]) -> list[TurnPage]:
        """Return the missing pages of turns of a chain, and remember them as requested."""
        branch_id = chain.holders[0]
        pages = self._pages.missing_pages(turns, range(chain.first, chain.last + 1), branch_id)
        return [TurnPage(branch_id, page.start, page.stop - 1) for page in pages]

    def receive(self, branch_id: str, revision: int, turns: Sequence[Turn]) -> None:
        """Store consecutive turns of a branch that were read under a revision."""
        if turns:
            self._pages.put(turns[0].number, turns, revision, branch_id)
