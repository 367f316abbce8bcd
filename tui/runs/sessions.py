"""The session object of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.session import AdvancedSQLiteSession
from tui.session.advanced import AdvancedSession
from tui.storage.store import Store

__all__ = ["open_run_session"]


async def open_run_session(store: Store, session_id: str) -> AdvancedSession:
    """Open a session of a database to write to it; what is written is encrypted if the session is.

    Raises:
        ConvoError: The session is encrypted, and cannot be decrypted.
    """
    seal = await store.seal(session_id)
    names: dict[str, Any] = {"sessions_table": store.sessions_table, "messages_table": store.messages_table}
    session: AdvancedSession
    if isinstance(store.path, Path):
        session = AdvancedSQLiteSession(session_id=session_id, db_path=store.path, **names)
    else:
        from tui.session import AdvancedPostgresSession

        session = AdvancedPostgresSession(session_id=session_id, url=store.path.url, create_tables=True, **names)
    session.seal = seal
    return session
