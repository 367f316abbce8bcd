"""Writing imported sessions, from a list of items or the JSON document of an exported session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from tui.errors import ConvoError, SessionExistsError
from tui.items.codec import to_json
from tui.storage.engine import Transaction
from tui.storage.layout import StructureRow
from tui.storage.queries.branches import read_generation, reserve_branch
from tui.storage.queries.compaction import COMPACTION_COLUMNS
from tui.storage.queries.items import append_items, encode_items
from tui.storage.queries.labels import Label, write_label
from tui.storage.queries.request_inputs import INPUT_COLUMNS, store_texts
from tui.storage.queries.requests import REQUEST_COLUMNS
from tui.storage.queries.session_dump import DUMPED_RUN, DUMPED_USAGE
from tui.storage.schema import (
    CONVO_BRANCHES,
    CONVO_COMPACTIONS,
    CONVO_REQUEST_INPUTS,
    CONVO_REQUESTS,
    CONVO_RUNS,
    CONVO_USAGE,
    MAIN,
)

__all__ = ["ImportedSession", "import_session", "session_exists"]

_BATCH: Final = 1000


class ImportedSession(NamedTuple):
    """A session to import.

    Attributes:
        session_id: Its id in the file.
        items: The items of its `main` branch, if there is no document.
        document: The session in the format of `tui.formats.json_document`.
    """

    session_id: str
    items: Sequence[object] = ()
    document: Mapping[str, Any] | None = None
    left_out: Mapping[str, int] = MappingProxyType({})


def session_exists(tx: Transaction, session_id: str) -> bool:
    """Return whether the file has any rows of a session."""
    row = tx.execute(
        f"SELECT EXISTS (SELECT 1 FROM {tx.tables.sessions} WHERE session_id = :session_id)"
        f" OR EXISTS (SELECT 1 FROM {tx.layout.all_messages_sql(tx)} AS m WHERE session_id = :session_id)"
        f" OR EXISTS (SELECT 1 FROM {tx.tables.structure} WHERE session_id = :session_id)",
        session_id=session_id,
    ).fetchone()
    return bool(row[0])


def require_unused(tx: Transaction, session_id: str) -> None:
    """Raise SessionExistsError if the file has a session."""
    if session_exists(tx, session_id):
        raise SessionExistsError(f"There is a session '{session_id}' already.", "Give the new one another name.")


def import_session(tx: Transaction, session: ImportedSession) -> None:
    """Write a new session.

    Raises:
        ConvoError: The file has such a session already, or the document is damaged.
    """
    session_id = session.session_id
    require_unused(tx, session_id)
    damaged: tuple[type[Exception], ...] = (LookupError, TypeError, ValueError, AttributeError, *tx.value_errors)
    try:
        if session.document is None:
            _import_items(tx, session_id, session.items)
        else:
            _import_document(tx, session_id, session.document)
    except damaged as error:
        raise ConvoError(
            f"The document of session '{session_id}' is damaged: {error!r}.", "Export it again."
        ) from error


def _import_items(tx: Transaction, session_id: str, items: Sequence[object]) -> None:
    encoded = encode_items(items)
    for start in range(0, len(encoded), _BATCH):
        append_items(tx, session_id, MAIN, encoded[start : start + _BATCH])


def _import_document(tx: Transaction, session_id: str, document: Mapping[str, Any]) -> None:
    """Write a document; messages get new ids, everything else is as in the document."""
    session = document["session"]
    times = f"{tx.dialect.time_of(':created_at')}, {tx.layout.session_time_sql(tx, ':updated_at')}"
    sql = f"INSERT INTO {tx.tables.sessions} (session_id, created_at, updated_at) VALUES (:session_id, {times})"
    tx.execute(sql, session_id=session_id, created_at=session.get("created_at"), updated_at=session.get("updated_at"))
    _import_label(tx, session_id, None, session)
    messages = document["messages"]
    stored = [message["raw"] if "raw" in message else json.dumps(message["item"]) for message in messages]
    ids = tx.insert_messages(session_id, stored, [message.get("created_at") for message in messages])
    new_ids = dict(zip((message["id"] for message in messages), ids, strict=True))
    for branch in document["branches"]:
        _import_branch(tx, session_id, branch, new_ids)
    if compactions := document.get("compactions", ()):
        CONVO_COMPACTIONS.create(tx)
        _insert(tx, "convo_compactions", session_id, COMPACTION_COLUMNS, compactions)
    usage = [{**row, "message_id": new_ids[row["message_id"]]} for row in document.get("orphaned_usage", ())]
    if usage:
        CONVO_USAGE.create(tx)
        _insert(tx, "convo_usage", session_id, ("branch_id", "message_id", *DUMPED_USAGE), usage)
    runs = [{**row, "message_id": new_ids[row["message_id"]]} for row in document.get("runs", ())]
    if runs:
        CONVO_RUNS.create(tx)
        _insert(tx, "convo_runs", session_id, DUMPED_RUN, runs)
    texts = {str(key): to_json(value) for key, value in document.get("texts", {}).items()}
    _import_requests(tx, session_id, document.get("requests", ()), new_ids)
    if texts:
        store_texts(tx, session_id, texts.items())
    tx.layout.complete_insertion(tx, session_id)


def _import_requests(
    tx: Transaction, session_id: str, requests: Sequence[Mapping[str, Any]], new_ids: Mapping[int, int]
) -> None:
    if not requests:
        return
    CONVO_REQUESTS.create(tx)
    CONVO_REQUEST_INPUTS.create(tx)
    rows = [{**row, "message_id": new_ids[row["message_id"]]} for row in requests]
    cells = [[session_id, *(row.get(name) for name in REQUEST_COLUMNS)] for row in rows]
    tx.insert_rows(CONVO_REQUESTS.name, ("session_id", *REQUEST_COLUMNS), cells)
    sql = f"SELECT id FROM convo_requests WHERE session_id = :session_id ORDER BY id DESC LIMIT {len(rows)}"
    ids = [request_id for (request_id,) in tx.execute(sql, session_id=session_id).fetchall()][::-1]
    inputs = []
    for request_id, row in zip(ids, requests, strict=True):
        columns = {name: row.get(name) for name in INPUT_COLUMNS}
        columns["last_message_id"] = new_ids.get(row.get("last_message_id", 0))
        columns["input"] = None if columns["input"] is None else json.dumps(columns["input"])
        if any(value is not None for value in columns.values()):
            inputs.append([request_id, session_id, *columns.values()])
    tx.insert_rows(CONVO_REQUEST_INPUTS.name, ("id", "session_id", *INPUT_COLUMNS), inputs)


def _import_branch(tx: Transaction, session_id: str, branch: Mapping[str, Any], new_ids: Mapping[int, int]) -> None:
    branch_id = str(branch["branch_id"])
    reserve_branch(tx, session_id, branch_id)
    _import_label(tx, session_id, branch_id, branch)
    rows = [
        StructureRow(new_ids[message_id], sequence, turn, branch_turn, kind, tool, created_at)
        for message_id, sequence, kind, turn, branch_turn, tool, created_at in branch["rows"]
    ]
    tx.layout.insert_rows(tx, session_id, branch_id, rows)
    tx.layout.insert_usage(tx, session_id, branch_id, branch.get("usage", ()))
    # An empty `main` may exist without a row.
    is_recorded = branch_id != MAIN or branch.get("created_at") is not None
    if branch.get("parent") is not None or (is_recorded and not rows):
        CONVO_BRANCHES.create(tx)
        tx.execute(
            "INSERT INTO convo_branches (session_id, branch_id, parent_branch_id, fork_turn, created_at,"
            " empty_generation) VALUES (:session_id, :branch_id, :parent, :fork_turn,"
            f" COALESCE(:created_at, {tx.dialect.now}), :empty_generation)",
            session_id=session_id,
            branch_id=branch_id,
            parent=branch.get("parent"),
            fork_turn=branch.get("fork_turn"),
            created_at=branch.get("created_at"),
            empty_generation=None if rows else read_generation(tx, session_id),
        )


def _import_label(tx: Transaction, session_id: str, branch_id: str | None, document: Mapping[str, Any]) -> None:
    texts = str(document.get("title", "")), str(document.get("note", ""))
    label = Label(*texts, bool(document.get("pinned")), bool(document.get("archived")))
    if label != Label():
        write_label(tx, session_id, branch_id, label)


def _insert(
    tx: Transaction, table: str, session_id: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Insert rows of a session; if a row lacks a column, `created_at` is now, and any other column NULL."""
    values = [
        f"COALESCE(:{column}, {tx.dialect.now})" if column == "created_at" else f":{column}" for column in columns
    ]
    tx.executemany(
        f"INSERT INTO {table} (session_id, {', '.join(columns)}) VALUES (:session_id, {', '.join(values)})",
        [{"session_id": session_id, **{column: row.get(column) for column in columns}} for row in rows],
    )
