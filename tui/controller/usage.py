"""The usage of branches: tokens, money and resend cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from tui.controller.loader import Loader
from tui.controller.pricing import Pricing
from tui.controller.state import State
from tui.errors import NotFoundError
from tui.model import EMPTY_TREE, BranchUsage, ChartView, ResendCost, Scope, Session, TurnTree, TurnUsage, usage_page

__all__ = ["UsageReport", "UsageViews"]

T = TypeVar("T")


class UsageReport(NamedTuple):
    """The usage of one branch.

    Attributes:
        branch_usage: The sums of each scope, in tokens and money.
        turns: Its turns, from the first to the last.
        price_as: The model whose prices are used for turns whose own model is unknown or has no price.
    """

    session_id: str
    branch_usage: BranchUsage
    turns: tuple[TurnUsage, ...]
    resend_cost: ResendCost
    price_as: str | None = None


class UsageViews:
    """Computes the usage of the shown branch, and changes what the usage pane shows."""

    def __init__(self, state: State, loader: Loader, pricing: Pricing) -> None:
        self._state = state
        self._loader = loader
        self._pricing = pricing
        self._loaded: tuple[TurnTree, int] = EMPTY_TREE, -1

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
                state.publish(branch_usage=branch_usage)
                await self._load_resend_cost(view.session, view.tree)
                await self._load_money(view.session, view.tree)

    def next_scope(self) -> None:
        """Show the next sum: own, path, all."""
        self._state.publish(scope=_next(list(Scope), self._state.view.scope))

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
        branch_usage = view.branch_usage and view.branch_usage._replace(money={})
        self._loaded = EMPTY_TREE, -1
        # The new revision makes the panes read the turns again.
        self._state.publish(price_as=model or "", branch_usage=branch_usage, revision=view.revision + 1)
        await self.load()

    async def priced_models(self) -> list[str]:
        """Return the models that have a price."""
        return await self._pricing.priced_models()

    async def next_chart(self) -> None:
        """Show the next chart: tokens, resend cost."""
        state = self._state
        state.publish(chart=_next(list(ChartView), state.view.chart))
        view = state.view
        if view.session is not None and view.branch_id in view.tree.branches:
            async with state.usage_lock:
                await self._load_resend_cost(view.session, view.tree)

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
            branch_usage = branch_usage._replace(money=await self._pricing.totals(session, tree, branch_id))
            turns = await self._pricing.price(turns)
        resend_cost = await store.resend_cost(session, tree, branch_id)
        return UsageReport(session_id, branch_usage, turns, resend_cost, self._state.view.price_as or None)

    async def _load_resend_cost(self, session: Session, tree: TurnTree) -> None:
        state = self._state
        branch_id = state.view.branch_id
        if state.view.chart is ChartView.RESEND_COST:
            resend_cost = await state.store.resend_cost(session, tree, branch_id)
            if state.view.tree is tree and state.view.branch_id == branch_id:
                state.publish(resend_cost=resend_cost)

    async def _load_money(self, session: Session, tree: TurnTree) -> None:
        branch_usage = self._state.view.branch_usage
        if branch_usage is not None and self._pricing.is_needed(branch_usage):
            money = await self._pricing.totals(session, tree, branch_usage.branch_id)
            if self._state.view.branch_usage is branch_usage:
                # Without its page the panes read the turns again, with their cost.
                self._state.publish(branch_usage=branch_usage._replace(money=money, page=()))


def _next(choices: Sequence[T], current: T) -> T:
    return choices[(choices.index(current) + 1) % len(choices)]
