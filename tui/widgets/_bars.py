"""The turns' tokens that the charts have been given so far, and which of them they have to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.model import Accounts, TurnUsage

__all__ = ["PAGE", "Bars"]

PAGE = 64
"""How many turns are asked for at once."""

CAPACITY = 32
"""How many pages are kept."""


class Bars:
    """What the turns of one branch cost, by page, kept until newer ones come.

    What is no longer fresh is still given, so that the chart does not flicker, and is asked for again.

    Attributes:
        edition: Grows when what was asked for before is no longer wanted.
    """

    def __init__(self) -> None:
        self.edition = 0
        self._accounts: Accounts | None = None
        self._pages: dict[int, Sequence[TurnUsage]] = {}
        self._asked: set[int] = set()

    def follow(self, accounts: Accounts | None) -> None:
        """Go on with these accounts, and forget everything where they are another branch's."""
        if accounts is not self._accounts:
            before, self._accounts = self._accounts, accounts
            if before is None or accounts is None or before.branch_id != accounts.branch_id:
                self._pages.clear()
            self.renew()

    def renew(self) -> None:
        """From now on nothing that is kept is fresh."""
        self.edition += 1
        self._asked.clear()

    def get(self, turn: int) -> TurnUsage | None:
        """What a turn cost, as far as that is known."""
        page, place = divmod(turn - 1, PAGE)
        found = self._pages.get(page, ())
        return found[place] if turn > 0 and place < len(found) else None

    def wanted(self, turns: Iterable[int]) -> list[tuple[int, int]]:
        """First and last turn of the pages with these turns that are not fresh and were not asked for before.

        They count as asked for from now on.
        """
        pages = sorted({(turn - 1) // PAGE for turn in turns} - self._asked)
        self._asked.update(pages)
        return [(page * PAGE + 1, (page + 1) * PAGE) for page in pages]

    def receive(self, edition: int, turns: Sequence[TurnUsage]) -> None:
        """Keep a page that was asked for under an edition, unless that is over."""
        if edition != self.edition or not turns:
            return
        page = (turns[0].turn - 1) // PAGE
        self._pages.pop(page, None)
        self._pages[page] = turns
        while len(self._pages) > CAPACITY:
            oldest = next(iter(self._pages))
            del self._pages[oldest]
            self._asked.discard(oldest)
