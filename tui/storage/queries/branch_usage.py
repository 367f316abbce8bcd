"""The usage of a branch: the sum of each scope, and the tools that it called.

The database adds the rows up: none is loaded turn by turn. The sums of what each branch of a session ran, which every
branch needs, are cached as long as the database does not change, and so is the usage of the branches that were read.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tui.model import BranchUsage, Scope, Session, Spending, TurnTree, Usage
from tui.storage.dialect import Dialect
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import (
    HOUR,
    ON_BRANCH,
    Holder,
    as_json,
    first_holder_usage,
    held_usage,
    turn_holders,
)
from tui.storage.queries.usage_columns import USAGE_COLUMNS, USAGE_NAMES, USAGE_SUMS, read_usage, usage_expressions
from tui.storage.schema import LAST_TURN
from tui.storage.type_conditions import call_condition

__all__ = ["BranchUsageCache", "SpendingByScope"]

_CACHED_BRANCHES: Final = 256

_SUMS: Final = (
    f"{USAGE_SUMS}, COALESCE(MAX(estimated), 0), COUNT(*), MAX(input_tokens + output_tokens),"
    " COUNT(*) FILTER (WHERE turn > 0)"
)
"""The numbers of a `_UsageSum`."""

_WIDTH: Final = 3 + len(USAGE_COLUMNS) + 4
"""The columns of a `_UsageSum`: model, hour and price tier, and the numbers."""

_LAST_RUNS: Final = """
    SELECT r.branch_id, r.user_turn_number AS turn, r.message_id, r.estimated, CAST(r.model AS TEXT) AS model
    FROM (
        SELECT MAX(id) AS id FROM convo_runs WHERE session_id = :session_id AND reported <> 0
        GROUP BY branch_id, user_turn_number, message_id
    ) AS newest JOIN convo_runs r ON r.id = newest.id
"""
"""The last run with reported tokens for each branch, turn and first message of the turn."""

_NO_RUNS: Final = """
    SELECT CAST(NULL AS TEXT) AS branch_id, CAST(NULL AS INTEGER) AS turn, CAST(NULL AS INTEGER) AS message_id,
        0 AS estimated, CAST(NULL AS TEXT) AS model WHERE 1 = 0
"""

_FIRST_MESSAGE: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = :session_id
        AND t.branch_id = run.branch_id AND t.user_turn_number = run.turn AND t.message_id = run.message_id)
"""
"""The condition that a run is of a turn as its branch holds it now."""

_RESTORED: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = u.session_id AND t.branch_id = u.branch_id
        AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)
    AND EXISTS (SELECT 1 FROM turn_usage b WHERE b.session_id = u.session_id AND b.branch_id = u.branch_id
        AND b.user_turn_number = u.user_turn_number)
"""
"""The condition that the branch of a row `u` of `convo_usage` exists again, with that usage."""


class SpendingByScope(NamedTuple):
    """The usage of each scope, apart where prices differ."""

    own: tuple[Spending, ...]
    path: tuple[Spending, ...]
    all: tuple[Spending, ...]


class _UsageSum(NamedTuple):
    """The sum of some usage rows.

    Attributes:
        spending: Their usage.
        largest: Input and output tokens of the row with the most tokens.
        turns: Number of rows, without usage from before the first turn.
    """

    spending: Spending
    largest: int
    turns: int


class _StoredUsage(NamedTuple):
    """The usage that one branch stored: its first and its last turn, and the sums."""

    first: int
    last: int
    sums: tuple[_UsageSum, ...]


class BranchUsageCache:
    """The usage of the branches of one session.

    The number of statements of a method does not grow with the number of turns or branches.
    """

    def __init__(self, tier_limits: Sequence[int] | None = None) -> None:
        """Start without usage.

        Args:
            tier_limits: Keep usage apart where prices may differ: by model, hour, and these limits of
                `Spending.price_tier`, ascending. None for one sum.
        """
        self._tier_limits = tier_limits
        self._state: tuple[str, Hashable] | None = None
        self._stored: dict[str, _StoredUsage] = {}
        self._orphaned: list[_UsageSum] = []
        self._models: tuple[str, ...] = ()
        self._tree: TurnTree | None = None
        self._by_branch: dict[str, BranchUsage] = {}

    def branch_usage(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> BranchUsage:
        """Return the usage of a branch."""
        self._refresh(tx, session, tree)
        usage = self._by_branch.pop(branch_id, None)
        if usage is None:
            usage = self._add_up(tx, session, tree, branch_id)
            while len(self._by_branch) >= _CACHED_BRANCHES:
                del self._by_branch[next(iter(self._by_branch))]
        self._by_branch[branch_id] = usage
        return usage

    def spending(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> SpendingByScope:
        """Return the usage of each scope of a branch, apart where prices may differ."""
        self._refresh(tx, session, tree)
        own, path, everything = (
            tuple(part.spending for part in sums) for sums in self._scopes(tx, session, tree, branch_id)
        )
        return SpendingByScope(own, path, everything)

    def _refresh(self, tx: Transaction, session: Session, tree: TurnTree) -> None:
        """Drop what is out of date."""
        session_id = session.session_id
        state = session_id, tx.version
        if state != self._state:
            self._stored = self._read_stored(tx, session_id)
            self._orphaned = self._read_orphaned(tx, session_id)
            self._models = _models(tx, session_id)
            self._state, self._tree = state, None
        if tree is not self._tree:
            self._tree = tree
            self._by_branch.clear()

    def _add_up(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> BranchUsage:
        own, path, everything = self._scopes(tx, session, tree, branch_id)
        return BranchUsage(
            branch_id,
            {
                scope: Usage.total(part.spending.usage for part in sums)
                for scope, sums in ((Scope.OWN, own), (Scope.PATH, path), (Scope.ALL, everything))
            },
            turns=tree.branches[branch_id].turns,
            turns_with_usage=sum(part.turns for part in path),
            largest=max((part.largest for part in path), default=0),
            tools=_tools(tx, session, branch_id),
            models=self._models,
        )

    def _scopes(
        self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str
    ) -> tuple[Sequence[_UsageSum], Sequence[_UsageSum], Sequence[_UsageSum]]:
        """Return the sums that add up to each scope: own, path, all."""
        own = self._stored.get(branch_id)
        path = [*self._path(tx, session.session_id, tree, branch_id)]
        everything = [part for stored in self._stored.values() for part in stored.sums]
        return own.sums if own else (), path, [*everything, *self._orphaned]

    def _path(self, tx: Transaction, session_id: str, tree: TurnTree, branch_id: str) -> Iterable[_UsageSum]:
        ran = [
            (holder, self._stored[holder.branch_id])
            for holder in turn_holders(tree, branch_id)
            if holder.branch_id in self._stored and self._stored[holder.branch_id].first <= holder.last
        ]
        spans = sorted((stored.first, min(stored.last, holder.last)) for holder, stored in ran)
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            yield from self._read_held(tx, session_id, [holder for holder, _ in ran], once=True)
        else:
            # No turn was run by two of them, so that the sums of a branch count where it shares all that it ran.
            for holder, stored in ran:
                if stored.last <= holder.last:
                    yield from stored.sums
            if partly := [holder for holder, stored in ran if stored.last > holder.last]:
                yield from self._read_held(tx, session_id, partly)
        turns = tree.branches[branch_id].turns
        yield from self._read_orphaned_on(tx, session_id, branch_id, turns, [holder for holder, _ in ran])

    def _read_stored(self, tx: Transaction, session_id: str) -> dict[str, _StoredUsage]:
        """Return the usage that each branch of a session stored."""
        if not tx.has_table("turn_usage"):
            return {}
        source = (
            f"turn_usage AS u WHERE u.session_id = :session_id AND {tx.dialect.is_text('u.branch_id')}"
            f" AND u.user_turn_number <= {LAST_TURN}"
        )
        columns = ("branch_id", "MIN(turn)", "MAX(turn)")
        found: dict[str, _StoredUsage] = {}
        for (branch_id, first, last), part in self._sum(tx, source, columns=columns, session_id=session_id):
            before = found.get(branch_id, _StoredUsage(first, last, ()))
            found[branch_id] = _StoredUsage(min(before.first, first), max(before.last, last), (*before.sums, part))
        return found

    def _read_held(
        self, tx: Transaction, session_id: str, holders: Sequence[Holder], *, once: bool = False
    ) -> Iterable[_UsageSum]:
        """Return the usage of the turns that holders share with the first of them.

        Args:
            tx: The transaction.
            session_id: The session.
            holders: The holders.
            once: Whether several of them may have run a turn; the usage of the first one counts.
        """
        source = f"{first_holder_usage(tx.dialect)} AS u" if once else held_usage(tx.dialect)
        return [part for _, part in self._sum(tx, source, session_id=session_id, holders=as_json(holders))]

    def _read_orphaned(self, tx: Transaction, session_id: str) -> list[_UsageSum]:
        """Return the usage of turns that deleted branches ran and other branches hold."""
        if not tx.has_table("convo_usage"):
            return []
        source = (
            "convo_usage AS u WHERE u.session_id = :session_id AND EXISTS (SELECT 1 FROM message_structure t"
            f" WHERE t.session_id = u.session_id AND t.message_id = u.message_id) AND NOT ({_RESTORED})"
        )
        return [part for _, part in self._sum(tx, source, message="u.message_id", session_id=session_id)]

    def _read_orphaned_on(
        self, tx: Transaction, session_id: str, branch_id: str, turns: int, holders: Sequence[Holder]
    ) -> Iterable[_UsageSum]:
        """Return the usage of turns of a branch that deleted branches ran, without turns that a holder ran itself."""
        if not self._orphaned:
            return []
        holder_rows = tx.dialect.rows_of_json("holders", ("branch_id", "last_turn"))
        source = (
            f"convo_usage AS u WHERE u.session_id = :session_id AND u.user_turn_number <= :turns AND {ON_BRANCH}"
            f" AND NOT EXISTS (SELECT 1 FROM {holder_rows} AS h {tx.dialect.ordered_join} turn_usage AS b"
            " ON b.session_id = u.session_id AND b.branch_id = h.branch_id"
            " AND b.user_turn_number = u.user_turn_number WHERE u.user_turn_number <= h.last_turn)"
        )
        rows = self._sum(
            tx,
            source,
            message="u.message_id",
            session_id=session_id,
            branch_id=branch_id,
            turns=turns,
            holders=as_json(holders),
        )
        return [part for _, part in rows]

    def _sum(
        self, tx: Transaction, source: str, *, columns: Sequence[str] = (), message: str = "", **values: object
    ) -> list[tuple[list[Any], _UsageSum]]:
        """Add up usage rows.

        Args:
            tx: The transaction.
            source: The rows `u`, with the conditions on them.
            columns: The columns to read in addition to the sums; the first one groups.
            message: The column with the first message of the turn; empty where the branch's structure knows it.
            values: The named values of `source`; always `session_id`.
        """
        apart = self._tier_limits is not None
        model, hour, tier = "NULL", "''", "0"
        if self._tier_limits is not None:
            model, hour, tier = "run.model", "hour", _price_tier(self._tier_limits)
        groups = [*columns[:1], *(("model", "hour", "price_tier") if apart else ())]
        rows = tx.fetch_as_json(
            f"WITH run AS ({_LAST_RUNS if tx.has_table('convo_runs') else _NO_RUNS})"
            f" SELECT {''.join(f'{column}, ' for column in columns)}"
            f" {'model, hour, price_tier' if apart else f'{model}, {hour}, {tier}'}, {_SUMS}"
            f" FROM (SELECT used.branch_id, used.turn, {USAGE_NAMES}, run.estimated,"
            f" {model} AS model, {hour} AS hour, {tier} AS price_tier"
            f" FROM ({_used_rows(tx.dialect, source, message)}) AS used"
            " LEFT JOIN run ON run.branch_id = used.branch_id AND run.turn = used.turn"
            f" AND {'run.message_id = used.message_id' if message else _FIRST_MESSAGE}) AS priced"
            + (f" GROUP BY {', '.join(groups)}" if groups else ""),
            len(columns) + _WIDTH,
            **values,
        )
        # A sum over nothing is a row too, unless the rows are grouped.
        return [(row[:-_WIDTH], part) for row in rows if (part := _usage_sum(row[-_WIDTH:])).spending.turns]


def _used_rows(dialect: Dialect, source: str, message: str) -> str:
    return (
        f"SELECT u.branch_id, u.user_turn_number AS turn, {message or 'NULL'} AS message_id,"
        f" {HOUR} AS hour, {usage_expressions(dialect)} FROM {source}"
    )


def _price_tier(limits: Sequence[int]) -> str:
    """Return the largest limit that the mean input of the requests exceeds, as SQL; 0 for none."""
    requests = "CASE WHEN requests > 1 THEN requests ELSE 1 END"
    cases = "".join(f" WHEN input_tokens > {limit} * ({requests}) THEN {limit}" for limit in reversed(limits))
    return f"CASE{cases} ELSE 0 END" if cases else "0"


def _usage_sum(row: Sequence[Any]) -> _UsageSum:
    model, hour, price_tier, *numbers, estimated, rows, largest, turns = row
    if not rows:
        return _UsageSum(Spending(Usage(), 0), 0, 0)
    usage = read_usage(numbers, estimated=bool(estimated))
    return _UsageSum(Spending(usage, rows, model, hour, price_tier), largest, turns)


def _models(tx: Transaction, session_id: str) -> tuple[str, ...]:
    """Return the models whose tokens a provider counted."""
    if not tx.has_table("convo_runs"):
        return ()
    rows = tx.execute(
        "SELECT DISTINCT CAST(model AS TEXT) FROM convo_runs"
        " WHERE session_id = :session_id AND model IS NOT NULL AND reported <> 0 AND estimated = 0 ORDER BY 1",
        session_id=session_id,
    )
    return tuple(model for (model,) in rows)


def _tools(tx: Transaction, session: Session, branch_id: str) -> tuple[tuple[str, int], ...]:
    """Return name and calls of each tool of a branch, the tool with the most calls first."""
    rows = tx.execute(
        "SELECT CAST(COALESCE(tool_name, message_type) AS TEXT), COUNT(*)"
        f" FROM {tx.structure_table(session)} WHERE session_id = :session_id AND branch_id = :branch_id"
        f" AND {call_condition('message_type')} GROUP BY 1 ORDER BY 2 DESC, 1",
        session_id=session.session_id,
        branch_id=branch_id,
    )
    return tuple(rows)
