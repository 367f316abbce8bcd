"""Recording how the runs of an agent ended, for which the SDK's tables have no columns."""

from __future__ import annotations

from typing import Final, NamedTuple

from tui.storage.engine import Transaction
from tui.storage.queries.requests import TurnKey, turn_exists, turn_of_run
from tui.storage.schema import CONVO_RUNS
from tui.storage.sql import insert_into

__all__ = ["EndedRun", "record_run"]


class EndedRun(NamedTuple):
    """A run that ended or paused, with the fields of `tui.model.RunRecord`."""

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


def record_run(tx: Transaction, session_id: str, branch_id: str, run: EndedRun, turn: TurnKey | None = None) -> bool:
    """Record a run for its turn, by default the branch's last, and return False if there is no such turn.

    Earlier runs of the turn stay recorded.
    """
    turn = turn_of_run(tx, session_id, branch_id, turn)
    if turn is None or not turn.user_turn_number or not turn_exists(tx, turn):
        return False
    CONVO_RUNS.create(tx)
    run_values = run._asdict() | {"estimated": int(run.estimated), "reported": int(run.reported)}
    tx.execute(_RECORD, **turn._asdict(), **run_values)
    return True
