"""What the turns of a branch cost, the sums of each scope, and how the runs ended.

Usage rows are not copied by a fork: each turn's stands with the branch that ran it, or, where that branch was deleted
by our class, in `convo_usage` with the turn's first message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tui.model import Accounts, Outcome, RunRecord, Scope, Session, TurnTree, TurnUsage, Usage
from tui.session.reader import Snapshot

__all__ = ["accounts", "runs_of", "usage_of_turns"]


def _count(value: str) -> str:
    # No column of SQLite is sure to hold numbers, and a sum of such that are too large would be an error.
    return f"MAX(0, MIN(CAST({value} AS INTEGER), {1 << 40}))"


def _detail(column: str, name: str) -> str:
    return _count(f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END")


_USAGE: Final = ", ".join(
    (
        *(
            f"COALESCE({_count(name)}, 0) AS {name}"
            for name in ("requests", "input_tokens", "output_tokens", "total_tokens")
        ),
        f"{_detail('input_tokens_details', 'cached_tokens')} AS cached_tokens",
        f"{_detail('output_tokens_details', 'reasoning_tokens')} AS reasoning_tokens",
    )
)
"""The fields of `Usage`, from a table of usage rows."""


_STILL_HELD: Final = """
    session_id = ? AND EXISTS (
        SELECT 1 FROM message_structure t
        WHERE t.session_id = convo_usage.session_id AND t.message_id = convo_usage.message_id
    ) AND NOT EXISTS (
        SELECT 1 FROM message_structure t JOIN turn_usage u ON u.session_id = t.session_id
            AND u.branch_id = t.branch_id AND u.user_turn_number = t.user_turn_number
        WHERE t.session_id = convo_usage.session_id AND t.message_id = convo_usage.message_id
    )
"""
"""Kept usage of turns that branches hold, none of which has run the turn itself."""


def accounts(file: Snapshot, session: Session, tree: TurnTree, branch_id: str) -> Accounts:
    """Work out what a branch cost."""
    name = session.session_id
    spent: dict[int, TurnUsage] = {}
    for chain in tree.path(branch_id):
        # A fork that ran an inherited turn again shows its own run of it.
        order = (branch_id, *(other for other in chain.through if other != branch_id))
        spent |= usage_of_turns(file, name, order, chain.first, chain.last)
    turns = tuple(spent.get(turn, TurnUsage(turn)) for turn in range(1, tree.branches[branch_id].turns + 1))
    billed = [
        _total(file, "turn_usage", "session_id = ?", (name,)),
        _total(file, "convo_usage", _STILL_HELD, (name,)),
    ]
    totals = {
        Scope.OWN: _total(file, "turn_usage", "session_id = ? AND branch_id = ?", (name, branch_id)),
        Scope.PATH: Usage.total(turn.usage for turn in turns),
        Scope.ALL: Usage.total(billed),
    }
    return Accounts(branch_id, totals, turns, _tools(file, session, branch_id), runs_of(file, session, branch_id))


def usage_of_turns(
    file: Snapshot, session_id: str, order: Sequence[str], first: int, last: int
) -> dict[int, TurnUsage]:
    """The usage of turns that the branches in `order` share; where several ran one, the first of them counts."""
    found: dict[int, TurnUsage] = {}
    if file.has("turn_usage"):
        for branch_id in order:
            rows = file.execute(
                f"SELECT user_turn_number, {_USAGE} FROM turn_usage"
                " WHERE session_id = ? AND branch_id = ? AND user_turn_number BETWEEN ? AND ?",
                (session_id, branch_id, first, last),
            )
            for turn, *numbers in rows:
                found.setdefault(turn, TurnUsage(turn, Usage(*numbers), branch_id))
    if file.has("convo_usage"):
        rows = file.execute(
            f"SELECT u.user_turn_number, u.branch_id, {_USAGE} FROM convo_usage u"
            " WHERE u.session_id = ? AND u.user_turn_number BETWEEN ? AND ? AND EXISTS (SELECT 1"
            " FROM message_structure t WHERE t.session_id = u.session_id AND t.branch_id = ?"
            " AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)",
            (session_id, first, last, order[0]),
        )
        for turn, branch_id, *numbers in rows:
            found.setdefault(turn, TurnUsage(turn, Usage(*numbers), branch_id))
    return found


def _tools(file: Snapshot, session: Session, branch_id: str) -> tuple[tuple[str, int, int], ...]:
    rows = file.execute(
        "SELECT CAST(COALESCE(tool_name, message_type) AS TEXT), user_turn_number, COUNT(*)"
        f" FROM {file.structure(session)} WHERE session_id = ? AND branch_id = ?"
        " AND (message_type GLOB '*_call' OR message_type = 'mcp_approval_request')"
        " GROUP BY 1, 2 ORDER BY 2, MIN(sequence_number)",
        (session.session_id, branch_id),
    )
    return tuple(rows)


def runs_of(file: Snapshot, session: Session, branch_id: str) -> dict[int, RunRecord]:
    """The last run of each turn; where another branch went on with a turn that both began, this branch's own."""
    if not file.has("convo_runs"):
        return {}
    rows = file.execute(
        "SELECT r.user_turn_number, CAST(r.branch_id AS TEXT), r.outcome, CAST(r.model AS TEXT),"
        " CAST(r.agent AS TEXT), CAST(r.started_at AS TEXT), MAX(0, MIN(CAST(r.seconds AS REAL), 1e9)),"
        " CAST(r.error AS TEXT), r.estimated, r.reported"
        " FROM convo_runs r WHERE r.session_id = ? AND r.outcome IN (?, ?, ?)"
        f" AND EXISTS (SELECT 1 FROM {file.structure(session)} t WHERE t.session_id = r.session_id"
        " AND t.branch_id = ? AND t.user_turn_number = r.user_turn_number AND t.message_id = r.message_id)"
        " ORDER BY r.branch_id = ?, r.id",
        (session.session_id, *Outcome, branch_id, branch_id),
    )
    return {
        turn: RunRecord(
            turn, runner, Outcome(outcome), model, agent, started_at, seconds, error, bool(estimated), bool(reported)
        )
        for turn, runner, outcome, model, agent, started_at, seconds, error, estimated, reported in rows
    }


def _total(file: Snapshot, table: str, where: str, values: tuple[str, ...]) -> Usage | None:
    if not file.has(table):
        return None
    count, *sums = file.execute(
        "SELECT COUNT(*), SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens),"
        f" SUM(cached_tokens), SUM(reasoning_tokens) FROM (SELECT {_USAGE} FROM {table} WHERE {where})",
        values,
    ).fetchone()
    return Usage(*sums) if count else None
