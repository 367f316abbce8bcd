"""Reading what is compared: what the user said in each turn, what the turns cost, and the items of single turns.

However long two branches are, only the rows of their user messages and calls are read whole; items are read for the
turns that are in sight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from tui.items.codec import decode_or_none
from tui.items.text import item_text
from tui.model import RunRecord, Session, TurnTree, TurnUsage
from tui.model.compare import (
    Comparison,
    Part,
    Side,
    TurnDetail,
    TurnPair,
    compare_parts,
    pair_turns,
    summary,
    tool_steps,
)
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import turn_usages
from tui.storage.type_conditions import call_condition

__all__ = ["Price", "SideRead", "TurnRead", "compared", "compared_turns", "read_side", "read_turns"]

_SAID: Final = 4_000
"""Characters of a stored user message that decide which turn answers to which."""

_MOST_ITEMS: Final = 200
"""Items of one turn that are compared."""

_DECODED: Final = 1 << 20
"""Characters of a stored item up to which it is decoded; of a longer one its stored beginning is compared."""

_TEXT: Final = 100_000
"""Characters of an item that are compared word by word."""


Price: TypeAlias = Callable[[Sequence[TurnUsage]], Sequence[TurnUsage]]
"""Adds what they cost in money to turns."""


class SideRead(NamedTuple):
    """What was read of a side.

    Attributes:
        side: The side.
        said: The beginning of the user message of each turn.
        tools: The name of each tool call in order.
        turns: What each turn cost.
        runs: The last run of each turn that has one.
    """

    side: Side
    said: list[str]
    tools: list[str]
    turns: list[TurnUsage]
    runs: list[RunRecord]


class TurnRead(NamedTuple):
    """The items of a turn, as far as they are compared, and how many more there are."""

    parts: list[Part]
    more: int


def read_side(tx: Transaction, session: Session, tree: TurnTree, side: Side) -> SideRead:
    """Read what decides how the turns of a side are aligned, and what they cost."""
    turns, runs = _costs(tx, session, tree, side)
    return SideRead(side, _said(tx, session, side), _calls(tx, session, side), turns, runs)


def compared(
    session: Session, left: SideRead, right: SideRead, shared: int | None, price: Price | None = None
) -> Comparison:
    """Compare two sides; reads nothing.

    Args:
        session: The session of both.
        left: The one side.
        right: The other.
        shared: The last turn that both hold in common.
        price: Says what turns cost in money; None where no price is known.
    """
    if price is not None:
        left, right = (side._replace(turns=list(price(side.turns))) for side in (left, right))
    return Comparison(
        session=session,
        left=left.side,
        right=right.side,
        shared=shared,
        pairs=pair_turns(left.side, left.said, right.side, right.said),
        tools=tool_steps(left.tools, right.tools),
        left_summary=summary(left.turns, left.runs, len(left.tools)),
        right_summary=summary(right.turns, right.runs, len(right.tools)),
    )


def read_turns(
    tx: Transaction, comparison: Comparison, pairs: Sequence[TurnPair]
) -> tuple[dict[int, TurnRead], dict[int, TurnRead]]:
    """Read the items of some turns of both sides, each by the number of the turn."""

    def read(side: Side, turns: Iterable[int | None]) -> dict[int, TurnRead]:
        return {turn: _turn(tx, comparison.session, side.branch_id, turn) for turn in turns if turn is not None}

    return (
        read(comparison.left, (pair.left for pair in pairs)),
        read(comparison.right, (pair.right for pair in pairs)),
    )


def compared_turns(
    pairs: Sequence[TurnPair], left: dict[int, TurnRead], right: dict[int, TurnRead]
) -> tuple[TurnDetail, ...]:
    """Compare turns item by item; reads nothing."""
    nothing = TurnRead([], 0)
    found = []
    for pair in pairs:
        ours = nothing if pair.left is None else left.get(pair.left, nothing)
        theirs = nothing if pair.right is None else right.get(pair.right, nothing)
        found.append(TurnDetail(pair, compare_parts(ours.parts, theirs.parts), ours.more, theirs.more))
    return tuple(found)


def _costs(tx: Transaction, session: Session, tree: TurnTree, side: Side) -> tuple[list[TurnUsage], list[RunRecord]]:
    turns = turn_usages(tx, session, tree, side.branch_id, side.first, side.last)
    return list(turns), [turn.run for turn in turns if turn.run is not None]


def _said(tx: Transaction, session: Session, side: Side) -> list[str]:
    rows = tx.execute(
        f"SELECT t.user_turn_number, length(m.message_data), substr(m.message_data, 1, {_SAID})"
        f" FROM {tx.structure_table(session)} t LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id"
        " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number BETWEEN ? AND ?"
        " AND t.message_type = 'user' ORDER BY +t.sequence_number",
        (session.session_id, side.branch_id, side.first, side.last),
    )
    said: dict[int, str] = {}
    for turn, length, text in rows:
        if turn not in said:
            item = decode_or_none(text) if length is not None and length <= _SAID else None
            said[turn] = str(text or "") if item is None else item_text(item)
    return [said.get(turn, "") for turn in range(side.first, side.last + 1)]


def _calls(tx: Transaction, session: Session, side: Side) -> list[str]:
    rows = tx.execute(
        f"SELECT CAST(COALESCE(tool_name, message_type) AS TEXT) FROM {tx.structure_table(session)}"
        " WHERE session_id = ? AND branch_id = ? AND user_turn_number BETWEEN ? AND ?"
        f" AND {call_condition('message_type')} ORDER BY +sequence_number",
        (session.session_id, side.branch_id, side.first, side.last),
    )
    return [name for (name,) in rows]


def _turn(tx: Transaction, session: Session, branch_id: str, turn: int) -> TurnRead:
    where = f"FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ? AND user_turn_number = ?"
    first = f"SELECT * {where} ORDER BY +sequence_number LIMIT {_MOST_ITEMS}"
    key = (session.session_id, branch_id, turn)
    (count,) = tx.execute(f"SELECT COUNT(*) {where}", key).fetchone()
    rows = tx.execute(
        "SELECT CAST(t.message_type AS TEXT), CAST(t.tool_name AS TEXT), length(m.message_data),"
        f" substr(m.message_data, 1, {_DECODED}) FROM ({first}) t"
        f" LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id ORDER BY t.sequence_number",
        key,
    )
    called: dict[str, str] = {}
    parts = [_part(kind, tool, length or 0, text, called) for kind, tool, length, text in rows]
    return TurnRead(parts, count - len(parts))


def _part(kind: str, tool: str | None, length: int, stored: str | bytes | None, called: dict[str, str]) -> Part:
    """An item as it is compared; `called` is what was called in the turn before it, by the id of the call."""
    item = decode_or_none(stored) if length <= _DECODED else None
    call_id = item.get("call_id") if isinstance(item, dict) else None
    if isinstance(call_id, str):
        tool = called.setdefault(call_id, tool) if tool else called.get(call_id)
    text = str(stored or "") if item is None else item_text(item)
    left_out = max(len(text) - _TEXT, 0) + max(length - _DECODED, 0)
    return Part(kind, tool, text[:_TEXT], left_out=left_out)
