"""What the journal knows of tables: rows in the trash, ranges of ids, and how a branch stands.

Functions over a `Transaction` inside a write transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from tui.model import EntryState, JournalEntry
from tui.storage.engine import Transaction
from tui.storage.queries.branches import read_generation
from tui.storage.schema import TRASH_CELLS, quoted

__all__ = [
    "ENTRY",
    "KEYED",
    "NUMBERED",
    "BranchState",
    "Changes",
    "PendingEntry",
    "Ranges",
    "Row",
    "branch_now",
    "drop",
    "entry_of",
    "find",
    "finish",
    "has_trash",
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

_SIZE: Final = " + ".join(f"COALESCE(length(CAST({cell} AS BLOB)), 0)" for cell in TRASH_CELLS)

Ranges: TypeAlias = list[tuple[int, int]]
Row: TypeAlias = tuple[Any, ...]


@dataclass
class PendingEntry:
    """What is being done; filled in while that is done.

    Attributes:
        description: What was done, one line.
        branch_id: The branch it is done to.
    """

    description: str
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


def finish(tx: Transaction, entry_id: int, changes: Changes, deed: PendingEntry) -> None:
    """Note how the entry leaves what it touched."""
    touched: set[tuple[str, str]] = set()
    for table in ("message_structure", "turn_usage"):
        for first, last in changes.added.get(table, ()):
            touched.update(
                tx.execute(
                    f"SELECT DISTINCT session_id, branch_id FROM {table} WHERE id BETWEEN ? AND ?", (first, last)
                )
            )
        if table in changes.columns:
            session, branch = (TRASH_CELLS[changes.columns[table].index(name)] for name in ("session_id", "branch_id"))
            touched.update(
                tx.execute(
                    f"SELECT DISTINCT {session}, {branch} FROM convo_trash WHERE entry_id = ? AND table_name = ?",
                    (entry_id, table),
                )
            )
    changes.branches = [branch_now(tx, *branch) for branch in sorted(touched)]
    changes.generations = {session_id: read_generation(tx, session_id) for session_id, _ in touched}
    size = tx.execute(f"SELECT COALESCE(SUM({_SIZE}), 0) FROM convo_trash WHERE entry_id = ?", (entry_id,)).fetchone()[
        0
    ]
    tx.execute(
        "UPDATE convo_journal SET words = ?, branch_id = ?, changes = ?, bytes = ? WHERE id = ?",
        (deed.description, deed.branch_id, changes.dump(), size, entry_id),
    )


ENTRY: Final = "id, session_id, branch_id, op, words, state, bytes, CAST(created_at AS TEXT)"
"""Columns of the journal that `entry_of` takes."""


def entry_of(row: Sequence[Any]) -> JournalEntry:
    """An entry from its columns."""
    entry_id, session_id, branch_id, op, words, state, size, at = row
    return JournalEntry(entry_id, session_id, branch_id, op, words, EntryState(state), size, at)


def table_names(tx: Transaction) -> dict[str, str]:
    """The tables of the file that are watched: by the name that the journal gives them, as SQL."""
    known = {"sessions": tx.tables.sessions, "messages": tx.tables.messages}
    for table in (*NUMBERED, *KEYED):
        if table not in known and tx.has_table(table):
            known[table] = table
    return known


def last_id(tx: Transaction, name: str) -> int:
    return int(tx.execute(f"SELECT COALESCE(MAX(id), 0) FROM {name}").fetchone()[0])


def ranges_of(tx: Transaction, sql: str, values: Iterable[object]) -> Ranges:
    """The ids that a query gives in its column `id`, as ranges without holes."""
    values = tuple(values)
    count, first, last = tx.execute(f"SELECT COUNT(*), MIN(id), MAX(id) FROM ({sql})", values).fetchone()
    if count and count == last - first + 1:
        return [(first, last)]
    rows = tx.execute(
        "SELECT MIN(id), MAX(id) FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS island"
        f" FROM ({sql})) GROUP BY island ORDER BY 1",
        values,
    )
    return [(first, last) for first, last in rows]


def find(tx: Transaction, columns: Sequence[str], name: str, key: Row) -> Row | None:
    """A row of a table by its key, its cells in the order of the columns, of which the first are those of the key."""
    where = " AND ".join(f"{quoted(column)} IS ?" for column in columns[: len(key)])
    row: Row | None = tx.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {name} WHERE {where}", key).fetchone()
    return row


def put(tx: Transaction, entry_id: int, table: str, side: int, row: Row) -> None:
    tx.execute(
        f"INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(TRASH_CELLS[: len(row)])})"
        f" VALUES (?, ?, ?, {', '.join('?' * len(row))})",
        (entry_id, table, side, *row),
    )


def save(
    tx: Transaction,
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
    tx.execute(
        f"INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(TRASH_CELLS[: len(columns)])})"
        f" SELECT ?, ?, ?, {', '.join(map(quoted, columns))} FROM {name} WHERE {where}",
        (entry_id, table, side, *values),
    )


def has_trash(tx: Transaction, entry_id: int) -> bool:
    return tx.execute("SELECT 1 FROM convo_trash WHERE entry_id = ? LIMIT 1", (entry_id,)).fetchone() is not None


def drop(tx: Transaction, where: str) -> None:
    tx.execute(f"DELETE FROM convo_trash WHERE entry_id IN (SELECT id FROM convo_journal WHERE {where})")
    tx.execute(f"DELETE FROM convo_journal WHERE {where}")


def branch_now(tx: Transaction, session_id: str, branch_id: str) -> BranchState:
    key = (session_id, branch_id)
    held = [
        tx.execute(
            f"SELECT COUNT(*), COALESCE(MAX(id), 0) FROM {table} WHERE session_id = ? AND branch_id = ?", key
        ).fetchone()
        for table in ("message_structure", "turn_usage")
    ]
    return BranchState(*key, *held[0], *held[1])
