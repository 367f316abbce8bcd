"""The usage pane in the explorer: by keys, and by the command palette."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations import open_sdk, spend, turn
from tests.explorer.test_explorer import opened
from tui.model import ChartView, Scope
from tui.screens.dialogs.picker import Picker


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """main has 200 turns; alt leaves it at 150 and says one thing."""
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    for number in range(1, 201):
        await sdk.add_items(turn(f"main {number}"))
        await sdk.store_run_usage(spend(100 * number, cached=50 * number))
    await sdk.create_branch_from_turn(150, "alt")
    await sdk.add_items(turn("alt"))
    await sdk.store_run_usage(spend(7))
    sdk.close()
    return path


async def test_bars_come_as_they_come_into_sight(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.until(lambda: "t150     7" in " ".join(explorer.text.split("█")) or "t150" in explorer.text)
        await explorer.press("3", "g")
        await explorer.until(lambda: "110" in explorer.text)
        await explorer.press("enter")
        assert explorer.place == ("alt", 1)
        assert "ran on main" in explorer.text


async def test_u_shows_what_turns_cost_again(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("U")
        view = explorer.screen.view
        assert view.chart is ChartView.RESEND_COST
        assert view.resend_cost is not None
        assert "path · resend cost" in explorer.text
        assert "re-sent" in explorer.text
        await explorer.press("U")
        assert "re-sent" not in explorer.text


async def test_a_model_to_price_as_is_picked_in_the_program(path: Path) -> None:
    async with opened(path) as explorer:
        assert "cost n/a: no model" in explorer.text
        explorer.screen.price_as()
        await explorer.until(lambda: isinstance(explorer.pilot.app.screen, Picker))
        await explorer.pilot.press(*"openai/gpt-5-mini")
        await explorer.pilot.press("enter")
        await explorer.until(
            lambda: bool(explorer.screen.view.branch_usage and explorer.screen.view.branch_usage.money)
        )
        await explorer.settle()
        branch_usage = explorer.screen.view.branch_usage
        assert branch_usage is not None
        path_cost = branch_usage.money[Scope.PATH]
        assert path_cost is not None
        assert path_cost.unpriced == 0
        assert f"${path_cost.amount:.2f}" in explorer.text
