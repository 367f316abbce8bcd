"""One SQLite connection on one aiosqlite worker thread, usable from every event loop and thread.

aiosqlite sends each statement to its worker, and ties the result to the calling event loop. Here a unit of work (a
transaction, a page of rows) is sent as one function, and its result is a `concurrent.futures.Future`: this takes one
round trip, and the event loop may be closed meanwhile.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import aiosqlite

__all__ = ["Connection", "Mode"]

T = TypeVar("T")
Mode: TypeAlias = Literal["rwc", "rw", "ro"]


class _Worker(aiosqlite.Connection):
    """aiosqlite's connection and worker thread, which runs functions in place of statements.

    It uses two private members of aiosqlite, the worker's queue and its thread, which `_check_members` verifies.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        _check_members(self)
        # A session that nobody closes must not keep the interpreter from exiting.
        self._thread.daemon = True
        self._thread.start()
        try:
            self._db = self._enqueue(connector).result()
        except BaseException:
            self._stop()
            raise

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue `work`; it runs on the worker thread unless its future is cancelled before."""
        return self._enqueue(lambda: work(self._db))

    def end(self) -> None:
        """Let the worker close the connection and stop once its queue is empty."""
        self._enqueue(self._db.close)
        self._stop()

    def join(self) -> None:
        """Wait until the worker has stopped."""
        self._thread.join()

    def _stop(self) -> None:
        # `stop` reports to the event loop of its calling thread, which may be closed by then; the worker has none.
        self._enqueue(self.stop)

    def _enqueue(self, function: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._tx.put_nowait((None, _Job(function, future)))
        return future


def _check_members(worker: aiosqlite.Connection) -> None:
    """Raise ImportError if aiosqlite's private members are not those that `_Worker` was written for."""
    thread, queue = getattr(worker, "_thread", None), getattr(worker, "_tx", None)
    if not (isinstance(thread, threading.Thread) and isinstance(queue, SimpleQueue)):
        raise ImportError(f"convo-tui does not know how to use aiosqlite {aiosqlite.__version__}")


class _Job(Generic[T]):
    """A function to run once, and the future that gets its result.

    The worker keeps its last job until the next one. After it ran, a job refers to nothing, so that a session that is
    not used any more can be garbage-collected.
    """

    __slots__ = ("_function", "_future")

    def __init__(self, function: Callable[[], T], future: Future[T]) -> None:
        self._function = function
        self._future = future

    def __call__(self) -> None:
        function, future = self._function, self._future
        del self._function, self._future
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
        finally:
            # The error's traceback refers to this frame: without these names there is no reference cycle.
            del function, future


class Connection:
    """An open file.

    Work is a plain function that gets the `sqlite3.Connection`, in autocommit mode. Functions run on the worker thread,
    one at a time, in the order of the calls. A connection that is garbage-collected closes itself.
    """

    def __init__(self, path: str | Path, *, mode: Mode = "rwc", timeout: float = 5.0) -> None:
        """Open a file or `:memory:`, and wait until that is done.

        Args:
            path: The file.
            mode: `rwc` creates a missing file, `rw` does not, `ro` only reads.
            timeout: How long a statement waits for another process's lock, in seconds.

        Raises:
            sqlite3.Error: It cannot be opened.
        """
        self._guard = threading.Lock()
        self._closed = False
        self._worker = _Worker(partial(_connect, str(path), mode, timeout))
        weakref.finalize(self, self._worker.end)

    def check_open(self) -> None:
        """Raise RuntimeError if the connection is closed."""
        if self._closed:
            raise RuntimeError("SQLiteSession is closed")

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue work and return at once.

        Raises:
            RuntimeError: The connection is closed.
        """
        with self._guard:
            self.check_open()
            return self._worker.submit(work)

    def run_sync(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work and block until it is done; not for use inside work.

        Raises:
            RuntimeError: The connection is closed.
        """
        return self.submit(work).result()

    def close(self) -> None:
        """Finish the queued work, close the file, and wait for both; may be called again."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._worker.end()
        self._worker.join()


def _connect(path: str, mode: Mode, timeout: float) -> sqlite3.Connection:
    if path == ":memory:" or mode == "rwc":
        return _open(path, timeout, uri=False)
    uri = f"file:{quote(str(Path(path).absolute()))}?mode={mode}"
    connection = _open(uri, timeout, uri=True)
    if mode == "ro":
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if "unable to open" not in str(error) or not Path(path).is_file():
                raise
            # In a folder without write access SQLite cannot make the shared-memory file of a write-ahead log.
            connection = _open(f"{uri}&immutable=1", timeout, uri=True)
        except BaseException:
            connection.close()
            raise
    return connection


def _open(target: str, timeout: float, *, uri: bool) -> sqlite3.Connection:
    # The worker alone uses the connection; only its finalizer may run elsewhere.
    return sqlite3.connect(target, timeout=timeout, isolation_level=None, check_same_thread=False, uri=uri)
