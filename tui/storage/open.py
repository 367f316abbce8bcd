"""Opening a database: this module decides which engine does it."""

from __future__ import annotations

from pathlib import Path

from tui.storage.sqlite.errors import is_database_error, translate_errors
from tui.storage.sqlite.files import (
    is_write_locked,
    open_session,
    open_to_read,
    open_to_write,
    unfinished_logs,
    write_new_database,
)
from tui.storage.tables import Tables

__all__ = [
    "create_database",
    "is_database_error",
    "is_write_locked",
    "open_to_read",
    "open_to_write",
    "unfinished_logs",
    "write_new_database",
]


def create_database(path: Path) -> None:
    """Make a file with the SDK's tables, or the missing tables of an existing file.

    Raises:
        FileError: It cannot be made.
    """
    with translate_errors(path):
        open_session(path, Tables(), "main", create_tables=True).close()
