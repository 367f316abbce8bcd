"""Measure all actions of the explorer on a file, each as a row of the table."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.explorer import (
    ACTIONS,
    KEY_PRESSES,
    Action,
    explore,
    first_screen,
    idle_share,
    measure_stream,
    press_navigation_keys,
)
from tests.bench.program import Program, ScreenError, Timing
from tests.bench.rivals import SDK_CALLS, sdk_times, start_harlequin
from tests.bench.table import Row, format_amount

__all__ = ["File", "measure"]

_STARTS: Final = 3
"""Number of times that each program is started to time its first screen."""

_FAILURES: Final = 3
"""Number of failed actions after which the other actions on a file are skipped."""

_FIRST_SCREEN, _START_MEMORY, _IDLE = "first screen", "memory after the first screen", "idle"
_NAVIGATION_MEMORY, _STREAM = f"memory after {KEY_PRESSES} moves", "event loop held by a streamed answer"


@dataclass(frozen=True)
class File:
    """A file, and what is measured on it.

    Attributes:
        name: Name of the file's shape.
        session_id: The session that the explorer opens.
        is_selected: Returns whether an action is measured, given its name.
        harlequin: Path of the harlequin program, which may not be installed.
        folder: A folder for a copy of the file, and for the state of programs.
    """

    name: str
    path: Path
    session_id: str
    is_selected: Callable[[str], bool]
    harlequin: Path
    folder: Path

    @property
    def home(self) -> Path:
        """A folder without a configuration."""
        return self.folder / "home"

    def actions(self) -> list[Action]:
        """Return the selected actions for files of this shape."""
        return [
            action for action in ACTIONS if self.is_selected(action.name) and self.name in (action.files or [self.name])
        ]


def measure(file: File) -> Iterator[Row]:
    """Yield a row for each selected measurement."""
    actions = file.actions()
    names = {action.sdk for action in actions if action.sdk} | ({"open"} if file.is_selected(_FIRST_SCREEN) else set())
    sdk = sdk_times(file.path, file.session_id, sorted(names)) if names else {}
    if file.is_selected(_FIRST_SCREEN):
        yield _measure_first_screen(file, sdk)
    try:
        with explore(file.path, file.home) as program:
            first_screen(program)
            if file.is_selected(_START_MEMORY):
                memory = program.memory()
                yield Row(file.name, _START_MEMORY, value=memory, unit="MB", budget=120, memory=memory)
            yield from _measure_idle_and_memory(file, program)
        failures = 0
        while actions and failures < _FAILURES:
            with explore(file.path, file.home) as program:
                first_screen(program)
                while actions:
                    row = _measure_action(file, program, actions.pop(0), sdk)
                    yield row
                    if row.failure:
                        # The program is in an unknown state, so the next action gets a new one.
                        failures += 1
                        break
    except ScreenError as error:
        yield Row(file.name, "opening it again", failure=_failure_text(error))
    if actions:
        yield Row(file.name, "the rest", failure="given up")
    if file.is_selected(_STREAM):
        yield _measure_stream(file)


def _measure_first_screen(file: File, sdk: dict[str, float]) -> Row:
    """Time the first screen, in turns with the first screen of harlequin."""
    times: list[Timing] = []
    harlequin_times: list[float] = []
    memory, failure, comparison = 0.0, "", "harlequin: not installed"
    for _ in range(_STARTS):
        if not failure:
            with explore(file.path, file.home) as program:
                try:
                    times.append(first_screen(program))
                except ScreenError as error:
                    failure = _failure_text(error)
                memory = program.memory()
        if file.harlequin.exists():
            try:
                elapsed, megabytes = start_harlequin(file.harlequin, file.path, file.home)
                harlequin_times.append(elapsed)
                median = format_amount(statistics.median(harlequin_times), "ms")
                comparison = f"harlequin {median}, {format_amount(megabytes, 'MB')}"
            except ScreenError as error:
                comparison = f"harlequin: {_failure_text(error)}"
    comparison = f"{comparison}; {_sdk_text('open', sdk)}"
    return Row(
        file.name, _FIRST_SCREEN, tuple(times), budget=1000, memory=memory, comparison=comparison, failure=failure
    )


def _measure_idle_and_memory(file: File, program: Program) -> Iterator[Row]:
    """Measure the work of an idle program, and its memory after many keys."""
    if file.is_selected(_IDLE):
        yield Row(file.name, _IDLE, value=idle_share(program), unit="%", budget=1, memory=program.memory())
    if file.is_selected(_NAVIGATION_MEMORY):
        try:
            press_navigation_keys(program)
        except ScreenError as error:
            yield Row(file.name, _NAVIGATION_MEMORY, failure=_failure_text(error))
        else:
            memory = program.memory()
            yield Row(file.name, _NAVIGATION_MEMORY, value=memory, unit="MB", budget=200, memory=memory)


def _measure_action(file: File, program: Program, action: Action, sdk: dict[str, float]) -> Row:
    times: list[Timing] = []
    failure = ""
    try:
        times.extend(action.steps(program))
        memory: float | None = program.memory()
    except ScreenError as error:
        failure, memory = _failure_text(error), None
    comparison = _sdk_text(action.sdk, sdk) if action.sdk else ""
    return Row(
        file.name,
        action.name,
        tuple(times),
        budget=action.budget,
        memory=memory,
        comparison=comparison,
        failure=failure,
    )


def _measure_stream(file: File) -> Row:
    try:
        delays = asyncio.run(
            measure_stream(file.path, file.folder, file.home, file.session_id, short=file.name == "heavy")
        )
    except ScreenError as error:
        return Row(file.name, _STREAM, failure=_failure_text(error))
    longest = max(delays)
    blocked = sum(delay.late > 50 for delay in delays)
    comparison = f"{blocked} times longer than 50 ms; {format_amount(longest.work, 'ms')} of it work"
    return Row(file.name, _STREAM, value=longest.late, budget=50, comparison=comparison)


def _failure_text(error: ScreenError) -> str:
    """Return a failure in a few words, and print the screen to standard error."""
    print(error, file=sys.stderr, flush=True)
    return error.reason


def _sdk_text(work: str, times: dict[str, float]) -> str:
    return f"SDK {format_amount(times[work], 'ms')}: {SDK_CALLS[work].calls}"
