"""The items of a branch: appending, reading, taking the last one back, clearing them all.

Functions over a `Transaction`; those that write belong inside a write transaction. None of them grows with
the branch, except to read all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from tui.items.codec import decode, decode_bytes, decode_rows
from tui.items.types import is_user_message, message_type, tool_name
from tui.storage.engine import Rows, Transaction
from tui.storage.queries.branches import (
    branch_exists,
    branch_has_items,
    claim_generation,
    mark_branch_empty,
    mark_branch_filled,
    missing_branch,
    read_generation,
    reserve_existing_branches,
)
from tui.storage.queries.runs import drop_orphaned_runs
from tui.storage.queries.usage import keep_shared_usage
from tui.storage.schema import MESSAGE_INDEX

__all__ = ["EncodedItem", "append_items", "clear_session", "encode_items", "pop_item", "read_items"]


class EncodedItem(NamedTuple):
    """An item as it is stored."""

    data: str
    message_type: str
    tool_name: str | None
    starts_turn: bool


def encode_items(items: Iterable[object]) -> list[EncodedItem]:
    """Items as they are stored.

    Raises:
        TypeError: An item is not JSON.
    """
    return [EncodedItem(json.dumps(item), message_type(item), tool_name(item), is_user_message(item)) for item in items]


def append_items(tx: Transaction, session_id: str, branch_id: str, items: Sequence[EncodedItem]) -> None:
    """Append items to a branch.

    Raises:
        ValueError: The branch was deleted by another session object.
    """
    # One statement each, for each has its own index; the last row tells the turn as the branch's greatest number.
    last_sequence, turn, branch_turn = tx.execute(
        """
        SELECT
            (SELECT MAX(sequence_number) FROM message_structure WHERE session_id = :session),
            (SELECT MAX(user_turn_number) FROM message_structure WHERE session_id = :session AND branch_id = :branch),
            (SELECT branch_turn_number FROM message_structure WHERE session_id = :session AND branch_id = :branch
             ORDER BY sequence_number DESC LIMIT 1)
        """,
        {"session": session_id, "branch": branch_id},
    ).fetchone()
    if turn is None and not branch_has_items(tx, session_id, branch_id):
        if not branch_exists(tx, session_id, branch_id):
            raise missing_branch(branch_id)
        mark_branch_filled(tx, session_id, branch_id)

    tx.execute(
        f"INSERT INTO {tx.tables.sessions} (session_id) VALUES (?)"
        " ON CONFLICT (session_id) DO UPDATE SET updated_at = CURRENT_TIMESTAMP",
        (session_id,),
    )
    ids = tx.insert_messages(session_id, [item.data for item in items])
    tx.executemany(
        "INSERT INTO message_structure (session_id, branch_id, message_id, sequence_number, user_turn_number,"
        " branch_turn_number, message_type, tool_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        _rows(session_id, branch_id, zip(items, ids, strict=True), last_sequence or 0, turn or 0, branch_turn or 0),
    )


def _rows(
    session_id: str,
    branch_id: str,
    items: Iterable[tuple[EncodedItem, int]],
    last_sequence: int,
    turn: int,
    branch_turn: int,
) -> Iterator[tuple[str, str, int, int, int, int, str, str | None]]:
    for number, (item, message_id) in enumerate(items, start=1):
        turn += item.starts_turn
        branch_turn += item.starts_turn
        yield (
            session_id,
            branch_id,
            message_id,
            last_sequence + number,
            turn,
            branch_turn,
            item.message_type,
            item.tool_name,
        )


def read_items(tx: Transaction, session_id: str, branch_id: str, limit: int | None = None) -> list[object]:
    """The newest `limit` items of a branch in their order, or all for None or a negative number.

    Rows that cannot be decoded are passed over, and do not count.
    """
    count = None if limit is None or limit < 0 else limit

    def rows(column: str) -> Rows:
        # The structure leads: its index has the order, so that nothing is sorted and the newest rows come first.
        return tx.execute(
            f"""
            SELECT {column} FROM message_structure AS s
            CROSS JOIN {tx.tables.messages} AS m ON m.id = s.message_id
            WHERE s.session_id = ? AND s.branch_id = ? AND m.session_id = s.session_id
            ORDER BY s.sequence_number {"ASC" if count is None else "DESC"}
            """,
            (session_id, branch_id),
        )

    try:
        # The bytes as they are stored: no strings are made that would become bytes again.
        with closing(rows(tx.dialect.as_utf8("m.message_data"))) as stored:
            items = decode_bytes(stored, count)
    except ValueError:
        with closing(rows("m.message_data")) as stored:
            items = decode_rows(stored, count)
    if count is not None:
        items.reverse()
    return items


def pop_item(tx: Transaction, session_id: str, branch_id: str) -> object | None:
    """Take the newest item from a branch, and with it the rows above it that cannot be decoded.

    A message goes when no other branch holds it, a turn's usage when the turn has no items left.

    Returns:
        The item; None where the branch has none.
    """
    tx.execute(MESSAGE_INDEX)
    while (row := _newest(tx, session_id, branch_id)) is not None:
        row_id, message_id, turn = row
        if turn is not None and not _has_others(tx, session_id, branch_id, turn, row_id):
            keep_shared_usage(tx, session_id, branch_id, turn)
            tx.execute(
                "DELETE FROM turn_usage WHERE session_id = ? AND branch_id = ? AND user_turn_number = ?",
                (session_id, branch_id, turn),
            )
        tx.execute("DELETE FROM message_structure WHERE id = ?", (row_id,))
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
        "SELECT id, message_id, user_turn_number FROM message_structure WHERE session_id = ? AND branch_id = ?"
        " ORDER BY sequence_number DESC LIMIT 1",
        (session_id, branch_id),
    ).fetchone()
    return row


def _has_others(tx: Transaction, session_id: str, branch_id: str, turn: int, row_id: int) -> bool:
    row = tx.execute(
        "SELECT 1 FROM message_structure WHERE session_id = ? AND branch_id = ? AND user_turn_number = ? AND id <> ?",
        (session_id, branch_id, turn, row_id),
    ).fetchone()
    return row is not None


def _release(tx: Transaction, session_id: str, message_id: int) -> str | None:
    """Read a message that a branch let go of, and delete it when no other branch holds it."""
    messages = tx.tables.messages
    row: tuple[str] | None = tx.execute(f"SELECT message_data FROM {messages} WHERE id = ?", (message_id,)).fetchone()
    deleted = tx.execute(
        f"DELETE FROM {messages} WHERE id = :id AND session_id = :session"
        " AND NOT EXISTS (SELECT 1 FROM message_structure WHERE message_id = :id)",
        {"id": message_id, "session": session_id},
    ).rowcount
    if deleted and tx.has_table("convo_usage"):
        tx.execute("DELETE FROM convo_usage WHERE session_id = ? AND message_id = ?", (session_id, message_id))
    if deleted:
        drop_orphaned_runs(tx, session_id, message_id)
    return None if row is None else row[0]


def clear_session(tx: Transaction, session_id: str) -> int:
    """Delete all branches and items of the session; their ids stay reserved.

    Returns:
        The session's new clear generation.
    """
    reserve_existing_branches(tx, session_id)
    claim_generation(tx, session_id)
    ours = (name for name in ("convo_branches", "convo_usage", "convo_runs") if tx.has_table(name))
    for table in (tx.tables.messages, tx.tables.sessions, "message_structure", "turn_usage", *ours):
        _empty(tx, table, session_id)
    if tx.has_table("convo_labels"):
        # What is said of the session itself may be meant for what comes.
        tx.execute("DELETE FROM convo_labels WHERE session_id = ? AND kind = 'branch'", (session_id,))
    tx.execute(
        "UPDATE session_clear_generations SET generation = generation + 1 WHERE session_id = ?",
        (session_id,),
    )
    return read_generation(tx, session_id)


def _empty(tx: Transaction, table: str, session_id: str) -> None:
    """Delete a session's rows; where a table has no others, SQLite drops its pages in place of row after row."""
    # The index answers each of these with one look-up; `IS NOT` it would not use.
    conditions = ("session_id < :session", "session_id > :session", "session_id IS NULL")
    others = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {condition})" for condition in conditions)
    (shared,) = tx.execute(f"SELECT {others}", {"session": session_id}).fetchone()
    tx.execute(f"DELETE FROM {table} {'WHERE session_id = :session' if shared else ''}", {"session": session_id})
