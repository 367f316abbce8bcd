"""The descriptors of a process that has a terminal for itself."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from platformdirs import user_log_path
from typing_extensions import Buffer

__all__ = ["log_path", "print_to_log", "private_terminal", "stdout_to_stderr"]

_LOG_BYTES: Final = 1 << 20
"""A log that is larger when the program starts is begun anew."""


def log_path() -> Path:
    """Return the path of the log with the output of tools and of the programs that they start."""
    return user_log_path("convo-tui") / "output.log"


@contextmanager
def private_terminal() -> Iterator[None]:
    """Keep the terminal, or the pipes that stand for it, to Textual, and say afterwards if something is in the log.

    Descriptors 1 and 2 lead to the log, so that what C code and other programs write does not appear on the screen.
    Descriptor 0 is at its end, so that they do not take the user's keys. Textual's drivers use `sys.__stdin__`,
    `sys.__stdout__` and `sys.__stderr__`, which lead to the terminal.
    """
    streams = {name: getattr(sys, name) for name in ("__stdin__", "__stdout__", "__stderr__", "stdout", "stderr")}
    with ExitStack() as restore:
        terminal = [os.dup(descriptor) for descriptor in range(3)]
        log, nothing = _open_log(), os.open(os.devnull, os.O_RDONLY)
        before = os.fstat(log).st_size
        for descriptor, target in enumerate((nothing, log, log)):
            os.dup2(target, descriptor)
            restore.callback(os.close, terminal[descriptor])
            restore.callback(os.dup2, terminal[descriptor], descriptor)
        for name, stream in streams.items():
            restore.callback(setattr, sys, name, stream)
        sys.__stdin__ = open(terminal[0], closefd=False)  # type: ignore[misc]  # noqa: SIM115
        sys.__stdout__ = sys.stdout = _writer(terminal[1])  # type: ignore[misc]
        sys.__stderr__ = sys.stderr = _writer(terminal[2])  # type: ignore[misc]
        yield
    if os.fstat(log).st_size > before:
        print(f"Tools, or programs that they started, wrote to {log_path()}", file=sys.stderr)
    os.close(log)
    os.close(nothing)


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Lead what is printed, also by other programs that are started, to standard error."""
    if sys.stdout is None or sys.stderr is None:
        yield
        return
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(stdout, 1)
        os.close(stdout)


def print_to_log() -> None:
    """Let `print` write to the log, too, while Textual has replaced the streams; Textual drops what is printed."""
    sys.stdout, sys.stderr = (
        open(descriptor, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        for descriptor in (1, 2)
    )


def _open_log() -> int:
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        begin_anew = path.exists() and path.stat().st_size > _LOG_BYTES
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if begin_anew else 0)
        return os.open(path, flags, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


class _Terminal(io.FileIO):
    """A terminal that may be closed while something is written to it."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _writer(descriptor: int) -> io.TextIOWrapper:
    # A terminal that can show the explorer shows UTF-8, whatever the locale says.
    raw = _Terminal(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True)
