"""Talking in the explorer: with the offline model, through the SDK's own runner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.conversations import open_sdk, turn
from tests.explorer.test_explorer import Opened
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.explorer.agent import TalkingExplorer
from tui.screens.dialogs.approval import ApprovalDialog
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.rerun import RerunDialog
from tui.storage.store import Store

AGENT = '''
from agents import Agent, function_tool
from tui.agent.offline import OfflineModel

@function_tool
def add(left: int, right: int) -> int:
    """Add two numbers."""
    return left + right

@function_tool(needs_approval=True)
def delete_everything(path: str) -> str:
    """Delete a folder."""
    return f"deleted {path}"

agent = Agent(name="Careful", model=OfflineModel(), tools=[add, delete_everything])
'''


SLOW_AGENT = """
from agents import Agent
from tui.agent.offline import OfflineModel

agent = Agent(name="Slow", model=OfflineModel(delay=0.1))
"""


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([*turn("hello", "Hi."), *turn("weather in Oslo", "Rain.")])
    sdk.close()
    return path


@asynccontextmanager
async def opened(path: Path, choice: AgentSettings | None = None) -> AsyncIterator[Opened]:
    controller = SessionController(Store(path), AgentRunner(choice or AgentSettings(model="offline")))
    await controller.open()
    app = ConvoApp(controller)
    async with app.run_test(size=(140, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, TalkingExplorer)
        explorer = Opened(pilot, screen)
        await explorer.settle()
        yield explorer
        if controller.agent is not None:
            await controller.agent.stop_all()
    controller.close()


async def answered(explorer: Opened, branch_id: str, turns: int) -> None:
    """Wait until a branch has so many turns and nothing runs."""
    await explorer.until(
        lambda: not explorer.screen.view.runs and explorer.screen.view.tree.branches[branch_id].turns == turns
    )
    await explorer.settle()


async def test_a_message_is_answered_where_it_was_sent(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.pilot.press("i", *"count to 9", "enter")
        await answered(explorer, "main", 3)
        assert explorer.place == ("main", 3)
        assert explorer.composer.text == ""
        assert "count to 9" in explorer.text
        assert "Esc stops" not in explorer.text
        await explorer.pilot.press("up")
        assert explorer.composer.text == "count to 9"


async def test_enter_in_the_fork_editor_forks_and_sends(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("f")
        await explorer.pilot.press(*", and Bergen", "enter")
        await explorer.until(lambda: explorer.screen.view.branch_id != "main")
        await answered(explorer, explorer.screen.view.branch_id, 2)
        made, at = explorer.place
        assert at == 2
        assert explorer.composer.text == ""
    sdk = open_sdk(path)
    assert [told["content"] for told in await sdk.get_conversation_turns(branch_id=made)] == [
        "hello",
        "weather in Oslo, and Bergen",
    ]
    assert len(await sdk.get_items(branch_id="main")) == 4
    sdk.close()


async def test_escape_stops_and_the_branch_goes_on(path: Path, tmp_path: Path) -> None:
    agent = tmp_path / "slow.py"
    agent.write_text(SLOW_AGENT)
    async with opened(path, AgentSettings(agent=f"{agent}:agent")) as explorer:
        await explorer.pilot.press("i", *"a long story", "enter")
        await explorer.until(
            lambda: any(
                item.type == "assistant" for run in explorer.screen.view.runs.values() for item in run.progress.live
            )
        )
        await explorer.pilot.press("escape")
        await explorer.until(lambda: explorer.screen.view.failure is not None)
        await answered(explorer, "main", 3)
        assert "Stopped" in explorer.told
        assert explorer.place == ("main", 3)
        await explorer.pilot.press(*"go on", "enter")
        await answered(explorer, "main", 4)
        assert explorer.place == ("main", 4)


async def test_three_r_makes_three_siblings(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.pilot.press("3", "r")
        await explorer.until(lambda: len(explorer.screen.view.tree.branches) == 4)
        await explorer.until(
            lambda: (
                not explorer.screen.view.runs
                and all(branch.turns == 2 for branch in explorer.screen.view.tree.branches.values())
            )
        )
        assert len(explorer.screen.view.tree.alternatives(explorer.screen.view.tree.tip("main"))) == 4


async def test_r_asks_how_often(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.pilot.press("r")
        await explorer.pilot.pause()
        assert isinstance(explorer.pilot.app.screen, RerunDialog)
        assert isinstance(explorer.pilot.app.focused, Input)
        await explorer.pilot.press("2", "tab", "space", "enter")
        await explorer.until(
            lambda: (
                not explorer.screen.view.runs
                and [branch.turns for branch in explorer.screen.view.tree.branches.values()] == [2, 2, 2]
            )
        )


async def test_a_failure_gives_the_text_back_and_tells_more(path: Path) -> None:
    choice = AgentSettings(model="any", base_url="http://127.0.0.1:9/v1", api="chat")
    async with opened(path, choice) as explorer:
        await explorer.pilot.press("i", *"anyone?", "enter")
        await explorer.until(lambda: explorer.screen.view.failure is not None and not explorer.screen.view.runs)
        await explorer.settle()
        assert explorer.composer.text == "anyone?"
        assert explorer.place == ("main", 2)
        await explorer.press("escape", "e")
        assert isinstance(explorer.pilot.app.screen, MessageDialog)


async def test_a_tool_that_needs_leave_asks_for_it(path: Path, tmp_path: Path) -> None:
    agent = tmp_path / "careful.py"
    agent.write_text(AGENT)
    async with opened(path, AgentSettings(agent=f"{agent}:agent")) as explorer:
        await explorer.pilot.press("i", *"use delete_everything", "enter")
        await explorer.until(lambda: isinstance(explorer.pilot.app.screen, ApprovalDialog))
        await explorer.pilot.press("escape", "enter")
        await explorer.until(lambda: isinstance(explorer.pilot.app.screen, ApprovalDialog))
        await explorer.pilot.press("n")
        await answered(explorer, "main", 3)
        items = explorer.screen.view.page.items if explorer.screen.view.page else ()
        outputs = [item.data["output"] for item in items if item.type == "function_call_output"]
        assert len(outputs) == 1
        assert "deleted" not in str(outputs[0])
        await explorer.pilot.press(*"use delete_everything", "enter")
        await explorer.until(lambda: isinstance(explorer.pilot.app.screen, ApprovalDialog))
        await explorer.pilot.press("y")
        await answered(explorer, "main", 4)
        items = explorer.screen.view.page.items if explorer.screen.view.page else ()
        outputs = [item.data["output"] for item in items if item.type == "function_call_output"]
        assert "deleted" in str(outputs[-1])
