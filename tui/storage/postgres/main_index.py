"""The items of `main` as a reader keeps them: it numbers them once, so that no statement has to do it again."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from tui.items.codec import decode_or_none
from tui.items.sealed import UNREADABLE, unsealed
from tui.items.types import message_type, tool_name
from tui.storage.engine import Transaction
from tui.storage.postgres.connection import NumberArray
from tui.storage.postgres.dialect import as_utc
from tui.storage.postgres.message_types import main_messages, stored_text, types_sql

__all__ = ["MainIndex", "MainIndexes"]

_REMEMBERED_ITEMS: Final = 1 << 19
"""Items of sessions whose indexes are kept; the index of the last session is kept in any case."""

_NAMES: Final = ("main_ids", "main_numbers", "main_turns", "main_kinds", "main_types", "main_tools")

_ROWS: Final = """
    SELECT m.id, k.message_type, k.tool_name, CASE WHEN k.message_id IS NULL THEN m.message_data END AS text,
        m.created_at
    FROM {messages} AS m LEFT JOIN {types} AS k ON k.session_id = m.session_id AND k.message_id = m.id
    WHERE m.session_id = :session_id
"""

Kind: TypeAlias = tuple[str, str | None]
"""Type and tool of a message."""


class MainIndex:
    """The items of `main` of a session, in their order.

    Attributes:
        ids: The ids of the messages.
        turns: The number of the turn of each.
        kinds: Type and tool of each, as an index of `names`.
        names: Types and tools.
        is_provisional: Whether an item could not be decrypted, which may have another type with its key.
    """

    def __init__(self) -> None:
        self.ids, self.turns, self.kinds = array("q"), array("i"), array("i")
        self.names: dict[Kind, int] = {}
        self.is_provisional = False
        self._arrays: tuple[NumberArray, ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def extended(self, session_id: str, rows: Iterable[Sequence[Any]]) -> MainIndex:
        """Return an index with more items: the id of each, its type, its tool, and its text if these are not stored."""
        index = MainIndex()
        index.ids, index.turns, index.kinds = self.ids[:], self.turns[:], self.kinds[:]
        index.names = dict(self.names)
        turn = self.turns[-1] if self.turns else 0
        for message_id, kind, tool, text in rows:
            if text is not None:
                item = unsealed(decode_or_none(text), session_id)
                index.is_provisional |= item is UNREADABLE
                kind, tool = stored_text(message_type(item)), stored_text(tool_name(item))
            turn += kind == "user"
            index.ids.append(message_id)
            index.turns.append(turn)
            index.kinds.append(index.names.setdefault((kind, tool), len(index.names)))
        return index

    def items_before(self, turn: int) -> int:
        """Return the number of items before a turn."""
        return bisect_left(self.turns, turn)

    def of_turns(self, turns: Collection[int]) -> Sequence[int]:
        """Return the positions of the items of turns."""
        if isinstance(turns, range):
            return range(self.items_before(turns.start), self.items_before(turns.stop))
        return [at for turn in sorted(turns) for at in range(self.items_before(turn), self.items_before(turn + 1))]

    def of_type(self, name: str) -> Sequence[int]:
        """Return the positions of the items of a type."""
        kinds = {at for (kind, _), at in self.names.items() if kind == name}
        return [at for at, kind in enumerate(self.kinds) if kind in kinds]

    def ends(self) -> Sequence[int]:
        """Return the positions of the first and the last item, and of those with the least and the greatest id."""
        if not self.ids:
            return []
        return sorted({0, self.ids.index(min(self.ids)), self.ids.index(max(self.ids)), len(self.ids) - 1})

    def rows(self, tx: Transaction, positions: Sequence[int] | None, suffix: str) -> tuple[str, dict[str, object]]:
        """Return the rows at some positions, or all, as a relation, and its parameters, their names with a suffix."""
        if positions is None:
            arrays = self._arrays = self._arrays or self._columns(range(len(self.ids)))
        else:
            arrays = self._columns(positions)
        types, tools = [kind for kind, _ in self.names], [tool for _, tool in self.names]
        values = {f"{name}{suffix}": value for name, value in zip(_NAMES, (*arrays, types, tools), strict=True)}
        ids, numbers, turns, kinds, type_names, tool_names = (f":{name}" for name in values)
        # The time is looked up only where a statement names it: the join is left out otherwise.
        sql = f"""(
            SELECT item.id, CAST(:session_id AS TEXT) AS session_id, item.id AS message_id,
                CAST('main' AS TEXT) AS branch_id, (CAST({type_names} AS text[]))[item.kind + 1] AS message_type,
                item.number AS sequence_number, item.turn AS user_turn_number, item.turn AS branch_turn_number,
                (CAST({tool_names} AS text[]))[item.kind + 1] AS tool_name, {as_utc("m.created_at")} AS created_at
            FROM unnest({ids}, {numbers}, {turns}, {kinds}) AS item(id, number, turn, kind)
            LEFT JOIN {main_messages(tx)} AS m ON m.id = item.id
        )"""
        return sql, values

    def _columns(self, positions: Sequence[int]) -> tuple[NumberArray, ...]:
        columns = ([column[at] for at in positions] for column in (self.ids, self.turns, self.kinds))
        ids, turns, kinds = map(NumberArray, columns)
        return ids, NumberArray([at + 1 for at in positions]), turns, kinds


class _Entry:
    """The index of a session, which one thread at a time brings up to date."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.version: Hashable = None
        self.index = MainIndex()


class MainIndexes:
    """The indexes of the sessions that were read last, for several threads."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._items = 0
        self._guard = threading.Lock()

    def of(self, tx: Transaction, session_id: str, version: Hashable) -> MainIndex:
        """Return the index of a session, given the version of its content in the transaction; None to ask for it."""
        with self._guard:
            entry = self._entries[session_id] = self._entries.pop(session_id, _Entry())
        with entry.guard:
            before = len(entry.index)
            if version is None or version != entry.version:
                entry.index = _read(tx, session_id, entry.index)
                entry.version = version
            index = entry.index
        with self._guard:
            if self._entries.get(session_id) is entry:
                self._items += len(index) - before
            while self._items > _REMEMBERED_ITEMS and len(self._entries) > 1:
                self._items -= len(self._entries.pop(next(iter(self._entries))).index)
        return index


def _read(tx: Transaction, session_id: str, known: MainIndex) -> MainIndex:
    """Return the index of a session; of one that is known, only what was added since is read."""
    messages = main_messages(tx)
    values = {"session_id": session_id, "last": known.ids[-1] if known.ids else None}
    if known.ids and not known.is_provisional:
        last = f"(SELECT created_at, id FROM {messages} WHERE id = :last)"
        # The items that are known are there, and no others among them.
        rows = tx.execute(
            f"""
            WITH before AS (
                SELECT COUNT(*) AS items, SUM(id) AS total FROM {messages}
                WHERE session_id = :session_id AND (created_at, id) <= {last}
            ), added AS ({_ROWS.format(messages=messages, types=types_sql(tx))} AND (m.created_at, m.id) > {last})
            SELECT items, total, id, message_type, tool_name, text FROM before LEFT JOIN added ON TRUE
            ORDER BY created_at, id
            """,
            **values,
        ).fetchall()
        if rows[0][:2] == (len(known), sum(known.ids)):
            added = [row[2:] for row in rows if row[2] is not None]
            return known.extended(session_id, added) if added else known
    every = f"({_ROWS.format(messages=messages, types=types_sql(tx))}) AS item"
    sql = f"SELECT id, message_type, tool_name, text FROM {every} ORDER BY created_at, id"
    return MainIndex().extended(session_id, tx.execute(sql, **values))
