"""A compacted branch in the explorer: its mark, the comparison with its history, and undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conversations import assistant_message, turn, write_turns
from tests.explorer.driver import open_explorer
from tui.screens.compare import CompareScreen
from tui.session import AdvancedSQLiteSession


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file whose branch has three turns."""
    return await write_turns(tmp_path, *(turn(f"question {number}", f"Answer {number}.") for number in (1, 2, 3)))


async def test_a_compacted_branch_is_marked_and_compared_with_its_history(path: Path) -> None:
    async with AdvancedSQLiteSession(session_id="support", db_path=path) as session:
        items: list[Any] = [{"role": "user", "content": "question 3"}, assistant_message("A summary.")]
        await session._atomic_replace_items(items)
    async with open_explorer(path) as explorer:
        assert explorer.view.branch_id == "main"
        assert "≋ main" in explorer.text
        assert "question 1" not in explorer.text
        await explorer.press("c")
        assert isinstance(explorer.app.screen, CompareScreen)
        await explorer.until(lambda: "question 1" in explorer.text and "A summary." in explorer.text)
        await explorer.press("escape")
        await explorer.press("full_stop")
        assert "main_before_compaction" in explorer.view.tree.branches
        assert "[⊘ " in explorer.text
        await explorer.press("z")
        assert list(explorer.view.tree.branches) == ["main"]
        assert "question 1" in explorer.text
        assert "≋" not in explorer.text
