"""The search for items, and the display of its hits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

from tui.controller.navigation import Navigation, Place
from tui.controller.state import NO_DRAFT, State, add_listener
from tui.errors import ConvoError, NotFoundError
from tui.model.query import Query
from tui.model.search import Hit, SearchResults, SearchScope, SearchTarget
from tui.storage.store import Store

__all__ = ["Search", "Searches"]


class Search:
    """One search and its results so far.

    Attributes:
        running: Whether the search has not ended yet.
        failure: The error with which the search failed; empty if it did not.
        revision: The view's revision when the search was created.
    """

    def __init__(self, store: Store, query: Query, target: SearchTarget, limit: int, revision: int) -> None:
        self.query = query
        self.scope = target.scope
        self.results = SearchResults()
        self.running = True
        self.failure = ""
        self.revision = revision
        self._store = store
        self._target = target
        self._limit = limit
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each find and at the end, until the returned function is called."""
        return add_listener(self._listeners, listener)

    async def run(self) -> None:
        """Search to the end, or until cancelled."""
        try:
            if self.query:
                async with aclosing(self._store.search(self.query, self._target, self._limit)) as batches:
                    async for batch in batches:
                        self.results.add(batch)
                        self._notify()
        except ConvoError as error:
            self.failure = error.full_message
        finally:
            self.running = False
            self._notify()

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()


class Searches:
    """Creates searches and shows their hits."""

    def __init__(self, state: State, navigation: Navigation) -> None:
        self._state = state
        self._navigation = navigation

    def create(self, query: Query, scope: SearchScope, limit: int) -> Search:
        """Return a search that is not running yet; a scope of a branch or session means the shown one."""
        view = self._state.view
        target = SearchTarget(scope, view.session, view.branch_id)
        return Search(self._state.store, query, target, limit, view.revision)

    def branches_with(self, hit: Hit, known: Sequence[str]) -> Sequence[str]:
        """Return the branches that have a hit; if its session is not open, the branches in which it was found."""
        view = self._state.view
        if view.session is not None and view.session.session_id == hit.session_id:
            chain = view.tree.chain_at(hit.branch_id, hit.turn)
            if chain is not None:
                return chain.holders
        return known

    async def show(self, hit: Hit, known: Sequence[str], origin: Place) -> int | None:
        """Show a branch that has a hit, without its usage, and return the hit's position in that branch.

        The shown branch is preferred, then the branch visited last, then the oldest. Return None if another navigation
        has begun meanwhile. `-` goes back to `origin`, not to the hit before.

        Args:
            hit: The hit.
            known: Branches that have it, the oldest first.
            origin: Place where the search began.

        Raises:
            NotFoundError: The item does not exist any more, or is in no branch.
        """
        state = self._state
        if not hit.branch_id:
            raise NotFoundError(f"This message of '{hit.session_id}' is in no branch.", "P adds a branch for it.")
        if state.view.session is None or state.view.session.session_id != hit.session_id:
            await self._navigation.load_session(hit.session_id, known[0])
        holders = self.branches_with(hit, known)
        preferred = (state.view.branch_id, *self._navigation.visited, *holders)
        branch_id = next((name for name in preferred if name in holders), hit.branch_id)
        if (state.view.branch_id, state.view.preview) != (branch_id, False):
            await self._navigation.load_selection(state.next_navigation(), branch_id, hit.turn, **NO_DRAFT)
        self._navigation.go_back_to(origin)
        session = state.view.session
        if session is None or (session.session_id, state.view.branch_id) != (hit.session_id, branch_id):
            return None
        position = await state.store.item_position(session, branch_id, hit.turn, hit.message_id)
        if position is None:
            raise NotFoundError("This item is not there any more.", "Search again.")
        return position
