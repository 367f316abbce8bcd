"""The usage pane, by keys and by the command palette."""

from __future__ import annotations

from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.conversations import open_sdk, run_result, turn
from tests.explorer.driver import open_explorer
from tui.model import ChartView, Scope
from tui.screens.dialogs.picker import Picker


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """main has 200 turns; alt leaves it at turn 150 and has one turn of its own."""
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    for number in range(1, 201):
        await sdk.add_items(turn(f"main {number}"))
        await sdk.store_run_usage(run_result(100 * number, cached=50 * number))
    await sdk.create_branch_from_turn(150, "alt")
    await sdk.add_items(turn("alt"))
    await sdk.store_run_usage(run_result(7))
    sdk.close()
    return path


async def test_bars_are_read_when_they_become_visible(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.until(lambda: "t150" in explorer.text)
        await explorer.press("3", "g")
        await explorer.until(lambda: "110" in explorer.text)
        await explorer.press("enter")
        assert explorer.place == ("alt", 1)
        assert "ran on main" in explorer.text


async def test_enter_on_the_selected_turn_of_the_strip_shows_its_requests(path: Path) -> None:
    async with open_explorer(path, size=(100, 30)) as explorer:
        await explorer.press("3", "left", "enter")
        assert explorer.place == ("alt", 149)
        assert "requests not recorded" not in explorer.text
        await explorer.press("enter")
        await explorer.until(lambda: "requests not recorded" in explorer.text)
        assert explorer.app.screen.focused is explorer.usage.chart
        await explorer.press("left")
        assert "requests not recorded" not in explorer.text
        await explorer.press("plus")
        assert explorer.app.screen.focused is explorer.usage.strip
        strip = explorer.usage.strip
        await explorer.pilot.click(strip, offset=(3 * (149 - strip.first), 0))
        await explorer.until(lambda: "requests not recorded" in explorer.text)


async def test_u_shows_the_resend_cost(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("dollar_sign")
        view = explorer.view
        assert view.chart is ChartView.RESEND_COST
        assert view.resend_cost is not None
        assert "path · resend cost" in explorer.text
        assert "re-sent" in explorer.text
        await explorer.press("dollar_sign")
        assert "re-sent" not in explorer.text


async def test_the_palette_finds_the_price_model_by_money(path: Path) -> None:
    async with open_explorer(path) as explorer:
        assert "no price: Ctrl+P, Price as" in explorer.text
        await explorer.press("ctrl+p", *"money")
        await explorer.until(lambda: "Price as" in explorer.text)
        await explorer.pilot.press("enter")
        await explorer.until(lambda: isinstance(explorer.app.screen, Picker))
        await explorer.pilot.press(*"openai/gpt-5-mini")
        await explorer.pilot.press("enter")
        await explorer.until(lambda: bool(explorer.view.branch_usage and explorer.view.branch_usage.money))
        await explorer.settle()
        branch_usage = explorer.view.branch_usage
        assert branch_usage is not None
        path_cost = branch_usage.money[Scope.PATH]
        assert path_cost is not None
        assert path_cost.unpriced == 0
        assert f"${path_cost.amount:.2f}" in explorer.text
        await explorer.press("dollar_sign")
        await explorer.until(lambda: explorer.view.largest_cost is not None)
        await explorer.settle()
        assert "path · money" in explorer.text
        assert any("t149↰" in line and "$" in line for line in explorer.lines)
        await explorer.press("dollar_sign")
        assert "path · resend cost" in explorer.text


async def test_a_plain_session_has_bars_of_estimated_sizes(tmp_path: Path) -> None:
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("support", path)
    await plain.add_items([*turn("a", "short"), *turn("b", "long " * 400, tool="search")])
    plain.close()
    async with open_explorer(path) as explorer:
        await explorer.until(lambda: explorer.view.text_sizes is not None)
        await explorer.settle()
        sizes = explorer.view.text_sizes
        assert sizes is not None
        second = sizes.turn(2)
        assert second is not None
        assert second.from_model > 500
        assert second.to_model < 50
        assert "█████   ≈586" in explorer.text
        assert "≈ estimated from text" in explorer.text
        assert "path · estimated" in explorer.text
        await explorer.press("dollar_sign")
        assert explorer.view.chart is ChartView.TOKENS
        assert "no other chart" in explorer.notice


async def test_u_counts_the_tools_of_each_scope(tmp_path: Path) -> None:
    path = tmp_path / "tools.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items(turn("one", tool="search"))
    await sdk.add_items(turn("two", tool="search"))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("another two", tool="search"))
    sdk.close()
    counted = []
    async with open_explorer(path) as explorer:
        for _ in Scope:
            view = explorer.view
            assert view.branch_usage is not None
            counted.append((view.scope, view.branch_usage.tools[view.scope]))
            await explorer.press("u")
    assert counted == [
        (Scope.PATH, (("search", 2),)),
        (Scope.ALL, (("search", 3),)),
        (Scope.OWN, (("search", 1),)),
    ]
