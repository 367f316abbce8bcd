"""The sessions of a database, page by page, ordered by the time of their last message, the newest first.

A session keeps its place when a branch with its last message is deleted: `convo_sessions` has the id of that message.

On a server, the time of the last message is a column of the sessions. In a file, nothing has that order. For the first
page, messages are read from the newest on until enough sessions are found. The order of all sessions is computed when
it is needed; after that, sessions with new messages are moved to the front.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from heapq import merge, nsmallest
from operator import itemgetter
from typing import Any, Final

from tui.errors import ConvoError
from tui.items.codec import decode_or_none
from tui.items.sealed import SEALED, Seal, other_key, seal_of, seal_problem
from tui.items.text import item_text
from tui.items.types import is_user_message
from tui.model import Session, SessionSort
from tui.model.fuzzy import Matcher
from tui.model.names import only_session
from tui.storage.engine import Transaction
from tui.storage.queries.labels import label_sessions
from tui.storage.schema import CONVO_SESSIONS
from tui.storage.sql import NamedValues
from tui.words import shorten

__all__ = [
    "FIRST_PAGE",
    "SessionOrder",
    "count_messages_without_branch",
    "count_sessions",
    "drop_place",
    "find_session",
    "find_sessions",
    "is_plain",
    "keep_place",
    "matching_sessions",
    "messages_without_branch",
    "newest_sessions",
    "pinned_sessions",
    "read_seal",
    "read_seal_problem",
    "sessions_since",
    "with_first_words",
]

FIRST_PAGE: Final = 32
"""Number of sessions on the first page."""

_MAX_MESSAGES: Final = 4096
"""Messages that are read at most for the first page; if they are too few, the last message of each session is read."""


_TRIED: Final = 100
"""Encrypted messages that are tried with a key that does not open all of them."""

_READ_AT_ONCE: Final = 500
"""Sessions that are read in one statement."""

_MAX_FIRST_BYTES: Final = 1024
"""Bytes of the first message of a session that are read for its first words."""

_MAX_FIRST_WORDS: Final = 60
"""Characters of the first words."""


def count_sessions(tx: Transaction, *, archived: bool = True) -> int:
    """Return the number of sessions; `archived` includes archived ones, here and below."""
    count = tx.dialect.text_count(tx.tables.sessions, "session_id")
    if not archived and tx.has_table("convo_labels"):
        count += (
            f" - (SELECT COUNT(*) FROM convo_labels a JOIN {tx.tables.sessions} s ON s.session_id = a.session_id"
            f" WHERE a.kind = 'session' AND a.archived <> 0 AND {_is_shown(tx, archived=True)})"
        )
    return int(tx.execute(f"SELECT {count}").fetchone()[0])


def find_session(tx: Transaction, session_id: str) -> Session | None:
    """Return the session of an id; None if there is none."""
    return next(iter(find_sessions(tx, [session_id])), None)


def find_session_by_name(tx: Transaction, name: str) -> Session | None:
    """Return the session with an id, or else the one with a title; None if there is none.

    Raises:
        NotFoundError: Several sessions have the title.
    """
    found = find_session(tx, name)
    if found is not None or not name or not tx.has_table("convo_labels"):
        return found
    rows = tx.execute("SELECT session_id FROM convo_labels WHERE kind = 'session' AND title = :title", title=name)
    return only_session(find_sessions(tx, (session_id for (session_id,) in rows)), name)


def is_plain(tx: Transaction, session_id: str) -> bool:
    """Return whether a session has messages and no structure rows, as one of the SDK's `SQLiteSession`."""
    if tx.layout.derives_main:
        return False
    structured = "SELECT 1 FROM message_structure WHERE session_id = :session_id"
    condition = f" AND NOT EXISTS ({structured})" if tx.has_table("message_structure") else ""
    sql = f"SELECT 1 FROM {tx.tables.messages} WHERE session_id = :session_id{condition} LIMIT 1"
    return tx.execute(sql, session_id=session_id).fetchone() is not None


def read_seal_problem(tx: Transaction, session_id: str) -> ConvoError | None:
    """Return the error for the newest or the oldest message of a session if it cannot be decrypted; None if both can.

    An item between them that cannot be decrypted is shown as such.
    """
    # The index has the order. Only an encrypted text is read, as others may be long.
    of_session = f"FROM {tx.tables.messages} WHERE session_id = :session_id"
    ends = f" AND id IN ((SELECT MAX(id) {of_session}), (SELECT MIN(id) {of_session}))"
    problems = [seal_problem(decode_or_none(text), session_id) for text in _sealed(tx, session_id, ends, 2)]
    problem = next((problem for problem in problems if problem is not None), None)
    return other_key(session_id) if problem and (None in problems or _opens_some(tx, session_id)) else problem


def read_seal(tx: Transaction, session_id: str, *, for_some: bool = False) -> Seal | None:
    """Return with what a session is encrypted; None if none of its messages is, which are all read for that.

    Raises:
        ConvoError: The newest of its encrypted messages cannot be decrypted; `for_some`, none of the newest can.
    """
    for text in _sealed(tx, session_id, "", 1):
        if (problem := seal_problem(decode_or_none(text), session_id)) is not None:
            opens_some = _opens_some(tx, session_id)
            if not (for_some and opens_some):
                raise other_key(session_id) if opens_some else problem
        return seal_of(session_id)
    return None


def _opens_some(tx: Transaction, session_id: str) -> bool:
    """Return whether the key opens one of the newest encrypted messages of a session."""
    # Without a key, none is read.
    return seal_of(session_id) is not None and any(
        seal_problem(decode_or_none(text), session_id) is None for text in _sealed(tx, session_id, "", _TRIED)
    )


def _sealed(tx: Transaction, session_id: str, condition: str, limit: int) -> list[str]:
    """Return the newest encrypted messages of a session that meet a condition."""
    rows = tx.execute(
        f"SELECT message_data FROM {tx.layout.all_messages_sql(tx)} AS m WHERE session_id = :session_id{condition}"
        f" AND substr(message_data, 1, {len(SEALED)}) = :sealed ORDER BY id DESC LIMIT {limit}",
        session_id=session_id,
        sealed=SEALED,
    )
    return [str(text) for (text,) in rows.fetchall()]


def messages_without_branch(tx: Transaction) -> str:
    """Return the SQL after `SELECT` for the messages of `:session_id` that have no structure row."""
    structured = "SELECT message_id FROM message_structure WHERE session_id = :session_id"
    return f"FROM {tx.tables.messages} WHERE session_id = :session_id AND id NOT IN ({structured})"


def count_messages_without_branch(tx: Transaction, session: Session) -> int:
    """Return the number of messages that a plain `SQLiteSession` stored in a session with branches."""
    if session.plain or not tx.has_structure or tx.layout.derives_main:
        return 0
    sql = f"SELECT COUNT(*) {messages_without_branch(tx)}"
    return int(tx.execute(sql, session_id=session.session_id).fetchone()[0])


def newest_sessions(tx: Transaction, limit: int = FIRST_PAGE, *, archived: bool = True) -> tuple[Session, ...]:
    """Return up to `limit` sessions with the newest messages."""
    condition = _is_shown(tx, archived=archived)
    if not tx.layout.session_order:
        found: dict[str, dict[str, Session]] = {}
        left = min(limit, count_sessions(tx, archived=archived))
        for session_id in _recent_session_ids(tx):
            if not left:
                break
            if session_id not in found:
                found[session_id] = _find(tx, [session_id], condition)
                left -= len(found[session_id])
        if not left:
            return label_sessions(tx, [session for each in found.values() for session in each.values()])
    rows = tx.execute(f"{_in_order(tx, condition)} LIMIT :limit", limit=limit).fetchall()
    return find_sessions(tx, (session_id for (session_id,) in rows))


def _recent_session_ids(tx: Transaction) -> Iterator[str]:
    """Yield the session of each of the newest messages, also of deleted ones that are known, the newest first."""
    newest = f"SELECT id, session_id FROM {tx.tables.messages} ORDER BY id DESC LIMIT {_MAX_MESSAGES}"
    if not tx.has_table("convo_sessions"):
        yield from (session_id for _, session_id in tx.execute(newest))
        return
    places = tx.execute("SELECT last_message, session_id FROM convo_sessions ORDER BY last_message DESC")
    read = 0

    def messages() -> Iterator[tuple[int, str]]:
        nonlocal read
        for row in tx.execute(newest):
            read += 1
            yield row

    for _, session_id in merge(messages(), places, key=itemgetter(0), reverse=True):
        yield session_id
        if read == _MAX_MESSAGES:
            # Older messages, which are not read, may be newer than the next place.
            return


@contextmanager
def keep_place(tx: Transaction, session_id: str) -> Iterator[None]:
    """Keep the place of a session among the others while messages are deleted inside the context."""
    sql = f"SELECT COALESCE(MAX(id), 0) FROM {tx.layout.all_messages_sql(tx)} AS m WHERE session_id = :session_id"
    (before,) = tx.execute(sql, session_id=session_id).fetchone()
    yield
    (after,) = tx.execute(sql, session_id=session_id).fetchone()
    if after < before:
        CONVO_SESSIONS.create(tx)
        tx.execute(
            "INSERT INTO convo_sessions (session_id, last_message) VALUES (:session_id, :last) ON CONFLICT (session_id)"
            " DO UPDATE SET last_message = excluded.last_message"
            " WHERE excluded.last_message > convo_sessions.last_message",
            session_id=session_id,
            last=before,
        )


def drop_place(tx: Transaction, session_id: str) -> None:
    """Forget the place of a session that is deleted."""
    if tx.has_table("convo_sessions"):
        tx.execute("DELETE FROM convo_sessions WHERE session_id = :session_id", session_id=session_id)


def pinned_sessions(tx: Transaction, *, archived: bool = True) -> tuple[Session, ...]:
    """Return the pinned sessions, the newest first."""
    if not tx.has_table("convo_labels"):
        return ()
    rows = tx.execute(
        f"SELECT s.session_id FROM convo_labels l JOIN {tx.tables.sessions} s ON s.session_id = l.session_id"
        f" WHERE l.kind = 'session' AND l.pinned <> 0 AND {_is_shown(tx, archived=archived)}"
        f" ORDER BY s.{tx.dialect.row_order} DESC"
    ).fetchall()
    return find_sessions(tx, (session_id for (session_id,) in rows))


def sessions_since(tx: Transaction, mark: object) -> tuple[frozenset[str], object]:
    """Return the ids of the sessions that were created since an earlier call, and a mark for the next call.

    `mark` is the mark that the earlier call returned; for None no ids are returned.
    """
    order, sessions = tx.dialect.row_order, tx.tables.sessions
    (last,) = tx.execute(f"SELECT COALESCE(MAX({order}), 0) FROM {sessions}").fetchone()
    if mark is None:
        return frozenset(), last
    rows = tx.execute(
        f"SELECT session_id FROM {sessions} s {tx.dialect.not_indexed}"
        f" WHERE {order} > :mark AND {_is_shown(tx, archived=True)}",
        mark=mark,
    )
    return frozenset(session_id for (session_id,) in rows), last


def matching_sessions(
    tx: Transaction, typed: str, limit: int, sort: SessionSort = SessionSort.WRITTEN, *, archived: bool = True
) -> tuple[tuple[Session, ...], int]:
    """Return the `limit` sessions whose title or id matches typed letters best, and the number of all matches.

    Of equal matches, those that `sort` orders first come first.
    """
    matcher = Matcher(typed)
    # SQL ignores the case of ASCII letters alone; the matcher checks the others.
    like = "%" + "".join(f"\\{letter}%" for letter in matcher.query if letter.isascii())
    title, labels = "''", ""
    if tx.has_table("convo_labels"):
        title = "COALESCE(l.title, '')"
        labels = " LEFT JOIN convo_labels l ON l.kind = 'session' AND l.session_id = s.session_id"
    name = f"ltrim({title} || ' ') || s.session_id"
    order = f"s.{tx.dialect.row_order} DESC"
    if sort is SessionSort.NAME:
        order = f"lower({name}), {order}"
    elif sort is SessionSort.LONGEST:
        order = f"(SELECT COUNT(*) FROM {tx.tables.messages} m WHERE m.session_id = s.session_id) DESC, {order}"
    rows = tx.execute(
        f"SELECT {name}, s.session_id FROM {tx.tables.sessions} s{labels}"
        f" WHERE {_is_shown(tx, archived=archived)} AND {name} {tx.dialect.like} :like ESCAPE '\\'"
        f" ORDER BY {order}",
        like=like,
    )
    total = 0

    def ranked() -> Iterator[tuple[int, int, str]]:
        nonlocal total
        for name, session_id in rows:
            if (rank := matcher.rank(name)) is not None:
                total += 1
                yield rank, total, session_id

    best = nsmallest(limit, ranked())
    return find_sessions(tx, (session_id for *_, session_id in best)), total


def with_first_words(tx: Transaction, sessions: Iterable[Session]) -> tuple[Session, ...]:
    """Return sessions without a title with the beginning of their first message, if a user wrote it."""
    found = tuple(sessions)
    first = _first_messages(tx, [session.session_id for session in found if not session.title])
    items = dict(zip(first, tx.messages.read_prefixes([*first.values()], _MAX_FIRST_BYTES), strict=True))
    return tuple(
        session._replace(first_words=shorten(item_text(items[session.session_id].data), _MAX_FIRST_WORDS))
        if session.session_id in items and is_user_message(items[session.session_id].data)
        else session
        for session in found
    )


def _first_messages(tx: Transaction, session_ids: Sequence[str]) -> dict[str, int]:
    """Return the id of the first message of each session that has messages."""
    first = tx.layout.first_message_sql(tx, "s.session_id")
    rows = _of_sessions(tx, f"SELECT session_id, {first} FROM {tx.tables.sessions} s WHERE", session_ids)
    return {session_id: message_id for session_id, message_id in rows if message_id is not None}


class SessionOrder:
    """The order of all sessions of a database, which only one thread may use.

    A session whose last items were popped keeps its place until the order of all sessions is computed again, or other
    sessions move to the front.
    """

    def __init__(self) -> None:
        self._session_ids: list[str] = []
        self._newest_message = 0
        self._version: Hashable = None
        self._archived = True

    def page(self, tx: Transaction, start: int, stop: int, *, archived: bool = True) -> tuple[Session, ...]:
        """Return the sessions from index `start` to before `stop`."""
        self._update(tx, archived)
        return find_sessions(tx, self._session_ids[start:stop])

    def index(self, tx: Transaction, session_id: str, *, archived: bool = True) -> int | None:
        """Return the index of a session; None if it is not among the sessions."""
        self._update(tx, archived)
        with suppress(ValueError):
            return self._session_ids.index(session_id)
        return None

    def _update(self, tx: Transaction, archived: bool) -> None:
        if tx.version == self._version and archived == self._archived:
            return
        condition = _is_shown(tx, archived=archived)
        newest, can_update = 0, False
        if not tx.layout.session_order:
            newest = tx.execute(f"SELECT MAX(id) FROM {tx.tables.messages}").fetchone()[0] or 0
            can_update = self._version is not None and archived == self._archived and newest >= self._newest_message
        if can_update:
            self._move_up(tx, condition)
        if not can_update or len(self._session_ids) != count_sessions(tx, archived=archived):
            self._session_ids = [session_id for (session_id,) in tx.execute(_in_order(tx, condition))]
        self._newest_message, self._version, self._archived = newest, tx.version, archived

    def _move_up(self, tx: Transaction, condition: str) -> None:
        """Move the sessions with new messages to the front."""
        rows = tx.execute(
            # The messages are read in their order, as few are new; an index would read all messages of each session.
            f"SELECT s.session_id FROM {tx.tables.messages} m {tx.dialect.not_indexed}"
            f" {tx.dialect.ordered_join} {tx.tables.sessions} s ON s.session_id = m.session_id"
            f" WHERE m.id > :newest AND {condition} GROUP BY s.session_id ORDER BY MAX(m.id)",
            newest=self._newest_message,
        )
        for (session_id,) in rows:
            with suppress(ValueError):
                self._session_ids.remove(session_id)
            self._session_ids.insert(0, session_id)


def _is_shown(tx: Transaction, *, archived: bool) -> str:
    """Return the condition that a row `s` of the sessions table is listed; only ids that are texts are."""
    condition = tx.dialect.is_text_by_index("s.session_id")
    if archived or not tx.has_table("convo_labels"):
        return condition
    return (
        f"{condition} AND NOT EXISTS (SELECT 1 FROM convo_labels a"
        " WHERE a.kind = 'session' AND a.session_id = s.session_id AND a.archived <> 0)"
    )


def _in_order(tx: Transaction, condition: str) -> str:
    """Return a query for the ids of the sessions in their order."""
    if order := tx.layout.session_order:
        return f"SELECT session_id FROM {tx.tables.sessions} s WHERE {condition} ORDER BY {order}"
    last = f"SELECT MAX(id) AS id FROM {tx.tables.messages} m WHERE m.session_id = s.session_id"
    if tx.has_table("convo_sessions"):
        places = "SELECT last_message FROM convo_sessions p WHERE p.session_id = s.session_id"
        last = f"SELECT MAX(id) FROM ({last} UNION ALL {places}) AS ids"
    return (
        f"SELECT session_id FROM {tx.tables.sessions} s WHERE {condition}"
        f" ORDER BY ({last}) DESC NULLS LAST, updated_at DESC, session_id"
    )


def find_sessions(tx: Transaction, session_ids: Iterable[str]) -> tuple[Session, ...]:
    """Return those of the sessions that there are, in the order of the ids."""
    if not (ids := [*session_ids]):
        return ()
    found = _find(tx, ids, _is_shown(tx, archived=True))
    return label_sessions(tx, [found[session_id] for session_id in ids if session_id in found])


def _find(tx: Transaction, session_ids: Sequence[str], condition: str) -> dict[str, Session]:
    """Return those sessions that are there and meet a condition."""
    plain = "FALSE"
    if not tx.layout.derives_main:
        plain = f"EXISTS (SELECT 1 FROM {tx.tables.messages} m WHERE m.session_id = s.session_id)"
        if tx.has_structure:
            plain += " AND NOT EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = s.session_id)"
    sql = f"SELECT session_id, CAST(updated_at AS TEXT), {plain} FROM {tx.tables.sessions} s WHERE {condition} AND"
    rows = _of_sessions(tx, sql, session_ids)
    return {name: Session(name, updated_at, plain=bool(is_plain)) for name, updated_at, is_plain in rows}


def _of_sessions(tx: Transaction, sql: str, session_ids: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of a statement, which ends with a condition, for some sessions."""
    for start in range(0, len(session_ids), _READ_AT_ONCE):
        values = NamedValues()
        names = ", ".join(map(values.bind, session_ids[start : start + _READ_AT_ONCE]))
        yield from tx.execute(f"{sql} session_id IN ({names})", **values)
