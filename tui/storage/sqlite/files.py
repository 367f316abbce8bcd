"""Opening a SQLite file: to read it, to change it, for a session, or to write a new one."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from tui.errors import ConvoError, FileError
from tui.storage.engine import Transaction
from tui.storage.schema import create_sdk_tables, quoted
from tui.storage.sqlite.connection import Connection, connect
from tui.storage.sqlite.engine import SQLiteEngine, SQLiteTransaction, written_files
from tui.storage.sqlite.errors import DEMO_HINT, is_locked, translate_errors
from tui.storage.sqlite.file_state import DatabaseFiles
from tui.storage.sqlite.ownership import check_tables, enable_wal, make_tables
from tui.storage.sqlite.reading import SQLiteReader
from tui.storage.tables import Tables

__all__ = [
    "MissingFile",
    "is_write_locked",
    "open_engine",
    "open_to_read",
    "open_to_write",
    "unfinished_logs",
    "write_new_database",
]

T = TypeVar("T")

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


def open_to_read(path: Path, timeout: float, *, once: bool = False) -> SQLiteReader:
    """Open an existing file to read it without a trace.

    Args:
        path: The file.
        timeout: Seconds to wait for its lock.
        once: Whether work must not run a second time, as it may where another program writes the file meanwhile.

    Raises:
        FileError: It cannot be shown; the message says why, the hint what to do.
    """
    _check_file(path)
    with translate_errors(path):
        return SQLiteReader(path, timeout, lambda db: _base_tables(db, path), once=once)


class MissingFile(SQLiteReader):
    """A file that does not exist yet, which is read as one without sessions; another reader is due once it exists."""

    def __init__(self, path: Path, timeout: float) -> None:
        """Create the reader.

        Raises:
            FileError: The file cannot be created at its path.
        """
        folder = path.resolve().parent
        if not folder.is_dir():
            raise FileError(f"{path} cannot be made: there is no folder {folder}.", "Check its name.")
        if not os.access(folder, os.W_OK):
            raise FileError(f"{path} does not exist, and {folder} cannot be written.", "Name a file in another folder.")
        self._folder = TemporaryDirectory(prefix="convo-tui-")
        empty = Path(self._folder.name) / path.name
        write_new_database(empty, lambda _: None)
        super().__init__(empty, timeout, lambda db: _base_tables(db, empty), once=False)
        self.target, self.identity, self._path = str(path), None, path

    def is_current(self) -> bool:
        return not self._path.exists()

    def close(self) -> None:
        super().close()
        self._folder.cleanup()


def open_to_write(path: Path, tables: Tables, timeout: float) -> SQLiteEngine:
    """Open an existing file to change it; `timeout` is how long to wait for its lock, in seconds.

    Raises:
        FileError: It cannot be opened.
    """
    with translate_errors(path):
        return SQLiteEngine(path, Connection(path, mode="rw", timeout=timeout), tables)


def open_engine(path: str | Path, tables: Tables, session_id: str, *, create_tables: bool) -> SQLiteEngine:
    """Open a file for a session, or make it if it is missing, and prepare its tables.

    Raises:
        ValueError: The tables are missing, or belong to another pair of base tables.
        sqlite3.Error: The file cannot be opened or stays locked.
    """
    engine = SQLiteEngine(path, Connection(path), tables)
    try:
        engine.connection.run_sync(enable_wal)
        if create_tables:
            engine.submit_write(lambda tx: make_tables(tx, path, session_id), session_id).result()
        else:
            engine.submit_read(lambda tx: check_tables(tx, path)).result()
    except BaseException:
        engine.close()
        raise
    return engine


def is_write_locked(path: Path) -> bool:
    """Return whether another connection keeps a file from being written now."""
    try:
        with closing(connect(path, "rw", 0)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
    except sqlite3.Error as error:
        return is_locked(error)
    return False


def unfinished_logs() -> list[Path]:
    """Return the files that this process wrote and whose newest content is in a log that other programs have open."""
    found = []
    for path in written_files:
        files = DatabaseFiles(path)
        files.settle(timeout=0)
        if not files.state().log_is_empty and files.is_log_open():
            found.append(path)
    return sorted(found)


def write_new_database(path: Path, work: Callable[[Transaction], T]) -> T:
    """Write a new file in one transaction on the calling thread; the file appears when it is complete.

    `work` gets the transaction, in which the SDK's tables exist.

    Raises:
        ConvoError: The file exists, or its folder cannot be written.
        FileError: The file cannot be written.
    """
    try:
        path.touch(exist_ok=False)
    except FileExistsError as error:
        raise ConvoError(f"{path} is there already.", "Name a file that does not exist yet.") from error
    except OSError as error:
        raise ConvoError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
    try:
        with TemporaryDirectory(prefix=".convo-", dir=path.parent) as folder, translate_errors(path):
            unfinished = Path(folder) / path.name
            with closing(sqlite3.connect(unfinished, isolation_level=None)) as db, db:
                db.execute("BEGIN IMMEDIATE")
                tx = SQLiteTransaction(db, Tables())
                create_sdk_tables(tx)
                result = work(tx)
            unfinished.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return result


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise FileError(f"{path} is a folder.", "Name the database file in it.")
    try:
        if not path.exists():
            raise FileError(
                f"{path} does not exist.",
                f"Check the name, or begin the file: convo-tui {shlex.quote(str(path))} --agent …. {DEMO_HINT}",
            )
        if not path.is_file():
            raise FileError(f"{path} is not a regular file.", "Name a SQLite database file.")
    except OSError as error:
        raise FileError(f"{path} cannot be looked up: {error.strerror}.", "Check the name and its folder.") from error
    if not os.access(path, os.R_OK):
        raise FileError(f"{path} cannot be read.", "Ask its owner for permission to read it.")


def _base_tables(db: sqlite3.Connection, path: Path) -> Tables:
    """Return the base tables, which may have any names: the foreign keys of `message_structure` refer to them.

    Raises:
        FileError: There are none, or they lack columns that this program needs.
        sqlite3.Error: The file is not a database.
    """
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {name: _columns(db, name) for name in tables}
    if "message_structure" in columns:
        _require(path, "message_structure", columns["message_structure"], _STRUCTURE)
        owners = {row[3]: row[2] for row in db.execute("PRAGMA foreign_key_list(message_structure)")}
        pair = owners.get("session_id", "agent_sessions"), owners.get("message_id", "agent_messages")
    else:
        candidates = [name for name in tables if columns[name] >= _MESSAGES]
        messages = "agent_messages" if "agent_messages" in candidates or not candidates else candidates[0]
        owners = {row[3]: row[2] for row in db.execute(f"PRAGMA foreign_key_list({quoted(messages)})")}
        pair = owners.get("session_id", "agent_sessions"), messages
    known = {name.lower(): name for name in tables}
    for name in pair:
        if name.lower() not in known:
            what = f"has no table {name}" if tables else "is empty"
            raise FileError(
                f"{path} holds no conversations: it {what}.",
                f"Let an agent write it with AdvancedSQLiteSession(create_tables=True). {DEMO_HINT}",
            )
    sessions, messages = (known[name.lower()] for name in pair)
    _require(path, sessions, columns[sessions], {"session_id", "updated_at"})
    _require(path, messages, columns[messages], _MESSAGES)
    return Tables(quoted(sessions), quoted(messages))


def _require(path: Path, table: str, found: set[str], needed: set[str]) -> None:
    if missing := sorted(needed - found):
        raise FileError(
            f"{path} has a table {table} of a shape this version does not know: no column {', '.join(missing)}.",
            "Install a newer convo-tui, or open a file that the OpenAI Agents SDK wrote.",
        )


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA table_info({quoted(table)})")}
