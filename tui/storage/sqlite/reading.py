"""Reading a file without a trace: it is not changed, nothing is left beside it, and no other program notices.

SQLite alone does not read like that. To read a file in WAL mode it makes a log and its index; and a connection that
only reads keeps the program that closes the file last from moving the log into the file.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import closing
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from tui.errors import FileError
from tui.storage.engine import Engine
from tui.storage.sqlite.connection import Worker, connect
from tui.storage.sqlite.corrections import correct, has_few_bytes, has_unreadable_ids, is_irregular, is_unusual
from tui.storage.sqlite.engine import SQLiteTransaction, file_identity
from tui.storage.sqlite.errors import explain, explain_values, is_locked
from tui.storage.sqlite.file_state import DatabaseFiles, FileState, PrivateCopy
from tui.storage.sqlite.plain_structure import PlainStructure
from tui.storage.tables import Tables

__all__ = ["FileReader", "SQLiteReader"]

T = TypeVar("T")

_UNLOCKED_ATTEMPTS: Final = 3
_ATTEMPTS: Final = 20
"""Number of times that a read is tried, and of those without a lock at first."""


class _Way(Enum):
    """A way to read a file.

    Attributes:
        LOCKED: With SQLite's locks, where the file has no log: they end with each transaction.
        IMMUTABLE: Without locks, where no program has the file open and its log is empty. What was read while another
            program wrote to the file is dropped, and read again.
        SHARED: With the log and its index, where a program has them open: the connection is closed after each read.
        COPIED: From a private copy, where a program has left a log behind, or the log cannot be opened.
    """

    LOCKED = auto()
    IMMUTABLE = auto()
    SHARED = auto()
    COPIED = auto()


class _Opened(NamedTuple):
    """A connection.

    Attributes:
        db: The connection.
        way: The way in which it reads.
        state: The state of the file before it was opened.
        settles: Whether this connection may keep another program from moving the log into the file.
        copied: Copy that it reads in place of the file.
    """

    db: sqlite3.Connection
    way: _Way
    state: FileState
    settles: bool = False
    copied: PrivateCopy | None = None

    @property
    def fixed_version(self) -> Hashable:
        """The version of the content that was opened; None if others can change the content while it is open."""
        match self.way:
            case _Way.IMMUTABLE:
                return self.state.main
            case _Way.COPIED:
                return self.state
            case _:
                return None

    def serves(self, state: FileState) -> bool:
        """Return whether it reads the file in this state."""
        before = self.state
        if state.main is None or before.main is None or state.main.identity != before.main.identity:
            # The file that was opened is gone or renamed: it is read until another one is opened in its place.
            return True
        if self.way is _Way.LOCKED:
            return state.log is None
        if self.way is _Way.IMMUTABLE:
            return state.main == before.main and state.log_is_empty
        return self.way is _Way.COPIED and state == before


class FileReader:
    """Runs read transactions on a file, for use by one thread.

    Attributes:
        overtaken: Whether a read was dropped. What was kept of it may be wrong.
    """

    def __init__(self, path: Path, timeout: float, *, once: bool = False) -> None:
        """Create the reader without opening the file.

        Args:
            path: The file.
            timeout: Seconds to wait for a lock.
            once: Whether work must not run a second time.
        """
        self._files = DatabaseFiles(path)
        self._timeout = timeout
        self._once = once
        self._opened: _Opened | None = None
        self._times_opened = 0
        self.overtaken = False

    def read(self, work: Callable[[sqlite3.Connection, Hashable], T]) -> T:
        """Run work in a read transaction and return its result.

        Args:
            work: Gets the connection and the version of the content. It runs again if the file was written meanwhile.

        Raises:
            sqlite3.Error: The file cannot be read.
            FileError: The file is written all the time, or its log cannot be read.
        """
        for attempt in range(1 if self._once else _ATTEMPTS):
            opened = self._open(locked=self._once or attempt >= _UNLOCKED_ATTEMPTS)
            try:
                with opened.db as db:
                    # Before the transaction: it may find more than the version says, never less.
                    version = opened.fixed_version or self.version()
                    db.execute("BEGIN")
                    result = work(db, version)
            except Exception:
                if not self._is_overtaken(opened):
                    raise
            else:
                if not self._is_overtaken(opened):
                    return result
            finally:
                self._release(opened)
            self.overtaken = True
        raise FileError(f"{self._files.path} was written while it was read.", "Try again.")

    def version(self) -> Hashable:
        """Return the version of the content: another value after another program has committed."""
        state = self._files.state()
        if self._opened is not None and self._opened.way is _Way.COPIED:
            return state
        if not state.log_is_empty:
            return self._files.last_commit_id()
        if self._opened is not None and self._opened.way is _Way.LOCKED:
            return self._times_opened, self._opened.db.execute("PRAGMA data_version").fetchone()
        return state.main

    def close(self) -> None:
        """Close the file; may be called again."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        opened.db.close()
        if opened.settles:
            self._files.settle(self._timeout)

    def _open(self, *, locked: bool = False) -> _Opened:
        state = self._files.state()
        if self._opened is None or not self._opened.serves(state) or (locked and self._opened.way is _Way.IMMUTABLE):
            self.close()
            self._opened = self._connect(state, locked=locked)
            self._times_opened += 1
        return self._opened

    def _connect(self, state: FileState, *, locked: bool) -> _Opened:
        if state.log is None and not self._is_in_wal_mode():
            return _Opened(connect(self._files.path, "ro", self._timeout), _Way.LOCKED, state)
        is_log_open = self._files.is_log_open() if state.log is not None and state.has_index else False
        may_settle = is_log_open is True or state.log_is_empty
        if is_log_open or (is_log_open is None and not state.log_is_empty):
            return self._connect_to_log(state, may_settle=may_settle)
        if not state.log_is_empty:
            return self._connect_to_copy(state)
        # An empty log that was left behind stays, too.
        if locked and state.log is None and self._files.can_be_settled():
            return self._connect_to_log(state, may_settle=True)
        return _Opened(connect(self._files.path, "ro", self._timeout, "&immutable=1"), _Way.IMMUTABLE, state)

    def _connect_to_log(self, state: FileState, *, may_settle: bool) -> _Opened:
        db = connect(self._files.path, "ro", self._timeout)
        try:
            db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.Error as error:
            db.close()
            if "unable to open" not in str(error):
                raise
            return self._connect_to_copy(state)
        return _Opened(db, _Way.SHARED, state, settles=may_settle)

    def _connect_to_copy(self, state: FileState) -> _Opened:
        copied = self._files.copy(state)
        return _Opened(connect(copied.path, "ro", self._timeout), _Way.COPIED, state, copied=copied)

    def _is_in_wal_mode(self) -> bool:
        # Without locks SQLite refuses to open such a file, and makes nothing. To read the header here would end the
        # locks that this process has on the file.
        with closing(connect(self._files.path, "ro", self._timeout, "&nolock=1")) as db:
            try:
                db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            except sqlite3.OperationalError as error:
                if "unable to open" not in str(error):
                    raise
                return True
        return False

    def _release(self, opened: _Opened) -> None:
        """Close a connection that would be in the way of other programs."""
        if opened.way is _Way.SHARED or (opened.way is _Way.LOCKED and self._files.log.exists()):
            self.close()

    def _is_overtaken(self, opened: _Opened) -> bool:
        if opened.way is not _Way.IMMUTABLE:
            return False
        before, now = opened.state.main, self._files.file_stamp()
        return now is not None and before is not None and now.identity == before.identity and now != before


class _Corrections:
    """True if a file is read through corrected tables; all its readers share one object.

    Attributes:
        needed: Whether it is.
        checked: Whether the values of a small file were looked at.
        unreadable: Whether some of them cannot be read, as pages are damaged.
    """

    needed = checked = unreadable = False


_corrections: WeakValueDictionary[tuple[int, int] | None, _Corrections] = WeakValueDictionary()
_corrections_guard = threading.Lock()

_SIGNS_OF_DAMAGE: Final = (sqlite3.Error, ArithmeticError, LookupError, TypeError, ValueError)
"""Errors of reads that are caused by values of other types, among others."""


class _ReadTransaction(SQLiteTransaction):
    version: Hashable = None


class SQLiteReader(Engine):
    """A file that is open to be read.

    Attributes:
        target: The path of the file.
        identity: Device and inode of the file.
    """

    def __init__(self, path: Path, timeout: float, find_tables: Callable[[sqlite3.Connection], Tables], *, once: bool):
        """Open the file.

        Args:
            path: The file.
            timeout: Seconds to wait for a lock.
            find_tables: Returns the base tables.
            once: Whether work must not run a second time.

        Raises:
            sqlite3.Error: The file cannot be opened.
            FileError: Its log cannot be read, or it is written all the time.
        """
        self.target = str(path)
        self.identity = file_identity(path)
        with _corrections_guard:
            self._corrections = _corrections.setdefault(self.identity, _Corrections())
        self._corrected_version: Hashable = None
        self._plain = PlainStructure(kept=True)
        self._known: set[str] = set()
        self._transaction: _ReadTransaction | None = None
        self._is_tolerant = False
        self._reader = FileReader(path, timeout, once=once)
        self.file = Worker(lambda: self._reader)
        try:
            self.tables = self.file.run_sync(lambda file: file.read(lambda db, _: self._begin(db, find_tables)))
        except BaseException:
            self.file.close()
            raise

    def check_open(self) -> None:
        self.file.check_open()

    def submit_read(self, work: Callable[[SQLiteTransaction], T]) -> Future[T]:
        return self.file.submit(lambda file: self._read(file, work))

    def submit_write(self, work: Callable[[SQLiteTransaction], T], session_id: str = "") -> Future[T]:  # noqa: ARG002
        raise TypeError("The file is open to be read.")

    def submit_version(self) -> Future[Hashable]:
        return self.file.submit(FileReader.version)

    def explain(self, error: Exception) -> FileError | None:
        return explain(Path(self.target), error)

    def is_current(self) -> bool:
        return file_identity(self.target) == self.identity and not self._reader.overtaken

    def close(self) -> None:
        self.file.close()
        self._plain.close()

    @property
    def is_corrected(self) -> bool:
        return self._corrections.needed or self._corrections.unreadable

    def _begin(self, db: sqlite3.Connection, find_tables: Callable[[sqlite3.Connection], Tables]) -> Tables:
        """Return the base tables, and look at the values of a file that is small."""
        tables = find_tables(db)
        if not self._corrections.checked:
            self._corrections.checked = True
            try:
                self._corrections.needed = has_few_bytes(db) and is_irregular(db, tables)
            except sqlite3.DatabaseError as error:
                # Other pages can be read.
                self._corrections.unreadable = not is_locked(error)
        return tables

    def _read(self, file: FileReader, work: Callable[[SQLiteTransaction], T]) -> T:
        run = partial(self._run, work=work)
        try:
            try:
                return file.read(run)
            except _SIGNS_OF_DAMAGE as error:
                if not self._recover(file, error):
                    raise
            return file.read(run)
        except _SIGNS_OF_DAMAGE as error:
            if not self._corrections.needed:
                raise
            raise explain_values(Path(self.target), error) from error

    def _recover(self, file: FileReader, error: Exception) -> bool:
        """Choose a more tolerant way of reading after an error; False if there is none."""
        if is_locked(error):
            return False
        was_tolerant, was_corrected = self._is_tolerant, self._corrections.needed
        if isinstance(error, sqlite3.OperationalError) and "Could not decode to UTF-8" in str(error):
            self._is_tolerant = True
            check = has_unreadable_ids
        else:
            check = is_unusual
        if not was_corrected:
            self._corrections.needed = file.read(lambda db, _: check(db, self.tables))
        self._transaction = None
        return (was_tolerant, was_corrected) != (self._is_tolerant, self._corrections.needed)

    def _run(self, db: sqlite3.Connection, version: Hashable, work: Callable[[SQLiteTransaction], T]) -> T:
        tx = self._transaction
        is_new = tx is None or tx.db is not db
        if self._corrections.needed and (is_new or version != self._corrected_version):
            correct(db, self.tables)
            self._corrected_version, is_new = version, True
        if tx is None or is_new:
            if self._is_tolerant:
                db.text_factory = _with_replacements
            tx = self._transaction = _ReadTransaction(db, self.tables, known_tables=self._known, plain=self._plain)
        tx.version = version
        try:
            return work(tx)
        except BaseException:
            # The copies are rolled back with the transaction.
            self._transaction = None
            self._plain.forget()
            raise


def _with_replacements(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")
