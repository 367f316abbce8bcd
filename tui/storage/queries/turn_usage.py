"""What the turns of a branch cost, and how their runs ended, some turns at a time.

Usage rows are not copied by a fork: each turn's stands with the branch that ran it, or, where that branch was deleted
by our class, in `convo_usage` with the turn's first message. So the usage of a turn is looked for with all branches
that hold the turn, its *holders*. Where several of them ran it, the branch that is asked about comes first, then the
oldest.

No function here needs more statements for more turns or branches.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from tui.model import Outcome, RunRecord, Session, TurnTree, TurnUsage, Usage
from tui.model.resend_cost import TurnInput
from tui.model.tree import Holders
from tui.storage.engine import Transaction
from tui.storage.type_conditions import call_condition

__all__ = [
    "COUNTS",
    "HELD",
    "HOUR",
    "KEPT_ON",
    "Holder",
    "as_json",
    "holders",
    "runs_of",
    "sent",
    "turn_usages",
    "usage_of_turns",
]


def _count(value: str) -> str:
    # No column of SQLite is sure to hold numbers, and a sum of such that are too large would be an error.
    return f"MAX(0, MIN(CAST({value} AS INTEGER), {1 << 40}))"


def _detail(column: str, name: str) -> str:
    return _count(f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END")


COUNTS: Final = ", ".join(
    (
        *(
            f"COALESCE({_count(name)}, 0) AS {name}"
            for name in ("requests", "input_tokens", "output_tokens", "total_tokens")
        ),
        f"{_detail('input_tokens_details', 'cached_tokens')} AS cached_tokens",
        f"{_detail('output_tokens_details', 'reasoning_tokens')} AS reasoning_tokens",
        f"{_detail('input_tokens_details', 'cache_write_tokens')} AS cache_write_tokens",
    )
)
"""The counts of a `Usage`, from a table of usage rows."""

HOUR: Final = "COALESCE(substr(CAST(u.created_at AS TEXT), 1, 13), '')"
"""When a usage row `u` was stored, to the hour."""

HELD: Final = """
    json_each(:holders) AS h CROSS JOIN turn_usage AS u ON u.session_id = :session
        AND u.branch_id = json_extract(h.value, '$[0]') AND u.user_turn_number <= json_extract(h.value, '$[1]')
"""
"""Usage rows of the turns that holders (`as_json`) share with a branch, by the holders' rank `h.key`."""


KEPT_ON: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = :session AND t.branch_id = :branch
        AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)
"""
"""Which rows `u` of kept usage are of turns of a branch."""


class Holder(NamedTuple):
    """A branch that shares the beginning of another one.

    Attributes:
        branch_id: Its id.
        last: The last turn that they share.
    """

    branch_id: str
    last: int


def holders(tree: TurnTree, branch_id: str) -> list[Holder]:
    """All branches that hold turns of a branch: itself, then the oldest first."""
    shared = {branch_id: tree.branches[branch_id].turns}
    inner: Sequence[str] = ()
    for chain in reversed(tree.path(branch_id)):
        through = chain.holders
        # Whoever holds a chain holds those above it; a long path would have each name again and again.
        for name in (*(through.difference(inner) if isinstance(through, Holders) else through), *chain.hidden_holders):
            shared.setdefault(name, chain.last)
        inner = through
    # A branch that is put away may have run turns all the same.
    put_away = [name for name in shared if name not in tree.branches]
    return [Holder(branch_id, shared.pop(branch_id))] + [
        Holder(name, shared[name]) for name in (*tree.branches, *put_away) if name in shared
    ]


def as_json(found: Iterable[Holder]) -> str:
    """Holders as `HELD` takes them."""
    return json.dumps(list(found))


def usage_of_turns(
    tx: Transaction, session_id: str, order: Sequence[str], first: int, last: int
) -> dict[int, TurnUsage]:
    """The usage of turns that the branches in `order` share; where several ran one, the first of them counts."""
    return _spent(tx, session_id, [Holder(name, last) for name in order], first, last)


def turn_usages(
    tx: Transaction, session: Session, tree: TurnTree, branch_id: str, first: int, last: int
) -> tuple[TurnUsage, ...]:
    """What some turns of a branch cost, one for each turn from `first` to `last`."""
    last = min(last, tree.branches[branch_id].turns)
    sharing = [holder for holder in holders(tree, branch_id) if holder.last >= first]
    spent = _spent(tx, session.session_id, sharing, first, last)
    runs = _runs(tx, session, branch_id, first, last)
    tools = _tools(tx, session, branch_id, first, last)
    found = []
    for turn in range(first, last + 1):
        told = spent.get(turn, TurnUsage(turn))
        ran = runs.get(turn, [])
        counted = [run for run in ran if run.branch_id == told.branch_id and run.reported]
        if told.usage and counted:
            usage = told.usage._replace(estimated=counted[-1].estimated)
            told = told._replace(usage=usage, model=counted[-1].model)
        run = _last(ran, branch_id) if ran else None
        found.append(told._replace(run=run, tools=tuple(tools.get(turn, ()))))
    return tuple(found)


def _spent(tx: Transaction, session_id: str, sharing: Sequence[Holder], first: int, last: int) -> dict[int, TurnUsage]:
    """The usage of some turns of the first holder."""
    found: dict[int, TurnUsage] = {}
    bounds = {"session": session_id, "first": first, "last": last}
    if tx.has_table("turn_usage"):
        # A bare column beside MIN is of the row that has the least.
        rows = tx.execute(
            f"SELECT u.user_turn_number, u.branch_id, {HOUR}, {COUNTS}, MIN(h.key) FROM {HELD}"
            " AND u.user_turn_number BETWEEN :first AND :last GROUP BY u.user_turn_number",
            {**bounds, "holders": as_json(sharing)},
        )
        for turn, branch_id, hour, *counts, _ in rows:
            found[turn] = TurnUsage(turn, Usage(*counts), branch_id, hour=hour)
    if tx.has_table("convo_usage"):
        rows = tx.execute(
            f"SELECT u.user_turn_number, u.branch_id, {HOUR}, {COUNTS} FROM convo_usage u"
            f" WHERE u.session_id = :session AND u.user_turn_number BETWEEN :first AND :last AND {KEPT_ON}",
            {**bounds, "branch": sharing[0].branch_id},
        )
        for turn, branch_id, hour, *counts in rows:
            found.setdefault(turn, TurnUsage(turn, Usage(*counts), branch_id, hour=hour))
    return found


def runs_of(tx: Transaction, session: Session, branch_id: str) -> dict[int, RunRecord]:
    """The last run of each turn that has one; where another branch went on with a turn, this branch's own."""
    runs = _runs(tx, session, branch_id, 0, sys.maxsize)
    return {turn: _last(ran, branch_id) for turn, ran in runs.items()}


def _last(runs: Sequence[RunRecord], branch_id: str) -> RunRecord:
    own = [run for run in runs if run.branch_id == branch_id]
    return (own or runs)[-1]


def _runs(tx: Transaction, session: Session, branch_id: str, first: int, last: int) -> dict[int, list[RunRecord]]:
    """The runs of each turn, oldest first, whichever branch ran them."""
    found: dict[int, list[RunRecord]] = {}
    if not tx.has_table("convo_runs"):
        return found
    rows = tx.execute(
        "SELECT r.user_turn_number, CAST(r.branch_id AS TEXT), r.outcome, CAST(r.model AS TEXT),"
        " CAST(r.agent AS TEXT), CAST(r.started_at AS TEXT), MAX(0, MIN(CAST(r.seconds AS REAL), 1e9)),"
        " CAST(r.error AS TEXT), r.estimated, r.reported"
        f" FROM {tx.structure_table(session)} t CROSS JOIN convo_runs r ON r.session_id = t.session_id"
        " AND r.message_id = t.message_id AND r.user_turn_number = t.user_turn_number"
        " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number BETWEEN ? AND ?"
        " AND r.outcome IN (?, ?, ?) ORDER BY r.id",
        (session.session_id, branch_id, first, last, *Outcome),
    )
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
                error,
                bool(estimated),
                bool(reported),
            )
        )
    return found


def _tools(
    tx: Transaction, session: Session, branch_id: str, first: int, last: int
) -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = {}
    rows = tx.execute(
        "SELECT user_turn_number, CAST(COALESCE(tool_name, message_type) AS TEXT), COUNT(*)"
        f" FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ?"
        " AND user_turn_number BETWEEN ? AND ?"
        f" AND {call_condition('message_type')}"
        " GROUP BY 1, 2 ORDER BY 1, MIN(sequence_number)",
        (session.session_id, branch_id, first, last),
    )
    for turn, name, calls in rows:
        found.setdefault(turn, []).append((name, calls))
    return found


def sent(tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> list[TurnInput]:
    """What each turn of a branch holds and sent, from the first to the last: a row of numbers for each."""
    turns = tree.branches[branch_id].turns
    found = [TurnInput()] * turns
    length = tx.dialect.stored_length("m.message_data")
    rows = tx.execute(
        f"SELECT t.user_turn_number, SUM({length}),"
        f" SUM(CASE t.message_type WHEN 'user' THEN {length} ELSE 0 END)"
        f" FROM {tx.structure_table(session)} t CROSS JOIN {tx.tables.messages} m ON m.id = t.message_id"
        " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number BETWEEN 1 AND ? GROUP BY 1",
        (session.session_id, branch_id, turns),
    )
    for turn, characters, message in rows:
        found[turn - 1] = TurnInput(characters or 0, message or 0)
    sharing = holders(tree, branch_id)
    guessed = _estimated(tx, session.session_id)
    for turn, runner, requests, tokens, cached in _requests(tx, session.session_id, sharing, turns):
        known = found[turn - 1]
        if not known.requests:
            found[turn - 1] = TurnInput(
                known.characters, known.message, requests, tokens, cached, (runner, turn) in guessed
            )
    return found


def _requests(
    tx: Transaction, session_id: str, sharing: Sequence[Holder], turns: int
) -> Iterator[tuple[int, str, int, int, int | None]]:
    """Turn, who ran it, requests, input and cached tokens of a branch's turns; of two for one turn the first counts."""
    columns = "user_turn_number, branch_id, requests, input_tokens, cached_tokens"
    values = {"session": session_id, "branch": sharing[0].branch_id, "last": turns, "holders": as_json(sharing)}
    if tx.has_table("turn_usage"):
        yield from tx.execute(
            f"SELECT {columns} FROM (SELECT u.user_turn_number, u.branch_id, {COUNTS}, MIN(h.key) FROM {HELD}"
            " AND u.user_turn_number BETWEEN 1 AND :last GROUP BY u.user_turn_number)",
            values,
        )
    if tx.has_table("convo_usage"):
        yield from tx.execute(
            f"SELECT {columns} FROM (SELECT u.user_turn_number, u.branch_id, {COUNTS} FROM convo_usage u"
            f" WHERE u.session_id = :session AND u.user_turn_number BETWEEN 1 AND :last AND {KEPT_ON})",
            values,
        )


def _estimated(tx: Transaction, session_id: str) -> set[tuple[str, int]]:
    """Branch and turn of the runs that estimated their tokens."""
    if not tx.has_table("convo_runs"):
        return set()
    rows = tx.execute(
        "SELECT DISTINCT branch_id, user_turn_number FROM convo_runs WHERE session_id = ? AND estimated", (session_id,)
    )
    return set(rows)
