"""Damages copies of a file: values of other types, implausible numbers, other schemas, random bytes."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from tests.conversations import open_sdk, run_result, turn
from tui.storage.editor import Editor

__all__ = ["VALUES", "change", "damage", "write_sample"]

_WITHOUT_CONSTRAINTS: Final = "CREATE TABLE copy AS SELECT * FROM {0}; DROP TABLE {0}; ALTER TABLE copy RENAME TO {0};"

VALUES: Final = (
    "NULL",
    "x'ff00'",
    "x''",
    "'text'",
    "''",
    "CAST(x'ff' AS TEXT)",
    "CAST(x'66ff00' AS TEXT)",
    "-1",
    "0",
    "1000000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "1e19",
    "2.5",
    "9e999",
    "'NaN'",
    "'{}'",
    "'[[[['",
    "zeroblob(3)",
)


async def write_sample(path: Path) -> None:
    """Write a session with forks, tools and usage, a plain session, and labels and changes of the explorer."""
    sdk = open_sdk(path, "trip")
    for number in range(1, 5):
        await sdk.add_items(turn(f"question {number} about paris", f"answer {number}", tool="look"))
        await sdk.store_run_usage(run_result(100 * number))
    await sdk.create_branch_from_turn(3, "budget")
    await sdk.add_items(turn("elsewhere"))
    sdk.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("INSERT INTO agent_sessions (session_id) VALUES ('plain')")
        for text in ('{"role": "user", "content": "hello"}', '{"role": "assistant", "content": "paris"}'):
            db.execute("INSERT INTO agent_messages (session_id, message_data) VALUES ('plain', ?)", (text,))
    editor = Editor(path, "agent_sessions", "agent_messages")
    await editor.fork("trip", "main", 2, "cheap")
    await editor.label("trip", "cheap", title="Cheap", note="a note", description="Renamed")
    await editor.label("trip", None, title="A trip", pinned=True, description="Renamed")


def change(path: Path, *statements: str) -> None:
    """Run statements in a file."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def damage(path: Path, chance: random.Random) -> str:
    """Damage a file in one to three ways, and return what was done."""
    done = []
    for _ in range(chance.randint(1, 3)):
        way = chance.choice((_other_value, _other_value, _other_value, _other_schema, _other_bytes))
        with suppress(sqlite3.Error, UnicodeDecodeError):
            done.append(way(path, chance))
    return "; ".join(done)


def _other_value(path: Path, chance: random.Random) -> str:
    """Store a value of another type in one row, some rows or all rows of a column."""
    with closing(sqlite3.connect(path)) as db, db:
        table, column = chance.choice(_columns(db))
        where = chance.choice(("TRUE", "rowid % 3 = 1", f"rowid = (SELECT MIN(rowid) FROM {table})"))
        sql = f"UPDATE OR IGNORE {table} SET {column} = {chance.choice(VALUES)} WHERE {where}"
        if chance.random() < 0.7:
            _drop_constraints(db, table)
        db.execute(sql)
    return sql


def _other_schema(path: Path, chance: random.Random) -> str:
    with closing(sqlite3.connect(path)) as db:
        table, column = chance.choice(_columns(db))
        change: Callable[[], str] = chance.choice(
            (
                lambda: f"DROP TABLE {table}",
                lambda: f"ALTER TABLE {table} RENAME COLUMN {column} TO renamed",
                lambda: f"ALTER TABLE {table} RENAME TO renamed; CREATE VIEW {table} AS SELECT * FROM renamed",
                lambda: _WITHOUT_CONSTRAINTS.format(table),
                lambda: f"DELETE FROM {table}",
                lambda: (
                    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET"
                    f" sql = replace(sql, 'CREATE', CAST(x'43ff' AS TEXT)) WHERE name = '{table}'"
                ),
                lambda: (
                    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET"
                    f" sql = replace(sql, ' NOT NULL', ' NOT NULL ON CONFLICT REPLACE') WHERE name = '{table}'"
                ),
            )
        )
        sql = change()
        db.executescript(sql)
    return sql


def _other_bytes(path: Path, chance: random.Random) -> str:
    """Change single bytes, or exchange two pages."""
    stored = bytearray(path.read_bytes())
    if chance.random() < 0.3:
        pages = len(stored) // 4096
        first, second = (4096 * chance.randrange(1, pages) for _ in range(2))
        stored[first : first + 4096], stored[second : second + 4096] = (
            stored[second : second + 4096],
            stored[first : first + 4096],
        )
        done = f"pages {first} and {second} exchanged"
    else:
        places = [chance.randrange(len(stored)) for _ in range(chance.randint(1, 40))]
        for place in places:
            stored[place] = chance.randrange(256)
        done = f"bytes changed at {places}"
    path.write_bytes(stored)
    return done


def _columns(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute(
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
    ).fetchall()


def _drop_constraints(db: sqlite3.Connection, table: str) -> None:
    """Make a table whose columns take any value."""
    db.executescript(_WITHOUT_CONSTRAINTS.format(table))
