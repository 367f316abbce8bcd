"""The cost of turns in money."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import chain

from tui.controller.state import State
from tui.errors import ConfigError
from tui.model import BranchUsage, Price, Scope, Session, TurnTree, TurnUsage
from tui.prices import Prices

__all__ = ["Pricing"]


class Pricing:
    """Computes costs with the price lists, which are loaded when they are needed first."""

    def __init__(self, state: State, own: Mapping[str, Price]) -> None:
        """Compute costs of an open file with price lists and with the user's own prices, by model."""
        self._state = state
        self._own = own
        self._prices: Prices | None = None

    async def set_model(self, model: str | None) -> None:
        """Use the prices of a model for turns whose own model is unknown or has no price; None to give them no cost.

        Raises:
            ConfigError: The model has no price.
        """
        self._prices = await asyncio.to_thread(Prices, model, self._own)

    async def priced_models(self) -> dict[str, bool]:
        """Return the models that have a price, each with whether it is the user's own."""
        names = await asyncio.to_thread((await self._load()).names)
        return {name: name in self._own for name in names}

    def is_needed(self, branch_usage: BranchUsage | None) -> bool:
        """Return whether any turn of a branch's session can have a price."""
        return bool(self._state.view.price_as or (branch_usage is not None and branch_usage.models))

    async def price(self, turns: Sequence[TurnUsage]) -> tuple[TurnUsage, ...]:
        """Return the turns with their cost."""
        return await asyncio.to_thread(_priced, await self._load(), turns)

    async def largest_cost(self, turns: Sequence[TurnUsage]) -> Decimal:
        """Return the cost of the most expensive turn; 0 if no turn has a price."""
        prices = await self._load()
        return await asyncio.to_thread(
            lambda: max((cost.amount for cost in map(prices.cost_of_turn, turns) if cost), default=Decimal(0))
        )

    async def price_function(self) -> Callable[[Sequence[TurnUsage]], tuple[TurnUsage, ...]] | None:
        """Return a function that adds their cost to turns; None if no turn of the open session can have a price."""
        if not self.is_needed(self._state.view.branch_usage):
            return None
        return partial(_priced, await self._load())

    async def price_branch(self, session: Session, tree: TurnTree, branch_usage: BranchUsage) -> BranchUsage:
        """Return the usage of a branch with the cost of each scope, and the prices in it."""
        prices = await self._load()
        limits = await asyncio.to_thread(lambda: prices.limits)
        by_scope = await self._state.store.spending(session, tree, branch_usage.branch_id, limits)

        def priced() -> BranchUsage:
            money = dict(zip(Scope, map(prices.cost, by_scope), strict=True))
            return branch_usage._replace(money=money, prices=prices.used(chain.from_iterable(by_scope)))

        return await asyncio.to_thread(priced)

    async def _load(self) -> Prices:
        if self._prices is None:
            try:
                self._prices = await asyncio.to_thread(Prices, self._state.view.price_as or None, self._own)
            except ConfigError:
                self._state.publish(price_as="")
                raise
        return self._prices


def _priced(prices: Prices, turns: Sequence[TurnUsage]) -> tuple[TurnUsage, ...]:
    return tuple(
        turn._replace(
            cost=prices.cost_of_turn(turn),
            window=prices.window(turn.model),
            requests=tuple(prices.priced_request(request, turn) for request in turn.requests),
        )
        if turn.usage
        else turn
        for turn in turns
    )
