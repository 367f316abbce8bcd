"""Turning the journal's entries over: undoing what was done, and doing again what was undone.

What an entry added goes to the trash, what it deleted comes back with the same ids, and the entry then holds what it
takes to turn it over again. It is refused where another program has changed what the entry depends on.

Functions over a `Transaction` inside a write transaction, which is to be rolled back where they raise.
"""

from __future__ import annotations

from typing import Final

from tui.errors import ConvoError
from tui.model import EntryState, JournalEntry
from tui.storage.engine import Transaction
from tui.storage.journal.rows import (
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
    ranges_of,
    save,
    table_names,
)
from tui.storage.queries.branches import read_generation
from tui.storage.schema import MESSAGE_INDEX, TRASH_CELLS, quoted

__all__ = ["redo", "undo"]


def undo(tx: Transaction, back_to: int | None = None) -> tuple[JournalEntry, ...]:
    """Undo what was done last.

    Args:
        tx: A write transaction.
        back_to: Undo that entry too, and all that were done after it.

    Returns:
        What was undone, in that order.

    Raises:
        ConvoError: There is nothing to undo, or another program has changed what it depends on.
    """
    return _turn_over(tx, EntryState.DONE, "id DESC", "id >= ?", back_to)


def redo(tx: Transaction, up_to: int | None = None) -> tuple[JournalEntry, ...]:
    """Do again what was undone last.

    Args:
        tx: A write transaction.
        up_to: Do that entry again too, and all that were done before it.

    Returns:
        What was done again, in that order.

    Raises:
        ConvoError: There is nothing to do again, or another program has changed what it depends on.
    """
    return _turn_over(tx, EntryState.UNDONE, "id", "id <= ?", up_to)


def _turn_over(
    tx: Transaction, state: EntryState, order: str, until: str, limit: int | None
) -> tuple[JournalEntry, ...]:
    rows = []
    if tx.has_table("convo_journal"):
        rows = tx.execute(
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
            _turn_one(tx, entry, Changes.parse(changes))
        except (ConvoError, tx.integrity_error) as error:
            what = "undone" if state is EntryState.DONE else "done again"
            why = str(error) if isinstance(error, ConvoError) else "What it would bring back is there already."
            hint = "To undo what was done before it, keep it: H, then K." if state is EntryState.DONE else ""
            raise ConvoError(f"“{entry.description}” cannot be {what}. {why}", hint) from error
        turned.append(entry)
    return tuple(turned)


def _turn_one(tx: Transaction, entry: JournalEntry, changes: Changes) -> None:
    # A table that was made since holds nothing of the entry.
    names = {table: name for table, name in table_names(tx).items() if table in changes.columns}
    _check_unchanged(tx, changes)
    if "message_structure" in names:
        tx.execute(MESSAGE_INDEX)
    restored: dict[str, Ranges] = {}
    newest: int = tx.execute("SELECT COALESCE(MAX(rowid), 0) FROM convo_trash").fetchone()[0]
    for table in NUMBERED:
        if table in names:
            for first, last in changes.added.get(table, ()):
                save(tx, entry.id, changes, table, names[table], 0, "id BETWEEN ? AND ?", (first, last))
                tx.execute(f"DELETE FROM {names[table]} WHERE id BETWEEN ? AND ?", (first, last))
            if ranges := _restore(tx, entry.id, changes, table, names[table], newest):
                restored[table] = ranges
    for table in KEYED:
        if table in names:
            _swap_rows(tx, entry.id, changes, table, names)
    _check_whole(tx, changes.added, restored)
    changes.added = restored
    finish(tx, entry.id, changes, PendingEntry(entry.description, entry.branch_id))
    state = EntryState.UNDONE if entry.state is EntryState.DONE else EntryState.DONE
    tx.execute("UPDATE convo_journal SET state = ? WHERE id = ?", (state, entry.id))


def _restore(tx: Transaction, entry_id: int, changes: Changes, table: str, name: str, newest: int) -> Ranges:
    """Bring rows back that the trash held before this, and tell their ids."""
    columns = changes.columns[table]
    where = "entry_id = ? AND table_name = ? AND rowid <= ?"
    values = (entry_id, table, newest)
    ranges = ranges_of(tx, f"SELECT c0 AS id FROM convo_trash WHERE {where}", values)
    if ranges:
        tx.execute(
            f"INSERT INTO {name} ({', '.join(map(quoted, columns))}) SELECT {', '.join(TRASH_CELLS[: len(columns)])}"
            f" FROM convo_trash WHERE {where} ORDER BY c0",
            values,
        )
        tx.execute(f"DELETE FROM convo_trash WHERE {where}", values)
    return ranges


def _swap_rows(tx: Transaction, entry_id: int, changes: Changes, table: str, names: dict[str, str]) -> None:
    """Put each row as it was on the other side of the entry.

    Raises:
        ConvoError: It is not as the entry left it.
    """
    columns, name = changes.columns[table], names[table]
    key_size = len(tx.primary_key(name))
    sides: tuple[dict[Row, Row], dict[Row, Row]] = {}, {}
    for side, *cells in tx.execute(
        f"SELECT side, {', '.join(TRASH_CELLS[: len(columns)])} FROM convo_trash WHERE entry_id = ? AND table_name = ?",
        (entry_id, table),
    ):
        sides[side][tuple(cells[:key_size])] = tuple(cells)
    before, after = sides
    for key in before.keys() | after.keys():
        now = find(tx, columns, name, key)
        if now != after.get(key) and not _may_differ(table, now, key in before, key in after):
            raise ConvoError(_KEYED_CHANGED.get(table, "What it recorded was changed since by another program."))
        row = before.get(key)
        if table == "sessions" and row is not None and now is not None and now != after.get(key):
            # Others have written to the session since, which the row tells the time of.
            row = now
        if table == "sessions" and row is None:
            _check_left(tx, names, str(key[0]))
        where = " AND ".join(f"{quoted(column)} IS ?" for column in columns[:key_size])
        tx.execute(f"DELETE FROM {name} WHERE {where}", key)
        if row is not None:
            marks = ", ".join("?" * len(columns))
            tx.execute(f"INSERT INTO {name} ({', '.join(map(quoted, columns))}) VALUES ({marks})", row)
    tx.execute("UPDATE convo_trash SET side = 1 - side WHERE entry_id = ? AND table_name = ?", (entry_id, table))


_KEYED_CHANGED: Final = {
    "convo_labels": "A title, note, pin or archive mark was changed since by another program.",
    "session_clear_generations": "The session was cleared since by another program.",
    "sessions": "The session was made anew since by another program.",
}


def _check_left(tx: Transaction, names: dict[str, str], session_id: str) -> None:
    """Refuse to take a session from what it holds."""
    for table in ("message_structure", "messages"):
        if tx.execute(f"SELECT 1 FROM {names[table]} WHERE session_id = ? LIMIT 1", (session_id,)).fetchone():
            raise ConvoError(f"Session '{session_id}' has gone on since: archive it instead, with a.")


def _may_differ(table: str, now: Row | None, was: bool, became: bool) -> bool:
    """Whether a row that is not as an entry left it is no reason to refuse."""
    if table == "sessions":
        # Every write to a session tells its time there.
        return became and now is not None
    # Usage that was kept for a turn goes when the turn goes.
    return table == "convo_usage" and now is None and not was


def _check_unchanged(tx: Transaction, changes: Changes) -> None:
    for session_id, generation in changes.generations.items():
        if read_generation(tx, session_id) != generation:
            raise ConvoError(f"Session '{session_id}' was cleared since.")
    for left in changes.branches:
        now = branch_now(tx, left.session_id, left.branch_id)
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


def _check_whole(tx: Transaction, gone: dict[str, Ranges], back: dict[str, Ranges]) -> None:
    """Refuse what would leave items without their message, or messages and branches without their session."""
    for first, last in gone.get("messages", ()):
        row = tx.execute(
            "SELECT branch_id FROM message_structure WHERE message_id BETWEEN ? AND ? LIMIT 1", (first, last)
        ).fetchone()
        if row is not None:
            raise ConvoError(f"Branch '{row[0]}' shares its messages: it was forked from there since.")
    for first, last in back.get("message_structure", ()):
        row = tx.execute(
            f"SELECT s.branch_id, s.user_turn_number FROM message_structure s LEFT JOIN {tx.tables.messages} m"
            " ON m.id = s.message_id WHERE s.id BETWEEN ? AND ? AND m.id IS NULL LIMIT 1",
            (first, last),
        ).fetchone()
        if row is not None:
            raise ConvoError(
                f"Messages that '{row[0]}' shared in turn {row[1]} are gone: another program deleted them."
            )
