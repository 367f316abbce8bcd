"""A pseudo-terminal that runs a program, shows its screen, and sends it keys and clicks."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

import pyte

from tests.fork_server import Forked, fork_server

__all__ = ["Terminal"]


class Terminal:
    """Runs a command in a terminal of a given size.

    With `forked`, the command is the arguments of `convo-tui`, whose modules are imported already.

    Each wait fails after `patience` seconds; the error shows the screen.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        forked: bool = False,
        env: Mapping[str, str] | None = None,
        patience: float = 60,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._patience = patience
        self.written = b""
        """The bytes that the program has written so far."""
        master, slave = pty.openpty()
        self._master = master
        self._set_size(columns, rows)
        # These variables have the size of the terminal that runs the tests.
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        env = {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self._process: subprocess.Popen[bytes] | Forked
        if forked:
            self._process = fork_server().start(command, (slave, slave, slave), env, terminal=True)
        else:
            self._process = subprocess.Popen(command, pass_fds=[slave], env=env, preexec_fn=partial(_log_in, slave))
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    @property
    def lines(self) -> list[str]:
        """The lines of the screen."""
        screen = self._screen
        # `screen.display` fails if half of a wide character was overwritten.
        rows = [screen.buffer[row] for row in range(screen.lines)]
        return ["".join(row[column].data for column in range(screen.columns)).rstrip() for row in rows]

    @property
    def text(self) -> str:
        """The lines of the screen as one string."""
        return "\n".join(self.lines)

    def until(self, seen: str | Callable[[str], bool]) -> str:
        """Wait until the screen shows a text, or its text meets a condition."""
        is_seen = seen if callable(seen) else lambda text: seen in text
        deadline = time.monotonic() + self._patience
        while not is_seen(self.text):
            if time.monotonic() > deadline or not self._read(deadline):
                raise AssertionError(f"never seen: {seen}\n{self.text}")
        return self.text

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    def type(self, keys: str) -> None:
        """Send keys as a terminal does."""
        self.send(keys.encode())

    def send(self, data: bytes) -> None:
        """Send what a terminal sends, a key or something else."""
        os.write(self._master, data)

    def wait_until_stopped(self) -> None:
        """Wait until the program has suspended itself."""
        deadline = time.monotonic() + self._patience
        while os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG) == (0, 0):
            assert time.monotonic() < deadline, "never suspended"
            self.show(self.take(0.05) or b"")
        while data := self.take(0):
            self.show(data)

    @property
    def echoes(self) -> bool:
        """Return whether the terminal echoes typed keys, as it does for a shell."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def hang_up(self) -> None:
        """Close the window, and wait for the program to end."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDWR)
        self._process.wait(timeout=self._patience)

    def find(self, text: str) -> tuple[int, int]:
        """Return column and row, from 0, of the first place that shows a text."""
        for row, line in enumerate(self.lines):
            if (column := line.find(text)) >= 0:
                return column, row
        raise AssertionError(f"not on the screen: {text}\n{self.text}")

    def click(self, text: str) -> None:
        """Press and release the left button on a text."""
        column, row = self.find(text)
        for end in "Mm":
            os.write(self._master, f"\x1b[<0;{column + 1};{row + 1}{end}".encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def wait(self) -> int:
        """Wait for the program to end, and return its exit code."""
        deadline = time.monotonic() + self._patience
        while self._read(deadline):
            pass
        return self._process.wait(timeout=max(deadline - time.monotonic(), 1))

    def take(self, patience: float) -> bytes | None:
        """Return new output; empty if there is none within `patience` seconds, None if the program has ended."""
        ready, _, _ = select.select([self._master], [], [], max(patience, 0))
        if not ready:
            return b""
        try:
            return os.read(self._master, 1 << 16) or None
        except OSError:
            return None

    def show(self, data: bytes) -> None:
        """Show output on the screen."""
        self.written += data
        self._stream.feed(data)

    def _read(self, deadline: float) -> bool:
        """Show new output; return False if there was none, or the program has closed the terminal."""
        data = self.take(deadline - time.monotonic())
        self.show(data or b"")
        return bool(data)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _log_in(slave: int) -> None:
    """Make a terminal the controlling one, and let Ctrl+C end the process even if its parent ignores it."""
    os.login_tty(slave)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
