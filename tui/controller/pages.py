"""Pages of lists that are too long for a view: sessions, items, turns, and their usage."""

from __future__ import annotations

from itertools import islice
from typing import Final

from tui.controller.loader import Loader
from tui.controller.pricing import Pricing
from tui.controller.state import State
from tui.model import Item, Page, Session, SessionSort, Turn, TurnUsage

__all__ = ["Pages"]

_MAX_FORK_WORDS: Final = 200
"""Branches whose first words are read at once; others are listed by their ids."""


class Pages:
    """Reads parts of lists; the view has only their lengths."""

    def __init__(self, state: State, loader: Loader, pricing: Pricing) -> None:
        self._state = state
        self._loader = loader
        self._pricing = pricing

    async def sessions(self, start: int, stop: int) -> tuple[Session, ...]:
        """Return the sessions from index `start` to before `stop`, in the order in which they were written last."""
        return await self._state.store.sessions(start, stop, archived=self._loader.lists_archived)

    async def matching_sessions(
        self, typed: str, limit: int, sort: SessionSort = SessionSort.WRITTEN
    ) -> tuple[tuple[Session, ...], int]:
        """Return at most `limit` sessions whose names match typed letters, best matches first, and how many match.

        If no letter is typed, all sessions match, in the order of `sort`.
        """
        return await self._state.store.matching_sessions(typed, limit, sort, archived=self._loader.lists_archived)

    async def items(self, branch_id: str, start: int, stop: int) -> Page:
        """Return the items of a branch from position `start` to before `stop`, or to its end."""
        session = self._state.view.session
        if session is None:
            return Page(branch_id, start)
        return await self._state.store.page(session, branch_id, start, stop)

    async def full_item(self, item: Item) -> Item:
        """Return an item with all its stored data.

        Raises:
            NotFoundError: It is not stored any more.
        """
        return await self._state.store.full_item(item)

    async def turns(self, branch_id: str, first: int, last: int) -> tuple[Turn, ...]:
        """Return turns of a branch for the rows of the tree; all of them are in one chain."""
        view = self._state.view
        if view.session is None:
            return ()
        chain = view.tree.chain_at(branch_id, first)
        holders = (branch_id, *(name for name in chain.all_holders if name != branch_id)) if chain else (branch_id,)
        return await self._state.store.turns(view.session, holders, first, last)

    async def fork_words(self) -> dict[str, str]:
        """Return the first words after the fork of each branch whose id was made from turn and time."""
        view = self._state.view
        branches = view.tree.branches.values()
        turns = {branch.branch_id: branch.turn_in_id for branch in branches if not branch.title}
        named = {branch_id: turn for branch_id, turn in turns.items() if turn is not None}
        if view.session is None or not named:
            return {}
        return await self._state.store.fork_words(view.session, dict(islice(named.items(), _MAX_FORK_WORDS)))

    async def turn_usages(self, first: int, last: int) -> tuple[TurnUsage, ...]:
        """Return the usage of some turns of the shown branch, with their cost if they can have one."""
        view = self._state.view
        if view.session is None or view.branch_id not in view.tree.branches:
            return ()
        turns = await self._state.store.turn_usages(view.session, view.tree, view.branch_id, first, last)
        branch_usage = self._state.view.branch_usage
        if branch_usage is None or not self._pricing.is_needed(branch_usage):
            return turns
        return await self._pricing.price(turns)
