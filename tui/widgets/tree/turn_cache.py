"""The turns that the tree has read so far, and which of them it has to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tui.model import Chain, Turn

__all__ = ["PAGE", "TurnPage", "TurnStore"]

PAGE = 64
"""How many turns are asked for at once."""

CAPACITY = 8192
"""How many turns are kept."""


class TurnPage(NamedTuple):
    """Turns to be read.

    Attributes:
        branch_id: A branch that holds them.
        first: Number of the first.
        last: Number of the last.
    """

    branch_id: str
    first: int
    last: int


class TurnStore:
    """Turns by the oldest branch that holds them, kept until newer ones come.

    A turn of an older revision is still given, so that the pane does not flicker, and is asked for again.
    """

    def __init__(self) -> None:
        self._turns: dict[tuple[str, int], tuple[int, Turn]] = {}
        self._asked: set[TurnPage] = set()
        self._revision = 0

    def clear(self) -> None:
        """Forget everything: another session is shown."""
        self._turns.clear()
        self._asked.clear()

    def renew(self, revision: int) -> None:
        """From now on only turns of this revision are fresh."""
        self._revision = revision
        self._asked.clear()

    def get(self, chain: Chain, turn: int) -> Turn | None:
        """A turn of a chain as far as it is known."""
        entry = self._turns.get((chain.holders[0], turn))
        return None if entry is None else entry[1]

    def wanted(self, chain: Chain, turns: Iterable[int]) -> list[TurnPage]:
        """The pages that hold those of a chain's turns that are not fresh, without those that were asked for before.

        They count as asked for from now on.
        """
        branch_id = chain.holders[0]
        starts = {turn - (turn - chain.first) % PAGE for turn in turns if not self._fresh(branch_id, turn)}
        pages = [TurnPage(branch_id, start, min(start + PAGE - 1, chain.last)) for start in sorted(starts)]
        new = [page for page in pages if page not in self._asked]
        self._asked.update(new)
        return new

    def receive(self, branch_id: str, revision: int, turns: Sequence[Turn]) -> None:
        """Keep turns that were read under a revision.

        A page that came incomplete is not asked for again under the same revision: that would never end.
        """
        for turn in turns:
            key = (branch_id, turn.number)
            entry = self._turns.pop(key, None)
            self._turns[key] = (revision, turn) if entry is None or entry[0] <= revision else entry
        self._asked = {page for page in self._asked if page.branch_id != branch_id or not self._complete(page)}
        while len(self._turns) > CAPACITY:
            del self._turns[next(iter(self._turns))]

    def _fresh(self, branch_id: str, turn: int) -> bool:
        entry = self._turns.get((branch_id, turn))
        return entry is not None and entry[0] >= self._revision

    def _complete(self, page: TurnPage) -> bool:
        return all(self._fresh(page.branch_id, turn) for turn in range(page.first, page.last + 1))
