"""Connections to a server, shared by all sessions of a process.

A worker is a thread with a connection. A session has a `Lane`, in which its work waits in the order of the calls; a
worker takes work from a lane, one function at a time. So the sessions of a process need no more connections than there
are workers, and one that nobody uses needs none.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from tui.storage.postgres.connection import ServerConnection
from tui.storage.postgres.main_index import MainIndexes
from tui.storage.postgres.schema import SchemaInfo

__all__ = ["Lane", "Pool", "pool_for"]

T = TypeVar("T")

MAX_WORKERS: Final = 8
"""Connections of one process to one server."""

_IDLE_SECONDS: Final = 60.0
"""Seconds that a worker waits for work before it closes its connection."""

_EXIT_SECONDS: Final = 5.0
"""Seconds that the process, when it ends, waits for calls that are not finished."""


class _Job:
    """A function to run once, and the future that gets its result.

    After it ran, it refers to nothing, so that a session that is not used any more can be garbage-collected.
    """

    __slots__ = ("_future", "_work")

    def __init__(self, work: Callable[[ServerConnection], T], future: Future[T]) -> None:
        self._work: Callable[[ServerConnection], object] = work
        self._future: Future[T] = future

    def run(self, connection: ServerConnection) -> None:
        work, future = self._work, self._future
        del self._work, self._future
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work(connection))  # type: ignore[arg-type]
        except BaseException as error:
            future.set_exception(error)
        finally:
            # The error's traceback refers to this frame: without these names there is no reference cycle.
            del work, future


class Pool:
    """The workers of a process for one server.

    Attributes:
        schemas: Facts about the tables, by the names of the base tables.
        indexes: The items of `main` of sessions that were read, by the same names.
    """

    def __init__(self, conninfo: str, workers: int = MAX_WORKERS) -> None:
        self.schemas: dict[tuple[str, str], SchemaInfo] = {}
        self.indexes: dict[tuple[str, str], MainIndexes] = defaultdict(MainIndexes)
        self._conninfo = conninfo
        self._max_workers = workers
        self._changed = threading.Condition()
        self._ready: deque[Lane] = deque()
        self._workers = self._idle = self._lanes = 0

    def open_lane(self) -> Lane:
        """Return a lane for a session."""
        with self._changed:
            self._lanes += 1
        return Lane(self)

    def drop_lane(self) -> None:
        """Note that a lane is not used any more; the connections are closed after the last one."""
        with self._changed:
            self._lanes -= 1
            self._changed.notify_all()

    def add(self, lane: Lane, job: _Job) -> None:
        """Queue work in a lane."""
        with self._changed:
            lane.jobs.append(job)
            if not lane.is_busy:
                lane.is_busy = True
                self._make_ready(lane)

    def wait_for_lane(self, lane: Lane, deadline: float | None = None) -> bool:
        """Wait until a lane has no work, or until the deadline; False if it still has work."""
        with self._changed:
            timeout = None if deadline is None else max(deadline - time.monotonic(), 0)
            return self._changed.wait_for(lambda: not lane.is_busy, timeout)

    def wait(self, deadline: float) -> None:
        """Wait until no lane has work, or until the deadline."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle == self._workers and not self._ready, deadline - time.monotonic())

    def _make_ready(self, lane: Lane) -> None:
        self._ready.append(lane)
        if self._idle < len(self._ready) and self._workers < self._max_workers:
            self._workers += 1
            # A session that nobody closes must not keep the interpreter from exiting.
            threading.Thread(target=self._work, name="convo-postgres", daemon=True).start()
        else:
            self._changed.notify_all()

    def _work(self) -> None:
        connection = ServerConnection(self._conninfo)
        try:
            while (lane := self._next()) is not None:
                lane.jobs.popleft().run(connection)
                connection.end_read()
                with self._changed:
                    if lane.jobs:
                        self._make_ready(lane)
                    else:
                        lane.is_busy = False
                    del lane
                    self._changed.notify_all()
        finally:
            connection.close()

    def _next(self) -> Lane | None:
        """Return a lane with work; None if the worker is to end."""
        with self._changed:
            self._idle += 1
            self._changed.notify_all()
            deadline = time.monotonic() + _IDLE_SECONDS
            while not self._ready and self._lanes and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            self._idle -= 1
            if self._ready:
                return self._ready.popleft()
            self._workers -= 1
            return None


class Lane:
    """The work of one session, which runs in the order of the calls.

    Attributes:
        jobs: The work that has not begun.
        is_busy: Whether there is work, waiting or under way.
    """

    def __init__(self, pool: Pool) -> None:
        self.jobs: deque[_Job] = deque()
        self.is_busy = False
        self._pool = pool
        self._guard = threading.Lock()
        self._drop = weakref.finalize(self, pool.drop_lane)
        self._drop.atexit = False

    def check_open(self) -> None:
        """Raise RuntimeError if the lane is closed."""
        if not self._drop.alive:
            raise RuntimeError("PostgresSession is closed")

    def submit(self, work: Callable[[ServerConnection], T]) -> Future[T]:
        """Queue work and return at once.

        Raises:
            RuntimeError: The lane is closed.
        """
        future: Future[T] = Future()
        with self._guard:
            self.check_open()
            self._pool.add(self, _Job(work, future))
        return future

    def close(self) -> None:
        """Finish the queued work; may be called again."""
        with self._guard:
            if not self._drop.alive:
                return
            self._drop.detach()
        self._pool.wait_for_lane(self)
        self._pool.drop_lane()


_pools: dict[tuple[int, str], Pool] = {}
_pools_guard = threading.Lock()


def pool_for(conninfo: str) -> Pool:
    """Return the pool of this process for a server; a process that was forked has pools of its own."""
    with _pools_guard:
        return _pools.setdefault((os.getpid(), conninfo), Pool(conninfo))


@atexit.register
def _finish() -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    for (process, _), pool in list(_pools.items()):
        if process == os.getpid():
            pool.wait(deadline)
