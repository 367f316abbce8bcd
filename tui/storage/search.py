"""Searching the items of a branch, a session or the file, on connections of its own.

Rows are looked through in windows, the youngest first, each in a short read transaction: neither a writer nor the
explorer's own reading waits. What SQLite's conditions let through is decoded and looked at in full. What is found is
told window by window; an item that branches share is read once, and its other branches are told as they come.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import deque
from collections.abc import AsyncGenerator, Container
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from time import thread_time
from typing import Final, NamedTuple

from tui.items.codec import decode_or_none
from tui.items.failure import is_error
from tui.items.text import searchable_texts
from tui.items.types import TYPES, ItemKind, item_type
from tui.model.query import Query
from tui.model.search import Hit, SearchOrigin, SearchScope, SearchUpdate
from tui.model.view import Session
from tui.storage.engine import Engine, Transaction
from tui.storage.open import open_to_read
from tui.storage.search_filter import is_selected, selection
from tui.storage.type_conditions import sql_list

__all__ = ["Searcher", "rank_in_turn"]

_READERS: Final = min(os.cpu_count() or 1, 4)
"""Connections that look through windows at the same time: SQLite leaves the interpreter to others meanwhile."""

_AHEAD: Final = 4
"""Windows that each of them has before it, so that none waits for a caller who is busy drawing."""

_SECONDS: Final = 0.03
"""How long a thread should look through a window, not counting what it waits: windows grow and shrink towards it."""

_FEWEST: Final = 16
_MOST: Final = 1 << 14
"""Rows of a window."""

_COUNTED: Final = 1_000
"""Places in a text that are counted."""

_BEFORE: Final = 120
_AFTER: Final = 280
"""Characters round a place that are kept of its text."""

_JOINED: Final = tuple(name for name, row in TYPES.items() if row.joins_command)
"""Types of items with a text that is not stored in one piece."""

_BLANKS: Final = re.compile(r"\s+")


class _Window(NamedTuple):
    """Rows to look through, those with numbers above `low` and up to `high`.

    Attributes:
        session: Whose rows, by their `sequence_number`; None for those of all sessions, by their `id`.
        branch_id: Of which branch; empty for all.
        besides: A session that is left out.
        low: The number before the first.
        high: The number of the last.
    """

    session: Session | None
    branch_id: str
    besides: str
    low: int
    high: int


@dataclass
class _Seen:
    """What was seen in a window.

    Attributes:
        hits: By message id, what the query selects.
        rows: Message id and branch of each row that may be one of a hit, in their order.
        judged: Message ids that were decoded.
        slow: Items on which the regular expression took too long.
        rest: Number of the last row that was not looked at; the window's `low` where all were.
        seconds: How long the thread was busy.
    """

    hits: dict[int, Hit] = field(default_factory=dict)
    rows: list[tuple[int, str]] = field(default_factory=list)
    judged: set[int] = field(default_factory=set)
    slow: int = 0
    rest: int = 0
    seconds: float = 0.0


class Searcher:
    """Searches one file, any number of times."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._readers: list[Engine] = []

    async def search(self, query: Query, where: SearchOrigin, limit: int | None = None) -> AsyncGenerator[SearchUpdate]:
        """Find what a query asks for; ends when the iteration is left.

        Args:
            query: What to find.
            where: Where.
            limit: How many items to find at most; their branches are looked for to the end all the same.

        Raises:
            FileError: The file cannot be read.
        """
        readers = await self._ready()
        pending = deque(await readers[0].read(partial(_windows, query=query, where=where)))
        whole = sum(window.high - window.low for window in pending) or 1
        begun: deque[tuple[_Window, asyncio.Future[_Seen]]] = deque()
        judged: set[int] = set()
        hits: set[int] = set()
        size, left, number, full = _FEWEST, whole, 0, False

        def begin(window: _Window) -> tuple[_Window, asyncio.Future[_Seen]]:
            nonlocal number
            number += 1
            only = tuple(hits) if full else None
            look = partial(_look, query=query, window=window, judged=judged, hits=hits, only=only)
            # What stands for the structure of a plain session is made for each connection anew.
            plain = window.session is not None and window.session.plain
            reader = readers[0 if plain else number % len(readers)]
            return window, asyncio.ensure_future(reader.read(look))

        try:
            while pending or begun:
                while pending and len(begun) < _AHEAD * len(readers):
                    window = pending.popleft()
                    if window.high - window.low > size:
                        pending.appendleft(window._replace(high=window.high - size))
                        window = window._replace(low=window.high - size)
                    begun.append(begin(window))
                window, future = begun.popleft()
                seen = await future
                if seen.rest > window.low:
                    begun.appendleft(begin(window._replace(high=seen.rest)))
                decoded_now = len(seen.judged - judged)
                judged |= seen.judged
                found: list[Hit] = []
                also: list[tuple[int, str]] = []
                for message_id, branch_id in seen.rows:
                    if message_id in hits:
                        also.append((message_id, branch_id))
                    elif limit is None or len(hits) < limit:
                        hits.add(message_id)
                        found.append(seen.hits[message_id])
                    else:
                        full = True
                left -= window.high - seen.rest
                size = _fitting(size, seen)
                share = 1 - left / whole
                yield SearchUpdate(tuple(found), tuple(also), share, decoded_now, seen.slow, full)
        finally:
            for _, future in begun:
                future.cancel()
            await asyncio.gather(*(future for _, future in begun), return_exceptions=True)

    def close(self) -> None:
        """Close the file; safe to call again."""
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.close()

    async def _ready(self) -> list[Engine]:
        """Connections to the file that has the name at this moment."""
        if self._readers and not self._readers[0].is_current():
            await asyncio.to_thread(self.close)
        if not self._readers:
            await asyncio.to_thread(self._open)
        return self._readers

    def _open(self) -> None:
        try:
            while len(self._readers) < _READERS:
                self._readers.append(open_to_read(self._path, self._timeout))
        except BaseException:
            self.close()
            raise


def _fitting(size: int, seen: _Seen) -> int:
    if seen.seconds > 2 * _SECONDS:
        return max(size // 2, 1)
    return min(size * 2, _MOST) if seen.seconds < _SECONDS / 2 else size


def _windows(tx: Transaction, *, query: Query, where: SearchOrigin) -> list[_Window]:
    """All rows to look through, in the order in which to do it."""
    windows: list[_Window] = []
    session = where.session
    if session is not None:
        branch_id = where.branch_id if where.scope is SearchScope.BRANCH else ""
        windows.append(_Window(session, branch_id, "", *_bounds(tx, session, branch_id)))
    if where.scope is SearchScope.FILE:
        besides = session.session_id if session is not None else ""
        if tx.has_structure:
            last = tx.execute("SELECT MAX(id) FROM message_structure").fetchone()[0]
            windows.append(_Window(None, "", besides, 0, last or 0))
        windows += [
            _Window(plain, "", "", *_bounds(tx, plain, ""))
            for plain in _plain_sessions(tx, query)
            if plain.session_id != besides
        ]
    return [window for window in windows if window.high > window.low]


def _bounds(tx: Transaction, session: Session, branch_id: str) -> tuple[int, int]:
    if session.plain or not tx.has_structure:
        # One row for each message, numbered from 1; making them up would take longer than this whole search.
        sql = f"SELECT COUNT(*) FROM {tx.tables.messages} WHERE session_id = ?"
        return 0, int(tx.execute(sql, (session.session_id,)).fetchone()[0])
    rows = "FROM message_structure WHERE session_id = ?" + " AND branch_id = ?" * bool(branch_id)
    values = (session.session_id, branch_id)[: 1 + bool(branch_id)]
    # Both in one statement would walk over all rows.
    low = tx.execute(f"SELECT MIN(sequence_number) {rows}", values).fetchone()[0]
    high = tx.execute(f"SELECT MAX(sequence_number) {rows}", values).fetchone()[0]
    return (0, 0) if high is None else (low - 1, high)


def _plain_sessions(tx: Transaction, query: Query) -> list[Session]:
    """The plain sessions with rows that the query may select."""
    _, texts = selection(query, always=" OR ".join(f"m.message_data LIKE '%{name}%'" for name in _JOINED))
    unknown = "NOT EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = s.session_id)"
    rows = tx.execute(
        f"SELECT session_id FROM {tx.tables.sessions} s WHERE typeof(session_id) = 'text'"
        f" AND {unknown if tx.has_structure else '1'} AND EXISTS"
        f" (SELECT 1 FROM {tx.tables.messages} m WHERE m.session_id = s.session_id AND {texts.sql})"
        " ORDER BY updated_at DESC",
        texts.values,
    )
    return [Session(session_id, plain=True) for (session_id,) in rows]


def _look(
    tx: Transaction,
    *,
    query: Query,
    window: _Window,
    judged: Container[int],
    hits: Container[int],
    only: tuple[int, ...] | None,
) -> _Seen:
    """Look through a window, as far as that takes not much longer than it should.

    Args:
        tx: The transaction.
        query: What to find.
        window: The rows.
        judged: Message ids that were decoded before; may grow meanwhile.
        hits: Those among them that are hits, likewise.
        only: Message ids of which alone further rows are asked for; None for all rows that the query may select.
    """
    begun = thread_time()
    seen = _Seen(rest=window.low)
    number = "id" if window.session is None else "sequence_number"
    rows = "message_structure" if window.session is None else tx.structure_table(window.session)
    structure, texts = selection(query, always=f"t.message_type IN {sql_list(_JOINED)}")
    conditions = [f"t.{number} > ? AND t.{number} <= ?", structure.sql]
    values: list[object] = [window.low, window.high, *structure.values]
    if window.session is not None:
        conditions.append("t.session_id = ?")
        values.append(window.session.session_id)
    elif window.besides:
        conditions.append("t.session_id <> ?")
        values.append(window.besides)
    if window.branch_id:
        conditions.append("t.branch_id = ?")
        values.append(window.branch_id)
    if only is None:
        rows += f" t CROSS JOIN {tx.tables.messages} m ON m.id = t.message_id"
        conditions.append(texts.sql)
        values += texts.values
    else:
        rows += " t"
        conditions.append("t.message_id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(only))
    found = tx.execute(
        f"SELECT t.{number}, t.message_id, CAST(t.session_id AS TEXT), CAST(t.branch_id AS TEXT), t.user_turn_number,"
        " t.sequence_number, CAST(t.message_type AS TEXT), CAST(t.tool_name AS TEXT)"
        f" FROM {rows} WHERE {' AND '.join(conditions)} ORDER BY t.{number} DESC",
        values,
    )
    for place, message_id, session_id, branch_id, turn, sequence, kind, tool in found:
        if message_id not in judged and message_id not in seen.judged:
            seen.judged.add(message_id)
            row = Hit(session_id, branch_id, turn if isinstance(turn, int) else 0, sequence, message_id, kind, tool)
            try:
                hit = _judged(tx, query, row, rows)
            except TimeoutError:
                seen.slow += 1
                hit = None
            if hit is not None:
                seen.hits[message_id] = hit
        if message_id in hits or message_id in seen.hits:
            seen.rows.append((message_id, branch_id))
        if thread_time() - begun > 2 * _SECONDS and place - 1 > window.low:
            seen.rest = place - 1
            break
    seen.seconds = thread_time() - begun
    return seen


def _judged(tx: Transaction, query: Query, row: Hit, rows: str) -> Hit | None:
    """The hit that a row is, if its item holds all that is searched for.

    Raises:
        TimeoutError: The regular expression takes too long.
    """
    stored, created_at = tx.execute(
        f"SELECT message_data, CAST(created_at AS TEXT) FROM {tx.tables.messages} WHERE id = ?", (row.message_id,)
    ).fetchone()
    item = decode_or_none(stored)
    texts = list(searchable_texts(item)) if item is not None else [str(stored)]
    first: tuple[str, int, int] | None = None
    count = 0
    for term in query.terms:
        places = [(text, start, end) for text in texts for start, end in islice(term.matches(text), _COUNTED)]
        if not places:
            return None
        first = first or places[0]
        count += len(places)
    tool = row.tool_name or _tool_called(tx, row, item, rows)
    if not is_selected(query, item, row.type, tool):
        return None
    context, start, end = _context(*first) if first else _context("\n".join(texts)[:_AFTER], 0, 0)
    return replace(
        row,
        tool_name=tool,
        created_at=created_at,
        failed=item is None or is_error(item),
        count=count or 1,
        context=context,
        start=start,
        end=end,
    )


def _tool_called(tx: Transaction, row: Hit, item: object, rows: str) -> str | None:
    """The tool whose output an item is: the call with the same id in the same turn names it."""
    call_id = item.get("call_id") if isinstance(item, dict) and item_type(row.type).kind is ItemKind.OUTPUT else None
    if not isinstance(call_id, str):
        return None
    calls = tx.execute(
        f"SELECT CAST(t.tool_name AS TEXT), m.message_data FROM {rows.partition(' ')[0]} t"
        f" CROSS JOIN {tx.tables.messages} m ON m.id = t.message_id"
        " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number = ? AND t.tool_name IS NOT NULL"
        " AND instr(m.message_data, ?)",
        (row.session_id, row.branch_id, row.turn, json.dumps(call_id)),
    )
    for tool, stored in calls:
        call = decode_or_none(stored)
        if isinstance(call, dict) and call.get("call_id") == call_id:
            return str(tool)
    return None


def _context(text: str, start: int, end: int) -> tuple[str, int, int]:
    """The text round a place on one line, and where the place is in it."""
    low, high = max(start - _BEFORE, 0), end + _AFTER
    before = ("…" if low else "") + _BLANKS.sub(" ", text[low:start]).lstrip()
    found = _BLANKS.sub(" ", text[start : min(end, start + _AFTER)])
    after = _BLANKS.sub(" ", text[end:high]) + ("…" if high < len(text) else "")
    return before + found + after, len(before), len(before) + len(found)


def rank_in_turn(tx: Transaction, session: Session, branch_id: str, turn: int, message_id: int) -> int | None:
    """How many items of a turn of a branch come before one of them; None where it is not there."""
    rows = tx.execute(
        f"SELECT message_id FROM {tx.structure_table(session)}"
        " WHERE session_id = ? AND branch_id = ? AND user_turn_number = ? ORDER BY +sequence_number",
        (session.session_id, branch_id, turn),
    )
    return next((rank for rank, (held,) in enumerate(rows) if held == message_id), None)
