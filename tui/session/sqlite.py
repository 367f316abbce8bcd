"""`AdvancedSQLiteSession`: the session class for a SQLite file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from tui.session.advanced import AdvancedSession
from tui.storage.sqlite.files import open_engine
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS, Tables

if TYPE_CHECKING:
    from agents import SessionSettings

__all__ = ["AdvancedSQLiteSession"]

P = ParamSpec("P")


def _keywords_only(init: Callable[P, None]) -> Callable[P, None]:
    """Raise a TypeError that shows what to write for positional arguments, or if the session id is missing."""

    @wraps(init)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        if len(args) > 1 or "session_id" not in kwargs:
            raise TypeError(
                "AdvancedSQLiteSession takes keyword arguments alone: write "
                "AdvancedSQLiteSession(session_id=..., db_path=..., create_tables=True)"
            )
        init(*args, **kwargs)

    return checked


class AdvancedSQLiteSession(AdvancedSession):
    """A conversation stored in SQLite, with branches, the structure of every item, and usage by turn.

    Drop-in for `agents.extensions.memory.AdvancedSQLiteSession` on the same files, also at the same time. One object
    serves any number of tasks, threads and event loops; its calls take effect in their order. A change is made
    completely or not at all, also when the call is cancelled: the change is finished first, then the cancellation is
    raised.

    Where it differs from the SDK's class, it loses less: a branch without items (forked at turn 1, or emptied by
    `pop_item`) and `main` can always be entered and deleted; a branch that another object deleted is not revived by
    `add_items`; messages that a plain `SQLiteSession` stored, and the usage of turns that other branches hold, survive
    `pop_item` and `delete_branch`. `fork` makes branches at any turn and after the last.

    Every method but `close` raises RuntimeError after `close`, and sqlite3.Error where the file fails.

    Attributes:
        db_path: The file, as it was given.
        sessions_table: Name of the base table of sessions.
        messages_table: Name of the base table of messages.
    """

    @_keywords_only
    def __init__(
        self,
        *,
        session_id: str,
        db_path: str | Path = ":memory:",
        create_tables: bool = False,
        logger: logging.Logger | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        sessions_table: str = DEFAULT_SESSIONS,
        messages_table: str = DEFAULT_MESSAGES,
    ) -> None:
        """Open the file, and make its tables if `create_tables` is set. Block until that is done.

        Args:
            session_id: Id of the session; a new one starts empty.
            db_path: The file, or `:memory:` for a conversation that ends with this object.
            create_tables: Make missing tables; otherwise they must exist.
            logger: Logger for failures; that of `tui.session.advanced` if None.
            session_settings: Settings of the SDK, such as the default `limit` of `get_items`.
            sessions_table: Name of the base table of sessions.
            messages_table: Name of the base table of messages; a file serves one such pair.

        Raises:
            TypeError: Positional arguments, no session id, or invalid settings.
            ValueError: The tables are missing, or belong to another pair of base tables.
            sqlite3.OperationalError: The file cannot be opened or stays locked.
        """
        self.db_path = db_path
        self.sessions_table = sessions_table
        self.messages_table = messages_table
        super().__init__(
            session_id,
            lambda: open_engine(
                db_path, Tables(sessions_table, messages_table), session_id, create_tables=create_tables
            ),
            logger=logger,
            session_settings=session_settings,
        )
