"""Databases for tests, in a file or on a server."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import psycopg
import pytest
from agents import SessionABC, SQLiteSession

from tests.conversations import SdkSession, open_sdk
from tui.session import AdvancedPostgresSession, AdvancedSQLiteSession
from tui.session.advanced import AdvancedSession
from tui.storage.editor import Editor
from tui.storage.open import target_of
from tui.storage.postgres.reading import PostgresReader

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = [
    "Place",
    "Stored",
    "all_rows",
    "count_messages",
    "editor_of",
    "on_file",
    "open_other",
    "open_ours",
    "plain_engine",
    "plain_session",
    "rows",
    "stored_rows",
]

Place: TypeAlias = Path | str
"""A file, or the URL of a server."""

on_file = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""Runs a test of `place` on a file alone."""

_NAMES: Final = {
    "branch_reservations": "convo_branch_ids",
    "message_structure": "convo_structure",
    "session_clear_generations": "convo_generations",
    "turn_usage": "convo_turn_usage",
}
_KEPT_ELSEWHERE: Final = (
    *("sqlite_sequence", "branch_reservations", "convo_branch_ids", "convo_journal", "convo_trash", "convo_cleared"),
    *("convo_schema", "convo_message_types"),
)


class Stored(Protocol):
    """Reads the tables of a database without the session class."""

    def __call__(self, sql: str, **values: object) -> list[tuple[Any, ...]]: ...


def stored_rows(place: Place, sql: str, **values: object) -> list[tuple[Any, ...]]:
    """Return rows of a file or of a server, where the tables of a file are made up; none of a missing table."""
    if isinstance(place, str):
        reader = PostgresReader(place)
        try:
            return reader.submit_read(lambda tx: tx.execute(sql, **values).fetchall()).result()
        finally:
            reader.close()
    with closing(sqlite3.connect(place)) as db:
        try:
            return db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if not str(error).startswith("no such table"):
                raise
            return []


def rows(place: Place, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return rows of a database, read without any session class; tables have their names in a file."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as db, db:
            return db.execute(sql, values).fetchall()
    sql = re.sub(rf"\b({'|'.join(_NAMES)})\b", lambda found: _NAMES[found[0]], sql)
    with psycopg.connect(place) as server:
        cursor = server.execute(sql.replace("?", "%s").encode(), values)
        return cursor.fetchall() if cursor.description else []


def all_rows(place: Place, *, complete: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a database.

    Unless it is to be `complete`, reserved ids, the journal, and what is derived from other rows are left out.
    """
    connected: sqlite3.Connection | psycopg.Connection
    if isinstance(place, Path):
        connected, sql = sqlite3.connect(place), "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        connected, sql = psycopg.connect(place), "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    with closing(connected) as db:
        tables = [name for (name,) in db.execute(sql).fetchall() if complete or name not in _KEPT_ELSEWHERE]
        found = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    for name in ("session_clear_generations", "convo_generations"):
        # Every program that opens a session stores that it was never cleared.
        found[name] = [row[:2] for row in found.get(name, ()) if row[1]]
    return {name: sorted(held, key=repr) for name, held in found.items() if held}


def count_messages(place: Place, session_id: str) -> int:
    """Return the number of messages of a session, on whichever branches."""
    sql = f"SELECT id FROM agent_messages WHERE session_id = '{session_id}'"
    if not isinstance(place, Path):
        sql += f" UNION SELECT id FROM convo_messages WHERE session_id = '{session_id}'"
    return len(rows(place, sql))


def open_ours(place: Place, session_id: str = "support") -> AdvancedSession:
    """Open a session with this project's class."""
    if isinstance(place, Path):
        return AdvancedSQLiteSession(session_id=session_id, db_path=place, create_tables=True)
    return AdvancedPostgresSession(session_id=session_id, url=place, create_tables=True)


def open_other(place: Place, session_id: str = "support") -> SdkSession:
    """Open a session as another program does: with the SDK's class, which there is for files alone."""
    return open_sdk(place, session_id) if isinstance(place, Path) else cast("SdkSession", open_ours(place, session_id))


def plain_engine(url: str) -> AsyncEngine:
    """Return an engine of SQLAlchemy for the schema that a URL names."""
    # Most tests do not need it.
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    base, _, options = url.partition("?")
    path = options.removeprefix("options=-csearch_path%3D")
    return create_async_engine(
        base.replace("postgresql://", "postgresql+asyncpg://"),
        connect_args={"server_settings": {"search_path": path}},
        poolclass=NullPool,
    )


@asynccontextmanager
async def plain_session(place: Place, session_id: str) -> AsyncIterator[SessionABC]:
    """Open a session of the SDK's class that stores no branches."""
    if isinstance(place, Path):
        with closing(SQLiteSession(session_id, place)) as session:
            yield session
        return
    from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession

    engine = plain_engine(place)
    yield SQLAlchemySession(session_id, engine=engine, create_tables=True)
    await engine.dispose()


def editor_of(place: Place) -> Editor:
    """Return the editor of a database."""
    return Editor(target_of(place), "agent_sessions", "agent_messages")
