"""Undoing and redoing entries of the journal.

Undoing an entry moves the rows that it added to the trash, and restores the rows that it deleted with the same ids; the
entry then stores the data for redoing it, which is done in the same way. An error is raised if another program has
changed what the entry depends on; the transaction then has to be rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from tui.errors import ConvoError, NotFoundError
from tui.model import EntryState, JournalEntry
from tui.storage.engine import Transaction
from tui.storage.journal.rows import (
    AFTER,
    BEFORE,
    CLEAR,
    COMPACT,
    DAMAGES,
    KEYED_TABLES,
    NUMBERED_TABLES,
    RUN,
    SHARED_TABLES,
    TEXTS,
    BranchState,
    Changes,
    IdRanges,
    PendingEntry,
    Row,
    by_place,
    complete_entry,
    copy_to_trash,
    entry_columns,
    entry_from_row,
    find_row,
    id_ranges,
    key_condition,
    move_cleared_to_trash,
    read_branch_state,
    recorded_tables,
    values_of,
)
from tui.storage.queries.branches import branch_has_items, read_generation
from tui.storage.queries.compaction import reassign_rows, reserve_numbered, split_branch
from tui.storage.queries.request_inputs import unused_texts
from tui.storage.schema import (
    CONVO_PAUSED_RUNS,
    CONVO_REQUEST_INPUTS,
    CONVO_REQUESTS,
    MAIN,
    TRASH_CELLS,
    TURN_TABLES,
    quoted,
)
from tui.words import plural

__all__ = ["Check", "redo", "undo"]

_USING: Final = {
    "convo_messages": "message_structure",
    "convo_message_types": "messages",
    TEXTS: CONVO_REQUEST_INPUTS.name,
}
"""For each of `SHARED_TABLES`, the table whose rows use its rows."""

Check: TypeAlias = Callable[[JournalEntry], None]
"""Raises `ConvoError` if an entry must not be undone or redone now."""


def undo(tx: Transaction, back_to: int | None = None, *, check: Check | None = None) -> tuple[JournalEntry, ...]:
    """Undo the newest change that is in effect, or the entry `back_to` and all newer ones.

    `check` is called for each of these entries before anything is changed.

    Returns:
        The entries in the order in which they were undone.

    Raises:
        ConvoError: There is nothing to undo, `check` refused, or another program has changed what an entry depends on.
    """
    entries = _read_locked(tx, EntryState.DONE, ">=", "DESC", back_to)
    hint = "To undo earlier changes, make this one permanent in the explorer, under Changes."
    return _invert(tx, entries, check, "undo", "undone", hint)


def redo(tx: Transaction, up_to: int | None = None, *, check: Check | None = None) -> tuple[JournalEntry, ...]:
    """Redo the oldest change that was undone, or the entry `up_to` and all older ones that were undone.

    The rest is as with `undo`.
    """
    entries = _read_locked(tx, EntryState.UNDONE, "<=", "ASC", up_to)
    return _invert(tx, entries, check, "redo", "redone", "")


def _read_locked(
    tx: Transaction, state: EntryState, operator: str, order: str, limit: int | None
) -> list[tuple[JournalEntry, object]]:
    """Return the entries as `_read` does, once nobody else changes their sessions."""
    while True:
        entries = _read(tx, state, operator, order, limit)
        sessions = {entry.session_id for entry, _ in entries}
        for _, stored in entries:
            # A damaged entry is reported when it is undone.
            with suppress(*DAMAGES):
                sessions |= Changes.parse(stored).generations.keys()
        locked = [session_id for session_id in sorted(sessions) if tx.lock_session(session_id)]
        if not locked:
            return entries


def _read(
    tx: Transaction, state: EntryState, operator: str, order: str, limit: int | None
) -> list[tuple[JournalEntry, object]]:
    """Return the entries in a state, with their stored changes, at one side of an entry; else only the first one."""
    if not tx.has_table("convo_journal"):
        return []
    place = by_place(tx)
    within = "" if limit is None else f" AND {place} {operator} (SELECT {place} FROM convo_journal WHERE id = :limit)"
    sql = (
        f"SELECT {entry_columns(tx)}, changes FROM convo_journal WHERE state = :state{within} ORDER BY {place} {order}"
        f"{' LIMIT 1' if limit is None else ''}{tx.dialect.for_update}"
    )
    rows = tx.execute(sql, state=state, limit=limit).fetchall()
    return [(entry_from_row(row), changes) for *row, changes in rows]


def _invert(
    tx: Transaction,
    entries: Sequence[tuple[JournalEntry, object]],
    check: Check | None,
    verb: str,
    participle: str,
    hint: str,
) -> tuple[JournalEntry, ...]:
    if not entries:
        raise NotFoundError(f"Nothing to {verb}.")
    if check is not None:
        for entry, _ in entries:
            check(entry)
    inverted = []
    for entry, stored in entries:
        try:
            changes = Changes.parse(stored)
            _check_trash(tx, entry, changes)
            inverted.append(_invert_entry(tx, entry, changes))
        except (ConvoError, tx.integrity_error, *DAMAGES) as error:
            reason = str(error)
            if isinstance(error, tx.integrity_error):
                reason = "What it would bring back exists already."
            elif not isinstance(error, ConvoError):
                reason = "The history of changes is damaged; nothing was changed."
                hint = hint or "To go on without it, empty the trash in the explorer, under Changes."
            raise ConvoError(f"“{entry.description}” cannot be {participle}. {reason}", hint) from error
    return tuple(inverted)


def _check_trash(tx: Transaction, entry: JournalEntry, changes: Changes) -> None:
    """Raise an error if the trash has a row that cannot be restored or removed."""
    tables = recorded_tables(tx)
    sql = "SELECT DISTINCT table_name, side FROM convo_trash WHERE entry_id = :entry_id"
    for table, side in tx.execute(sql, entry_id=entry.id).fetchall():
        if side not in (BEFORE, AFTER) or not {*changes.columns[table]} <= {*tx.columns(tables[table])}:
            raise ValueError(f"The trash has a row of {table!r} on side {side!r}.")


def _invert_entry(tx: Transaction, entry: JournalEntry, changes: Changes) -> JournalEntry:
    """Undo or redo an entry, and return it; its description says where later items were moved."""
    if "message_structure" in changes.columns:
        tx.layout.prepare_removal(tx)
    move_cleared_to_trash(tx, entry.id, changes)
    moved_to = _take_in_later_changes(tx, entry, changes) if entry.state is EntryState.DONE else []
    sql = "SELECT DISTINCT table_name FROM convo_trash WHERE entry_id = :entry_id"
    changed = {*changes.added, *(table for (table,) in tx.execute(sql, entry_id=entry.id))}
    for shared, using in _USING.items():
        changed |= {shared} if using in changed else set()
    tables = {table: name for table, name in recorded_tables(tx).items() if table in changed & changes.columns.keys()}
    _check_unchanged(tx, entry, changes)
    keyed = [table for table in KEYED_TABLES if table in tables]
    if tx.layout.derives_main and _restores(tx, entry.id, "sessions"):
        # The messages refer to it.
        keyed.remove("sessions")
        _swap_keyed_rows(tx, entry, changes, "sessions", tables)
    restored: dict[str, IdRanges] = {}
    for table in NUMBERED_TABLES:
        if table in tables:
            identifier, columns, added = tables[table], changes.columns[table], changes.added.get(table, [])
            if ranges := _swap_numbered_rows(tx, entry.id, table, identifier, columns, added):
                restored[table] = ranges
    for table in keyed:
        _swap_keyed_rows(tx, entry, changes, table, tables)
    for table in SHARED_TABLES:
        if table in tables:
            _swap_shared_rows(tx, entry, changes, table)
    _check_references(tx, entry, changes, restored)
    changes.added = restored
    complete_entry(tx, entry.id, changes, PendingEntry(entry.description, entry.branch_id))
    state = EntryState.UNDONE if entry.state is EntryState.DONE else EntryState.DONE
    tx.execute("UPDATE convo_journal SET state = :state WHERE id = :entry_id", state=state, entry_id=entry.id)
    moved = "".join(f"; newer items are in '{new_id}'" for new_id in moved_to)
    return entry._replace(description=entry.description + moved)


def _swap_numbered_rows(
    tx: Transaction, entry_id: int, table: str, identifier: str, columns: Sequence[str], added: IdRanges
) -> IdRanges:
    """Move the rows that an entry added to the trash, restore the rows that it deleted, and return the restored ids."""
    deleted = f"FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table AND side = {BEFORE}"
    values = {"entry_id": entry_id, "table": table}
    row_id = tx.from_cell(identifier, "id", TRASH_CELLS[0])
    ranges = id_ranges(tx, f"SELECT {row_id} AS id {deleted}", **values)
    for first, last in added:
        limits = {"first": first, "last": last}
        condition = "id BETWEEN :first AND :last"
        copy_to_trash(tx, entry_id, table, identifier, columns, AFTER if ranges else BEFORE, condition, limits)
        tx.execute(f"DELETE FROM {identifier} WHERE {condition}", **limits)
    if ranges:
        tx.execute(
            f"INSERT INTO {identifier} ({', '.join(map(quoted, columns))}){tx.dialect.given_ids}"
            f" SELECT {values_of(tx, identifier, columns, TRASH_CELLS)} {deleted} ORDER BY {row_id}",
            **values,
        )
        tx.execute(f"DELETE {deleted}", **values)
        if added:
            _swap_sides(tx, entry_id, table)
    return ranges


def _take_in_later_changes(tx: Transaction, entry: JournalEntry, changes: Changes) -> list[str]:
    """Let an entry include what was stored since for the turns that it made, or move what would be in its way.

    Returns:
        The new branches that items were moved to.
    """
    moved_to = []
    states = {state.branch_id: state for state in changes.branches}
    branch_id = entry.branch_id or MAIN
    if entry.operation == RUN and branch_id in states:
        # The usage of a run may be stored after its items were recorded.
        (first, _), *_ = changes.added[tx.layout.branch_rows(tx, branch_id).table]
        row = tx.execute(
            f"SELECT user_turn_number FROM {tx.layout.rows_sql(tx, entry.session_id, branch_id)} AS s"
            " WHERE session_id = :session_id AND branch_id = :branch_id AND id = :id",
            session_id=entry.session_id,
            branch_id=branch_id,
            id=first,
        ).fetchone()
        if row is not None:
            _include_usage(tx, changes, states[branch_id], row[0] or 0)
    elif entry.operation == COMPACT:
        # The usage of a run after which the SDK compacted the branch is stored for the kept branch.
        for name, state in states.items():
            if name != branch_id:
                _include_usage(tx, changes, state, 0, (entry.id, branch_id))
        if branch_id in states:
            moved_to += _move_new_items(tx, states[branch_id])
            # Branches that were forked since keep the compacted items.
            if not tx.layout.derives_main:
                changes.added["messages"] = _own_messages(tx, states[branch_id])
    elif entry.operation == CLEAR:
        for name, state in states.items():
            if not state.items and branch_has_items(tx, entry.session_id, name):
                new_id = reserve_numbered(tx, entry.session_id, f"{name}_after_clear")
                reassign_rows(tx, entry.session_id, name, new_id)
                moved_to.append(new_id)
    return moved_to


def _move_new_items(tx: Transaction, compacted: BranchState) -> list[str]:
    """Move what was added to a compacted branch to a new branch that begins with the compacted items, and return it."""
    session_id, branch_id = compacted.session_id, compacted.branch_id
    values = {"session_id": session_id, "branch_id": branch_id, "last": compacted.last_item}
    stored = tx.layout.branch_rows(tx, branch_id)
    sql = (
        "SELECT COUNT(CASE WHEN id <= :last THEN 1 END), COUNT(CASE WHEN id > :last THEN 1 END)"
        f" FROM {stored.identifier} WHERE {stored.condition}"
    )
    old, new = tx.execute(sql, **values).fetchone()
    if old != compacted.items or not new:
        return []
    if tx.has_table(CONVO_PAUSED_RUNS.name):
        sql = "SELECT 1 FROM convo_paused_runs WHERE session_id = :session_id AND branch_id = :branch_id LIMIT 1"
        if tx.execute(sql, **values).fetchone() is not None:
            raise ConvoError(f"A run on '{branch_id}' waits for approval: answer it first.")
    new_id = reserve_numbered(tx, session_id, f"{branch_id}_after_compaction")
    split_branch(tx, session_id, branch_id, compacted.last_item, new_id)
    return [new_id]


def _own_messages(tx: Transaction, compacted: BranchState) -> IdRanges:
    """Return the messages of a compacted branch that no other branch holds."""
    return id_ranges(
        tx,
        "SELECT s.message_id AS id FROM message_structure AS s"
        " WHERE s.session_id = :session_id AND s.branch_id = :branch_id AND NOT EXISTS (SELECT 1"
        " FROM message_structure AS o WHERE o.message_id = s.message_id AND o.branch_id <> s.branch_id)",
        session_id=compacted.session_id,
        branch_id=compacted.branch_id,
    )


def _include_usage(
    tx: Transaction, changes: Changes, state: BranchState, turn: int, moved_from: tuple[int, str] | None = None
) -> None:
    """Add the usage and the runs of a branch from a turn on to the rows that an entry added.

    If the entry moved them from another branch, given with the id of the entry, they are restored there.
    """
    on_branch = tx.layout.from_turn_sql(tx, state.session_id, state.branch_id)
    tables = recorded_tables(tx)
    values = {"session_id": state.session_id, "branch_id": state.branch_id, "turn": turn}
    for table in TURN_TABLES:
        if table not in tables:
            continue
        identifier = tables[table]
        columns = changes.columns.setdefault(table, tx.columns(identifier))
        rows = f"SELECT id FROM {identifier} WHERE {on_branch}"
        with_added = rows
        if moved_from is not None:
            # The compaction itself is counted on the other branch.
            added = tx.dialect.rows_of_json("added", {"first": "INTEGER", "last": "INTEGER"})
            with_added += (
                f" UNION SELECT t.id FROM {added} AS a JOIN {identifier} AS t ON t.id BETWEEN a.first AND a.last"
            )
        known = json.dumps(changes.added.get(table, []))
        changes.added[table] = id_ranges(tx, with_added, **values, added=known)
        if moved_from is None and table == CONVO_REQUESTS.name and tx.has_table(CONVO_REQUEST_INPUTS.name):
            inputs = CONVO_REQUEST_INPUTS.name
            changes.columns.setdefault(inputs, tx.columns(inputs))
            changes.added[inputs] = id_ranges(tx, f"SELECT id FROM {inputs} WHERE id IN ({rows})", **values)
        if moved_from is not None:
            entry_id, old_id = moved_from
            trash = f"entry_id = :entry_id AND table_name = :table AND side = {BEFORE}"
            tx.execute(f"DELETE FROM convo_trash WHERE {trash}", entry_id=entry_id, table=table)
            copy_to_trash(tx, entry_id, table, identifier, columns, BEFORE, on_branch, values)
            branch_cell = TRASH_CELLS[columns.index("branch_id")]
            tx.execute(
                f"UPDATE convo_trash SET {branch_cell} = :old_id WHERE {trash}",
                entry_id=entry_id,
                table=table,
                old_id=old_id,
            )
    now = read_branch_state(tx, state.session_id, state.branch_id)
    changes.branches.remove(state)
    changes.branches.append(state._replace(usages=now.usages, last_usage=now.last_usage))


def _swap_keyed_rows(
    tx: Transaction, entry: JournalEntry, changes: Changes, table: str, tables: dict[str, str]
) -> None:
    """Replace each row of a keyed table that an entry changed by its version on the other side of the entry.

    Raises:
        ConvoError: The row was changed after the entry.
    """
    columns, identifier = changes.columns[table], tables[table]
    key_size = len(tx.primary_key(identifier))
    sides: tuple[dict[Row, Row], dict[Row, Row]] = {}, {}
    for side, *cells in tx.execute(
        f"SELECT side, {', '.join(TRASH_CELLS[: len(columns)])} FROM convo_trash"
        " WHERE entry_id = :entry_id AND table_name = :table",
        entry_id=entry.id,
        table=table,
    ):
        sides[side][tuple(cells[:key_size])] = tuple(cells)
    before, after = sides
    for key in before.keys() | after.keys():
        current = find_row(tx, identifier, columns, key)
        row = before.get(key)
        if current != after.get(key):
            if not _may_differ(entry, table, current, key in before, key in after):
                raise ConvoError(_KEYED_CHANGED.get(table, "Another program has changed what it recorded."))
            if table == "sessions" and row is not None and current is not None:
                # Others have written to the session since, so that its time is newer.
                row = current
        if table == "sessions" and row is None:
            _check_is_empty(tx, str(key[0]))
        _replace_row(tx, identifier, columns, key, current, row)
    _swap_sides(tx, entry.id, table)


def _swap_shared_rows(tx: Transaction, entry: JournalEntry, changes: Changes, table: str) -> None:
    """Restore the rows of a shared table that became unused by an entry, and move those to the trash that are now."""
    columns = changes.columns[table]
    in_trash = "FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table"
    values = {"entry_id": entry.id, "table": table}
    tx.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values_of(tx, table, columns, TRASH_CELLS)} {in_trash}"
        " ON CONFLICT DO NOTHING",
        **values,
    )
    tx.execute(f"DELETE {in_trash}", **values)
    for session_id in {entry.session_id, *(branch.session_id for branch in changes.branches)}:
        keys = {"session_id": session_id}
        if table == TEXTS:
            keys["hashes"] = json.dumps(unused_texts(tx, session_id))
            unused = tx.dialect.in_list("hash", "hashes")
        elif table == "convo_messages":
            unused = f"NOT EXISTS (SELECT 1 FROM {tx.tables.structure} AS s WHERE s.message_id = {table}.id)"
        else:
            unused = f"NOT EXISTS (SELECT 1 FROM {tx.tables.messages} AS m WHERE m.id = {table}.message_id)"
        unused = f"session_id = :session_id AND {unused}"
        copy_to_trash(tx, entry.id, table, table, columns, BEFORE, unused, keys)
        tx.execute(f"DELETE FROM {table} WHERE {unused}", **keys)


def _replace_row(
    tx: Transaction, identifier: str, columns: Sequence[str], key: Row, current: Row | None, row: Row | None
) -> None:
    condition, values = key_condition(tx, identifier, columns, key)
    cells = TRASH_CELLS[: len(columns)]
    named = [f":{cell}" for cell in cells]
    if row is None:
        tx.execute(f"DELETE FROM {identifier} WHERE {condition}", **values)
    elif current is None:
        tx.execute(
            f"INSERT INTO {identifier} ({', '.join(map(quoted, columns))})"
            f" VALUES ({values_of(tx, identifier, columns, named)})",
            **dict(zip(cells, row, strict=True)),
        )
    elif row != current:
        # The row is kept, with its place among the others.
        assignments = ", ".join(
            f"{quoted(column)} = {tx.from_cell(identifier, column, cell)}"
            for column, cell in zip(columns, named, strict=True)
        )
        values.update(zip(cells, row, strict=True))
        tx.execute(f"UPDATE {identifier} SET {assignments} WHERE {condition}", **values)


def _swap_sides(tx: Transaction, entry_id: int, table: str) -> None:
    sql = "UPDATE convo_trash SET side = 1 - side WHERE entry_id = :entry_id AND table_name = :table"
    tx.execute(sql, entry_id=entry_id, table=table)


_KEYED_CHANGED: Final = {
    "convo_labels": "Another program has changed a title, a note, a pin or an archive mark since.",
    "session_clear_generations": "Another program has cleared the session since.",
    "sessions": "Another program has created the session again since.",
}


def _may_differ(entry: JournalEntry, table: str, current: Row | None, had_before: bool, had_after: bool) -> bool:
    """Return whether a row may differ from what the entry stored."""
    if entry.operation == CLEAR and table in ("sessions", "session_clear_generations"):
        # A program goes on with a session that it cleared.
        return current is not None
    if table == "sessions":
        # Every write to a session updates its time.
        return had_after and current is not None
    # Kept usage is deleted with its turn.
    return table == "convo_usage" and current is None and not had_before


def _check_is_empty(tx: Transaction, session_id: str) -> None:
    """Raise ConvoError if a session has items, so that its row must not be deleted."""
    for table in (tx.tables.structure, tx.tables.messages):
        sql = f"SELECT 1 FROM {table} WHERE session_id = :session_id LIMIT 1"
        if tx.execute(sql, session_id=session_id).fetchone():
            raise ConvoError(f"Session '{session_id}' has new items: archive it instead.")


def _check_unchanged(tx: Transaction, entry: JournalEntry, changes: Changes) -> None:
    """Raise ConvoError if a session or a branch was changed after the entry."""
    for session_id, generation in changes.generations.items():
        if entry.operation != CLEAR and read_generation(tx, session_id) != generation:
            raise ConvoError(f"Session '{session_id}' was cleared since.")
    for left in changes.branches:
        current = read_branch_state(tx, left.session_id, left.branch_id)
        if current == left:
            continue
        if not left.items and current.items:
            raise ConvoError(f"Another program writes to branch '{left.branch_id}' again.")
        if current.items > left.items and current.last_item > left.last_item:
            new_items = plural(current.items - left.items, "new item")
            raise ConvoError(f"Branch '{left.branch_id}' has {new_items}: archive it instead.")
        if current[:4] == left[:4]:
            raise ConvoError(f"Usage was stored for branch '{left.branch_id}' since.")
        raise ConvoError(f"Another program has changed branch '{left.branch_id}' since.")


def _restores(tx: Transaction, entry_id: int, table: str) -> bool:
    """Return whether inverting an entry restores or changes a row of a table."""
    sql = f"SELECT 1 FROM convo_trash WHERE entry_id = :entry_id AND table_name = :table AND side = {BEFORE} LIMIT 1"
    return tx.execute(sql, entry_id=entry_id, table=table).fetchone() is not None


def _check_references(tx: Transaction, entry: JournalEntry, changes: Changes, restored: dict[str, IdRanges]) -> None:
    """Raise ConvoError if other branches hold messages that the entry added, or a message of a branch is missing."""
    made = changes.added.get("messages", [])
    if tx.layout.derives_main:
        # Branches have copies of the messages of `main`, and their turns the usage that is stored for it.
        is_done = entry.state is EntryState.DONE and entry.operation != COMPACT
        made = [*made, *changes.created] if is_done else []
    for first, last in made:
        sql = f"SELECT branch_id FROM {tx.tables.structure} WHERE message_id BETWEEN :first AND :last LIMIT 1"
        row = tx.execute(sql, first=first, last=last).fetchone()
        if row is not None:
            raise ConvoError(f"Branch '{row[0]}' shares its messages: it was forked from there since.")
    for first, last in restored.get("message_structure", ()):
        row = tx.execute(
            f"SELECT s.branch_id, s.user_turn_number FROM {tx.tables.structure} s"
            f" LEFT JOIN {tx.layout.messages_sql(tx, '')} m"
            " ON m.id = s.message_id WHERE s.id BETWEEN :first AND :last AND m.id IS NULL LIMIT 1",
            first=first,
            last=last,
        ).fetchone()
        if row is not None:
            raise ConvoError(f"Another program has deleted messages that '{row[0]}' shared in turn {row[1]}.")
