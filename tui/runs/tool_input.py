"""`input()` in tools: the line is asked of a function, as the terminal is not theirs."""

from __future__ import annotations

import asyncio
import builtins
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from tui.runs.active_run import BranchRef

__all__ = ["answer_input", "branch_of_run"]

branch_of_run: Final[ContextVar[BranchRef]] = ContextVar("branch_of_run")
"""The branch of the run that calls the code; the threads of synchronous tools inherit it."""


@contextmanager
def answer_input(ask: Callable[[BranchRef, str], Awaitable[str]]) -> Iterator[None]:
    """Let `ask` answer each `input()` in a thread of a tool; it is called in this event loop.

    Elsewhere `input()` reads standard input as before: in the thread of the event loop, which must not wait.
    """
    loop, loop_thread, read_line = asyncio.get_running_loop(), threading.current_thread(), builtins.input

    async def answer(branch: BranchRef, prompt: str) -> str:
        return await ask(branch, prompt)

    def ask_for_line(prompt: object = "", /) -> str:
        branch = branch_of_run.get(None)
        if branch is None or threading.current_thread() is loop_thread:
            return read_line(prompt)
        return asyncio.run_coroutine_threadsafe(answer(branch, str(prompt)), loop).result()

    builtins.input = ask_for_line
    try:
        yield
    finally:
        builtins.input = read_line
