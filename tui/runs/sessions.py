"""The session object of a run."""

from __future__ import annotations

from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store

__all__ = ["open_session"]


async def open_session(store: Store, session_id: str) -> AdvancedSQLiteSession:
    """Open a session of a file to write to it; what is written is encrypted if the session is.

    Raises:
        ConvoError: The session is encrypted, and cannot be decrypted.
    """
    seal = await store.seal(session_id)
    session = AdvancedSQLiteSession(
        session_id=session_id,
        db_path=store.file,
        sessions_table=store.sessions_table,
        messages_table=store.messages_table,
    )
    session.seal = seal
    return session
