"""One file as the explorer reads it: sessions, the tree of turns, pages of turns and items, accounts.

Nothing here writes to the file. Every method is one round trip and one read transaction, so that what it returns is
of one moment. A `+` before a column to order by keeps SQLite on the index that finds the turn, where it would walk the
whole branch to save itself the sorting of a few rows.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from tui.errors import FileError, NotFoundError
from tui.model import Accounts, Branch, Item, Page, Scope, Session, Turn, TurnTree, TurnUsage, Usage
from tui.session.items import is_error, item_text, message_type, tool_name
from tui.session.opening import base_tables, file_error, has_table, open_to_read, quoted
from tui.session.trie import build_tree

__all__ = ["Store"]

T = TypeVar("T")

_PLAIN: Final = "convo_plain_structure"
"""Temporary structure rows of a plain session: as the SDK would have written them."""

_USAGE: Final = (
    "COALESCE(requests, 0) AS requests, COALESCE(input_tokens, 0) AS input_tokens,"
    " COALESCE(output_tokens, 0) AS output_tokens, COALESCE(total_tokens, 0) AS total_tokens,"
    " CASE WHEN json_valid(input_tokens_details) THEN json_extract(input_tokens_details, '$.cached_tokens') END"
    " AS cached_tokens,"
    " CASE WHEN json_valid(output_tokens_details) THEN json_extract(output_tokens_details, '$.reasoning_tokens') END"
    " AS reasoning_tokens"
)
"""The fields of `Usage`, from a table of usage rows."""

_LONGEST: Final = 1 << 16
"""Characters of an item that a row of the tree is made from; the rest of a longer one is not looked at."""

_TEXT: Final = re.compile(r'"(?:text|content)": ?"((?:[^"\\]|\\.){1,2000})')
"""The beginning of a message's text in a row of JSON that was not read to its end."""

_PREVIEW: Final = 200
"""Characters of a user message that a row of the tree shows at most."""


class Store:
    """An open file, for reading.

    Attributes:
        path: The file.
        sessions_table: Name of the table of sessions.
        messages_table: Name of the table of messages.
    """

    def __init__(self, path: str | Path, *, timeout: float = 5.0) -> None:
        """Open a file to look at.

        Args:
            path: The file.
            timeout: How long to wait for a program that has locked it, in seconds.

        Raises:
            FileError: It cannot be shown; the message says why, the hint what to do.
        """
        self.path = Path(path)
        self._connection = open_to_read(self.path, timeout)
        try:
            self.sessions_table, self.messages_table = self._connection.run_sync(lambda db: base_tables(db, self.path))
        except sqlite3.Error as error:
            self._connection.close()
            raise file_error(self.path, error) from error
        except FileError:
            self._connection.close()
            raise
        self._sessions, self._messages = quoted(self.sessions_table), quoted(self.messages_table)
        self._structured = False
        self._plain: tuple[str, int] | None = None

    async def changes(self) -> int:
        """A number that is another one after another connection has written to the file."""
        return await self._read(_data_version)

    async def sessions(self) -> tuple[Session, ...]:
        """The sessions of the file, the one written last first."""

        def read(db: sqlite3.Connection) -> tuple[Session, ...]:
            structured = "EXISTS (SELECT 1 FROM message_structure t WHERE t.session_id = s.session_id)"
            rows = db.execute(
                f"SELECT session_id, updated_at, {structured if self._has_structure(db) else '0'},"
                f" EXISTS (SELECT 1 FROM {self._messages} m WHERE m.session_id = s.session_id),"
                f" (SELECT MAX(id) FROM {self._messages} m WHERE m.session_id = s.session_id)"
                f" FROM {self._sessions} s ORDER BY 5 DESC NULLS LAST, updated_at DESC, session_id"
            )
            return tuple(
                Session(session_id, updated, plain=bool(stored and not known))
                for session_id, updated, known, stored, _ in rows
            )

        return await self._read(read)

    async def tree(self, session: Session) -> TurnTree:
        """The turns of a session's branches.

        `main` is always among them, and so is every branch whose fork was recorded, items or none.
        """

        def read(db: sqlite3.Connection) -> TurnTree:
            structure = self._structure(db, session)

            @cache
            def key(branch_id: str, turn: int) -> tuple[int, ...]:
                rows = db.execute(
                    f"SELECT message_id FROM {structure} WHERE session_id = ? AND branch_id = ?"
                    " AND user_turn_number = ? ORDER BY +sequence_number",
                    (session.session_id, branch_id, turn),
                )
                return tuple(message_id for (message_id,) in rows)

            return build_tree(self._branches(db, session.session_id, structure), key)

        return await self._read(read)

    async def last_branch(self, session: Session) -> str:
        """The branch of a session that was written last."""

        def read(db: sqlite3.Connection) -> str:
            row = db.execute(
                f"SELECT branch_id FROM {self._structure(db, session)} WHERE session_id = ?"
                " ORDER BY sequence_number DESC LIMIT 1",
                (session.session_id,),
            ).fetchone()
            return str(row[0]) if row else "main"

        return await self._read(read)

    async def turns(self, session: Session, through: Sequence[str], first: int, last: int) -> tuple[Turn, ...]:
        """Rows of the tree for some turns of a chain.

        Args:
            session: The session.
            through: The branches that share the turns.
            first: Number of the first turn.
            last: Number of the last one.
        """

        def read(db: sqlite3.Connection) -> tuple[Turn, ...]:
            rows = db.execute(
                "SELECT t.user_turn_number, t.message_type, t.tool_name, m.created_at, length(m.message_data),"
                f" substr(m.message_data, 1, {_LONGEST})"
                f" FROM {self._structure(db, session)} t LEFT JOIN {self._messages} m ON m.id = t.message_id"
                " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number BETWEEN ? AND ?"
                " ORDER BY +t.sequence_number",
                (session.session_id, through[0], first, last),
            )
            usage = self._usage(db, session.session_id, through, first, last)
            turns: dict[int, Turn] = {}
            for number, kind, tool, created, length, text in rows:
                item = _decoded(text) if length is not None and length <= _LONGEST else None
                before = turns.get(number)
                if before is None:
                    spent = usage.get(number)
                    before = Turn(
                        number=number,
                        text=_first_words(item, text) if number else "",
                        items=0,
                        tokens=spent.usage.total_tokens if spent and spent.usage else None,
                        created_at=created,
                    )
                turns[number] = Turn(
                    number=number,
                    text=before.text,
                    items=before.items + 1,
                    tools=before.tools + (kind.endswith("_call") or (kind == "mcp_approval_request" and bool(tool))),
                    errors=before.errors + (text is None or (kind not in ("user", "assistant") and is_error(item))),
                    tokens=before.tokens,
                    created_at=before.created_at,
                )
            return tuple(turns.values())

        return await self._read(read)

    async def user_text(self, session: Session, branch_id: str, turn: int) -> str:
        """The whole user message of a turn, as it was typed.

        Raises:
            NotFoundError: The branch has no such turn, or its message cannot be decoded.
        """

        def read(db: sqlite3.Connection) -> str:
            row = db.execute(
                f"SELECT m.message_data FROM {self._structure(db, session)} t"
                f" JOIN {self._messages} m ON m.id = t.message_id"
                " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number = ? AND t.message_type = 'user'"
                " ORDER BY +t.sequence_number LIMIT 1",
                (session.session_id, branch_id, turn),
            ).fetchone()
            item = _decoded(row[0]) if row else None
            if item is None:
                raise NotFoundError(f"Turn {turn} of '{branch_id}' has no readable user message.")
            return item_text(item)

        return await self._read(read)

    async def position(self, session: Session, branch_id: str, turn: int) -> int:
        """How many items a branch holds before a turn."""

        def read(db: sqlite3.Connection) -> int:
            row = db.execute(
                f"SELECT COUNT(*) FROM {self._structure(db, session)}"
                " WHERE session_id = ? AND branch_id = ? AND user_turn_number < ?",
                (session.session_id, branch_id, turn),
            ).fetchone()
            return int(row[0])

        return await self._read(read)

    async def page(self, session: Session, branch_id: str, start: int, stop: int) -> Page:
        """The items of a branch from position `start` to before `stop`, as far as there are any."""

        def read(db: sqlite3.Connection) -> Page:
            rows = db.execute(
                "SELECT t.message_id, t.user_turn_number, t.message_type, t.tool_name, m.created_at, m.message_data"
                f" FROM (SELECT * FROM {self._structure(db, session)} WHERE session_id = ? AND branch_id = ?"
                " ORDER BY sequence_number LIMIT ? OFFSET ?) t"
                f" LEFT JOIN {self._messages} m ON m.id = t.message_id ORDER BY t.sequence_number",
                (session.session_id, branch_id, stop - start, start),
            )
            items = []
            for position, (message_id, turn, kind, tool, created, text) in enumerate(rows, start):
                data = _decoded(text)
                raw = None if data is not None else ("" if text is None else str(text))
                items.append(Item(message_id, position, turn or 0, kind, tool, created, data, raw))
            return Page(branch_id, start, tuple(items))

        return await self._read(read)

    async def accounts(self, session: Session, tree: TurnTree, branch_id: str) -> Accounts:
        """What a branch cost, turn by turn, and the sums of each scope."""

        def read(db: sqlite3.Connection) -> Accounts:
            name = session.session_id
            spent: dict[int, TurnUsage] = {}
            for chain in tree.path(branch_id):
                # A fork that ran an inherited turn again shows its own run of it.
                order = (branch_id, *(other for other in chain.through if other != branch_id))
                spent |= self._usage(db, name, order, chain.first, chain.last)
            turns = tuple(spent.get(turn, TurnUsage(turn)) for turn in range(1, tree.branches[branch_id].turns + 1))
            totals = {
                Scope.OWN: _total(db, "turn_usage", "session_id = ? AND branch_id = ?", (name, branch_id)),
                Scope.PATH: _sum([turn.usage for turn in turns]),
                Scope.ALL: _sum(
                    [_total(db, table, "session_id = ?", (name,)) for table in ("turn_usage", "convo_usage")]
                ),
            }
            return Accounts(branch_id, totals, turns, self._tools(db, session, branch_id))

        return await self._read(read)

    def close(self) -> None:
        """Close the file; safe to call again."""
        self._connection.close()

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def snapshot(db: sqlite3.Connection) -> T:
            db.execute("BEGIN")
            try:
                result = work(db)
            except BaseException:
                db.execute("ROLLBACK")
                self._plain = None
                raise
            # What a plain session's structure rows were worked out to be is kept, in memory.
            db.execute("COMMIT")
            return result

        def tolerant(db: sqlite3.Connection) -> T:
            try:
                return snapshot(db)
            except sqlite3.OperationalError as error:
                if "Could not decode to UTF-8" not in str(error):
                    raise
                db.text_factory = _replacing
                return snapshot(db)

        try:
            return await self._connection.run(tolerant)
        except sqlite3.Error as error:
            raise file_error(self.path, error) from error

    def _has_structure(self, db: sqlite3.Connection) -> bool:
        # The tables may come while the file is open; they never go.
        self._structured = self._structured or has_table(db, "message_structure")
        return self._structured

    def _structure(self, db: sqlite3.Connection, session: Session) -> str:
        """The table that holds a session's structure rows; made up in memory for a plain session."""
        if not session.plain and self._has_structure(db):
            return "message_structure"
        version = _data_version(db)
        if self._plain != (session.session_id, version):
            db.execute(f"DROP TABLE IF EXISTS temp.{_PLAIN}")
            db.execute(
                f"CREATE TEMP TABLE {_PLAIN} (sequence_number INTEGER PRIMARY KEY, id, session_id, message_id,"
                " branch_id, message_type, user_turn_number, tool_name, created_at)"
            )
            rows = db.execute(
                f"SELECT id, message_data, created_at FROM {self._messages} WHERE session_id = ? ORDER BY id",
                (session.session_id,),
            )
            db.executemany(
                f"INSERT INTO {_PLAIN} VALUES (?, ?, ?, ?, 'main', ?, ?, ?, ?)", _plain_rows(session.session_id, rows)
            )
            db.execute(f"CREATE INDEX temp.{_PLAIN}_turn ON {_PLAIN} (session_id, branch_id, user_turn_number)")
            self._plain = (session.session_id, version)
        return _PLAIN

    def _branches(self, db: sqlite3.Connection, session_id: str, structure: str) -> list[Branch]:
        recorded = _lineage(db, session_id)
        found = db.execute(
            f"""
            WITH RECURSIVE names (branch_id) AS (
                SELECT MIN(branch_id) FROM {structure} WHERE session_id = :session
                UNION ALL
                SELECT (SELECT MIN(t.branch_id) FROM {structure} t
                        WHERE t.session_id = :session AND t.branch_id > names.branch_id)
                FROM names WHERE names.branch_id IS NOT NULL
            )
            SELECT branch_id,
                (SELECT MAX(t.user_turn_number) FROM {structure} t
                    WHERE t.session_id = :session AND t.branch_id = names.branch_id),
                (SELECT COUNT(*) FROM {structure} t WHERE t.session_id = :session AND t.branch_id = names.branch_id),
                (SELECT t.id FROM {structure} t WHERE t.session_id = :session AND t.branch_id = names.branch_id
                    ORDER BY t.sequence_number LIMIT 1) AS born,
                (SELECT t.created_at FROM {structure} t WHERE t.session_id = :session
                    AND t.branch_id = names.branch_id ORDER BY t.sequence_number LIMIT 1)
            FROM names WHERE branch_id IS NOT NULL ORDER BY branch_id != 'main', born
            """,
            {"session": session_id},
        ).fetchall()
        branches = {
            branch_id: Branch(branch_id, turns or 0, items, *recorded.get(branch_id, (None, None, None))[:2], created)
            for branch_id, turns, items, _, created in found
        }
        empty = {branch_id: row for branch_id, row in recorded.items() if branch_id not in branches}
        for branch_id, (parent, turn, created) in empty.items():
            branches[branch_id] = Branch(branch_id, 0, 0, parent, turn, created)
        if "main" not in branches:
            return [Branch("main", 0, 0), *branches.values()]
        return list(branches.values())

    def _usage(
        self, db: sqlite3.Connection, session_id: str, order: Sequence[str], first: int, last: int
    ) -> dict[int, TurnUsage]:
        """The usage of turns that the branches in `order` share; where several ran one, the first of them counts."""
        found: dict[int, TurnUsage] = {}
        if has_table(db, "turn_usage"):
            for branch_id in order:
                rows = db.execute(
                    f"SELECT user_turn_number, {_USAGE} FROM turn_usage"
                    " WHERE session_id = ? AND branch_id = ? AND user_turn_number BETWEEN ? AND ?",
                    (session_id, branch_id, first, last),
                )
                for turn, *numbers in rows:
                    found.setdefault(turn, TurnUsage(turn, Usage(*numbers), branch_id))
        if has_table(db, "convo_usage"):
            rows = db.execute(
                f"SELECT u.user_turn_number, u.branch_id, {_USAGE} FROM convo_usage u"
                " WHERE u.session_id = ? AND u.user_turn_number BETWEEN ? AND ? AND EXISTS (SELECT 1"
                " FROM message_structure t WHERE t.session_id = u.session_id AND t.branch_id = ?"
                " AND t.user_turn_number = u.user_turn_number AND t.message_id = u.message_id)",
                (session_id, first, last, order[0]),
            )
            for turn, branch_id, *numbers in rows:
                found.setdefault(turn, TurnUsage(turn, Usage(*numbers), branch_id))
        return found

    def _tools(self, db: sqlite3.Connection, session: Session, branch_id: str) -> tuple[tuple[str, int, int], ...]:
        rows = db.execute(
            f"SELECT COALESCE(tool_name, message_type), user_turn_number, COUNT(*) FROM {self._structure(db, session)}"
            " WHERE session_id = ? AND branch_id = ?"
            " AND (message_type GLOB '*_call' OR message_type = 'mcp_approval_request')"
            " GROUP BY 1, 2 ORDER BY 2, MIN(sequence_number)",
            (session.session_id, branch_id),
        )
        return tuple(rows)


def _total(db: sqlite3.Connection, table: str, where: str, values: tuple[str, ...]) -> Usage | None:
    if not has_table(db, table):
        return None
    count, *sums = db.execute(
        "SELECT COUNT(*), SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens),"
        f" SUM(cached_tokens), SUM(reasoning_tokens) FROM (SELECT {_USAGE} FROM {table} WHERE {where})",
        values,
    ).fetchone()
    return Usage(*sums) if count else None


def _sum(parts: Iterable[Usage | None]) -> Usage | None:
    stored = [part for part in parts if part is not None]
    return sum(stored[1:], stored[0]) if stored else None


def _data_version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def _lineage(db: sqlite3.Connection, session_id: str) -> dict[str, tuple[str | None, int | None, str | None]]:
    """Parent, fork turn and time of each branch whose fork was recorded, oldest first."""
    if not has_table(db, "convo_branches"):
        return {}
    rows = db.execute(
        "SELECT branch_id, parent_branch_id, fork_turn, created_at FROM convo_branches"
        " WHERE session_id = ? ORDER BY created_at, rowid",
        (session_id,),
    )
    return {branch_id: (parent, turn, created) for branch_id, parent, turn, created in rows}


def _plain_rows(session_id: str, rows: Iterable[tuple[int, str, str]]) -> Iterator[tuple[Any, ...]]:
    turn = 0
    for place, (message_id, text, created) in enumerate(rows, 1):
        item = _decoded(text)
        kind = message_type(item)
        turn += kind == "user"
        yield place, place, session_id, message_id, kind, turn, tool_name(item), created


def _decoded(text: str | bytes | None) -> Any:
    """The item that a message row stores; None where it cannot be decoded."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None


def _first_words(item: object, text: str | None) -> str:
    """The beginning of a user message on one line, also where only the beginning of its row was read."""
    if item is not None:
        words = item_text(item)
    else:
        found = _TEXT.search(text or "")
        words = _decoded(f'"{found[1]}"') if found else ""
    return " ".join(words[: 4 * _PREVIEW].split())[:_PREVIEW]


def _replacing(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")
