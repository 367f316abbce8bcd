"""Reading a server for the explorer, which names the tables of the SDK's layout for SQLite.

The engine for sessions has another layout. Here, each statement that names a table of the SDK's layout begins with its
definition, so that queries read the same rows as in a file: items, turns and usage of `main` and of all branches.
Nothing is made on the server, and no right to write is needed; tables of this project may be missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, TypeVar

import psycopg

from tui.errors import ConvoError, FileError
from tui.items.codec import decode_beginning, decode_or_none
from tui.items.sealed import SEALED, unsealed
from tui.model import Session
from tui.storage.engine import MAX_READ_BYTES, Engine, PartialItem
from tui.storage.postgres.connection import LostConnection, ServerConnection, connection_settings, shown_url
from tui.storage.postgres.dialect import as_utc
from tui.storage.postgres.engine import PostgresTransaction
from tui.storage.postgres.pool import pool_for
from tui.storage.postgres.schema import SchemaInfo, inspect, tables_for
from tui.storage.schema import quoted
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS

__all__ = ["PostgresReader"]

T = TypeVar("T")

_MESSAGES: Final = "convo_all_messages"
_SESSIONS: Final = "convo_all_sessions"

_NAMES: Final = re.compile(
    rf"\b(message_structure|turn_usage|session_clear_generations|{_MESSAGES}|{_SESSIONS})\b(?!\s*\()"
)
_WITH: Final = re.compile(r"\s*WITH(\s+RECURSIVE)?\b")
_MESSAGE_COLUMNS: Final = ("id", "session_id", "message_data", "created_at")
_SESSION_COLUMNS: Final = ("session_id", "created_at", "updated_at")

_PAIRS: Final = f"""
    SELECT parent.relname, child.relname, place.nspname, pg_table_is_visible(child.oid) FROM pg_constraint AS key
    JOIN pg_class AS child ON child.oid = key.conrelid JOIN pg_class AS parent ON parent.oid = key.confrelid
    JOIN pg_namespace AS place ON place.oid = child.relnamespace AND place.oid = parent.relnamespace
    WHERE key.contype = 'f'
        AND (SELECT COUNT(*) FROM pg_attribute WHERE attrelid = child.oid AND NOT attisdropped
            AND attname IN {_MESSAGE_COLUMNS}) = {len(_MESSAGE_COLUMNS)}
        AND (SELECT COUNT(*) FROM pg_attribute WHERE attrelid = parent.oid AND NOT attisdropped
            AND attname IN {_SESSION_COLUMNS}) = {len(_SESSION_COLUMNS)}
    ORDER BY 3, 1, 2
"""
_LISTED: Final = 10
"""Names that an error lists."""

_ALL: Final = (1 << 31) - 1
"""More characters than a text has."""

_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _ReadTransaction(PostgresTransaction):
    """A transaction that shows the SDK's layout."""

    @property
    def messages(self) -> _Messages:
        return _Messages(self)

    @property
    def version(self) -> Hashable:
        # Another transaction that ended since has moved it.
        [(snapshot,)] = super().execute("SELECT CAST(pg_current_snapshot() AS TEXT)").fetchall()
        return str(snapshot)

    def execute(self, sql: str, /, **values: object) -> psycopg.Cursor[Any]:
        names = set(_NAMES.findall(sql))
        if "turn_usage" in names:
            names.add("message_structure")
        if not names:
            return super().execute(sql, **values)
        session_id = values.get("session_id")
        of_session = "TRUE" if session_id is None else "session_id = :session_id"
        defined = {
            # Without the join with items, the database can look for each message by an index.
            _MESSAGES: self._messages(of_session, once=session_id is not None or "message_structure" in names),
            _SESSIONS: self._sessions(),
            "session_clear_generations": "SELECT session_id, generation FROM convo_generations",
        }
        if "message_structure" in names:
            defined["message_structure"] = self._structure(session_id, of_session)
        defined["turn_usage"] = self._usage(of_session)
        order = ("message_structure", "turn_usage", "session_clear_generations", _MESSAGES, _SESSIONS)
        tables = ", ".join(
            f"{name} AS {'NOT MATERIALIZED ' if name == _MESSAGES else ''}({defined[name]})"
            for name in order
            if name in names
        )
        found = _WITH.match(sql)
        if found is None:
            return super().execute(f"WITH {tables} {sql}", **values)
        return super().execute(f"WITH{found[1] or ''} {tables}, {sql[found.end() :]}", **values)

    def by_id(self, columns: str, ids: Sequence[int], **values: object) -> list[Any]:
        """Return columns of messages, which are looked for by their ids in both tables.

        `{created_at}` in the columns is the time of a message.
        """
        condition = f"WHERE {self.dialect.in_ids('id', 'ids')}"
        base = f"SELECT {columns} FROM {self.info.tables.messages} {condition}".replace(
            "{created_at}", as_utc("created_at")
        )
        rows = super().execute(base, ids=json.dumps(ids), **values).fetchall()
        if self.info.known and len(rows) < len(set(ids)):
            others = f"SELECT {columns} FROM convo_messages AS c {condition}".replace("{created_at}", "created_at")
            others += f" AND NOT EXISTS (SELECT 1 FROM {self.info.tables.messages} AS o WHERE o.id = c.id)"
            rows += super().execute(others, ids=json.dumps(ids), **values).fetchall()
        return rows

    def has_table(self, name: str) -> bool:
        if name == "message_structure":
            return True
        names = {"turn_usage": "convo_turn_usage", "session_clear_generations": "convo_generations"}
        return super().has_table(names.get(name, name))

    def structure_table(self, session: Session) -> str:  # noqa: ARG002
        return "message_structure"

    def _messages(self, of_session: str, *, once: bool) -> str:
        """Return the messages of a session or of all; if `once`, one that is in both tables is read once."""
        base, created_at = self.info.tables.messages, as_utc("created_at")
        messages = f"SELECT id, session_id, message_data, {created_at} AS created_at FROM {base} WHERE {of_session}"
        if not self.info.known:
            return messages
        others = f"SELECT id, session_id, message_data, created_at FROM convo_messages AS c WHERE {of_session}"
        if once:
            others += f" AND NOT EXISTS (SELECT 1 FROM {base} AS o WHERE o.id = c.id)"
        return f"{messages} UNION ALL {others}"

    def _sessions(self) -> str:
        return (
            f"SELECT session_id, {as_utc('created_at')} AS created_at, {as_utc('updated_at')} AS updated_at,"
            " CAST(EXTRACT(EPOCH FROM created_at) * 1000000 AS BIGINT) AS row_order"
            f" FROM {self.info.tables.sessions}"
        )

    def _structure(self, session_id: object, of_session: str) -> str:
        # The ids of messages and of rows are not to be mistaken for one another.
        columns = (
            "session_id, message_id, branch_id, message_type, sequence_number, user_turn_number, branch_turn_number,"
            " tool_name, created_at"
        )
        tables = self.tables
        self.tables = self.info.tables
        try:
            main = self.layout.main_rows(self, None if session_id is None else str(session_id))
        finally:
            self.tables = tables
        rows = f"SELECT 2 * id AS id, {columns} FROM {main} AS main_rows"
        if not self.info.known:
            return rows
        return f"{rows} UNION ALL SELECT 2 * id + 1, {columns} FROM convo_structure WHERE {of_session}"

    def _usage(self, of_session: str) -> str:
        columns = "requests, input_tokens, output_tokens, total_tokens, input_tokens_details, output_tokens_details"
        if not self.info.known:
            nothing = ", ".join(f"CAST(NULL AS BIGINT) AS {name}" for name in columns.split(", ")[:4])
            return (
                "SELECT CAST(NULL AS BIGINT) AS id, CAST(NULL AS TEXT) AS session_id, CAST(NULL AS TEXT) AS branch_id,"
                f" CAST(NULL AS BIGINT) AS user_turn_number, {nothing}, CAST(NULL AS TEXT) AS input_tokens_details,"
                " CAST(NULL AS TEXT) AS output_tokens_details, CAST(NULL AS TEXT) AS created_at WHERE FALSE"
            )
        usage = ", ".join(f"u.{name}" for name in columns.split(", "))
        return f"""
            SELECT u.id, u.session_id, u.branch_id, s.user_turn_number, {usage}, u.created_at
            FROM convo_turn_usage AS u JOIN message_structure AS s ON s.message_id = u.message_id
                AND s.session_id = u.session_id AND s.branch_id = u.branch_id
            WHERE {of_session.replace("session_id =", "u.session_id =")}
        """


class _Messages:
    """PostgreSQL's `tui.storage.engine.Messages`: the items of a call are read in one statement."""

    are_long = False

    def __init__(self, tx: _ReadTransaction) -> None:
        self._tx = tx

    def beginnings(
        self, ids: Sequence[int | None], limit: int | None = MAX_READ_BYTES, part: int | None = None
    ) -> Iterator[PartialItem]:
        known = [message_id for message_id in ids if message_id is not None]
        found: dict[int, PartialItem] = {}
        if known:
            columns = """
                id, session_id, octet_length(message_data),
                CASE WHEN octet_length(message_data) <= :limit OR substr(message_data, 1, :sealed_size) = :sealed
                    THEN message_data ELSE left(message_data, :part) END
            """
            rows = self._tx.by_id(
                columns,
                known,
                limit=_ALL if limit is None else limit,
                part=_ALL if limit is None else part or limit,
                sealed=SEALED,
                sealed_size=len(SEALED),
            )
            found = {message_id: _partial(session_id, size, text) for message_id, session_id, size, text in rows}
        for message_id in ids:
            yield PartialItem() if message_id is None else found.get(message_id, PartialItem())

    def size(self, message_id: int) -> int:
        rows = self._tx.by_id("octet_length(message_data)", [message_id])
        return int(rows[0][0]) if rows else 0

    def stored_times(self, ids: Sequence[int]) -> dict[int, str | None]:
        return dict(self._tx.by_id("id, {created_at}", ids)) if ids else {}


def _partial(session_id: str, size: int, text: str) -> PartialItem:
    unread = size - len(text.encode())
    if not unread:
        data = unsealed(decode_or_none(text), session_id)
        return PartialItem(data, text if data is None else None, size)
    try:
        return PartialItem(decode_beginning(text.encode()), None, size, unread, True)
    except (ValueError, RecursionError):
        return PartialItem(None, text, size, unread, True)


class PostgresReader(Engine):
    """A PostgreSQL database that is open to be read."""

    def __init__(self, url: str, schema: str | None = None, tables: tuple[str, str] | None = None) -> None:
        """Open the database; `schema` was chosen, and so were the base tables, unless they are None.

        Raises:
            ConvoError: It cannot be opened, or has no such tables.
        """
        conninfo = connection_settings(url)
        self.target = shown_url(conninfo)
        self._lane = pool_for(conninfo).open_lane()
        try:
            self._info: SchemaInfo = self._lane.submit(
                lambda connection: connection.run_outside(lambda db: _find_schema(db, schema, tables))
            ).result()
        except psycopg.Error as error:
            self._lane.close()
            raise self._explained(error) from None
        except ValueError as error:
            self._lane.close()
            message = f"{self.target} cannot be shown: {error}"
            raise FileError(message, "Install the version of convo-tui that wrote it.") from None
        except BaseException:
            self._lane.close()
            raise
        self.tables = self._info.tables._replace(sessions=_SESSIONS, messages=_MESSAGES)

    def check_open(self) -> None:
        self._lane.check_open()

    def submit_read(self, work: Callable[[_ReadTransaction], T]) -> Future[T]:
        return self._lane.submit(partial(self._read, work))

    def submit_write(self, work: Callable[[_ReadTransaction], T], session_id: str = "") -> Future[T]:  # noqa: ARG002
        raise TypeError("The database is open to be read.")

    def explain(self, error: Exception) -> ConvoError | None:
        return self._explained(error) if isinstance(error, psycopg.Error) else None

    def is_current(self) -> bool:
        return True

    def close(self) -> None:
        self._lane.close()

    def _explained(self, error: psycopg.Error) -> FileError:
        reason = str(error).strip().partition("\n")[0]
        return FileError(f"{self.target} cannot be read: {reason}", "Check that the server runs and lets you in.")

    def _read(self, work: Callable[[_ReadTransaction], T], connection: ServerConnection) -> T:
        def run(db: psycopg.Connection, _: object) -> T:
            tx = _ReadTransaction(db, self._info, None, is_read_only=True)
            tx.tables = self.tables
            return work(tx)

        def begin(db: psycopg.Connection) -> None:
            db.execute(_BEGIN)

        try:
            return connection.run(begin, run)
        except LostConnection:
            return connection.run(begin, run)


def _find_schema(db: psycopg.Connection, schema: str | None, tables: tuple[str, str] | None) -> SchemaInfo:
    """Return what is known of the tables; those of this project may be missing.

    The base tables are those that were chosen, else those that own the tables of this project; else they have the SDK's
    names, or the columns and the foreign key of such a pair.

    Raises:
        FileError: There are no base tables, or several pairs that could be meant.
    """
    if schema is not None:
        _require_schema(db, schema)
    if tables is not None:
        for table, columns in zip(tables, (_SESSION_COLUMNS, _MESSAGE_COLUMNS), strict=True):
            _require_columns(db, table, columns)
    if db.execute("SELECT to_regclass('convo_schema')").fetchone() != (None,):
        for owner in db.execute("SELECT sessions_table, messages_table FROM convo_schema").fetchall():
            if tables in (None, owner):
                return inspect(db, *owner)
    sessions, messages = tables or _only_pair(db)
    return SchemaInfo(tables_for(sessions, messages), "", "", frozenset())


def _only_pair(db: psycopg.Connection) -> tuple[str, str]:
    found = db.execute(_PAIRS).fetchall()
    pairs = [(sessions, messages) for sessions, messages, _, is_visible in found if is_visible]
    if (DEFAULT_SESSIONS, DEFAULT_MESSAGES) in pairs:
        return DEFAULT_SESSIONS, DEFAULT_MESSAGES
    if len(pairs) > 1:
        names = _listed([",".join(pair) for pair in pairs])
        raise FileError(f"The database has several pairs of tables of conversations: {names}.", "Choose with --tables.")
    if pairs:
        return pairs[0]
    if found:
        schemas = _listed([*dict.fromkeys(schema for _, _, schema, _ in found)])
        raise FileError(f"Conversations are in other schemas of the database: {schemas}.", "Choose one with --schema.")
    raise FileError(
        "The database has no conversations: no table has the columns of the SDK's messages.",
        "Let an agent write it with AdvancedPostgresSession(create_tables=True), or with SQLAlchemySession.",
    )


def _require_schema(db: psycopg.Connection, schema: str) -> None:
    rows = db.execute("SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1").fetchall()
    names = [name for (name,) in rows if name != "information_schema"]
    if schema not in names:
        raise FileError(f"The database has no schema '{schema}'.", f"Its schemas: {_listed(names)}.")


def _require_columns(db: psycopg.Connection, table: str, columns: Sequence[str]) -> None:
    sql = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND NOT attisdropped"
    found = {name for (name,) in db.execute(sql, (quoted(table),))}
    if missing := [name for name in columns if name not in found]:
        lacks = f"The table '{table}' has no column {', '.join(missing)}" if found else f"There is no table '{table}'"
        pairs = _listed([f"{s},{m}" for s, m, _, is_visible in db.execute(_PAIRS).fetchall() if is_visible])
        hint = f"Pairs that --tables can choose: {pairs}." if pairs else "Choose a schema with --schema."
        raise FileError(f"{lacks}.", hint)


def _listed(names: Sequence[str]) -> str:
    return "; ".join([*names[:_LISTED], *(["…"] if len(names) > _LISTED else [])])
