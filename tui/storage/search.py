"""Search in the items of a branch, a session or the file, on separate connections.

Rows are searched in windows, the newest first, each in a short read transaction, so that neither writers nor other
readers wait. Conditions in SQL select the items that may match, and only these are decoded. Results are reported after
each window. An item that several branches share is decoded once; its other branches are reported later.
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
from time import thread_time
from typing import Final, NamedTuple

from tui.items import types
from tui.items.codec import decode_or_none
from tui.items.failure import is_error
from tui.items.sealed import UNREADABLE, unsealed
from tui.items.text import searchable_texts
from tui.items.types import TYPES, ItemKind, item_type
from tui.model.query import Query
from tui.model.search import Hit, SearchScope, SearchTarget, SearchUpdate
from tui.model.view import Session
from tui.storage.engine import Engine, Transaction
from tui.storage.open import Target, open_to_read
from tui.storage.plausible import MAX_SPARSE, require_plausible_rows
from tui.storage.search_filter import (
    item_condition,
    name_condition,
    passes_filters,
    passes_row_filters,
    structure_condition,
)
from tui.storage.sql import NamedValues
from tui.storage.type_conditions import sql_list

__all__ = ["Searcher", "index_in_turn"]

_CONNECTIONS: Final = min(os.cpu_count() or 1, 4)
"""Connections that search windows at the same time: other threads run while the database works."""

_QUEUED: Final = 4
"""Windows that are queued for each connection, so that it works while the caller draws results."""

_WINDOW_SECONDS: Final = 0.03
"""Processor time for a window; the size of windows is adapted to it."""

_MIN_WINDOW_ROWS: Final = 16
_MAX_WINDOW_ROWS: Final = 1 << 14
"""The least and the greatest number of rows in a window."""

_READ_AT_ONCE: Final = 16
"""Texts that are read from a server in one statement."""

_MAX_MATCHES: Final = 1_000
"""Further matches in a text are not counted."""

_CONTEXT_BEFORE: Final = 120
_CONTEXT_AFTER: Final = 280
"""Characters around a match that are shown."""

_JOINED_TYPES: Final = tuple(name for name, row in TYPES.items() if row.joins_command)
"""Types of items whose searchable text is joined from several stored texts."""

_BLANKS: Final = re.compile(r"\s+")


class _Window(NamedTuple):
    """Rows with numbers greater than `low`, up to `high`.

    Attributes:
        session: The session of the rows, whose numbers are `sequence_number`; None for the rows of all sessions, whose
            numbers are `id`.
        branch_id: The branch of the rows; empty for all branches.
        excluded_session_id: A session whose rows are left out; empty for none.
        low: The number before the first row.
        high: The number of the last row.
        without_branch: Whether it is, instead of rows, all messages that are in no branch although their session has
            branches.
    """

    session: Session | None
    branch_id: str
    excluded_session_id: str
    low: int
    high: int
    without_branch: bool = False


@dataclass
class _WindowResult:
    """The results of searching a window.

    Attributes:
        hits: The new hits, by message id.
        hit_rows: Message id and branch of each row whose item is a hit, in the order of the rows.
        decoded: Message ids of the items that were decoded.
        timed_out: Number of items on which the regular expression took too long.
        rest: Number of the last row that was not searched; the window's `low` if all rows were searched.
        seconds: Processor time that the search took.
    """

    hits: dict[int, Hit] = field(default_factory=dict)
    hit_rows: list[tuple[int, str]] = field(default_factory=list)
    decoded: set[int] = field(default_factory=set)
    timed_out: int = 0
    rest: int = 0
    seconds: float = 0.0


class Searcher:
    """Searches in a file, on connections that are opened for the first search."""

    def __init__(self, path: Target, timeout: float, beside: Engine) -> None:
        """Create it; `beside` has opened the same file."""
        self._path = path
        self._timeout = timeout
        self._beside = beside
        self._engines: list[Engine] = []

    async def search(
        self, query: Query, target: SearchTarget, limit: int | None = None
    ) -> AsyncGenerator[SearchUpdate]:
        """Yield the results of a query as they are found; the search ends when the iteration is left.

        At most `limit` hits are yielded, with all branches of each.

        Raises:
            FileError: The file cannot be read.
        """
        engines = await self._current_engines()
        pending = deque(await engines[0].read(partial(_plan_windows, query=query, target=target)))
        total = remaining = sum(window.high - window.low for window in pending) or 1
        started: deque[tuple[_Window, asyncio.Future[_WindowResult]]] = deque()
        decoded: set[int] = set()
        hits: set[int] = set()
        size, count, truncated = _MIN_WINDOW_ROWS, 0, False

        def start(window: _Window) -> tuple[_Window, asyncio.Future[_WindowResult]]:
            nonlocal count
            count += 1
            work = partial(
                _search_window,
                query=query,
                window=window,
                decoded=decoded,
                hits=hits,
                only=tuple(hits) if truncated else None,
            )
            if window.without_branch:
                work = partial(_search_messages_without_branch, query=query, window=window)
            # A plain session is searched on one connection: its structure is made up for each connection.
            is_plain = window.session is not None and window.session.plain
            engine = engines[0 if is_plain else count % len(engines)]
            return window, asyncio.ensure_future(engine.read(work))

        try:
            while pending or started:
                while pending and len(started) < _QUEUED * len(engines):
                    window = pending.popleft()
                    if window.high - window.low > size:
                        pending.appendleft(window._replace(high=window.high - size))
                        window = window._replace(low=window.high - size)
                    started.append(start(window))
                window, future = started.popleft()
                result = await future
                if result.rest > window.low:
                    started.appendleft(start(window._replace(high=result.rest)))
                newly_decoded = len(result.decoded - decoded)
                decoded |= result.decoded
                new_hits: list[Hit] = []
                further_branches: list[tuple[int, str]] = []
                for message_id, branch_id in result.hit_rows:
                    if message_id in hits:
                        further_branches.append((message_id, branch_id))
                    elif limit is None or len(hits) < limit:
                        hits.add(message_id)
                        new_hits.append(result.hits[message_id])
                    else:
                        truncated = True
                remaining -= window.high - result.rest
                size = _next_size(size, result.seconds)
                yield SearchUpdate(
                    tuple(new_hits),
                    tuple(further_branches),
                    1 - remaining / total,
                    newly_decoded,
                    result.timed_out,
                    truncated,
                )
        finally:
            for _, future in started:
                future.cancel()
            await asyncio.gather(*(future for _, future in started), return_exceptions=True)

    def close(self) -> None:
        """Close the connections; may be called again."""
        engines, self._engines = self._engines, []
        for engine in engines:
            engine.close()

    async def _current_engines(self) -> list[Engine]:
        """Return connections to the file, opened again if it was replaced."""
        if self._engines and not self._engines[0].is_current():
            await asyncio.to_thread(self.close)
        if not self._engines:
            await asyncio.to_thread(self._open)
        return self._engines

    def _open(self) -> None:
        try:
            while len(self._engines) < _CONNECTIONS:
                self._engines.append(open_to_read(self._path, self._timeout, beside=self._beside))
        except BaseException:
            self.close()
            raise


def _next_size(size: int, seconds: float) -> int:
    if seconds > 2 * _WINDOW_SECONDS:
        return max(size // 2, 1)
    return min(size * 2, _MAX_WINDOW_ROWS) if seconds < _WINDOW_SECONDS / 2 else size


def _plan_windows(tx: Transaction, *, query: Query, target: SearchTarget) -> list[_Window]:
    """Return windows that cover all rows to search, in the order of the search."""
    windows: list[_Window] = []
    session = target.session
    if session is not None:
        branch_id = target.branch_id if target.scope is SearchScope.BRANCH else ""
        windows.append(_Window(session, branch_id, "", *_limits(tx, session, branch_id)))
    if target.scope is SearchScope.FILE:
        excluded = session.session_id if session is not None else ""
        if tx.has_structure:
            windows.append(_Window(None, "", excluded, 0, tx.last_row()))
        windows += [
            _Window(plain, "", "", *_limits(tx, plain, ""))
            for plain in _plain_sessions(tx, query)
            if plain.session_id != excluded
        ]
    if tx.has_structure and not tx.layout.derives_main and target.scope is not SearchScope.BRANCH:
        windows.append(
            _Window(None if target.scope is SearchScope.FILE else session, "", "", 0, 1, without_branch=True)
        )
    return [window for window in windows if window.high > window.low]


def _limits(tx: Transaction, session: Session, branch_id: str) -> tuple[int, int]:
    """Return `low` and `high` for the rows of a session or a branch."""
    if session.plain or not tx.has_structure:
        # There is one row for each message, numbered from 1. They are not made up for this, which would take too long.
        sql = f"SELECT COUNT(*) FROM {tx.tables.messages} WHERE session_id = :session_id"
        return 0, int(tx.execute(sql, session_id=session.session_id).fetchone()[0])
    rows = "FROM message_structure WHERE session_id = :session_id"
    values = {"session_id": session.session_id}
    if branch_id:
        rows += " AND branch_id = :branch_id"
        values["branch_id"] = branch_id
    # One statement for both would read all rows.
    with tx.narrowed(branch_id or None, ends=True):
        low = tx.execute(f"SELECT MIN(sequence_number) {rows}", **values).fetchone()[0]
        high = tx.execute(f"SELECT MAX(sequence_number) {rows}", **values).fetchone()[0]
    if high is None:
        return 0, 0
    if high - low > MAX_SPARSE:
        sql = "SELECT COUNT(*) FROM message_structure WHERE session_id = :session_id"
        (count,) = tx.execute(sql, session_id=session.session_id).fetchone()
        require_plausible_rows(high - low, count)
    return low - 1, high


def _plain_sessions(tx: Transaction, query: Query) -> list[Session]:
    """Return the plain sessions with an item that may match the query."""
    if tx.layout.derives_main:
        return []
    values = NamedValues()
    selected = item_condition(query, tx.dialect, values, joined_text=_may_be_joined())
    has_structure = "EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = s.session_id)"
    rows = tx.execute(
        f"SELECT session_id FROM {tx.tables.sessions} s WHERE {tx.dialect.is_text('session_id')}"
        f" AND NOT {has_structure if tx.has_structure else 'FALSE'} AND EXISTS"
        f" (SELECT 1 FROM {tx.tables.messages} m WHERE m.session_id = s.session_id AND {selected})"
        " ORDER BY updated_at DESC",
        **values,
    )
    return [Session(session_id, plain=True) for (session_id,) in rows]


def _may_be_joined() -> str:
    """Return the condition for messages whose searchable text is joined from several stored texts."""
    return " OR ".join(f"m.message_data LIKE '%{name}%'" for name in _JOINED_TYPES)


def _search_window(
    tx: Transaction,
    *,
    query: Query,
    window: _Window,
    decoded: Container[int],
    hits: Container[int],
    only: tuple[int, ...] | None,
) -> _WindowResult:
    """Search a window, or only the newest part of it if that takes much longer than `_WINDOW_SECONDS`.

    Args:
        tx: The transaction.
        query: The query.
        window: The rows.
        decoded: Message ids of the items that were decoded before; may grow meanwhile.
        hits: Message ids of the hits among them; may grow meanwhile.
        only: Message ids of hits whose other branches are searched for, and nothing else; None to search all rows.
    """
    begin = thread_time()
    result = _WindowResult(rest=window.low)
    values = NamedValues(low=window.low, high=window.high, only=json.dumps(only))
    joined_text = f"t.message_type IN {sql_list(_JOINED_TYPES)}"
    if window.session is not None:
        messages: str | None = tx.tables.messages
        number, structure = "sequence_number", tx.structure_table(window.session)
        values["session_id"] = window.session.session_id
    else:
        number, structure = "id", "message_structure"
        stored = item_condition(query, tx.dialect, values, joined_text=_may_be_joined())
        condition = stored if only is None else tx.dialect.in_ids("m.id", "only")
        tables = tx.rows_to_search(condition, values)
        if tables is None:
            result.seconds = thread_time() - begin
            return result
        structure, messages = tables
    of_structure = structure_condition(query, tx.dialect, values, has_labels=_has_labels(tx, query))
    conditions = [f"t.{number} > :low AND t.{number} <= :high", of_structure]
    if window.session is not None:
        conditions.append("t.session_id = :session_id")
    elif window.excluded_session_id:
        conditions.append(f"t.session_id <> {values.bind(window.excluded_session_id)}")
    if window.branch_id:
        conditions.append(f"t.branch_id = {values.bind(window.branch_id)}")
    source = f"{structure} t"
    if only is None and messages is not None:
        source += f" {tx.dialect.ordered_join} {messages} m ON m.id = t.message_id"
        conditions.append(item_condition(query, tx.dialect, values, joined_text=joined_text))
    elif only is not None:
        conditions.append(tx.dialect.in_ids("t.message_id", "only"))
    # On a server, items that branches share have the same numbers. They were stored in `main` first.
    order = ", t.branch_id = 'main'" if tx.layout.derives_main else ""
    with tx.narrowed(window.branch_id or None, positions=range(window.low, window.high)):
        rows = tx.execute(
            f"SELECT t.{number}, t.message_id, CAST(t.session_id AS TEXT), CAST(t.branch_id AS TEXT),"
            " t.user_turn_number, t.sequence_number, CAST(t.message_type AS TEXT), CAST(t.tool_name AS TEXT)"
            f" FROM {source} WHERE {' AND '.join(conditions)} ORDER BY t.{number} DESC{order}",
            **values,
        )
    structure = "message_structure" if window.session is None else structure
    before = window.high + 1
    while found := rows.fetchmany(_READ_AT_ONCE if tx.dialect.is_remote else 1):
        texts = tx.messages.texts([row[1] for row in found if row[1] not in decoded])
        for row_number, message_id, session_id, branch_id, turn, sequence_number, message_type, tool_name in found:
            if row_number < before and thread_time() - begin > 2 * _WINDOW_SECONDS:
                result.rest = row_number
                break
            before = row_number
            if message_id in texts and message_id not in result.decoded:
                result.decoded.add(message_id)
                turn = turn if isinstance(turn, int) else 0
                row = Hit(session_id, branch_id, turn, sequence_number, message_id, message_type, tool_name)
                try:
                    hit = _match_item(tx, query, row, *texts[message_id], structure)
                except TimeoutError:
                    result.timed_out += 1
                    hit = None
                if hit is not None:
                    result.hits[message_id] = hit
            if message_id in hits or message_id in result.hits:
                result.hit_rows.append((message_id, branch_id))
        if result.rest > window.low:
            break
    rows.close()
    result.seconds = thread_time() - begin
    return result


def _has_labels(tx: Transaction, query: Query) -> bool:
    """Return whether names in a query may be titles."""
    return any(name in ("session", "branch") for name, _ in query.filters) and tx.has_table("convo_labels")


def _search_messages_without_branch(tx: Transaction, *, query: Query, window: _Window) -> _WindowResult:
    """Search messages that are in no branch."""
    result = _WindowResult()
    begin, values = thread_time(), NamedValues()
    of_session = f" WHERE session_id = {values.bind(window.session.session_id)}" if window.session is not None else ""
    named = name_condition(query, "session", "m", tx.dialect, values, has_labels=_has_labels(tx, query))
    rows = tx.execute(
        f"WITH without_branch AS (SELECT id FROM {tx.tables.messages}{of_session}"
        f" EXCEPT SELECT message_id FROM message_structure{of_session})"
        f" SELECT m.id, CAST(m.session_id AS TEXT), m.message_data, CAST(m.created_at AS TEXT)"
        f" FROM {tx.tables.messages} m"
        f" WHERE m.id IN (SELECT id FROM without_branch)"
        " AND EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = m.session_id)"
        f" AND ({named}) AND {item_condition(query, tx.dialect, values, joined_text=_may_be_joined())}"
        " ORDER BY m.id DESC",
        **values,
    )
    for message_id, session_id, stored, created_at in rows:
        item = unsealed(decode_or_none(stored), session_id)
        hit = Hit(session_id, "", 0, 0, message_id, types.message_type(item), types.tool_name(item))
        if not passes_row_filters(query, hit.type):
            continue
        result.decoded.add(message_id)
        try:
            matched = _match_item(tx, query, hit, stored, created_at, "message_structure")
        except TimeoutError:
            result.timed_out += 1
            continue
        if matched is not None:
            result.hits[message_id] = matched
            result.hit_rows.append((message_id, ""))
    result.seconds = thread_time() - begin
    return result


def _match_item(
    tx: Transaction, query: Query, row: Hit, stored: str, created_at: str | None, structure: str
) -> Hit | None:
    """Return the complete hit for a structure row and the stored text; None if its item does not match.

    Raises:
        TimeoutError: The regular expression takes too long.
    """
    item = unsealed(decode_or_none(stored), row.session_id)
    if item is UNREADABLE and query.term_queries:
        return None
    message_type, tool_name = types.shown_type(row.type, row.tool_name, item)
    row = replace(row, type=message_type, tool_name=tool_name)
    texts = list(searchable_texts(item)) if item is not None else [str(stored)]
    first: tuple[str, int, int] | None = None
    count = 0
    for term in query.term_queries:
        matches = [(text, start, end) for text in texts for start, end in islice(term.matches(text), _MAX_MATCHES)]
        if not matches:
            return None
        first = first or matches[0]
        count += len(matches)
    tool_name = row.tool_name or _called_tool(tx, row, item, structure)
    if not passes_filters(query, item, row.type, tool_name):
        return None
    if first is None:
        # The hit names the tool anyway.
        own = [text for text in texts if text != tool_name] or texts
        first = "\n".join(own)[:_CONTEXT_AFTER], 0, 0
    context, start, end = _context(*first)
    return replace(
        row,
        tool_name=tool_name,
        created_at=created_at,
        failed=item is None or is_error(item),
        count=count or 1,
        context=context,
        start=start,
        end=end,
    )


def _called_tool(tx: Transaction, row: Hit, item: object, structure: str) -> str | None:
    """Return the tool of an output: the name in the call with the same id in the same turn."""
    call_id = item.get("call_id") if isinstance(item, dict) and item_type(row.type).kind is ItemKind.OUTPUT else None
    if not isinstance(call_id, str):
        return None
    with tx.narrowed(row.branch_id, turns=(row.turn,)):
        calls = tx.execute(
            f"SELECT CAST(t.tool_name AS TEXT), m.message_data FROM {structure} t"
            f" {tx.dialect.ordered_join} {tx.tables.messages} m ON m.id = t.message_id"
            " WHERE t.session_id = :session_id AND t.branch_id = :branch_id AND t.user_turn_number = :turn"
            f" AND t.tool_name IS NOT NULL AND {tx.dialect.contains('m.message_data', ':call_id')}",
            session_id=row.session_id,
            branch_id=row.branch_id,
            turn=row.turn,
            call_id=json.dumps(call_id),
        )
    for tool_name, stored in calls:
        call = decode_or_none(stored)
        if isinstance(call, dict) and call.get("call_id") == call_id:
            return str(tool_name)
    return None


def _context(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Return the text around a match on one line, and start and end of the match in it."""
    low, high = max(start - _CONTEXT_BEFORE, 0), end + _CONTEXT_AFTER
    before = ("…" if low else "") + _BLANKS.sub(" ", text[low:start]).lstrip()
    match = _BLANKS.sub(" ", text[start : min(end, start + _CONTEXT_AFTER)])
    after = _BLANKS.sub(" ", text[end:high]) + ("…" if high < len(text) else "")
    return before + match + after, len(before), len(before) + len(match)


def index_in_turn(tx: Transaction, session: Session, branch_id: str, turn: int, message_id: int) -> int | None:
    """Return the index of an item among the items of a turn; None if the turn does not have it."""
    sql = (
        f"SELECT message_id FROM {tx.structure_table(session)}"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :turn"
        " ORDER BY +sequence_number"
    )
    with tx.narrowed(branch_id, turns=(turn,)):
        rows = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, turn=turn)
    return next((index for index, (found,) in enumerate(rows) if found == message_id), None)
