"""The sessions of a file, the one written last first, by page.

No index of the SDK's tables knows that order. The first page is found by walking the messages from the newest on, which
reads as many as were written since its last session; the order of all is worked out when it is asked for and from then
on changed where something was written.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from heapq import nsmallest
from typing import Final

from tui.model import Session
from tui.model.fuzzy import Matcher
from tui.storage.engine import Transaction
from tui.storage.queries.labels import label_sessions

__all__ = ["FEW", "SessionOrder", "count", "find", "matching", "newest", "pinned", "since"]

FEW: Final = 32
"""Sessions of a first page."""

_WALK: Final = 4096
"""Messages that the walk to the newest sessions reads at most; from then on each session's last one is looked up."""

_TEXT: Final = "s.session_id >= '' AND s.session_id < x''"
"""Rows of the table of sessions whose id is a text; no other is shown."""


def count(tx: Transaction, *, archived: bool = True) -> int:
    """How many sessions there are, with those that are archived or without."""
    # Without a condition SQLite counts by whole pages.
    counts = [
        f"(SELECT COUNT(*) FROM {tx.tables.sessions}{which})"
        for which in ("", " WHERE session_id IS NULL", " WHERE session_id < ''", " WHERE session_id >= x''")
    ]
    if not archived and tx.has_table("convo_labels"):
        counts.append(
            f"(SELECT COUNT(*) FROM convo_labels a JOIN {tx.tables.sessions} s ON s.session_id = a.session_id"
            f" WHERE a.kind = 'session' AND a.archived AND {_TEXT})"
        )
    return int(tx.execute(f"SELECT {' - '.join(counts)}").fetchone()[0])


def find(tx: Transaction, session_id: str) -> Session | None:
    """The session of a name, archived or not."""
    return next(iter(_labelled(tx, _session(tx, "session_id", session_id, _TEXT))), None)


def newest(tx: Transaction, most: int = FEW, *, archived: bool = True) -> tuple[Session, ...]:
    """The sessions written last, at most so many, with those that are archived or without."""
    found: dict[str, Session | None] = {}
    left, where = min(most, count(tx, archived=archived)), _where(tx, archived=archived)
    rows = tx.execute(f"SELECT session_id FROM {tx.tables.messages} ORDER BY id DESC LIMIT {_WALK}")
    for (session_id,) in rows:
        if not left:
            break
        if session_id not in found:
            found[session_id] = _session(tx, "session_id", session_id, where)
            left -= found[session_id] is not None
    if left:
        rowids = (rowid for (rowid,) in tx.execute(f"{_ranked(tx, where)} LIMIT ?", (most,)))
        return _sessions(tx, rowids)
    return _labelled(tx, *found.values())


def pinned(tx: Transaction, *, archived: bool = True) -> tuple[Session, ...]:
    """The sessions that are to be at hand, with those that are archived or without."""
    if not tx.has_table("convo_labels"):
        return ()
    rows = tx.execute(
        f"SELECT s.rowid FROM convo_labels l JOIN {tx.tables.sessions} s ON s.session_id = l.session_id"
        f" WHERE l.kind = 'session' AND l.pinned AND {_where(tx, archived=archived)} ORDER BY s.rowid DESC"
    )
    return _sessions(tx, [rowid for (rowid,) in rows])


def since(tx: Transaction, row: int | None) -> tuple[frozenset[str], int]:
    """Ids of the sessions that were made after a row of their table, none for None, and its last row; 0 for none."""
    last = tx.execute(f"SELECT COALESCE(MAX(rowid), 0) FROM {tx.tables.sessions}").fetchone()[0]
    names = tx.execute(f"SELECT session_id FROM {tx.tables.sessions} s NOT INDEXED WHERE rowid > ? AND {_TEXT}", (row,))
    return frozenset(name for (name,) in names), int(last)


def matching(tx: Transaction, typed: str, most: int, *, archived: bool = True) -> tuple[tuple[Session, ...], int]:
    """The sessions whose titles or ids hold typed letters: the best, at most so many, and how many there are."""
    matcher = Matcher(typed)
    # Letters whose case SQLite does not know are left to the matcher.
    like = "%" + "".join(f"\\{letter}%" for letter in matcher.query if letter.isascii())
    title, labels = "''", ""
    if tx.has_table("convo_labels"):
        title = "COALESCE(l.title, '')"
        labels = " LEFT JOIN convo_labels l ON l.kind = 'session' AND l.session_id = s.session_id"
    name = f"ltrim({title} || ' ') || s.session_id"
    rows = tx.execute(
        f"SELECT {name}, s.rowid FROM {tx.tables.sessions} s{labels}"
        f" WHERE {_where(tx, archived=archived)} AND {name} LIKE ? ESCAPE '\\'",
        (like,),
    )
    total = 0

    def ranked() -> Iterator[tuple[int, int]]:
        nonlocal total
        for name, rowid in rows:
            if (rank := matcher.rank(name)) is not None:
                total += 1
                yield rank, -rowid

    best = nsmallest(most, ranked())
    return _sessions(tx, (-rowid for _, rowid in best)), total


class SessionOrder:
    """The order of all sessions of a file, by the rows of the sessions table; work for one thread.

    A session whose last items were taken back keeps its place until others are written or it is worked out anew.
    """

    def __init__(self) -> None:
        self._rowids: array[int] = array("q")
        self._newest = 0
        self._version: tuple[Hashable, Hashable] | None = None
        self._archived = True

    def page(self, tx: Transaction, start: int, stop: int, *, archived: bool = True) -> tuple[Session, ...]:
        """The sessions from a place to before another one, those that are archived among them or not."""
        self._renew(tx, archived)
        return _sessions(tx, self._rowids[start:stop])

    def place(self, tx: Transaction, session_id: str, *, archived: bool = True) -> int | None:
        """How many sessions stand before one."""
        self._renew(tx, archived)
        row = tx.execute(f"SELECT rowid FROM {tx.tables.sessions} WHERE session_id = ?", (session_id,)).fetchone()
        with suppress(ValueError):
            return None if row is None else self._rowids.index(row[0])
        return None

    def _renew(self, tx: Transaction, archived: bool) -> None:
        version = tx.version, tx.schema_version
        if version == self._version and archived == self._archived:
            return
        where = _where(tx, archived=archived)
        newest_id = tx.execute(f"SELECT MAX(id) FROM {tx.tables.messages}").fetchone()[0] or 0
        # Rows keep their numbers except in a VACUUM, which counts as another schema.
        known = self._version is not None and self._version[1] == version[1] and newest_id >= self._newest
        known = known and archived == self._archived
        if known:
            self._move_up(tx, where)
        if not known or len(self._rowids) != count(tx, archived=archived):
            self._rowids = array("q", (rowid for (rowid,) in tx.execute(_ranked(tx, where))))
        self._newest, self._version, self._archived = newest_id, version, archived

    def _move_up(self, tx: Transaction, where: str) -> None:
        """Put the sessions in front that were written since."""
        rows = tx.execute(
            # By the messages' own order: there are few after the newest, and many of each session.
            f"SELECT s.rowid FROM {tx.tables.messages} m NOT INDEXED"
            f" CROSS JOIN {tx.tables.sessions} s ON s.session_id = m.session_id"
            f" WHERE m.id > ? AND {where} GROUP BY s.rowid ORDER BY MAX(m.id)",
            (self._newest,),
        )
        for (rowid,) in rows:
            with suppress(ValueError):
                self._rowids.remove(rowid)
            self._rowids.insert(0, rowid)


def _where(tx: Transaction, *, archived: bool) -> str:
    """What rows of the table of sessions are shown."""
    if archived or not tx.has_table("convo_labels"):
        return _TEXT
    return (
        f"{_TEXT} AND NOT EXISTS (SELECT 1 FROM convo_labels a"
        " WHERE a.kind = 'session' AND a.session_id = s.session_id AND a.archived)"
    )


def _ranked(tx: Transaction, where: str) -> str:
    return (
        f"SELECT rowid FROM {tx.tables.sessions} s WHERE {where}"
        f" ORDER BY (SELECT MAX(id) FROM {tx.tables.messages} m WHERE m.session_id = s.session_id) DESC NULLS LAST,"
        " updated_at DESC, session_id"
    )


def _sessions(tx: Transaction, rowids: Iterable[int]) -> tuple[Session, ...]:
    return _labelled(tx, *(_session(tx, "rowid", rowid, _TEXT) for rowid in rowids))


def _labelled(tx: Transaction, *sessions: Session | None) -> tuple[Session, ...]:
    return label_sessions(tx, [session for session in sessions if session is not None])


def _session(tx: Transaction, column: str, value: object, where: str) -> Session | None:
    structured = "EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = s.session_id)"
    row = tx.execute(
        f"SELECT session_id, CAST(updated_at AS TEXT), {structured if tx.has_structure else '0'},"
        f" EXISTS (SELECT 1 FROM {tx.tables.messages} m WHERE m.session_id = s.session_id)"
        f" FROM {tx.tables.sessions} s WHERE {column} = ? AND {where}",
        (value,),
    ).fetchone()
    if row is None:
        return None
    session_id, updated, known, stored = row
    return Session(session_id, updated, plain=bool(stored and not known))
