"""SQLite's errors as errors that tell the user what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tui.errors import FileError

__all__ = ["DEMO_HINT", "explain", "explain_values", "is_database_error", "is_locked", "translate_errors"]

_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""SQLite's errors; a message that is not UTF-8, as it quotes a damaged schema, raises the second."""

DEMO_HINT: Final = "`convo-tui --demo` shows a sample."


def explain(path: Path, error: Exception) -> FileError | None:
    """Return the error to show in place of an error of SQLite; None for any other error."""
    return _explain(path, error) if is_database_error(error) else None


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise errors to show in place of errors of SQLite.

    Raises:
        FileError: The file cannot be opened, read or written.
    """
    try:
        yield
    except _ERRORS as error:
        raise _explain(path, error) from error


def explain_values(path: Path, error: Exception) -> FileError:
    """Return the error to show where the values of a file cannot be read in any way."""
    return explain(path, error) or FileError(
        f"{path} has values that cannot be read: {error}.", "Open a file that the OpenAI Agents SDK wrote."
    )


def is_locked(error: Exception) -> bool:
    """Return whether another program locks the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _explain(path: Path, error: Exception) -> FileError:
    text = str(error)
    if isinstance(error, UnicodeDecodeError):
        text = error.object.decode("utf-8", "backslashreplace")
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
    return isinstance(error, _ERRORS)
