"""What a branch cost: the sums of each scope, and the tools it called.

The sums are SQLite's: nothing is loaded turn by turn. What every branch of a session needs, the sum of what each
branch ran, is remembered while the file stays as it is, and so are the accounts of the branches that were looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tui.model import Accounts, Scope, Session, TurnTree, Usage
from tui.session.reader import Snapshot
from tui.session.spent import COUNTS, HELD, Holder, as_json, holders

__all__ = ["Books"]

_REMEMBERED: Final = 256
"""How many branches' accounts are remembered."""

_LAST_TURN: Final = 10**7
"""A greater number is no turn's, and neither is what SQLite sorts after all numbers: texts and blobs."""

_SUMS: Final = (
    "SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens), SUM(cached_tokens),"
    " SUM(reasoning_tokens), COALESCE(MAX(estimated), 0), MAX(input_tokens + output_tokens), SUM(turn > 0)"
)
"""The columns of a `_Sum`."""

_ESTIMATES: Final = """
    SELECT r.branch_id, r.user_turn_number AS turn, r.message_id, r.estimated, MAX(r.id)
    FROM convo_runs r WHERE r.session_id = :session AND r.reported
    GROUP BY r.branch_id, r.user_turn_number, r.message_id
"""
"""Whether the last run that told its tokens estimated them: for each branch, turn and first message of the turn."""

_BACK: Final = """
    EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = u.session_id AND t.branch_id = u.branch_id
        AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)
    AND EXISTS (SELECT 1 FROM turn_usage b WHERE b.session_id = u.session_id AND b.branch_id = u.branch_id
        AND b.user_turn_number = u.user_turn_number)
"""
"""Whether the branch whose usage was kept is there again, with that usage."""


class _Sum(NamedTuple):
    """The sum of some usage rows.

    Attributes:
        usage: Their tokens.
        largest: Input and output tokens of the one that has most.
        turns: How many there are, without what was spent before the first turn.
    """

    usage: Usage
    largest: int
    turns: int


class _Billed(NamedTuple):
    """What one branch ran: the first and the last turn that it stored usage for, and the sum."""

    first: int
    last: int
    sum: _Sum


class Books:
    """The accounts of the session that is looked at."""

    def __init__(self) -> None:
        self._of: tuple[str, int] | None = None
        self._billed: dict[str, _Billed] = {}
        self._kept: _Sum | None = None
        self._tree: TurnTree | None = None
        self._accounts: dict[str, Accounts] = {}

    def accounts(self, file: Snapshot, session: Session, tree: TurnTree, branch_id: str) -> Accounts:
        """What a branch cost.

        Takes the same few statements however many turns and branches there are.
        """
        self._open(file, session, tree)
        known = self._accounts.pop(branch_id, None)
        if known is None:
            known = self._add_up(file, session, tree, branch_id)
            while len(self._accounts) >= _REMEMBERED:
                del self._accounts[next(iter(self._accounts))]
        self._accounts[branch_id] = known
        return known

    def _open(self, file: Snapshot, session: Session, tree: TurnTree) -> None:
        """Forget what is no longer so."""
        of = session.session_id, file.version
        if of != self._of:
            self._billed, self._kept = _billed(file, session.session_id), _kept(file, session.session_id)
            self._of, self._tree = of, None
        if tree is not self._tree:
            self._tree = tree
            self._accounts.clear()

    def _add_up(self, file: Snapshot, session: Session, tree: TurnTree, branch_id: str) -> Accounts:
        own = self._billed.get(branch_id)
        path = _total(self._path(file, session.session_id, tree, branch_id))
        everything = Usage.total((*(billed.sum.usage for billed in self._billed.values()), _usage(self._kept)))
        return Accounts(
            branch_id,
            {Scope.OWN: _usage(own.sum if own else None), Scope.PATH: _usage(path), Scope.ALL: everything},
            turns=tree.branches[branch_id].turns,
            counted=path.turns if path else 0,
            largest=path.largest if path else 0,
            tools=_tools(file, session, branch_id),
        )

    def _path(self, file: Snapshot, session_id: str, tree: TurnTree, branch_id: str) -> Iterable[_Sum | None]:
        """The sums that add up to the path's."""
        ran = [
            (holder, self._billed[holder.branch_id])
            for holder in holders(tree, branch_id)
            if holder.branch_id in self._billed and self._billed[holder.branch_id].first <= holder.last
        ]
        spans = sorted((billed.first, min(billed.last, holder.last)) for holder, billed in ran)
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            yield _held(file, session_id, [holder for holder, _ in ran], "GROUP BY u.user_turn_number")
        else:
            # No turn was run by two of them, so that what a branch ran counts as a whole where all of it is shared.
            yield from (billed.sum for holder, billed in ran if billed.last <= holder.last)
            if parts := [holder for holder, billed in ran if billed.last > holder.last]:
                yield _held(file, session_id, parts)
        yield _kept_on(file, session_id, branch_id, tree.branches[branch_id].turns, [holder for holder, _ in ran])


def _billed(file: Snapshot, session_id: str) -> dict[str, _Billed]:
    """What each branch of a session ran."""
    if not file.has("turn_usage"):
        return {}
    rows = _sums(
        file,
        "branch_id, MIN(turn), MAX(turn)",
        f"turn_usage AS u WHERE u.session_id = :session AND u.user_turn_number <= {_LAST_TURN}",
        {"session": session_id},
        group="GROUP BY branch_id",
    )
    return {branch_id: _Billed(first, last, made) for (branch_id, first, last), made in rows if made}


def _held(file: Snapshot, session_id: str, sharing: Sequence[Holder], group: str = "") -> _Sum | None:
    """What holders spent on the turns they share with the first of them; each turn once if grouped by turn."""
    source = f"{HELD} {group}"
    rank = ", MIN(h.key)" if group else ""
    values = {"session": session_id, "holders": as_json(sharing)}
    return next((made for _, made in _sums(file, "NULL", source, values, more=rank)), None)


def _kept(file: Snapshot, session_id: str) -> _Sum | None:
    """What branches that were deleted spent on turns that others hold."""
    if not file.has("convo_usage"):
        return None
    source = (
        "convo_usage AS u WHERE u.session_id = :session AND EXISTS (SELECT 1 FROM message_structure t"
        f" WHERE t.session_id = u.session_id AND t.message_id = u.message_id) AND NOT ({_BACK})"
    )
    return next((made for _, made in _sums(file, "NULL", source, {"session": session_id}, message="message_id")), None)


def _kept_on(file: Snapshot, session_id: str, branch_id: str, turns: int, sharing: Sequence[Holder]) -> _Sum | None:
    """What branches that were deleted spent on turns of a branch for which no holder has usage of its own."""
    if not file.has("convo_usage"):
        return None
    source = (
        "convo_usage AS u WHERE u.session_id = :session AND u.user_turn_number <= :turns"
        " AND EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = u.session_id AND t.branch_id = :branch"
        " AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)"
        " AND NOT EXISTS (SELECT 1 FROM json_each(:holders) h CROSS JOIN turn_usage b"
        " ON b.session_id = u.session_id AND b.branch_id = json_extract(h.value, '$[0]')"
        " AND b.user_turn_number = u.user_turn_number WHERE u.user_turn_number <= json_extract(h.value, '$[1]'))"
    )
    values = {"session": session_id, "branch": branch_id, "turns": turns, "holders": as_json(sharing)}
    return next((made for _, made in _sums(file, "NULL", source, values, message="message_id")), None)


def _sums(
    file: Snapshot,
    columns: str,
    source: str,
    values: dict[str, Any],
    *,
    more: str = "",
    message: str = "NULL",
    group: str = "",
) -> list[tuple[list[Any], _Sum | None]]:
    """Add usage rows up.

    Args:
        file: The file.
        columns: What to read beside the sums.
        source: The rows `u`, and which of them.
        values: What `source` names; always `session`.
        more: Another column of each row.
        message: The column that holds the turn's first message; NULL where the branch's structure tells it.
        group: How to group the sums.
    """
    ran, join, estimated = "", "", "0"
    if file.has("convo_runs"):
        ran = f"WITH ran AS ({_ESTIMATES})"
        estimated = "ran.estimated"
        join = "LEFT JOIN ran ON ran.branch_id = spent.branch_id AND ran.turn = spent.turn AND " + (
            "ran.message_id = spent.message_id"
            if message != "NULL"
            else "EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = :session"
            " AND t.branch_id = ran.branch_id AND t.user_turn_number = ran.turn AND t.message_id = ran.message_id)"
        )
    rows = file.execute(
        f"{ran} SELECT {columns}, {_SUMS} FROM (SELECT spent.*, {estimated} AS estimated FROM"
        f" (SELECT u.branch_id, u.user_turn_number AS turn, {message} AS message_id, {COUNTS}{more} FROM {source})"
        f" AS spent {join}) {group}",
        values,
    )
    return [(found[:-9], _sum(found[-9:])) for found in map(list, rows)]


def _sum(row: Sequence[Any]) -> _Sum | None:
    *counts, estimated, largest, turns = row
    return None if counts[0] is None else _Sum(replace(Usage(*counts), estimated=bool(estimated)), largest, turns)


def _total(sums: Iterable[_Sum | None]) -> _Sum | None:
    found = [made for made in sums if made]
    usage = Usage.total(made.usage for made in found)
    if usage is None:
        return None
    return _Sum(usage, max(made.largest for made in found), sum(made.turns for made in found))


def _usage(made: _Sum | None) -> Usage | None:
    return made.usage if made else None


def _tools(file: Snapshot, session: Session, branch_id: str) -> tuple[tuple[str, int], ...]:
    rows = file.execute(
        "SELECT CAST(COALESCE(tool_name, message_type) AS TEXT), COUNT(*)"
        f" FROM {file.structure(session)} WHERE session_id = ? AND branch_id = ?"
        " AND (message_type GLOB '*_call' OR message_type = 'mcp_approval_request')"
        " GROUP BY 1 ORDER BY 2 DESC, 1",
        (session.session_id, branch_id),
    )
    return tuple(rows)
