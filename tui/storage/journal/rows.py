"""The stored form of journal entries: rows in the trash, ranges of ids, and the state of branches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import index
from typing import Any, Final, NamedTuple, TypeAlias

from tui.model import EntryState, JournalEntry, Origin
from tui.storage.engine import Transaction
from tui.storage.queries.branches import read_generation
from tui.storage.schema import CONVO_CLEARED, CONVO_TEXTS, MAIN, TRASH_CELLS, quoted
from tui.storage.sql import insert_into

__all__ = [
    "AFTER",
    "BEFORE",
    "CLEAR",
    "COMPACT",
    "DAMAGES",
    "KEYED_TABLES",
    "NUMBERED_TABLES",
    "RUN",
    "SHARED_TABLES",
    "TEXTS",
    "BranchState",
    "Changes",
    "IdRanges",
    "PendingEntry",
    "Row",
    "by_place",
    "cells_of",
    "complete_entry",
    "copy_cleared",
    "copy_to_trash",
    "delete_cleared",
    "end_redo",
    "entries_made_here",
    "entry_columns",
    "entry_from_row",
    "find_row",
    "greatest_ids",
    "has_trash",
    "id_ranges",
    "insert_into_trash",
    "key_condition",
    "move_cleared_to_trash",
    "read_branch_state",
    "recorded_tables",
    "values_of",
    "write_entry",
]

NUMBERED_TABLES: Final = (
    "messages",
    "message_structure",
    "turn_usage",
    "convo_runs",
    "convo_requests",
    "convo_request_inputs",
    "convo_paused_runs",
)
"""Tables whose rows have growing ids: an entry stores the rows that it added as ranges of ids.

An entry may change a row once: it stores the row as it was before, and its id among the added ones.
"""

KEYED_TABLES: Final = (
    "sessions",
    "session_clear_generations",
    "convo_branches",
    "convo_compactions",
    "convo_usage",
    "convo_labels",
    "convo_sessions",
    "convo_copies",
)
"""Tables whose rows change: an entry stores a changed row as it was before and as it was after the change."""

TEXTS: Final = CONVO_TEXTS.name
"""The table of texts that requests share."""

SHARED_TABLES: Final = (TEXTS, "convo_messages", "convo_message_types")
"""Tables whose rows are used by rows of other tables: an entry stores those that became unused."""

BEFORE: Final = 0
"""The `side` of rows in the trash that are restored when the entry is undone."""

AFTER: Final = 1
"""The `side` of rows in the trash that are removed when the entry is undone."""

CLEAR: Final = "clear"
"""The operation of an entry for a session that a program cleared."""

COMPACT: Final = "compact"
"""The operation of an entry for a compacted branch."""

RUN: Final = "run"
"""The operation of an entry for a message and its answer."""

DAMAGES: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""The errors that the data of an entry raises if another program has changed it."""

IdRanges: TypeAlias = list[tuple[int, int]]
Row: TypeAlias = tuple[Any, ...]


@dataclass
class PendingEntry:
    """The fields of an entry that can be set while its change is made.

    Attributes:
        description: The change, on one line.
        branch_id: The changed branch; None for the session itself.
    """

    description: str
    branch_id: str | None = None


class BranchState(NamedTuple):
    """The numbers and the last ids of a branch's items and usage rows, by which later changes are noticed."""

    session_id: str
    branch_id: str
    items: int
    last_item: int
    usages: int
    last_usage: int


@dataclass
class Changes:
    """The data for undoing or redoing an entry that is not in the trash; stored as JSON.

    Attributes:
        columns: The columns of each table, in the order of the cells in the trash.
        added: Ids of the rows that the entry added or changed, by table; of `convo_cleared` those of the entry.
        branches: The changed branches, as they were after the change.
        generations: The clear generation of each changed session, as it was after the change.
        created: Ids of the messages that the entry added and that are in one of `SHARED_TABLES`.
    """

    columns: dict[str, list[str]] = field(default_factory=dict)
    added: dict[str, IdRanges] = field(default_factory=dict)
    branches: list[BranchState] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)
    created: IdRanges = field(default_factory=list)

    @classmethod
    def parse(cls, text: Any) -> Changes:
        """Decode the stored form; one of `DAMAGES` is raised for another value."""
        stored = json.loads(text)

        def ranges_of(found: Any) -> IdRanges:
            return [(index(first), index(last)) for first, last in found]

        return cls(
            {table: list(columns) for table, columns in stored["columns"].items()},
            {table: ranges_of(ranges) for table, ranges in stored["added"].items()},
            [BranchState(*branch) for branch in stored["branches"]],
            dict(stored["generations"]),
            ranges_of(stored.get("created", ())),
        )

    def dump(self) -> str:
        """Encode the stored form."""
        return json.dumps({name: value for name, value in vars(self).items() if value or name != "created"})


entries_made_here: Final[set[int]] = set()
"""The ids of the entries that this process made, of whichever file."""

_STARTED: Final = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")

_TEXTS_OF_ENTRY: Final = ("session_id", "branch_id", "op", "words", "state", "created_at")


def entry_columns(tx: Transaction) -> str:
    """Return the columns of the journal that `entry_from_row` takes."""
    texts = ", ".join(f"CAST({name} AS TEXT)" for name in _TEXTS_OF_ENTRY)
    return f"id, {tx.dialect.as_integer('bytes')}, {texts}"


def entry_from_row(row: Sequence[Any]) -> JournalEntry:
    """Return the entry with these `entry_columns`."""
    entry_id, size, session_id, branch_id, operation, description, state, created_at = row
    origin = Origin.EARLIER if (created_at or "") < _STARTED else Origin.ELSEWHERE
    origin = Origin.HERE if entry_id in entries_made_here else origin
    state = EntryState(state)
    return JournalEntry(entry_id, session_id, branch_id, operation, description, state, size, created_at, origin)


def complete_entry(tx: Transaction, entry_id: int, changes: Changes, entry: PendingEntry) -> None:
    """Set the branches and generations of `changes`, and store everything that is known of an entry."""
    branches: set[tuple[str, str]] = set()
    identifiers = recorded_tables(tx)
    tables = {"message_structure": "branch_id", "turn_usage": "branch_id"}
    if tx.layout.derives_main:
        tables["messages"] = f"'{MAIN}'"
    for table, branch in tables.items():
        for first, last in changes.added.get(table, ()):
            sql = f"SELECT DISTINCT session_id, {branch} FROM {identifiers[table]} WHERE id BETWEEN :first AND :last"
            branches.update(tx.execute(sql, first=first, last=last))
        if (columns := changes.columns.get(table)) is not None:
            session = TRASH_CELLS[columns.index("session_id")]
            cell = TRASH_CELLS[columns.index(branch)] if branch in columns else branch
            sql = (
                f"SELECT DISTINCT {session}, {cell} FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table"
            )
            branches.update(tx.execute(sql, entry_id=entry_id, table=table))
    changes.branches = [read_branch_state(tx, *branch) for branch in sorted(branches)]
    changes.generations = {session_id: read_generation(tx, session_id) for session_id, _ in branches}
    write_entry(tx, entry_id, changes, entry, _stored_bytes(tx, entry_id))


def write_entry(tx: Transaction, entry_id: int, changes: Changes, entry: PendingEntry, stored_bytes: int) -> None:
    """Store everything that is known of an entry."""
    tx.execute(
        "UPDATE convo_journal SET words = :description, branch_id = :branch_id, changes = :changes, bytes = :bytes"
        " WHERE id = :entry_id",
        description=entry.description,
        branch_id=entry.branch_id,
        changes=changes.dump(),
        bytes=stored_bytes,
        entry_id=entry_id,
    )


def _stored_bytes(tx: Transaction, entry_id: int) -> int:
    """Return the bytes that the rows of an entry take in the trash."""
    size = " + ".join(f"COALESCE({tx.dialect.stored_length(cell)}, 0)" for cell in TRASH_CELLS)
    sql = f"SELECT COALESCE(SUM({size}), 0) FROM convo_trash WHERE entry_id = :entry_id"
    return int(tx.execute(sql, entry_id=entry_id).fetchone()[0])


def by_place(tx: Transaction) -> str:
    """Return the expression by which entries are in order: done entries first, then those that can be redone."""
    return "COALESCE(place, id)" if _has_places(tx) else "id"


def _has_places(tx: Transaction) -> bool:
    return "place" in tx.columns("convo_journal")


def end_redo(tx: Transaction, session_id: str, entry_id: int) -> None:
    """Delete the undone entries of a session that has a new entry, and place those of other sessions after that."""
    of_session = "state = 'undone' AND session_id = :session_id"
    sql = f"DELETE FROM convo_trash WHERE entry_id IN (SELECT id FROM convo_journal WHERE {of_session})"
    tx.execute(sql, session_id=session_id)
    tx.execute(f"DELETE FROM convo_journal WHERE {of_session}", session_id=session_id)
    others = tx.execute("SELECT 1 FROM convo_journal WHERE state = 'undone' LIMIT 1").fetchone()
    if others is None:
        return
    if not _has_places(tx):
        tx.execute("ALTER TABLE convo_journal ADD COLUMN place REAL")
    undone = tx.execute(f"SELECT id FROM convo_journal WHERE state = 'undone' ORDER BY {by_place(tx)}").fetchall()
    for number, (undone_id,) in enumerate(undone, 1):
        # Before the entries that come next, whose places are their ids.
        place = entry_id + number / (len(undone) + 1)
        tx.execute("UPDATE convo_journal SET place = :place WHERE id = :id", place=place, id=undone_id)


def recorded_tables(tx: Transaction) -> dict[str, str]:
    """Return the tables whose changes are recorded: for each name in the journal, its SQL identifier."""
    tables = tx.tables
    identifiers = {"sessions": tables.sessions, "messages": tables.messages}
    others = {
        "message_structure": tables.structure,
        "turn_usage": tables.usage,
        "session_clear_generations": tables.generations,
    }
    for table in (*NUMBERED_TABLES, *KEYED_TABLES, *SHARED_TABLES):
        if table not in identifiers and tx.has_table(identifier := others.get(table, table)):
            identifiers[table] = identifier
    return identifiers


def cells_of(tx: Transaction, identifier: str, columns: Iterable[str]) -> str:
    """Return expressions for the cells of a row of a table."""
    return ", ".join(tx.as_cell(identifier, column) for column in columns)


def values_of(tx: Transaction, identifier: str, columns: Iterable[str], cells: Iterable[str]) -> str:
    """Return expressions for the values of a row of a table, given its cells."""
    return ", ".join(tx.from_cell(identifier, column, cell) for column, cell in zip(columns, cells, strict=False))


def greatest_ids(tx: Transaction, tables: Mapping[str, str]) -> dict[str, int]:
    """Return the greatest id in each table, given as its SQL identifier; 0 if it is empty."""
    greatest = ", ".join(f"(SELECT COALESCE(MAX(id), 0) FROM {identifier})" for identifier in tables.values())
    return dict(zip(tables, map(int, tx.execute(f"SELECT {greatest}").fetchone()), strict=True))


def id_ranges(tx: Transaction, sql: str, **values: object) -> IdRanges:
    """Return the values of a query's column `id` as ranges without gaps."""
    count, first, last = tx.execute(f"SELECT COUNT(*), MIN(id), MAX(id) FROM ({sql}) AS ids", **values).fetchone()
    if count and count == last - first + 1:
        return [(first, last)]
    rows = tx.execute(
        "SELECT MIN(id), MAX(id) FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS island"
        f" FROM ({sql}) AS ids) AS islands GROUP BY island ORDER BY 1",
        **values,
    )
    return [(first, last) for first, last in rows]


def key_condition(tx: Transaction, identifier: str, columns: Sequence[str], key: Row) -> tuple[str, dict[str, object]]:
    """Return the condition that the first columns have the values of a key, and its named values."""
    names = [f"key{index}" for index in range(len(key))]
    condition = " AND ".join(
        f"{quoted(column)} IS NULL" if value is None else f"{tx.as_cell(identifier, column)} = :{name}"
        for column, name, value in zip(columns, names, key, strict=False)
    )
    return condition, {name: value for name, value in zip(names, key, strict=True) if value is not None}


def find_row(tx: Transaction, identifier: str, columns: Sequence[str], key: Row) -> Row | None:
    """Return the cells of the row of a table whose first columns have the values of a key; None if there is none."""
    condition, values = key_condition(tx, identifier, columns, key)
    sql = f"SELECT {cells_of(tx, identifier, columns)} FROM {identifier} WHERE {condition}"
    row: Row | None = tx.execute(sql, **values).fetchone()
    return row


def read_branch_state(tx: Transaction, session_id: str, branch_id: str) -> BranchState:
    """Return the current state of a branch."""
    items = tx.layout.branch_rows(tx, branch_id)
    counts = [
        tx.execute(
            f"SELECT COUNT(*), COALESCE(MAX(id), 0) FROM {table} WHERE {condition}",
            session_id=session_id,
            branch_id=branch_id,
        ).fetchone()
        for table, condition in (items[1:], (tx.tables.usage, "session_id = :session_id AND branch_id = :branch_id"))
    ]
    return BranchState(session_id, branch_id, *counts[0], *counts[1])


def copy_cleared(tx: Transaction, entry_id: int, changes: Changes, tables: Mapping[str, str], session_id: str) -> int:
    """Copy the rows of a session that is cleared to `convo_cleared`, and return their number.

    That is fast, as the session may be large.
    """
    CONVO_CLEARED.create(tx)
    copied = last_id = 0
    own_id = own_value = ""
    if tx.dialect.has_one_writer:
        last_id = _last_cleared(tx)
    else:
        own_id, own_value = "id, ", ":entry_id, "
    for table, identifier in tables.items():
        columns = changes.columns[table]
        copied += tx.execute(
            f"INSERT INTO convo_cleared ({own_id}table_name, {', '.join(TRASH_CELLS[: len(columns)])})"
            f" SELECT {own_value}:table, {cells_of(tx, identifier, columns)} FROM {identifier}"
            " WHERE session_id = :session_id",
            entry_id=entry_id,
            table=table,
            session_id=session_id,
        ).rowcount
    if tx.dialect.has_one_writer:
        changes.added[CONVO_CLEARED.name] = [(last_id + 1, _last_cleared(tx))]
    else:
        changes.added[CONVO_CLEARED.name] = [(entry_id, entry_id)]
    return copied


def _last_cleared(tx: Transaction) -> int:
    return greatest_ids(tx, {CONVO_CLEARED.name: CONVO_CLEARED.name})[CONVO_CLEARED.name]


def move_cleared_to_trash(tx: Transaction, entry_id: int, changes: Changes) -> None:
    """Move the rows of an entry from `convo_cleared` to the trash."""
    cells = ", ".join(TRASH_CELLS)
    for first, last in changes.added.get(CONVO_CLEARED.name, ()):
        tx.execute(
            f"INSERT INTO convo_trash (entry_id, table_name, side, {cells})"
            f" SELECT :entry_id, table_name, {BEFORE}, {cells} FROM convo_cleared WHERE id BETWEEN :first AND :last",
            entry_id=entry_id,
            first=first,
            last=last,
        )
    delete_cleared(tx, changes)


def delete_cleared(tx: Transaction, changes: Changes) -> None:
    """Delete the rows of an entry from `convo_cleared`."""
    for first, last in changes.added.pop(CONVO_CLEARED.name, ()):
        tx.execute("DELETE FROM convo_cleared WHERE id BETWEEN :first AND :last", first=first, last=last)


def has_trash(tx: Transaction, entry_id: int) -> bool:
    """Return whether the trash has rows of an entry."""
    sql = "SELECT 1 FROM convo_trash WHERE entry_id = :entry_id LIMIT 1"
    return tx.execute(sql, entry_id=entry_id).fetchone() is not None


def insert_into_trash(tx: Transaction, entry_id: int, table: str, side: int, row: Row) -> None:
    """Store a row in the trash, on the side `BEFORE` or `AFTER`."""
    values = {"entry_id": entry_id, "table_name": table, "side": side, **dict(zip(TRASH_CELLS, row, strict=False))}
    tx.execute(insert_into("convo_trash", values), **values)


def copy_to_trash(
    tx: Transaction,
    entry_id: int,
    table: str,
    identifier: str,
    columns: Sequence[str],
    side: int,
    condition: str = "TRUE",
    values: Mapping[str, object] | None = None,
) -> None:
    """Copy the rows of a table that fulfil a condition to the trash, on the side `BEFORE` or `AFTER`."""
    tx.execute(
        f"INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(TRASH_CELLS[: len(columns)])})"
        f" SELECT :entry_id, :table, :side, {cells_of(tx, identifier, columns)} FROM {identifier} WHERE {condition}",
        **{"entry_id": entry_id, "table": table, "side": side, **(values or {})},
    )
