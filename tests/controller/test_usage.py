"""Tokens, money and resend cost of branches."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import open_sdk, turn
from tui.controller import SessionController
from tui.errors import ConfigError, NotFoundError
from tui.model import ChartView, Scope
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store


async def test_the_next_scope_is_shown_in_turn(controller: SessionController) -> None:
    scopes = []
    for _ in Scope:
        scopes.append(controller.view.scope)
        controller.usage.next_scope()
    assert scopes == [Scope.PATH, Scope.ALL, Scope.OWN]
    assert controller.view.scope == scopes[0]


async def test_usage_is_loaded_after_overtaken_navigations(controller: SessionController) -> None:
    commands = [
        controller.navigation.switch_branch("main"),
        controller.navigation.switch_branch("alt"),
        controller.navigation.leave_preview(),
    ]
    await asyncio.gather(*commands, controller.navigation.preview("main", 1))
    assert controller.view.branch_usage is not None
    assert controller.view.branch_usage.branch_id == "main"


async def test_turns_have_a_cost_once_a_model_is_chosen(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    branch_usage = controller.view.branch_usage
    assert branch_usage is not None
    assert branch_usage.money == {}
    assert all(turn.cost is None for turn in await controller.pages.turn_usages(1, 4))
    revision = controller.view.revision
    await controller.usage.set_price_as("gpt-5-mini")
    assert controller.view.revision > revision
    branch_usage = controller.view.branch_usage
    assert branch_usage is not None
    path = branch_usage.money[Scope.PATH]
    assert path is not None
    turns = await controller.pages.turn_usages(1, 4)
    assert path.amount == sum(turn.cost.amount for turn in turns if turn.cost) > 0
    assert (path.turns, path.unpriced) == (4, 0)
    await controller.navigation.switch_branch("deep")
    branch_usage = controller.view.branch_usage
    assert branch_usage is not None
    assert branch_usage.money[Scope.OWN] is None
    assert branch_usage.money[Scope.PATH] is not None
    await controller.usage.set_price_as(None)
    assert controller.view.branch_usage is not None
    assert controller.view.branch_usage.money == {}


async def test_a_model_without_a_price_is_refused_once_and_the_rest_is_shown(controller: SessionController) -> None:
    controller.usage.set_initial_price_model("gpt-99")
    with pytest.raises(ConfigError, match="no price for a model 'gpt-99'"):
        await controller.navigation.switch_branch("main")
    assert controller.view.branch_usage is not None
    assert controller.view.price_as == ""
    await controller.navigation.switch_branch("deep")


async def test_the_resend_cost_is_loaded_for_its_chart_and_follows_the_branch(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    assert controller.view.resend_cost is None
    await controller.usage.next_chart()
    view = controller.view
    assert view.resend_cost is not None
    assert (view.chart, view.resend_cost.branch_id, len(view.resend_cost)) == (ChartView.RESEND_COST, "main", 4)
    assert view.notice is not None
    assert view.notice.text.startswith("No chart in money: no model with a price is recorded. Ctrl+P, Price as a model")
    await controller.navigation.switch_branch("alt")
    view = controller.view
    assert view.resend_cost is not None
    assert view.resend_cost.branch_id == "alt"
    await controller.usage.next_chart()
    view = controller.view
    assert view.chart is ChartView.TOKENS


async def test_the_chart_in_money_names_models_without_a_price(tmp_path: Path) -> None:
    path = tmp_path / "local.sqlite"
    session = AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True)
    await session.add_items(turn("hello"))
    await session.record_request(SentRequest(RequestUsage(100, 10), "Guide", "nobody-knows-it"), first=True)
    await session.record_run(outcome="done", model="nobody-knows-it")
    session.close()
    controller = SessionController(Store(path))
    await controller.open()
    await controller.load_rest()
    await controller.usage.next_chart()
    assert controller.view.chart is ChartView.MONEY
    assert controller.view.notice is not None
    assert controller.view.notice.text.startswith("No turn has a price: the price lists have none for nobody-knows-it.")
    assert "Price as a model" in controller.view.notice.text
    controller.close()


async def test_a_report_has_the_usage_of_a_branch(controller: SessionController) -> None:
    report = await controller.usage.report("support", "main")
    assert [turn.usage.input_tokens for turn in report.turns if turn.usage] == [100, 200, 300, 400]
    assert (report.branch_usage.turns_with_usage, len(report.resend_cost), report.price_as) == (4, 4, None)
    with pytest.raises(NotFoundError):
        await controller.usage.report("support", "nothing")
    with pytest.raises(NotFoundError):
        await controller.usage.report("nobody")


async def test_a_branch_without_turns_has_usage_without_turns(tmp_path: Path) -> None:
    path = tmp_path / "greeting.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([{"role": "assistant", "content": "How can I help?"}])
    sdk.close()
    controller = SessionController(Store(path))
    await controller.open()
    await controller.load_rest()
    assert controller.view.branch_usage is not None
    assert (controller.view.turn, controller.view.branch_usage.page) == (0, ())
    controller.close()


MODELS = st.sampled_from(["gpt-5-mini", "gpt-5", "gemini-2.5-pro", "nobody-knows-it", None])
TOKENS = st.sampled_from([1_000, 150_000, 250_000])
REQUESTS = st.lists(st.tuples(MODELS, TOKENS, st.integers(0, 1_000)), min_size=1, max_size=3)
TURNS = st.lists(st.tuples(st.none() | st.booleans(), MODELS, REQUESTS), min_size=1, max_size=5)


@given(TURNS, st.integers(1, 5))
@settings(max_examples=15, deadline=None)
def test_the_cost_of_a_scope_is_that_of_its_turns_and_theirs_is_that_of_their_requests(
    tmp_path_factory: pytest.TempPathFactory, turns: list[Any], fork: int
) -> None:
    asyncio.run(_compare_costs(tmp_path_factory.mktemp("costs") / "costs.sqlite", turns, fork))


async def _compare_costs(path: Path, turns: list[Any], fork: int) -> None:
    session = AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True)
    await session.add_items(turn("turn 0"))
    await session.record_run(outcome="done", model="gpt-5-mini")
    for number, (recorded, model, requests) in enumerate(turns, 1):
        if number == fork:
            await session.create_branch_from_turn(number, "fork")
        await session.add_items(turn(f"turn {number}"))
        sent = [SentRequest(RequestUsage(tokens, 10, cached), "Guide", name) for name, tokens, cached in requests]
        for index, request in enumerate(sent):
            await session.record_request(request, first=index == 0)
        if recorded is not None:
            await session.record_run(outcome="done", model=model)
        if recorded:
            # Another program replaces the usage: the requests are not those of the turn.
            with closing(sqlite3.connect(path)) as db, db:
                db.execute(
                    "UPDATE turn_usage SET output_tokens = output_tokens + 1 WHERE user_turn_number = ?", [number]
                )
    branches = [branch["branch_id"] for branch in await session.list_branches()]
    session.close()
    store = Store(path)
    controller = SessionController(store)
    reports = [await controller.usage.report("support", branch_id) for branch_id in branches]
    controller.close()
    for report in reports:
        costs = {found.turn: found.cost for found in report.turns if found.cost is not None}
        own = [found.turn for found in report.turns if found.branch_id == report.branch_usage.branch_id]
        for scope, of_scope in ((Scope.PATH, list(costs)), (Scope.OWN, own)):
            money = report.branch_usage.money[scope]
            parts = [costs[number] for number in of_scope if number in costs]
            sums = (sum(part.amount for part in parts), len(parts), sum(part.unpriced for part in parts))
            assert (money and (money.amount, money.turns, money.unpriced)) == (sums if parts else None)
            assert money is None or money.estimated == any(part.estimated for part in parts)
        for found in report.turns:
            if found.requests and found.cost is not None:
                assert found.cost.amount == sum(request.cost.amount for request in found.requests if request.cost)
                assert found.cost.unpriced == any(request.cost.unpriced for request in found.requests if request.cost)
