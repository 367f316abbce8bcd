"""Structure rows for a plain session, made up in memory as the SDK's class with branches would have written them."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Any, Final

from tui.items.types import ItemKind, item_type, message_type, tool_name
from tui.storage.sqlite.messages import SQLiteMessages

__all__ = ["PlainStructure"]

_HEAD_BYTES: Final = 1 << 10
"""Bytes at the beginning of an item that usually contain its type and tool."""


_names: Final = count(1)


class PlainStructure:
    """The temporary table with the structure rows of one plain session."""

    table: Final = "convo_plain_structure"

    def __init__(self, *, kept: bool = False) -> None:
        """Create it without rows; if `kept`, the table outlives the connection, for later ones to the same file."""
        self._source = f"file:convo-plain-{next(_names)}?mode=memory&cache=shared" if kept else ""
        self._schema = "plain" if kept else "temp"
        self._memory: sqlite3.Connection | None = None
        self._attached_to: sqlite3.Connection | None = None
        self._db: sqlite3.Connection
        self._messages: SQLiteMessages
        self.forget()

    def forget(self) -> None:
        """Make all rows again at the next update: those that were written last may be rolled back."""
        self._session_id: str | None = None
        self._version: Hashable = None
        self._items = self._last = self._turn = 0

    def close(self) -> None:
        """Drop the table; may be called again."""
        if self._memory is not None:
            self._memory.close()

    def update(self, db: sqlite3.Connection, messages: SQLiteMessages, session_id: str, version: Hashable) -> None:
        """Make the table hold the rows of a session; for new messages of the same session, only rows are added."""
        if self._source and db is not self._attached_to:
            if self._memory is None:
                # A table in memory ends with its last connection.
                self._memory = sqlite3.connect(self._source, uri=True, check_same_thread=False)
            db.execute(f"ATTACH '{self._source}' AS {self._schema}")
            self._attached_to = db
        self._db, self._messages = db, messages
        if (session_id, version) == (self._session_id, self._version):
            return
        if session_id != self._session_id or self._count_known(session_id) != self._items:
            self._create(session_id)
        self._db.executemany(
            f"INSERT INTO {self.table} VALUES (?, ?, ?, ?, 'main', ?, ?, ?, ?, ?)", self._rows(session_id)
        )
        for index, column in (("turn", "user_turn_number"), ("sequence", "sequence_number")):
            self._db.execute(
                f"CREATE INDEX IF NOT EXISTS {self._schema}.{self.table}_{index}"
                f" ON {self.table} (session_id, branch_id, {column})"
            )
        self._version = version

    def _count_known(self, session_id: str) -> int:
        """Return the number of messages up to the last one that has a row."""
        row = self._db.execute(
            f"SELECT COUNT(*) FROM {self._messages.name} WHERE session_id = ? AND id <= ?", (session_id, self._last)
        ).fetchone()
        return int(row[0])

    def _create(self, session_id: str) -> None:
        self._db.execute(f"DROP TABLE IF EXISTS {self._schema}.{self.table}")
        self._db.execute(
            f"CREATE TABLE {self._schema}.{self.table} (id INTEGER PRIMARY KEY, sequence_number, session_id,"
            " message_id, branch_id, message_type, user_turn_number, branch_turn_number, tool_name, created_at)"
        )
        self._session_id = session_id
        self._items = self._turn = 0
        self._last = -(1 << 63)

    def _rows(self, session_id: str) -> Iterator[tuple[Any, ...]]:
        for message_id, item in self._messages.after(session_id, self._last, self._read_short):
            kind = message_type(item)
            self._items += 1
            self._last = message_id
            self._turn += kind == "user"
            # The time is stored after a text that may be long: for later items it is read together with the item.
            created_at = self._messages.stored_times([message_id])[message_id] if self._items == 1 else None
            tool = tool_name(item)
            yield self._items, self._items, session_id, message_id, kind, self._turn, self._turn, tool, created_at

    def _read_short(self, message_id: int) -> Any:
        """Return the beginning of an item that contains its type and tool, or all of it."""
        limit: int | None
        for limit in (_HEAD_BYTES, 1 << 16, None):
            item = self._messages.read_prefix(message_id, limit)
            if not item.unread or (isinstance(item.data, dict) and _is_enough(item.data, limit)):
                break
        return item.data


def _is_enough(data: dict[str, Any], limit: int | None) -> bool:
    """Return whether the beginning of an item contains its type and tool."""
    if "role" in data:
        return True
    kind = data.get("type")
    if not isinstance(kind, str) or kind == "message":
        return False
    return (
        limit != _HEAD_BYTES or item_type(kind).kind not in (ItemKind.CALL, ItemKind.APPROVAL_REQUEST) or "name" in data
    )
