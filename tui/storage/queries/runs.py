"""How the runs of an agent ended, for which the SDK's tables have no place.

Functions over a `Transaction`; those that write belong inside a write transaction.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tui.storage.engine import Transaction
from tui.storage.schema import CONVO_RUNS
from tui.storage.sql import insert_into

__all__ = ["EndedRun", "drop_stale_runs", "record_run"]


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


_RECORD: Final = insert_into(
    "convo_runs", ("session_id", "branch_id", "user_turn_number", "message_id", *EndedRun._fields)
)


def record_run(tx: Transaction, session_id: str, branch_id: str, run: EndedRun) -> bool:
    """Record a run for the branch's last turn, in addition to those that were recorded for it before.

    Returns:
        False where the branch has no turn, and nothing was recorded.
    """
    branch = "session_id = :session_id AND branch_id = :branch_id"
    sql = f"SELECT MAX(user_turn_number) FROM message_structure WHERE {branch}"
    (turn,) = tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchone()
    if not turn:
        return False
    # The `+` keeps SQLite on the index that finds the turn.
    sql = (
        f"SELECT message_id FROM message_structure WHERE {branch} AND user_turn_number = :turn"
        " ORDER BY +sequence_number LIMIT 1"
    )
    (message_id,) = tx.execute(sql, session_id=session_id, branch_id=branch_id, turn=turn).fetchone()
    CONVO_RUNS.create(tx)
    run_values = run._asdict() | {"estimated": int(run.estimated), "reported": int(run.reported)}
    tx.execute(
        _RECORD, session_id=session_id, branch_id=branch_id, user_turn_number=turn, message_id=message_id, **run_values
    )
    return True


def drop_stale_runs(tx: Transaction, session_id: str, message_id: int | None = None) -> None:
    """Drop the records of turns whose first message is gone.

    Args:
        tx: A write transaction.
        session_id: The session.
        message_id: The only first message to look for; None for all.
    """
    if tx.has_table(CONVO_RUNS.name):
        tx.execute(
            "DELETE FROM convo_runs WHERE session_id = :session_id"
            f"{'' if message_id is None else ' AND message_id = :message_id'}"
            f" AND NOT EXISTS (SELECT 1 FROM {tx.tables.messages} AS m WHERE m.id = convo_runs.message_id)",
            session_id=session_id,
            message_id=message_id,
        )
