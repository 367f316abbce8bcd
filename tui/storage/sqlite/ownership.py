"""Preparing a session's file: the write-ahead log, the tables, and the check of the base tables.

`message_structure` and `turn_usage` have fixed names, so a file can serve only one pair of base tables, its owner. The
foreign keys of the two tables refer to that pair; SQLite does not enforce them.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final, NamedTuple

from tui.storage.queries.branches import claim_generation, reserve_existing_branches
from tui.storage.schema import create_base_tables, create_other_tables, create_structure_tables
from tui.storage.sqlite.engine import SQLiteTransaction
from tui.storage.tables import Tables

__all__ = ["check_tables", "enable_wal", "make_tables"]

_OWNED: Final = {
    "message_structure": {"session_id": "session_id", "message_id": "id"},
    "turn_usage": {"session_id": "session_id"},
}
"""The columns of each table that must be foreign keys, with the columns of the base tables that they refer to."""

_RETRY_SECONDS: Final = 0.01


class _ForeignKey(NamedTuple):
    id: int
    seq: int
    table: str
    source: str
    target: str | None
    on_update: str
    on_delete: str
    match: str


def enable_wal(db: sqlite3.Connection) -> None:
    """Turn the write-ahead log on, and wait for a lock as long as any statement waits.

    SQLite itself does not wait when two processes open a new file at the same time.

    Raises:
        sqlite3.OperationalError: The file stays locked, or cannot be written.
    """
    (milliseconds,) = db.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + milliseconds / 1000
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error).lower() or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def make_tables(tx: SQLiteTransaction, path: str | Path, session_id: str) -> None:
    """Make missing tables, and check that the file belongs to the base tables of the transaction.

    Raises:
        ValueError: The file belongs to other base tables.
        sqlite3.OperationalError: The file or a table's name cannot be used.
    """
    create_base_tables(tx)
    create_structure_tables(tx)
    # The owner is checked before anything else reads the tables.
    _check_owner(tx.db, tx.tables, path)
    create_other_tables(tx)
    reserve_existing_branches(tx, session_id)
    claim_generation(tx, session_id)


def check_tables(tx: SQLiteTransaction, path: str | Path) -> None:
    """Check that the file belongs to the base tables of the transaction.

    Raises:
        ValueError: The tables are missing, or the file belongs to other base tables.
        sqlite3.OperationalError: The file or a table's name cannot be used.
    """
    _check_owner(tx.db, tx.tables, path)
    create_base_tables(tx)


def _check_owner(db: sqlite3.Connection, tables: Tables, path: str | Path) -> None:
    recorded: dict[str, dict[str, _ForeignKey]] = {}
    for table, columns in _OWNED.items():
        keys = _foreign_keys(db, table)
        recorded[table] = {}
        for column in columns:
            found = [key for key in keys if _same_name(key.source, column)]
            if len(found) != 1:
                raise ValueError(
                    f"The `{table}` table in {path} does not record exactly one owner foreign key for each required "
                    "base-table column. Construct an AdvancedSQLiteSession with create_tables=True to create and "
                    "claim the structure tables before opening the database without them."
                )
            recorded[table][column] = found[0]

    sessions, messages = _base_tables(db, tables, path)
    base = {"session_id": sessions, "message_id": messages}
    for table, columns in _OWNED.items():
        keys_of = recorded[table]
        if not all(
            _same_name(keys_of[column].table, base[column]) and _same_name(keys_of[column].target, target)
            for column, target in columns.items()
        ):
            found_names = "/".join(f"{keys_of[column].table}({keys_of[column].target})" for column in columns)
            configured = "/".join(base[column] for column in columns)
            raise ValueError(
                f"The `{table}` table in {path} already belongs to '{found_names}', not to the configured "
                f"'{configured}'. Structure tables are shared per database file, so give each "
                "sessions_table/messages_table pair its own db_path."
            )


def _base_tables(db: sqlite3.Connection, tables: Tables, path: str | Path) -> tuple[str, str]:
    """Return the names of the base tables, and check that the messages table refers to the sessions table."""
    try:
        sessions = _resolve(db, tables.sessions)
        messages = _resolve(db, tables.messages)
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error).lower():
            raise
        raise ValueError(
            f"The configured base tables in {path} are missing. Construct an AdvancedSQLiteSession with "
            "create_tables=True to initialize and claim the database before opening it without table creation."
        ) from error
    owners = [
        key.table
        for key in _foreign_keys(db, tables.messages)
        if _same_name(key.source, "session_id") and _same_name(key.target, "session_id")
    ]
    if len(owners) != 1 or not _same_name(owners[0], sessions):
        found = owners[0] if len(owners) == 1 else "ambiguous ownership"
        raise ValueError(
            f"The configured messages table '{messages}' in {path} belongs to sessions table '{found}', not to the "
            f"configured '{sessions}'. Give each sessions_table/messages_table pair its own db_path."
        )
    return sessions, messages


def _resolve(db: sqlite3.Connection, identifier: str) -> str:
    """Return the name of the table that SQLite reads for an identifier, which may be quoted or differ in case."""
    read: set[str] = set()

    def note(action: int, table: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table is not None:
            read.add(table)
        return sqlite3.SQLITE_OK

    db.set_authorizer(note)
    try:
        db.execute(f"SELECT * FROM {identifier} LIMIT 0")
    finally:
        db.set_authorizer(None)
    if len(read) != 1:
        raise ValueError(f"The configured table identifier '{identifier}' is ambiguous.")
    return read.pop()


def _foreign_keys(db: sqlite3.Connection, table: str) -> list[_ForeignKey]:
    return [_ForeignKey(*row) for row in db.execute(f"PRAGMA foreign_key_list({table})")]


def _same_name(left: str | None, right: str) -> bool:
    """Return whether SQLite treats two names as the same: it ignores the case of ASCII letters, as `bytes.lower`."""
    return left is not None and left.encode().lower() == right.encode().lower()
