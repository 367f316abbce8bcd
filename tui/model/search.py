"""What a search finds."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tui.model.view import Session

__all__ = ["Hit", "Results", "SearchOrigin", "SearchScope", "SearchUpdate"]


class SearchScope(StrEnum):
    """Where to search."""

    BRANCH = "branch"
    SESSION = "session"
    FILE = "file"


class SearchOrigin(NamedTuple):
    """Where to search, from where the user is.

    Attributes:
        scope: How far.
        session: The open session, which is searched first; None in a file without one.
        branch_id: The branch to search in `SearchScope.BRANCH`.
    """

    scope: SearchScope
    session: Session | None
    branch_id: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """An item that holds what was searched for.

    Attributes:
        session_id: Its session.
        branch_id: A branch that has it: the one that got it last.
        turn: Its turn; the same number in every branch that has it.
        sequence: Its place in the session; greater in what was written later.
        message_id: Key of its message row.
        type: As the SDK classifies it.
        tool_name: The tool that was called, also for its output; None where none is known.
        created_at: When it was stored: UTC, naive.
        failed: Whether it reports a failure, or cannot be decoded.
        count: How often it holds what was searched for; 1 where only filters were given.
        context: The text round the first place, on one line; untrusted.
        start: Where that place begins in the context, in characters.
        end: Where it ends; `start` where only filters were given.
    """

    session_id: str
    branch_id: str
    turn: int
    sequence: int
    message_id: int
    type: str
    tool_name: str | None = None
    created_at: str | None = None
    failed: bool = False
    count: int = 1
    context: str = ""
    start: int = 0
    end: int = 0


class SearchUpdate(NamedTuple):
    """What a search found since it last told: the open session before others, what was written last before the rest.

    Attributes:
        hits: Each item once, whichever branches have it.
        also: Message ids of hits told now or before, with a further branch that has each.
        share: How much has been searched, from 0 to 1.
        decoded: How many items had to be read in full for that.
        slow: Items passed over, as the regular expression took too long on them.
        full: There are more hits than were asked for; no others will come.
    """

    hits: tuple[Hit, ...] = ()
    also: tuple[tuple[int, str], ...] = ()
    share: float = 0.0
    decoded: int = 0
    slow: int = 0
    full: bool = False


class Results:
    """All that a search found so far.

    Attributes:
        hits: Sessions in the order in which they were met; in each the last turn first, its items as they are read.
        share: How much has been searched, from 0 to 1.
        decoded: How many items had to be read in full.
        slow: Items passed over, as the regular expression took too long on them.
        full: There were more hits than were asked for.
    """

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.share = 0.0
        self.decoded = 0
        self.slow = 0
        self.full = False
        self._branches: dict[int, list[str]] = {}
        self._sessions: dict[str, int] = {}

    def take(self, found: SearchUpdate) -> None:
        """Add what was found."""
        for hit in found.hits:
            self._sessions.setdefault(hit.session_id, len(self._sessions))
            insort(self.hits, hit, key=self._order)
            self._branches[hit.message_id] = [hit.branch_id]
        for message_id, branch_id in found.also:
            self._branches[message_id].append(branch_id)
        self.share = found.share
        self.decoded += found.decoded
        self.slow += found.slow
        self.full = found.full

    def branches(self, hit: Hit) -> tuple[str, ...]:
        """The branches among those searched that have an item, the one that had it first before those that share it."""
        return tuple(reversed(self._branches[hit.message_id]))

    def _order(self, hit: Hit) -> tuple[int, int, str, int]:
        return self._sessions[hit.session_id], -hit.turn, hit.branch_id, hit.message_id

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)
