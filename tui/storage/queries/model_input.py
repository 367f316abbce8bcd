"""Reading what a model was sent: counts and bounds of items, and on demand the items as the SDK gives them."""

from __future__ import annotations

from tui.items.codec import decode_rows
from tui.model import Session, TurnTree
from tui.model.compare import sides
from tui.model.model_input import InputSize, ItemRange, ModelInput, Sibling, request_ends
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import usage_of_turns

__all__ = ["read_input", "read_input_size", "read_model_input"]


def read_model_input(
    tx: Transaction, session: Session, tree: TurnTree, branch_id: str, turn: int, rival: str | None
) -> ModelInput:
    """What a model was sent in a turn of a branch.

    Args:
        tx: The transaction.
        session: The session.
        tree: Its turns.
        branch_id: The branch.
        turn: Number of the turn.
        rival: Another branch to compare with, if any.
    """
    requests, answered = _requests(tx, session, branch_id, turn)
    before = _requests(tx, session, branch_id, turn - 1)[0][-1] if turn > 1 else 0
    chain = tree.chain_at(branch_id, turn)
    through = chain.all_holders if chain is not None else ()
    order = (branch_id, *(name for name in through if name != branch_id))
    spent = usage_of_turns(tx, session.session_id, order, turn, turn)
    return ModelInput(
        session,
        branch_id,
        turn,
        requests,
        answered,
        before,
        spent.get(turn),
        None if rival is None else _sibling(tx, session, tree, branch_id, turn, rival),
    )


def read_input_size(tx: Transaction, session: Session, stretch: ItemRange) -> InputSize:
    """How much some items are; takes time with their number."""
    items, size = tx.execute(
        f"SELECT COALESCE(SUM(json_valid(m.message_data)), 0), COALESCE(SUM(length(CAST(m.message_data AS BLOB))), 0)"
        f" FROM ({_rows(tx, session)}) t JOIN {tx.tables.messages} m ON m.id = t.message_id",
        _bounds(session, stretch),
    ).fetchone()
    return InputSize(items, size)


def read_input(tx: Transaction, session: Session, stretch: ItemRange) -> list[object]:
    """Some items of a branch as the SDK's `get_items` gives them: those that cannot be decoded are left out."""
    rows = tx.execute(
        f"SELECT m.message_data FROM ({_rows(tx, session)}) t"
        f" JOIN {tx.tables.messages} m ON m.id = t.message_id ORDER BY t.sequence_number",
        _bounds(session, stretch),
    )
    return decode_rows(rows)


def _rows(tx: Transaction, session: Session) -> str:
    return (
        f"SELECT message_id, sequence_number FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ?"
        " ORDER BY sequence_number LIMIT ? OFFSET ?"
    )


def _bounds(session: Session, stretch: ItemRange) -> tuple[str, str, int, int]:
    return session.session_id, stretch.branch_id, max(stretch.stop - stretch.start, 0), stretch.start


def _requests(tx: Transaction, session: Session, branch_id: str, turn: int) -> tuple[tuple[int, ...], bool]:
    kinds = tx.execute(
        f"SELECT CAST(message_type AS TEXT) FROM {tx.structure_table(session)}"
        " WHERE session_id = ? AND branch_id = ? AND user_turn_number = ? ORDER BY +sequence_number",
        (session.session_id, branch_id, turn),
    )
    return request_ends(_position(tx, session, branch_id, turn), [kind for (kind,) in kinds])


def _position(tx: Transaction, session: Session, branch_id: str, turn: int) -> int:
    (count,) = tx.execute(
        f"SELECT COUNT(*) FROM {tx.structure_table(session)}"
        " WHERE session_id = ? AND branch_id = ? AND user_turn_number < ?",
        (session.session_id, branch_id, turn),
    ).fetchone()
    return int(count)


def _sibling(
    tx: Transaction, session: Session, tree: TurnTree, branch_id: str, turn: int, rival: str
) -> Sibling | None:
    _, other, shared = sides(tree, branch_id, rival)
    if shared >= turn:
        return None
    items = _position(tx, session, branch_id, shared + 1)
    if other.last <= shared:
        return Sibling(rival, items, items)
    ends, _ = _requests(tx, session, rival, min(turn, other.last))
    return Sibling(rival, items, ends[0])
