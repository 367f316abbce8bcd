"""Adopting plain sessions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.conversations import turn
from tests.explorer.driver import ExplorerDriver, open_explorer
from tui.screens.dialogs.progress import ProgressDialog


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("notes", path)
    await plain.add_items([*turn("One"), *turn("Two")])
    plain.close()
    return path


def shows_progress(explorer: ExplorerDriver) -> bool:
    return isinstance(explorer.app.screen, ProgressDialog)


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_long_adoption_shows_its_progress_and_can_be_stopped(path: Path, *, stopped: bool) -> None:
    async with open_explorer(path) as explorer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            # Another program writes, so that the adoption has to wait.
            other.execute("BEGIN IMMEDIATE")
            await explorer.pilot.press("P")
            await explorer.until(lambda: shows_progress(explorer))
            await explorer.pilot.pause()
            assert "Adopting notes" in explorer.text
            if stopped:
                await explorer.pilot.press("escape")
            other.execute("ROLLBACK")
            await explorer.until(lambda: not shows_progress(explorer))
        await explorer.settle()
        assert explorer.notice.startswith("Stopped" if stopped else "Added 4 messages of 'notes' to branch 'main'")
        session = explorer.controller.view.session
        assert session is not None
        assert session.plain == stopped


async def test_messages_in_no_branch_are_named_and_found_until_they_are_adopted(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("P")
        plain = SQLiteSession("notes", path)
        await plain.add_items(turn("Written by another program"))
        plain.close()
    async with open_explorer(path) as explorer:
        assert "1 branch · 2 messages in none: P" in explorer.text
        await explorer.press("ctrl+f", *"another", "tab", "enter")
        assert explorer.notice == "This message of 'notes' is in no branch. P adds a branch for it."
        await explorer.press("escape", "P")
        assert "in none" not in explorer.text
        await explorer.press("b", *"plain", "enter")
        assert "Written by another program" in explorer.text
