"""Structure rows for a plain session, as the SDK would have written them, made up in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from tui.items.types import ItemKind, item_type, message_type, tool_name
from tui.storage.sqlite.messages import SQLiteMessages

__all__ = ["PlainStructure"]

_GLANCE: Final = 1 << 10
"""Bytes of an item that mostly tell what it is."""


class PlainStructure:
    """The temporary table with the rows of the plain session that was asked for last.

    Attributes:
        table: Its name.
    """

    table: Final = "convo_plain_structure"

    def __init__(self, db: sqlite3.Connection, messages: SQLiteMessages) -> None:
        self._db = db
        self._messages = messages
        self._session_id: str | None = None
        self._version = -1
        self._items = self._last = self._turn = 0

    def take_in(self, session_id: str, version: int) -> None:
        """Hold the rows of a session as the file has it in a version: what is known of it already stays."""
        if (session_id, version) == (self._session_id, self._version):
            return
        if session_id != self._session_id or self._kept(session_id) != self._items:
            self._begin(session_id)
        self._db.executemany(
            f"INSERT INTO {self.table} VALUES (?, ?, ?, ?, 'main', ?, ?, ?, ?)", self._rows(session_id)
        )
        for index, columns in (("turn", "user_turn_number"), ("sequence", "sequence_number")):
            self._db.execute(
                f"CREATE INDEX IF NOT EXISTS temp.{self.table}_{index}"
                f" ON {self.table} (session_id, branch_id, {columns})"
            )
        self._version = version

    def _kept(self, session_id: str) -> int:
        """How many of the items that were there are still there."""
        row = self._db.execute(
            f"SELECT COUNT(*) FROM {self._messages.name} WHERE session_id = ? AND id <= ?", (session_id, self._last)
        ).fetchone()
        return int(row[0])

    def _begin(self, session_id: str) -> None:
        self._db.execute(f"DROP TABLE IF EXISTS temp.{self.table}")
        self._db.execute(
            f"CREATE TEMP TABLE {self.table} (sequence_number INTEGER PRIMARY KEY, id, session_id, message_id,"
            " branch_id, message_type, user_turn_number, tool_name, created_at)"
        )
        self._session_id = session_id
        self._items = self._turn = 0
        self._last = -(1 << 63)

    def _rows(self, session_id: str) -> Iterator[tuple[Any, ...]]:
        for message_id, item in self._messages.after(session_id, self._last, self._glance):
            kind = message_type(item)
            self._items += 1
            self._last = message_id
            self._turn += kind == "user"
            # The time of a later item is read with the item: it stands behind what may be long.
            created = self._messages.stored_at(message_id) if self._items == 1 else None
            yield self._items, self._items, session_id, message_id, kind, self._turn, tool_name(item), created

    def _glance(self, message_id: int) -> Any:
        """An item, as little of it as tells its type and tool."""
        most: int | None
        for most in (_GLANCE, 1 << 16, None):
            piece = self._messages.beginning(message_id, most)
            if not piece.unread or (isinstance(piece.data, dict) and _tells(piece.data, most)):
                break
        return piece.data


def _tells(data: dict[str, Any], most: int | None) -> bool:
    """Whether the beginning of an item tells what it is: a call's name may come late, but seldom so late."""
    if "role" in data:
        return True
    kind = data.get("type")
    if not isinstance(kind, str) or kind == "message":
        return False
    return most != _GLANCE or item_type(kind).kind not in (ItemKind.CALL, ItemKind.APPROVAL_REQUEST) or "name" in data
