"""Tokens, money and resend cost of branches."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conversations import open_sdk
from tui.controller import SessionController
from tui.errors import ConfigError, NotFoundError
from tui.model import ChartView, Scope
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
