"""What turns cost in money, and what they cost again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from tui.controller.pages import Paging
from tui.errors import ConfigError, NotFoundError
from tui.model import EMPTY_TREE, Accounts, Carry, ChartView, Money, Scope, Session, TurnTree, TurnUsage
from tui.prices import Prices

__all__ = ["Accounting", "Ledger"]


class Ledger(NamedTuple):
    """All that is known of what a branch cost.

    Attributes:
        session_id: Its session.
        accounts: The sums of each scope, in tokens and money.
        turns: Its turns, from the first to the last.
        carry: What each of them cost again; an estimate.
        price_as: The model whose prices hold where a turn's own is not recorded, or has none.
    """

    session_id: str
    accounts: Accounts
    turns: tuple[TurnUsage, ...]
    carry: Carry
    price_as: str | None = None


class Accounting(Paging):
    """Money and carry cost of the shown branch."""

    _prices: Prices | None = None

    def begin_price_as(self, model: str) -> None:
        """Price turns as `set_price_as` does, once it comes to that: the lists are not loaded yet."""
        self._show(price_as=model)

    async def set_price_as(self, model: str | None) -> None:
        """Price turns whose model is not recorded, or has no price, as this one; None to leave them without.

        Raises:
            ConfigError: There is no price for it.
        """
        self._prices = await asyncio.to_thread(Prices, model)
        accounts = self.view.accounts and self.view.accounts._replace(money={})
        self._summed = EMPTY_TREE, -1
        # What the turns cost is asked for anew under another revision.
        self._show(price_as=model or "", accounts=accounts, revision=self.view.revision + 1)
        await self.load_accounts()

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
        accounts = self.view.accounts
        if accounts is None or not self._has_prices(accounts):
            return turns
        return await asyncio.to_thread(_priced, await self._loaded(), turns)

    async def ledger(self, session_id: str, branch_id: str | None = None) -> Ledger:
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
        accounts = await self._store.accounts(session, tree, branch_id)
        turns = await self._store.turn_usages(session, tree, branch_id, 1, accounts.turns)
        if self._has_prices(accounts):
            accounts = accounts._replace(money=await self._money(session, tree, branch_id))
            turns = await asyncio.to_thread(_priced, await self._loaded(), turns)
        carry = await self._store.carry(session, tree, branch_id)
        return Ledger(session_id, accounts, turns, carry, self.view.price_as or None)

    async def _account(self, session: Session, tree: TurnTree) -> None:
        await self._load_carry(session, tree)
        accounts = self.view.accounts
        if accounts is not None and self._has_prices(accounts):
            money = await self._money(session, tree, accounts.branch_id)
            if self.view.accounts is accounts:
                # Its turns are to be read anew, with their prices.
                self._show(accounts=accounts._replace(money=money, page=()))

    async def _load_carry(self, session: Session, tree: TurnTree) -> None:
        branch_id = self.view.branch_id
        if self.view.chart is ChartView.CARRY:
            carry = await self._store.carry(session, tree, branch_id)
            if self.view.tree is tree and self.view.branch_id == branch_id:
                self._show(carry=carry)

    def _has_prices(self, accounts: Accounts) -> bool:
        """Whether any turn of the session can have a price: the lists are not loaded for nothing."""
        return bool(self.view.price_as or accounts.models)

    async def _price(self) -> Callable[[Sequence[TurnUsage]], tuple[TurnUsage, ...]] | None:
        """Says what turns cost in money; None where no turn of the session can have a price."""
        accounts = self.view.accounts
        if not self.view.price_as and (accounts is None or not accounts.models):
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
