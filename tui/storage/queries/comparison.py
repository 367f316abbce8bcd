"""Reading the turns of branches for a comparison.

User messages, tool calls and usage are read for all turns; the items of a turn are read when the turn is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tui.items.codec import decode_or_none
from tui.items.sealed import unsealed
from tui.items.text import item_text
from tui.model import RunRecord, Session, TurnTree, TurnUsage
from tui.model.compare import ComparedItem, Comparison, Side, SideContents, TurnItems, TurnPair
from tui.storage.engine import Transaction
from tui.storage.queries.turn_records import turn_usages
from tui.storage.type_conditions import call_condition

__all__ = ["read_side", "read_turns"]

_MATCHED_CHARACTERS: Final = 4_000
"""Characters at the beginning of a user message by which the turns of two branches are matched."""

_MAX_ITEMS: Final = 200
"""Items of a turn beyond these are not compared."""

_DECODED_CHARACTERS: Final = 1 << 20
"""An item with more characters is not decoded: the beginning of its stored text is compared."""

_COMPARED_CHARACTERS: Final = 100_000
"""Characters of an item's text that are compared word by word."""


def read_side(tx: Transaction, session: Session, tree: TurnTree, side: Side) -> SideContents:
    """Read the user messages, the tool calls and the usage of the turns of a side."""
    turns, runs = _usage(tx, session, tree, side)
    return SideContents(side, _user_messages(tx, session, side), _calls(tx, session, side), turns, runs)


def read_turns(
    tx: Transaction, comparison: Comparison, pairs: Sequence[TurnPair]
) -> tuple[dict[int, TurnItems], dict[int, TurnItems]]:
    """Read the items of pairs of turns: of the left and of the right side, by the number of the turn."""

    def read(side: Side, turns: Iterable[int | None]) -> dict[int, TurnItems]:
        return {turn: _turn(tx, comparison.session, side.branch_id, turn) for turn in turns if turn is not None}

    return (
        read(comparison.left, (pair.left for pair in pairs)),
        read(comparison.right, (pair.right for pair in pairs)),
    )


def _usage(tx: Transaction, session: Session, tree: TurnTree, side: Side) -> tuple[list[TurnUsage], list[RunRecord]]:
    turns = turn_usages(tx, session, tree, side.branch_id, side.first, side.last)
    return list(turns), [turn.run for turn in turns if turn.run is not None]


def _user_messages(tx: Transaction, session: Session, side: Side) -> list[str]:
    """Return the beginning of the user message of each turn."""
    sql = (
        f"SELECT t.user_turn_number, length(m.message_data), substr(m.message_data, 1, {_MATCHED_CHARACTERS})"
        f" FROM {tx.structure_table(session)} t LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id"
        " WHERE t.session_id = :session_id AND t.branch_id = :branch_id"
        " AND t.user_turn_number >= :first AND t.user_turn_number <= :last"
        " AND t.message_type = 'user' ORDER BY +t.sequence_number"
    )
    with tx.narrowed(side.branch_id, turns=range(side.first, side.last + 1)):
        rows = tx.execute(
            sql, session_id=session.session_id, branch_id=side.branch_id, first=side.first, last=side.last
        )
    texts: dict[int, str] = {}
    for turn, length, stored in rows:
        if turn not in texts:
            item = decode_or_none(stored) if length is not None and length <= _MATCHED_CHARACTERS else None
            texts[turn] = str(stored or "") if item is None else item_text(unsealed(item, session.session_id))
    return [texts.get(turn, "") for turn in range(side.first, side.last + 1)]


def _calls(tx: Transaction, session: Session, side: Side) -> list[str]:
    sql = (
        f"SELECT CAST(COALESCE(tool_name, message_type) AS TEXT) FROM {tx.structure_table(session)}"
        " WHERE session_id = :session_id AND branch_id = :branch_id"
        " AND user_turn_number >= :first AND user_turn_number <= :last"
        f" AND {call_condition('message_type')} ORDER BY +sequence_number"
    )
    with tx.narrowed(side.branch_id, turns=range(side.first, side.last + 1)):
        rows = tx.execute(
            sql, session_id=session.session_id, branch_id=side.branch_id, first=side.first, last=side.last
        )
    return [name for (name,) in rows]


def _turn(tx: Transaction, session: Session, branch_id: str, turn: int) -> TurnItems:
    rows_of_turn = (
        f"FROM {tx.structure_table(session)}"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :turn"
    )
    first = f"SELECT * {rows_of_turn} ORDER BY +sequence_number LIMIT {_MAX_ITEMS}"
    key = {"session_id": session.session_id, "branch_id": branch_id, "turn": turn}
    with tx.narrowed(branch_id, turns=(turn,)):
        (count,) = tx.execute(f"SELECT COUNT(*) {rows_of_turn}", **key).fetchone()
        rows = tx.execute(
            "SELECT CAST(t.message_type AS TEXT), CAST(t.tool_name AS TEXT), length(m.message_data),"
            f" substr(m.message_data, 1, {_DECODED_CHARACTERS}) FROM ({first}) t"
            f" LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id ORDER BY t.sequence_number",
            **key,
        )
    called: dict[str, str] = {}
    items = []
    for kind, tool, length, text in rows:
        item = decode_or_none(text) if (length or 0) <= _DECODED_CHARACTERS else None
        items.append(_compared_item(kind, tool, length or 0, text, unsealed(item, session.session_id), called))
    return TurnItems(items, count - len(items))


def _compared_item(
    kind: str, tool: str | None, length: int, stored: str | bytes | None, item: object, called: dict[str, str]
) -> ComparedItem:
    """Return an item to compare; `called` holds the tools called so far in the turn, by the id of the call.

    `item` is the decoded item; None if it is too long or cannot be decoded.
    """
    call_id = item.get("call_id") if isinstance(item, dict) else None
    if isinstance(call_id, str):
        tool = called.setdefault(call_id, tool) if tool else called.get(call_id)
    text = str(stored or "") if item is None else item_text(item)
    omitted = max(len(text) - _COMPARED_CHARACTERS, 0) + max(length - _DECODED_CHARACTERS, 0)
    return ComparedItem(kind, tool, text[:_COMPARED_CHARACTERS], omitted=omitted)
