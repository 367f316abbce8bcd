"""How the calls of one session object reach its file: in their order, whole or not at all, on the right branch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from tui.storage.queries import branches
from tui.storage.schema import MAIN, Conversation
from tui.storage.sqlite.connection import Connection, settled
from tui.storage.sqlite.ownership import enable_wal, prepare
from tui.storage.sqlite.transactions import reading, write_lock, writing

__all__ = ["CurrentBranch", "SessionAccess"]

P = ParamSpec("P")
T = TypeVar("T")


class CurrentBranch(NamedTuple):
    """A branch to work on, and the clear generation in which it was entered."""

    branch_id: str
    generation: int


class SessionAccess:
    """One session of one file, and the branch of it that is current for one session object.

    Work runs on the connection's thread, where alone `pointer` is set; a caller may read it at any time.

    Attributes:
        conversation: The session.
        pointer: The current branch.
    """

    def __init__(self, path: str | Path, conversation: Conversation, *, create_tables: bool) -> None:
        """Open the file and prepare its tables.

        Raises:
            ValueError: The tables are missing, or belong to another pair of base tables.
            sqlite3.OperationalError: The file cannot be opened or stays locked.
        """
        self.conversation = conversation
        self.pointer = CurrentBranch(MAIN, 0)
        self._lock = write_lock(path)
        self._connection = Connection(path)

        def work(db: sqlite3.Connection) -> None:
            enable_wal(db)
            with writing(db, self._lock) if create_tables else reading(db):
                prepare(db, conversation, path, create_tables=create_tables)
                self._refresh(branches.generation(db, conversation))

        try:
            self._connection.run_sync(work)
        except BaseException:
            self._connection.close()
            raise

    def check_open(self) -> None:
        """Refuse to go on after `close`.

        Raises:
            RuntimeError: It was closed.
        """
        if self._connection.closed:
            raise RuntimeError("SQLiteSession is closed")

    def close(self) -> None:
        """Finish the work that was begun and close the file, for good."""
        self._connection.close()

    async def read(
        self,
        query: Callable[Concatenate[sqlite3.Connection, Conversation, str, P], T],
        branch_id: str | None,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Ask something about a branch, the current one if None."""

        def work(db: sqlite3.Connection) -> T:
            with reading(db):
                branch = branch_id
                if branch is None:
                    self._refresh(branches.generation(db, self.conversation))
                    branch = self.pointer.branch_id
                return query(db, self.conversation, branch, *args, **kwargs)

        return await self._connection.run(work)

    async def change(self, work: Callable[[sqlite3.Connection, str], T], asked: CurrentBranch | None = None) -> T:
        """Change the file in one write transaction, to the end even if the call is cancelled meanwhile.

        Args:
            work: Gets the branch to work on, and may set `pointer`.
            asked: The pointer when the call was made. Its branch is worked on, unless the session was cleared since;
                without it the one that is current when the work's turn comes.
        """

        def transaction(db: sqlite3.Connection) -> T:
            with self._writing(db):
                branch, generation = self.pointer
                if asked is not None and asked.generation == generation:
                    branch = asked.branch_id
                return work(db, branch)

        return await settled(self._connection.submit(transaction))

    async def move(self, branch_id: str) -> str:
        """Make another branch the current one; writes nothing.

        Returns:
            The branch that was current before.

        Raises:
            ValueError: There is no such branch.
        """

        def work(db: sqlite3.Connection) -> str:
            with reading(db):
                if not branches.exists(db, self.conversation, branch_id):
                    raise branches.missing(branch_id)
                previous = self.pointer.branch_id
                self.pointer = CurrentBranch(branch_id, branches.generation(db, self.conversation))
                return previous

        return await settled(self._connection.submit(work))

    @contextmanager
    def _writing(self, db: sqlite3.Connection) -> Iterator[None]:
        entered = self.pointer
        try:
            with writing(db, self._lock):
                self._refresh(branches.claim_generation(db, self.conversation))
                entered = self.pointer
                yield
        except BaseException:
            # What was undone in the file is undone here.
            self.pointer = entered
            raise

    def _refresh(self, generation: int) -> None:
        """Go back to `main` if another object cleared the session."""
        if generation != self.pointer.generation:
            self.pointer = CurrentBranch(MAIN, generation)
