"""The explorer on files with other values, schemas or bytes than a session class writes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.damage import change, damage, write_sample
from tests.explorer.driver import open_explorer
from tui.commands.registry import COMMANDS
from tui.errors import FileError, NotFoundError

SEEDS = range(8)
KEYS = [key for command in COMMANDS.values() if command.id != "app.quit" for key in command.keys.split(",")]
KEYS += ["up", "down", "left", "right", "home", "end", "pageup", "pagedown", "enter", "escape", "tab", *"jkjkgG12"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_keys_on_damaged_files(seed: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The keys may export a branch.
    monkeypatch.chdir(path.parent)
    await write_sample(path)
    chance = random.Random(seed)
    damage(path, chance)
    try:
        async with open_explorer(path) as explorer:
            for _ in range(12):
                await explorer.press(*(chance.choice(KEYS) for _ in range(3)))
            assert explorer.app._exception is None
    except (FileError, NotFoundError):
        # It is not opened: the error says why.
        return


async def test_a_file_with_other_values_is_not_changed(path: Path) -> None:
    await write_sample(path)
    change(
        path,
        "UPDATE message_structure SET user_turn_number = 1000000000000 WHERE user_turn_number = 4",
        "DELETE FROM agent_messages WHERE session_id = 'plain'",
    )
    async with open_explorer(path, "main") as explorer:
        assert explorer.place == ("main", 4)
        assert "question 4" in explorer.text
        assert "read-only" in explorer.text
        await explorer.press("f")
        assert explorer.view.fork is None
