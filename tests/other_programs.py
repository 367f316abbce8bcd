"""Another program that writes to a file, and another user who looks at it, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.fork_server import fork_server

__all__ = ["OTHER_USER", "Writer", "look_as_other_user"]

OTHER_USER: Final = 65534

_WRITE: Final = """
import asyncio, json, sys
from tui.session import AdvancedSQLiteSession
path, sessions = sys.argv[1], []
for line in sys.stdin:
    command, text = json.loads(line)
    if command == "open":
        sessions.append(AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True))
    elif command == "add":
        items = [{"role": "user", "content": text}, {"role": "assistant", "content": f"Answer to {text}"}]
        asyncio.run(sessions[-1].add_items(items))
    elif command == "close":
        sessions.pop().close()
    print("done", flush=True)
"""

# The first run imports all modules, which the other user may not be allowed to read.
_LOOK: Final = """
import contextlib, io, os, sys
from tui.cli import main
prepared, *arguments = sys.argv[1:]
with contextlib.redirect_stdout(io.StringIO()):
    main([prepared if argument == "FILE" else argument for argument in arguments[1:]])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({user})
    os.setuid({user})
sys.exit(main([arguments[0] if argument == "FILE" else argument for argument in arguments[1:]]))
"""


class Writer:
    """A program that has a file open; leaving the block ends it without closing the file."""

    def __init__(self, path: Path, *texts: str) -> None:
        """Open the file, and write a turn for each text."""
        self._process = fork_server().popen(["-c", _WRITE, str(path)])
        self.open()
        for text in texts:
            self.add(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def open(self) -> None:
        """Open a session."""
        self._order("open")

    def add(self, text: str) -> None:
        """Write a turn to the session."""
        self._order("add", text)

    def close(self) -> None:
        """Close the session."""
        self._order("close")

    def kill(self) -> None:
        """End the program as a crash does."""
        self._process.kill()
        with self._process:
            pass

    def _order(self, command: str, text: str = "") -> None:
        self._process.tell(json.dumps([command, text]))
        assert self._process.stdout.readline() == "done\n"


def look_as_other_user(prepared: Path, path: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `convo-tui` as another user where this one is root, or else as this user.

    Args:
        prepared: A file that the command is run on before, to import its modules.
        path: The file to look at.
        arguments: The arguments; FILE is the file.
    """
    code = _LOOK.replace("{user}", str(OTHER_USER))
    # Nobody but root may read root's configuration.
    env = {"XDG_CONFIG_HOME": str(path.parent)}
    return fork_server().run(["-c", code, str(prepared), str(path), *arguments], env=env)
