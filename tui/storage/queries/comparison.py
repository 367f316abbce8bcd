"""Reading what is compared: what the user said in each turn, what the turns cost, and the items of single turns.

However long two branches are, only the rows of their user messages and calls are read whole; items are read for the
turns that are in sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tui.items.codec import decode_or_none
from tui.items.text import item_text
from tui.model import RunRecord, Session, TurnTree, TurnUsage
from tui.model.compare import ComparedItem, Comparison, Side, SideContents, TurnItems, TurnPair
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import turn_usages
from tui.storage.type_conditions import call_condition

__all__ = ["read_side", "read_turns"]

_SAID: Final = 4_000
"""Characters of a stored user message that decide which turn answers to which."""

_MOST_ITEMS: Final = 200
"""Items of one turn that are compared."""

_DECODED: Final = 1 << 20
"""Characters of a stored item up to which it is decoded; of a longer one its stored beginning is compared."""

_TEXT: Final = 100_000
"""Characters of an item that are compared word by word."""


def read_side(tx: Transaction, session: Session, tree: TurnTree, side: Side) -> SideContents:
    """Read what decides how the turns of a side are aligned, and what they cost."""
    turns, runs = _costs(tx, session, tree, side)
    return SideContents(side, _said(tx, session, side), _calls(tx, session, side), turns, runs)


def read_turns(
    tx: Transaction, comparison: Comparison, pairs: Sequence[TurnPair]
) -> tuple[dict[int, TurnItems], dict[int, TurnItems]]:
    """Read the items of some turns of both sides, each by the number of the turn."""

    def read(side: Side, turns: Iterable[int | None]) -> dict[int, TurnItems]:
        return {turn: _turn(tx, comparison.session, side.branch_id, turn) for turn in turns if turn is not None}

    return (
        read(comparison.left, (pair.left for pair in pairs)),
        read(comparison.right, (pair.right for pair in pairs)),
    )


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


def _turn(tx: Transaction, session: Session, branch_id: str, turn: int) -> TurnItems:
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
    items = [_part(kind, tool, length or 0, text, called) for kind, tool, length, text in rows]
    return TurnItems(items, count - len(items))


def _part(kind: str, tool: str | None, length: int, stored: str | bytes | None, called: dict[str, str]) -> ComparedItem:
    """An item as it is compared; `called` is what was called in the turn before it, by the id of the call."""
    item = decode_or_none(stored) if length <= _DECODED else None
    call_id = item.get("call_id") if isinstance(item, dict) else None
    if isinstance(call_id, str):
        tool = called.setdefault(call_id, tool) if tool else called.get(call_id)
    text = str(stored or "") if item is None else item_text(item)
    omitted = max(len(text) - _TEXT, 0) + max(length - _DECODED, 0)
    return ComparedItem(kind, tool, text[:_TEXT], omitted=omitted)
