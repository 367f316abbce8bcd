"""Drawing and reading no more than what changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.strip import Strip

from tests.explorer.driver import open_explorer
from tui.controller.pages import Pages
from tui.model import TurnUsage
from tui.render import Line
from tui.widgets.lines.paint import paint
from tui.widgets.tree.branch_tree import BranchTree


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """The lines of the chat that were painted, and not just shown again."""
    lines: list[Line] = []

    def counted(line: Line, width: int, **looks: Any) -> Strip:
        lines.append(line)
        return paint(line, width, **looks)

    monkeypatch.setattr("tui.widgets.transcript.item_view.paint", counted)
    return lines


async def test_moving_within_a_turn_draws_only_the_rows_that_change(path: Path, painted: list[Line]) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g")
        painted.clear()
        await explorer.press("j")
        assert 0 < len(painted) <= 8


async def test_a_page_that_was_shown_is_not_painted_again(long_path: Path, painted: list[Line]) -> None:
    async with open_explorer(long_path) as explorer:
        await explorer.press("2", "g", "pagedown", "pageup", "pagedown", "pageup")
        painted.clear()
        first = explorer.chat.rows
        await explorer.press("pagedown")
        assert explorer.chat.rows != first
        await explorer.press("pageup")
        assert explorer.chat.rows == first
        assert not painted


async def test_another_turn_in_the_chat_draws_two_rows_of_the_tree(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g")
        drawn: list[int] = []
        draw = BranchTree.render_line

        def counted(tree: BranchTree, y: int) -> Strip:
            drawn.append(y)
            return draw(tree, y)

        monkeypatch.setattr(BranchTree, "render_line", counted)
        before = explorer.view
        await explorer.press("j", "j")
        assert (before.turn, explorer.view.turn) == (1, 2)
        assert 0 < len(set(drawn)) <= 2


async def test_the_bars_around_the_selected_turn_are_read_with_the_sums(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    read = Pages.turn_usages

    async def counted(pages: Pages, first: int, last: int) -> tuple[TurnUsage, ...]:
        asked.append((first, last))
        return await read(pages, first, last)

    monkeypatch.setattr(Pages, "turn_usages", counted)
    async with open_explorer(path) as explorer:
        await explorer.press("]")
        assert explorer.place[0] != "main"
        branch_usage = explorer.view.branch_usage
        assert branch_usage is not None
        assert [turn.turn for turn in branch_usage.page] == list(range(1, branch_usage.turns + 1))
        assert not asked
