"""The sizes of turns, estimated from the lengths of their stored items, which are not read."""

from __future__ import annotations

from array import array

from tui.model import Session, TextSize, TextSizes, TurnTree
from tui.model.text_sizes import estimated_tokens
from tui.storage.engine import Transaction
from tui.storage.type_conditions import from_model_condition

__all__ = ["text_sizes"]


def text_sizes(tx: Transaction, session: Session, tree: TurnTree, branch_id: str) -> TextSizes:
    """Return the sizes of a branch's turns, and the sum of each scope."""
    turns = tree.branches[branch_id].turns
    to_model, from_model = array("q", bytes(8 * turns)), array("q", bytes(8 * turns))
    length = tx.dialect.stored_length("m.message_data")
    sums = f"SUM({length}), SUM(CASE WHEN {from_model_condition('t.message_type')} THEN {length} ELSE 0 END)"
    messages = f"{tx.dialect.ordered_join} {tx.tables.messages} m ON m.id = t.message_id"
    rows = tx.execute(
        f"SELECT t.user_turn_number, {sums} FROM {tx.structure_table(session)} t {messages}"
        " WHERE t.session_id = :session_id AND t.branch_id = :branch_id"
        " AND t.user_turn_number BETWEEN 1 AND :turns GROUP BY 1",
        session_id=session.session_id,
        branch_id=branch_id,
        turns=turns,
    )
    for turn, characters, written in rows:
        size = _size(characters, written)
        to_model[turn - 1], from_model[turn - 1] = size
    everything = None
    if len(tree.branches) + tree.hidden_count > 1:
        [(characters, written)] = tx.execute(
            f"SELECT {sums} FROM (SELECT DISTINCT message_id, message_type FROM {tx.structure_table(session)}"
            f" WHERE session_id = :session_id AND user_turn_number > 0) AS t {messages}",
            session_id=session.session_id,
        ).fetchall()
        everything = _size(characters, written)
    return TextSizes.of_turns(branch_id, to_model, from_model, tree.first_own_turn(branch_id), everything)


def _size(characters: int | None, written: int | None) -> TextSize:
    return TextSize(estimated_tokens((characters or 0) - (written or 0)), estimated_tokens(written or 0))
