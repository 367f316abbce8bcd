"""What a model was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.controller.fork import Forking
from tui.errors import NotFoundError

if TYPE_CHECKING:
    from tui.model.items import Page
    from tui.model.model_input import InputSize, ItemRange, ModelInput

__all__ = ["Seeing"]


class Seeing(Forking):
    """Telling what a model was sent in a turn."""

    async def seen(self, turn: int | None = None, branch_id: str | None = None) -> ModelInput:
        """What a model was sent in a turn, by default the one the user went to last.

        Raises:
            NotFoundError: There is no such turn.
        """
        session, tree = self.view.session, self.view.tree
        here, selected = self._aim
        here, turn = branch_id or here, selected if turn is None else turn
        if session is None or turn < 1 or tree.chain_at(here, turn) is None:
            raise NotFoundError("Nothing was sent here.", "Go to a turn first.")
        return await self._store.seen(session, tree, here, turn, self._parted(here, turn))

    async def seen_page(self, seen: ModelInput, branch_id: str, start: int, stop: int) -> Page:
        """Some items of a branch of the session that `seen` belongs to."""
        return await self._store.page(seen.session, branch_id, start, stop)

    async def input_size(self, seen: ModelInput, stretch: ItemRange) -> InputSize:
        """How much some items are."""
        return await self._store.input_size(seen.session, stretch)

    async def seen_input(self, seen: ModelInput, stretch: ItemRange) -> list[object]:
        """Some items exactly as the SDK's `get_items` gives them."""
        return await self._store.input(seen.session, stretch)

    def _parted(self, branch_id: str, turn: int) -> str | None:
        """The sibling of a branch at the last fork that is not after a turn."""
        forks = (fork for fork in reversed(self.view.tree.forks(branch_id)) if fork.first <= turn)
        fork = next(forks, None)
        return None if fork is None else self._sibling_at(fork)
