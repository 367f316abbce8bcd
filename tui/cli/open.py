"""The file, session and branch that a command is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tui.errors import ConvoError, NotFoundError
from tui.model import Branch, Session, TurnTree
from tui.storage.store import Store

__all__ = ["Opened", "all_sessions", "names", "opened"]

_PAGE: Final = 1000
"""Sessions that are read at once."""


class Opened(NamedTuple):
    """A session of an open file.

    Attributes:
        store: The file.
        session: The session.
        tree: Its turns.
    """

    store: Store
    session: Session
    tree: TurnTree

    async def branch(self, branch_id: str | None) -> Branch:
        """A branch of the session: the one written last unless one is named.

        Raises:
            NotFoundError: There is no such branch.
        """
        name = await self.store.last_branch(self.session) if branch_id is None else branch_id
        if name not in self.tree.branches:
            raise NotFoundError(
                f"Session '{self.session.session_id}' has no branch '{name}'.",
                "`convo-tui list FILE` shows what there is.",
            )
        return self.tree.branches[name]


@asynccontextmanager
async def opened(path: str, session_id: str | None) -> AsyncIterator[Opened]:
    """Open a file at a session of it: the one written last unless one is named.

    Raises:
        FileError: It cannot be shown.
        NotFoundError: It has no such session, or none at all.
    """
    store = await asyncio.to_thread(Store, Path(path))
    try:
        newest = await store.sessions(0, 1)
        if not newest:
            raise NotFoundError(f"{path} holds no sessions yet.", "Let an agent write it.")
        found = newest[0] if session_id is None else await store.session(session_id)
        if found is None:
            raise NotFoundError(f"{path} has no session '{session_id}'.", "`convo-tui list FILE` shows what there is.")
        yield Opened(store, found, await store.tree(found))
    finally:
        await asyncio.to_thread(store.close)


async def all_sessions(store: Store) -> AsyncIterator[Session]:
    """All sessions of a file, the one written last first, read by page."""
    start = 0
    while page := await store.sessions(start, start + _PAGE):
        for session in page:
            yield session
        start += len(page)


def names(path: str | None, session_id: str | None = None, *, branches: bool = False) -> list[str]:
    """The names of a file's sessions, or of a session's branches; none where they cannot be read."""

    async def read() -> list[str]:
        if path is None:
            return []
        async with opened(path, session_id) as found:
            if branches:
                return list(found.tree.branches)
            return [session.session_id async for session in all_sessions(found.store)]

    try:
        return asyncio.run(read())
    except ConvoError:
        return []
