"""How the runs of an agent ended: what the SDK's tables have no place for.

Functions over a `sqlite3.Connection`; those that write belong inside a write transaction.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from tui.storage.schema import CONVO_RUNS, RUN_INDEX, Conversation, has_table

__all__ = ["Ended", "drop_orphans", "record"]


class Ended(NamedTuple):
    """A run that ended; the fields are those of `tui.model.RunRecord`."""

    outcome: str
    model: str | None
    agent: str | None
    started_at: str | None
    seconds: float | None
    error: str | None
    estimated: bool
    reported: bool


def record(db: sqlite3.Connection, conversation: Conversation, branch_id: str, ended: Ended) -> bool:
    """Record a run for the branch's last turn, beside those that were recorded for it before.

    Returns:
        False where the branch has no turn, and nothing was recorded.
    """
    key = (conversation.session_id, branch_id)
    last: tuple[int | None] = db.execute(
        "SELECT MAX(user_turn_number) FROM message_structure WHERE session_id = ? AND branch_id = ?", key
    ).fetchone()
    if not last[0]:
        return False
    # The `+` keeps SQLite on the index that finds the turn.
    anchor: tuple[int] = db.execute(
        "SELECT message_id FROM message_structure WHERE session_id = ? AND branch_id = ? AND user_turn_number = ?"
        " ORDER BY +sequence_number LIMIT 1",
        (*key, *last),
    ).fetchone()
    db.execute(CONVO_RUNS)
    db.execute(RUN_INDEX)
    db.execute(
        "INSERT INTO convo_runs (session_id, branch_id, user_turn_number, message_id,"
        " outcome, model, agent, started_at, seconds, error, estimated, reported)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, *last, *anchor, *ended),
    )
    return True


def drop_orphans(db: sqlite3.Connection, conversation: Conversation, message_id: int | None = None) -> None:
    """Drop the records of turns whose first message is gone now; of one such message alone where it is named."""
    if has_table(db, "convo_runs"):
        db.execute(
            f"DELETE FROM convo_runs WHERE session_id = :session {'' if message_id is None else 'AND message_id = :id'}"
            f" AND NOT EXISTS (SELECT 1 FROM {conversation.tables.messages} AS m WHERE m.id = convo_runs.message_id)",
            {"session": conversation.session_id, "id": message_id},
        )
