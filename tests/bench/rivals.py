"""The same work by others: the SDK's session class, and a SQL client in the terminal."""

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

__all__ = ["PAGE", "WORKS", "Work", "harlequin_starts", "sdk_times"]

PAGE: Final = 64
"""Items that the explorer reads at once."""

_TIMES: Final = 3
_ENOUGH: Final = 5.0
"""Seconds after which nothing is done once more."""

Step: TypeAlias = Callable[["_Opened"], Awaitable[object]]


class _Opened(NamedTuple):
    path: Path
    session: SdkSession
    branches: list[str]


class Work(NamedTuple):
    """What the SDK's class can do of an action.

    Attributes:
        calls: Its calls, as the table shows them.
        step: Makes them.
    """

    calls: str
    step: Step


async def _open(opened: _Opened) -> None:
    session = SdkSession(session_id=opened.session.session_id, db_path=opened.path)
    await session.list_branches()
    await session.get_items(PAGE)
    await session.get_turn_usage()
    session.close()


async def _switch(opened: _Opened) -> None:
    here = opened.session._current_branch_id
    await opened.session.switch_to_branch(next(name for name in opened.branches if name != here))
    await opened.session.get_items(PAGE)


async def _sibling(opened: _Opened) -> None:
    await opened.session.list_branches()
    await _switch(opened)


async def _turn(opened: _Opened) -> None:
    await opened.session.get_items()
    await opened.session.get_turn_usage(2)


async def _all_turns(opened: _Opened) -> None:
    for branch in await opened.session.list_branches():
        await opened.session.get_conversation_turns(branch["branch_id"])


WORKS: Final = {
    "page": Work(f"get_items({PAGE})", lambda opened: opened.session.get_items(PAGE)),
    "all": Work("get_items()", lambda opened: opened.session.get_items()),
    "turn": Work("get_items(), get_turn_usage(n)", _turn),
    "open": Work(f"open, list_branches, get_items({PAGE}), get_turn_usage", _open),
    "switch": Work(f"switch_to_branch, get_items({PAGE})", _switch),
    "sibling": Work(f"list_branches, switch_to_branch, get_items({PAGE})", _sibling),
    "tree": Work("list_branches, get_conversation_turns of each", _all_turns),
}
"""What there is of an action for the SDK's class, by the name that the action has for it."""


def sdk_times(path: Path, session_id: str, works: list[str]) -> dict[str, float]:
    """How many milliseconds the SDK's class takes for each of `works`, in a process of its own: medians."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        return processes.submit(_sdk_times, path, session_id, works).result()


def _sdk_times(path: Path, session_id: str, works: list[str]) -> dict[str, float]:
    return asyncio.run(_timed(path, session_id, works))


async def _timed(path: Path, session_id: str, works: list[str]) -> dict[str, float]:
    session = SdkSession(session_id=session_id, db_path=path)
    opened = _Opened(path, session, [branch["branch_id"] for branch in await session.list_branches()][-2:])
    await session.switch_to_branch(opened.branches[-1])
    medians = {}
    for name in works:
        times: list[float] = []
        while len(times) < _TIMES and sum(times) < _ENOUGH:
            start = time.perf_counter()
            await WORKS[name].step(opened)
            times.append(time.perf_counter() - start)
        medians[name] = 1000 * statistics.median(times)
    session.close()
    return medians


def harlequin_starts(command: Path, path: Path, home: Path) -> tuple[float, float]:
    """Milliseconds to harlequin's first screen, its catalog shown, and its megabytes then.

    Raises:
        NeverSeenError: It does not come.
    """
    env = {f"XDG_{name}_HOME": str(home) for name in ("CONFIG", "CACHE", "DATA", "STATE")}
    with Program([str(command), "-a", "sqlite", str(path)], env=env) as program:
        return program.first_screen("main db").seen, program.memory()
