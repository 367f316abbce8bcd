"""Random keys and clicks while another program writes: the panes agree, and nothing breaks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from textual import events

from tests.conversations import SdkSession, open_sdk, run_result, turn
from tests.explorer.driver import ExplorerDriver, open_explorer
from tui.commands.registry import COMMANDS

KEYS = [key for command in COMMANDS.values() if command.id != "app.quit" for key in command.keys.split(",")]
KEYS += ["up", "down", "left", "right", "home", "end", "pageup", "pagedown", "enter", "escape", "tab", "shift+tab"]
KEYS += ["space", "ctrl+d", "ctrl+u", "ctrl+j", "backspace", "delete", "enter", "escape", *"jkhlgGoaxn"]
SIZES = [(140, 40), (100, 30), (60, 24), (40, 12), (20, 5), (1, 1), (3, 60), (300, 100)]
STEPS = 30


async def write(path: Path) -> None:
    """Write two sessions with nested forks, tools, usage, and names that are markup or escape sequences."""
    for session_id in ("other", "[red]main[/]\x1b[31m"):
        sdk = open_sdk(path, session_id)
        for number in range(1, 6):
            await sdk.add_items(
                turn(f"question {number} [/x]", f"**answer** {number}", tool="look" if number % 2 else None)
            )
            await sdk.store_run_usage(run_result(100 * number))
        for number in (5, 3, 2):
            await sdk.create_branch_from_turn(number, f"[/b] {number} 가지\n")
            await sdk.add_items(turn("elsewhere"))
        sdk.close()


async def disturb(sdk: SdkSession, chance: random.Random) -> None:
    """Change the open session as another program may."""
    forks = [branch["branch_id"] for branch in await sdk.list_branches() if branch["branch_id"] != "main"]
    match chance.choice(["add", "add", "fork", "delete", "clear"]):
        case "add":
            await sdk.add_items(turn("from elsewhere", tool="look"))
        case "fork":
            await sdk.add_items(turn("to be forked"))
            await sdk.create_branch_from_turn(1, f"made elsewhere {chance.random()}")
        case "delete" if forks:
            await sdk.delete_branch(chance.choice(forks), force=True)
        case "clear":
            await sdk.clear_session()


async def step(explorer: ExplorerDriver, chance: random.Random) -> None:
    app = explorer.app
    match chance.choices(["keys", "click", "size"], [8, 3, 1])[0]:
        case "keys":
            for _ in range(chance.randint(1, 6)):
                # As fast as a terminal delivers keys after a delay.
                key = chance.choice(KEYS)
                app.post_message(events.Key(key, key if len(key) == 1 else None))
        case "click":
            await explorer.pilot.click(offset=(chance.randrange(app.size.width), chance.randrange(app.size.height)))
        case "size":
            await explorer.pilot.resize_terminal(*chance.choice(SIZES))


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_panes_agree_whatever_is_pressed(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It may press x, and Enter.
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    path = tmp_path / "monkey.sqlite"
    await write(path)
    async with open_explorer(path) as explorer:
        for number in range(STEPS):
            if number % 5 == 4:
                session = explorer.view.session
                sdk = open_sdk(path, session.session_id if session else "new")
                await disturb(sdk, chance)
                sdk.close()
            await step(explorer, chance)
            await explorer.pilot.pause()
            assert explorer.place[0] in {*explorer.view.tree.branches, ""}
        await explorer.settle()
        view = explorer.view
        assert explorer.place == (view.branch_id, view.turn)
        assert view.branch_usage is None or view.branch_usage.branch_id == view.branch_id
    assert "Traceback" not in capsys.readouterr().err
