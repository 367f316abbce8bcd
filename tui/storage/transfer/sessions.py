"""Writing a copy of a session of another database, also over a former copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tui.errors import ConvoError
from tui.storage.engine import Transaction
from tui.storage.queries.items import clear_session
from tui.storage.queries.labels import drop_label
from tui.storage.queries.sessions import drop_place
from tui.storage.schema import CONVO_COPIES
from tui.storage.transfer.imports import ImportedSession, import_session

__all__ = ["SessionCopy", "copied_state", "write_copy"]


class SessionCopy(NamedTuple):
    """A copy of a session to write.

    Attributes:
        session: The session with its document.
        source: The database that it comes from, without a password.
        state: A text that tells its content from any other.
        replaced: The document of the session that the copy replaces, as it was read; None if there is none.
    """

    session: ImportedSession
    source: str
    state: str
    replaced: Mapping[str, Any] | None = None


def write_copy(tx: Transaction, copy: SessionCopy) -> None:
    """Write a session, and what tells later whether it was changed.

    Raises:
        ConvoError: The session that is to be replaced has been changed, or there is one that is not to be.
    """
    session_id = copy.session.session_id
    if copy.replaced is not None:
        _require_unchanged(tx, session_id, copy.replaced)
        clear_session(tx, session_id)
        drop_label(tx, session_id, None)
        drop_place(tx, session_id)
    import_session(tx, copy.session)
    CONVO_COPIES.create(tx)
    tx.execute(
        "INSERT INTO convo_copies (session_id, source, state) VALUES (:session_id, :source, :state)"
        " ON CONFLICT (session_id) DO UPDATE SET source = excluded.source, state = excluded.state,"
        f" created_at = {tx.dialect.now}",
        session_id=session_id,
        source=copy.source,
        state=copy.state,
    )


def copied_state(tx: Transaction, session_id: str) -> str | None:
    """Return the state of the copy of a session as it was written; None if it is no copy."""
    if not tx.has_table(CONVO_COPIES.name):
        return None
    sql = "SELECT state FROM convo_copies WHERE session_id = :session_id"
    row = tx.execute(sql, session_id=session_id).fetchone()
    return None if row is None else str(row[0])


def _require_unchanged(tx: Transaction, session_id: str, document: Mapping[str, Any]) -> None:
    """Raise ConvoError if a session has got or lost items since its document was read."""
    rows = tx.layout.rows_sql(tx, session_id)
    sql = f"SELECT COUNT(*), MAX(message_id) FROM {rows} AS s WHERE session_id = :session_id"
    ids = [row[0] for branch in document["branches"] for row in branch["rows"]]
    if tuple(tx.execute(sql, session_id=session_id).fetchone()) != (len(ids), max(ids, default=None)):
        raise ConvoError(f"Session '{session_id}' is being changed by another program.", "Copy again.")
