"""The usage of branches: tokens, money and resend cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

from tui.controller.loader import Loader
from tui.controller.pricing import Pricing
from tui.controller.state import State
from tui.errors import NotFoundError
from tui.model import (
    EMPTY_TREE,
    BranchUsage,
    ChartView,
    ResendCost,
    Scope,
    Session,
    TextSizes,
    TurnTree,
    TurnUsage,
    usage_page,
)

__all__ = ["UsageReport", "UsageViews"]

T = TypeVar("T")

_PRICE_HINT: Final = "Ctrl+P, Price as a model, --price-as MODEL or [prices] in the configuration file sets one."

_TURNS_AT_ONCE: Final = 512
"""Turns that are read at once: the objects of all turns would block the event loop while they are collected."""


class UsageReport(NamedTuple):
    """The usage of one branch.

    Attributes:
        branch_usage: The sums of each scope, in tokens and money.
        turns: Its turns, from the first to the last.
        price_as: The model whose prices are used for turns whose own model is unknown or has no price.
        text_sizes: The sizes of the turns if no usage is stored for any of them.
    """

    session_id: str
    branch_usage: BranchUsage
    turns: tuple[TurnUsage, ...]
    resend_cost: ResendCost
    price_as: str | None = None
    text_sizes: TextSizes | None = None


class UsageViews:
    """Computes the usage of the shown branch, and changes what the usage pane shows."""

    def __init__(self, state: State, loader: Loader, pricing: Pricing) -> None:
        self._state = state
        self._loader = loader
        self._pricing = pricing
        self._loaded: tuple[TurnTree, int] = EMPTY_TREE, -1
        self._session_tools: tuple[TurnTree, int, tuple[tuple[str, int], ...]] = EMPTY_TREE, -1, ()

    async def load(self) -> None:
        """Compute the usage of the shown branch unless the view has it already."""
        state = self._state
        async with state.usage_lock:
            view = state.view
            if view.session is None or (view.branch_usage is not None and self._loaded == (view.tree, view.revision)):
                return
            page = usage_page(max(view.turn, 1))
            branch_usage = await state.store.branch_usage(view.session, view.tree, view.branch_id, page)
            if state.view.tree is view.tree and state.view.branch_id == view.branch_id:
                self._loaded = view.tree, view.revision
                counted = {} if branch_usage.is_uncounted else {"text_sizes": None}
                state.publish(branch_usage=branch_usage, **counted)
                await self._load_text_sizes(view.session, view.tree)
                await self._load_resend_cost(view.session, view.tree)
                await self._load_money(view.session, view.tree)
                await self._load_largest_cost(view.session, view.tree)
                await self._load_session_tools(view.session)

    def next_scope(self) -> None:
        """Show the next sum: own, path, all; `load_scope` reads what only that sum needs."""
        self._state.publish(scope=_next(list(Scope), self._state.view.scope))

    async def load_scope(self) -> None:
        """Read the tools of the session if the shown scope needs them."""
        if self._state.view.session is not None:
            async with self._state.usage_lock:
                await self._load_session_tools(self._state.view.session)

    def set_initial_price_model(self, model: str) -> None:
        """Set the model of `set_price_as` without loading the price lists yet."""
        self._state.publish(price_as=model)

    async def set_price_as(self, model: str | None) -> None:
        """Use the prices of a model for turns whose own model is unknown or has no price; None to give them no cost.

        Raises:
            ConfigError: The model has no price.
        """
        await self._pricing.set_model(model)
        view = self._state.view
        branch_usage = view.branch_usage and view.branch_usage._replace(money={}, prices=())
        self._loaded = EMPTY_TREE, -1
        # The new revision makes the panes read the turns again.
        self._state.publish(
            price_as=model or "", branch_usage=branch_usage, largest_cost=None, revision=view.revision + 1
        )
        await self.load()

    async def priced_models(self) -> dict[str, bool]:
        """Return the models that have a price, each with whether it is the user's own."""
        return await self._pricing.priced_models()

    async def next_chart(self) -> None:
        """Show the next chart: tokens, money, resend cost; pass money over if no turn can have a price, and say so."""
        state = self._state
        if state.view.branch_usage is not None and state.view.branch_usage.is_uncounted:
            state.notify("No usage is stored for this branch, so there is no other chart.")
            return
        chart = _next(list(ChartView), state.view.chart)
        if chart is ChartView.MONEY and not self._has_prices:
            chart = _next(list(ChartView), chart)
            state.notify(f"No chart in money: no model with a price is recorded. {_PRICE_HINT}")
        state.publish(chart=chart)
        view = state.view
        if view.session is not None and view.branch_id in view.tree.branches:
            async with state.usage_lock:
                await self._load_resend_cost(view.session, view.tree)
                await self._load_largest_cost(view.session, view.tree)
            priced = state.view.branch_usage
            money = priced.money.get(Scope.PATH) if priced else None
            if chart is state.view.chart is ChartView.MONEY and money and not money.has_price:
                models = ", ".join(view.branch_usage.models) if view.branch_usage else ""
                state.notify(f"No turn has a price: the price lists have none for {models}. {_PRICE_HINT}")

    async def report(self, session_id: str, branch_id: str | None = None) -> UsageReport:
        """Return the usage of a branch, by default of the one written last.

        Raises:
            NotFoundError: The file has no such session, or the session no such branch.
        """
        store = self._state.store
        session = await self._state.find_session(session_id)
        tree = await store.tree(session)
        branch_id = await self._loader.last_branch(session, tree) if branch_id is None else branch_id
        if branch_id not in tree.branches:
            raise NotFoundError(f"Session '{session_id}' has no branch '{branch_id}'.")
        branch_usage = await store.branch_usage(session, tree, branch_id)
        turns = await store.turn_usages(session, tree, branch_id, 1, branch_usage.turns)
        if self._pricing.is_needed(branch_usage):
            branch_usage = await self._pricing.price_branch(session, tree, branch_usage)
            turns = await self._pricing.price(turns)
        resend_cost = await store.resend_cost(session, tree, branch_id)
        text_sizes = await store.text_sizes(session, tree, branch_id) if branch_usage.is_uncounted else None
        price_as = self._state.view.price_as or None
        return UsageReport(session_id, branch_usage, turns, resend_cost, price_as, text_sizes)

    async def _load_resend_cost(self, session: Session, tree: TurnTree) -> None:
        state = self._state
        branch_id = state.view.branch_id
        if state.view.chart is ChartView.RESEND_COST:
            resend_cost = await state.store.resend_cost(session, tree, branch_id)
            if state.view.tree is tree and state.view.branch_id == branch_id:
                state.publish(resend_cost=resend_cost)

    @property
    def _has_prices(self) -> bool:
        return self._pricing.is_needed(self._state.view.branch_usage)

    async def _load_text_sizes(self, session: Session, tree: TurnTree) -> None:
        state = self._state
        branch_usage = state.view.branch_usage
        if branch_usage is not None and branch_usage.is_uncounted:
            sizes = await state.store.text_sizes(session, tree, branch_usage.branch_id)
            if state.view.tree is tree and state.view.branch_id == sizes.branch_id:
                state.publish(text_sizes=sizes)

    async def _load_largest_cost(self, session: Session, tree: TurnTree) -> None:
        state = self._state
        branch_usage = state.view.branch_usage
        if state.view.chart is ChartView.MONEY and branch_usage is not None:
            largest, branch_id = Decimal(0), branch_usage.branch_id
            for first in range(1, branch_usage.turns + 1, _TURNS_AT_ONCE) if self._has_prices else ():
                last = min(first + _TURNS_AT_ONCE - 1, branch_usage.turns)
                turns = await state.store.turn_usages(session, tree, branch_id, first, last, evidence=False)
                if state.view.tree is not tree or state.view.branch_id != branch_id:
                    return
                largest = max(largest, await self._pricing.largest_cost(turns))
            if state.view.tree is tree and state.view.branch_id == branch_usage.branch_id:
                state.publish(largest_cost=largest)

    async def _load_session_tools(self, session: Session) -> None:
        state = self._state
        branch_usage = state.view.branch_usage
        if state.view.scope is Scope.ALL and branch_usage is not None and Scope.ALL not in branch_usage.tools:
            version = state.view.tree, state.view.revision
            if self._session_tools[:2] != version:
                self._session_tools = *version, await state.store.session_tools(session)
            tools = self._session_tools[2]
            if state.view.branch_usage is branch_usage:
                tools_by_scope = {**branch_usage.tools, Scope.ALL: tools}
                state.publish(branch_usage=branch_usage._replace(tools=tools_by_scope))

    async def _load_money(self, session: Session, tree: TurnTree) -> None:
        branch_usage = self._state.view.branch_usage
        if branch_usage is not None and self._has_prices:
            priced = await self._pricing.price_branch(session, tree, branch_usage)
            if self._state.view.branch_usage is branch_usage:
                # Without its page the panes read the turns again, with their cost.
                self._state.publish(branch_usage=priced._replace(page=()))


def _next(choices: Sequence[T], current: T) -> T:
    return choices[(choices.index(current) + 1) % len(choices)]
