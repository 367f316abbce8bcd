"""Searches for items, and their results."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tui.model.view import Session

__all__ = ["Hit", "SearchResults", "SearchScope", "SearchTarget", "SearchUpdate"]


class SearchScope(StrEnum):
    """The reach of a search."""

    BRANCH = "branch"
    SESSION = "session"
    FILE = "file"


class SearchTarget(NamedTuple):
    """The scope of a search, and the session that it searches first.

    Attributes:
        session: The open session; None in a file without sessions.
        branch_id: The branch that `SearchScope.BRANCH` searches.
    """

    scope: SearchScope
    session: Session | None
    branch_id: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """An item that matches a query.

    Attributes:
        branch_id: The branch that got the item last; empty if no branch has it, as a plain `SQLiteSession` stored it in
            a session with branches.
        turn: The turn of the item; its number is the same in every branch that holds it.
        sequence_number: The position of the item in the session; items that were written later have greater ones.
        message_id: Key of the message row.
        type: The type under which the SDK files the item.
        tool_name: The tool that was called, also for its output; None if no tool is known.
        created_at: Time at which the item was stored: UTC, naive.
        failed: Whether the item reports a failure, or cannot be decoded.
        count: Number of matches in the item; 1 if the query has only filters.
        context: The text around the first match, on one line; untrusted.
        start: Offset of the match in the context, in characters.
        end: Offset after the match; equal to `start` if the query has only filters.
    """

    session_id: str
    branch_id: str
    turn: int
    sequence_number: int
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
    """The results of a search since its last update: hits of the open session first, the newest first.

    Attributes:
        hits: The new hits; an item in several branches is one hit.
        further_branches: Message ids of hits, new or earlier, each with a further branch that holds the item.
        progress: The searched share of all items, from 0 to 1.
        decoded: Number of items that had to be decoded.
        timed_out: Number of items that were left out because the regular expression took too long on them.
        truncated: Whether there are more hits than the limit allows; no other hits will follow.
    """

    hits: tuple[Hit, ...] = ()
    further_branches: tuple[tuple[int, str], ...] = ()
    progress: float = 0.0
    decoded: int = 0
    timed_out: int = 0
    truncated: bool = False


class SearchResults:
    """All that a search has found so far.

    The attributes without a description are as in `SearchUpdate`, for all updates together.

    Attributes:
        hits: The hits, session by session in the order in which the sessions were found; in each session the last turn
            first, the items of a turn in their order.
    """

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.progress = 0.0
        self.decoded = 0
        self.timed_out = 0
        self.truncated = False
        self._branches: dict[int, list[str]] = {}
        self._sessions: dict[str, int] = {}

    def add(self, update: SearchUpdate) -> None:
        """Add what the search has found since its last update."""
        for hit in update.hits:
            self._sessions.setdefault(hit.session_id, len(self._sessions))
            insort(self.hits, hit, key=self._order)
            self._branches[hit.message_id] = [hit.branch_id]
        for message_id, branch_id in update.further_branches:
            self._branches[message_id].append(branch_id)
        self.progress = update.progress
        self.decoded += update.decoded
        self.timed_out += update.timed_out
        self.truncated = update.truncated

    def branches(self, hit: Hit) -> tuple[str, ...]:
        """Return the searched branches that hold an item; the first of them had it first."""
        return tuple(reversed(self._branches[hit.message_id]))

    def _order(self, hit: Hit) -> tuple[int, int, str, int]:
        return self._sessions[hit.session_id], -hit.turn, hit.branch_id, hit.message_id

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)
