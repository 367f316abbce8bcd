"""Sessions as documents and back, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui.formats import Format, export
from tui.formats.transcripts import read_transcripts
from tui.storage.editor import Editor
from tui.storage.open import create_database
from tui.storage.store import Store
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS

__all__ = ["export_document", "import_document"]


async def export_document(path: Path, branches: Sequence[str] = (), form: Format = Format.JSON) -> str:
    """Return a file's only session as a document, by default with all its branches."""
    store = Store(path)
    (session,) = await store.sessions()
    try:
        return await store.dump(session, lambda dump: "".join(export(dump, branches or [*dump.tree.branches], form)))
    finally:
        store.close()


async def import_document(path: Path, document: str, session_id: str = "copy") -> None:
    """Import a document that has one conversation."""
    (conversation,) = read_transcripts(document)
    create_database(path)
    editor = Editor(path, DEFAULT_SESSIONS, DEFAULT_MESSAGES)
    await editor.import_sessions([conversation._replace(session_id=session_id)])
