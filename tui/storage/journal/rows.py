"""What the journal knows of tables: rows in the trash, ranges of ids, and how a branch stands.

Functions over a `sqlite3.Connection` inside a write transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from tui.model import EntryState, JournalEntry
from tui.storage.queries import branches
from tui.storage.schema import TRASH_WIDTH, Conversation, Tables, has_table
from tui.storage.sqlite.opening import quoted

__all__ = [
    "CELLS",
    "ENTRY",
    "KEYED",
    "NUMBERED",
    "BranchState",
    "Changes",
    "PendingEntry",
    "Ranges",
    "Row",
    "branch_now",
    "columns_of",
    "drop",
    "entry_of",
    "find",
    "finish",
    "has_trash",
    "key_of",
    "last_id",
    "put",
    "ranges_of",
    "save",
    "table_names",
]

NUMBERED: Final = ("messages", "message_structure", "turn_usage", "convo_runs")
"""Tables whose rows never change and bear an id that only grows: what an entry added is a few ranges of ids."""

KEYED: Final = ("sessions", "session_clear_generations", "convo_branches", "convo_usage", "convo_labels")
"""Tables whose rows change: each row is kept as it was before the entry and as it was after it."""

CELLS: Final = tuple(f"c{column}" for column in range(TRASH_WIDTH))
_SIZE: Final = " + ".join(f"COALESCE(length(CAST({cell} AS BLOB)), 0)" for cell in CELLS)

Ranges: TypeAlias = list[tuple[int, int]]
Row: TypeAlias = tuple[Any, ...]


@dataclass
class PendingEntry:
    """What is being done; filled in while that is done.

    Attributes:
        words: What was done, one line.
        branch_id: The branch it is done to.
    """

    words: str
    branch_id: str | None = None


class BranchState(NamedTuple):
    """What a branch holds: how much, and what came last."""

    session_id: str
    branch_id: str
    items: int
    last_item: int
    usages: int
    last_usage: int


@dataclass
class Changes:
    """What turns an entry over.

    Attributes:
        columns: The columns of each table as the trash keeps them.
        added: Ids of the rows that are there because of the entry.
        branches: The branches it touched, as it left them.
        generations: How often each session that it touched had been cleared.
    """

    columns: dict[str, list[str]] = field(default_factory=dict)
    added: dict[str, Ranges] = field(default_factory=dict)
    branches: list[BranchState] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Changes:
        stored = json.loads(text)
        return cls(
            stored["columns"],
            {table: [(first, last) for first, last in ranges] for table, ranges in stored["added"].items()},
            [BranchState(*branch) for branch in stored["branches"]],
            stored["generations"],
        )

    def dump(self) -> str:
        return json.dumps(vars(self))


def finish(db: sqlite3.Connection, tables: Tables, entry_id: int, changes: Changes, deed: PendingEntry) -> None:
    """Note how the entry leaves what it touched."""
    touched: set[tuple[str, str]] = set()
    for table in ("message_structure", "turn_usage"):
        for first, last in changes.added.get(table, ()):
            touched.update(
                db.execute(
                    f"SELECT DISTINCT session_id, branch_id FROM {table} WHERE id BETWEEN ? AND ?", (first, last)
                )
            )
        if table in changes.columns:
            session, branch = (CELLS[changes.columns[table].index(name)] for name in ("session_id", "branch_id"))
            touched.update(
                db.execute(
                    f"SELECT DISTINCT {session}, {branch} FROM convo_trash WHERE entry_id = ? AND table_name = ?",
                    (entry_id, table),
                )
            )
    changes.branches = [branch_now(db, *branch) for branch in sorted(touched)]
    changes.generations = {
        session_id: branches.generation(db, Conversation(session_id, tables)) for session_id, _ in touched
    }
    size = db.execute(f"SELECT COALESCE(SUM({_SIZE}), 0) FROM convo_trash WHERE entry_id = ?", (entry_id,)).fetchone()[
        0
    ]
    db.execute(
        "UPDATE convo_journal SET words = ?, branch_id = ?, changes = ?, bytes = ? WHERE id = ?",
        (deed.words, deed.branch_id, changes.dump(), size, entry_id),
    )


ENTRY: Final = "id, session_id, branch_id, op, words, state, bytes, CAST(created_at AS TEXT)"
"""Columns of the journal that `entry_of` takes."""


def entry_of(row: Sequence[Any]) -> JournalEntry:
    """An entry from its columns."""
    entry_id, session_id, branch_id, op, words, state, size, at = row
    return JournalEntry(entry_id, session_id, branch_id, op, words, EntryState(state), size, at)


def table_names(db: sqlite3.Connection, tables: Tables) -> dict[str, str]:
    """The tables of the file that are watched: by the name that the journal gives them, as SQL."""
    known = {"sessions": tables.sessions, "messages": tables.messages}
    for table in (*NUMBERED, *KEYED):
        if table not in known and has_table(db, table):
            known[table] = table
    return known


def columns_of(db: sqlite3.Connection, name: str) -> list[str]:
    """The columns of a table, those of its key first."""
    key = key_of(db, name)
    return [*key, *(row[1] for row in db.execute(f"PRAGMA table_info({name})") if row[1] not in key)]


def key_of(db: sqlite3.Connection, name: str) -> list[str]:
    rows = sorted((row[5], row[1]) for row in db.execute(f"PRAGMA table_info({name})") if row[5])
    return [column for _, column in rows]


def last_id(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"SELECT COALESCE(MAX(id), 0) FROM {name}").fetchone()[0])


def ranges_of(db: sqlite3.Connection, sql: str, values: Iterable[object]) -> Ranges:
    """The ids that a query gives in its column `id`, as ranges without holes."""
    values = tuple(values)
    count, first, last = db.execute(f"SELECT COUNT(*), MIN(id), MAX(id) FROM ({sql})", values).fetchone()
    if count and count == last - first + 1:
        return [(first, last)]
    rows = db.execute(
        "SELECT MIN(id), MAX(id) FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS island"
        f" FROM ({sql})) GROUP BY island ORDER BY 1",
        values,
    )
    return [(first, last) for first, last in rows]


def find(db: sqlite3.Connection, columns: Sequence[str], name: str, key: Row) -> Row | None:
    """A row of a table by its key, its cells in the order of the columns, of which the first are those of the key."""
    where = " AND ".join(f"{quoted(column)} IS ?" for column in columns[: len(key)])
    row: Row | None = db.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {name} WHERE {where}", key).fetchone()
    return row


def put(db: sqlite3.Connection, entry_id: int, table: str, side: int, row: Row) -> None:
    db.execute(
        f"INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(CELLS[: len(row)])})"
        f" VALUES (?, ?, ?, {', '.join('?' * len(row))})",
        (entry_id, table, side, *row),
    )


def save(
    db: sqlite3.Connection,
    entry_id: int,
    changes: Changes,
    table: str,
    name: str,
    side: int,
    where: str = "TRUE",
    values: Row = (),
) -> None:
    """Copy rows of a table to the trash."""
    columns = changes.columns[table]
    db.execute(
        f"INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(CELLS[: len(columns)])})"
        f" SELECT ?, ?, ?, {', '.join(map(quoted, columns))} FROM {name} WHERE {where}",
        (entry_id, table, side, *values),
    )


def has_trash(db: sqlite3.Connection, entry_id: int) -> bool:
    return db.execute("SELECT 1 FROM convo_trash WHERE entry_id = ? LIMIT 1", (entry_id,)).fetchone() is not None


def drop(db: sqlite3.Connection, where: str) -> None:
    db.execute(f"DELETE FROM convo_trash WHERE entry_id IN (SELECT id FROM convo_journal WHERE {where})")
    db.execute(f"DELETE FROM convo_journal WHERE {where}")


def branch_now(db: sqlite3.Connection, session_id: str, branch_id: str) -> BranchState:
    key = (session_id, branch_id)
    held = [
        db.execute(
            f"SELECT COUNT(*), COALESCE(MAX(id), 0) FROM {table} WHERE session_id = ? AND branch_id = ?", key
        ).fetchone()
        for table in ("message_structure", "turn_usage")
    ]
    return BranchState(*key, *held[0], *held[1])
