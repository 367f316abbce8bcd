"""Opening a database; which engine that takes is decided here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tui.storage.engine import Engine, Transaction
from tui.storage.sqlite import errors, files
from tui.storage.tables import Tables

__all__ = ["create_database", "is_database_error", "open_to_read", "open_to_write", "write_new_database"]

T = TypeVar("T")


def open_to_read(path: Path, timeout: float) -> Engine:
    """Open a database that is there, to read it.

    Args:
        path: The file.
        timeout: How long to wait for a program that has locked it, in seconds.

    Raises:
        FileError: It cannot be shown; the message says why, the hint what to do.
    """
    return files.open_to_read(path, timeout)


def open_to_write(path: Path, tables: Tables, timeout: float) -> Engine:
    """Open a database that is there, to change it.

    Args:
        path: The file.
        tables: Its base tables.
        timeout: How long to wait for a program that has locked it, in seconds.

    Raises:
        FileError: It cannot be opened.
    """
    return files.open_to_write(path, tables, timeout)


def create_database(path: Path) -> None:
    """Make a file with the SDK's tables, where it is missing.

    Raises:
        FileError: It cannot be made.
    """
    with errors.explained(path):
        files.open_session(path, Tables(), "main", create_tables=True).close()


def write_new_database(path: Path, work: Callable[[Transaction], T]) -> T:
    """Write a file that does not exist yet in one transaction on the calling thread; it appears when it is complete.

    Args:
        path: The file.
        work: Gets a transaction in which the SDK's tables are made.

    Raises:
        ConvoError: There is such a file, or its folder cannot be written.
        FileError: The file cannot be written.
    """
    return files.write_new_file(path, work)


def is_database_error(error: BaseException) -> bool:
    """Return whether an error comes from a database itself."""
    return errors.is_database_error(error)
