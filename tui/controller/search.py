"""Finding items, and going to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress

from tui.controller.base import ControllerBase
from tui.errors import ConvoError, NotFoundError
from tui.model.query import Query
from tui.model.search import Hit, Results, SearchOrigin, SearchScope
from tui.storage.store import Store

__all__ = ["Finding", "Search"]


class Search:
    """One search: what it found so far, and whether it goes on.

    Attributes:
        query: What is searched for.
        scope: Where.
        results: What was found.
        running: Whether there may be more.
        failure: Why it could not go on; empty where it could.
        revision: The view's revision when it began.
    """

    def __init__(self, store: Store, query: Query, where: SearchOrigin, limit: int, revision: int) -> None:
        self.query = query
        self.scope = where.scope
        self.results = Results()
        self.running = True
        self.failure = ""
        self.revision = revision
        self._store = store
        self._where = where
        self._limit = limit
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called whenever something was found or the search ended; call what this returns to end it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    async def run(self) -> None:
        """Search to the end, or until cancelled."""
        try:
            if self.query:
                async with aclosing(self._store.search(self.query, self._where, self._limit)) as told:
                    async for found in told:
                        self.results.take(found)
                        self._tell()
        except ConvoError as error:
            self.failure = f"{error} {error.hint}".strip()
        finally:
            self.running = False
            self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


class Finding(ControllerBase):
    """A controller that finds items."""

    def search(self, query: Query, scope: SearchScope, limit: int) -> Search:
        """A search from where the user is, for `run` to be called on; finds at most `limit` items."""
        where = SearchOrigin(scope, self.view.session, self.view.branch_id)
        return Search(self._store, query, where, limit, self.view.revision)

    def branches_of(self, hit: Hit, known: Sequence[str]) -> Sequence[str]:
        """The branches that have an item: all of them in the open session, elsewhere those that the search met."""
        session, tree = self.view.session, self.view.tree
        if session is not None and session.session_id == hit.session_id:
            chain = tree.chain_at(hit.branch_id, hit.turn)
            if chain is not None:
                return chain.holders
        return known

    async def show_hit(self, hit: Hit, known: Sequence[str]) -> int | None:
        """Show a branch that has an item: the shown one if that has it, else the one visited last, or the oldest.

        What the branch cost is left for `load_usage`.

        Args:
            hit: The item.
            known: Branches that have it, the oldest first.

        Returns:
            Its position in the shown branch; None where the user has moved on meanwhile.

        Raises:
            NotFoundError: It is not there any more.
        """
        if self.view.session is None or self.view.session.session_id != hit.session_id:
            await self._select(hit.session_id, known[0])
        among = self.branches_of(hit, known)
        branch_id = next(
            (name for name in (self.view.branch_id, *reversed(self._visited), *among) if name in among), hit.branch_id
        )
        if (self.view.branch_id, self.view.preview) != (branch_id, False):
            await self._look(self._move(), branch_id, hit.turn, fork=None)
        session = self.view.session
        if session is None or (session.session_id, self.view.branch_id) != (hit.session_id, branch_id):
            return None
        position = await self._store.place_of_item(session, branch_id, hit.turn, hit.message_id)
        if position is None:
            raise NotFoundError("This item is not there any more.", "Search again.")
        return position
