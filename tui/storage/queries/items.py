"""The items of a branch: appending, reading and popping items, and clearing the session.

Appending and popping take the same time however long the branch is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Final, NamedTuple

from tui.items.codec import decode, decode_bytes, decode_rows
from tui.items.sealed import Seal, SealedItem
from tui.items.types import is_user_message, message_type, tool_name
from tui.storage.engine import Rows, Transaction
from tui.storage.queries.branches import (
    branch_exists,
    branch_has_items,
    claim_generation,
    delete_stale_records,
    mark_branch_empty,
    mark_branch_filled,
    missing_branch,
    read_generation,
    reserve_existing_branches,
)
from tui.storage.queries.requests import delete_requests_without_usage
from tui.storage.queries.usage import keep_shared_usage
from tui.storage.schema import (
    CONVO_BRANCHES,
    CONVO_COMPACTIONS,
    CONVO_LABELS,
    CONVO_PAUSED_RUNS,
    CONVO_REQUEST_INPUTS,
    CONVO_REQUESTS,
    CONVO_RUNS,
    CONVO_TEXTS,
    CONVO_USAGE,
    MESSAGE_INDEX,
)

__all__ = ["EncodedItem", "append_items", "clear_session", "encode_items", "pop_item", "read_items"]

# Each subquery is served by an index of its own.
_END: Final = """
    SELECT
        (SELECT MAX(sequence_number) FROM message_structure WHERE session_id = :session_id),
        (SELECT MAX(user_turn_number) FROM message_structure
         WHERE session_id = :session_id AND branch_id = :branch_id),
        (SELECT branch_turn_number FROM message_structure
         WHERE session_id = :session_id AND branch_id = :branch_id
         ORDER BY sequence_number DESC LIMIT 1)
"""

_COLUMNS: Final = (
    "session_id",
    "branch_id",
    "message_id",
    "sequence_number",
    "user_turn_number",
    "branch_turn_number",
    "message_type",
    "tool_name",
)
"""The columns of the rows that `_structure_rows` yields."""

_OF_ITEMS: Final = (
    CONVO_BRANCHES,
    CONVO_COMPACTIONS,
    CONVO_USAGE,
    CONVO_RUNS,
    CONVO_PAUSED_RUNS,
    CONVO_REQUESTS,
    CONVO_REQUEST_INPUTS,
    CONVO_TEXTS,
)
"""Tables of ours whose rows are deleted with the items of a session."""


class EncodedItem(NamedTuple):
    """An item as it is stored."""

    data: str
    message_type: str
    tool_name: str | None
    starts_turn: bool


def encode_items(items: Iterable[object], seal: Seal | None = None) -> list[EncodedItem]:
    """Return items as they are stored, encrypted if there is a seal.

    Raises:
        TypeError: An item cannot be encoded as JSON.
    """
    stored = items if seal is None else map(seal.item, items)
    return [_encode(item, item.plain if isinstance(item, SealedItem) else item) for item in stored]


def _encode(item: object, plain: object) -> EncodedItem:
    return EncodedItem(json.dumps(item), message_type(plain), tool_name(plain), is_user_message(plain))


def append_items(tx: Transaction, session_id: str, branch_id: str, items: Sequence[EncodedItem]) -> None:
    """Append items to a branch.

    Raises:
        ValueError: The branch was deleted by another session object.
    """
    last_sequence, turn, branch_turn = tx.execute(_END, session_id=session_id, branch_id=branch_id).fetchone()
    if turn is None and not branch_has_items(tx, session_id, branch_id):
        if not branch_exists(tx, session_id, branch_id):
            raise missing_branch(branch_id)
        mark_branch_filled(tx, session_id, branch_id)

    tx.execute(
        f"INSERT INTO {tx.tables.sessions} (session_id) VALUES (:session_id)"
        f" ON CONFLICT (session_id) DO UPDATE SET updated_at = {tx.dialect.now}",
        session_id=session_id,
    )
    ids = tx.insert_messages(session_id, [item.data for item in items])
    rows = _structure_rows(session_id, branch_id, items, ids, last_sequence or 0, turn or 0, branch_turn or 0)
    tx.insert_rows("message_structure", _COLUMNS, rows)


def _structure_rows(
    session_id: str,
    branch_id: str,
    items: Sequence[EncodedItem],
    ids: Sequence[int],
    last_sequence: int,
    turn: int,
    branch_turn: int,
) -> Iterator[tuple[object, ...]]:
    for sequence_number, (item, message_id) in enumerate(zip(items, ids, strict=True), start=last_sequence + 1):
        turn += item.starts_turn
        branch_turn += item.starts_turn
        yield session_id, branch_id, message_id, sequence_number, turn, branch_turn, item.message_type, item.tool_name


def read_items(tx: Transaction, session_id: str, branch_id: str, limit: int | None = None) -> list[object]:
    """Return the newest `limit` items of a branch in their order; all of them if `limit` is None or negative.

    Items that cannot be decoded are left out, and do not count.
    """
    count = None if limit is None or limit < 0 else limit

    def rows(column: str) -> Rows:
        # The structure is read first: its index has the order, so that nothing is sorted.
        return tx.execute(
            f"""
            SELECT {column} FROM message_structure AS s
            {tx.dialect.ordered_join} {tx.tables.messages} AS m ON m.id = s.message_id
            WHERE s.session_id = :session_id AND s.branch_id = :branch_id AND m.session_id = s.session_id
            ORDER BY s.sequence_number {"ASC" if count is None else "DESC"}
            """,
            session_id=session_id,
            branch_id=branch_id,
        )

    try:
        # The decoder takes bytes, and SQLite stores bytes: no strings are made between them.
        with closing(rows(tx.dialect.as_utf8("m.message_data"))) as stored:
            items = decode_bytes(stored, count)
    except ValueError:
        with closing(rows("m.message_data")) as stored:
            items = decode_rows(stored, count)
    if count is not None:
        items.reverse()
    return items


def pop_item(tx: Transaction, session_id: str, branch_id: str) -> object | None:
    """Delete and return the newest item of a branch, and delete newer rows that cannot be decoded; None without items.

    A message is deleted if no other branch holds it, the usage of a turn if the turn has no items left.
    """
    tx.execute(MESSAGE_INDEX)
    while (row := _newest(tx, session_id, branch_id)) is not None:
        row_id, message_id, turn = row
        if turn is not None and not _turn_has_others(tx, session_id, branch_id, turn, row_id):
            keep_shared_usage(tx, session_id, branch_id, turn)
            sql = (
                "DELETE FROM turn_usage"
                " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :turn"
            )
            tx.execute(sql, session_id=session_id, branch_id=branch_id, turn=turn)
            delete_requests_without_usage(tx, session_id, branch_id, message_id)
        tx.execute("DELETE FROM message_structure WHERE id = :id", id=row_id)
        data = _release(tx, session_id, message_id)
        if not branch_has_items(tx, session_id, branch_id):
            mark_branch_empty(tx, session_id, branch_id)
        if data is not None:
            try:
                return decode(data)
            except ValueError:
                continue
    return None


def _newest(tx: Transaction, session_id: str, branch_id: str) -> tuple[int, int, int | None] | None:
    row: tuple[int, int, int | None] | None = tx.execute(
        "SELECT id, message_id, user_turn_number FROM message_structure"
        " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number DESC LIMIT 1",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchone()
    return row


def _turn_has_others(tx: Transaction, session_id: str, branch_id: str, turn: int, row_id: int) -> bool:
    sql = (
        "SELECT 1 FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id"
        " AND user_turn_number = :turn AND id <> :id LIMIT 1"
    )
    row = tx.execute(sql, session_id=session_id, branch_id=branch_id, turn=turn, id=row_id).fetchone()
    return row is not None


def _release(tx: Transaction, session_id: str, message_id: int) -> str | None:
    """Return a message that was removed from a branch, and delete it if no other branch holds it."""
    messages = tx.tables.messages
    sql = f"SELECT message_data FROM {messages} WHERE id = :message_id"
    row: tuple[str] | None = tx.execute(sql, message_id=message_id).fetchone()
    deleted = tx.execute(
        f"DELETE FROM {messages} WHERE id = :message_id AND session_id = :session_id"
        " AND NOT EXISTS (SELECT 1 FROM message_structure WHERE message_id = :message_id)",
        message_id=message_id,
        session_id=session_id,
    ).rowcount
    if deleted:
        delete_stale_records(tx, session_id, message_id)
    return None if row is None else row[0]


def clear_session(tx: Transaction, session_id: str) -> int:
    """Delete all branches and items of the session, and return its new clear generation.

    The ids of the branches stay reserved.
    """
    reserve_existing_branches(tx, session_id)
    claim_generation(tx, session_id)
    own = (table.name for table in _OF_ITEMS if tx.has_table(table.name))
    for name in (tx.tables.messages, tx.tables.sessions, "message_structure", "turn_usage", *own):
        tx.delete_session_rows(name, session_id)
    if tx.has_table(CONVO_LABELS.name):
        # The label of the session itself may be meant for the items that follow.
        tx.execute("DELETE FROM convo_labels WHERE session_id = :session_id AND kind = 'branch'", session_id=session_id)
    sql = "UPDATE session_clear_generations SET generation = generation + 1 WHERE session_id = :session_id"
    tx.execute(sql, session_id=session_id)
    return read_generation(tx, session_id)
