"""The engine for PostgreSQL: the work of one session, on connections that all sessions of the process share."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, TypeVar

import psycopg
from psycopg import ClientCursor

from tui.errors import ConvoError
from tui.model import Session
from tui.storage.engine import Engine, Messages, RecordedTable
from tui.storage.postgres.connection import LostConnection, ServerConnection, connection_settings, shown_url
from tui.storage.postgres.dialect import POSTGRES
from tui.storage.postgres.layout import POSTGRES_LAYOUT
from tui.storage.postgres.main_index import MainIndex, MainIndexes
from tui.storage.postgres.message_types import text_of
from tui.storage.postgres.pool import Lane, pool_for
from tui.storage.postgres.recording import ChangeRecorder
from tui.storage.postgres.rights import explained
from tui.storage.postgres.schema import SchemaInfo, create_tables, inspect
from tui.storage.schema import MAIN, TRASH_CELLS, quoted
from tui.storage.sql import NamedValues

__all__ = ["PostgresEngine", "PostgresTransaction", "open_engine"]

T = TypeVar("T")

# All statements of a beginning are one message to the server.
_READ: Final = """
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SELECT generation FROM {generations} WHERE session_id = %(session_id)s
"""

# The SDK's `SQLAlchemySession` locks the row of the session, too. As a session without items has none, our own row is
# locked before it: where both are locked, that is always done in this order. Those who look see by it that the session
# has changed.
_WRITE: Final = """
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    UPDATE {generations} SET changes = changes + 1 WHERE session_id = %(session_id)s RETURNING generation;
    SELECT 1 FROM {sessions} WHERE session_id = %(session_id)s FOR UPDATE
"""

_OF_READER: Final = "Only the reader of the explorer does this."

_BEGIN_WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

_LOCK: Final = """
    INSERT INTO {generations} (session_id, generation) VALUES (%(session_id)s, 0) ON CONFLICT (session_id) DO NOTHING;
    UPDATE {generations} SET changes = changes + 1 WHERE session_id = %(session_id)s;
    SELECT 1 FROM {sessions} WHERE session_id = %(session_id)s FOR UPDATE
"""

# The columns of the primary key are the first.
_COLUMNS: Final = """
    SELECT name, attname, format_type(atttypid, NULL), COALESCE(attnum = ANY(indkey), FALSE)
    FROM unnest(CAST(:tables AS text[])) AS name
    JOIN pg_attribute ON attrelid = to_regclass(name)
    LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
    WHERE attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY name, array_position(CAST(indkey AS int2[]), attnum) NULLS LAST, attnum
"""

_TIMES: Final = ("timestamp without time zone", "timestamp with time zone", "date")
"""Types whose texts depend on settings of the connection, unless they are JSON."""

_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|::|:(\w+)( AS \w+\[\])?|%")


class _Needed(NamedTuple):
    """The arguments of `tui.storage.engine.Transaction.narrowed`."""

    branch_id: str | None = None
    turns: Collection[int] | None = None
    positions: range | None = None
    message_type: str | None = None
    ends: bool = False


class PostgresTransaction:
    """PostgreSQL's `tui.storage.engine.Transaction`.

    Attributes:
        info: Facts about the tables.
        is_read_only: Whether the transaction may not write.
        completed: The session whose messages of `main` all have a type, alone in a tuple; None in it for all sessions.
        implicit: Values that statements may name in addition to those that they are given.
        generation: A session, and how often it was cleared when the transaction began.
        main_values: The same, for the rows of `main` of a session.
        locked: The sessions that no other transaction changes.
    """

    dialect: Final = POSTGRES
    layout: Final = POSTGRES_LAYOUT
    integrity_error: Final = psycopg.IntegrityError
    value_errors: Final = (psycopg.DataError, psycopg.IntegrityError)

    def __init__(
        self,
        db: psycopg.Connection,
        info: SchemaInfo,
        generation: tuple[str, int] | None,
        *,
        is_read_only: bool,
        indexes: MainIndexes | None = None,
    ) -> None:
        self.info = info
        self.generation = generation
        self.tables = info.tables
        self.is_read_only = is_read_only
        self.completed: tuple[str | None] | None = None
        self.implicit: dict[str, object] = {}
        self.main_values: dict[str, object] = {}
        self._indexes = indexes
        self._known_main: dict[str, MainIndex] = {}
        self._relations = 0
        self._needed = _Needed()
        self.locked: set[str] = set() if is_read_only or generation is None else {generation[0]}
        self._db = db
        self._recorder: ChangeRecorder | None = None
        self._known_columns: dict[str, list[tuple[str, str, bool]]] = {}
        self._on_rollback: list[Callable[[], object]] = []

    @property
    def messages(self) -> Messages:
        raise NotImplementedError(_OF_READER)

    @property
    def version(self) -> Hashable:
        raise NotImplementedError(_OF_READER)

    def session_version(self, session_id: str) -> Hashable:
        raise NotImplementedError(_OF_READER)

    @contextmanager
    def narrowed(
        self,
        branch_id: str | None = None,
        *,
        turns: Collection[int] | None = None,
        positions: range | None = None,
        message_type: str | None = None,
        ends: bool = False,
    ) -> Iterator[None]:
        outer, self._needed = self._needed, _Needed(branch_id, turns, positions, message_type, ends)
        try:
            yield
        finally:
            self._needed = outer

    def main_positions(self, session: Session) -> MainIndex | None:
        return self.main_index(session.session_id)

    def main_index(self, session_id: str) -> MainIndex | None:
        """Return the cached index of the items of `main`; None in a transaction that writes, which caches none."""
        if self._indexes is not None and session_id not in self._known_main:
            self._known_main[session_id] = self._indexes.of(self, session_id, None)
        return self._known_main.get(session_id)

    def main_rows(self, session_id: str) -> str | None:
        """Return the relation of the rows of `main` that are needed; None if its items are not kept."""
        main = self.main_index(session_id)
        if main is None:
            return None
        needed, at = self._needed, None
        if needed.ends:
            at = main.ends()
        elif needed.turns is not None:
            at = main.of_turns(needed.turns)
        elif needed.message_type is not None:
            at = main.of_type(needed.message_type)
        elif needed.positions is not None and needed.branch_id in (None, MAIN):
            at = range(len(main))[needed.positions.start : needed.positions.stop]
        self._relations += 1
        sql, values = main.rows(self, at, f"_{self._relations}")
        self.main_values |= values
        return sql

    def rows_to_search(self, condition: str, values: NamedValues) -> tuple[str, str | None] | None:
        raise NotImplementedError(_OF_READER)

    def last_row(self) -> int:
        raise NotImplementedError(_OF_READER)

    @property
    def has_structure(self) -> bool:
        return True

    def execute(self, sql: str, /, **values: object) -> psycopg.Cursor[Any]:
        # Binary results need no decoding of the texts of bytes, of which most are items.
        if self._recorder is not None:
            sql = self._recorder.recorded(sql)
        cursor = self._db.cursor(binary=True)
        own = {"own_sessions": [*self.locked]}
        return cursor.execute(_translated(sql), {**own, **self.implicit, **self.main_values, **values})

    def executemany(self, sql: str, rows: Iterable[Mapping[str, object]], /) -> None:
        if self._recorder is not None:
            sql = self._recorder.recorded(sql)
        with self._db.cursor() as cursor:
            cursor.executemany(_translated(sql), rows)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        marks = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        if self._recorder is not None:
            self._recorder.recorded(sql)
        with self._db.cursor() as cursor:
            cursor.executemany(sql, rows)

    def fetch_rows_via_json(self, sql: str, width: int, /, **values: object) -> list[list[Any]]:  # noqa: ARG002
        return [list(row) for row in self.execute(sql, **values)]

    def insert_messages(
        self, session_id: str, texts: Sequence[str | bytes], created_at: Sequence[str | None] | None = None
    ) -> Sequence[int]:
        rows = self.execute(
            f"""
            INSERT INTO convo_messages (id, session_id, message_data, created_at)
            SELECT {self.info.next_id}, :session_id, data, COALESCE(time, {self.dialect.now}) FROM (
                SELECT data, time FROM unnest(CAST(:texts AS text[]), CAST(:times AS text[])) WITH ORDINALITY
                    AS item(data, time, number) ORDER BY number
            ) AS items
            RETURNING id
            """,
            session_id=session_id,
            texts=[text_of(text) for text in texts],
            times=[None] * len(texts) if created_at is None else [*created_at],
        )
        return sorted(message_id for (message_id,) in rows)

    def delete_session_rows(self, table: str, session_id: str) -> None:
        self.execute(f"DELETE FROM {table} WHERE session_id = :session_id", session_id=session_id)

    def has_table(self, name: str) -> bool:
        return name in self.info.known

    def create_table(self, name: str, columns: str) -> None:  # noqa: ARG002
        raise ValueError(f"The database has no table {name}: all tables are made when it is opened.")

    def columns(self, table: str) -> list[str]:
        return [name for name, *_ in self._columns_of(table)]

    def primary_key(self, table: str) -> list[str]:
        return [name for name, _, is_key in self._columns_of(table) if is_key]

    def as_cell(self, table: str, column: str, name: str = "") -> str:
        value, kind = f"{name}.{quoted(column)}" if name else quoted(column), self._type_of(table, column)
        if kind in _TIMES:
            return f"(to_json({value}) #>> '{{}}')"
        return value if kind == "text" else f"CAST({value} AS TEXT)"

    def from_cell(self, table: str, column: str, cell: str) -> str:
        kind = self._type_of(table, column)
        return cell if kind == "text" else f"CAST({cell} AS {kind})"

    def lock_session(self, session_id: str) -> bool:
        if session_id in self.locked:
            return False
        names = self.info.tables
        sql = _LOCK.format(sessions=names.sessions, generations=names.generations)
        ClientCursor(self._db).execute(sql, {"session_id": session_id})
        self.locked.add(session_id)
        return True

    @property
    def of_own_sessions(self) -> str:
        return "session_id = ANY(:own_sessions)"

    def structure_table(self, session: Session) -> str:
        return self.layout.rows_sql(self, session.session_id)

    @contextmanager
    def record_changes(self, entry_id: int, tables: Sequence[RecordedTable]) -> Iterator[Collection[str]]:
        self._recorder = recorder = ChangeRecorder(self, entry_id, tables)
        try:
            yield recorder.written
        finally:
            self._recorder = None
        recorder.finish()

    def on_rollback(self, action: Callable[[], object]) -> None:
        self._on_rollback.append(action)

    def _columns_of(self, table: str) -> list[tuple[str, str, bool]]:
        """Return name and type of each column of a table, and whether it is of the primary key."""
        if not self._known_columns:
            tables = [self.info.tables.sessions, self.info.tables.messages, *self.info.known]
            for name, *column in self.execute(_COLUMNS, tables=tables):
                # The number of changes only counts up.
                if (name, column[0]) != (self.info.tables.generations, "changes"):
                    self._known_columns.setdefault(name, []).append(tuple(column))
        columns = self._known_columns[table]
        if len(columns) > len(TRASH_CELLS):
            raise ValueError(
                f"The table {table} has more than {len(TRASH_CELLS)} columns: its rows cannot be recorded."
            )
        return columns

    def _type_of(self, table: str, column: str) -> str:
        return next(kind for name, kind, _ in self._columns_of(table) if name == column)

    def rolled_back(self) -> None:
        """Run the actions of `on_rollback`, and forget them."""
        actions, self._on_rollback = self._on_rollback, []
        for action in actions:
            action()


@lru_cache(maxsize=512)
def _translated(sql: str) -> str:
    """Return a statement with its named values as psycopg writes them."""

    def translated(token: re.Match[str]) -> str:
        if token[1] is not None:
            # Lists are sent in binary: as text, each item would be escaped.
            return f"%({token[1]})b{token[2]}" if token[2] else f"%({token[1]})s"
        return token[0].replace("%", "%%")

    return _TOKEN.sub(translated, sql)


class PostgresEngine(Engine):
    """A PostgreSQL database that is open for one session object, or for one change."""

    def __init__(self, target: str, lane: Lane, info: SchemaInfo, session_id: str | None, indexes: MainIndexes) -> None:
        """Create the engine on a lane of the pool for its database."""
        self.target = target
        self.tables = info.tables
        self._info = info
        self._lane = lane
        self._session_id = session_id
        self._indexes = indexes

    def check_open(self) -> None:
        self._lane.check_open()

    def submit_read(self, work: Callable[[PostgresTransaction], T]) -> Future[T]:
        return self._lane.submit(partial(_read, self._info, self._indexes, self._session_id, work))

    def submit_write(self, work: Callable[[PostgresTransaction], T], session_id: str = "") -> Future[T]:
        return self._lane.submit(partial(_write, self._info, session_id or self._session_id, work))

    def explain(self, error: Exception) -> ConvoError | None:
        return explained(error, self.target) if isinstance(error, psycopg.Error) else None

    def is_current(self) -> bool:
        return True

    def close(self) -> None:
        self._lane.close()


def _read(
    info: SchemaInfo,
    indexes: MainIndexes,
    session_id: str | None,
    work: Callable[[PostgresTransaction], T],
    connection: ServerConnection,
) -> T:
    def run(db: psycopg.Connection, generation: int | None) -> T:
        known = None if session_id is None else (session_id, generation or 0)
        return work(PostgresTransaction(db, info, known, is_read_only=True, indexes=indexes))

    begin = partial(_begin, _READ, info, session_id)
    try:
        return connection.run(begin, run, only_reads=True)
    except LostConnection:
        return connection.run(begin, run, only_reads=True)


def _write(
    info: SchemaInfo, session_id: str | None, work: Callable[[PostgresTransaction], T], connection: ServerConnection
) -> T:
    transactions: list[PostgresTransaction] = []

    def run(db: psycopg.Connection, generation: int | None) -> T:
        known = None if session_id is None or generation is None else (session_id, generation)
        transactions.append(PostgresTransaction(db, info, known, is_read_only=False))
        try:
            return work(transactions[-1])
        except BaseException:
            transactions[-1].rolled_back()
            raise

    try:
        return connection.run(partial(_begin_to_write, info, session_id), run)
    except BaseException:
        for transaction in transactions:
            transaction.rolled_back()
        raise


def _begin(sql: str, info: SchemaInfo, session_id: str | None, db: psycopg.Connection) -> int | None:
    """Begin a transaction, and return how often the session was cleared; None if that was never counted."""
    cursor = ClientCursor(db)
    tables = info.tables
    cursor.execute(sql.format(sessions=tables.sessions, generations=tables.generations), {"session_id": session_id})
    cursor.nextset()
    row = cursor.fetchone()
    return None if row is None else int(row[0])


def _begin_to_write(info: SchemaInfo, session_id: str | None, db: psycopg.Connection) -> int | None:
    """Begin a transaction, wait until no other one changes the session, and return how often it was cleared.

    If the session is not known yet, nothing is locked, and None is returned.
    """
    if session_id is None:
        db.execute(_BEGIN_WRITE)
        return None
    while (generation := _begin(_WRITE, info, session_id, db)) is None:
        # The first change of the session: its row is there, and is never deleted, before anything else is locked.
        db.execute("ROLLBACK")
        db.execute(
            f"INSERT INTO {info.tables.generations} (session_id, generation) VALUES (%(session_id)s, 0)"
            " ON CONFLICT (session_id) DO NOTHING",
            {"session_id": session_id},
        )
    return generation


def open_engine(
    url: str, sessions_table: str, messages_table: str, session_id: str | None, *, make_tables: bool
) -> PostgresEngine:
    """Open a database for a session, or for changes of several ones if it is None, and prepare its tables.

    Raises:
        ConvoError: The URL cannot be read.
        ValueError: Tables are missing, or belong to another pair of base tables.
        psycopg.Error: The server cannot be reached, or the tables not be made.
    """
    conninfo = connection_settings(url)
    pool = pool_for(conninfo)
    lane = pool.open_lane()

    def prepare(db: psycopg.Connection) -> SchemaInfo:
        if make_tables:
            create_tables(db, sessions_table, messages_table)
        return inspect(db, sessions_table, messages_table)

    try:
        key = (sessions_table, messages_table)
        if key not in pool.schemas:
            pool.schemas[key] = lane.submit(lambda connection: connection.run_outside(prepare)).result()
    except BaseException:
        lane.close()
        raise
    return PostgresEngine(shown_url(conninfo), lane, pool.schemas[key], session_id, pool.indexes[key])


def open_to_change(url: str, sessions_table: str, messages_table: str) -> PostgresEngine:
    """Open a database for changes of the user, and make tables of this project that are missing.

    Raises:
        ConvoError: The URL cannot be read, the server not be reached, or the tables not be made.
    """
    try:
        return open_engine(url, sessions_table, messages_table, None, make_tables=True)
    except (psycopg.Error, ValueError) as error:
        raise explained(error, shown_url(connection_settings(url))) from error
