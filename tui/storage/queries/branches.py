"""Branches of one session: which there are, whether they still exist, forking and deleting them.

Functions over a `sqlite3.Connection`; those that write belong inside a write transaction.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Final, NamedTuple

from tui.storage.queries import labels, runs, usage
from tui.storage.schema import (
    CONVO_BRANCHES,
    GENERATIONS,
    MAIN,
    MESSAGE_INDEX,
    RESERVATIONS,
    Conversation,
    has_table,
)

__all__ = [
    "Deleted",
    "claim_generation",
    "delete",
    "exists",
    "fork",
    "generation",
    "has_items",
    "last_turn",
    "listed",
    "mark_empty",
    "mark_filled",
    "missing",
    "reserve_existing",
]

# The first branch after each one found, by the index: as many steps as branches, however many rows they have.
_RESERVE_EXISTING: Final = """
    INSERT OR IGNORE INTO branch_reservations (session_id, branch_id)
    WITH RECURSIVE found(branch_id) AS (
        SELECT MIN(branch_id) FROM message_structure WHERE session_id = :session
        UNION ALL
        SELECT (
            SELECT MIN(branch_id) FROM message_structure
            WHERE session_id = :session AND branch_id > found.branch_id
        )
        FROM found WHERE found.branch_id IS NOT NULL
    )
    SELECT :session, branch_id FROM found WHERE branch_id IS NOT NULL
"""

_COPY_TURNS: Final = """
    INSERT INTO message_structure
        (session_id, message_id, branch_id, message_type, sequence_number,
         user_turn_number, branch_turn_number, tool_name)
    SELECT session_id, message_id, :branch, message_type,
           (SELECT MAX(sequence_number) FROM message_structure WHERE session_id = :session)
               + row_number() OVER (ORDER BY sequence_number),
           user_turn_number, branch_turn_number, tool_name
    FROM message_structure
    WHERE session_id = :session AND branch_id = :source AND user_turn_number < :turn
    ORDER BY sequence_number
"""

_LIST: Final = """
    SELECT branch_id, COUNT(*), COUNT(*) FILTER (WHERE message_type = 'user'), MIN(created_at) AS first_at
    FROM message_structure
    WHERE session_id = ?
    GROUP BY branch_id
    ORDER BY first_at
"""


class Deleted(NamedTuple):
    """How many rows went with a branch."""

    items: int
    usage: int
    messages: int


def generation(db: sqlite3.Connection, conversation: Conversation) -> int:
    """How often the session was cleared; writes nothing."""
    try:
        row = db.execute(
            "SELECT generation FROM session_clear_generations WHERE session_id = ?", (conversation.session_id,)
        ).fetchone()
    except sqlite3.OperationalError as error:
        # A file of an SDK that did not count yet.
        if "no such table" not in str(error):
            raise
        return 0
    return 0 if row is None else int(row[0])


def claim_generation(db: sqlite3.Connection, conversation: Conversation) -> int:
    """How often the session was cleared, noted in the file from now on."""
    db.execute(GENERATIONS)
    db.execute(
        "INSERT OR IGNORE INTO session_clear_generations (session_id, generation) VALUES (?, 0)",
        (conversation.session_id,),
    )
    return generation(db, conversation)


def reserve_existing(db: sqlite3.Connection, conversation: Conversation) -> None:
    """Reserve the ids of all branches that have items, for files whose writers reserved none."""
    db.execute(RESERVATIONS)
    db.execute(_RESERVE_EXISTING, {"session": conversation.session_id})


def has_items(db: sqlite3.Connection, conversation: Conversation, branch_id: str) -> bool:
    """Whether the branch has at least one item."""
    row = db.execute(
        "SELECT 1 FROM message_structure WHERE session_id = ? AND branch_id = ? LIMIT 1",
        (conversation.session_id, branch_id),
    ).fetchone()
    return row is not None


def exists(db: sqlite3.Connection, conversation: Conversation, branch_id: str) -> bool:
    """Whether the branch can be entered: it has items, is known to be empty, or is `main`."""
    if branch_id == MAIN or has_items(db, conversation, branch_id):
        return True
    if not has_table(db, "convo_branches"):
        return False
    row = db.execute(
        "SELECT empty_generation FROM convo_branches WHERE session_id = ? AND branch_id = ?",
        (conversation.session_id, branch_id),
    ).fetchone()
    return row is not None and row[0] == generation(db, conversation)


def missing(branch_id: str) -> ValueError:
    """The error for a branch that is not there."""
    return ValueError(f"Branch '{branch_id}' does not exist")


def last_turn(db: sqlite3.Connection, conversation: Conversation, branch_id: str) -> int:
    """Number of the branch's last turn; 0 where it has none."""
    row = db.execute(
        "SELECT MAX(user_turn_number) FROM message_structure WHERE session_id = ? AND branch_id = ?",
        (conversation.session_id, branch_id),
    ).fetchone()
    return int(row[0] or 0)


def mark_empty(db: sqlite3.Connection, conversation: Conversation, branch_id: str) -> None:
    """Note that a branch has no items left and exists all the same."""
    reserve_existing(db, conversation)
    db.execute(
        "INSERT OR IGNORE INTO branch_reservations (session_id, branch_id) VALUES (?, ?)",
        (conversation.session_id, branch_id),
    )
    db.execute(CONVO_BRANCHES)
    db.execute(
        "INSERT INTO convo_branches (session_id, branch_id, empty_generation) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET empty_generation = excluded.empty_generation",
        (conversation.session_id, branch_id, generation(db, conversation)),
    )


def mark_filled(db: sqlite3.Connection, conversation: Conversation, branch_id: str) -> None:
    """Note that a branch without items gets some: from now on its items prove it."""
    if has_table(db, "convo_branches"):
        db.execute(
            "UPDATE convo_branches SET empty_generation = NULL WHERE session_id = ? AND branch_id = ?",
            (conversation.session_id, branch_id),
        )


def fork(db: sqlite3.Connection, conversation: Conversation, source: str, turn: int, name: str | None) -> str:
    """Make a branch that shares the turns of `source` before `turn`, which must be a turn of it or the next.

    Returns:
        The id of the new branch: `name`, or one made of the turn and the time.

    Raises:
        ValueError: The name was used before.
    """
    reserve_existing(db, conversation)
    branch_id = _reserve(db, conversation, name, turn)
    copied = db.execute(
        _COPY_TURNS, {"session": conversation.session_id, "source": source, "branch": branch_id, "turn": turn}
    ).rowcount
    db.execute(CONVO_BRANCHES)
    db.execute(
        "INSERT OR REPLACE INTO convo_branches"
        " (session_id, branch_id, parent_branch_id, fork_turn, empty_generation) VALUES (?, ?, ?, ?, ?)",
        (conversation.session_id, branch_id, source, turn, None if copied else generation(db, conversation)),
    )
    return branch_id


def _reserve(db: sqlite3.Connection, conversation: Conversation, name: str | None, turn: int) -> str:
    def reserved(branch_id: str) -> bool:
        return (
            db.execute(
                "INSERT OR IGNORE INTO branch_reservations (session_id, branch_id) VALUES (?, ?)",
                (conversation.session_id, branch_id),
            ).rowcount
            == 1
        )

    if name is not None:
        if not reserved(name):
            raise ValueError(f"Branch ID '{name}' has already been used. Choose a new branch ID.")
        return name
    branch_id = base = f"branch_from_turn_{turn}_{int(time.time())}"
    suffix = 1
    while not reserved(branch_id):
        suffix += 1
        branch_id = f"{base}_{suffix}"
    return branch_id


def delete(db: sqlite3.Connection, conversation: Conversation, branch_id: str) -> Deleted:
    """Delete a branch, and the messages that no other branch holds.

    Raises:
        ValueError: There is no such branch.
    """
    session_id = conversation.session_id
    reserve_existing(db, conversation)
    if not exists(db, conversation, branch_id):
        raise missing(branch_id)
    db.execute(MESSAGE_INDEX)
    usage.keep_shared(db, conversation, branch_id)
    messages = db.execute(
        f"""
        DELETE FROM {conversation.tables.messages} WHERE session_id = :session AND id IN (
            SELECT own.message_id FROM message_structure AS own
            WHERE own.session_id = :session AND own.branch_id = :branch AND NOT EXISTS (
                SELECT 1 FROM message_structure AS other
                WHERE other.message_id = own.message_id AND other.branch_id <> :branch
            )
        )
        """,
        {"session": session_id, "branch": branch_id},
    ).rowcount
    spent = db.execute(
        "DELETE FROM turn_usage WHERE session_id = ? AND branch_id = ?", (session_id, branch_id)
    ).rowcount
    items = db.execute(
        "DELETE FROM message_structure WHERE session_id = ? AND branch_id = ?", (session_id, branch_id)
    ).rowcount
    if has_table(db, "convo_branches"):
        db.execute("DELETE FROM convo_branches WHERE session_id = ? AND branch_id = ?", (session_id, branch_id))
    labels.drop(db, session_id, branch_id)
    if messages:
        usage.drop_orphans(db, conversation)
        runs.drop_orphans(db, conversation)
    return Deleted(items, spent, messages)


def listed(db: sqlite3.Connection, conversation: Conversation, current: str) -> list[dict[str, Any]]:
    """The branches that have items, oldest first."""
    return [
        {
            "branch_id": branch_id,
            "message_count": items,
            "user_turns": turns,
            "is_current": branch_id == current,
            "created_at": created_at,
        }
        for branch_id, items, turns, created_at in db.execute(_LIST, (conversation.session_id,))
    ]
