"""Stored items of any length: of a long one only the beginning is read, until somebody wants all of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from io import BytesIO
from typing import Any, Final

from tui.errors import NotFoundError
from tui.items.codec import decode, decode_beginning, decode_or_none
from tui.model import Item
from tui.storage.engine import LONGEST, PartialItem
from tui.storage.schema import unquoted

__all__ = ["SQLiteMessages"]

_LONG: Final = 1 << 14
"""Bytes that an item takes on an average, beyond which it is read by piece where many are read."""


_KEPT: Final = 1 << 10
"""Bytes of encoded data that are kept where the rest of it is passed over: what tells its kind and measures."""

_LONGEST_KEY: Final = 40
_STRIDE: Final = 1 << 16
"""Bytes that are read at once behind the beginning of an item."""

_DATA: Final = re.compile(
    rb'"(?:data|encrypted_content|file_data|image_url|result|url)": ?"(?:data:[^"]*|[A-Za-z0-9+/=_-]*)\Z'
)
"""The last text that was read, where it is an image's, a file's or a sealed thought's."""


class SQLiteMessages:
    """The table of messages, read row by row.

    Attributes:
        name: Its name, quoted for SQL.
    """

    def __init__(self, db: sqlite3.Connection, table: str) -> None:
        self._db = db
        self._table = unquoted(table)
        self.name = table

    @cached_property
    def _by_piece(self) -> bool:
        """Whether an item can be read by piece."""
        sql = "SELECT name, upper(type) FROM pragma_table_info(?) WHERE pk"
        keys = self._db.execute(sql, (self._table,)).fetchall()
        encoding = self._db.execute("PRAGMA encoding").fetchone()
        return keys == [("id", "INTEGER")] and encoding == ("UTF-8",)

    @property
    def are_long(self) -> bool:
        """Whether the file's items are long on an average, so that few are to be read at once."""
        bytes_of_all, last = self._db.execute(
            f"SELECT page_count * page_size, (SELECT MAX(id) FROM {self.name}) FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        return bool(last) and bytes_of_all / last > _LONG

    def beginning(self, message_id: int | None, most: int | None = LONGEST, part: int | None = None) -> PartialItem:
        """An item, or of one that takes more than `most` bytes (None: however many) the first `part` (None: as many).

        Encoded data that the beginning ends in is passed over, so that what was said about an image is read too:
        `…` and a number stand for so many bytes of it. What the beginning alone does not tell (half a character of
        two, deep nesting) is read whole.
        """
        if message_id is None:
            return PartialItem()
        with self._stored(message_id) as (stored, size):
            if most is None or size <= most:
                text = stored.read(size)
                data = decode_or_none(text, "replace")
                return PartialItem(data, _readable(text) if data is None else None, size)
            text, end = _without_data(stored, size, most if part is None else part)
        unread, cut = size - len(text), end < size
        try:
            return PartialItem(decode_beginning(text) if cut else decode(text), None, size, unread, cut)
        except (ValueError, RecursionError):
            whole = self.beginning(message_id, None)
            return whole if whole.data is not None else PartialItem(None, _readable(text), size, unread, cut)

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
        if self.are_long:
            ids = self._db.execute(f"SELECT id {where}", (session_id, message_id)).fetchall()
            yield from ((found, glance(found)) for (found,) in ids)
        else:
            rows = self._db.execute(f"SELECT id, CAST(message_data AS BLOB) {where}", (session_id, message_id))
            yield from ((found, decode_or_none(text, "replace")) for found, text in rows)

    def whole(self, item: Item) -> Item:
        """An item with all that is stored of it.

        Raises:
            NotFoundError: It is not stored any more.
        """
        piece = self.beginning(item.message_id, None)
        if not piece.size:
            raise NotFoundError("The item is gone: another program removed it.")
        return item._replace(data=piece.data, raw=piece.raw, size=piece.size, unread=0, cut=False)

    @contextmanager
    def _stored(self, message_id: int) -> Iterator[tuple[sqlite3.Blob | BytesIO, int]]:
        """The stored text as UTF-8, to be read by piece, and its size in bytes."""
        blob = None
        if self._by_piece:
            # There may be no such row, nothing in it, or no row ids.
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


def _without_data(stored: sqlite3.Blob | BytesIO, size: int, most: int) -> tuple[bytes, int]:
    """The beginning of an item without the encoded data that it ends in, and up to where it was read."""
    text, end = stored.read(most), most
    while end < size and len(text) < 2 * most:
        begin = text.rfind(b'"') + 1
        if not _DATA.search(text, max(begin - _LONGEST_KEY, 0)):
            break
        kept = text[: begin + _KEPT]
        passed = len(text) - len(kept)
        while ahead := stored.read(_STRIDE):
            end += len(ahead)
            if (quote := ahead.find(b'"')) >= 0:
                # The rest of this stride is most of what is read on.
                text = kept + f"…{passed + quote}".encode() + ahead[quote:]
                break
            passed += len(ahead)
        else:
            text = kept + f"…{passed}".encode()
    return text, end


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "replace")
