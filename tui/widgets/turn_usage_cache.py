"""The turns' tokens that the charts have been given so far, and which of them they have to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.model import BranchUsage, TurnUsage, usage_page

__all__ = ["TurnUsageCache"]

CAPACITY = 32
"""How many pages are kept."""


class TurnUsageCache:
    """What the turns of one branch cost, by page, kept until newer ones come.

    What is no longer fresh is still given, so that the chart does not flicker, and is asked for again.

    Attributes:
        edition: Grows when what was asked for before is no longer wanted.
    """

    def __init__(self) -> None:
        self.edition = 0
        self._accounts: BranchUsage | None = None
        self._pages: dict[int, Sequence[TurnUsage]] = {}
        self._asked: set[int] = set()

    def follow(self, branch_usage: BranchUsage | None) -> None:
        """Go on with these accounts, and forget everything where they are another branch's."""
        if branch_usage is not self._accounts:
            before, self._accounts = self._accounts, branch_usage
            if before is None or branch_usage is None or before.branch_id != branch_usage.branch_id:
                self._pages.clear()
            self.renew()
            if branch_usage is not None and branch_usage.page:
                self._asked.add(usage_page(branch_usage.page[0].turn)[0])
                self.receive(self.edition, branch_usage.page)

    def renew(self) -> None:
        """From now on nothing that is kept is fresh."""
        self.edition += 1
        self._asked.clear()

    def get(self, turn: int) -> TurnUsage | None:
        """What a turn cost, as far as that is known."""
        first, _ = usage_page(turn)
        found = self._pages.get(first, ())
        return found[turn - first] if turn > 0 and turn - first < len(found) else None

    def wanted(self, turns: Iterable[int]) -> list[tuple[int, int]]:
        """First and last turn of the pages with these turns that are not fresh and were not asked for before.

        They count as asked for from now on.
        """
        pages = sorted({usage_page(turn) for turn in turns})
        new = [(first, last) for first, last in pages if first not in self._asked]
        self._asked.update(first for first, _ in new)
        return new

    def receive(self, edition: int, turns: Sequence[TurnUsage]) -> None:
        """Keep a page that was asked for under an edition, unless that is over."""
        if edition != self.edition or not turns:
            return
        first, _ = usage_page(turns[0].turn)
        self._pages.pop(first, None)
        self._pages[first] = turns
        while len(self._pages) > CAPACITY:
            oldest = next(iter(self._pages))
            del self._pages[oldest]
            self._asked.discard(oldest)
