"""Reading a file in snapshots: every piece of work sees it at one moment, and nothing is written to it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tui.errors import FileError
from tui.model import Session
from tui.storage.sqlite.messages import Messages
from tui.storage.sqlite.opening import base_tables, file_error, has_table, open_to_read, quoted
from tui.storage.sqlite.plain_structure import PlainStructure

__all__ = ["Reader", "Snapshot"]

T = TypeVar("T")
Values: TypeAlias = Sequence[object] | Mapping[str, object]


class Snapshot:
    """The file at one moment.

    Attributes:
        sessions: The table of sessions, quoted for SQL.
        messages: The table of messages, quoted for SQL.
        rows: What its rows hold.
        version: Another one after another connection has written.
    """

    def __init__(self, db: sqlite3.Connection, sessions: str, messages: str) -> None:
        self._db = db
        self._structured = False
        self.rows = Messages(db, messages)
        self._plain = PlainStructure(db, self.rows)
        self.sessions = quoted(sessions)
        self.messages = self.rows.name

    @property
    def version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    @property
    def schema_version(self) -> int:
        """Another one after a table came or went, or the file was packed."""
        return int(self._db.execute("PRAGMA schema_version").fetchone()[0])

    @property
    def structured(self) -> bool:
        """Whether the file has structure rows at all."""
        # The table may come while the file is open; it never goes.
        self._structured = self._structured or self.has("message_structure")
        return self._structured

    def execute(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
        """Run a statement that reads."""
        return self._db.execute(sql, values)

    def at_once(self, sql: str, width: int, values: Values = ()) -> list[list[Any]]:
        """Run a statement that reads numbers and texts, and take all of its rows in one.

        Between two rows SQLite lets another thread have its turn, and while the program starts one is always waiting.

        Args:
            sql: The statement.
            width: How many columns it has.
            values: What it names.
        """
        columns = ", ".join(f"c{number}" for number in range(width))
        (told,) = self._db.execute(
            f"WITH told ({columns}) AS ({sql}) SELECT json_group_array(json_array({columns})) FROM told", values
        ).fetchone()
        rows: list[list[Any]] = json.loads(told)
        return rows

    def has(self, table: str) -> bool:
        """Whether the file has a table of this name."""
        return has_table(self._db, table)

    def structure(self, session: Session) -> str:
        """The table that holds a session's structure rows; made up in memory for a plain session."""
        if not session.plain and self.structured:
            return "message_structure"
        self._plain.take_in(session.session_id, self.version)
        return self._plain.table


class Reader:
    """A connection that only reads.

    Attributes:
        sessions_table: Name of the table of sessions.
        messages_table: Name of the table of messages.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        """Open a file to look at.

        Raises:
            FileError: It cannot be shown; the message says why, the hint what to do.
        """
        self._path = path
        self._identity = _identity(path)
        self._connection = open_to_read(path, timeout)
        try:
            self.sessions_table, self.messages_table = self._connection.run_sync(lambda db: base_tables(db, path))
        except sqlite3.Error as error:
            self._connection.close()
            raise file_error(path, error) from error
        except FileError:
            self._connection.close()
            raise
        self._snapshot: Snapshot | None = None

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        """Run a piece of work in one read transaction.

        Raises:
            FileError: The file cannot be read (any more, or now).
        """

        def tolerant(db: sqlite3.Connection) -> T:
            try:
                return self._at_one_moment(db, work)
            except sqlite3.OperationalError as error:
                if "Could not decode to UTF-8" not in str(error):
                    raise
                db.text_factory = _replacing
                return self._at_one_moment(db, work)

        try:
            return await self._connection.run(tolerant)
        except sqlite3.Error as error:
            raise file_error(self._path, error) from error

    def begin(self, work: Callable[[Snapshot], object]) -> None:
        """Run a piece of work for what it leaves behind; nobody waits for it, and if it fails nothing is lost."""
        self._connection.submit(lambda db: self._at_one_moment(db, work))

    def is_current(self) -> bool:
        """Whether the file that was opened is still the one of that name."""
        return _identity(self._path) == self._identity

    def close(self) -> None:
        """Close the connection; safe to call again."""
        self._connection.close()

    def _at_one_moment(self, db: sqlite3.Connection, work: Callable[[Snapshot], T]) -> T:
        if self._snapshot is None:
            self._snapshot = Snapshot(db, self.sessions_table, self.messages_table)
        db.execute("BEGIN")
        try:
            result = work(self._snapshot)
        except BaseException:
            self._snapshot = None
            db.execute("ROLLBACK")
            raise
        # What a plain session's structure rows were worked out to be is kept, in memory.
        db.execute("COMMIT")
        return result


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _replacing(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")
