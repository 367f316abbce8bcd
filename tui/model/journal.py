"""Changes that can be undone, and what a deletion takes away."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from tui.model.tree import GENERATED_ID, Branch
from tui.words import shorten

__all__ = ["CompactionPreview", "DeletionImpact", "EntryState", "JournalEntry", "Origin", "SharedTurns", "describe_run"]

_QUOTED_ID: Final = re.compile(f"'{GENERATED_ID.pattern}'", re.ASCII)

_QUOTE_LENGTH: Final = 40
"""Characters of a message that the entry of its run quotes."""


class EntryState(StrEnum):
    """The state of a change."""

    DONE = "done"
    """The change is in effect, and can be undone."""
    UNDONE = "undone"
    """The change was undone, and can be redone."""
    PERMANENT = "kept"
    """The change is in effect, and cannot be undone any more."""


class Origin(StrEnum):
    """The origin of a change, in words."""

    HERE = "by this process"
    EARLIER = "before this start"
    ELSEWHERE = "by another program"


class JournalEntry(NamedTuple):
    """A change that the explorer made.

    Attributes:
        id: Greater than the ids of earlier entries.
        branch_id: The branch that was changed; None if the session itself was changed.
        operation: The kind of change, one word.
        description: The change, on one line; names in it are untrusted.
        kept_bytes: Bytes that the file keeps to undo or redo the change.
        created_at: Time at which the change was made: UTC, naive.
        origin: Origin of the change.
    """

    id: int
    session_id: str
    branch_id: str | None
    operation: str
    description: str
    state: EntryState
    kept_bytes: int
    created_at: str
    origin: Origin = Origin.HERE

    @property
    def readable_description(self) -> str:
        """The description, with `fork from turn 2` for an id that was made from turn and time."""
        return _QUOTED_ID.sub(r"fork from turn \1", self.description)


class CompactionPreview(NamedTuple):
    """The data that a compaction of a branch replaces.

    Attributes:
        tokens: Their size, estimated from the text.
        model: Name of the model that compacts them.
    """

    turns: int
    items: int
    tokens: int
    model: str


class SharedTurns(NamedTuple):
    """Turns of a branch that other branches hold too, so that they remain when it is deleted.

    Attributes:
        branches: The other branches that hold these turns.
    """

    first: int
    last: int
    branches: tuple[Branch, ...]


class DeletionImpact(NamedTuple):
    """The data that the deletion of a branch or a session takes away.

    Attributes:
        branch_id: The branch; None if the session is deleted.
        branches: Number of branches that are deleted.
        turns: Number of turns that no other branch holds.
        items: Number of stored items that no other branch holds.
        tokens: Tokens of the usage that is deleted; None if no usage is stored.
        kept_tokens: Tokens of the usage that is kept, since the branch ran turns in `shared_turns`; None without any.
        tokens_are_estimated: Whether some of `tokens` are estimates.
        kept_tokens_are_estimated: Whether some of `kept_tokens` are estimates.
    """

    session_id: str
    branch_id: str | None
    branches: int
    turns: int
    items: int
    tokens: int | None
    shared_turns: tuple[SharedTurns, ...] = ()
    kept_tokens: int | None = None
    tokens_are_estimated: bool = False
    kept_tokens_are_estimated: bool = False


def describe_run(message: str | None, branch_id: str) -> str:
    """Return the description of a run that answered a message; None for one that must not be quoted."""
    quoted = "a message" if message is None else f"“{shorten(message, _QUOTE_LENGTH)}”"
    return f"Sent {quoted} on '{branch_id}'"
