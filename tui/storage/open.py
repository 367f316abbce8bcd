"""Opening a database: this module decides which engine does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from tui.errors import ConfigError, ReadOnlyError
from tui.storage.sqlite.errors import is_database_error, translate_errors
from tui.storage.sqlite.files import (
    is_write_locked,
    open_session,
    open_to_write,
    unfinished_logs,
    write_new_database,
)
from tui.storage.sqlite.files import open_to_read as open_file_to_read
from tui.storage.tables import Tables

if TYPE_CHECKING:
    from tui.storage.engine import Engine

__all__ = [
    "Server",
    "Target",
    "create_database",
    "file_of",
    "is_database_error",
    "is_write_locked",
    "open_to_read",
    "open_to_write",
    "target_of",
    "unfinished_logs",
    "write_new_database",
]


_URL: Final = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")


class Server:
    """A database on a server; shown without its password.

    Attributes:
        url: The URL.
        name: The name of the database.
    """

    def __init__(self, url: str) -> None:
        """Create it.

        Raises:
            ConfigError: The driver is not installed.
            ConvoError: The URL cannot be read.
        """
        # A program that opens files alone does not import the driver.
        try:
            from tui.storage.postgres.connection import connection_settings, shown_url
        except ImportError as error:
            if error.name != "psycopg":
                raise
            raise ConfigError("PostgreSQL needs psycopg.", "Install it: pip install 'convo-tui[postgres]'") from error

        self.url = url
        self._shown = shown_url(connection_settings(url))
        self.name = self._shown.rpartition("/")[2]

    def __str__(self) -> str:
        return self._shown

    __repr__ = __str__


Target: TypeAlias = Path | Server
"""A file, or a database on a server."""


def target_of(text: str | Path) -> Target:
    """Return the database that a path or a URL names.

    Raises:
        ConvoError: The URL cannot be read, or the driver is not installed.
    """
    return Server(str(text)) if _URL.match(str(text)) else Path(text)


def file_of(text: str | Path) -> Path:
    """Return the file that a path names.

    Raises:
        ReadOnlyError: It names a server, which cannot be changed.
        ConvoError: The URL cannot be read, or the driver is not installed.
    """
    target = target_of(text)
    if not isinstance(target, Path):
        raise ReadOnlyError("A database on a server can only be shown.", "Change it with the session classes.")
    return target


def open_to_read(target: Target, timeout: float, *, once: bool = False) -> Engine:
    """Open a database to read it.

    Args:
        target: The database.
        timeout: How long to wait for the lock of a file, in seconds.
        once: Whether work must not run a second time.

    Raises:
        ConvoError: It cannot be shown; the message says why, the hint what to do.
    """
    if isinstance(target, Path):
        return open_file_to_read(target, timeout, once=once)
    from tui.storage.postgres.reading import PostgresReader

    return PostgresReader(target.url)


def create_database(path: Path) -> None:
    """Make a file with the SDK's tables, or the missing tables of an existing file.

    Raises:
        FileError: It cannot be made.
    """
    with translate_errors(path):
        open_session(path, Tables(), "main", create_tables=True).close()
