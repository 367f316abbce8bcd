"""How the runs of an agent ended: what the SDK's tables have no place for.

Functions over a `Transaction`; those that write belong inside a write transaction.
"""

from __future__ import annotations

from typing import NamedTuple

from tui.storage.engine import Transaction
from tui.storage.schema import CONVO_RUNS, RUN_INDEX

__all__ = ["EndedRun", "drop_orphaned_runs", "record_run"]


class EndedRun(NamedTuple):
    """A run that ended; the fields are those of `tui.model.RunRecord`."""

    outcome: str
    model: str | None
    agent: str | None
    started_at: str | None
    seconds: float | None
    error: str | None
    estimated: bool
    reported: bool


def record_run(tx: Transaction, session_id: str, branch_id: str, ended: EndedRun) -> bool:
    """Record a run for the branch's last turn, beside those that were recorded for it before.

    Returns:
        False where the branch has no turn, and nothing was recorded.
    """
    key = (session_id, branch_id)
    last: tuple[int | None] = tx.execute(
        "SELECT MAX(user_turn_number) FROM message_structure WHERE session_id = ? AND branch_id = ?", key
    ).fetchone()
    if not last[0]:
        return False
    # The `+` keeps SQLite on the index that finds the turn.
    anchor: tuple[int] = tx.execute(
        "SELECT message_id FROM message_structure WHERE session_id = ? AND branch_id = ? AND user_turn_number = ?"
        " ORDER BY +sequence_number LIMIT 1",
        (*key, *last),
    ).fetchone()
    tx.execute(CONVO_RUNS)
    tx.execute(RUN_INDEX)
    tx.execute(
        "INSERT INTO convo_runs (session_id, branch_id, user_turn_number, message_id,"
        " outcome, model, agent, started_at, seconds, error, estimated, reported)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, *last, *anchor, *ended),
    )
    return True


def drop_orphaned_runs(tx: Transaction, session_id: str, message_id: int | None = None) -> None:
    """Drop the records of turns whose first message is gone now; of one such message alone where it is named."""
    if tx.has_table("convo_runs"):
        tx.execute(
            f"DELETE FROM convo_runs WHERE session_id = :session {'' if message_id is None else 'AND message_id = :id'}"
            f" AND NOT EXISTS (SELECT 1 FROM {tx.tables.messages} AS m WHERE m.id = convo_runs.message_id)",
            {"session": session_id, "id": message_id},
        )
