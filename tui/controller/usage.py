"""What turns cost in money, and what they cost again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from tui.controller.pages import Paging
from tui.errors import ConfigError, NotFoundError
from tui.model import EMPTY_TREE, BranchUsage, ChartView, Money, ResendCost, Scope, Session, TurnTree, TurnUsage
from tui.prices import Prices

__all__ = ["Accounting", "UsageReport"]


class UsageReport(NamedTuple):
    """All that is known of what a branch cost.

    Attributes:
        session_id: Its session.
        branch_usage: The sums of each scope, in tokens and money.
        turns: Its turns, from the first to the last.
        resend_cost: What each of them cost again; an estimate.
        price_as: The model whose prices hold where a turn's own is not recorded, or has none.
    """

    session_id: str
    branch_usage: BranchUsage
    turns: tuple[TurnUsage, ...]
    resend_cost: ResendCost
    price_as: str | None = None


class Accounting(Paging):
    """Money and carry cost of the shown branch."""

    _prices: Prices | None = None

    def set_initial_price_model(self, model: str) -> None:
        """Price turns as `set_price_as` does, once it comes to that: the lists are not loaded yet."""
        self._show(price_as=model)

    async def set_price_as(self, model: str | None) -> None:
        """Price turns whose model is not recorded, or has no price, as this one; None to leave them without.

        Raises:
            ConfigError: There is no price for it.
        """
        self._prices = await asyncio.to_thread(Prices, model)
        branch_usage = self.view.branch_usage and self.view.branch_usage._replace(money={})
        self._summed = EMPTY_TREE, -1
        # What the turns cost is asked for anew under another revision.
        self._show(price_as=model or "", branch_usage=branch_usage, revision=self.view.revision + 1)
        await self.load_usage()

    async def price_names(self) -> list[str]:
        """The models that have a price."""
        return await asyncio.to_thread((await self._loaded()).names)

    async def set_chart(self, chart: ChartView) -> None:
        """Choose what the bars of the usage pane stand for."""
        self._show(chart=chart)
        view = self.view
        if view.session is not None and view.branch_id in view.tree.branches:
            async with self._sums:
                await self._load_carry(view.session, view.tree)

    async def next_chart(self) -> None:
        """Go to what the bars can stand for next: tokens, carry cost."""
        charts = list(ChartView)
        await self.set_chart(charts[(charts.index(self.view.chart) + 1) % len(charts)])

    async def turn_usages(self, first: int, last: int) -> tuple[TurnUsage, ...]:
        """What some turns of the shown branch cost, as far as there are any; in money too where that is known."""
        turns = await super().turn_usages(first, last)
        branch_usage = self.view.branch_usage
        if branch_usage is None or not self._has_prices(branch_usage):
            return turns
        return await asyncio.to_thread(_priced, await self._loaded(), turns)

    async def ledger(self, session_id: str, branch_id: str | None = None) -> UsageReport:
        """All that is known of what a branch cost, by default the one written last.

        Raises:
            NotFoundError: The file has no such session, or the session no such branch.
        """
        session = await self._store.session(session_id)
        if session is None:
            raise NotFoundError(f"The file has no session '{session_id}'.")
        tree = await self._store.tree(session)
        branch_id = await self._last_branch(session, tree) if branch_id is None else branch_id
        if branch_id not in tree.branches:
            raise NotFoundError(f"Session '{session_id}' has no branch '{branch_id}'.")
        branch_usage = await self._store.branch_usage(session, tree, branch_id)
        turns = await self._store.turn_usages(session, tree, branch_id, 1, branch_usage.turns)
        if self._has_prices(branch_usage):
            branch_usage = branch_usage._replace(money=await self._money(session, tree, branch_id))
            turns = await asyncio.to_thread(_priced, await self._loaded(), turns)
        resend_cost = await self._store.resend_cost(session, tree, branch_id)
        return UsageReport(session_id, branch_usage, turns, resend_cost, self.view.price_as or None)

    async def _account(self, session: Session, tree: TurnTree) -> None:
        await self._load_carry(session, tree)
        branch_usage = self.view.branch_usage
        if branch_usage is not None and self._has_prices(branch_usage):
            money = await self._money(session, tree, branch_usage.branch_id)
            if self.view.branch_usage is branch_usage:
                # Its turns are to be read anew, with their prices.
                self._show(branch_usage=branch_usage._replace(money=money, page=()))

    async def _load_carry(self, session: Session, tree: TurnTree) -> None:
        branch_id = self.view.branch_id
        if self.view.chart is ChartView.RESEND_COST:
            resend_cost = await self._store.resend_cost(session, tree, branch_id)
            if self.view.tree is tree and self.view.branch_id == branch_id:
                self._show(resend_cost=resend_cost)

    def _has_prices(self, branch_usage: BranchUsage) -> bool:
        """Whether any turn of the session can have a price: the lists are not loaded for nothing."""
        return bool(self.view.price_as or branch_usage.models)

    async def _price(self) -> Callable[[Sequence[TurnUsage]], tuple[TurnUsage, ...]] | None:
        """Says what turns cost in money; None where no turn of the session can have a price."""
        branch_usage = self.view.branch_usage
        if not self.view.price_as and (branch_usage is None or not branch_usage.models):
            return None
        return partial(_priced, await self._loaded())

    async def _loaded(self) -> Prices:
        if self._prices is None:
            try:
                self._prices = await asyncio.to_thread(Prices, self.view.price_as or None)
            except ConfigError:
                self._show(price_as="")
                raise
        return self._prices

    async def _money(self, session: Session, tree: TurnTree, branch_id: str) -> dict[Scope, Money | None]:
        prices = await self._loaded()
        limits = await asyncio.to_thread(lambda: prices.limits)
        spent = await self._store.priced(session, tree, branch_id, limits)
        own, path, everything = await asyncio.to_thread(lambda: [prices.cost(spendings) for spendings in spent])
        return {Scope.OWN: own, Scope.PATH: path, Scope.ALL: everything}


def _priced(prices: Prices, turns: Sequence[TurnUsage]) -> tuple[TurnUsage, ...]:
    """Turns with what they cost."""
    spendings = [prices.spending(turn) for turn in turns]
    return tuple(
        turn._replace(cost=prices.cost([spending]), window=prices.window(turn.model)) if spending else turn
        for turn, spending in zip(turns, spendings, strict=True)
    )
