"""A process that forks others which run `convo-tui`: they begin at once, as its modules are imported already."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

__all__ = ["ForkServer"]

_TIMEOUT: Final = 60
"""Seconds until a process is killed by an alarm."""


class ForkServer:
    """The process that forks others, and the pipes to it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", __name__]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run `convo-tui` with arguments until it ends; its output is encoded as UTF-8."""
        assert self._server.stdin
        assert self._server.stdout
        with tempfile.TemporaryDirectory() as folder:
            outputs = [Path(folder, name) for name in ("stdout", "stderr")]
            request = [arguments, os.fspath(Path.cwd()), dict(os.environ), [os.fspath(path) for path in outputs]]
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()
            code = int(self._server.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, *(path.read_text("utf-8") for path in outputs))

    def stop(self) -> None:
        self._server.communicate(timeout=_TIMEOUT)


def _serve() -> list[str]:
    """Fork a process for each request on standard input; return its arguments in the forked process."""
    import signal

    import tui.cli

    for module in pkgutil.walk_packages(tui.cli.__path__, "tui.cli."):
        import_module(module.name)
    for line in sys.stdin.buffer:
        arguments, cwd, environment, outputs = json.loads(line)
        if (process := os.fork()) == 0:
            signal.alarm(_TIMEOUT)
            _become(cwd, environment, outputs)
            return list(arguments)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(code, flush=True)
    os._exit(0)


def _become(cwd: str, environment: dict[str, str], outputs: list[str]) -> None:
    """Take over a working directory, an environment, and files as standard output and standard error."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for descriptor, path in zip((0, 1, 2), (os.devnull, *outputs), strict=True):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
    streams: list[Any] = [open(descriptor, "w", encoding="utf-8", closefd=False) for descriptor in (1, 2)]  # noqa: SIM115
    sys.stdin, (sys.stdout, sys.stderr) = open(0, closefd=False), streams  # noqa: SIM115


if __name__ == "__main__":
    _arguments = _serve()
    from tui.cli import main

    sys.exit(main(_arguments))
