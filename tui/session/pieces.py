"""Stored items of any length: of a long one only the beginning is read, until somebody wants all of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from tui.errors import NotFoundError
from tui.model import Item
from tui.session.codec import decode_beginning, decoded
from tui.session.opening import quoted

__all__ = ["LONGEST", "Messages", "Piece", "completed"]

LONGEST: Final = 1 << 17
"""Bytes of a stored item that are read to show it: more than is drawn of any text."""


_LONG: Final = 1 << 14
"""Bytes that an item takes on an average, beyond which it is read by piece where many are read."""


class Piece(NamedTuple):
    """What was read of a stored item.

    Attributes:
        data: The decoded item, up to where it was read; None where it cannot be decoded.
        raw: The text where it cannot be decoded, as far as it was read; else None.
        size: Bytes of the stored text.
        unread: Bytes at its end that were not read.
    """

    data: Any = None
    raw: str | None = ""
    size: int = 0
    unread: int = 0


class Messages:
    """The table of messages, read row by row.

    Attributes:
        name: Its name, quoted for SQL.
    """

    def __init__(self, db: sqlite3.Connection, table: str) -> None:
        self._db = db
        self._table = table
        self.name = quoted(table)
        keys = db.execute("SELECT name, upper(type) FROM pragma_table_info(?) WHERE pk", (table,)).fetchall()
        encoding = db.execute("PRAGMA encoding").fetchone()
        self._by_piece = keys == [("id", "INTEGER")] and encoding == ("UTF-8",)

    def beginning(self, message_id: int | None, most: int | None = LONGEST) -> Piece:
        """An item, or its beginning where more than `most` bytes are stored (None: all of it, however many).

        What its beginning alone does not tell (half a character of two, deep nesting) is read whole.
        """
        text, size = (b"", 0) if message_id is None else self._read(message_id, most)
        if message_id is not None and len(text) < size:
            try:
                return Piece(decode_beginning(text), None, size, size - len(text))
            except ValueError:
                data = decoded(self._read(message_id, None)[0])
                if data is not None:
                    return Piece(data, None, size)
        else:
            data = decoded(text)
        return Piece(data, text.decode("utf-8", "replace") if data is None else None, size, size - len(text))

    def stored_at(self, message_id: int) -> str | None:
        """When an item was stored. SQLite reads through the whole item for that."""
        row = self._db.execute(
            f"SELECT CAST(created_at AS TEXT) FROM {self.name} WHERE id = ?", (message_id,)
        ).fetchone()
        return row[0] if row else None

    def after(self, session_id: str, message_id: int, glance: Callable[[int], Any]) -> Iterator[tuple[int, Any]]:
        """The items of a session behind one, with their ids and decoded, oldest first.

        Args:
            session_id: The session.
            message_id: Key of the message row after which to begin.
            glance: Reads an item in place of decoding all of it, where the file's items are long.
        """
        where = f"FROM {self.name} WHERE session_id = ? AND id > ? ORDER BY id"
        bytes_of_all, last = self._db.execute(
            f"SELECT page_count * page_size, (SELECT MAX(id) FROM {self.name}) FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        if last and bytes_of_all / last > _LONG:
            ids = self._db.execute(f"SELECT id {where}", (session_id, message_id)).fetchall()
            yield from ((found, glance(found)) for (found,) in ids)
        else:
            rows = self._db.execute(f"SELECT id, CAST(message_data AS BLOB) {where}", (session_id, message_id))
            yield from ((found, decoded(text)) for found, text in rows)

    def whole(self, item: Item) -> Item:
        """An item with all that is stored of it.

        Raises:
            NotFoundError: It is not stored any more.
        """
        piece = self.beginning(item.message_id, None)
        if not piece.size:
            raise NotFoundError("The item is gone: another program removed it.")
        return replace(item, data=piece.data, raw=piece.raw, size=piece.size, unread=0)

    def _read(self, message_id: int, most: int | None) -> tuple[bytes, int]:
        """The stored text as UTF-8, as far as it is wanted, and how many bytes there are."""
        if self._by_piece:
            try:
                with self._db.blobopen(self._table, "message_data", message_id, readonly=True) as blob:
                    return blob.read(len(blob) if most is None else min(most, len(blob))), len(blob)
            except sqlite3.OperationalError:
                # There is no such row, nothing in it, or its table has no row ids.
                pass
        row = self._db.execute(
            f"SELECT CAST(message_data AS TEXT) FROM {self.name} WHERE id = ?", (message_id,)
        ).fetchone()
        text = b"" if row is None or row[0] is None else str(row[0]).encode()
        return text[:most], len(text)


def completed(data: object, kind: str, tool: str | None) -> object:
    """The beginning of an item with what its structure row tells of the rest: who speaks, or which tool it is.

    Args:
        data: The decoded beginning; a dict is changed.
        kind: The type that the SDK files the item under.
        tool: The name of its tool.
    """
    if isinstance(data, dict) and "role" not in data:
        if kind in ("user", "assistant"):
            data["role"] = kind
        else:
            data.setdefault("type", kind)
            if tool is not None:
                data.setdefault("name", tool)
    return data
