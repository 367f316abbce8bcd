"""SQLite's errors as errors that tell the user what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tui.errors import FileError

__all__ = ["DEMO_HINT", "explain", "explained", "is_database_error"]

DEMO_HINT: Final = "`convo-tui --demo` shows a sample."


def explain(path: Path, error: Exception) -> FileError | None:
    """Return the error to show in place of an error of SQLite; None for any other error."""
    return _explain(path, error) if isinstance(error, sqlite3.Error) else None


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise errors to show in place of errors of SQLite.

    Raises:
        FileError: The file cannot be opened, read or written.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: sqlite3.Error) -> FileError:
    text = str(error)
    if "not a database" in text:
        return FileError(f"{path} is not a SQLite database.", f"Name the file an agent's session wrote. {DEMO_HINT}")
    if "malformed" in text or "disk I/O" in text:
        return FileError(
            f"{path} is damaged: {text}.", f"Save what can be read: sqlite3 '{path}' .recover | sqlite3 new.sqlite"
        )
    if "locked" in text or "busy" in text:
        return FileError(f"{path} is locked by another program.", "Wait until that program is done, then try again.")
    if error.__dict__.get("sqlite_errorname") == "SQLITE_READONLY_ROLLBACK":
        return FileError(
            f"{path} was left in the middle of a write by a program that ended.",
            f"Let SQLite undo that: sqlite3 '{path}' 'PRAGMA schema_version'",
        )
    if "readonly" in text:
        return FileError(f"{path} cannot be written.", "Ask its owner for permission to write it and its folder.")
    if "unable to open" in text:
        return FileError(f"{path} cannot be opened.", "Check that its folder can be read and written.")
    return FileError(f"{path} cannot be read: {text}.", "Check that an agent's session wrote it.")


def is_database_error(error: BaseException) -> bool:
    """Return whether an error comes from SQLite itself."""
    return isinstance(error, sqlite3.Error)
