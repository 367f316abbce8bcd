"""A process that forks others which run `convo-tui` or code: they begin at once, as modules are imported already."""

from __future__ import annotations

import ast
import atexit
import fcntl
import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, NoReturn, Self

__all__ = ["ForkServer", "Forked", "PipedProcess", "fork_server"]

_TIMEOUT: Final = 120
"""Seconds until a process that is not in a terminal is killed by an alarm."""

_AGENT_OPTIONS: Final = {"--agent", "--model", "--demo"}


class Forked:
    """A process that the server forked; like `subprocess.Popen`, it is killed and waited for by its user."""

    def __init__(self, events: int) -> None:
        self._events = open(events)  # noqa: SIM115
        self.pid = int(self._events.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        if self.returncode is None and select.select([self._events], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the process to end, and return its exit code; negative is the signal that killed it."""
        if self.returncode is None:
            if not select.select([self._events], [], [], timeout)[0]:
                raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
            with self._events:
                self.returncode = int(self._events.readline())
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class PipedProcess(Forked):
    """A forked process with pipes for its standard streams, like `subprocess.Popen`; its output must fit into them."""

    def __init__(self, events: int, streams: Sequence[int]) -> None:
        super().__init__(events)
        self.stdin, self.stdout, self.stderr = (
            os.fdopen(stream, mode, encoding="utf-8") for stream, mode in zip(streams, "wrr", strict=True)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            with suppress(BrokenPipeError):
                stream.close()
        self.wait()

    def tell(self, line: str) -> None:
        """Write a line to the standard input."""
        self.stdin.write(f"{line}\n")
        self.stdin.flush()

    def communicate(self) -> tuple[str, str]:
        """Close the standard input, wait for the process to end, and return what it printed and its errors."""
        self.stdin.close()
        output = self.stdout.read(), self.stderr.read()
        self.wait()
        return output


class ForkServer:
    """The process that forks others.

    It runs `convo-tui` with arguments, or Python with the arguments `-c` and code.
    """

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno())]
            self._server = subprocess.Popen(command, pass_fds=[theirs.fileno()])

    def start(
        self,
        arguments: Sequence[str],
        streams: tuple[int, int, int],
        env: Mapping[str, str],
        *,
        terminal: bool = False,
        timeout: int = 0,
    ) -> Forked:
        """Start a process with standard streams, which may be a terminal of its own."""
        return Forked(self._fork(arguments, streams, env, terminal=terminal, timeout=timeout))

    def popen(self, arguments: Sequence[str]) -> PipedProcess:
        """Start a process whose standard streams are pipes."""
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = (os.pipe() for _ in range(3))
        events = self._fork(arguments, (stdin, stdout, stderr), os.environ, timeout=_TIMEOUT)
        for theirs in (stdin, stdout, stderr):
            os.close(theirs)
        return PipedProcess(events, (to_stdin, from_stdout, from_stderr))

    def run(
        self,
        arguments: Sequence[str],
        *,
        stdout: IO[Any] | None = None,
        env: Mapping[str, str] | None = None,
        encoding: str = "utf-8",
    ) -> subprocess.CompletedProcess[str]:
        """Run a process until it ends; return what it printed unless it printed to `stdout`."""
        with (
            Path(os.devnull).open() as nothing,
            tempfile.TemporaryFile("w+", encoding=encoding) as output,
            tempfile.TemporaryFile("w+", encoding=encoding) as errors,
        ):
            streams = nothing.fileno(), (stdout or output).fileno(), errors.fileno()
            env = {**os.environ, **(env or {}), "PYTHONIOENCODING": encoding}
            code = self.start(arguments, streams, env, timeout=_TIMEOUT).wait()
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(arguments, code, output.read(), errors.read())

    def stop(self) -> None:
        self._connection.close()
        self._server.wait(_TIMEOUT)

    def _fork(
        self,
        arguments: Sequence[str],
        streams: tuple[int, int, int],
        env: Mapping[str, str],
        *,
        terminal: bool = False,
        timeout: int = 0,
    ) -> int:
        """Start a process, and return a pipe with its id and its exit code."""
        reader, writer = os.pipe()
        request = json.dumps([arguments, os.fspath(Path.cwd()), dict(env), terminal, timeout])
        socket.send_fds(self._connection, [request.encode() + b"\n"], [*streams, writer])
        os.close(writer)
        return reader


@cache
def fork_server() -> ForkServer:
    """Return a server that stops when this process ends."""
    server = ForkServer()
    atexit.register(server.stop)
    return server


def _serve(connection: socket.socket) -> list[str]:
    """Fork a process for each request; return its arguments in the forked process."""
    _import_all("tui.cli")
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 4)
        while message and not message.endswith(b"\n"):
            message += connection.recv(1 << 16)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        if not message:
            os._exit(0)
        arguments, cwd, env, terminal, timeout = json.loads(message)
        _import_for(arguments)
        # No process looks for garbage among the modules, which would copy them.
        gc.freeze()
        *streams, events = descriptors
        # The process in between waits for its child, while the server answers other requests.
        if os.fork() == 0:
            connection.close()
            if (process := os.fork()) == 0:
                os.close(events)
                signal.alarm(timeout)
                _become(cwd, env, streams, terminal=terminal)
                return list(arguments)
            for descriptor in streams:
                os.close(descriptor)
            os.write(events, b"%d\n" % process)
            os.write(events, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


@cache
def _import_all(package: str) -> None:
    """Import a package and all modules in it."""
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        import_module(module.name)


def _import_for(arguments: Sequence[str]) -> None:
    """Import what `convo-tui` imports with arguments, as far as it takes long, or what code imports."""
    from tui.cli.parsers import COMMANDS

    if arguments[:1] == ["-c"]:
        for statement in ast.parse(arguments[1]).body:
            # What cannot be imported fails in the process that needs it.
            if isinstance(statement, ast.Import | ast.ImportFrom):
                with suppress(ImportError):
                    exec(ast.unparse(statement), {})
        return

    if not {*arguments[:1]} & {*COMMANDS}:
        for package in ("tui.explorer", "tui.screens", "tui.tty", "tui.widgets"):
            _import_all(package)
        for module in ("tui.app", "tui.storage.editor", "tui.storage.search", "textual.drivers.linux_driver", "regex"):
            import_module(module)
    if _AGENT_OPTIONS & {*arguments}:
        for package in ("tui.agent", "tui.session"):
            _import_all(package)


def _become(cwd: str, env: Mapping[str, str], streams: Sequence[int], *, terminal: bool) -> None:
    """Take over a working directory, an environment, and standard streams."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    if terminal:
        os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        errors = "backslashreplace" if name == "stderr" else "strict"
        encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
        file = open(number, mode, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)


def _end(code: object) -> NoReturn:
    """End the process as `multiprocessing` does, without the time that the interpreter takes to free all modules."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for file in (sys.stdout, sys.stderr):
        file.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _main(arguments: list[str]) -> object:
    if arguments[:1] == ["-c"]:
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
        return 0
    from tui.cli import main

    return main(arguments)


if __name__ == "__main__":
    _arguments = _serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        _code = _main(_arguments)
    except SystemExit as _exit:
        _code = _exit.code
    _end(_code)
