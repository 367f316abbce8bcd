"""Reading and writing as one piece."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

__all__ = ["reading", "write_lock", "writing"]

_locks: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()
_locks_guard = threading.Lock()


def write_lock(path: str | Path) -> threading.Lock:
    """The lock that this process's writers of one file share.

    SQLite makes a second writer sleep and try again until its patience ends; this one wakes it in time.
    """
    if str(path) == ":memory:":
        return threading.Lock()
    with _locks_guard:
        return _locks.setdefault(Path(path).resolve(), threading.Lock())


@contextmanager
def writing(db: sqlite3.Connection, lock: threading.Lock) -> Iterator[None]:
    """A transaction that keeps other writers out from its start: committed at the end, undone on any error.

    Raises:
        sqlite3.OperationalError: One of them keeps the file to itself for longer than this connection waits.
    """
    with lock, db:
        _begin(db)
        yield


@contextmanager
def reading(db: sqlite3.Connection) -> Iterator[None]:
    """Statements that see the file as it is at one moment, and lock nobody out."""
    with db:
        db.execute("BEGIN")
        yield


def _begin(db: sqlite3.Connection) -> None:
    """Begin to write, however many others do.

    SQLite has no queue: who waits looks up every tenth of a second whether the file happens to be free, and among busy
    writers can have bad luck for longer than it may wait. Each of them being done in time, it goes on.
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
