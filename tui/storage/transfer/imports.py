"""Writing what comes from elsewhere as a session: a list of items, or all that another file held of one.

Functions over a `Transaction`, inside a write transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from tui.errors import ConvoError
from tui.items.codec import decode_or_none
from tui.items.types import message_type, tool_name
from tui.storage.engine import Transaction
from tui.storage.queries.branches import read_generation
from tui.storage.queries.items import append_items, encode_items
from tui.storage.schema import CONVO_BRANCHES, CONVO_RUNS, CONVO_USAGE, MAIN

__all__ = ["Counted", "Incoming", "adopt", "bring_in", "is_known", "is_plain"]

Counted: TypeAlias = Callable[[Iterable[list[Any]], int], Iterable[list[Any]]]
"""Hands pieces of work on while somebody watches how many were done of how many; may raise to stop it."""

_BATCH: Final = 1000

_COUNTS: Final = (
    "user_turn_number",
    "requests",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "input_tokens_details",
    "output_tokens_details",
    "created_at",
)
_RUN: Final = (
    "branch_id",
    "user_turn_number",
    "message_id",
    "outcome",
    "model",
    "agent",
    "started_at",
    "seconds",
    "error",
    "estimated",
    "reported",
    "created_at",
)


class Incoming(NamedTuple):
    """A session to be written.

    Attributes:
        session_id: What it is to be called.
        items: The items of its `main` branch.
        record: In their place all of a session, in the format of `tui.formats.json_document`.
    """

    session_id: str
    items: Sequence[object] = ()
    record: Mapping[str, Any] | None = None


def is_known(tx: Transaction, session_id: str) -> bool:
    """Whether the file has a session of this id."""
    found = tx.execute(
        f"SELECT EXISTS (SELECT 1 FROM {tx.tables.sessions} WHERE session_id = :id)"
        f" OR EXISTS (SELECT 1 FROM {tx.tables.messages} WHERE session_id = :id)"
        " OR EXISTS (SELECT 1 FROM message_structure WHERE session_id = :id)",
        {"id": session_id},
    ).fetchone()
    return bool(found[0])


def is_plain(tx: Transaction, session_id: str) -> bool:
    """Whether the session has messages and no structure, as the SDK's plain `SQLiteSession` leaves it."""
    found = tx.execute(
        f"SELECT EXISTS (SELECT 1 FROM {tx.tables.messages} WHERE session_id = :id)"
        " AND NOT EXISTS (SELECT 1 FROM message_structure WHERE session_id = :id)",
        {"id": session_id},
    ).fetchone()
    return bool(found[0])


def adopt(tx: Transaction, session_id: str, counted: Counted) -> int:
    """Work out the structure of a plain session and write it, as if the items had come one by one.

    Each row has the time of its message.

    Args:
        tx: A write transaction.
        session_id: The session.
        counted: Gets the batches of rows and about how many there will be, and hands them on.

    Returns:
        How many items there are.
    """
    (last,) = tx.execute(
        "SELECT COALESCE(MAX(sequence_number), 0) FROM message_structure WHERE session_id = ?",
        (session_id,),
    ).fetchone()
    total = tx.execute(f"SELECT COUNT(*) FROM {tx.tables.messages} WHERE session_id = ?", (session_id,)).fetchone()[0]
    messages = tx.execute(
        f"SELECT id, message_data, created_at FROM {tx.tables.messages} WHERE session_id = ? ORDER BY id",
        (session_id,),
    )
    turn = count = 0
    for batch in counted(iter(partial(messages.fetchmany, _BATCH), []), total // _BATCH):
        rows = []
        for message_id, text, created in batch:
            item = decode_or_none(text)
            kind = message_type(item)
            turn += kind == "user"
            count += 1
            rows.append((
                session_id, message_id, MAIN, kind, last + count, turn, turn, tool_name(item), created
            ))  # fmt: skip
        tx.executemany(
            "INSERT INTO message_structure (session_id, message_id, branch_id, message_type, sequence_number,"
            " user_turn_number, branch_turn_number, tool_name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return count


def bring_in(tx: Transaction, incoming: Incoming) -> None:
    """Write a session that is not there yet.

    Raises:
        ConvoError: There is such a session, or what is to be written is not as its format says.
    """
    session_id = incoming.session_id
    if is_known(tx, session_id):
        raise ConvoError(f"There is a session '{session_id}' already.", "Give the new one another name.")
    damaged: tuple[type[Exception], ...] = (LookupError, TypeError, ValueError, AttributeError, *tx.value_errors)
    try:
        if incoming.record is None:
            _import_items(tx, session_id, incoming.items)
        else:
            _import_record(tx, session_id, incoming.record)
    except damaged as error:
        raise ConvoError(
            f"What is to become session '{session_id}' is damaged: {error!r}.", "Export it again."
        ) from error


def _import_items(tx: Transaction, session_id: str, items: Sequence[object]) -> None:
    """Write items as the `main` branch of a session."""
    encoded = encode_items(items)
    for start in range(0, len(encoded), _BATCH):
        append_items(tx, session_id, MAIN, encoded[start : start + _BATCH])


def _import_record(tx: Transaction, session_id: str, record: Mapping[str, Any]) -> None:
    """Write all that a record has; messages get ids of this file, all else stays as it was."""
    session = record["session"]
    tx.execute(
        f"INSERT INTO {tx.tables.sessions} (session_id, created_at, updated_at)"
        " VALUES (?, COALESCE(?, CURRENT_TIMESTAMP), COALESCE(?, CURRENT_TIMESTAMP))",
        (session_id, session.get("created_at"), session.get("updated_at")),
    )
    ids: dict[int, int] = {}
    for message in record["messages"]:
        text = message["raw"] if "raw" in message else json.dumps(message["item"])
        (ids[message["id"]],) = tx.insert_messages(session_id, [text], [message.get("created_at")])
    for branch in record["branches"]:
        _import_branch(tx, session_id, branch, ids)
    kept = [{**row, "message_id": ids[row["message_id"]]} for row in record.get("orphaned_usage", ())]
    if kept:
        CONVO_USAGE.create(tx)
        _insert(tx, "convo_usage", session_id, ("branch_id", "message_id", *_COUNTS), kept)
    runs = [{**row, "message_id": ids[row["message_id"]]} for row in record.get("runs", ())]
    if runs:
        CONVO_RUNS.create(tx)
        _insert(tx, "convo_runs", session_id, _RUN, runs)


def _import_branch(tx: Transaction, session_id: str, branch: Mapping[str, Any], ids: Mapping[int, int]) -> None:
    session_id, branch_id = session_id, str(branch["branch_id"])
    tx.execute(
        "INSERT OR IGNORE INTO branch_reservations (session_id, branch_id) VALUES (?, ?)", (session_id, branch_id)
    )
    tx.executemany(
        "INSERT INTO message_structure (session_id, branch_id, message_id, sequence_number, message_type,"
        " user_turn_number, branch_turn_number, tool_name, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?, CURRENT_TIMESTAMP))",
        ((session_id, branch_id, ids[message_id], *rest) for message_id, *rest in branch["rows"]),
    )
    _insert(tx, "turn_usage", session_id, ("branch_id", *_COUNTS), [
        {**row, "branch_id": branch_id} for row in branch.get("usage", ())
    ])  # fmt: skip
    if branch.get("parent") is not None or not branch["rows"]:
        CONVO_BRANCHES.create(tx)
        tx.execute(
            "INSERT INTO convo_branches (session_id, branch_id, parent_branch_id, fork_turn, created_at,"
            " empty_generation) VALUES (?, ?, ?, ?, COALESCE(?, CURRENT_TIMESTAMP), ?)",
            (
                session_id,
                branch_id,
                branch.get("parent"),
                branch.get("fork_turn"),
                branch.get("created_at"),
                None if branch["rows"] else read_generation(tx, session_id),
            ),
        )


def _insert(
    tx: Transaction, table: str, session_id: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    marks = ", ".join("?" * (len(columns) + 1))
    tx.executemany(
        f"INSERT INTO {table} (session_id, {', '.join(columns)}) VALUES ({marks})",
        ((session_id, *(row.get(column) for column in columns)) for row in rows),
    )
