"""`AdvancedPostgresSession`: the session class for a PostgreSQL database."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tui.session.advanced import AdvancedSession
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS

try:
    from tui.storage.postgres.engine import open_engine
except ImportError as error:
    if error.name != "psycopg":
        raise
    raise ImportError(
        "AdvancedPostgresSession needs psycopg: pip install 'convo-tui[postgres]'", name="psycopg"
    ) from error

if TYPE_CHECKING:
    from typing import Self

    from agents import SessionSettings

__all__ = ["AdvancedPostgresSession"]


class AdvancedPostgresSession(AdvancedSession):
    """A conversation stored in PostgreSQL, with the methods, results and errors of `AdvancedSQLiteSession`.

    `main` is the session of the same id that the SDK's `SQLAlchemySession` reads and writes, also at the same time: it
    may change `main` in any way, and no other branch changes with it. Writers of one session wait for one another, in
    any number of processes and hosts.

    All sessions of a process that name the same database share its connections. One object serves any number of tasks,
    threads and event loops; its calls take effect in their order. A change is made completely or not at all, also when
    the call is cancelled. If the connection is lost, the error says whether the change may have been stored.

    A compaction of a branch and `clear_session` can be undone in the explorer.

    Every method but `close` raises RuntimeError after `close`, and psycopg.Error where the server fails.

    Attributes:
        url: The database, without its password.
        sessions_table: Name of the base table of sessions.
        messages_table: Name of the base table of messages.
    """

    def __init__(
        self,
        *,
        session_id: str,
        url: str,
        create_tables: bool = False,
        sessions_table: str = DEFAULT_SESSIONS,
        messages_table: str = DEFAULT_MESSAGES,
        logger: logging.Logger | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        """Open the database, and make its tables if `create_tables` is set. Block until that is done.

        Args:
            session_id: Id of the session; a new one starts empty.
            url: The database, as `postgresql://user@host/database` or with libpq's other settings. The password is best
                left to `~/.pgpass`, a service file, or `PGPASSWORD`.
            create_tables: Make missing tables; otherwise they must exist.
            sessions_table: Name of the base table of sessions.
            messages_table: Name of the base table of messages; a schema serves one such pair.
            logger: Logger for failures; that of `tui.session.advanced` if None.
            session_settings: Settings of the SDK, such as the default `limit` of `get_items`.

        Raises:
            TypeError: The settings are invalid.
            ConvoError: The URL cannot be read.
            ValueError: The tables are missing, or belong to another pair of base tables.
            psycopg.Error: The server cannot be reached, or lets the role not do what is needed.
        """
        self.sessions_table = sessions_table
        self.messages_table = messages_table
        super().__init__(
            session_id,
            lambda: open_engine(url, sessions_table, messages_table, session_id, make_tables=create_tables),
            logger=logger,
            session_settings=session_settings,
        )
        self.url = self._access.engine.target

    @classmethod
    def from_url(cls, session_id: str, *, url: str, **options: Any) -> Self:
        """Open the database as the SDK's `SQLAlchemySession.from_url` does, with the arguments of the constructor."""
        return cls(session_id=session_id, url=url, **options)
