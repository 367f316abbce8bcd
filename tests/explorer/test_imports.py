"""Plain sessions become sessions with branches, as their user sees it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.conversations import turn
from tests.explorer.driver import Shown, settle, shown
from tui.screens.dialogs.progress import ProgressDialog


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("notes", path)
    await plain.add_items([*turn("One"), *turn("Two")])
    plain.close()
    return path


def waits(explorer: Shown) -> bool:
    return isinstance(explorer.app.screen, ProgressDialog)


@pytest.mark.parametrize("stopped", [False, True])
async def test_an_adoption_that_takes_a_while_says_so_and_can_be_stopped(path: Path, *, stopped: bool) -> None:
    async with shown(path) as explorer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            # Another program writes, so that the adoption has to wait.
            other.execute("BEGIN IMMEDIATE")
            await explorer.pilot.press("P")
            while not waits(explorer):
                await explorer.pilot.pause(0.01)
            await explorer.pilot.pause()
            assert "Adopting notes" in explorer.text
            if stopped:
                await explorer.pilot.press("escape")
            other.execute("ROLLBACK")
            while waits(explorer):
                await explorer.pilot.pause(0.01)
        await settle(explorer.pilot)
        assert explorer.told.startswith("Stopped" if stopped else "Adopted 'notes', 4 items")
        session = explorer.controller.view.session
        assert session is not None
        assert session.plain == stopped
