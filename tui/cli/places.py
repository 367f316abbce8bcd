"""The places between which `convo-tui copy` copies sessions: files, servers, and what only the SDK's classes read."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tui.cli.open import all_sessions, open_editor
from tui.errors import ConfigError, ConvoError, NotFoundError
from tui.formats.document_content import (
    differences,
    document_of_items,
    items_of_main,
    left_out_of_main,
    messages_without_branch,
    state_of,
)
from tui.formats.json_document import json_document, stored_form
from tui.items.sealed import seal_problem
from tui.session.plain import PlainSessions, is_plain_url, open_plain
from tui.storage.editor import Editor
from tui.storage.open import Server, Target, is_server_url, target_of
from tui.storage.queries.session_dump import SessionDump
from tui.storage.store import Store
from tui.storage.transfer.imports import ImportedSession
from tui.storage.transfer.sessions import SessionCopy

__all__ = ["Place", "ReadSession", "open_place"]


class ReadSession(NamedTuple):
    """A session as it was read.

    Attributes:
        session_id: Its id.
        document: Its document.
        waiting: Number of runs that wait for approval, which are not in the document.
    """

    session_id: str
    document: Mapping[str, Any]
    waiting: int = 0


class Place(ABC):
    """A database with sessions.

    Attributes:
        name: The database, without a password.
    """

    name: str

    @abstractmethod
    async def session_ids(self) -> list[str]:
        """Return the ids of all sessions, the one written last first."""

    async def session_id(self, name: str) -> str:
        """Return the id of the session with an id, or else with a title; the name itself if there is none."""
        return name

    @abstractmethod
    async def read(self, session_id: str, *, decrypt: bool = False) -> ReadSession | None:
        """Return a session; None if there is none."""

    @abstractmethod
    def count_items(self, session: ReadSession) -> int:
        """Return the number of items that a copy of a session would have here."""

    @abstractmethod
    def left_out(self, session: ReadSession) -> dict[str, int]:
        """Return what a copy of a session would lack here, and how often it occurs."""

    @abstractmethod
    def is_copied(self, session: ReadSession, there: ReadSession) -> bool:
        """Return whether a session that is here is a complete copy."""

    @abstractmethod
    async def refusal(self, session: ReadSession, there: ReadSession) -> str | None:
        """Return why a session that is here must not be replaced by a copy; None if it may be."""

    @abstractmethod
    async def write(self, session: ReadSession, source: str, there: ReadSession | None) -> list[str]:
        """Write a copy of a session, over another one if it is given.

        Returns:
            The parts of the session that are not the same here.
        """


class _Database(Place):
    """A file or a server with tables of branches, which may be missing in a target."""

    def __init__(self, target: Target, store: Store | None) -> None:
        self.name = str(target)
        self._target = target
        self._store = store
        self._editor: Editor | None = None

    async def session_ids(self) -> list[str]:
        return [] if self._store is None else [session.session_id async for session in all_sessions(self._store)]

    async def session_id(self, name: str) -> str:
        session = None if self._store is None else await self._store.session_by_name(name)
        return name if session is None else session.session_id

    async def read(self, session_id: str, *, decrypt: bool = False) -> ReadSession | None:
        store = self._store
        session = None if store is None else await store.session(session_id)
        if store is None or session is None:
            return None
        if decrypt:
            # It raises an error without the key.
            await store.seal(session_id, for_some=True)
        text = await store.dump(session, lambda dump: _written(dump, decrypt=decrypt))
        document = stored_form(json.loads(text))
        return ReadSession(session_id, document, len(await store.paused_runs(session_id)))

    def count_items(self, session: ReadSession) -> int:
        return len(session.document["messages"])

    def left_out(self, session: ReadSession) -> dict[str, int]:
        counts = {"run that waits for approval": session.waiting}
        if isinstance(self._target, Server):
            counts["message without a branch"] = messages_without_branch(session.document)
        return {name: count for name, count in counts.items() if count}

    def is_copied(self, session: ReadSession, there: ReadSession) -> bool:
        return state_of(session.document) == state_of(there.document)

    async def refusal(self, session: ReadSession, there: ReadSession) -> str | None:
        state = None if self._store is None else await self._store.copied_state(session.session_id)
        if state is None:
            return "it is not a copy"
        return None if state == state_of(there.document) else "it was changed since it was copied"

    async def write(self, session: ReadSession, source: str, there: ReadSession | None) -> list[str]:
        copied = ImportedSession(session.session_id, document=session.document)
        state = state_of(session.document)
        is_first = self._editor is None
        if self._editor is None:
            self._editor = await asyncio.to_thread(open_editor, self._target, create=True)
        await self._editor.write_copy(SessionCopy(copied, source, state, None if there is None else there.document))
        if is_first:
            # Tables may be there now that were missing when the database was opened.
            self.close()
            self._store = await asyncio.to_thread(Store, self._target)
        written = await self.read(session.session_id)
        return ["it"] if written is None else differences(session.document, written.document)

    def close(self) -> None:
        """Close the database."""
        if self._store is not None:
            self._store.close()


class _Plain(Place):
    """Sessions that hold the items of one branch."""

    def __init__(self, sessions: PlainSessions, *, is_target: bool) -> None:
        self.name = sessions.name
        self._sessions = sessions
        self._is_target = is_target

    async def session_ids(self) -> list[str]:
        return await self._sessions.session_ids()

    async def read(self, session_id: str, *, decrypt: bool = False) -> ReadSession | None:
        items = await self._sessions.items(session_id)
        for item in () if self._is_target else items:
            # Where turns begin is not known without the key.
            if (problem := seal_problem(item, session_id)) is not None:
                raise problem
        return ReadSession(session_id, document_of_items(session_id, items, decrypt=decrypt)) if items else None

    def count_items(self, session: ReadSession) -> int:
        return len(items_of_main(session.document))

    def left_out(self, session: ReadSession) -> dict[str, int]:
        return left_out_of_main(session.document)

    def is_copied(self, session: ReadSession, there: ReadSession) -> bool:
        return items_of_main(session.document) == items_of_main(there.document)

    async def refusal(self, session: ReadSession, there: ReadSession) -> str | None:
        items = items_of_main(there.document)
        return None if items_of_main(session.document)[: len(items)] == items else "it has items that the other lacks"

    async def write(self, session: ReadSession, source: str, there: ReadSession | None) -> list[str]:  # noqa: ARG002
        if not self.count_items(session):
            raise ConvoError("It has no items in main.")
        first = 0 if there is None else len(items_of_main(there.document))
        await self._sessions.add_items(session.session_id, items_of_main(session.document)[first:])
        return []


def _written(dump: SessionDump, *, decrypt: bool) -> str:
    return "".join(json_document(dump, [*dump.tree.branches], decrypt=decrypt))


@asynccontextmanager
async def open_place(
    text: str, schema: str | None, tables: tuple[str, str] | None, *, is_target: bool = False
) -> AsyncIterator[Place]:
    """Open the database of a path or a URL; only a target may be missing, and have no tables yet.

    Raises:
        ConvoError: It cannot be opened.
    """
    if is_plain_url(text) and not is_server_url(text):
        if schema is not None:
            raise ConfigError(f"A schema cannot be chosen for {urlsplit(text).scheme}.", "Name it in the URL.")
        sessions = open_plain(text, tables)
        try:
            yield _Plain(sessions, is_target=is_target)
        finally:
            await sessions.close()
        return
    target = target_of(text, schema, tables)
    database = _Database(target, await asyncio.to_thread(_open_store, target, is_target=is_target))
    try:
        yield database
    finally:
        database.close()


def _open_store(target: Target, *, is_target: bool) -> Store | None:
    if is_target and isinstance(target, Path) and not target.exists():
        return None
    try:
        return Store(target)
    except NotFoundError:
        if not is_target:
            raise
        return None
