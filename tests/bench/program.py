"""A program in a pseudo-terminal, and how long it takes from a key to the finished screen."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from tests.terminal import Terminal

__all__ = ["ModelInput", "NeverSeenError", "Program", "Timing"]

_QUIET: Final = 0.15
"""Seconds without output and without work after which a screen counts as finished."""

_IDLE_SHARE: Final = 0.05
"""Share of a core that a program at rest may use within so short a time."""


class NeverSeenError(AssertionError):
    """What should have come did not come in time.

    Attributes:
        brief: What happened instead, in a few words.
    """

    def __init__(self, brief: str, screen: str) -> None:
        super().__init__(f"{brief}:\n{screen}")
        self.brief = brief


ModelInput: TypeAlias = str | Callable[[str], bool]
"""What the screen is to show; the empty text is in every screen."""


class Timing(NamedTuple):
    """When something was on the screen, in milliseconds after it was asked for.

    Attributes:
        seen: What was waited for was there: anything, where nothing in particular was.
        finished: The last output of that came; 0 where none came.
        work: Processor time that the program took until it rested; 0 where the system does not tell.
    """

    seen: float
    finished: float
    work: float


class Program(Terminal):
    """A program that is measured from outside: keys in, bytes out.

    Output is given the time at which it arrives and shown only once the program rests, so that what the screen costs
    is not counted. A program rests when it neither writes nor works; that it has no work left is only known on Linux.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 140,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
        patience: float = 30,
    ) -> None:
        self._began = time.perf_counter()
        super().__init__(command, columns=columns, rows=rows, env=env, patience=patience)

    def first_screen(self, seen: ModelInput) -> Timing:
        """Wait until the first screen is as wanted and finished; the time is counted from the start of the process."""
        return self._finished(self._began, 0, seen)

    def after(self, act: Callable[[], object], seen: ModelInput = "") -> Timing:
        """Do something to the program and wait until the screen is as wanted and finished."""
        work, start = self.work(), time.perf_counter()
        act()
        return self._finished(start, work, seen)

    def press(self, keys: str, seen: ModelInput = "") -> Timing:
        """Send keys and wait until the screen is as wanted and finished."""
        return self.after(lambda: self.type(keys), seen)

    def drain(self, seconds: float) -> None:
        """Take in what comes within some time."""
        deadline = time.perf_counter() + seconds
        came = []
        while (left := deadline - time.perf_counter()) > 0:
            came.append(self._some(left))
        self.show(b"".join(came))

    def memory(self) -> float:
        """Resident memory in megabytes; 0 for a program that has ended."""
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=False)
        return int(told.stdout or 0) / 1000

    def work(self) -> float:
        """Seconds of processor time that it has used, ended threads included; 0 where the system does not tell."""
        if sys.platform != "linux":
            return 0.0
        # The clock of another process, which clock_getcpuclockid(3) would name.
        with suppress(OSError):
            return time.clock_gettime(~self.pid << 3 | 2)
        return 0.0

    def _finished(self, start: float, worked: float, seen: ModelInput) -> Timing:
        at, finished = 0.0, 0.0
        wanted = seen if callable(seen) else lambda text: seen in text
        deadline = start + self._patience
        while time.perf_counter() < deadline:
            for when, data in self._burst(deadline):
                self.show(data)
                finished = when - start
                at = at or (finished if wanted(self.text) else 0.0)
            if wanted(self.text):
                return Timing(at * 1000, finished * 1000, (self.work() - worked) * 1000)
        raise NeverSeenError(f"not finished after {self._patience:.0f} s", self.text)

    def _burst(self, deadline: float) -> list[tuple[float, bytes]]:
        """Output with its times, until the program rests."""
        burst: list[tuple[float, bytes]] = []
        since, work = time.perf_counter(), self.work()
        while (now := time.perf_counter()) < deadline:
            if data := self._some(max(since + _QUIET - now, 0.001)):
                burst.append((time.perf_counter(), data))
            elif time.perf_counter() - since < _QUIET:
                continue
            elif self.work() - work < _QUIET * _IDLE_SHARE:
                break
            since, work = time.perf_counter(), self.work()
        return burst

    def _some(self, patience: float) -> bytes:
        data = self.take(patience)
        if data is None:
            raise NeverSeenError("the program ended", self.text)
        return data
