"""The usage of a branch: the sum of each scope, and the tools that it called.

The database adds the rows up. The usage that each branch of a session stored, which the sums of every branch need, is
cached as long as the session does not change, and so are the sums of the branches that were read.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tui.model import BranchUsage, Counting, Scope, Session, Spending, TurnTree, Usage
from tui.model.requests import RequestUsage
from tui.storage.dialect import Dialect
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import (
    HOUR,
    ON_BRANCH,
    SHARING_COLUMNS,
    SharingBranch,
    branches_sharing_turns,
    first_shared_usage,
    shared_usage,
)
from tui.storage.queries.usage_columns import (
    USAGE_COLUMNS,
    USAGE_NAMES,
    USAGE_SUMS,
    counting_expression,
    read_usage,
    usage_expressions,
)
from tui.storage.schema import LAST_TURN
from tui.storage.type_conditions import call_condition

__all__ = ["BranchUsageCache", "SpendingByScope", "session_tools"]

_CACHED_BRANCHES: Final = 256

_APART: Final = ("model", "hour", "price_tier", "counting", "by_mean", "part_branch", "part_message")
"""The first columns of `_usage_sum`: what a price depends on, and the turn of which a row is a part."""

_TOGETHER: Final = "NULL, '', 0, '', 0, NULL, NULL"
"""The same for a sum of all rows."""

_SUMS: Final = (
    f"{USAGE_SUMS}, COALESCE(MAX(estimated), 0), SUM(is_turn), COUNT(*), MAX(input_tokens + output_tokens),"
    " COUNT(*) FILTER (WHERE turn > 0)"
)
"""The other columns."""

_WIDTH: Final = len(_APART) + len(USAGE_COLUMNS) + 5
"""The number of columns of `_usage_sum`."""

_LAST_RUNS: Final = """
    SELECT r.branch_id, r.user_turn_number AS turn, r.message_id, r.estimated, CAST(r.model AS TEXT) AS model
    FROM (
        SELECT MAX(id) AS id FROM convo_runs WHERE session_id = :session_id AND reported <> 0
        GROUP BY branch_id, user_turn_number, message_id
    ) AS newest JOIN convo_runs r ON r.id = newest.id
"""
"""The last run with reported tokens for each branch, turn and first message of the turn."""

_NO_RUNS: Final = """
    SELECT CAST(NULL AS TEXT) AS branch_id, CAST(NULL AS BIGINT) AS turn, CAST(NULL AS BIGINT) AS message_id,
        0 AS estimated, CAST(NULL AS TEXT) AS model WHERE 1 = 0
"""

_FIRST_MESSAGE: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = :session_id
        AND t.branch_id = run.branch_id AND t.user_turn_number = run.turn AND t.message_id = run.message_id)
"""
"""The condition that the branch of a run holds the turn of the run now."""

_TOOL_NAME: Final = "CAST(COALESCE(tool_name, message_type) AS TEXT)"

_RESTORED: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = u.session_id AND t.branch_id = u.branch_id
        AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)
    AND EXISTS (SELECT 1 FROM turn_usage b WHERE b.session_id = u.session_id AND b.branch_id = u.branch_id
        AND b.user_turn_number = u.user_turn_number)
"""
"""The condition that the branch of a row `u` of `convo_usage` exists again, with usage for that turn."""


_TOKENS: Final = RequestUsage._fields

_SENT: Final = f"""
    SELECT branch_id, user_turn_number AS turn, MIN(message_id) AS message_id, COUNT(*) AS requests,
        COUNT(COALESCE(input_tokens, output_tokens)) AS reported,
        MIN(CASE WHEN COALESCE(input_tokens, output_tokens) IS NOT NULL THEN id END) AS first_id,
        {", ".join(f"SUM(COALESCE({name}, 0)) AS {name}" for name in _TOKENS)}
    FROM convo_requests r WHERE session_id = :session_id
"""
"""The sums of the requests of a turn."""

_SENT_ON_BRANCH: Final = f"""
    {_SENT} AND EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = r.session_id
        AND t.branch_id = r.branch_id AND t.user_turn_number = r.user_turn_number AND t.message_id = r.message_id)
    GROUP BY branch_id, user_turn_number HAVING MIN(message_id) = MAX(message_id)
"""
"""Those of each branch and turn that the branch holds now."""

_ADDS_UP: Final = " AND ".join(
    ["used.requests BETWEEN sent.reported AND sent.requests"]
    + [f"sent.{name} = COALESCE(used.{name}, 0)" for name in _TOKENS]
)
"""The condition of `adds_up`."""

_OF_TURN: Final = ", ".join(f"used.{name} AS {name}" for name in USAGE_NAMES.split(", "))

_OF_REQUEST: Final = ", ".join(
    f"CASE WHEN r.id IS NULL THEN used.{name} ELSE {value} END AS {name}"
    for name, value in {
        "requests": "1",
        "total_tokens": "COALESCE(r.input_tokens, 0) + COALESCE(r.output_tokens, 0)",
        "input_tokens": "COALESCE(r.input_tokens, 0)",
        "output_tokens": "COALESCE(r.output_tokens, 0)",
        **{name: f"r.{name}" for name in _TOKENS[2:]},
    }.items()
)
"""The numbers of a request, or of a turn whose requests are not known."""


class SpendingByScope(NamedTuple):
    """The usage of each scope by model, hour and price tier, of requests where they are recorded, else of turns."""

    own: tuple[Spending, ...]
    path: tuple[Spending, ...]
    all: tuple[Spending, ...]


class _UsageSum(NamedTuple):
    """A sum of usage rows.

    Attributes:
        spending: The usage.
        largest: Input and output tokens of the row with the most tokens.
        turns: Number of rows, without the row for items before the first turn.
    """

    spending: Spending
    largest: int
    turns: int


class _StoredUsage(NamedTuple):
    """The usage that one branch stored, with the first and the last turn that has a row."""

    first: int
    last: int
    sums: tuple[_UsageSum, ...]


class BranchUsageCache:
    """The usage of the branches of one session.

    The number of statements of a method does not grow with the number of turns or branches.
    """

    def __init__(self, tier_limits: Sequence[int] | None = None) -> None:
        """Create an empty cache.

        Args:
            tier_limits: The limits of `Spending.price_tier`, ascending. If given, usage is summed separately for each
                model, hour and price tier; otherwise there is one sum.
        """
        self._tier_limits = tier_limits
        self._state: tuple[str, Hashable] | None = None
        self._stored: dict[str, _StoredUsage] = {}
        self._orphaned: list[_UsageSum] = []
        self._models: tuple[str, ...] = ()
        self._tree: TurnTree | None = None
        self._by_branch: dict[str, BranchUsage] = {}

    def branch_usage(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> BranchUsage:
        """Return the sums of a branch, its tools, and the models of the session."""
        self._refresh(tx, session, tree)
        usage = self._by_branch.pop(branch_id, None)
        if usage is None:
            usage = self._add_up(tx, session, tree, branch_id)
            while len(self._by_branch) >= _CACHED_BRANCHES:
                del self._by_branch[next(iter(self._by_branch))]
        self._by_branch[branch_id] = usage
        return usage

    def spending(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> SpendingByScope:
        """Return the usage of each scope of a branch, separated by model, hour and price tier."""
        self._refresh(tx, session, tree)
        own, path, everything = (
            tuple(part.spending for part in sums) for sums in self._scopes(tx, session, tree, branch_id)
        )
        return SpendingByScope(own, path, everything)

    def _refresh(self, tx: Transaction, session: Session, tree: TurnTree) -> None:
        """Read the stored usage again if it is another session, or has changed."""
        session_id = session.session_id
        state = session_id, tx.session_version(session_id)
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
            tools=_tools(tx, session, branch_id, tree.first_own_turn(branch_id)),
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
            (branch, self._stored[branch.branch_id])
            for branch in branches_sharing_turns(tree, branch_id)
            if branch.branch_id in self._stored and self._stored[branch.branch_id].first <= branch.last_turn
        ]
        spans = sorted((stored.first, min(stored.last, branch.last_turn)) for branch, stored in ran)
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            yield from self._read_shared(tx, session_id, [branch for branch, _ in ran], once=True)
        else:
            # No two branches ran the same turn: the cached sums of a branch count if it shares all turns that it ran.
            for branch, stored in ran:
                if stored.last <= branch.last_turn:
                    yield from stored.sums
            if partly := [branch for branch, stored in ran if stored.last > branch.last_turn]:
                yield from self._read_shared(tx, session_id, partly)
        turns = tree.branches[branch_id].turns
        yield from self._read_usage_of_deleted_branches(tx, session_id, branch_id, turns, [branch for branch, _ in ran])

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

    def _read_shared(
        self, tx: Transaction, session_id: str, sharing: Sequence[SharingBranch], *, once: bool = False
    ) -> Iterable[_UsageSum]:
        """Return the usage of shared turns; with `once`, only that of the first branch that ran a turn."""
        source = f"{first_shared_usage(tx.dialect)} AS u" if once else shared_usage(tx.dialect)
        return [part for _, part in self._sum(tx, source, session_id=session_id, sharing=json.dumps(sharing))]

    def _read_orphaned(self, tx: Transaction, session_id: str) -> list[_UsageSum]:
        """Return the usage of turns that other branches hold, but a deleted branch ran."""
        if not tx.has_table("convo_usage"):
            return []
        source = (
            "convo_usage AS u WHERE u.session_id = :session_id AND EXISTS (SELECT 1 FROM message_structure t"
            f" WHERE t.session_id = u.session_id AND t.message_id = u.message_id) AND NOT ({_RESTORED})"
        )
        return [part for _, part in self._sum(tx, source, message="u.message_id", session_id=session_id)]

    def _read_usage_of_deleted_branches(
        self, tx: Transaction, session_id: str, branch_id: str, turns: int, sharing: Sequence[SharingBranch]
    ) -> Iterable[_UsageSum]:
        """Return the usage of turns of a branch that deleted branches ran, and none of the sharing branches."""
        if not self._orphaned:
            return []
        sharing_rows = tx.dialect.rows_of_json("sharing", SHARING_COLUMNS)
        source = (
            f"convo_usage AS u WHERE u.session_id = :session_id AND u.user_turn_number <= :turns AND {ON_BRANCH}"
            f" AND NOT EXISTS (SELECT 1 FROM {sharing_rows} AS s {tx.dialect.ordered_join} turn_usage AS b"
            " ON b.session_id = u.session_id AND b.branch_id = s.branch_id"
            " AND b.user_turn_number = u.user_turn_number WHERE u.user_turn_number <= s.last_turn)"
        )
        rows = self._sum(
            tx,
            source,
            message="u.message_id",
            session_id=session_id,
            branch_id=branch_id,
            turns=turns,
            sharing=json.dumps(sharing),
        )
        return [part for _, part in rows]

    def _sum(
        self, tx: Transaction, source: str, *, columns: Sequence[str] = (), message: str = "", **values: object
    ) -> list[tuple[list[Any], _UsageSum]]:
        """Add up usage rows.

        Args:
            tx: The transaction.
            source: The rows `u` and their conditions, as the end of a SELECT.
            columns: Columns to read in addition to the sums; the rows are grouped by the first of them.
            message: The column with the first message of the turn; if empty, it is looked up in `message_structure`.
            values: The named values of `source`, with `session_id`.
        """
        limits = self._tier_limits
        counting = "''" if limits is None else counting_expression(tx.dialect)
        on_message = "used.message_id" if message else ""
        usages = (
            f"WITH run AS ({_LAST_RUNS if tx.has_table('convo_runs') else _NO_RUNS}),"
            f" used AS ({_used_rows(tx.dialect, source, message, counting)})"
        )
        joined = (
            "used LEFT JOIN run ON run.branch_id = used.branch_id AND run.turn = used.turn"
            f" AND {f'run.message_id = {on_message}' if message else _FIRST_MESSAGE}"
        )
        if limits is None:
            apart: tuple[str, ...] = ()
            query = (
                f"{usages} SELECT {''.join(f'{column}, ' for column in columns)} {_TOGETHER}, {_SUMS}"
                f" FROM (SELECT used.branch_id, used.turn, {_OF_TURN}, run.estimated, 1 AS is_turn FROM {joined})"
                " AS counted"
            )
        else:
            apart = _APART
            query = (
                f"{usages}, {_priced_rows(joined, limits, on_message, has_requests=tx.has_table('convo_requests'))}"
                f" SELECT {''.join(f'{column}, ' for column in columns)} {', '.join(_APART)}, {_SUMS} FROM apart"
            )
        groups = (*columns[:1], *apart)
        rows = tx.fetch_rows_via_json(
            query + (f" GROUP BY {', '.join(groups)}" if groups else ""), len(columns) + _WIDTH, **values
        )
        # Without GROUP BY, a sum of no rows is a row.
        return [(row[:-_WIDTH], part) for row in rows if (part := _usage_sum(row[-_WIDTH:])).spending.turns]


def _priced_rows(joined: str, limits: Sequence[int], on_message: str, *, has_requests: bool) -> str:
    """Return the common table expression `apart`: a row for each known request and for each turn without any.

    Args:
        joined: The turns `used` and their runs.
        limits: The limits of price tiers.
        on_message: The column with the first message of a turn, if there is one.
        has_requests: Whether the file has requests.
    """
    sent, numbers, model, is_turn, message = "", _OF_TURN, "run.model", "1", "0"
    if has_requests:
        of_turn = f"{_SENT} GROUP BY branch_id, user_turn_number, message_id" if on_message else _SENT_ON_BRANCH
        sent = f"sent AS ({of_turn}), "
        joined = (
            f"{joined} LEFT JOIN sent ON sent.branch_id = used.branch_id AND sent.turn = used.turn AND {_ADDS_UP}"
            f"{f' AND sent.message_id = {on_message}' if on_message else ''}"
            " LEFT JOIN convo_requests r ON r.session_id = :session_id AND r.message_id = sent.message_id"
            " AND r.branch_id = sent.branch_id AND r.user_turn_number = sent.turn"
            " AND COALESCE(r.input_tokens, r.output_tokens) IS NOT NULL"
        )
        numbers, model = _OF_REQUEST, "COALESCE(CAST(r.model AS TEXT), run.model)"
        is_turn = "CASE WHEN r.id IS NULL OR r.id = sent.first_id THEN 1 ELSE 0 END"
        message = "COALESCE(sent.message_id, 0)"
    by_mean = f"CASE WHEN requests > 1 AND input_tokens > {limits[0]} THEN 1 ELSE 0 END" if limits else "0"
    window = "OVER (PARTITION BY branch_id, turn, message_id)"
    price = "COALESCE(model, '') || '/' || CAST(price_tier AS TEXT)"
    return (
        f"{sent}counted AS (SELECT used.branch_id, used.turn, used.hour, used.counting, {numbers},"
        f" run.estimated, {model} AS model, {is_turn} AS is_turn, {message} AS message_id FROM {joined}),"
        f" priced AS (SELECT counted.*, {_price_tier(limits)} AS price_tier, {by_mean} AS by_mean FROM counted),"
        f" compared AS (SELECT priced.*, MIN({price}) {window} <> MAX({price}) {window} AS is_mixed FROM priced),"
        " apart AS (SELECT compared.*, CASE WHEN is_mixed THEN branch_id END AS part_branch,"
        " CASE WHEN is_mixed THEN message_id END AS part_message FROM compared)"
    )


def _used_rows(dialect: Dialect, source: str, message: str, counting: str) -> str:
    return (
        f"SELECT u.branch_id, u.user_turn_number AS turn, {message or 'NULL'} AS message_id,"
        f" {HOUR} AS hour, {counting} AS counting, {usage_expressions(dialect)} FROM {source}"
    )


def _price_tier(limits: Sequence[int]) -> str:
    """Return the largest limit that the mean input of the requests exceeds, as SQL; 0 for none."""
    requests = "CASE WHEN requests > 1 THEN requests ELSE 1 END"
    cases = "".join(f" WHEN input_tokens > {limit} * ({requests}) THEN {limit}" for limit in reversed(limits))
    return f"CASE{cases} ELSE 0 END" if cases else "0"


def _usage_sum(row: Sequence[Any]) -> _UsageSum:
    (
        model,
        hour,
        price_tier,
        counting,
        by_mean,
        branch_id,
        message_id,
        *numbers,
        estimated,
        turns,
        rows,
        largest,
        path,
    ) = row
    if not rows:
        return _UsageSum(Spending(Usage(), 0), 0, 0)
    usage = read_usage(numbers, estimated=bool(estimated))
    part_of = None if branch_id is None else (branch_id, message_id)
    turns = turns if part_of is None else 1
    spending = Spending(usage, turns, model, hour, price_tier, Counting(counting), bool(by_mean), part_of)
    return _UsageSum(spending, largest, path)


def _models(tx: Transaction, session_id: str) -> tuple[str, ...]:
    """Return the models of a session whose tokens a provider counted."""
    found: set[str] = set()
    for table, is_counted in (
        ("convo_runs", "reported <> 0 AND estimated = 0"),
        ("convo_requests", "input_tokens >= 0"),
    ):
        # The runs of a session are fewer than its requests, and have the same models.
        if not found and tx.has_table(table):
            rows = tx.execute(
                f"SELECT DISTINCT CAST(model AS TEXT) FROM {table}"
                f" WHERE session_id = :session_id AND model IS NOT NULL AND {is_counted}",
                session_id=session_id,
            )
            found.update(model for (model,) in rows)
    return tuple(sorted(found))


def _tools(
    tx: Transaction, session: Session, branch_id: str, first_own: int
) -> dict[Scope, tuple[tuple[str, int], ...]]:
    """Return the name and the number of calls of each tool of a branch, the tool with the most calls first."""
    with tx.narrowed(branch_id):
        rows = tx.execute(
            f"SELECT {_TOOL_NAME}, COUNT(*), COUNT(*) FILTER (WHERE user_turn_number >= :first_own)"
            f" FROM {tx.structure_table(session)} WHERE session_id = :session_id AND branch_id = :branch_id"
            f" AND {call_condition('message_type')} GROUP BY 1 ORDER BY 2 DESC, 1",
            session_id=session.session_id,
            branch_id=branch_id,
            first_own=first_own,
        ).fetchall()
    own = sorted(((name, calls) for name, _, calls in rows), key=lambda tool: -tool[1])
    return {Scope.OWN: tuple(own), Scope.PATH: tuple((name, calls) for name, calls, _ in rows)}


def session_tools(tx: Transaction, session: Session) -> tuple[tuple[str, int], ...]:
    """Return the name and the number of calls of each tool of a session, the tool with the most calls first."""
    rows = tx.execute(
        f"SELECT {_TOOL_NAME}, COUNT(DISTINCT message_id)"
        f" FROM {tx.structure_table(session)} WHERE session_id = :session_id"
        f" AND {call_condition('message_type')} GROUP BY 1 ORDER BY 2 DESC, 1",
        session_id=session.session_id,
    )
    return tuple(rows)
