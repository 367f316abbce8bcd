"""What is too large for a view: sessions, turns, items and what turns cost, as they come into sight."""

from __future__ import annotations

from tui.controller.base import ControllerBase
from tui.model import Item, Page, Session, Turn, TurnUsage

__all__ = ["Paging"]


class Paging(ControllerBase):
    """Reads pages of what the view tells the extent of."""

    async def sessions(self, start: int, stop: int) -> tuple[Session, ...]:
        """The sessions of the file from a place to before another one, the one written last first."""
        return await self._store.sessions(start, stop, archived=self._archived)

    async def matching_sessions(self, typed: str, most: int) -> tuple[tuple[Session, ...], int]:
        """The sessions whose names match typed letters, the best at most so many, and how many there are.

        With nothing typed, the ones written last.
        """
        return await self._store.matching_sessions(typed, most, archived=self._archived)

    async def items(self, branch_id: str, start: int, stop: int) -> Page:
        """Some items of a branch, as far as there are any."""
        if self.view.session is None:
            return Page(branch_id, start)
        return await self._store.page(self.view.session, branch_id, start, stop)

    async def whole(self, item: Item) -> Item:
        """An item with all that is stored of it.

        Raises:
            NotFoundError: It is not stored any more.
        """
        return await self._store.full_item(item)

    async def turns(self, branch_id: str, first: int, last: int) -> tuple[Turn, ...]:
        """Rows of the tree for some turns of one chain that `branch_id` holds."""
        if self.view.session is None:
            return ()
        chain = self.view.tree.chain_at(branch_id, first)
        through = (branch_id, *(name for name in chain.all_holders if name != branch_id)) if chain else (branch_id,)
        return await self._store.turns(self.view.session, through, first, last)

    async def turn_usages(self, first: int, last: int) -> tuple[TurnUsage, ...]:
        """What some turns of the shown branch cost, as far as there are any."""
        view = self.view
        if view.session is None or view.branch_id not in view.tree.branches:
            return ()
        return await self._store.turn_usages(view.session, view.tree, view.branch_id, first, last)
