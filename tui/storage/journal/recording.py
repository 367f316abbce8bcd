"""The journal of the changes that the explorer makes to a database, so that they can be undone and redone.

All changes inside `record` become one entry: deleted rows are copied to the trash, and the ids of added rows are noted.
`tui.storage.journal.undo` undoes and redoes entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, NamedTuple

from tui.model import JournalEntry
from tui.storage.engine import RecordedTable, Transaction
from tui.storage.journal.rows import (
    AFTER,
    BEFORE,
    CLEAR,
    COMPACT,
    DAMAGES,
    KEYED_TABLES,
    NUMBERED_TABLES,
    BranchState,
    Changes,
    PendingEntry,
    Row,
    by_place,
    complete_entry,
    copy_cleared,
    copy_to_trash,
    delete_cleared,
    end_redo,
    entries_made_here,
    entry_columns,
    entry_from_row,
    find_row,
    greatest_ids,
    has_trash,
    id_ranges,
    insert_into_trash,
    recorded_tables,
    write_entry,
)
from tui.storage.layout import BranchRows
from tui.storage.queries.items import clear_session
from tui.storage.schema import CONVO_CLEARED, CONVO_JOURNAL, CONVO_TRASH, TRASH_CELLS, TURN_TABLES
from tui.words import plural

__all__ = [
    "BranchCheckpoint",
    "PendingEntry",
    "empty_trash",
    "limit_program_entries",
    "make_permanent",
    "read_entries",
    "record",
    "record_clear",
    "record_since",
    "take_checkpoint",
]

_MAX_PROGRAM_BYTES: Final = 32 << 20

_COPIES: Final = "convo_messages"
"""The table of messages of branches on a server."""

_ROW_BYTES: Final = 100
"""Bytes that a cleared row takes, on average, besides the content of a message."""


class BranchCheckpoint(NamedTuple):
    """The state of a branch before others write to it.

    Attributes:
        session_id: The session.
        branch_id: The branch.
        items: Number of its items.
        last_ids: For each table, the greatest id of the branch's rows.
        empty_row: The row of the branch in `convo_branches` if it has no items.
        session_row: The row of the session, which has the time when it was written last; None if there is none.
    """

    session_id: str
    branch_id: str
    items: int
    last_ids: dict[str, int]
    empty_row: Row | None
    session_row: Row | None


@contextmanager
def record(tx: Transaction, session_id: str, operation: str, description: str = "") -> Iterator[PendingEntry]:
    """Record all changes that are made inside the context as one entry, of which `operation` is the kind, in one word.

    If something was changed, the undone entries of the session cannot be redone any more; otherwise there is no entry.
    """
    tx.lock_session(session_id)
    entry_id = _insert_entry(tx, session_id, operation)
    tables = recorded_tables(tx)
    changes = Changes({table: tx.columns(identifier) for table, identifier in tables.items()})
    numbered = [table for table in (*NUMBERED_TABLES, _COPIES) if table in tables]
    last_ids = greatest_ids(tx, {table: tables[table] for table in numbered})
    entry = PendingEntry(description)
    recorded = [
        RecordedTable(table, identifier, changes.columns[table], table in KEYED_TABLES)
        for table, identifier in tables.items()
    ]
    with tx.record_changes(entry_id, recorded) as written:
        yield entry
    tables = recorded_tables(tx)
    created = tables.keys() - changes.columns.keys()
    tables = {table: identifier for table, identifier in tables.items() if table in written or table in created}
    for table in created:
        # The change created this table.
        changes.columns[table] = tx.columns(tables[table])
        if table in KEYED_TABLES:
            copy_to_trash(tx, entry_id, table, tables[table], changes.columns[table], AFTER)
    for table in NUMBERED_TABLES:
        if table in tables:
            last_id, rows = last_ids.get(table, 0), {"entry_id": entry_id, "table": table}
            row_id = tx.from_cell(tables[table], "id", TRASH_CELLS[0])
            changed = f"SELECT {row_id} FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table"
            new = f"SELECT id FROM {tables[table]} WHERE {tx.of_own_sessions} AND (id > :last OR id IN ({changed}))"
            if ranges := id_ranges(tx, new, last=last_id, **rows):
                changes.added[table] = ranges
            # Rows that were both added and deleted inside the context leave nothing to undo.
            sql = f"DELETE FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table AND {row_id} > :last"
            tx.execute(sql, last=last_id, **rows)
    if _COPIES in tables:
        # Messages of `main` keep their ids in a copy.
        last_id = max(last_ids["messages"], last_ids[_COPIES])
        new = f"SELECT id FROM {_COPIES} WHERE {tx.of_own_sessions} AND id > :last"
        changes.created = id_ranges(tx, new, last=last_id)
        row_id = tx.from_cell(_COPIES, "id", TRASH_CELLS[0])
        sql = f"DELETE FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table AND {row_id} > :last"
        tx.execute(sql, entry_id=entry_id, table=_COPIES, last=last_id)
    for table in KEYED_TABLES:
        if table in tables:
            _reduce_to_first_and_last(tx, entry_id, table, tables[table], changes.columns[table])
    if changes.added or has_trash(tx, entry_id):
        complete_entry(tx, entry_id, changes, entry)
        end_redo(tx, session_id, entry_id)
    else:
        tx.execute("DELETE FROM convo_journal WHERE id = :entry_id", entry_id=entry_id)


def record_clear(tx: Transaction, session_id: str) -> int:
    """Clear a session, record that as one entry unless it had no items, and return its new clear generation.

    A large session is cleared without reading the copied rows again. What programs did is kept as long as newer entries
    of theirs take less than `_MAX_PROGRAM_BYTES`: nobody may ever empty the trash of such a file.
    """
    tables = recorded_tables(tx)
    size = f"SUM({tx.dialect.stored_length('message_data')})"
    sql = f"SELECT COUNT(*), {size} FROM {tx.layout.all_messages_sql(tx)} AS m WHERE session_id = :session_id"
    items, message_bytes = tx.execute(sql, session_id=session_id).fetchone()
    if not items:
        return clear_session(tx, session_id)
    entry_id = _insert_entry(tx, session_id, CLEAR)
    changes = Changes({table: tx.columns(identifier) for table, identifier in tables.items()})
    keyed = {table: name for table, name in tables.items() if table in KEYED_TABLES}
    for table, identifier in keyed.items():
        condition, values = "session_id = :session_id", {"session_id": session_id}
        copy_to_trash(tx, entry_id, table, identifier, changes.columns[table], BEFORE, condition, values)
    others = {table: name for table, name in tables.items() if table not in keyed}
    copied = copy_cleared(tx, entry_id, changes, others, session_id)
    branches = tx.layout.filled_branches(tx, session_id)
    generation = clear_session(tx, session_id)
    for table, identifier in keyed.items():
        _reduce_to_first_and_last(tx, entry_id, table, identifier, changes.columns[table])
    changes.branches = [BranchState(session_id, branch_id, 0, 0, 0, 0) for branch_id in branches]
    changes.generations = {session_id: generation}
    entry = PendingEntry(f"Cleared session '{session_id}' ({plural(items, 'item')})")
    write_entry(tx, entry_id, changes, entry, message_bytes + _ROW_BYTES * copied)
    end_redo(tx, session_id, entry_id)
    limit_program_entries(tx)
    return generation


def limit_program_entries(tx: Transaction) -> None:
    """Make old changes permanent that programs made, if the newer ones take more than `_MAX_PROGRAM_BYTES`."""
    newer = 0
    sql = "SELECT id, bytes FROM convo_journal WHERE op IN (:clear, :compact) AND state = 'done' ORDER BY id DESC"
    for entry_id, size in tx.execute(sql, clear=CLEAR, compact=COMPACT).fetchall():
        if newer > _MAX_PROGRAM_BYTES:
            make_permanent(tx, entry_id)
        newer += size


def take_checkpoint(tx: Transaction, session_id: str, branch_id: str) -> BranchCheckpoint:
    """Return the state of a branch, for `record_since`."""
    tables = recorded_tables(tx)
    values = {"session_id": session_id, "branch_id": branch_id}
    last_ids: dict[str, int] = {
        rows.table: int(
            tx.execute(
                f"SELECT COALESCE(MAX(id), 0) FROM {rows.identifier} WHERE {rows.condition}", **values
            ).fetchone()[0]
        )
        for rows in _rows_of_branch(tx, branch_id, tables)
    }
    stored = tx.layout.branch_rows(tx, branch_id)
    items, empty_row = 0, None
    if last_ids.get(stored.table):
        sql = f"SELECT COUNT(*) FROM {stored.identifier} WHERE {stored.condition}"
        (items,) = tx.execute(sql, **values).fetchone()
    elif "convo_branches" in tables:
        empty_row = find_row(tx, "convo_branches", tx.columns("convo_branches"), (session_id, branch_id))
    return BranchCheckpoint(session_id, branch_id, items, last_ids, empty_row, _session_row(tx, session_id))


def record_since(tx: Transaction, checkpoint: BranchCheckpoint, operation: str, description: str) -> None:
    """Record what others appended to a branch since a checkpoint as one entry, unless they appended no items."""
    tables = recorded_tables(tx)
    changes = Changes({table: tx.columns(identifier) for table, identifier in tables.items()})
    for table, identifier, condition in _rows_of_branch(tx, checkpoint.branch_id, tables):
        new_rows = f"FROM {identifier} WHERE {condition} AND id > :last"
        values = {
            "session_id": checkpoint.session_id,
            "branch_id": checkpoint.branch_id,
            "last": checkpoint.last_ids.get(table, 0),
        }
        if ranges := id_ranges(tx, f"SELECT id {new_rows}", **values):
            changes.added[table] = ranges
            if table == "message_structure":
                messages = id_ranges(tx, f"SELECT message_id AS id {new_rows}", **values)
                if tx.layout.derives_main:
                    changes.created = messages
                else:
                    changes.added["messages"] = messages
            elif table == "convo_requests" and "convo_request_inputs" in tables:
                of_new_rows = f"SELECT id FROM convo_request_inputs WHERE id IN (SELECT id {new_rows})"
                changes.added["convo_request_inputs"] = id_ranges(tx, of_new_rows, **values)
    if tx.layout.branch_rows(tx, checkpoint.branch_id).table not in changes.added:
        return
    if "convo_paused_runs" in tables:
        # An older run that waits on the branch cannot go on after these items.
        tx.execute(
            "DELETE FROM convo_paused_runs WHERE session_id = :session_id AND branch_id = :branch_id",
            session_id=checkpoint.session_id,
            branch_id=checkpoint.branch_id,
        )
    entry_id = _insert_entry(tx, checkpoint.session_id, operation)
    if (before := checkpoint.empty_row) is not None:
        key = before[: len(tx.primary_key("convo_branches"))]
        after = find_row(tx, "convo_branches", changes.columns["convo_branches"], key)
        _store_both_sides(tx, entry_id, "convo_branches", before, after)
    if (before := checkpoint.session_row) is not None:
        _store_both_sides(tx, entry_id, "sessions", before, _session_row(tx, checkpoint.session_id))
    complete_entry(tx, entry_id, changes, PendingEntry(description, checkpoint.branch_id))
    end_redo(tx, checkpoint.session_id, entry_id)


def read_entries(tx: Transaction) -> tuple[JournalEntry, ...]:
    """Return all entries, the newest first."""
    if not tx.has_table("convo_journal"):
        return ()
    rows = tx.execute(
        f"SELECT {entry_columns(tx)} FROM convo_journal WHERE state IN ('done', 'undone', 'kept')"
        f" ORDER BY {by_place(tx)} DESC"
    )
    return tuple(entry_from_row(row) for row in rows)


def make_permanent(tx: Transaction, entry_id: int) -> None:
    """Make a change permanent: its rows are deleted from the trash, and `undo` ignores its entry."""
    if not tx.has_table("convo_journal"):
        return
    sql = f"SELECT op, changes FROM convo_journal WHERE id = :entry_id AND state = 'done'{tx.dialect.for_update}"
    if (row := tx.execute(sql, entry_id=entry_id).fetchone()) is None:
        return
    tx.execute("DELETE FROM convo_trash WHERE entry_id = :entry_id", entry_id=entry_id)
    if row[0] == CLEAR:
        # Of a damaged entry, the rows remain until the trash is emptied.
        with suppress(*DAMAGES):
            delete_cleared(tx, Changes.parse(row[1]))
    sql = "UPDATE convo_journal SET state = 'kept', changes = '{}', bytes = 0 WHERE id = :entry_id"
    tx.execute(sql, entry_id=entry_id)


def empty_trash(tx: Transaction) -> None:
    """Make all changes permanent, and delete the entries that were undone."""
    if tx.has_table("convo_journal"):
        tx.execute("DELETE FROM convo_journal WHERE state = 'undone'")
        tx.execute("DELETE FROM convo_trash")
        if tx.has_table(CONVO_CLEARED.name):
            tx.execute("DELETE FROM convo_cleared")
        tx.execute("UPDATE convo_journal SET state = 'kept', changes = '{}', bytes = 0")


def _rows_of_branch(tx: Transaction, branch_id: str, tables: Mapping[str, str]) -> Iterator[BranchRows]:
    """Yield the rows of a branch in those of `NUMBERED_TABLES` that are there, its items first."""
    items = tx.layout.branch_rows(tx, branch_id)
    if items.table in tables:
        yield items
    for table in TURN_TABLES:
        if table in tables:
            yield BranchRows(table, tables[table], "session_id = :session_id AND branch_id = :branch_id")


def _session_row(tx: Transaction, session_id: str) -> Row | None:
    sessions = tx.tables.sessions
    columns = tx.columns(sessions)
    return find_row(tx, sessions, columns, (session_id,)) if columns[0] == "session_id" else None


def _insert_entry(tx: Transaction, session_id: str, operation: str) -> int:
    CONVO_JOURNAL.create(tx)
    CONVO_TRASH.create(tx)
    sql = "INSERT INTO convo_journal (session_id, op, words) VALUES (:session_id, :operation, '') RETURNING id"
    row = tx.execute(sql, session_id=session_id, operation=operation).fetchone()
    entry_id = int(row[0])
    entries_made_here.add(entry_id)
    tx.on_rollback(partial(entries_made_here.discard, entry_id))
    return entry_id


def _reduce_to_first_and_last(tx: Transaction, entry_id: int, table: str, identifier: str, columns: list[str]) -> None:
    """Replace the recorded versions of each row by its first version and the current one."""
    key_size = len(tx.primary_key(identifier))
    first: dict[Row, Row | None] = {}
    for side, *cells in tx.execute(
        f"SELECT side, {', '.join(TRASH_CELLS[: len(columns)])} FROM convo_trash"
        f" WHERE entry_id = :entry_id AND table_name = :table ORDER BY {tx.dialect.row_order}",
        entry_id=entry_id,
        table=table,
    ):
        first.setdefault(tuple(cells[:key_size]), tuple(cells) if side == BEFORE else None)
    if not first:
        return
    sql = "DELETE FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table"
    tx.execute(sql, entry_id=entry_id, table=table)
    for key, before in first.items():
        after = find_row(tx, identifier, columns, key)
        if after != before:
            _store_both_sides(tx, entry_id, table, before, after)


def _store_both_sides(tx: Transaction, entry_id: int, table: str, before: Row | None, after: Row | None) -> None:
    for side, row in ((BEFORE, before), (AFTER, after)):
        if row is not None:
            insert_into_trash(tx, entry_id, table, side, row)
