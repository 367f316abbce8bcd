"""The current branch of a session object, and the transactions in which its methods run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from tui.storage.engine import Engine, Transaction, shielded
from tui.storage.queries.branches import branch_exists, claim_generation, missing_branch, read_generation
from tui.storage.schema import MAIN

__all__ = ["CurrentBranch", "SessionAccess"]

P = ParamSpec("P")
T = TypeVar("T")


class CurrentBranch(NamedTuple):
    """A branch, and the clear generation of the session when it became current."""

    branch_id: str
    generation: int


class SessionAccess:
    """Runs the reads and changes of one session object on its current branch.

    `current` is set only on the engine's thread; a caller may read it at any time.
    """

    def __init__(self, engine: Engine, session_id: str) -> None:
        self.engine = engine
        self.session_id = session_id
        self.current = CurrentBranch(MAIN, 0)
        try:
            engine.submit_read(self._refresh).result()
        except BaseException:
            engine.close()
            raise

    @property
    def is_durable(self) -> bool:
        """True if changes are recorded in a database that outlives this object, so that they can be undone."""
        return self.engine.target != ":memory:"

    def check_open(self) -> None:
        """Raise RuntimeError if the session is closed."""
        self.engine.check_open()

    def close(self) -> None:
        """Finish the calls that were made, and close the database."""
        self.engine.close()

    async def read(
        self,
        query: Callable[Concatenate[Transaction, str, str, P], T],
        branch_id: str | None,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return the result of a query for a branch; for the current branch if `branch_id` is None."""

        def work(tx: Transaction) -> T:
            branch = branch_id
            if branch is None:
                self._refresh(tx)
                branch = self.current.branch_id
            return query(tx, self.session_id, branch, *args, **kwargs)

        return await asyncio.wrap_future(self.engine.submit_read(work))

    async def change(self, work: Callable[[Transaction, str], T], at_call: CurrentBranch | None = None) -> T:
        """Change the database in one write transaction, which completes even if the call is cancelled.

        Args:
            work: Gets the branch to work on, and may set `current`.
            at_call: The branch that was current when the call was made. If it is None, or the session was cleared
                since, the work gets the branch that is current when it begins.
        """

        def write(tx: Transaction) -> T:
            self._enter(claim_generation(tx, self.session_id))
            tx.on_rollback(partial(self._set_current, self.current))
            branch, generation = self.current
            if at_call is not None and at_call.generation == generation:
                branch = at_call.branch_id
            return work(tx, branch)

        return await shielded(self.engine.submit_write(write, self.session_id))

    async def move(self, branch_id: str) -> str:
        """Make another branch the current one, and return the branch that was current before.

        Raises:
            ValueError: There is no such branch.
        """

        def work(tx: Transaction) -> str:
            if not branch_exists(tx, self.session_id, branch_id):
                raise missing_branch(branch_id)
            previous = self.current.branch_id
            self.current = CurrentBranch(branch_id, read_generation(tx, self.session_id))
            return previous

        return await shielded(self.engine.submit_read(work))

    def _set_current(self, branch: CurrentBranch) -> None:
        self.current = branch

    def _refresh(self, tx: Transaction) -> None:
        self._enter(read_generation(tx, self.session_id))

    def _enter(self, generation: int) -> None:
        """Go back to `main` if another object cleared the session."""
        if generation != self.current.generation:
            self.current = CurrentBranch(MAIN, generation)
