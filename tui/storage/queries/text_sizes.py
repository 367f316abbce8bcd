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
    sizes: dict[int, int] = {}
    written = f"CASE WHEN {from_model_condition('message_type')} THEN 1 ELSE 0 END"
    structure = f"{tx.structure_table(session)} WHERE session_id = :session_id"
    rows = tx.execute(
        f"SELECT user_turn_number, message_id, {written} FROM {structure} AND branch_id = :branch_id"
        " AND user_turn_number BETWEEN 1 AND :turns",
        session_id=session.session_id,
        branch_id=branch_id,
        turns=turns,
    ).fetchall()
    for turn, message_id, is_written in rows:
        sizes[message_id] = tx.messages.size(message_id)
        (from_model if is_written else to_model)[turn - 1] += sizes[message_id]
    for characters in (to_model, from_model):
        characters[:] = array("q", map(estimated_tokens, characters))
    everything = None
    if len(tree.branches) + tree.hidden_count > 1:
        rows = tx.execute(
            f"SELECT DISTINCT message_id, {written} FROM {structure} AND user_turn_number > 0",
            session_id=session.session_id,
        ).fetchall()
        totals = [0, 0]
        for message_id, is_written in rows:
            totals[is_written] += sizes[message_id] if message_id in sizes else tx.messages.size(message_id)
        everything = TextSize(*map(estimated_tokens, totals))
    return TextSizes.of_turns(branch_id, to_model, from_model, tree.first_own_turn(branch_id), everything)
