"""Reading stored items of any length: completely, or only the beginning of a long item."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from io import BytesIO
from typing import Any, Final

from tui.items.codec import decode_or_none
from tui.items.sealed import SEALED, unsealed
from tui.storage.engine import MAX_READ_BYTES, PartialItem
from tui.storage.partial_items import decoded_beginning, readable, skip_data
from tui.storage.schema import unquoted

__all__ = ["SQLiteMessages"]

_LONG_ITEM_BYTES: Final = 1 << 14
"""If the average item has more bytes, items are long."""

_CHUNK_BYTES: Final = 1 << 16
"""Bytes that are read at once while encoded data is skipped."""

_SEALED: Final = SEALED.encode()


class SQLiteMessages:
    """SQLite's `tui.storage.engine.Messages`; `name` is the SQL identifier of the table."""

    def __init__(self, db: sqlite3.Connection, table: str) -> None:
        self._db = db
        self._table = unquoted(table)
        self.name = table

    @cached_property
    def _by_piece(self) -> bool:
        """True if parts of an item can be read."""
        sql = "SELECT name, upper(type) FROM pragma_table_info(?) WHERE pk"
        keys = self._db.execute(sql, (self._table,)).fetchall()
        encoding = self._db.execute("PRAGMA encoding").fetchone()
        return keys == [("id", "INTEGER")] and encoding == ("UTF-8",)

    @property
    def are_long(self) -> bool:
        bytes_of_all, last = self._db.execute(
            f"SELECT page_count * page_size, (SELECT MAX(id) FROM {self.name}) FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        return bool(last) and bytes_of_all / last > _LONG_ITEM_BYTES

    def read_prefixes(
        self, ids: Sequence[int | None], limit: int | None = MAX_READ_BYTES, part: int | None = None
    ) -> Iterator[PartialItem]:
        for message_id in ids:
            yield PartialItem() if message_id is None else self.read_prefix(message_id, limit, part)

    def read_prefix(self, message_id: int, limit: int | None = MAX_READ_BYTES, part: int | None = None) -> PartialItem:
        """Read an item, as `read_prefixes` does."""
        with self._stored(message_id) as (stored, size):
            if limit is None or size <= limit:
                text = stored.read(size)
                data = decode_or_none(text, "replace")
                if text.startswith(_SEALED):
                    data = unsealed(data, self._session_of(message_id))
                return PartialItem(data, readable(text) if data is None else None, size)
            part = limit if part is None else part
            text, end = skip_data(stored.read(part), size, part, partial(_from_quote, stored))
        if text.startswith(_SEALED):
            # The beginning of a token cannot be decrypted.
            return self.read_prefix(message_id, None)
        return decoded_beginning(text, size, end, lambda: self.read_prefix(message_id, None))

    def size(self, message_id: int) -> int:
        """Return the size of an item, which also versions of SQLite without `octet_length` tell without reading it."""
        with self._stored(message_id) as (_, size):
            return size

    def texts(self, ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
        columns = "id, message_data, CAST(created_at AS TEXT)"
        sql = f"SELECT {columns} FROM {self.name} WHERE id IN (SELECT value FROM json_each(?))"
        # Where a text cannot be read, nothing refers to the statement, so that it ends.
        rows = self._db.execute(sql, (json.dumps(ids),)).fetchall()
        return {message_id: (text, created_at) for message_id, text, created_at in rows}

    def stored_times(self, ids: Sequence[int]) -> dict[int, str | None]:
        sql = f"SELECT id, CAST(created_at AS TEXT) FROM {self.name} WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._db.execute(sql, (json.dumps(ids),))) if ids else {}

    def after(self, session_id: str, message_id: int, read: Callable[[int], Any]) -> Iterator[tuple[int, Any]]:
        """Yield id and item of a session's messages after `message_id`, oldest first.

        If the items are long, `read` reads each item; otherwise they are read completely.
        """
        where = f"FROM {self.name} WHERE session_id = ? AND id > ? ORDER BY id"
        if self.are_long:
            ids = self._db.execute(f"SELECT id {where}", (session_id, message_id)).fetchall()
            yield from ((found, read(found)) for (found,) in ids)
        else:
            rows = self._db.execute(f"SELECT id, CAST(message_data AS BLOB) {where}", (session_id, message_id))
            yield from ((found, unsealed(decode_or_none(text, "replace"), session_id)) for found, text in rows)

    def _session_of(self, message_id: int) -> str:
        row = self._db.execute(f"SELECT session_id FROM {self.name} WHERE id = ?", (message_id,)).fetchone()
        return str(row[0])

    @contextmanager
    def _stored(self, message_id: int) -> Iterator[tuple[sqlite3.Blob | BytesIO, int]]:
        """Open the stored text, as a file of UTF-8 bytes, and give its size."""
        blob = None
        if self._by_piece:
            # The row may be missing or hold NULL, or the table may have no row ids.
            with suppress(sqlite3.OperationalError):
                blob = self._db.blobopen(self._table, "message_data", message_id, readonly=True)
        if blob is not None:
            with blob:
                yield blob, len(blob)
            return
        row = self._db.execute(
            f"SELECT CAST(message_data AS TEXT) FROM {self.name} WHERE id = ?", (message_id,)
        ).fetchone()
        text = b"" if row is None or row[0] is None else str(row[0]).encode()
        yield BytesIO(text), len(text)


def _from_quote(stored: sqlite3.Blob | BytesIO) -> tuple[int, bytes]:
    """Read on, and return the number of bytes before the next quotation mark, and the text from it on."""
    passed = 0
    while ahead := stored.read(_CHUNK_BYTES):
        if (quote := ahead.find(b'"')) >= 0:
            return passed + quote, ahead[quote:]
        passed += len(ahead)
    return passed, b""
