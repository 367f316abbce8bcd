"""A SQLite connection on an aiosqlite worker thread, usable from every event loop and thread.

aiosqlite sends each statement to its worker, and ties the result to the calling event loop. Here a unit of work (a
transaction, a page of rows) is sent as one function, and its result is a `concurrent.futures.Future`: this takes one
round trip, and the event loop may be closed meanwhile.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

import aiosqlite

__all__ = ["Connection", "Mode", "Worker", "connect"]

Mode: TypeAlias = Literal["rwc", "rw", "ro"]

_EXIT_SECONDS: Final = 5.0
"""Seconds that the end of the process waits for connections that nobody closed."""


class _Closable(Protocol):
    def close(self) -> object: ...


T = TypeVar("T")
R = TypeVar("R", bound=_Closable)


class _Thread(aiosqlite.Connection, Generic[R]):
    """A connection of aiosqlite whose worker thread runs functions, not single statements.

    It uses two private members of aiosqlite, the worker's queue and its thread, which `_check_members` verifies.
    """

    def __init__(self, connector: Callable[[], R]) -> None:
        super().__init__(connector, iter_chunk_size=64)  # type: ignore[arg-type]
        _check_members(self)
        # A session that nobody closes must not keep the interpreter from exiting.
        self._thread.daemon = True
        self._thread.start()
        try:
            self._resource = self._enqueue(connector).result()
        except BaseException:
            self._stop()
            raise
        _threads.add(self)

    def submit(self, work: Callable[[R], T]) -> Future[T]:
        """Queue `work`; it runs on the worker thread unless its future is cancelled before."""
        return self._enqueue(lambda: work(self._resource))

    def end(self) -> None:
        """Let the worker close its resource and stop once its queue is empty."""
        _threads.discard(self)
        self._enqueue(self._resource.close)
        self._stop()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the worker has stopped."""
        self._thread.join(timeout)

    def _stop(self) -> None:
        # `stop` reports to the event loop of its calling thread, which may be closed by then; the worker has none.
        self._enqueue(self.stop)

    def _enqueue(self, function: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._tx.put_nowait((None, _Job(function, future)))
        return future


_threads: weakref.WeakSet[_Thread[Any]] = weakref.WeakSet()
"""The workers that nobody has closed."""


@atexit.register
def _close_all() -> None:
    # SQLite moves a log into its file only when the connection is closed.
    threads, deadline = list(_threads), time.monotonic() + _EXIT_SECONDS
    for thread in threads:
        thread.end()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))


def _check_members(worker: aiosqlite.Connection) -> None:
    """Raise ImportError if aiosqlite's private members are not those that `_Thread` was written for."""
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


class Worker(Generic[R]):
    """A resource, such as a connection, on a thread of its own.

    Work is a plain function that gets the resource. Functions run on the worker thread, one at a time, in the order of
    the calls. The resource is closed when the worker is garbage-collected, or when the process ends.
    """

    def __init__(self, connector: Callable[[], R]) -> None:
        """Make the resource on the worker thread, and wait until that is done; raise the errors of `connector`."""
        self._guard = threading.Lock()
        self._closed = False
        self._worker = _Thread(connector)
        weakref.finalize(self, self._worker.end).atexit = False

    def check_open(self) -> None:
        """Raise RuntimeError if the connection is closed."""
        if self._closed:
            raise RuntimeError("SQLiteSession is closed")

    def submit(self, work: Callable[[R], T]) -> Future[T]:
        """Queue work and return at once.

        Raises:
            RuntimeError: The connection is closed.
        """
        with self._guard:
            self.check_open()
            return self._worker.submit(work)

    def run_sync(self, work: Callable[[R], T]) -> T:
        """Run work and block until it is done; not for use inside work.

        Raises:
            RuntimeError: The connection is closed.
        """
        return self.submit(work).result()

    def close(self) -> None:
        """Finish the queued work, close the resource, and wait for both; may be called again."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._worker.end()
        self._worker.join()


class Connection(Worker[sqlite3.Connection]):
    """An open file, in autocommit mode."""

    def __init__(self, path: str | Path, *, mode: Mode = "rwc", timeout: float = 5.0) -> None:
        """Open a file or `:memory:` with the arguments of `connect`, and return once it is open."""
        super().__init__(partial(connect, path, mode, timeout))


def connect(path: str | Path, mode: Mode, timeout: float, parameters: str = "") -> sqlite3.Connection:
    """Open a file or `:memory:` on the calling thread.

    Args:
        path: The file.
        mode: `rwc` creates a missing file, `rw` does not, `ro` only reads.
        timeout: Seconds that a statement waits for another process's lock.
        parameters: Further parameters of SQLite's URI, as in `&immutable=1`.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    target, uri = str(path), mode != "rwc" and str(path) != ":memory:"
    if uri:
        target = f"file:{quote(os.fsencode(Path(path).absolute()))}?mode={mode}{parameters}"
    # The worker alone uses the connection; only its finalizer may run elsewhere.
    return sqlite3.connect(target, timeout=timeout, isolation_level=None, check_same_thread=False, uri=uri)
