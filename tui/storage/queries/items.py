"""The items of a branch: appending, reading and popping items, and clearing the session.

Appending and popping take the same time however long the branch is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Final

from tui.items.codec import decode, decode_bytes, decode_rows
from tui.items.sealed import Seal, SealedItem
from tui.items.types import is_user_message, message_type, tool_name
from tui.storage.engine import Rows, Transaction
from tui.storage.layout import BranchEnd, EncodedItem
from tui.storage.queries.branches import (
    branch_exists,
    claim_generation,
    delete_stale_records,
    mark_branch_empty,
    mark_branch_filled,
    missing_branch,
    reserve_existing_branches,
)
from tui.storage.queries.requests import delete_requests_without_usage, delete_usage
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
)

__all__ = ["EncodedItem", "append_items", "clear_session", "encode_items", "pop_item", "read_items"]

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
    end = tx.layout.end(tx, session_id, branch_id)
    if end is None:
        if not branch_exists(tx, session_id, branch_id):
            raise missing_branch(branch_id)
        mark_branch_filled(tx, session_id, branch_id)
    tx.execute(
        f"INSERT INTO {tx.tables.sessions} (session_id) VALUES (:session_id)"
        " ON CONFLICT (session_id) DO UPDATE SET updated_at = CURRENT_TIMESTAMP",
        session_id=session_id,
    )
    tx.layout.append(tx, session_id, branch_id, items, end or BranchEnd())


def read_items(tx: Transaction, session_id: str, branch_id: str, limit: int | None = None) -> list[object]:
    """Return the newest `limit` items of a branch in their order; all of them if `limit` is None or negative.

    Items that cannot be decoded are left out, and do not count.
    """
    count = None if limit is None or limit < 0 else limit

    def rows(column: str, at_most: int | None) -> Rows:
        sql = tx.layout.items_sql(tx, branch_id, column, newest_first=count is not None)
        limit = "" if at_most is None else " LIMIT :limit"
        return tx.execute(f"{sql}{limit}", session_id=session_id, branch_id=branch_id, limit=at_most)

    try:
        # The decoder takes bytes, and databases store bytes: no strings are made between them.
        with closing(rows(tx.dialect.as_utf8("m.message_data"), count)) as stored:
            items = decode_bytes(stored)
    except ValueError:
        # More rows may be needed.
        with closing(rows("m.message_data", None)) as stored:
            items = decode_rows(stored, count)
    if count is not None:
        items.reverse()
    return items


def pop_item(tx: Transaction, session_id: str, branch_id: str) -> object | None:
    """Delete and return the newest item of a branch, and delete newer rows that cannot be decoded; None without items.

    A message is deleted if no other branch holds it, the usage of a turn if the turn has no items left.
    """
    tx.layout.prepare_removal(tx)
    while (item := tx.layout.newest(tx, session_id, branch_id)) is not None:
        if item.turn is not None:
            keep_shared_usage(tx, item.turn)
            delete_usage(tx, item.turn)
            delete_requests_without_usage(tx, session_id, branch_id, item.message_id)
        data, is_deleted = tx.layout.remove(tx, session_id, branch_id, item)
        if is_deleted:
            delete_stale_records(tx, session_id, item.message_id)
        if not tx.layout.has_items(tx, session_id, branch_id):
            mark_branch_empty(tx, session_id, branch_id)
        if data is not None:
            try:
                return decode(data)
            except ValueError:
                continue
    return None


def clear_session(tx: Transaction, session_id: str) -> int:
    """Delete all branches and items of the session, and return its new clear generation.

    The ids of the branches stay reserved.
    """
    reserve_existing_branches(tx, session_id)
    claim_generation(tx, session_id)
    tx.layout.clear(tx, session_id)
    for table in _OF_ITEMS:
        if tx.has_table(table.name):
            tx.delete_session_rows(table.name, session_id)
    if tx.has_table(CONVO_LABELS.name):
        # The label of the session itself may be meant for the items that follow.
        tx.execute("DELETE FROM convo_labels WHERE session_id = :session_id AND kind = 'branch'", session_id=session_id)
    sql = (
        f"UPDATE {tx.tables.generations} SET generation = generation + 1 WHERE session_id = :session_id"
        " RETURNING generation"
    )
    return int(tx.execute(sql, session_id=session_id).fetchone()[0])
