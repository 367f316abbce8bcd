"""What a branch cost: the sums of each scope, and the tools it called.

The sums are SQLite's: nothing is loaded turn by turn. What every branch of a session needs, the sum of what each
branch ran, is remembered while the file stays as it is, and so are the accounts of the branches that were looked at.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tui.model import BranchUsage, Scope, Session, Spending, TurnTree, Usage
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import COUNTS, HELD, HOUR, KEPT_ON, Holder, as_json, holders
from tui.storage.type_conditions import call_condition

__all__ = ["BranchUsageCache", "Priced"]

_REMEMBERED: Final = 256
"""How many branches' accounts are remembered."""

_LAST_TURN: Final = 10**7
"""A greater number is no turn's, and neither is what SQLite sorts after all numbers: texts and blobs."""

_SUMS: Final = (
    "SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens), SUM(cached_tokens),"
    " SUM(reasoning_tokens), SUM(cache_write_tokens), COALESCE(MAX(estimated), 0),"
    " COUNT(*), MAX(input_tokens + output_tokens), SUM(turn > 0)"
)
"""The numbers of a `_Part`."""

_WIDTH: Final = 14
"""How many columns there are of a `_Part`: model, hour and limit, and the numbers."""

_RUNS: Final = """
    SELECT r.branch_id, r.user_turn_number AS turn, r.message_id, r.estimated, CAST(r.model AS TEXT) AS model, MAX(r.id)
    FROM convo_runs r WHERE r.session_id = :session AND r.reported
    GROUP BY r.branch_id, r.user_turn_number, r.message_id
"""
"""The last run that told its tokens: for each branch, turn and first message of the turn."""

_BACK: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = u.session_id AND t.branch_id = u.branch_id
        AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)
    AND EXISTS (SELECT 1 FROM turn_usage b WHERE b.session_id = u.session_id AND b.branch_id = u.branch_id
        AND b.user_turn_number = u.user_turn_number)
"""
"""Whether the branch whose usage was kept is there again, with that usage."""


class Priced(NamedTuple):
    """What each scope spent, as it is priced."""

    own: tuple[Spending, ...]
    path: tuple[Spending, ...]
    all: tuple[Spending, ...]


class _Part(NamedTuple):
    """The sum of some usage rows.

    Attributes:
        spending: Their tokens; apart by price list where the books are kept so.
        largest: Input and output tokens of the row that has most.
        turns: How many rows there are, without what was spent before the first turn.
    """

    spending: Spending
    largest: int
    turns: int


class _Billed(NamedTuple):
    """What one branch ran: the first and the last turn that it stored usage for, and the sums."""

    first: int
    last: int
    parts: tuple[_Part, ...]


class BranchUsageCache:
    """The accounts of the session that is looked at.

    Every method takes the same few statements however many turns and branches there are.
    """

    def __init__(self, limits: Sequence[int] | None = None) -> None:
        """Open them.

        Args:
            limits: Keep apart what has another price list: the models, hours, and these limits of `Spending.over`,
                ascending. None to sum up whatever was spent.
        """
        self._limits = limits
        self._of: tuple[str, Hashable] | None = None
        self._billed: dict[str, _Billed] = {}
        self._kept: list[_Part] = []
        self._models: tuple[str, ...] = ()
        self._tree: TurnTree | None = None
        self._accounts: dict[str, BranchUsage] = {}

    def branch_usage(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> BranchUsage:
        """What a branch cost."""
        self._open(tx, session, tree)
        known = self._accounts.pop(branch_id, None)
        if known is None:
            known = self._add_up(tx, session, tree, branch_id)
            while len(self._accounts) >= _REMEMBERED:
                del self._accounts[next(iter(self._accounts))]
        self._accounts[branch_id] = known
        return known

    def priced(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> Priced:
        """What each scope spent, as it is priced."""
        self._open(tx, session, tree)
        own, path, everything = (
            tuple(part.spending for part in parts) for parts in self._scopes(tx, session, tree, branch_id)
        )
        return Priced(own, path, everything)

    def _open(self, tx: Transaction, session: Session, tree: TurnTree) -> None:
        """Forget what is no longer so."""
        of = session.session_id, tx.version
        if of != self._of:
            self._billed, self._kept = self._all_billed(tx, of[0]), self._all_kept(tx, of[0])
            self._models = _models(tx, of[0])
            self._of, self._tree = of, None
        if tree is not self._tree:
            self._tree = tree
            self._accounts.clear()

    def _add_up(self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> BranchUsage:
        own, path, everything = self._scopes(tx, session, tree, branch_id)
        return BranchUsage(
            branch_id,
            {
                scope: Usage.total(part.spending.usage for part in parts)
                for scope, parts in ((Scope.OWN, own), (Scope.PATH, path), (Scope.ALL, everything))
            },
            turns=tree.branches[branch_id].turns,
            turns_with_usage=sum(part.turns for part in path),
            largest=max((part.largest for part in path), default=0),
            tools=_tools(tx, session, branch_id),
            models=self._models,
        )

    def _scopes(
        self, tx: Transaction, session: Session, tree: TurnTree, branch_id: str
    ) -> tuple[Sequence[_Part], Sequence[_Part], Sequence[_Part]]:
        """What adds up to each scope: own, path, all."""
        own = self._billed.get(branch_id)
        path = [*self._path(tx, session.session_id, tree, branch_id)]
        everything = [part for billed in self._billed.values() for part in billed.parts]
        return own.parts if own else (), path, [*everything, *self._kept]

    def _path(self, tx: Transaction, session_id: str, tree: TurnTree, branch_id: str) -> Iterable[_Part]:
        ran = [
            (holder, self._billed[holder.branch_id])
            for holder in holders(tree, branch_id)
            if holder.branch_id in self._billed and self._billed[holder.branch_id].first <= holder.last
        ]
        spans = sorted((billed.first, min(billed.last, holder.last)) for holder, billed in ran)
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            yield from self._held(tx, session_id, [holder for holder, _ in ran], once=True)
        else:
            # No turn was run by two of them, so that what a branch ran counts as a whole where all of it is shared.
            for holder, billed in ran:
                if billed.last <= holder.last:
                    yield from billed.parts
            if parts := [holder for holder, billed in ran if billed.last > holder.last]:
                yield from self._held(tx, session_id, parts)
        turns = tree.branches[branch_id].turns
        yield from self._kept_on(tx, session_id, branch_id, turns, [holder for holder, _ in ran])

    def _all_billed(self, tx: Transaction, session_id: str) -> dict[str, _Billed]:
        """What each branch of a session ran."""
        if not tx.has_table("turn_usage"):
            return {}
        source = (
            "turn_usage AS u WHERE u.session_id = :session AND typeof(u.branch_id) = 'text'"
            f" AND u.user_turn_number <= {_LAST_TURN}"
        )
        rows = self._sums(tx, source, {"session": session_id}, columns=("branch_id", "MIN(turn)", "MAX(turn)"))
        found: dict[str, _Billed] = {}
        for (branch_id, first, last), part in rows:
            before = found.get(branch_id, _Billed(first, last, ()))
            found[branch_id] = _Billed(min(before.first, first), max(before.last, last), (*before.parts, part))
        return found

    def _held(
        self, tx: Transaction, session_id: str, sharing: Sequence[Holder], *, once: bool = False
    ) -> Iterable[_Part]:
        """What holders spent on the turns they share with the first of them; with `once` each turn once."""
        source = f"{HELD} GROUP BY u.user_turn_number" if once else HELD
        # A bare column beside MIN is of the row that has the least.
        rank = ", MIN(h.key)" if once else ""
        values = {"session": session_id, "holders": as_json(sharing)}
        return [part for _, part in self._sums(tx, source, values, rank=rank)]

    def _all_kept(self, tx: Transaction, session_id: str) -> list[_Part]:
        """What branches that were deleted spent on turns that others hold."""
        if not tx.has_table("convo_usage"):
            return []
        source = (
            "convo_usage AS u WHERE u.session_id = :session AND EXISTS (SELECT 1 FROM message_structure t"
            f" WHERE t.session_id = u.session_id AND t.message_id = u.message_id) AND NOT ({_BACK})"
        )
        return [part for _, part in self._sums(tx, source, {"session": session_id}, message="u.message_id")]

    def _kept_on(
        self, tx: Transaction, session_id: str, branch_id: str, turns: int, sharing: Sequence[Holder]
    ) -> Iterable[_Part]:
        """What branches that were deleted spent on turns of a branch for which no holder has usage of its own."""
        if not self._kept:
            return []
        source = (
            "convo_usage AS u WHERE u.session_id = :session AND u.user_turn_number <= :turns"
            f" AND {KEPT_ON}"
            " AND NOT EXISTS (SELECT 1 FROM json_each(:holders) h CROSS JOIN turn_usage b"
            " ON b.session_id = u.session_id AND b.branch_id = json_extract(h.value, '$[0]')"
            " AND b.user_turn_number = u.user_turn_number WHERE u.user_turn_number <= json_extract(h.value, '$[1]'))"
        )
        values = {"session": session_id, "branch": branch_id, "turns": turns, "holders": as_json(sharing)}
        return [part for _, part in self._sums(tx, source, values, message="u.message_id")]

    def _sums(
        self,
        tx: Transaction,
        source: str,
        values: Mapping[str, object],
        *,
        columns: Sequence[str] = (),
        rank: str = "",
        message: str = "",
    ) -> list[tuple[list[Any], _Part]]:
        """Add usage rows up.

        Args:
            tx: The transaction.
            source: The rows `u`, and which of them.
            values: What `source` names; always `session`.
            columns: What to read beside the sums; the first of them groups.
            rank: Another column of each row.
            message: The column with the turn's first message; empty where the branch's structure tells it.
        """
        ran = "NULL AS branch_id, NULL AS turn, NULL AS message_id, 0 AS estimated, NULL AS model"
        ran = _RUNS if tx.has_table("convo_runs") else f"SELECT {ran} WHERE 0"
        first = "ran.message_id = spent.message_id" if message else (
            "EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = :session"
            " AND t.branch_id = ran.branch_id AND t.user_turn_number = ran.turn AND t.message_id = ran.message_id)"
        )  # fmt: skip
        apart = ("NULL", "''", "0")
        if self._limits is not None:
            over = "".join(
                f" WHEN input_tokens > {limit} * MAX(requests, 1) THEN {limit}" for limit in reversed(self._limits)
            )
            apart = ("ran.model", "hour", f"CASE{over} ELSE 0 END" if over else "0")
        groups = [*columns[:1], *(("model", "hour", "over") if self._limits is not None else ())]
        rows = tx.fetch_as_json(
            f"WITH ran AS ({ran}) SELECT {''.join(f'{column}, ' for column in columns)} model, hour, over, {_SUMS}"
            f" FROM (SELECT spent.branch_id, spent.turn, {COUNT_NAMES}, ran.estimated,"
            f" {apart[0]} AS model, {apart[1]} AS hour, {apart[2]} AS over"
            f" FROM (SELECT u.branch_id, u.user_turn_number AS turn, {message or 'NULL'} AS message_id,"
            f" {HOUR} AS hour, {COUNTS}{rank} FROM {source}) AS spent"
            f" LEFT JOIN ran ON ran.branch_id = spent.branch_id AND ran.turn = spent.turn AND {first})"
            + (f" GROUP BY {', '.join(groups)}" if groups else ""),
            len(columns) + _WIDTH,
            values,
        )
        # Sums over nothing are one row all the same, unless they are grouped.
        return [(row[:-_WIDTH], _part(row[-_WIDTH:])) for row in rows if row[-3]]


COUNT_NAMES: Final = (
    "requests, input_tokens, output_tokens, total_tokens, cached_tokens, reasoning_tokens, cache_write_tokens"
)


def _part(row: Sequence[Any]) -> _Part:
    model, hour, over, *counts, estimated, rows, largest, turns = row
    usage = Usage(*(*counts, bool(estimated)))
    return _Part(Spending(usage, rows, model, hour, over), largest, turns)


def _models(tx: Transaction, session_id: str) -> tuple[str, ...]:
    """The models whose tokens a provider counted."""
    if not tx.has_table("convo_runs"):
        return ()
    rows = tx.execute(
        "SELECT DISTINCT CAST(model AS TEXT) FROM convo_runs"
        " WHERE session_id = ? AND model IS NOT NULL AND reported AND NOT estimated ORDER BY 1",
        (session_id,),
    )
    return tuple(model for (model,) in rows)


def _tools(tx: Transaction, session: Session, branch_id: str) -> tuple[tuple[str, int], ...]:
    rows = tx.execute(
        "SELECT CAST(COALESCE(tool_name, message_type) AS TEXT), COUNT(*)"
        f" FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ?"
        f" AND {call_condition('message_type')}"
        " GROUP BY 1 ORDER BY 2 DESC, 1",
        (session.session_id, branch_id),
    )
    return tuple(rows)
