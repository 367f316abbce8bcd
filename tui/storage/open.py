"""Opening a database: this module decides which engine does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from tui.errors import ConfigError, ConvoError, FileError
from tui.storage.schema import quoted, unquoted
from tui.storage.sqlite.errors import is_database_error, translate_errors
from tui.storage.sqlite.files import (
    MissingFile,
    is_write_locked,
    open_engine,
    unfinished_logs,
)
from tui.storage.sqlite.files import open_to_read as open_file_to_read
from tui.storage.sqlite.files import open_to_write as open_file_to_write
from tui.storage.sqlite.files import write_new_database as write_new_file
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS, Tables

if TYPE_CHECKING:
    from tui.storage.engine import Engine, Transaction

__all__ = [
    "Server",
    "Target",
    "create_database",
    "is_database_error",
    "is_server_url",
    "is_write_locked",
    "open_to_read",
    "open_to_write",
    "server_ddl",
    "target_of",
    "unfinished_logs",
    "write_new_database",
]

T = TypeVar("T")

_URL: Final = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")


class Server:
    """A database on a server; shown without its password.

    Attributes:
        url: The URL, or the settings of libpq, with which it is opened.
        name: The name of the database.
        schema: The schema that was chosen; None for those of the search path.
        tables: The names of the base tables that were chosen; None to look for them.
    """

    def __init__(self, url: str, schema: str | None = None, tables: tuple[str, str] | None = None) -> None:
        """Create it.

        Raises:
            ConfigError: The driver is not installed.
            ConvoError: The URL cannot be read.
        """
        # A program that opens files alone does not import the driver.
        with _driver_needed():
            from tui.storage.postgres.connection import connection_settings, in_schema, shown_url

        settings = connection_settings(url)
        self.url = url if schema is None else in_schema(settings, schema)
        self.schema = schema
        self.tables = tables
        self._shown = shown_url(settings)
        self.name = self._shown.rpartition("/")[2]

    def __str__(self) -> str:
        return self._shown

    __repr__ = __str__


@contextmanager
def _driver_needed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        if error.name != "psycopg":
            raise
        raise ConfigError("PostgreSQL needs psycopg.", "Install it: pip install 'convo-tui[postgres]'") from error


Target: TypeAlias = Path | Server
"""A file, or a database on a server."""


def is_server_url(text: str) -> bool:
    """Return whether a text is the URL of a database on a server."""
    return _URL.match(text) is not None


def target_of(text: str | Path, schema: str | None = None, tables: tuple[str, str] | None = None) -> Target:
    """Return the database that a path or a URL names.

    Args:
        text: The path or the URL.
        schema: The schema of a database on a server.
        tables: The names of the base tables there.

    Raises:
        ConfigError: The driver is not installed, or a file has no schemas.
        FileError: The path cannot be looked up.
        ConvoError: The URL cannot be read.
    """
    if is_server_url(str(text)):
        return Server(str(text), schema, tables)
    if schema is not None or tables is not None:
        option = "--tables" if schema is None else "--schema"
        raise ConfigError(f"{text} is a file, and {option} chooses in a database on a server.", f"Omit {option}.")
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            Path(text).stat()
    except OSError as error:
        # The name is too long, or its folder must not be read.
        raise FileError(f"{text} cannot be looked up: {error.strerror}.", "Check the name and its folder.") from error
    return Path(text)


def open_to_read(
    target: Target, timeout: float, *, once: bool = False, may_be_missing: bool = False, beside: Engine | None = None
) -> Engine:
    """Open a database to read it.

    Args:
        target: The database.
        timeout: Seconds to wait for the lock of a file.
        once: Whether work must not run a second time.
        may_be_missing: Whether a file that does not exist is read as one without sessions.
        beside: An engine that has opened the same database: a server is not asked again what it has.

    Raises:
        ConvoError: It cannot be shown; the message says why, the hint what to do.
    """
    if isinstance(target, Path):
        if may_be_missing and not target.exists():
            return MissingFile(target, timeout)
        return open_file_to_read(target, timeout, once=once)
    from tui.storage.postgres.reading import PostgresReader

    return PostgresReader(
        target.url, target.schema, target.tables, beside if isinstance(beside, PostgresReader) else None
    )


def open_to_write(target: Target, tables: Tables, timeout: float) -> Engine:
    """Open an existing database to change it; on a server, missing tables of this project are made.

    Args:
        target: The database.
        tables: Its base tables, as SQL identifiers.
        timeout: Seconds to wait for the lock of a file.

    Raises:
        ConvoError: It cannot be opened, or its tables not be made.
    """
    if isinstance(target, Path):
        return open_file_to_write(target, tables, timeout)
    from tui.storage.postgres.engine import open_to_change

    return open_to_change(target.url, *map(unquoted, tables[:2]))


def create_database(path: Target) -> None:
    """Make a file with the SDK's tables, or the missing tables of an existing database.

    Raises:
        ConvoError: They cannot be made.
    """
    if isinstance(path, Server):
        from tui.storage.postgres.engine import open_to_change
        from tui.storage.postgres.reading import has_conversations

        if not has_conversations(path.url, path.schema, path.tables):
            open_to_change(path.url, *(path.tables or (DEFAULT_SESSIONS, DEFAULT_MESSAGES))).close()
        return
    with translate_errors(path):
        open_engine(path, Tables(), "main", create_tables=True).close()


def write_new_database(target: Target, work: Callable[[Transaction], T]) -> T:
    """Write a new file, which appears when it is complete, or a database without conversations, in one transaction.

    Raises:
        ConvoError: There is such a file, the database has conversations, or it cannot be written.
    """
    if isinstance(target, Path):
        return write_new_file(target, work)
    from tui.storage.postgres.engine import open_to_change

    def write(tx: Transaction) -> T:
        if tx.execute(f"SELECT 1 FROM {tx.tables.sessions} LIMIT 1").fetchone() is not None:
            raise ConvoError(f"{target} has conversations already.", "Name a database, or a --schema, without any.")
        return work(tx)

    engine = open_to_change(target.url, *(target.tables or (DEFAULT_SESSIONS, DEFAULT_MESSAGES)))
    try:
        return engine.submit_write(write).result()
    except Exception as error:
        raise engine.explain(error) or error from error
    finally:
        engine.close()


def server_ddl(schema: str | None, tables: tuple[str, str] | None) -> Iterator[str]:
    """Yield the statements that make the tables on a server where they are missing.

    Args:
        schema: The schema, which is made too; None for the first one of the search path.
        tables: The names of the base tables; None for those of the SDK.

    Raises:
        ConfigError: The driver is not installed.
    """
    with _driver_needed():
        from tui.storage.postgres.schema import ddl

    if schema is not None:
        yield f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}"
        yield f"SET search_path TO {quoted(schema)}"
    yield from ddl(*(tables or (DEFAULT_SESSIONS, DEFAULT_MESSAGES)))
