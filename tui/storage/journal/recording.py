"""What the explorer did to a file, so that it can be undone and done again.

Whatever writes inside `recorded` is written down while it writes: rows that it deletes go to the trash, rows that it
adds are known by their ids. `undoing` turns an entry over.

Functions over a `Transaction` inside a write transaction; all of them leave it as it is to be committed, or
raise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tui.model import JournalEntry
from tui.storage.engine import RecordedTable, Transaction
from tui.storage.journal.rows import (
    ENTRY,
    KEYED,
    NUMBERED,
    Changes,
    PendingEntry,
    Row,
    drop,
    entry_of,
    find,
    finish,
    has_trash,
    last_id,
    put,
    ranges_of,
    save,
    table_names,
)
from tui.storage.schema import CONVO_JOURNAL, CONVO_TRASH, TRASH_CELLS

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
def recorded(tx: Transaction, session_id: str, op: str, words: str = "") -> Iterator[PendingEntry]:
    """Write down what is done inside, as one entry; what had been undone before can then not be done again.

    Nothing is written down where nothing is changed.

    Args:
        tx: A write transaction.
        session_id: The session.
        op: What kind of thing is done, one word.
        words: What is done, one line; may be left to what is done inside.
    """
    _prepare(tx)
    entry_id = _begin(tx, session_id, op)
    names = table_names(tx)
    changes = Changes({table: tx.columns(name) for table, name in names.items()})
    marks: dict[str, int] = {table: last_id(tx, names[table]) for table in NUMBERED if table in names}
    watched = [RecordedTable(table, name, changes.columns[table], table in KEYED) for table, name in names.items()]
    deed = PendingEntry(words)
    with tx.record_changes(entry_id, watched):
        yield deed
    names = table_names(tx)
    for table in names.keys() - changes.columns.keys():
        changes.columns[table] = tx.columns(names[table])
        if table in KEYED:
            save(tx, entry_id, changes, table, names[table], 1)
    for table in NUMBERED:
        if table in names:
            mark = marks.get(table, 0)
            if ranges := ranges_of(tx, f"SELECT id FROM {names[table]} WHERE id > ?", (mark,)):
                changes.added[table] = ranges
            # A row that came and went inside is nothing to bring back.
            tx.execute(
                "DELETE FROM convo_trash WHERE entry_id = ? AND table_name = ? AND c0 > ?", (entry_id, table, mark)
            )
    for table in KEYED:
        if table in names:
            _settle_rows(tx, entry_id, changes, table, names[table])
    if changes.added or has_trash(tx, entry_id):
        finish(tx, entry_id, changes, deed)
        drop(tx, "state = 'undone'")
    else:
        tx.execute("DELETE FROM convo_journal WHERE id = ?", (entry_id,))


def mark(tx: Transaction, session_id: str, branch_id: str) -> BranchCheckpoint:
    """Remember how a branch stands, for `note_since`; may be called inside a read transaction."""
    key = (session_id, branch_id)
    names = table_names(tx)
    last = {
        table: int(
            tx.execute(
                f"SELECT COALESCE(MAX(id), 0) FROM {table} WHERE session_id = ? AND branch_id = ?", key
            ).fetchone()[0]
        )
        for table in _OF_BRANCHES
        if table in names
    }
    items, recorded = 0, None
    if last.get("message_structure"):
        (items,) = tx.execute(
            "SELECT COUNT(*) FROM message_structure WHERE session_id = ? AND branch_id = ?", key
        ).fetchone()
    elif "convo_branches" in names:
        recorded = find(tx, tx.columns("convo_branches"), "convo_branches", key)
    return BranchCheckpoint(session_id, branch_id, items, last, recorded)


def note_since(tx: Transaction, before: BranchCheckpoint, op: str, words: str) -> None:
    """Write down as one entry what others wrote to the end of a branch, in transactions of their own.

    Args:
        tx: A write transaction.
        before: How the branch stood before.
        op: What kind of thing was done, one word.
        words: What was done, one line.
    """
    _prepare(tx)
    names = table_names(tx)
    changes = Changes({table: tx.columns(name) for table, name in names.items()})
    for table in _OF_BRANCHES:
        if table in names:
            values = (before.session_id, before.branch_id, before.last.get(table, 0))
            where = f"FROM {table} WHERE session_id = ? AND branch_id = ? AND id > ?"
            if ranges := ranges_of(tx, f"SELECT id {where}", values):
                changes.added[table] = ranges
                if table == "message_structure":
                    changes.added["messages"] = ranges_of(tx, f"SELECT message_id AS id {where}", values)
    if "message_structure" not in changes.added:
        return
    entry_id = _begin(tx, before.session_id, op)
    if before.recorded is not None:
        columns = changes.columns["convo_branches"]
        now = find(tx, columns, "convo_branches", before.recorded[: len(tx.primary_key("convo_branches"))])
        for side, row in enumerate((before.recorded, now)):
            if row is not None:
                put(tx, entry_id, "convo_branches", side, row)
    finish(tx, entry_id, changes, PendingEntry(words, before.branch_id))
    drop(tx, "state = 'undone'")


_OF_BRANCHES = ("message_structure", "turn_usage", "convo_runs")
"""Tables whose rows have an id and belong to a branch."""


def _begin(tx: Transaction, session_id: str, op: str) -> int:
    row = tx.execute(
        "INSERT INTO convo_journal (session_id, op, words) VALUES (?, ?, '') RETURNING id", (session_id, op)
    ).fetchone()
    return int(row[0])


def _prepare(tx: Transaction) -> None:
    CONVO_JOURNAL.create(tx)
    CONVO_TRASH.create(tx)


def _settle_rows(tx: Transaction, entry_id: int, changes: Changes, table: str, name: str) -> None:
    """Of all that happened to each row, keep what it was at first and what it is at last."""
    key_size = len(tx.primary_key(name))
    first: dict[Row, Row | None] = {}
    width = len(changes.columns[table])
    for side, *cells in tx.execute(
        f"SELECT side, {', '.join(TRASH_CELLS[:width])} FROM convo_trash WHERE entry_id = ? AND table_name = ?"
        " ORDER BY rowid",
        (entry_id, table),
    ):
        first.setdefault(tuple(cells[:key_size]), None if side else tuple(cells))
    if not first:
        return
    tx.execute("DELETE FROM convo_trash WHERE entry_id = ? AND table_name = ?", (entry_id, table))
    for key, before in first.items():
        after = find(tx, changes.columns[table], name, key)
        if after == before:
            continue
        for side, row in enumerate((before, after)):
            if row is not None:
                put(tx, entry_id, table, side, row)


def entries(tx: Transaction) -> tuple[JournalEntry, ...]:
    """What was done to a file, the newest first."""
    if not tx.has_table("convo_journal"):
        return ()
    rows = tx.execute(f"SELECT {ENTRY} FROM convo_journal WHERE state IN ('done', 'undone', 'kept') ORDER BY id DESC")
    return tuple(entry_of(row) for row in rows)


def keep(tx: Transaction, entry_id: int) -> None:
    """Let what was done hold for good: it is passed over by `undo`, and what was kept for it goes."""
    if tx.has_table("convo_journal"):
        tx.execute("DELETE FROM convo_trash WHERE entry_id = ?", (entry_id,))
        tx.execute(
            "UPDATE convo_journal SET state = 'kept', changes = '{}', bytes = 0 WHERE id = ? AND state = 'done'",
            (entry_id,),
        )


def empty_trash(tx: Transaction) -> None:
    """Let all that was done hold for good, and all that was undone be forgotten."""
    if tx.has_table("convo_journal"):
        drop(tx, "state = 'undone'")
        tx.execute("DELETE FROM convo_trash")
        tx.execute("UPDATE convo_journal SET state = 'kept', changes = '{}', bytes = 0")
