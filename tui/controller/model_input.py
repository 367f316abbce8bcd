"""The input of the model in the requests of a turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tui.controller.navigation import Navigation
from tui.controller.siblings import sibling_at
from tui.controller.state import State
from tui.errors import NotFoundError

if TYPE_CHECKING:
    from tui.model.items import Page
    from tui.model.model_input import ComparedRequest, InputSize, ItemRange, ModelInput
    from tui.model.request_diff import RequestDiff
    from tui.model.requests import RequestInput

__all__ = ["ModelInputs"]


class ModelInputs:
    """Reads the input of the model."""

    def __init__(self, state: State, navigation: Navigation) -> None:
        self._state = state
        self._navigation = navigation

    async def load(self, turn: int | None = None, branch_id: str | None = None) -> ModelInput:
        """Return the input of the model in a turn, by default the selected one.

        Raises:
            NotFoundError: There is no such turn.
        """
        view, target = self._state.view, self._state.target
        branch_id, turn = branch_id or target[0], target[1] if turn is None else turn
        if view.session is None or turn < 1 or view.tree.chain_at(branch_id, turn) is None:
            raise NotFoundError("Nothing was sent here.", "Go to a turn first.")
        sibling = self._sibling(branch_id, turn)
        return await self._state.store.model_input(view.session, view.tree, branch_id, turn, sibling)

    async def page(self, model_input: ModelInput, branch_id: str, start: int, stop: int) -> Page:
        """Return some items of a branch of the model input's session."""
        return await self._state.store.page(model_input.session, branch_id, start, stop)

    async def size(self, model_input: ModelInput, items: ItemRange) -> InputSize:
        """Return the size of some items of a model input."""
        return await self._state.store.input_size(model_input.session, items)

    async def items(self, model_input: ModelInput, items: ItemRange) -> list[object]:
        """Return some items of a model input in the form in which the SDK's `get_items` returns them."""
        return await self._state.store.input_items(model_input.session, items)

    async def request(self, model_input: ModelInput, number: int) -> RequestInput:
        """Return what a known request sent, as far as it is recorded.

        Raises:
            NotFoundError: The turn or its requests were changed since.
        """
        return await self._request(model_input, model_input.branch_id, model_input.turn, number)

    async def diff(self, model_input: ModelInput, sent: RequestInput, other: ComparedRequest) -> RequestDiff:
        """Compare what a request sent with another request, which is on the left.

        Raises:
            NotFoundError: The turn or its requests were changed since.
        """
        from tui.model.request_diff import compare_requests

        before = await self._request(model_input, other.branch_id, other.request.turn, other.request.number)
        return await asyncio.to_thread(compare_requests, before, sent)

    async def _request(self, model_input: ModelInput, branch_id: str, turn: int, number: int) -> RequestInput:
        tree = self._state.view.tree
        found = None
        if branch_id in tree.branches:
            found = await self._state.store.request_input(model_input.session, tree, branch_id, turn, number)
        if found is None:
            raise NotFoundError("The request is no longer stored.", "Close the model input, and open it again.")
        return found

    def _sibling(self, branch_id: str, turn: int) -> str | None:
        """Return the sibling of a branch at its last fork up to a turn."""
        tree = self._state.view.tree
        forks = (fork for fork in reversed(tree.forks(branch_id)) if fork.first <= turn)
        fork = next(forks, None)
        return None if fork is None else sibling_at(tree, fork, self._navigation.visited)
