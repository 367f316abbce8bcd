"""Records of the turns of a branch: usage, last run, tools, and requests."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tui.items.sealed import open_text
from tui.model import Outcome, RunRecord, Session, TurnTree, TurnUsage
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import compacted_turns, usages_by_turn
from tui.storage.schema import CONVO_REQUESTS
from tui.storage.type_conditions import call_condition, sql_list

if TYPE_CHECKING:
    from tui.model.requests import Request
    from tui.storage.queries.positions import PositionIndex

__all__ = ["last_runs", "turn_usages"]

_MAX_RUN_SECONDS: Final = 1e9
"""Longer durations are cut to this: another program may have stored any number."""


def turn_usages(
    tx: Transaction,
    session: Session,
    tree: TurnTree,
    branch_id: str,
    first: int,
    last: int,
    positions: PositionIndex | None = None,
) -> tuple[TurnUsage, ...]:
    """Return the usage of the turns of a branch from `first` to `last`, one for each turn, with its requests.

    If `positions` are given, which find items of the branch, the requests have cache evidence.
    """
    last = min(last, tree.branches[branch_id].turns)
    requests: Mapping[int, tuple[Request, ...]] = {}
    if tx.has_table(CONVO_REQUESTS.name):
        # Modules that the first screen does not need for a file without requests.
        from tui.storage.queries.requests import read_requests

        # The first request of a turn is compared with the turn before.
        usages = usages_by_turn(tx, session, tree, branch_id, first - 1, last)
        requests = read_requests(tx, session, tree, branch_id, first - 1, last, usages)
        if positions is not None:
            from tui.storage.queries.cache_evidence import with_cache_evidence

            requests = with_cache_evidence(tx, session, branch_id, requests, range(first, last + 1), positions)
    else:
        usages = usages_by_turn(tx, session, tree, branch_id, first, last)
    runs_by_turn = _runs(tx, session, branch_id, first, last)
    tools = _tools(tx, session, branch_id, first, last)
    found = []
    compacted = compacted_turns(tx, session.session_id)
    for turn in range(first, last + 1):
        turn_usage = usages.get(turn, TurnUsage(turn))
        runs = runs_by_turn.get(turn, [])
        run = _last_run(runs, branch_id) if runs else None
        found.append(
            turn_usage._replace(
                run=run,
                tools=tuple(tools.get(turn, ())),
                requests=requests.get(turn, ()),
                compacted=(turn_usage.branch_id, turn) in compacted,
            )
        )
    return tuple(found)


def last_runs(tx: Transaction, session: Session, branch_id: str) -> dict[int, RunRecord]:
    """Return the last run of each turn that has one; runs of the branch itself have precedence over other branches'."""
    runs = _runs(tx, session, branch_id, 0, sys.maxsize)
    return {turn: _last_run(ran, branch_id) for turn, ran in runs.items()}


def _last_run(runs: Sequence[RunRecord], branch_id: str) -> RunRecord:
    own = [run for run in runs if run.branch_id == branch_id]
    return (own or runs)[-1]


def _runs(tx: Transaction, session: Session, branch_id: str, first: int, last: int) -> dict[int, list[RunRecord]]:
    """Return the runs of each turn in all branches that hold it, oldest first."""
    found: dict[int, list[RunRecord]] = {}
    if not tx.has_table("convo_runs"):
        return found
    sql = (
        "SELECT r.user_turn_number, CAST(r.branch_id AS TEXT), r.outcome, CAST(r.model AS TEXT),"
        " CAST(r.agent AS TEXT), CAST(r.started_at AS TEXT),"
        f" {tx.dialect.clamped('CAST(r.seconds AS DOUBLE PRECISION)', 0, _MAX_RUN_SECONDS)},"
        " CAST(r.error AS TEXT), r.estimated, r.reported"
        f" FROM {tx.structure_table(session)} t"
        f" {tx.dialect.ordered_join} convo_runs r ON r.session_id = t.session_id"
        " AND r.message_id = t.message_id AND r.user_turn_number = t.user_turn_number"
        " WHERE t.session_id = :session_id AND t.branch_id = :branch_id"
        " AND t.user_turn_number >= :first AND t.user_turn_number <= :last"
        f" AND r.outcome IN {sql_list(Outcome)} ORDER BY r.id"
    )
    with tx.narrowed(branch_id, turns=range(first, last + 1)):
        rows = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, first=first, last=last)
    for turn, runner, outcome, model, agent, started_at, seconds, error, estimated, reported in rows:
        found.setdefault(turn, []).append(
            RunRecord(
                turn,
                runner,
                Outcome(outcome),
                model,
                agent,
                started_at,
                seconds,
                open_text(error, session.session_id),
                bool(estimated),
                bool(reported),
            )
        )
    return found


def _tools(
    tx: Transaction, session: Session, branch_id: str, first: int, last: int
) -> dict[int, list[tuple[str, int]]]:
    """Return the names of the tools that each turn called, in the order of the first call, and the number of calls."""
    found: dict[int, list[tuple[str, int]]] = {}
    sql = (
        "SELECT user_turn_number, CAST(COALESCE(tool_name, message_type) AS TEXT), COUNT(*)"
        f" FROM {tx.structure_table(session)} WHERE session_id = :session_id AND branch_id = :branch_id"
        f" AND user_turn_number >= :first AND user_turn_number <= :last AND {call_condition('message_type')}"
        " GROUP BY 1, 2 ORDER BY 1, MIN(sequence_number)"
    )
    with tx.narrowed(branch_id, turns=range(first, last + 1)):
        rows = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, first=first, last=last)
    for turn, name, calls in rows:
        found.setdefault(turn, []).append((name, calls))
    return found
