"""Open the file, session and branch that the arguments name."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tui.cli.command_line import command_line
from tui.errors import NotFoundError
from tui.model import Branch, Session, TurnTree
from tui.model.names import find_branch
from tui.printable import printable
from tui.storage.editor import Editor
from tui.storage.open import Target, create_database
from tui.storage.store import Store
from tui.words import messages_without_branch_words

__all__ = [
    "OpenSession",
    "all_sessions",
    "branch_names",
    "missing_turn",
    "open_editor",
    "open_session",
    "session_names",
]

_PAGE_SIZE: Final = 1000


class OpenSession(NamedTuple):
    """A session of an open file, its turns, and the number of its messages that are in no branch."""

    store: Store
    session: Session
    tree: TurnTree
    messages_without_branch: int

    async def branch(self, name: str | None) -> Branch:
        """Return a branch of the session by its id or title, by default the one that was written last.

        Raises:
            NotFoundError: No branch has the name, or several have it as their title.
        """
        session_id = self.session.session_id
        name = await self.store.last_branch(self.session) if name is None else name
        branch = find_branch(self.tree, session_id, name)
        if branch is None:
            raise NotFoundError(f"Session '{session_id}' has no branch '{name}'.", _list_hint(self.store.path))
        return branch


def missing_turn(branch: Branch, turn: object) -> NotFoundError:
    """Return the error for a turn, or a range of turns, that a branch does not have."""
    hint = f"Its last turn is {branch.turns}." if branch.turns else "It has no turns."
    return NotFoundError(f"Branch '{branch.branch_id}' has no turn {turn}.", hint)


def _list_hint(target: Target) -> str:
    return f"`{command_line('list', target)}` lists sessions and branches."


@asynccontextmanager
async def open_session(target: Target, name: str | None, *, quiet: bool = False) -> AsyncIterator[OpenSession]:
    """Open a file and a session in it by its id or title, by default the one that was written last.

    Messages of the session that are in no branch are reported on standard error, unless `quiet`.

    Raises:
        FileError: The file cannot be opened.
        NotFoundError: The file does not have the session, has none, or has several with the title.
    """
    store = await asyncio.to_thread(Store, target)
    try:
        sessions = await store.sessions(0, 1)
        if not sessions:
            raise NotFoundError(f"{store.path} has no sessions yet.", "Let an agent write it.")
        session = sessions[0] if name is None else await store.session_by_name(name)
        if session is None:
            raise NotFoundError(f"{store.path} has no session '{name}'.", _list_hint(target))
        count = 0 if quiet else await store.count_messages_without_branch(session)
        if count:
            words = messages_without_branch_words(session.session_id, count)
            command = command_line("adopt", target)
            print(printable(f"{words} `{command}` adds a branch for them."), file=sys.stderr)
        if not quiet and (problem := await store.seal_problem(session)) is not None:
            print(printable(str(problem)), problem.hint, sep="\n", file=sys.stderr)
        yield OpenSession(store, session, await store.tree(session), count)
    finally:
        await asyncio.to_thread(store.close)


def open_editor(path: Target, *, create: bool = False) -> Editor:
    """Return an editor of a database; `create` makes a missing file, or missing tables on a server.

    Raises:
        FileError: The file cannot be opened or created.
        ReadOnlyError: The file is damaged.
    """
    if create and not (isinstance(path, Path) and path.exists()):
        create_database(path)
    store = Store(path)
    try:
        store.require_changeable()
        return Editor(path, store.sessions_table, store.messages_table)
    finally:
        store.close()


async def all_sessions(store: Store, *, with_words: bool = False) -> AsyncIterator[Session]:
    """Return all sessions of a file, the one written last first; `with_words` those without a title with words."""
    start = 0
    while page := await store.sessions(start, start + _PAGE_SIZE):
        for session in await store.with_first_words(page) if with_words else page:
            yield session
        start += len(page)


async def session_names(target: Target) -> list[str]:
    """Return the ids of a file's sessions, as `all_sessions` orders them, and their titles."""
    async with open_session(target, None, quiet=True) as found:
        sessions = [session async for session in all_sessions(found.store)]
    return [*(session.session_id for session in sessions), *(session.title for session in sessions if session.title)]


async def branch_names(target: Target, session: str | None) -> list[str]:
    """Return the ids and the titles of the branches of a session, by default of the one that was written last."""
    async with open_session(target, session, quiet=True) as found:
        branches = found.tree.branches
    return [*branches, *(branch.title for branch in branches.values() if branch.title)]
