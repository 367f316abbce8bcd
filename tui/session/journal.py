"""What the explorer did to a file, so that it can be undone and done again.

Whatever writes inside `recorded` is written down while it writes: rows that it deletes go to the trash, rows that it
adds are known by their ids. Undoing turns an entry over: what was added goes to the trash, what was deleted comes back
with the same ids, and the entry holds what it takes to do it again. It is refused where another program has changed
what the entry depends on.

Functions over a `sqlite3.Connection` inside a write transaction; all of them leave it as it is to be committed, or
raise.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tui.errors import ConvoError
from tui.model import Entry, EntryState
from tui.session import branches
from tui.session.opening import quoted
from tui.session.reader import Snapshot
from tui.session.schema import (
    CONVO_JOURNAL,
    CONVO_TRASH,
    MESSAGE_INDEX,
    TRASH_INDEX,
    TRASH_WIDTH,
    Conversation,
    Tables,
    has_table,
)

__all__ = ["Deed", "empty_trash", "entries", "keep", "note", "ranges_of", "recorded", "redo", "undo"]

_NUMBERED: Final = ("messages", "message_structure", "turn_usage", "convo_runs")
"""Tables whose rows never change and bear an id that only grows: what an entry added is a few ranges of ids."""

_KEYED: Final = ("sessions", "session_clear_generations", "convo_branches", "convo_usage", "convo_labels")
"""Tables whose rows change: each row is kept as it was before the entry and as it was after it."""

_CELLS: Final = tuple(f"c{column}" for column in range(TRASH_WIDTH))
_SIZE: Final = " + ".join(f"COALESCE(length(CAST({cell} AS BLOB)), 0)" for cell in _CELLS)

Ranges = list[tuple[int, int]]
Row = tuple[Any, ...]


@dataclass
class Deed:
    """What is being done; filled in while that is done.

    Attributes:
        words: What was done, one line.
        branch_id: The branch it is done to.
    """

    words: str
    branch_id: str | None = None


class _Branch(NamedTuple):
    """What a branch holds: how much, and what came last."""

    session_id: str
    branch_id: str
    items: int
    last_item: int
    usages: int
    last_usage: int


@dataclass
class _Changes:
    """What turns an entry over.

    Attributes:
        columns: The columns of each table as the trash keeps them.
        added: Ids of the rows that are there because of the entry.
        branches: The branches it touched, as it left them.
        generations: How often each session that it touched had been cleared.
    """

    columns: dict[str, list[str]] = field(default_factory=dict)
    added: dict[str, Ranges] = field(default_factory=dict)
    branches: list[_Branch] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> _Changes:
        stored = json.loads(text)
        return cls(
            stored["columns"],
            {table: [(first, last) for first, last in ranges] for table, ranges in stored["added"].items()},
            [_Branch(*branch) for branch in stored["branches"]],
            stored["generations"],
        )

    def dump(self) -> str:
        return json.dumps(vars(self))


# Recording


@contextmanager
def recorded(db: sqlite3.Connection, tables: Tables, session_id: str, op: str, words: str = "") -> Iterator[Deed]:
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
    entry_id: int = db.execute(
        "INSERT INTO convo_journal (session_id, op, words) VALUES (?, ?, '')", (session_id, op)
    ).lastrowid  # type: ignore[assignment]
    names = _names(db, tables)
    changes = _Changes({table: _columns(db, name) for table, name in names.items()})
    marks: dict[str, int] = {table: _last_id(db, names[table]) for table in _NUMBERED if table in names}
    # REPLACE deletes without a word otherwise.
    db.execute("PRAGMA recursive_triggers = ON")
    triggers = [*_watch(db, names, changes, entry_id)]
    deed = Deed(words)
    try:
        yield deed
    finally:
        for trigger in triggers:
            # An error that undid the transaction has undone them too.
            db.execute(f"DROP TRIGGER IF EXISTS temp.{trigger}")
    names = _names(db, tables)
    for table in names.keys() - changes.columns.keys():
        changes.columns[table] = _columns(db, names[table])
        if table in _KEYED:
            _save(db, entry_id, changes, table, names[table], 1)
    for table in _NUMBERED:
        if table in names:
            mark = marks.get(table, 0)
            if ranges := ranges_of(db, f"SELECT id FROM {names[table]} WHERE id > ?", (mark,)):
                changes.added[table] = ranges
            # A row that came and went inside is nothing to bring back.
            db.execute(
                "DELETE FROM convo_trash WHERE entry_id = ? AND table_name = ? AND c0 > ?", (entry_id, table, mark)
            )
    for table in _KEYED:
        if table in names:
            _settle_rows(db, entry_id, changes, table, names[table])
    if changes.added or _has_trash(db, entry_id):
        _finish(db, tables, entry_id, changes, deed)
        _drop(db, "state = 'undone'")
    else:
        db.execute("DELETE FROM convo_journal WHERE id = ?", (entry_id,))


def note(
    db: sqlite3.Connection,
    tables: Tables,
    session_id: str,
    op: str,
    deed: Deed,
    added: dict[str, Ranges],
    before: Sequence[tuple[str, Row]] = (),
) -> None:
    """Write down something that was done piece by piece, in transactions of others.

    Args:
        db: Inside a write transaction.
        tables: The file's base tables.
        session_id: The session.
        op: What kind of thing was done, one word.
        deed: What was done.
        added: Ids of the rows that it added to the tables whose rows have ids.
        before: Rows of other tables as they were before it, each with its table; they must still be there.
    """
    _prepare(db)
    entry_id: int = db.execute(
        "INSERT INTO convo_journal (session_id, op, words) VALUES (?, ?, '')", (session_id, op)
    ).lastrowid  # type: ignore[assignment]
    names = _names(db, tables)
    changes = _Changes({table: _columns(db, name) for table, name in names.items()}, added)
    for table, row in before:
        _put(db, entry_id, table, 0, row)
        key = row[: len(_key(db, names[table]))]
        found = _find(db, changes, table, names[table], key)
        if found is not None:
            _put(db, entry_id, table, 1, found)
    _finish(db, tables, entry_id, changes, deed)
    _drop(db, "state = 'undone'")


def _prepare(db: sqlite3.Connection) -> None:
    for statement in (CONVO_JOURNAL, CONVO_TRASH, TRASH_INDEX):
        db.execute(statement)


def _watch(db: sqlite3.Connection, names: dict[str, str], changes: _Changes, entry_id: int) -> Iterator[str]:
    """Have every row that is deleted or changed kept as it was, and note the keys of rows that come."""
    for table, name in names.items():
        columns = changes.columns[table]
        events = [("DELETE", "OLD", 0)]
        if table in _KEYED:
            events += (("UPDATE", "OLD", 0), ("INSERT", "NEW", 1))
        for event, row, side in events:
            trigger = f"convo_{table}_{event.lower()}"
            values = ", ".join(f"{row}.{quoted(column)}" for column in columns)
            db.execute(
                f"CREATE TEMP TRIGGER {trigger} AFTER {event} ON main.{name} BEGIN"
                f" INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(_CELLS[: len(columns)])})"
                f" VALUES ({entry_id}, '{table}', {side}, {values}); END"
            )
            yield trigger


def _settle_rows(db: sqlite3.Connection, entry_id: int, changes: _Changes, table: str, name: str) -> None:
    """Of all that happened to each row, keep what it was at first and what it is at last."""
    key_size = len(_key(db, name))
    first: dict[Row, Row | None] = {}
    width = len(changes.columns[table])
    for side, *cells in db.execute(
        f"SELECT side, {', '.join(_CELLS[:width])} FROM convo_trash WHERE entry_id = ? AND table_name = ?"
        " ORDER BY rowid",
        (entry_id, table),
    ):
        first.setdefault(tuple(cells[:key_size]), None if side else tuple(cells))
    if not first:
        return
    db.execute("DELETE FROM convo_trash WHERE entry_id = ? AND table_name = ?", (entry_id, table))
    for key, before in first.items():
        after = _find(db, changes, table, name, key)
        if after == before:
            continue
        for side, row in enumerate((before, after)):
            if row is not None:
                _put(db, entry_id, table, side, row)


def _finish(db: sqlite3.Connection, tables: Tables, entry_id: int, changes: _Changes, deed: Deed) -> None:
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
            session, branch = (_CELLS[changes.columns[table].index(name)] for name in ("session_id", "branch_id"))
            touched.update(
                db.execute(
                    f"SELECT DISTINCT {session}, {branch} FROM convo_trash WHERE entry_id = ? AND table_name = ?",
                    (entry_id, table),
                )
            )
    changes.branches = [_branch_now(db, *branch) for branch in sorted(touched)]
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


# Undoing and doing again


def entries(file: Snapshot) -> tuple[Entry, ...]:
    """What was done to a file, the newest first."""
    if not file.has("convo_journal"):
        return ()
    return tuple(
        _entry(row)
        for row in file.execute(
            "SELECT id, session_id, branch_id, words, state, bytes, CAST(created_at AS TEXT) FROM convo_journal"
            " WHERE state IN ('done', 'undone', 'kept') ORDER BY id DESC"
        )
    )


def undo(db: sqlite3.Connection, tables: Tables, back_to: int | None = None) -> tuple[Entry, ...]:
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


def redo(db: sqlite3.Connection, tables: Tables, up_to: int | None = None) -> tuple[Entry, ...]:
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
        _drop(db, "state = 'undone'")
        db.execute("DELETE FROM convo_trash")
        db.execute("UPDATE convo_journal SET state = 'kept', changes = '{}', bytes = 0")


def _turn_over(
    db: sqlite3.Connection, tables: Tables, state: EntryState, order: str, until: str, limit: int | None
) -> tuple[Entry, ...]:
    rows = []
    if has_table(db, "convo_journal"):
        rows = db.execute(
            "SELECT id, session_id, branch_id, words, state, bytes, CAST(created_at AS TEXT), changes"
            f" FROM convo_journal WHERE state = ? {'' if limit is None else f'AND {until}'}"
            f" ORDER BY {order} {'LIMIT 1' if limit is None else ''}",
            (state,) if limit is None else (state, limit),
        ).fetchall()
    if not rows:
        what = "undo" if state is EntryState.DONE else "do again"
        raise ConvoError(f"There is nothing to {what}.", "H lists what was done.")
    turned = []
    for *row, changes in rows:
        entry = _entry(row)
        try:
            _turn_one(db, tables, entry, _Changes.parse(changes))
        except (ConvoError, sqlite3.IntegrityError) as error:
            what = "undone" if state is EntryState.DONE else "done again"
            why = str(error) if isinstance(error, ConvoError) else "What it would bring back is there already."
            hint = "To undo what was done before it, keep it: H, then K." if state is EntryState.DONE else ""
            raise ConvoError(f"“{entry.words}” cannot be {what}. {why}", hint) from error
        turned.append(entry)
    return tuple(turned)


def _turn_one(db: sqlite3.Connection, tables: Tables, entry: Entry, changes: _Changes) -> None:
    # A table that was made since holds nothing of the entry.
    names = {table: name for table, name in _names(db, tables).items() if table in changes.columns}
    _check_unchanged(db, tables, changes)
    if "message_structure" in names:
        db.execute(MESSAGE_INDEX)
    restored: dict[str, Ranges] = {}
    newest: int = db.execute("SELECT COALESCE(MAX(rowid), 0) FROM convo_trash").fetchone()[0]
    for table in _NUMBERED:
        if table in names:
            for first, last in changes.added.get(table, ()):
                _save(db, entry.id, changes, table, names[table], 0, "id BETWEEN ? AND ?", (first, last))
                db.execute(f"DELETE FROM {names[table]} WHERE id BETWEEN ? AND ?", (first, last))
            if ranges := _restore(db, entry.id, changes, table, names[table], newest):
                restored[table] = ranges
    for table in _KEYED:
        if table in names:
            _swap_rows(db, entry.id, changes, table, names)
    _check_whole(db, tables, changes.added, restored)
    changes.added = restored
    _finish(db, tables, entry.id, changes, Deed(entry.words, entry.branch_id))
    state = EntryState.UNDONE if entry.state is EntryState.DONE else EntryState.DONE
    db.execute("UPDATE convo_journal SET state = ? WHERE id = ?", (state, entry.id))


def _restore(db: sqlite3.Connection, entry_id: int, changes: _Changes, table: str, name: str, newest: int) -> Ranges:
    """Bring rows back that the trash held before this, and tell their ids."""
    columns = changes.columns[table]
    where = "entry_id = ? AND table_name = ? AND rowid <= ?"
    values = (entry_id, table, newest)
    ranges = ranges_of(db, f"SELECT c0 AS id FROM convo_trash WHERE {where}", values)
    if ranges:
        db.execute(
            f"INSERT INTO {name} ({', '.join(map(quoted, columns))}) SELECT {', '.join(_CELLS[: len(columns)])}"
            f" FROM convo_trash WHERE {where} ORDER BY c0",
            values,
        )
        db.execute(f"DELETE FROM convo_trash WHERE {where}", values)
    return ranges


def _swap_rows(db: sqlite3.Connection, entry_id: int, changes: _Changes, table: str, names: dict[str, str]) -> None:
    """Put each row as it was on the other side of the entry.

    Raises:
        ConvoError: It is not as the entry left it.
    """
    columns, name = changes.columns[table], names[table]
    key_size = len(_key(db, name))
    sides: tuple[dict[Row, Row], dict[Row, Row]] = {}, {}
    for side, *cells in db.execute(
        f"SELECT side, {', '.join(_CELLS[: len(columns)])} FROM convo_trash WHERE entry_id = ? AND table_name = ?",
        (entry_id, table),
    ):
        sides[side][tuple(cells[:key_size])] = tuple(cells)
    before, after = sides
    for key in before.keys() | after.keys():
        now = _find(db, changes, table, name, key)
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


def _check_unchanged(db: sqlite3.Connection, tables: Tables, changes: _Changes) -> None:
    for session_id, generation in changes.generations.items():
        if branches.generation(db, Conversation(session_id, tables)) != generation:
            raise ConvoError(f"Session '{session_id}' was cleared since.")
    for left in changes.branches:
        now = _branch_now(db, left.session_id, left.branch_id)
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


# Rows


def _names(db: sqlite3.Connection, tables: Tables) -> dict[str, str]:
    """The tables of the file that are watched: by the name that the journal gives them, as SQL."""
    known = {"sessions": tables.sessions, "messages": tables.messages}
    for table in (*_NUMBERED, *_KEYED):
        if table not in known and has_table(db, table):
            known[table] = table
    return known


def _columns(db: sqlite3.Connection, name: str) -> list[str]:
    """The columns of a table, those of its key first."""
    key = _key(db, name)
    return [*key, *(row[1] for row in db.execute(f"PRAGMA table_info({name})") if row[1] not in key)]


def _key(db: sqlite3.Connection, name: str) -> list[str]:
    rows = sorted((row[5], row[1]) for row in db.execute(f"PRAGMA table_info({name})") if row[5])
    return [column for _, column in rows]


def _last_id(db: sqlite3.Connection, name: str) -> int:
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


def _find(db: sqlite3.Connection, changes: _Changes, table: str, name: str, key: Row) -> Row | None:
    columns = changes.columns[table]
    where = " AND ".join(f"{quoted(column)} IS ?" for column in columns[: len(key)])
    row: Row | None = db.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {name} WHERE {where}", key).fetchone()
    return row


def _put(db: sqlite3.Connection, entry_id: int, table: str, side: int, row: Row) -> None:
    db.execute(
        f"INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(_CELLS[: len(row)])})"
        f" VALUES (?, ?, ?, {', '.join('?' * len(row))})",
        (entry_id, table, side, *row),
    )


def _save(
    db: sqlite3.Connection,
    entry_id: int,
    changes: _Changes,
    table: str,
    name: str,
    side: int,
    where: str = "TRUE",
    values: Row = (),
) -> None:
    """Copy rows of a table to the trash."""
    columns = changes.columns[table]
    db.execute(
        f"INSERT INTO convo_trash (entry_id, table_name, side, {', '.join(_CELLS[: len(columns)])})"
        f" SELECT ?, ?, ?, {', '.join(map(quoted, columns))} FROM {name} WHERE {where}",
        (entry_id, table, side, *values),
    )


def _has_trash(db: sqlite3.Connection, entry_id: int) -> bool:
    return db.execute("SELECT 1 FROM convo_trash WHERE entry_id = ? LIMIT 1", (entry_id,)).fetchone() is not None


def _drop(db: sqlite3.Connection, where: str) -> None:
    db.execute(f"DELETE FROM convo_trash WHERE entry_id IN (SELECT id FROM convo_journal WHERE {where})")
    db.execute(f"DELETE FROM convo_journal WHERE {where}")


def _branch_now(db: sqlite3.Connection, session_id: str, branch_id: str) -> _Branch:
    key = (session_id, branch_id)
    held = [
        db.execute(
            f"SELECT COUNT(*), COALESCE(MAX(id), 0) FROM {table} WHERE session_id = ? AND branch_id = ?", key
        ).fetchone()
        for table in ("message_structure", "turn_usage")
    ]
    return _Branch(*key, *held[0], *held[1])


def _entry(row: Sequence[Any]) -> Entry:
    entry_id, session_id, branch_id, words, state, size, at = row
    return Entry(entry_id, session_id, branch_id, words, EntryState(state), size, at)
