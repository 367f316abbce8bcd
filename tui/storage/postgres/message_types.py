"""The types of the messages of `main`: stored, or decoded where another program wrote the message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Protocol, cast

from tui.items.codec import decode_or_none
from tui.items.sealed import UNREADABLE, unsealed
from tui.items.types import message_type, tool_name
from tui.storage.engine import Transaction
from tui.storage.postgres.schema import SchemaInfo

__all__ = ["complete_types", "main_messages", "server_transaction", "stored_text", "text_of", "types_sql"]

_NO_TYPES: Final = """(
    SELECT CAST(NULL AS TEXT) AS session_id, CAST(NULL AS BIGINT) AS message_id, CAST(NULL AS TEXT) AS message_type,
        CAST(NULL AS TEXT) AS tool_name WHERE FALSE
)"""


class ServerTransaction(Transaction, Protocol):
    """A transaction of a server, with what only its layout needs to know."""

    info: SchemaInfo
    generation: tuple[str, int] | None
    implicit: dict[str, object]
    completed: tuple[str | None] | None
    is_read_only: bool

    def main_rows(self, session_id: str) -> str | None:
        """Return the relation of the rows of `main` of a session if its items are kept."""
        ...


def server_transaction(tx: Transaction) -> ServerTransaction:
    """Return a transaction as that of a server, which it is."""
    return cast("ServerTransaction", tx)


def main_messages(tx: Transaction) -> str:
    """Return the base table of messages, for which a transaction that only reads may have another name."""
    return server_transaction(tx).info.tables.messages


def types_sql(tx: Transaction) -> str:
    """Return the relation of the types that are stored."""
    return "convo_message_types" if tx.has_table("convo_message_types") else _NO_TYPES


def complete_types(
    tx: Transaction, of_sessions: str, session_id: str | None, session_ids: Sequence[str] | None
) -> None:
    """Decode the messages of `main` whose types are not stored.

    Args:
        tx: The transaction.
        of_sessions: The condition for the sessions of messages `m`, with the named values below.
        session_id: The session; None for several.
        session_ids: The sessions; None for the one session, or for all.
    """
    server = server_transaction(tx)
    if session_ids is None and server.completed == (session_id,):
        return
    rows = tx.execute(
        f"SELECT m.session_id, m.id, m.message_data FROM {main_messages(tx)} AS m WHERE {of_sessions}"
        f" AND NOT EXISTS (SELECT 1 FROM {types_sql(tx)} AS k"
        " WHERE k.session_id = m.session_id AND k.message_id = m.id)",
        session_id=session_id,
        session_ids=session_ids,
    ).fetchall()
    # With the key that is missing now, a message may have another type.
    made: list[tuple[Any, ...]] = []
    implicit: list[tuple[Any, ...]] = []
    for name, message_id, text in rows:
        item = unsealed(decode_or_none(text), name)
        target = implicit if server.is_read_only or item is UNREADABLE else made
        target.append((name, message_id, stored_text(message_type(item)), stored_text(tool_name(item))))
    server.completed, server.implicit = (session_id,) if session_ids is None else None, {}
    if implicit:
        names = ("message_id", "message_type", "tool_name")
        server.implicit = {"convo_types": json.dumps([dict(zip(names, row[1:], strict=True)) for row in implicit])}
    if made:
        sessions, ids, kinds, tools = map(list, zip(*made, strict=True))
        tx.execute(
            "INSERT INTO convo_message_types (session_id, message_id, message_type, tool_name)"
            " SELECT * FROM unnest(CAST(:sessions AS text[]), CAST(:ids AS bigint[]), CAST(:kinds AS text[]),"
            " CAST(:tools AS text[]))",
            sessions=sessions,
            ids=ids,
            kinds=kinds,
            tools=tools,
        )


def text_of(text: str | bytes) -> str:
    """Return an encoded item as the server stores it."""
    return str(stored_text(text.decode("utf-8", "replace") if isinstance(text, bytes) else text))


def stored_text(text: str | None) -> Any:
    """Return a text as the server stores it: without halves of surrogate pairs and zero characters."""
    if text is None or text.isascii():
        return text and text.replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
