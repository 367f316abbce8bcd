"""The explorer on one file: every action, as a row of the table."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.explorer import ACTIONS, MOVES, Action, explore, first_screen, idle, move_about, streamed
from tests.bench.program import NeverSeenError, Program, Timing
from tests.bench.rivals import WORKS, harlequin_starts, sdk_times
from tests.bench.table import Row, amount

__all__ = ["File", "measure"]

_STARTS: Final = 3
"""How often a program is started for its first screen."""

_FAILURES: Final = 3
"""After so many a file is given up."""

_FIRST, _STANDS, _IDLE = "first screen", "memory after the first screen", "idle"
_ABOUT, _STREAM = f"memory after {MOVES} moves", "event loop held by a streamed answer"


@dataclass(frozen=True)
class File:
    """What is measured.

    Attributes:
        name: Name of the file's shape.
        path: The file.
        session_id: The session that it opens with.
        wants: Whether an action is asked for.
        harlequin: Where harlequin is, installed or not.
        folder: Room for a copy of the file, and for what programs keep of themselves.
    """

    name: str
    path: Path
    session_id: str
    wants: Callable[[str], bool]
    harlequin: Path
    folder: Path

    @property
    def home(self) -> Path:
        """A folder without anybody's configuration."""
        return self.folder / "home"

    def actions(self) -> list[Action]:
        """What is to be done."""
        return [action for action in ACTIONS if self.wants(action.name) and self.name in (action.files or [self.name])]


def measure(file: File) -> Iterator[Row]:
    """Measure everything that is asked for, and give each row as it is known."""
    actions = file.actions()
    works = {action.sdk for action in actions if action.sdk} | ({"open"} if file.wants(_FIRST) else set())
    sdk = sdk_times(file.path, file.session_id, sorted(works)) if works else {}
    if file.wants(_FIRST):
        yield _starts(file, sdk)
    try:
        with explore(file.path, file.home) as program:
            first_screen(program)
            if file.wants(_STANDS):
                memory = program.memory()
                yield Row(file.name, _STANDS, value=memory, unit="MB", budget=120, memory=memory)
            yield from _steady(file, program)
        failures = 0
        while actions and failures < _FAILURES:
            with explore(file.path, file.home) as program:
                first_screen(program)
                while actions:
                    row = _acted(file, program, actions.pop(0), sdk)
                    yield row
                    if row.failure:
                        # What state it is in nobody knows.
                        failures += 1
                        break
    except NeverSeenError as error:
        yield Row(file.name, "opening it again", failure=_failure_text(error))
    if actions:
        yield Row(file.name, "the rest", failure="given up")
    if file.wants(_STREAM):
        yield _streamed(file)


def _starts(file: File, sdk: dict[str, float]) -> Row:
    """The first screen, and harlequin's, by turns."""
    times: list[Timing] = []
    others: list[float] = []
    memory, failure, beside = 0.0, "", "harlequin: not installed"
    for _ in range(_STARTS):
        if not failure:
            with explore(file.path, file.home) as program:
                try:
                    times.append(first_screen(program))
                except NeverSeenError as error:
                    failure = _failure_text(error)
                memory = program.memory()
        if file.harlequin.exists():
            try:
                taken, others_memory = harlequin_starts(file.harlequin, file.path, file.home)
                others.append(taken)
                beside = f"harlequin {amount(statistics.median(others), 'ms')}, {amount(others_memory, 'MB')}"
            except NeverSeenError as error:
                beside = f"harlequin: {_failure_text(error)}"
    beside = f"{beside}; {_sdk('open', sdk)}"
    return Row(file.name, _FIRST, tuple(times), budget=1000, memory=memory, beside=beside, failure=failure)


def _steady(file: File, program: Program) -> Iterator[Row]:
    """What a program takes that nobody uses, and one that is much used."""
    if file.wants(_IDLE):
        yield Row(file.name, _IDLE, value=idle(program), unit="%", budget=1, memory=program.memory())
    if file.wants(_ABOUT):
        try:
            move_about(program)
        except NeverSeenError as error:
            yield Row(file.name, _ABOUT, failure=_failure_text(error))
        else:
            memory = program.memory()
            yield Row(file.name, _ABOUT, value=memory, unit="MB", budget=200, memory=memory)


def _acted(file: File, program: Program, action: Action, sdk: dict[str, float]) -> Row:
    times: list[Timing] = []
    failure = ""
    try:
        times.extend(action.steps(program))
        memory: float | None = program.memory()
    except NeverSeenError as error:
        failure, memory = _failure_text(error), None
    beside = _sdk(action.sdk, sdk) if action.sdk else ""
    return Row(
        file.name, action.name, tuple(times), budget=action.budget, memory=memory, beside=beside, failure=failure
    )


def _streamed(file: File) -> Row:
    try:
        held = asyncio.run(streamed(file.path, file.folder, file.home, file.session_id, short=file.name == "heavy"))
    except NeverSeenError as error:
        return Row(file.name, _STREAM, failure=_failure_text(error))
    longest = max(held)
    beside = f"{sum(look.late > 50 for look in held)} times longer than 50 ms; {amount(longest.work, 'ms')} of it work"
    return Row(file.name, _STREAM, value=longest.late, budget=50, beside=beside)


def _failure_text(error: NeverSeenError) -> str:
    """In a few words what happened; what the screen showed instead goes beside the table."""
    print(error, file=sys.stderr, flush=True)
    return error.brief


def _sdk(work: str, times: dict[str, float]) -> str:
    return f"SDK {amount(times[work], 'ms')}: {WORKS[work].calls}"
