"""The usage of some turns of a branch, and how their runs ended.

A fork does not copy usage rows. The usage of a turn is stored with the branch that ran the turn, or, if this project's
session class deleted that branch, in `convo_usage` with the turn's first message. So all branches that share the turn
are searched. If several of them ran the turn, the requested branch has precedence, then the oldest.

The number of statements does not grow with the number of turns or branches.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from tui.model import Counting, Session, TurnTree, TurnUsage
from tui.model.resend_cost import TurnInput
from tui.model.tree import Holders
from tui.storage.dialect import Dialect
from tui.storage.engine import Transaction
from tui.storage.queries.usage_columns import (
    STORED_COLUMNS,
    counting_expression,
    number_expression,
    read_usage,
    usage_expressions,
)
from tui.storage.schema import CONVO_COMPACTIONS, CONVO_REQUESTS

__all__ = [
    "HOUR",
    "ON_BRANCH",
    "SHARING_COLUMNS",
    "SharingBranch",
    "branches_sharing_turns",
    "compacted_turns",
    "first_shared_usage",
    "shared_usage",
    "turn_inputs",
    "usage_of_turns",
    "usages_by_turn",
]

HOUR: Final = "COALESCE(substr(CAST(u.created_at AS TEXT), 1, 13), '')"
"""The hour when a usage row `u` was stored."""

ON_BRANCH: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = :session_id AND t.branch_id = :branch_id
        AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)
"""
"""The condition that a row `u` of `convo_usage` belongs to a turn of a branch."""

_TURN_MESSAGES: Final = (
    "SELECT t.message_id FROM message_structure t WHERE t.session_id = :session_id AND t.branch_id = u.branch_id"
    " AND t.user_turn_number = u.user_turn_number"
)
_LAST_RUN: Final = (
    "LEFT JOIN convo_runs run ON run.id = (SELECT MAX(r.id) FROM convo_runs r WHERE r.session_id = :session_id"
    " AND r.message_id IN ({messages}) AND r.branch_id = u.branch_id AND r.user_turn_number = u.user_turn_number"
    " AND r.reported <> 0)"
)
"""A join with the last run that stored tokens for the turn of a usage row `u`; `messages` are those of the turn."""


class SharingBranch(NamedTuple):
    """A branch that shares the turns of another branch up to `last_turn`."""

    branch_id: str
    last_turn: int


SHARING_COLUMNS: Final = dict(zip(SharingBranch._fields, ("TEXT", "INTEGER"), strict=True))
"""The columns of `SharingBranch` with their types."""


def branches_sharing_turns(tree: TurnTree, branch_id: str) -> list[SharingBranch]:
    """Return a branch, then the branches that share turns with it, oldest first."""
    shared = {branch_id: tree.branches[branch_id].turns}
    inner: Sequence[str] = ()
    for chain in reversed(tree.path(branch_id)):
        holders = chain.holders
        # A branch that holds a chain holds the chains above it too: only the branches that are new are looked at.
        for name in (*(holders.difference(inner) if isinstance(holders, Holders) else holders), *chain.hidden_holders):
            shared.setdefault(name, chain.last)
        inner = holders
    # A branch that is archived, and so not in the tree, may have run turns too.
    archived = [name for name in shared if name not in tree.branches]
    return [SharingBranch(branch_id, shared.pop(branch_id))] + [
        SharingBranch(name, shared[name]) for name in (*tree.branches, *archived) if name in shared
    ]


def shared_usage(dialect: Dialect) -> str:
    """Return a join of the branches `s` in the named value `sharing` and their usage rows `u` of shared turns."""
    sharing = dialect.rows_of_json("sharing", SHARING_COLUMNS)
    return (
        f"{sharing} AS s {dialect.ordered_join} turn_usage AS u ON u.session_id = :session_id"
        " AND u.branch_id = s.branch_id AND u.user_turn_number <= s.last_turn"
    )


def first_shared_usage(dialect: Dialect, condition: str = "TRUE") -> str:
    """Return a subquery for the usage rows of `shared_usage`, reduced for each turn to the first sharing branch."""
    columns = ", ".join(
        f"u.{name}" for name in ("session_id", "branch_id", "user_turn_number", "created_at", *STORED_COLUMNS)
    )
    return (
        f"(SELECT * FROM (SELECT {columns}, row_number() OVER (PARTITION BY u.user_turn_number ORDER BY s.key) AS place"
        f" FROM {shared_usage(dialect)} WHERE {condition}) AS ranked WHERE place = 1)"
    )


def usage_of_turns(
    tx: Transaction, session_id: str, order: Sequence[str], first: int, last: int
) -> dict[int, TurnUsage]:
    """Return the usage of turns that the branches in `order` share; if several ran a turn, the first of them counts."""
    return _usage(tx, session_id, [SharingBranch(name, last) for name in order], first, last)


def usages_by_turn(
    tx: Transaction, session: Session, tree: TurnTree, branch_id: str, first: int, last: int
) -> dict[int, TurnUsage]:
    """Return the usage of those turns of a branch that have any, whichever branches ran them."""
    sharing = [branch for branch in branches_sharing_turns(tree, branch_id) if branch.last_turn >= first]
    return _usage(tx, session.session_id, sharing, first, last)


def _usage(
    tx: Transaction, session_id: str, sharing: Sequence[SharingBranch], first: int, last: int
) -> dict[int, TurnUsage]:
    """Return the usage of turns of the first branch in `sharing`, whichever of the branches ran them."""
    found: dict[int, TurnUsage] = {}
    columns = f"u.branch_id, {HOUR}, {counting_expression(tx.dialect)}, {usage_expressions(tx.dialect)}"
    rows = _usage_rows(tx, session_id, sharing, first, last, columns, with_run=True)
    for turn, runner, hour, counting, *numbers, estimated, model in rows:
        usage = read_usage(numbers, estimated=bool(estimated))
        found.setdefault(turn, TurnUsage(turn, usage, runner, model=model, hour=hour, counting=Counting(counting)))
    return found


def _usage_rows(
    tx: Transaction,
    session_id: str,
    sharing: Sequence[SharingBranch],
    first: int,
    last: int,
    columns: str,
    *,
    with_run: bool = False,
) -> Iterator[tuple[Any, ...]]:
    """Yield turn and `columns` of the usage rows `u` of turns of the first branch in `sharing`.

    If a turn has two rows, the first one counts. `with_run` adds whether the tokens are estimates, and the model, as
    the last run of the turn with tokens recorded them.
    """
    if not sharing:
        return
    in_range = "u.user_turn_number >= :first AND u.user_turn_number <= :last"
    sources = []
    if tx.has_table("turn_usage"):
        sources.append((f"{first_shared_usage(tx.dialect, in_range)} AS u", "TRUE", _TURN_MESSAGES))
    if tx.has_table("convo_usage"):
        condition = f"u.session_id = :session_id AND {in_range} AND {ON_BRANCH}"
        sources.append(("convo_usage AS u", condition, "u.message_id"))
    has_runs = tx.has_table("convo_runs")
    if with_run:
        columns += ", run.estimated, CAST(run.model AS TEXT)" if has_runs else ", 0, NULL"
    for source, condition, messages in sources:
        run = _LAST_RUN.format(messages=messages) if with_run and has_runs else ""
        with tx.narrowed(turns=range(first, last + 1)):
            rows = tx.execute(
                f"SELECT u.user_turn_number, {columns} FROM {source} {run} WHERE {condition}",
                session_id=session_id,
                branch_id=sharing[0].branch_id,
                sharing=json.dumps(sharing),
                first=first,
                last=last,
            )
        yield from rows


def turn_inputs(tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> list[TurnInput]:
    """Return the size of the items, the requests and the tokens of each turn of a branch, in order.

    The request of a compaction is left out, as it did not send the items of the branch.
    """
    turns = tree.branches[branch_id].turns
    found = [TurnInput()] * turns
    length = tx.dialect.stored_length("m.message_data")
    sql = (
        f"SELECT t.user_turn_number, SUM({length}),"
        f" SUM(CASE t.message_type WHEN 'user' THEN {length} ELSE 0 END)"
        f" FROM {tx.structure_table(session)} t"
        f" {tx.dialect.ordered_join} {tx.tables.messages} m ON m.id = t.message_id"
        " WHERE t.session_id = :session_id AND t.branch_id = :branch_id"
        " AND t.user_turn_number >= 1 AND t.user_turn_number <= :turns GROUP BY 1"
    )
    lengths = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, turns=turns)
    for turn, characters, message in lengths:
        found[turn - 1] = TurnInput(characters or 0, message or 0)
    estimated = _estimated_turns(tx, session.session_id)
    compacted = compacted_turns(tx, session.session_id)
    sent = _sent_tokens(tx, session, branch_id)
    numbers = (number_expression(tx.dialect, name) for name in ("requests", "input_tokens", "cached_tokens"))
    columns = f"u.branch_id, {', '.join(numbers)}"
    rows = _usage_rows(tx, session.session_id, branches_sharing_turns(tree, branch_id), 1, turns, columns)
    for turn, runner, requests, tokens, cached in rows:
        known = found[turn - 1]
        if not known.requests and (runner, turn) not in compacted:
            of_turn = sent.get((runner, turn), ())
            # Where another program has replaced the usage since, the requests have other sums.
            adds_up = (len(of_turn), sum(part[0] for part in of_turn)) == (requests, tokens)
            found[turn - 1] = TurnInput(
                known.characters,
                known.message,
                requests,
                tokens,
                cached,
                (runner, turn) in estimated,
                of_turn if adds_up else (),
            )
    return found


def _sent_tokens(
    tx: Transaction, session: Session, branch_id: str
) -> dict[tuple[str, int], list[tuple[int, int | None]]]:
    """Return input and cached tokens of the recorded requests of each turn, by the branch that ran it and the turn."""
    found: dict[tuple[str, int], list[tuple[int, int | None]]] = {}
    if tx.has_table(CONVO_REQUESTS.name):
        rows = tx.execute(
            "SELECT CAST(r.branch_id AS TEXT), r.user_turn_number, r.input_tokens, r.cached_tokens"
            f" FROM {tx.structure_table(session)} t"
            f" {tx.dialect.ordered_join} convo_requests r ON r.session_id = t.session_id"
            " AND r.message_id = t.message_id AND r.user_turn_number = t.user_turn_number"
            " WHERE t.session_id = :session_id AND t.branch_id = :branch_id AND r.input_tokens IS NOT NULL"
            " ORDER BY r.number, r.id",
            session_id=session.session_id,
            branch_id=branch_id,
        )
        for runner, turn, tokens, cached in rows:
            found.setdefault((runner, turn), []).append((tokens, cached))
    return found


def compacted_turns(tx: Transaction, session_id: str) -> set[tuple[str, int]]:
    """Return branch and turn of each compaction, which has no other usage."""
    if not tx.has_table(CONVO_COMPACTIONS.name):
        return set()
    sql = "SELECT branch_id, last_turn FROM convo_compactions WHERE session_id = :session_id"
    return set(tx.execute(sql, session_id=session_id))


def _estimated_turns(tx: Transaction, session_id: str) -> set[tuple[str, int]]:
    """Return branch and turn of each run whose tokens are estimates."""
    if not tx.has_table("convo_runs"):
        return set()
    rows = tx.execute(
        "SELECT DISTINCT branch_id, user_turn_number FROM convo_runs WHERE session_id = :session_id AND estimated <> 0",
        session_id=session_id,
    )
    return set(rows)
