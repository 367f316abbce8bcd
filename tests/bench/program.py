"""A program in a pseudo-terminal, and the time from a key to the finished screen."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from tests.terminal import Terminal

__all__ = ["Expected", "Program", "ScreenError", "Timing"]

_QUIET: Final = 0.15
"""Seconds without output and without work after which a screen counts as finished."""

_IDLE_SHARE: Final = 0.05
"""Share of a core that a program at rest may use in that time."""


class ScreenError(AssertionError):
    """The expected screen did not appear in time.

    Attributes:
        reason: What happened instead, in a few words.
    """

    def __init__(self, reason: str, screen: str) -> None:
        super().__init__(f"{reason}:\n{screen}")
        self.reason = reason


Expected: TypeAlias = str | Callable[[str], bool]
"""A text that the screen should contain, or a condition for its text; the empty text is in every screen."""


class Timing(NamedTuple):
    """The time that a program took to draw, in milliseconds after the input.

    Attributes:
        seen: Time to the first output after which the screen was as expected.
        finished: Time to the last output; 0 without any output.
        work: Processor time of the program until it rested; 0 if the system does not report it.
    """

    seen: float
    finished: float
    work: float


class Program(Terminal):
    """A program that is measured from outside, by its input and output.

    Output is timed when it arrives, and applied to the screen only after the program rests, so that the work of the
    measurement is not counted. A program rests if it neither writes nor works; whether it works is known on Linux only.
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
        self._started_at = time.perf_counter()
        super().__init__(command, columns=columns, rows=rows, env=env, patience=patience)

    def first_screen(self, expected: Expected) -> Timing:
        """Wait until the first screen is finished and as expected; the time begins with the start of the process."""
        return self._finished(self._started_at, 0, expected)

    def after(self, act: Callable[[], object], expected: Expected = "") -> Timing:
        """Do something to the program, and wait until the screen is finished and as expected."""
        work, start = self.work(), time.perf_counter()
        act()
        return self._finished(start, work, expected)

    def press(self, keys: str, expected: Expected = "") -> Timing:
        """Send keys, and wait until the screen is finished and as expected."""
        return self.after(lambda: self.type(keys), expected)

    def drain(self, seconds: float) -> None:
        """Read the output of some seconds."""
        deadline = time.perf_counter() + seconds
        output = []
        while (left := deadline - time.perf_counter()) > 0:
            output.append(self._read_output(left))
        self.show(b"".join(output))

    def memory(self) -> float:
        """Return the resident memory in megabytes; 0 for a program that has ended."""
        process = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=False)
        return int(process.stdout or 0) / 1000

    def work(self) -> float:
        """Return the used processor time in seconds, including ended threads; 0 if the system does not report it."""
        if sys.platform != "linux":
            return 0.0
        # The clock of another process, which clock_getcpuclockid(3) would name.
        with suppress(OSError):
            return time.clock_gettime(~self.pid << 3 | 2)
        return 0.0

    def _finished(self, start: float, work: float, expected: Expected) -> Timing:
        seen, finished = 0.0, 0.0
        is_expected = expected if callable(expected) else lambda text: expected in text
        deadline = start + self._patience
        while time.perf_counter() < deadline:
            for when, data in self._burst(deadline):
                self.show(data)
                finished = when - start
                seen = seen or (finished if is_expected(self.text) else 0.0)
            if is_expected(self.text):
                return Timing(seen * 1000, finished * 1000, (self.work() - work) * 1000)
        raise ScreenError(f"not finished after {self._patience:.0f} s", self.text)

    def _burst(self, deadline: float) -> list[tuple[float, bytes]]:
        """Read output with its times, until the program rests."""
        burst: list[tuple[float, bytes]] = []
        since, work = time.perf_counter(), self.work()
        while (now := time.perf_counter()) < deadline:
            if data := self._read_output(max(since + _QUIET - now, 0.001)):
                burst.append((time.perf_counter(), data))
            elif time.perf_counter() - since < _QUIET:
                continue
            elif self.work() - work < _QUIET * _IDLE_SHARE:
                break
            since, work = time.perf_counter(), self.work()
        return burst

    def _read_output(self, patience: float) -> bytes:
        data = self.take(patience)
        if data is None:
            raise ScreenError("the program ended", self.text)
        return data
