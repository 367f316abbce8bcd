"""Runs that wait for the approval of tool calls, stored until their answer is taken up.

A run is taken by deleting its row, in one transaction: of several answers at the same time one gets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tui.items.codec import decode_or_none, to_json
from tui.items.sealed import missing_key, open_text
from tui.model import Approval, Outcome, PausedRun
from tui.storage.engine import Transaction
from tui.storage.queries.branches import read_generation
from tui.storage.queries.runs import EndedRun, record_run
from tui.storage.queries.sessions import read_seal
from tui.storage.schema import CONVO_PAUSED_RUNS
from tui.storage.sql import insert_into

__all__ = ["count_unreadable_runs", "pause_run", "read_paused_runs", "read_paused_state", "take_paused_run"]

_RUN_FIELDS: Final = (
    "started_at",
    "seconds",
    "estimated",
    "reported",
    "live_items",
    "stop_items",
    "checkpoint",
)
"""The fields of a run that the column `run` has."""

_COLUMNS: Final = "id, session_id, branch_id, message, agent, model, approvals, run, items, last_item, generation"

_INSERT: Final = insert_into(
    CONVO_PAUSED_RUNS.name,
    (
        *("session_id", "branch_id", "message", "agent", "model", "approvals", "run", "state"),
        *("items", "last_item", "generation"),
    ),
)


def pause_run(tx: Transaction, run: PausedRun, state: str) -> int:
    """Store and record a run with the agent's `state`, in place of one that its branch may have; return its number.

    It is encrypted if its session is.

    Raises:
        ConvoError: The session is encrypted, and cannot be decrypted.
    """
    CONVO_PAUSED_RUNS.create(tx)
    branch = {"session_id": run.session_id, "branch_id": run.branch_id}
    tx.execute("DELETE FROM convo_paused_runs WHERE session_id = :session_id AND branch_id = :branch_id", **branch)
    values = run._asdict()
    seal = read_seal(tx, run.session_id)

    def stored(text: str) -> str:
        return text if seal is None else seal.text(text)

    items, last_item, generation = _branch_state(tx, **branch)
    row = tx.execute(
        f"{_INSERT} RETURNING id",
        **branch,
        message=stored(run.message),
        agent=run.agent,
        model=run.model,
        approvals=stored(to_json([approval._asdict() for approval in run.approvals])),
        run=stored(to_json({name: values[name] for name in _RUN_FIELDS})),
        state=stored(state),
        items=items,
        last_item=last_item,
        generation=generation,
    ).fetchone()
    # The usage so far is stored: by the record it is known which model counted it, and whether it is an estimate.
    seen = EndedRun(
        Outcome.PAUSED, run.model, run.agent, run.started_at, run.seconds, None, run.estimated, run.reported
    )
    record_run(tx, run.session_id, run.branch_id, seen)
    return int(row[0])


def read_paused_runs(tx: Transaction, session_id: str | None = None, run_id: int | None = None) -> list[PausedRun]:
    """Return the paused runs of a session, or of all sessions, or the one of this number; oldest first."""
    if not tx.has_table(CONVO_PAUSED_RUNS.name):
        return []
    conditions = [
        *(["session_id = :session_id"] if session_id is not None else []),
        *(["id = :run_id"] if run_id is not None else []),
    ]
    rows = tx.execute(
        f"SELECT {_COLUMNS}, CAST(created_at AS TEXT) FROM convo_paused_runs"
        f" {'WHERE' if conditions else ''} {' AND '.join(conditions)} ORDER BY id",
        session_id=session_id,
        run_id=run_id,
    ).fetchall()
    return [run for row in rows if (run := _parse(tx, row)) is not None]


def count_unreadable_runs(tx: Transaction, session_id: str | None = None) -> int:
    """Return the number of paused runs of a session, or of all, that this program cannot read."""
    if not tx.has_table(CONVO_PAUSED_RUNS.name):
        return 0
    condition = "" if session_id is None else " WHERE session_id = :session_id"
    (count,) = tx.execute(f"SELECT COUNT(*) FROM convo_paused_runs{condition}", session_id=session_id).fetchone()
    return int(count) - len(read_paused_runs(tx, session_id)) if count else 0


def read_paused_state(tx: Transaction, run_id: int) -> str | None:
    """Return the agent's state of a paused run; None if there is no such run."""
    if not tx.has_table(CONVO_PAUSED_RUNS.name):
        return None
    sql = "SELECT session_id, state FROM convo_paused_runs WHERE id = :run_id"
    row = tx.execute(sql, run_id=run_id).fetchone()
    return None if row is None else open_text(row[1], row[0])


def take_paused_run(tx: Transaction, run_id: int) -> PausedRun | None:
    """Delete and return a paused run; None if it is gone, because it was answered or deleted.

    Raises:
        ConvoError: It is encrypted, and cannot be decrypted.
    """
    found = read_paused_runs(tx, run_id=run_id)
    if found and tx.lock_session(found[0].session_id):
        found = read_paused_runs(tx, run_id=run_id)
    if found and found[0].is_sealed:
        raise missing_key(found[0].session_id)
    if tx.has_table(CONVO_PAUSED_RUNS.name):
        tx.execute("DELETE FROM convo_paused_runs WHERE id = :run_id", run_id=run_id)
    return found[0] if found else None


def _branch_state(tx: Transaction, session_id: str, branch_id: str) -> tuple[int, int, int]:
    """Return the number and the greatest id of the rows of a branch, and the clear generation of its session."""
    rows = tx.layout.branch_rows(tx, branch_id)
    items, last_item = tx.execute(
        f"SELECT COUNT(*), COALESCE(MAX(id), 0) FROM {rows.identifier} WHERE {rows.condition}",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchone()
    return items, last_item, read_generation(tx, session_id)


def _parse(tx: Transaction, row: Iterable[Any]) -> PausedRun | None:
    """Return the run of a row; None for a row that this program did not write."""
    run_id, session_id, branch_id, message, agent, model, approvals, run, *branch_state, paused_at = row
    stored = (message, approvals, run)
    opened: list[Any] = [open_text(text, session_id) for text in stored]
    if opened.count(None) > stored.count(None):
        unknown = PausedRun(session_id, branch_id, "", agent, model, (), None, 0, False, False, (), (), {})
        return unknown._replace(paused_at=paused_at, id=run_id, is_sealed=True)
    message, approvals, run = opened
    try:
        calls = tuple(Approval(*(str(call[name]) for name in Approval._fields)) for call in decode_or_none(approvals))
        fields = {name: decode_or_none(run)[name] for name in _RUN_FIELDS}
        fields |= {name: tuple(fields[name]) for name in ("live_items", "stop_items")}
        fields["seconds"] = float(fields["seconds"])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    return PausedRun(
        session_id,
        branch_id,
        message,
        agent,
        model,
        calls,
        items=branch_state[0],
        paused_at=paused_at,
        is_outdated=not calls or tuple(branch_state) != _branch_state(tx, session_id, branch_id),
        id=run_id,
        **fields,
    )
