"""What the explorer has done to the file, and what deleting a branch would cost."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["DeletionImpact", "EntryState", "JournalEntry", "SharedTurns"]


class EntryState(StrEnum):
    """Whether something that was done holds."""

    DONE = "done"
    """It holds, and can be undone."""
    UNDONE = "undone"
    """It was undone, and can be done again."""
    KEPT = "kept"
    """It holds for good."""


class JournalEntry(NamedTuple):
    """Something that the explorer did.

    Attributes:
        id: Grows with each entry.
        session_id: The session it was done in.
        branch_id: The branch it was done to; None where it was done to the session.
        op: What kind of thing was done, one word.
        words: What was done, one line; untrusted parts of it are names.
        state: Whether it holds.
        kept_bytes: How much is kept in the file to undo it or do it again.
        at: When it was done: UTC, naive.
    """

    id: int
    session_id: str
    branch_id: str | None
    op: str
    words: str
    state: EntryState
    kept_bytes: int
    at: str


class SharedTurns(NamedTuple):
    """Turns that live on when a branch goes.

    Attributes:
        first: Number of the first of them.
        last: Number of the last.
        branches: The other branches that hold them.
    """

    first: int
    last: int
    branches: tuple[str, ...]


class DeletionImpact(NamedTuple):
    """What deleting a branch, or a whole session, takes away.

    Attributes:
        session_id: The session.
        branch_id: The branch; None for the whole session.
        branches: How many branches go.
        turns: Turns that nothing else holds.
        items: Stored items that nothing else holds.
        tokens: Tokens of the usage that goes; None where none is stored for what goes.
        shared_turns: The turns that other branches hold too.
        kept_tokens: Tokens of usage that this branch ran and that is kept for them; None where there is none.
    """

    session_id: str
    branch_id: str | None
    branches: int
    turns: int
    items: int
    tokens: int | None
    shared_turns: tuple[SharedTurns, ...] = ()
    kept_tokens: int | None = None
