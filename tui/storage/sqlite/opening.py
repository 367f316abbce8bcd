"""Opening a file to look at it, and saying in one line why it cannot be."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from tui.errors import FileError
from tui.storage.sqlite.connection import Connection

__all__ = ["base_tables", "file_error", "has_table", "open_to_read", "quoted"]

_MESSAGES: Final = {"id", "session_id", "message_data", "created_at"}
_STRUCTURE: Final = {
    "id",
    "session_id",
    "message_id",
    "branch_id",
    "message_type",
    "sequence_number",
    "user_turn_number",
    "tool_name",
    "created_at",
}
_DEMO: Final = "`convo-tui --demo` shows a sample."


def open_to_read(path: Path, timeout: float) -> Connection:
    """Open a file that is there.

    Raises:
        FileError: It is missing, not a file, not readable or not a database.
    """
    if path.is_dir():
        raise FileError(f"{path} is a folder.", "Name the database file in it.")
    try:
        if not path.exists():
            raise FileError(f"{path} does not exist.", f"Check the name, or have an agent write it. {_DEMO}")
        if not path.is_file():
            raise FileError(f"{path} is not a regular file.", "Name a SQLite database file.")
    except OSError as error:
        raise FileError(f"{path} cannot be looked up: {error.strerror}.", "Check the name and its folder.") from error
    if not os.access(path, os.R_OK):
        raise FileError(f"{path} cannot be read.", "Ask its owner for permission to read it.")
    try:
        return Connection(path, mode="ro", timeout=timeout)
    except sqlite3.Error as error:
        raise file_error(path, error) from error


def file_error(path: Path, error: sqlite3.Error) -> FileError:
    """What SQLite's error means to the one who opened the file."""
    text = str(error)
    if "not a database" in text:
        return FileError(f"{path} is not a SQLite database.", f"Name the file an agent's session wrote. {_DEMO}")
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


def base_tables(db: sqlite3.Connection, path: Path) -> tuple[str, str]:
    """The tables of sessions and of messages.

    The structure rows name them, as the writer may have given them names of its own.

    Raises:
        FileError: There are none, or their columns are not those this program knows.
        sqlite3.Error: The file is not a database.
    """
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {name: _columns(db, name) for name in tables}
    if "message_structure" in columns:
        _require(path, "message_structure", columns["message_structure"], _STRUCTURE)
        owners = {row[3]: row[2] for row in db.execute("PRAGMA foreign_key_list(message_structure)")}
        pair = owners.get("session_id", "agent_sessions"), owners.get("message_id", "agent_messages")
    else:
        holders = [name for name in tables if columns[name] >= _MESSAGES]
        messages = "agent_messages" if "agent_messages" in holders or not holders else holders[0]
        owners = {row[3]: row[2] for row in db.execute(f"PRAGMA foreign_key_list({quoted(messages)})")}
        pair = owners.get("session_id", "agent_sessions"), messages
    known = {name.lower(): name for name in tables}
    for name in pair:
        if name.lower() not in known:
            what = f"has no table {name}" if tables else "is empty"
            raise FileError(
                f"{path} holds no conversations: it {what}.",
                f"Let an agent write it with AdvancedSQLiteSession(create_tables=True). {_DEMO}",
            )
    sessions, messages = (known[name.lower()] for name in pair)
    _require(path, sessions, columns[sessions], {"session_id", "updated_at"})
    _require(path, messages, columns[messages], _MESSAGES)
    return sessions, messages


def has_table(db: sqlite3.Connection, name: str) -> bool:
    """Whether the file has a table of this name."""
    found = db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone()
    return found is not None


def quoted(name: str) -> str:
    """A name for use in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _require(path: Path, table: str, found: set[str], needed: set[str]) -> None:
    if missing := sorted(needed - found):
        raise FileError(
            f"{path} has a table {table} of a shape this version does not know: no column {', '.join(missing)}.",
            "Install a newer convo-tui, or open a file that the OpenAI Agents SDK wrote.",
        )


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA table_info({quoted(table)})")}
