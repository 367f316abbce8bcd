"""What the explorer did to a file, so that it can be undone and done again.

Whatever writes inside `recorded` is written down while it writes: rows that it deletes go to the trash, rows that it
adds are known by their ids. `undoing` turns an entry over.

Functions over a `sqlite3.Connection` inside a write transaction; all of them leave it as it is to be committed, or
raise.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tui.model import JournalEntry
from tui.storage.journal.rows import (
    CELLS,
    ENTRY,
    KEYED,
    NUMBERED,
    Changes,
    PendingEntry,
    Row,
    columns_of,
    drop,
    entry_of,
    find,
    finish,
    has_trash,
    key_of,
    last_id,
    put,
    ranges_of,
    save,
    table_names,
)
from tui.storage.schema import CONVO_JOURNAL, CONVO_TRASH, TRASH_INDEX, Tables, has_table
from tui.storage.sqlite.engine import Snapshot
from tui.storage.sqlite.opening import quoted

__all__ = ["BranchCheckpoint", "PendingEntry", "empty_trash", "entries", "keep", "mark", "note_since", "recorded"]


class BranchCheckpoint(NamedTuple):
    """How a branch stands before others write to it.

    Attributes:
        session_id: The session.
        branch_id: The branch.
        items: How many items it has.
        last: The last id that each table with ids has for it.
        recorded: What is recorded of the branch while it has no items; None once it has some.
    """

    session_id: str
    branch_id: str
    items: int
    last: dict[str, int]
    recorded: Row | None


@contextmanager
def recorded(
    db: sqlite3.Connection, tables: Tables, session_id: str, op: str, words: str = ""
) -> Iterator[PendingEntry]:
    """Write down what is done inside, as one entry; what had been undone before can then not be done again.

    Nothing is written down where nothing is changed.

    Args:
        db: Inside a write transaction.
        tables: The file's base tables.
        session_id: The session.
        op: What kind of thing is done, one word.
        words: What is done, one line; may be left to what is done inside.
    """
    _prepare(db)
    entry_id = _begin(db, session_id, op)
    names = table_names(db, tables)
    changes = Changes({table: columns_of(db, name) for table, name in names.items()})
    marks: dict[str, int] = {table: last_id(db, names[table]) for table in NUMBERED if table in names}
    # REPLACE deletes without a word otherwise.
    db.execute("PRAGMA recursive_triggers = ON")
    triggers = [*_watch(db, names, changes, entry_id)]
    deed = PendingEntry(words)
    try:
        yield deed
    finally:
        for trigger in triggers:
            # An error that undid the transaction has undone them too.
            db.execute(f"DROP TRIGGER IF EXISTS temp.{trigger}")
    names = table_names(db, tables)
    for table in names.keys() - changes.columns.keys():
        changes.columns[table] = columns_of(db, names[table])
        if table in KEYED:
            save(db, entry_id, changes, table, names[table], 1)
    for table in NUMBERED:
        if table in names:
            mark = marks.get(table, 0)
            if ranges := ranges_of(db, f"SELECT id FROM {names[table]} WHERE id > ?", (mark,)):
                changes.added[table] = ranges
            # A row that came and went inside is nothing to bring back.
            db.execute(
                "DELETE FROM convo_trash WHERE entry_id = ? AND table_name = ? AND c0 > ?", (entry_id, table, mark)
            )
    for table in KEYED:
        if table in names:
            _settle_rows(db, entry_id, changes, table, names[table])
    if changes.added or has_trash(db, entry_id):
        finish(db, tables, entry_id, changes, deed)
        drop(db, "state = 'undone'")
    else:
        db.execute("DELETE FROM convo_journal WHERE id = ?", (entry_id,))


def mark(db: sqlite3.Connection, tables: Tables, session_id: str, branch_id: str) -> BranchCheckpoint:
    """Remember how a branch stands, for `note_since`; may be called inside a read transaction."""
    key = (session_id, branch_id)
    names = table_names(db, tables)
    last = {
        table: int(
            db.execute(
                f"SELECT COALESCE(MAX(id), 0) FROM {table} WHERE session_id = ? AND branch_id = ?", key
            ).fetchone()[0]
        )
        for table in _OF_BRANCHES
        if table in names
    }
    items, recorded = 0, None
    if last.get("message_structure"):
        (items,) = db.execute(
            "SELECT COUNT(*) FROM message_structure WHERE session_id = ? AND branch_id = ?", key
        ).fetchone()
    elif "convo_branches" in names:
        recorded = find(db, columns_of(db, "convo_branches"), "convo_branches", key)
    return BranchCheckpoint(session_id, branch_id, items, last, recorded)


def note_since(db: sqlite3.Connection, tables: Tables, before: BranchCheckpoint, op: str, words: str) -> None:
    """Write down as one entry what others wrote to the end of a branch, in transactions of their own.

    Args:
        db: Inside a write transaction.
        tables: The file's base tables.
        before: How the branch stood before.
        op: What kind of thing was done, one word.
        words: What was done, one line.
    """
    _prepare(db)
    names = table_names(db, tables)
    changes = Changes({table: columns_of(db, name) for table, name in names.items()})
    for table in _OF_BRANCHES:
        if table in names:
            values = (before.session_id, before.branch_id, before.last.get(table, 0))
            where = f"FROM {table} WHERE session_id = ? AND branch_id = ? AND id > ?"
            if ranges := ranges_of(db, f"SELECT id {where}", values):
                changes.added[table] = ranges
                if table == "message_structure":
                    changes.added["messages"] = ranges_of(db, f"SELECT message_id AS id {where}", values)
    if "message_structure" not in changes.added:
        return
    entry_id = _begin(db, before.session_id, op)
    if before.recorded is not None:
        columns = changes.columns["convo_branches"]
        now = find(db, columns, "convo_branches", before.recorded[: len(key_of(db, "convo_branches"))])
        for side, row in enumerate((before.recorded, now)):
            if row is not None:
                put(db, entry_id, "convo_branches", side, row)
    finish(db, tables, entry_id, changes, PendingEntry(words, before.branch_id))
    drop(db, "state = 'undone'")


_OF_BRANCHES = ("message_structure", "turn_usage", "convo_runs")
"""Tables whose rows have an id and belong to a branch."""


def _begin(db: sqlite3.Connection, session_id: str, op: str) -> int:
    row = db.execute("INSERT INTO convo_journal (session_id, op, words) VALUES (?, ?, '')", (session_id, op))
    return int(row.lastrowid or 0)


def _prepare(db: sqlite3.Connection) -> None:
    for statement in (CONVO_JOURNAL, CONVO_TRASH, TRASH_INDEX):
        db.execute(statement)


def _watch(db: sqlite3.Connection, names: dict[str, str], changes: Changes, entry_id: int) -> Iterator[str]:
    """Have every row that is deleted or changed kept as it was, and note the keys of rows that come."""
    for table, name in names.items():
        columns = changes.columns[table]
        events = [("DELETE", "OLD", 0)]
        if table in KEYED:
            events += (("UPDATE", "OLD", 0), ("INSERT", "NEW", 1))
        for event, row, side in events:
            trigger = f"convo_{table}_{event.lower()}"
            values = ", ".join(f"{row}.{quoted(column)}" for column in columns)
            db.execute(
                f"CREATE TEMP TRIGGER {trigger} AFTER {event} ON main.{name} BEGIN"
                f" INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(CELLS[: len(columns)])})"
                f" VALUES ({entry_id}, '{table}', {side}, {values}); END"
            )
            yield trigger


def _settle_rows(db: sqlite3.Connection, entry_id: int, changes: Changes, table: str, name: str) -> None:
    """Of all that happened to each row, keep what it was at first and what it is at last."""
    key_size = len(key_of(db, name))
    first: dict[Row, Row | None] = {}
    width = len(changes.columns[table])
    for side, *cells in db.execute(
        f"SELECT side, {', '.join(CELLS[:width])} FROM convo_trash WHERE entry_id = ? AND table_name = ?"
        " ORDER BY rowid",
        (entry_id, table),
    ):
        first.setdefault(tuple(cells[:key_size]), None if side else tuple(cells))
    if not first:
        return
    db.execute("DELETE FROM convo_trash WHERE entry_id = ? AND table_name = ?", (entry_id, table))
    for key, before in first.items():
        after = find(db, changes.columns[table], name, key)
        if after == before:
            continue
        for side, row in enumerate((before, after)):
            if row is not None:
                put(db, entry_id, table, side, row)


def entries(file: Snapshot) -> tuple[JournalEntry, ...]:
    """What was done to a file, the newest first."""
    if not file.has("convo_journal"):
        return ()
    rows = file.execute(f"SELECT {ENTRY} FROM convo_journal WHERE state IN ('done', 'undone', 'kept') ORDER BY id DESC")
    return tuple(entry_of(row) for row in rows)


def keep(db: sqlite3.Connection, entry_id: int) -> None:
    """Let what was done hold for good: it is passed over by `undo`, and what was kept for it goes."""
    if has_table(db, "convo_journal"):
        db.execute("DELETE FROM convo_trash WHERE entry_id = ?", (entry_id,))
        db.execute(
            "UPDATE convo_journal SET state = 'kept', changes = '{}', bytes = 0 WHERE id = ? AND state = 'done'",
            (entry_id,),
        )


def empty_trash(db: sqlite3.Connection) -> None:
    """Let all that was done hold for good, and all that was undone be forgotten."""
    if has_table(db, "convo_journal"):
        drop(db, "state = 'undone'")
        db.execute("DELETE FROM convo_trash")
        db.execute("UPDATE convo_journal SET state = 'kept', changes = '{}', bytes = 0")
