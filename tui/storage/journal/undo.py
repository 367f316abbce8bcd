"""Turning the journal's entries over: undoing what was done, and doing again what was undone.

What an entry added goes to the trash, what it deleted comes back with the same ids, and the entry then holds what it
takes to turn it over again. It is refused where another program has changed what the entry depends on.

Functions over a `sqlite3.Connection` inside a write transaction, which is to be rolled back where they raise.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from tui.errors import ConvoError
from tui.model import EntryState, JournalEntry
from tui.storage.journal.rows import (
    CELLS,
    ENTRY,
    KEYED,
    NUMBERED,
    Changes,
    PendingEntry,
    Ranges,
    Row,
    branch_now,
    entry_of,
    find,
    finish,
    key_of,
    ranges_of,
    save,
    table_names,
)
from tui.storage.queries import branches
from tui.storage.schema import MESSAGE_INDEX, Conversation, Tables, has_table
from tui.storage.sqlite.opening import quoted

__all__ = ["redo", "undo"]


def undo(db: sqlite3.Connection, tables: Tables, back_to: int | None = None) -> tuple[JournalEntry, ...]:
    """Undo what was done last.

    Args:
        db: Inside a write transaction.
        tables: The file's base tables.
        back_to: Undo that entry too, and all that were done after it.

    Returns:
        What was undone, in that order.

    Raises:
        ConvoError: There is nothing to undo, or another program has changed what it depends on.
    """
    return _turn_over(db, tables, EntryState.DONE, "id DESC", "id >= ?", back_to)


def redo(db: sqlite3.Connection, tables: Tables, up_to: int | None = None) -> tuple[JournalEntry, ...]:
    """Do again what was undone last.

    Args:
        db: Inside a write transaction.
        tables: The file's base tables.
        up_to: Do that entry again too, and all that were done before it.

    Returns:
        What was done again, in that order.

    Raises:
        ConvoError: There is nothing to do again, or another program has changed what it depends on.
    """
    return _turn_over(db, tables, EntryState.UNDONE, "id", "id <= ?", up_to)


def _turn_over(
    db: sqlite3.Connection, tables: Tables, state: EntryState, order: str, until: str, limit: int | None
) -> tuple[JournalEntry, ...]:
    rows = []
    if has_table(db, "convo_journal"):
        rows = db.execute(
            f"SELECT {ENTRY}, changes FROM convo_journal WHERE state = ? {'' if limit is None else f'AND {until}'}"
            f" ORDER BY {order} {'LIMIT 1' if limit is None else ''}",
            (state,) if limit is None else (state, limit),
        ).fetchall()
    if not rows:
        what = "undo" if state is EntryState.DONE else "do again"
        raise ConvoError(f"There is nothing to {what}.", "H lists what was done.")
    turned = []
    for *row, changes in rows:
        entry = entry_of(row)
        try:
            _turn_one(db, tables, entry, Changes.parse(changes))
        except (ConvoError, sqlite3.IntegrityError) as error:
            what = "undone" if state is EntryState.DONE else "done again"
            why = str(error) if isinstance(error, ConvoError) else "What it would bring back is there already."
            hint = "To undo what was done before it, keep it: H, then K." if state is EntryState.DONE else ""
            raise ConvoError(f"“{entry.words}” cannot be {what}. {why}", hint) from error
        turned.append(entry)
    return tuple(turned)


def _turn_one(db: sqlite3.Connection, tables: Tables, entry: JournalEntry, changes: Changes) -> None:
    # A table that was made since holds nothing of the entry.
    names = {table: name for table, name in table_names(db, tables).items() if table in changes.columns}
    _check_unchanged(db, tables, changes)
    if "message_structure" in names:
        db.execute(MESSAGE_INDEX)
    restored: dict[str, Ranges] = {}
    newest: int = db.execute("SELECT COALESCE(MAX(rowid), 0) FROM convo_trash").fetchone()[0]
    for table in NUMBERED:
        if table in names:
            for first, last in changes.added.get(table, ()):
                save(db, entry.id, changes, table, names[table], 0, "id BETWEEN ? AND ?", (first, last))
                db.execute(f"DELETE FROM {names[table]} WHERE id BETWEEN ? AND ?", (first, last))
            if ranges := _restore(db, entry.id, changes, table, names[table], newest):
                restored[table] = ranges
    for table in KEYED:
        if table in names:
            _swap_rows(db, entry.id, changes, table, names)
    _check_whole(db, tables, changes.added, restored)
    changes.added = restored
    finish(db, tables, entry.id, changes, PendingEntry(entry.words, entry.branch_id))
    state = EntryState.UNDONE if entry.state is EntryState.DONE else EntryState.DONE
    db.execute("UPDATE convo_journal SET state = ? WHERE id = ?", (state, entry.id))


def _restore(db: sqlite3.Connection, entry_id: int, changes: Changes, table: str, name: str, newest: int) -> Ranges:
    """Bring rows back that the trash held before this, and tell their ids."""
    columns = changes.columns[table]
    where = "entry_id = ? AND table_name = ? AND rowid <= ?"
    values = (entry_id, table, newest)
    ranges = ranges_of(db, f"SELECT c0 AS id FROM convo_trash WHERE {where}", values)
    if ranges:
        db.execute(
            f"INSERT INTO {name} ({', '.join(map(quoted, columns))}) SELECT {', '.join(CELLS[: len(columns)])}"
            f" FROM convo_trash WHERE {where} ORDER BY c0",
            values,
        )
        db.execute(f"DELETE FROM convo_trash WHERE {where}", values)
    return ranges


def _swap_rows(db: sqlite3.Connection, entry_id: int, changes: Changes, table: str, names: dict[str, str]) -> None:
    """Put each row as it was on the other side of the entry.

    Raises:
        ConvoError: It is not as the entry left it.
    """
    columns, name = changes.columns[table], names[table]
    key_size = len(key_of(db, name))
    sides: tuple[dict[Row, Row], dict[Row, Row]] = {}, {}
    for side, *cells in db.execute(
        f"SELECT side, {', '.join(CELLS[: len(columns)])} FROM convo_trash WHERE entry_id = ? AND table_name = ?",
        (entry_id, table),
    ):
        sides[side][tuple(cells[:key_size])] = tuple(cells)
    before, after = sides
    for key in before.keys() | after.keys():
        now = find(db, columns, name, key)
        if now != after.get(key) and not _may_differ(table, now, key in before, key in after):
            raise ConvoError(_KEYED_CHANGED.get(table, "What it recorded was changed since by another program."))
        row = before.get(key)
        if table == "sessions" and row is not None and now is not None and now != after.get(key):
            # Others have written to the session since, which the row tells the time of.
            row = now
        if table == "sessions" and row is None:
            _check_left(db, names, str(key[0]))
        where = " AND ".join(f"{quoted(column)} IS ?" for column in columns[:key_size])
        db.execute(f"DELETE FROM {name} WHERE {where}", key)
        if row is not None:
            marks = ", ".join("?" * len(columns))
            db.execute(f"INSERT INTO {name} ({', '.join(map(quoted, columns))}) VALUES ({marks})", row)
    db.execute("UPDATE convo_trash SET side = 1 - side WHERE entry_id = ? AND table_name = ?", (entry_id, table))


_KEYED_CHANGED: Final = {
    "convo_labels": "A title, note, pin or archive mark was changed since by another program.",
    "session_clear_generations": "The session was cleared since by another program.",
    "sessions": "The session was made anew since by another program.",
}


def _check_left(db: sqlite3.Connection, names: dict[str, str], session_id: str) -> None:
    """Refuse to take a session from what it holds."""
    for table in ("message_structure", "messages"):
        if db.execute(f"SELECT 1 FROM {names[table]} WHERE session_id = ? LIMIT 1", (session_id,)).fetchone():
            raise ConvoError(f"Session '{session_id}' has gone on since: archive it instead, with a.")


def _may_differ(table: str, now: Row | None, was: bool, became: bool) -> bool:
    """Whether a row that is not as an entry left it is no reason to refuse."""
    if table == "sessions":
        # Every write to a session tells its time there.
        return became and now is not None
    # Usage that was kept for a turn goes when the turn goes.
    return table == "convo_usage" and now is None and not was


def _check_unchanged(db: sqlite3.Connection, tables: Tables, changes: Changes) -> None:
    for session_id, generation in changes.generations.items():
        if branches.generation(db, Conversation(session_id, tables)) != generation:
            raise ConvoError(f"Session '{session_id}' was cleared since.")
    for left in changes.branches:
        now = branch_now(db, left.session_id, left.branch_id)
        if now == left:
            continue
        if not left.items and now.items:
            raise ConvoError(f"Another program writes to branch '{left.branch_id}' again.")
        if now.items > left.items and now.last_item > left.last_item:
            more = now.items - left.items
            raise ConvoError(
                f"Branch '{left.branch_id}' has gone on since, by {more} item{'s' if more != 1 else ''}:"
                " archive it instead, with a."
            )
        if now[:4] == left[:4]:
            raise ConvoError(f"Tokens were stored for branch '{left.branch_id}' since.")
        raise ConvoError(f"Branch '{left.branch_id}' was changed since by another program.")


def _check_whole(db: sqlite3.Connection, tables: Tables, gone: dict[str, Ranges], back: dict[str, Ranges]) -> None:
    """Refuse what would leave items without their message, or messages and branches without their session."""
    for first, last in gone.get("messages", ()):
        row = db.execute(
            "SELECT branch_id FROM message_structure WHERE message_id BETWEEN ? AND ? LIMIT 1", (first, last)
        ).fetchone()
        if row is not None:
            raise ConvoError(f"Branch '{row[0]}' shares its messages: it was forked from there since.")
    for first, last in back.get("message_structure", ()):
        row = db.execute(
            f"SELECT s.branch_id, s.user_turn_number FROM message_structure s LEFT JOIN {tables.messages} m"
            " ON m.id = s.message_id WHERE s.id BETWEEN ? AND ? AND m.id IS NULL LIMIT 1",
            (first, last),
        ).fetchone()
        if row is not None:
            raise ConvoError(
                f"Messages that '{row[0]}' shared in turn {row[1]} are gone: another program deleted them."
            )
