"""The usage of turns that the charts have read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sys import maxsize
from typing import Final

from tui.model import BranchUsage, TurnUsage, usage_page
from tui.widgets.page_cache import PageCache

__all__ = ["TurnUsageCache"]

_CAPACITY: Final = 2048


class TurnUsageCache:
    """The usage of the turns of one branch, shared by all its charts."""

    def __init__(self) -> None:
        first, last = usage_page(1)
        self._pages: PageCache[TurnUsage] = PageCache(last - first + 1, _CAPACITY)
        self._branch_usage: BranchUsage | None = None

    @property
    def generation(self) -> int:
        """The number of times the turns became stale; pages that were requested in other generations are dropped."""
        return self._pages.revision

    def follow(self, branch_usage: BranchUsage | None) -> None:
        """Make the turns stale, and store the page that a branch's usage contains.

        If the branch has changed, its old turns are dropped.
        """
        before, self._branch_usage = self._branch_usage, branch_usage
        if branch_usage is before:
            return
        if before is None or branch_usage is None or before.branch_id != branch_usage.branch_id:
            self._pages.clear()
        self.invalidate()
        if branch_usage is not None and branch_usage.page:
            self.missing_pages([branch_usage.page[0].turn])
            self.receive(self.generation, branch_usage.page)

    def invalidate(self) -> None:
        """Make all turns stale."""
        self._pages.invalidate(self.generation + 1)

    def get(self, turn: int) -> TurnUsage | None:
        """Return the usage of a turn; None if it was not read."""
        return self._pages.get(turn)

    def missing_pages(self, turns: Iterable[int]) -> list[tuple[int, int]]:
        """Return the missing pages of some turns, and remember them as requested.

        Returns:
            The first and the last turn of each page; the branch may have fewer turns.
        """
        return [(page.start, page.stop - 1) for page in self._pages.missing_pages(turns, range(1, maxsize))]

    def receive(self, generation: int, turns: Sequence[TurnUsage]) -> None:
        """Store a page that was requested in a generation, unless the generation has changed."""
        if generation == self.generation and turns:
            self._pages.put(turns[0].turn, turns, generation)
