"""Threads for calls that may never end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any, Final, TypeVar

__all__ = ["DaemonThreads"]

T = TypeVar("T")

_GRACE: Final = 2.0
"""Seconds that `shutdown` waits for calls."""


class DaemonThreads(ThreadPoolExecutor):
    """Runs each call in a thread of its own that does not keep the process alive.

    A tool that sleeps, or waits for a server, cannot be stopped; the program can be left all the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: set[Future[Any]] = set()

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        call: Future[T] = Future()

        def run() -> None:
            if not call.set_running_or_notify_cancel():
                return
            try:
                call.set_result(function(*args, **kwargs))
            except BaseException as error:
                call.set_exception(error)

        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        Thread(target=run, daemon=True).start()
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Give the calls a moment to end."""
        if wait:
            futures.wait(tuple(self._calls), _GRACE)
