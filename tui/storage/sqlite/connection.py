"""One SQLite connection on one aiosqlite worker thread, usable from every event loop and thread.

aiosqlite runs each statement as its own round trip to the worker and ties the answer to the calling loop. A whole
piece of work (a transaction, a page of rows) goes to the worker here as one function, and its answer comes back
through a `concurrent.futures.Future`: one round trip, and a loop that closed meanwhile hurts nobody.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote

import aiosqlite

__all__ = ["Connection", "Mode"]

T = TypeVar("T")
Mode: TypeAlias = Literal["rwc", "rw", "ro"]


class _Worker(aiosqlite.Connection):
    """aiosqlite's connection and worker thread, given whole functions in place of statements."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        # A session that nobody closes must not keep the interpreter from exiting.
        self._thread.daemon = True
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue `work`; it runs on the worker thread unless its future is cancelled before its turn."""
        return self._queue(lambda: work(self._conn))

    def connect(self) -> None:
        try:
            self._connection = self._queue(self._connector).result()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Let the worker close the connection and stop once its queue is empty."""
        # stop() answers to the loop of its calling thread, which may close before the answer; the worker has none.
        self._tx.put_nowait((None, self.stop))

    def join(self) -> None:
        self._thread.join()

    def _queue(self, function: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()
        self._tx.put_nowait((None, _Job(function, answer)))
        return answer


class _Job(Generic[T]):
    """A function to run once and the future that gets its answer.

    The worker keeps its last job until the next one comes: once run, a job holds nothing, so that a session that is
    no longer used can be collected.
    """

    __slots__ = ("_answer", "_function")

    def __init__(self, function: Callable[[], T], answer: Future[T]) -> None:
        self._function = function
        self._answer = answer

    def __call__(self) -> None:
        function, answer = self._function, self._answer
        del self._function, self._answer
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(function())
        except BaseException as error:
            answer.set_exception(error)
        finally:
            # The error's traceback holds this frame: without its names there is no cycle to wait for.
            del function, answer


class Connection:
    """An open database.

    Work is a plain function that gets the `sqlite3.Connection` (in autocommit mode: transactions are begun and ended
    by the work itself) and runs on the worker thread; pieces of work run one at a time, in the order of the calls.
    Closing is final. A connection that is garbage-collected closes itself.
    """

    def __init__(self, path: str | Path, *, mode: Mode = "rwc", timeout: float = 5.0) -> None:
        """Open the database and wait for it.

        Args:
            path: The file, or `:memory:`.
            mode: `rwc` creates a missing file, `rw` does not, `ro` only reads.
            timeout: How long a statement waits for another process's lock, in seconds.

        Raises:
            sqlite3.Error: It cannot be opened.
        """
        self._guard = threading.Lock()
        self._closed = False
        self._worker = _Worker(partial(_connect, str(path), mode, timeout))
        self._worker.connect()
        weakref.finalize(self, self._worker.end)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue a piece of work and return at once.

        Raises:
            RuntimeError: The connection is closed.
        """
        with self._guard:
            if self._closed:
                raise RuntimeError("SQLiteSession is closed")
            return self._worker.submit(work)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a piece of work; a cancelled call drops it if it has not begun.

        Raises:
            RuntimeError: The connection is closed.
        """
        return await asyncio.wrap_future(self.submit(work))

    def run_sync(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a piece of work and block until it is done; not for use inside work.

        Raises:
            RuntimeError: The connection is closed.
        """
        return self.submit(work).result()

    def close(self) -> None:
        """Finish the queued work, close the database, and wait for both; safe to call again."""
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
            # A WAL database in a folder without write access cannot have its shared-memory file made.
            connection = _open(f"{uri}&immutable=1", timeout, uri=True)
        except BaseException:
            connection.close()
            raise
    return connection


def _open(target: str, timeout: float, *, uri: bool) -> sqlite3.Connection:
    # The worker alone uses the connection; only its finalizer may run elsewhere.
    return sqlite3.connect(target, timeout=timeout, isolation_level=None, check_same_thread=False, uri=uri)
