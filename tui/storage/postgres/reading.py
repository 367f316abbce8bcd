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
from psycopg import ClientCursor

from tui.errors import ConvoError, FileError, NotFoundError
from tui.items.codec import decode_or_none
from tui.items.sealed import SEALED, unsealed
from tui.model import Session
from tui.storage.engine import MAX_READ_BYTES, Engine, PartialItem
from tui.storage.partial_items import decoded_beginning, skip_data
from tui.storage.postgres.connection import (
    LostConnection,
    NumberArray,
    ServerConnection,
    connection_settings,
    shown_url,
)
from tui.storage.postgres.dialect import as_utc
from tui.storage.postgres.engine import PostgresTransaction
from tui.storage.postgres.main_index import MainIndex, MainIndexes
from tui.storage.postgres.pool import pool_for
from tui.storage.postgres.rights import missing_rights
from tui.storage.postgres.schema import CONVO_SCHEMA, SchemaInfo, find_owner, find_tables, inspect_known, tables_for
from tui.storage.schema import MAIN, quoted
from tui.storage.sql import NamedValues
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS, Tables

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

_BEFORE_QUOTE: Final = "split_part(substr(message_data, :end + 1), '\"', 1)"
_FROM_QUOTE: Final = (
    f"length({_BEFORE_QUOTE}), octet_length({_BEFORE_QUOTE}),"
    f" substr(message_data, :end + 1 + length({_BEFORE_QUOTE}), :part)"
)
"""The rest of an item after `end` characters: the size of what is before a quotation mark, and the text from it on."""

_BEGIN: Final = """
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SELECT CAST(pg_current_snapshot() AS TEXT), to_regclass('convo_schema') IS NOT NULL
"""

_COLUMNS: Final = (
    "session_id, message_id, branch_id, message_type, sequence_number, user_turn_number, branch_turn_number,"
    " tool_name, created_at"
)
"""The columns of a structure row, without its id."""

_REMEMBERED: Final = 64
"""Sessions of which versions are remembered."""

_TABLES: Final = {
    "message_structure": "convo_structure",
    "turn_usage": "convo_turn_usage",
    "session_clear_generations": "convo_generations",
}
"""The tables of this project in place of tables of the SDK's layout; `main` has rows without them."""


class _Memory:
    """The results of earlier transactions that a reader keeps.

    As long as the snapshot is the same, nothing was committed on the server.

    Attributes:
        versions: The version of the database (None) and of sessions, and the snapshot with which it was read last.
        indexes: The items of `main` of sessions.
        session_id: The session that was read last.
        changes: Number of times that a session was found to have changed.
    """

    def __init__(self, indexes: MainIndexes) -> None:
        self.versions: dict[str | None, tuple[str, Hashable]] = {}
        self.indexes = indexes
        self.session_id: str | None = None
        self.changes = 0

    def keep_version(self, session_id: str | None, snapshot: str, version: Hashable) -> None:
        _, known = self.versions.pop(session_id, ("", version))
        self.versions[session_id] = snapshot, version
        self.changes += version != known
        while len(self.versions) > _REMEMBERED:
            del self.versions[next(iter(self.versions))]


class _ReadTransaction(PostgresTransaction):
    """A transaction that shows the SDK's layout."""

    def __init__(
        self, db: psycopg.Connection, info: SchemaInfo, tables: Tables, snapshot: str, memory: _Memory
    ) -> None:
        super().__init__(db, info, None, is_read_only=True)
        self.tables = tables
        self._snapshot = snapshot
        self._memory = memory
        self._messages_read = _Messages(self)

    @property
    def messages(self) -> _Messages:
        return self._messages_read

    @property
    def version(self) -> Hashable:
        # What changes the newest time or id is seen for all sessions; anything else for the one that was read last.
        if self._memory.session_id is not None:
            self._version(self._memory.session_id)
        return self._version(None), self._memory.changes

    def session_version(self, session_id: str) -> Hashable:
        self._memory.session_id = session_id
        return self._version(session_id)

    def _version(self, session_id: str | None) -> Hashable:
        snapshot, version = self._memory.versions.get(session_id, ("", None))
        if snapshot != self._snapshot:
            where = "" if session_id is None else " WHERE session_id = :session_id"
            messages, sessions = self.info.tables.messages, self.info.tables.sessions
            columns = [
                f"(SELECT MAX(id) FROM {messages}{where})",
                f"(SELECT CAST(SUM(EXTRACT(EPOCH FROM updated_at)) AS TEXT) || ' ' || COUNT(*) FROM {sessions}{where})",
            ]
            if session_id is not None:
                # To pop an item changes nothing else; to pop and to add one leaves a greater id.
                columns.append(f"(SELECT COUNT(*) FROM {messages}{where})")
            if self.info.known:
                columns.append(f"(SELECT SUM(changes) FROM {self.info.tables.generations}{where})")
            [version] = super().execute(f"SELECT {', '.join(columns)}", session_id=session_id).fetchall()
            self._memory.keep_version(session_id, self._snapshot, version)
        return version

    def execute(self, sql: str, /, **values: object) -> psycopg.Cursor[Any]:
        names = set(_NAMES.findall(sql))
        if "turn_usage" in names:
            names.add("message_structure")
        if not names:
            return super().execute(sql, **values)
        session_id = values.get("session_id")
        of_session = "TRUE" if session_id is None else "session_id = :session_id"
        defined: dict[str, Callable[[], str]] = {
            "message_structure": lambda: self._structure(None if session_id is None else str(session_id), of_session),
            "turn_usage": lambda: self._usage(of_session),
            "session_clear_generations": lambda: "SELECT session_id, generation FROM convo_generations",
            _MESSAGES: lambda: f"SELECT * FROM {self.layout.all_messages_sql(self)} AS m WHERE {of_session}",
            _SESSIONS: self._sessions,
        }
        tables = ", ".join(
            f"{name} AS {'NOT MATERIALIZED ' if name in self.tables[:2] else ''}({define()})"
            for name, define in defined.items()
            if name in names
        )
        found = _WITH.match(sql)
        if found is None:
            return super().execute(f"WITH {tables} {sql}", **values)
        return super().execute(f"WITH{found[1] or ''} {tables}, {sql[found.end() :]}", **values)

    def main_index(self, session_id: str) -> MainIndex:
        return self._memory.indexes.of(self, session_id, self.session_version(session_id))

    def rows_to_search(self, condition: str, values: NamedValues) -> tuple[str, None] | None:
        # The rows are numbered by their messages, which an index finds. Only the sessions of those that may match are
        # read as a whole, to count their turns. The server takes a condition for a text for one that few messages meet:
        # in a join, it would compare each row with each of them.
        base = self.info.tables.messages
        selected = f"WHERE m.id > :low AND m.id <= :high AND ({condition})"
        messages = f"SELECT m.id, m.session_id, m.message_data FROM {base} AS m {selected}"
        if self.info.known:
            messages += (
                f" UNION ALL SELECT m.id, m.session_id, m.message_data FROM convo_messages AS m {selected}"
                f" AND NOT EXISTS (SELECT 1 FROM {base} AS o WHERE o.id = m.id)"
            )
        rows = super().execute(f"SELECT id, session_id FROM ({messages}) AS found", **values).fetchall()
        if not rows:
            return None
        values["found"] = NumberArray([message_id for message_id, _ in rows])
        values["session_ids"] = session_ids = [*dict.fromkeys(session_id for _, session_id in rows)]
        main = self._of_base(lambda: self.layout.main_rows_sql(self, None, session_ids))
        values.update(self.implicit)
        is_found = "WHERE message_id = ANY(:found)"
        relation = f"SELECT message_id AS id, {_COLUMNS} FROM {main} AS main_rows {is_found}"
        if self.info.known:
            relation += f" UNION ALL SELECT message_id, {_COLUMNS} FROM convo_structure {is_found}"
        return f"({relation})", None

    def last_row(self) -> int:
        tables = (self.info.tables.messages, *(["convo_messages"] if self.info.known else []))
        greatest = ", ".join(f"(SELECT MAX(id) FROM {table})" for table in tables)
        return int(super().execute(f"SELECT COALESCE(GREATEST({greatest}), 0)").fetchone()[0])  # type: ignore[index]

    def _of_base(self, rows: Callable[[], str]) -> str:
        """Return what a function of the layout returns, for the tables of the server."""
        tables, self.tables = self.tables, self.info.tables
        try:
            return rows()
        finally:
            self.tables = tables

    def select_messages(self, columns: str, ids: Sequence[int], **values: object) -> list[Any]:
        """Return columns of messages, which are looked for by their ids in both tables.

        `{created_at}` in the columns is the time of a message.
        """
        base, condition = self.info.tables.messages, f"WHERE {self.dialect.in_ids('id', 'ids')}"
        sql = f"SELECT {columns} FROM {base} {condition}".replace("{created_at}", as_utc("created_at"))
        if self.info.known:
            others = f"SELECT {columns} FROM convo_messages AS c {condition}".replace("{created_at}", "created_at")
            sql += f" UNION ALL {others} AND NOT EXISTS (SELECT 1 FROM {base} AS o WHERE o.id = c.id)"
        return super().execute(sql, ids=json.dumps(ids), **values).fetchall()

    def has_table(self, name: str) -> bool:
        return name == "message_structure" or super().has_table(_TABLES.get(name, name))

    def structure_table(self, session: Session) -> str:  # noqa: ARG002
        return "message_structure"

    def _sessions(self) -> str:
        sessions = self.info.tables.sessions
        listed = (
            f"SELECT CAST(session_id AS TEXT) AS session_id, {as_utc('created_at')} AS created_at,"
            f" {as_utc('updated_at')} AS updated_at,"
            " CAST(updated_at AS TIMESTAMPTZ) AS written_at,"
            f" CAST(EXTRACT(EPOCH FROM created_at) * 1000000 AS BIGINT) AS row_order FROM {sessions}"
        )
        if not self.info.known:
            return listed
        time = "(SELECT {}(t.created_at) FROM convo_structure AS t WHERE t.session_id = cleared.session_id)"
        # What another program has cleared is listed as long as branches have items.
        return f"""
            {listed} UNION ALL
            SELECT session_id, {time.format("MIN")}, {time.format("MAX")},
                CAST({time.format("MAX")} || 'Z' AS TIMESTAMPTZ), CAST(0 AS BIGINT)
            FROM (
                SELECT session_id FROM {self.info.tables.generations} AS g
                WHERE NOT EXISTS (SELECT 1 FROM {sessions} AS s WHERE s.session_id = g.session_id) OFFSET 0
            ) AS cleared
            WHERE EXISTS (SELECT 1 FROM convo_structure AS t WHERE t.session_id = cleared.session_id)
        """

    def _structure(self, session_id: str | None, of_session: str) -> str:
        needed, parts = self._needed, []
        # The ids of messages and of rows are not to be mistaken for one another.
        if needed.branch_id in (None, MAIN) or not self.info.known:
            main = self._of_base(lambda: self.layout.main_rows_sql(self, session_id))
            parts.append(f"SELECT 2 * id AS id, {_COLUMNS} FROM {main} AS main_rows")
        if needed.branch_id != MAIN and self.info.known:
            parts.append(f"SELECT 2 * id + 1 AS id, {_COLUMNS} FROM convo_structure WHERE {of_session}")
        return " UNION ALL ".join(parts)

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
        self._times: dict[int, str | None] = {}

    def read_prefixes(
        self, ids: Sequence[int | None], limit: int | None = MAX_READ_BYTES, part: int | None = None
    ) -> Iterator[PartialItem]:
        known = [message_id for message_id in ids if message_id is not None]
        found: dict[int, PartialItem] = {}
        if known:
            columns = """
                id, {created_at}, session_id, octet_length(message_data),
                CASE WHEN octet_length(message_data) <= :limit OR substr(message_data, 1, :sealed_size) = :sealed
                    THEN message_data ELSE left(message_data, :part) END
            """
            rows = self._tx.select_messages(
                columns,
                known,
                limit=_ALL if limit is None else limit,
                part=_ALL if limit is None else part or limit,
                sealed=SEALED,
                sealed_size=len(SEALED),
            )
            for message_id, created_at, session_id, size, text in rows:
                found[message_id] = self._item(message_id, session_id, size, text)
                self._times[message_id] = created_at
        for message_id in ids:
            yield PartialItem() if message_id is None else found.get(message_id, PartialItem())

    def _item(self, message_id: int, session_id: str, size: int, text: str) -> PartialItem:
        """Return an item of `size` bytes of which the complete text was read, or the beginning."""
        stored, end = text.encode(), len(text)
        if len(stored) == size:
            data = unsealed(decode_or_none(text), session_id)
            return PartialItem(data, text if data is None else None, size)

        def read_from_quote() -> tuple[int, bytes]:
            nonlocal end
            [(passed, passed_bytes, ahead)] = self._tx.select_messages(
                _FROM_QUOTE, [message_id], end=end, part=len(text)
            )
            end += passed + len(ahead)
            return passed_bytes, ahead.encode()

        shown, end_bytes = skip_data(stored, size, len(stored), read_from_quote)
        return decoded_beginning(shown, size, end_bytes, lambda: next(self.read_prefixes([message_id], None)))

    def texts(self, ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
        rows = self._tx.select_messages("id, message_data, {created_at}", ids) if ids else []
        return {message_id: (text, created_at) for message_id, text, created_at in rows}

    def size(self, message_id: int) -> int:
        rows = self._tx.select_messages("octet_length(message_data)", [message_id])
        return int(rows[0][0]) if rows else 0

    def stored_times(self, ids: Sequence[int]) -> dict[int, str | None]:
        if unread := [message_id for message_id in ids if message_id not in self._times]:
            self._times.update(self._tx.select_messages("id, {created_at}", unread))
        return {message_id: self._times[message_id] for message_id in ids if message_id in self._times}


class PostgresReader(Engine):
    """A PostgreSQL database that is open to be read."""

    def __init__(
        self,
        url: str,
        schema: str | None = None,
        tables: tuple[str, str] | None = None,
        beside: PostgresReader | None = None,
    ) -> None:
        """Open the database.

        Args:
            url: Its URL.
            schema: The schema that was chosen, unless it is None.
            tables: The base tables that were chosen, unless they are None.
            beside: Another reader of the same tables.

        Raises:
            ConvoError: It cannot be opened, or has no such tables.
        """
        conninfo = connection_settings(url)
        self.target = shown_url(conninfo)
        self._chosen = schema, tables
        self._lane = pool_for(conninfo).open_lane()
        self._memory = _Memory(MainIndexes() if beside is None else beside.indexes)

        self.info: SchemaInfo
        self._refusal: ConvoError | None

        try:
            self.info, self._refusal = (
                (beside.info, beside.refusal)
                if beside is not None
                else self._lane.submit(lambda each: each.run_outside(lambda db: _inspect(db, schema, tables))).result()
            )
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
        self.tables = self.info.tables._replace(sessions=_SESSIONS, messages=_MESSAGES)

    @property
    def indexes(self) -> MainIndexes:
        """The items of `main` of the sessions that were read."""
        return self._memory.indexes

    @property
    def base_tables(self) -> tuple[str, str]:
        return self.info.tables.sessions, self.info.tables.messages

    @property
    def refusal(self) -> ConvoError | None:
        return self._refusal

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
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        return FileError(f"{self.target} cannot be read: {reason}.", "Check that the server runs and lets you in.")

    def _read(self, work: Callable[[_ReadTransaction], T], connection: ServerConnection) -> T:
        def run(db: psycopg.Connection, begun: tuple[str, bool]) -> T:
            snapshot, has_tables = begun
            if has_tables and not self.info.known:
                # The first change has made them, or another program.
                self.info, self._refusal = _inspect(db, *self._chosen)
            return work(_ReadTransaction(db, self.info, self.tables, snapshot, self._memory))

        try:
            return connection.run(_begin, run, only_reads=True)
        except LostConnection:
            return connection.run(_begin, run, only_reads=True)


def _begin(db: psycopg.Connection) -> tuple[str, bool]:
    """Begin a transaction, and return its snapshot, and whether there are tables of this project."""
    cursor = ClientCursor(db)
    cursor.execute(_BEGIN)
    cursor.nextset()
    [(snapshot, has_tables)] = cursor.fetchall()
    return snapshot, has_tables


def _inspect(
    db: psycopg.Connection, schema: str | None, tables: tuple[str, str] | None
) -> tuple[SchemaInfo, ConvoError | None]:
    """Return the result of `_find_tables`, and the error for changes by a role without the right to make them."""
    info = _find_tables(db, schema, tables)
    return info, missing_rights(db, *info.tables[:2])


def _find_tables(db: psycopg.Connection, schema: str | None, tables: tuple[str, str] | None) -> SchemaInfo:
    """Return what is known of the tables; those of this project may be missing.

    The base tables are those that were chosen, else those that own the tables of this project; else they have the SDK's
    names, or the columns and the foreign key of such a pair.

    Raises:
        NotFoundError: There are no base tables.
        FileError: There are several pairs that could be meant.
    """
    if schema is not None:
        _require_schema(db, schema)
    if tables is not None:
        if db.execute("SELECT to_regclass(%s), to_regclass(%s)", [*map(quoted, tables)]).fetchone() == (None, None):
            raise NotFoundError(f"There are no tables {' and '.join(tables)}.", f"--tables can choose: {_pairs(db)}.")
        for table, columns in zip(tables, (_SESSION_COLUMNS, _MESSAGE_COLUMNS), strict=True):
            _require_columns(db, table, columns)
    known = find_tables(db)
    if CONVO_SCHEMA.name in known and (owner := find_owner(db)) is not None and tables in (None, owner[1:]):
        return inspect_known(db, *owner[1:], known, owner)
    sessions, messages = tables or _only_pair(db, schema)
    return SchemaInfo(tables_for(sessions, messages), "", "", frozenset())


def _only_pair(db: psycopg.Connection, schema: str | None) -> tuple[str, str]:
    found = db.execute(_PAIRS).fetchall()
    pairs = [(sessions, messages) for sessions, messages, _, is_visible in found if is_visible]
    if (DEFAULT_SESSIONS, DEFAULT_MESSAGES) in pairs:
        return DEFAULT_SESSIONS, DEFAULT_MESSAGES
    if len(pairs) > 1:
        names = _listed([",".join(pair) for pair in pairs])
        raise FileError(f"The database has several pairs of tables of conversations: {names}.", "Choose with --tables.")
    if pairs:
        return pairs[0]
    [(is_default,)] = db.execute("SELECT setting = boot_val FROM pg_settings WHERE name = 'search_path'").fetchall()
    if found and is_default:
        schemas = _listed([*dict.fromkeys(schema for _, _, schema, _ in found)])
        raise FileError(f"Conversations are in other schemas of the database: {schemas}.", "Choose one with --schema.")
    where = "The database" if schema is None else f"Schema '{schema}'"
    raise NotFoundError(
        f"{where} has no conversations: no table has the columns of the SDK's messages.",
        "Let an agent write it with AdvancedPostgresSession(create_tables=True), or with SQLAlchemySession.",
    )


def _require_schema(db: psycopg.Connection, schema: str) -> None:
    rows = db.execute("SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1").fetchall()
    names = [name for (name,) in rows if name != "information_schema"]
    if schema not in names:
        raise FileError(f"The database has no schema '{schema}'.", f"Its schemas: {_listed(names)}.")
    if db.execute("SELECT current_schema()").fetchone() != (schema,):
        raise FileError(
            f"Schema '{schema}' cannot be used.", "The role may need USAGE on it, or a pooler ignores the setting."
        )


def _require_columns(db: psycopg.Connection, table: str, columns: Sequence[str]) -> None:
    sql = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND NOT attisdropped"
    found = {name for (name,) in db.execute(sql, (quoted(table),))}
    if missing := [name for name in columns if name not in found]:
        lacks = f"The table '{table}' has no column {', '.join(missing)}" if found else f"There is no table '{table}'"
        raise FileError(f"{lacks}.", f"--tables can choose: {_pairs(db)}.")


def _pairs(db: psycopg.Connection) -> str:
    pairs = [f"{sessions},{messages}" for sessions, messages, _, is_visible in db.execute(_PAIRS) if is_visible]
    return _listed(pairs) or "nothing here, perhaps in another --schema"


def _listed(names: Sequence[str]) -> str:
    return "; ".join([*names[:_LISTED], *(["…"] if len(names) > _LISTED else [])])


def has_conversations(url: str, schema: str | None, tables: tuple[str, str] | None) -> bool:
    """Return whether a database has tables of conversations.

    Raises:
        ConvoError: It cannot be opened.
    """
    try:
        PostgresReader(url, schema, tables).close()
    except NotFoundError:
        return False
    return True
