"""The input of a model: the ranges of items that were sent, their sizes, and the items themselves."""

from __future__ import annotations

from collections.abc import Iterator

from tui.items.codec import decode_rows
from tui.items.sealed import unsealed
from tui.model import Session, TurnTree
from tui.model.compare import sides
from tui.model.model_input import InputSize, ItemRange, ModelInput, OtherTurn, Sibling, request_ends
from tui.storage.engine import Transaction
from tui.storage.queries.requests import read_requests
from tui.storage.queries.turn_usage import usage_of_turns

__all__ = ["read_input", "read_input_size", "read_model_input"]


def read_model_input(
    tx: Transaction, session: Session, tree: TurnTree, branch_id: str, turn: int, other_branch: str | None
) -> ModelInput:
    """Return the input of the requests of a turn, and of the same turn of `other_branch` if it is given."""
    requests, answered = _requests(tx, session, branch_id, turn)
    before = _requests(tx, session, branch_id, turn - 1)[0][-1] if turn > 1 else 0
    chain = tree.chain_at(branch_id, turn)
    holders = chain.all_holders if chain is not None else ()
    order = (branch_id, *(name for name in holders if name != branch_id))
    usage = usage_of_turns(tx, session.session_id, order, turn, turn)
    known = read_requests(tx, session, tree, branch_id, turn, turn).get(turn, ())
    is_recorded = any(request.has_input for request in known)
    return ModelInput(
        session,
        branch_id,
        turn,
        requests,
        answered,
        before,
        usage.get(turn),
        None if other_branch is None else _sibling(tx, session, tree, branch_id, turn, other_branch),
        known,
        tuple(_other_turns(tx, session, tree, branch_id, turn, other_branch)) if is_recorded else (),
    )


def read_input_size(tx: Transaction, session: Session, item_range: ItemRange) -> InputSize:
    """Return the number and the size of a range of items, which are all read for that."""
    stored = "m.message_data"
    items, size = tx.execute(
        f"SELECT COUNT(*) FILTER (WHERE {tx.dialect.is_json(stored)}),"
        f" COALESCE(SUM(length({tx.dialect.as_utf8(stored)})), 0)"
        f" FROM ({_rows(tx, session)}) t JOIN {tx.tables.messages} m ON m.id = t.message_id",
        **_values(session, item_range),
    ).fetchone()
    return InputSize(items, size)


def read_input(tx: Transaction, session: Session, item_range: ItemRange) -> list[object]:
    """Return a range of items as the SDK's `get_items` does: items that cannot be decoded are left out."""
    rows = tx.execute(
        f"SELECT m.message_data FROM ({_rows(tx, session)}) t"
        f" JOIN {tx.tables.messages} m ON m.id = t.message_id ORDER BY t.sequence_number",
        **_values(session, item_range),
    )
    return [unsealed(item, session.session_id) for item in decode_rows(rows)]


def _rows(tx: Transaction, session: Session) -> str:
    return (
        f"SELECT message_id, sequence_number FROM {tx.structure_table(session)}"
        " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number LIMIT :count OFFSET :start"
    )


def _values(session: Session, item_range: ItemRange) -> dict[str, object]:
    return {
        "session_id": session.session_id,
        "branch_id": item_range.branch_id,
        "count": max(item_range.stop - item_range.start, 0),
        "start": item_range.start,
    }


def _requests(tx: Transaction, session: Session, branch_id: str, turn: int) -> tuple[tuple[int, ...], bool]:
    sql = (
        f"SELECT CAST(message_type AS TEXT) FROM {tx.structure_table(session)}"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :turn"
        " ORDER BY +sequence_number"
    )
    with tx.narrowed(branch_id, turns=(turn,)):
        types = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, turn=turn)
    return request_ends(_position(tx, session, branch_id, turn), [name for (name,) in types])


def _position(tx: Transaction, session: Session, branch_id: str, turn: int) -> int:
    sql = (
        f"SELECT COUNT(*) FROM {tx.structure_table(session)}"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number < :turn"
    )
    with tx.narrowed(branch_id):
        (count,) = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, turn=turn).fetchone()
    return int(count)


def _sibling(
    tx: Transaction, session: Session, tree: TurnTree, branch_id: str, turn: int, other_branch: str
) -> Sibling | None:
    _, other, shared = sides(tree, branch_id, other_branch)
    if shared >= turn:
        return None
    items = _position(tx, session, branch_id, shared + 1)
    if other.last <= shared:
        return Sibling(other_branch, items, items)
    ends, _ = _requests(tx, session, other_branch, min(turn, other.last))
    return Sibling(other_branch, items, ends[0])


def _other_turns(
    tx: Transaction, session: Session, tree: TurnTree, branch_id: str, turn: int, other_branch: str | None
) -> Iterator[OtherTurn]:
    """Yield the turn before, and the turns of the same number in the branches that do not share the turn."""
    origin = tree.origin(branch_id)
    parent = origin[0] if origin is not None and origin[1] <= turn and origin[0] in tree.branches else None
    names = {other_branch: "sibling", parent: "parent"}
    others = [(name, relation) for name, relation in names.items() if name is not None]
    for name, number, relation in [(None, turn - 1, ""), *((name, turn, relation) for name, relation in others)]:
        holder = branch_id if name is None else name
        number = min(number, tree.branches[holder].turns)
        requests = read_requests(tx, session, tree, holder, number, number).get(number, ()) if number else ()
        yield OtherTurn(name, relation, requests)
