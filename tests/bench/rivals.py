"""The same work by other programs: the SDK's session class, and harlequin, a SQL client for the terminal."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tests.bench.program import Program
from tests.conversations import SdkSession

__all__ = ["PAGE", "SDK_CALLS", "SdkCalls", "sdk_times", "start_harlequin"]

PAGE: Final = 64
"""Number of items that the explorer reads at once."""

_REPEATS: Final = 3
_MAX_SECONDS: Final = 5.0
"""Seconds after which a measurement is not repeated."""

Step: TypeAlias = Callable[["_OpenFile"], Awaitable[object]]


class _OpenFile(NamedTuple):
    path: Path
    session: SdkSession
    branches: list[str]


class SdkCalls(NamedTuple):
    """Calls of the SDK's class that read the data of an action; `calls` is their text in the table."""

    calls: str
    step: Step


async def _open_and_read(file: _OpenFile) -> None:
    session = SdkSession(session_id=file.session.session_id, db_path=file.path)
    await session.list_branches()
    await session.get_items(PAGE)
    await session.get_turn_usage()
    session.close()


async def _switch(file: _OpenFile) -> None:
    here = file.session._current_branch_id
    await file.session.switch_to_branch(next(name for name in file.branches if name != here))
    await file.session.get_items(PAGE)


async def _sibling(file: _OpenFile) -> None:
    await file.session.list_branches()
    await _switch(file)


async def _turn(file: _OpenFile) -> None:
    await file.session.get_items()
    await file.session.get_turn_usage(2)


async def _all_turns(file: _OpenFile) -> None:
    for branch in await file.session.list_branches():
        await file.session.get_conversation_turns(branch["branch_id"])


SDK_CALLS: Final = {
    "page": SdkCalls(f"get_items({PAGE})", lambda file: file.session.get_items(PAGE)),
    "all": SdkCalls("get_items()", lambda file: file.session.get_items()),
    "turn": SdkCalls("get_items(), get_turn_usage(n)", _turn),
    "open": SdkCalls(f"open, list_branches, get_items({PAGE}), get_turn_usage", _open_and_read),
    "switch": SdkCalls(f"switch_to_branch, get_items({PAGE})", _switch),
    "sibling": SdkCalls(f"list_branches, switch_to_branch, get_items({PAGE})", _sibling),
    "tree": SdkCalls("list_branches, get_conversation_turns of each", _all_turns),
}
"""By the name in `Action.sdk`."""


def sdk_times(path: Path, session_id: str, names: list[str]) -> dict[str, float]:
    """Return the median milliseconds of each of the calls, measured in a process of their own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        return processes.submit(_sdk_times, path, session_id, names).result()


def _sdk_times(path: Path, session_id: str, names: list[str]) -> dict[str, float]:
    return asyncio.run(_timed(path, session_id, names))


async def _timed(path: Path, session_id: str, names: list[str]) -> dict[str, float]:
    session = SdkSession(session_id=session_id, db_path=path)
    file = _OpenFile(path, session, [branch["branch_id"] for branch in await session.list_branches()][-2:])
    await session.switch_to_branch(file.branches[-1])
    medians = {}
    for name in names:
        times: list[float] = []
        while len(times) < _REPEATS and sum(times) < _MAX_SECONDS:
            start = time.perf_counter()
            await SDK_CALLS[name].step(file)
            times.append(time.perf_counter() - start)
        medians[name] = 1000 * statistics.median(times)
    session.close()
    return medians


def start_harlequin(command: Path, path: Path, home: Path) -> tuple[float, float]:
    """Start harlequin, and return the milliseconds until its catalog is shown, and its megabytes of memory.

    Raises:
        ScreenError: The catalog is not shown in time.
    """
    env = {f"XDG_{name}_HOME": str(home) for name in ("CONFIG", "CACHE", "DATA", "STATE")}
    with Program([str(command), "-a", "sqlite", str(path)], env=env) as program:
        return program.first_screen("main db").seen, program.memory()
