"""The engine for SQLite: one connection on one worker thread, and one transaction at a time on it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from tui.errors import FileError
from tui.model import Session
from tui.storage.engine import Engine, MainPositions, RecordedTable
from tui.storage.plausible import MAX_SPARSE, require_plausible_rows
from tui.storage.schema import TRASH_CELLS, quoted
from tui.storage.sql import NamedValues
from tui.storage.sqlite.connection import Connection
from tui.storage.sqlite.dialect import SQLITE
from tui.storage.sqlite.errors import explain
from tui.storage.sqlite.layout import SQLITE_LAYOUT
from tui.storage.sqlite.messages import SQLiteMessages
from tui.storage.sqlite.plain_structure import PlainStructure
from tui.storage.tables import Tables

__all__ = ["SQLiteEngine", "SQLiteTransaction", "file_identity", "written_files"]

T = TypeVar("T")

_locks: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()
_locks_guard = threading.Lock()

written_files: Final[set[Path]] = set()
"""The files that this process has written to."""


class SQLiteTransaction:
    """SQLite's `tui.storage.engine.Transaction`; one object serves all transactions of a connection until one fails."""

    dialect: Final = SQLITE
    layout: Final = SQLITE_LAYOUT
    integrity_error: Final = sqlite3.IntegrityError
    value_errors: Final = (sqlite3.InterfaceError, sqlite3.IntegrityError, sqlite3.ProgrammingError)

    def __init__(
        self,
        db: sqlite3.Connection,
        tables: Tables,
        *,
        known_tables: set[str] | None = None,
        plain: PlainStructure | None = None,
    ) -> None:
        """Create the transaction of a connection; tables and structure may be known from an earlier connection."""
        self.db = db
        self._known_tables = set() if known_tables is None else known_tables
        self._on_rollback: list[Callable[[], object]] = []
        self.tables = tables
        self.messages = SQLiteMessages(db, tables.messages)
        self._plain = PlainStructure() if plain is None else plain

    @property
    def version(self) -> Hashable:
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    def session_version(self, session_id: str) -> Hashable:  # noqa: ARG002
        return self.version

    @property
    def has_structure(self) -> bool:
        return self.has_table("message_structure")

    def execute(self, sql: str, /, **values: object) -> sqlite3.Cursor:
        return self.db.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Mapping[str, object]], /) -> None:
        self.db.executemany(sql, rows)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        marks = ", ".join("?" * len(columns))
        self.db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def fetch_rows_via_json(self, sql: str, width: int, /, **values: object) -> list[list[Any]]:
        # Between two rows SQLite lets another thread run; while the program starts, one always waits for its turn.
        columns = ", ".join(f"c{number}" for number in range(width))
        (found,) = self.db.execute(
            f"WITH found ({columns}) AS ({sql}) SELECT json_group_array(json_array({columns})) FROM found", values
        ).fetchone()
        rows: list[list[Any]] = json.loads(found)
        return rows

    def insert_messages(
        self, session_id: str, texts: Sequence[str | bytes], created_at: Sequence[str | None] | None = None
    ) -> Sequence[int]:
        if created_at is None:
            self.db.executemany(
                f"INSERT INTO {self.tables.messages} (session_id, message_data) VALUES (?, ?)",
                [(session_id, text) for text in texts],
            )
        else:
            self.db.executemany(
                f"INSERT INTO {self.tables.messages} (session_id, message_data, created_at)"
                " VALUES (?, CAST(? AS TEXT), COALESCE(?, CURRENT_TIMESTAMP))",
                [(session_id, text, time) for text, time in zip(texts, created_at, strict=True)],
            )
        # No other connection writes meanwhile, so the new ids are consecutive.
        last: int = self.db.execute("SELECT last_insert_rowid()").fetchone()[0]
        return range(last - len(texts) + 1, last + 1)

    def delete_session_rows(self, table: str, session_id: str) -> None:
        # If a table has no other rows, a deletion without condition drops its pages at once. Each of these conditions
        # takes one look-up in the index, which `IS NOT` would not use.
        conditions = ("session_id < :session_id", "session_id > :session_id", "session_id IS NULL")
        others = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {condition})" for condition in conditions)
        (shared,) = self.execute(f"SELECT {others}", session_id=session_id).fetchone()
        self.execute(f"DELETE FROM {table}{' WHERE session_id = :session_id' if shared else ''}", session_id=session_id)

    def has_table(self, name: str) -> bool:
        # Tables may be made while the file is open, but are never dropped.
        if name not in self._known_tables:
            sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
            if self.db.execute(sql, (name,)).fetchone() is None:
                return False
            self._known_tables.add(name)
        return True

    def create_table(self, name: str, columns: str) -> None:
        if not self.has_table(name):
            self.db.execute(f"CREATE TABLE {name} ({columns})")
            self._known_tables.add(name)

    def columns(self, table: str) -> list[str]:
        key = self.primary_key(table)
        return [*key, *(row[1] for row in self.db.execute(f"PRAGMA table_info({table})") if row[1] not in key)]

    def primary_key(self, table: str) -> list[str]:
        rows = sorted((row[5], row[1]) for row in self.db.execute(f"PRAGMA table_info({table})") if row[5])
        return [column for _, column in rows]

    def structure_table(self, session: Session) -> str:
        if not session.plain and self.has_structure:
            return "message_structure"
        self._plain.update(self.db, self.messages, session.session_id, self.version)
        return self._plain.table

    def narrowed(self, branch_id: str | None = None, **needed: object) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def main_positions(self, session: Session) -> MainPositions | None:  # noqa: ARG002
        return None

    def rows_to_search(self, condition: str, values: NamedValues) -> tuple[str, str | None] | None:  # noqa: ARG002
        return "message_structure", self.tables.messages

    def last_row(self) -> int:
        last = int(self.execute("SELECT COALESCE(MAX(id), 0) FROM message_structure").fetchone()[0])
        if last > MAX_SPARSE:
            (count,) = self.execute("SELECT COUNT(*) FROM message_structure").fetchone()
            require_plausible_rows(last, count)
        return last

    @contextmanager
    def record_changes(self, entry_id: int, tables: Sequence[RecordedTable]) -> Iterator[Collection[str]]:
        # Without it, REPLACE deletes rows and fires no trigger.
        self.db.execute("PRAGMA recursive_triggers = ON")
        triggers = [name for table in tables for name in self._create_triggers(entry_id, table)]
        try:
            yield [table.name for table in tables]
        finally:
            for trigger in triggers:
                # An error that rolled back the transaction has dropped them too.
                self.db.execute(f"DROP TRIGGER IF EXISTS temp.{trigger}")

    def as_cell(self, table: str, column: str, name: str = "") -> str:  # noqa: ARG002
        return f"{name}.{quoted(column)}" if name else quoted(column)

    def from_cell(self, table: str, column: str, cell: str) -> str:  # noqa: ARG002
        return cell

    def lock_session(self, session_id: str) -> bool:  # noqa: ARG002
        return False

    @property
    def of_own_sessions(self) -> str:
        return "TRUE"

    def on_rollback(self, action: Callable[[], object]) -> None:
        self._on_rollback.append(action)

    def ended(self, *, committed: bool) -> None:
        """Run the actions of `on_rollback` if the transaction was rolled back, and forget them."""
        actions, self._on_rollback = self._on_rollback, []
        if not committed:
            for action in actions:
                action()

    def _create_triggers(self, entry_id: int, table: RecordedTable) -> Iterator[str]:
        cells = ", ".join(TRASH_CELLS[: len(table.columns)])
        events = [("DELETE", "OLD", 0), ("UPDATE", "OLD", 0)]
        if table.keyed:
            events.append(("INSERT", "NEW", 1))
        for event, row, side in events:
            name = f"convo_{table.name}_{event.lower()}"
            values = ", ".join(f"{row}.{quoted(column)}" for column in table.columns)
            self.db.execute(
                f"CREATE TEMP TRIGGER {name} AFTER {event} ON main.{table.identifier} BEGIN"
                f" INSERT INTO convo_trash (entry_id, table_name, side, {cells})"
                f" VALUES ({entry_id}, '{table.name}', {side}, {values}); END"
            )
            yield name


class SQLiteEngine(Engine):
    """A SQLite file that is open."""

    def __init__(self, path: str | Path, connection: Connection, tables: Tables) -> None:
        """Create the engine on a connection to the file."""
        self.target = str(path)
        self.connection = connection
        self.tables = tables
        self._identity = file_identity(path)
        self._lock = _write_lock(path)
        self._transaction: SQLiteTransaction | None = None

    def check_open(self) -> None:
        self.connection.check_open()

    def submit_read(self, work: Callable[[SQLiteTransaction], T]) -> Future[T]:
        return self.connection.submit(lambda db: self._run(db, _begin_to_read, work))

    def submit_write(self, work: Callable[[SQLiteTransaction], T], session_id: str = "") -> Future[T]:  # noqa: ARG002
        return self.connection.submit(lambda db: self._write(db, work))

    def explain(self, error: Exception) -> FileError | None:
        return explain(Path(self.target), error)

    def is_current(self) -> bool:
        return file_identity(self.target) == self._identity

    def close(self) -> None:
        self.connection.close()

    def _write(self, db: sqlite3.Connection, work: Callable[[SQLiteTransaction], T]) -> T:
        with self._lock:
            result = self._run(db, _begin_to_write, work)
        if self.target != ":memory:":
            written_files.add(Path(self.target).absolute())
        return result

    def _run(
        self,
        db: sqlite3.Connection,
        begin: Callable[[sqlite3.Connection], None],
        work: Callable[[SQLiteTransaction], T],
    ) -> T:
        if self._transaction is None:
            self._transaction = SQLiteTransaction(db, self.tables)
        try:
            with db:
                begin(db)
                result = work(self._transaction)
        except BaseException:
            # The creation of tables that it knows may have been rolled back.
            failed, self._transaction = self._transaction, None
            failed.ended(committed=False)
            raise
        self._transaction.ended(committed=True)
        return result


def _begin_to_read(db: sqlite3.Connection) -> None:
    db.execute("BEGIN")


def _begin_to_write(db: sqlite3.Connection) -> None:
    """Begin a write transaction, however many other connections write.

    SQLite has no queue: a waiting connection tries again every tenth of a second, and may always find the file locked
    until its time is up. If others committed meanwhile, no program keeps the file locked, and it waits again.
    """
    while True:
        seen = db.execute("PRAGMA data_version").fetchone()
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or db.execute("PRAGMA data_version").fetchone() == seen:
                raise
        else:
            return


def _write_lock(path: str | Path) -> threading.Lock:
    """Return the lock that the writers of one file share in this process.

    A writer that waits for it goes on at once, whereas SQLite would let it sleep and try again.
    """
    if str(path) == ":memory:":
        return threading.Lock()
    with _locks_guard:
        return _locks.setdefault(Path(path).resolve(), threading.Lock())


def file_identity(path: str | Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
