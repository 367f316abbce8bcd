"""An explorer with an agent: the offline model in the SDK's own runner."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.conversations import open_sdk, turn, write_turns
from tests.explorer.driver import ExplorerDriver, open_explorer
from tui.agent.settings import AgentSettings
from tui.screens.dialogs.approval import ApprovalDialog
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.rerun import RerunDialog

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


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await write_turns(tmp_path, turn("hello", "Hi."), turn("weather in Oslo", "Rain."))


SLOW_AGENT = """
from agents import Agent
from tui.agent.offline import OfflineModel

agent = Agent(name="Slow", model=OfflineModel(delay=0.1))
"""

OFFLINE = AgentSettings(model="offline")


async def answered(explorer: ExplorerDriver, branch_id: str, turns: int) -> None:
    """Wait until a branch has this many turns and nothing runs."""
    await explorer.until(lambda: not explorer.view.runs and explorer.view.tree.branches[branch_id].turns == turns)
    await explorer.settle()


async def test_a_message_is_answered_where_it_was_sent(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.pilot.press("i", *"count to 9", "enter")
        await answered(explorer, "main", 3)
        assert explorer.place == ("main", 3)
        assert explorer.composer.text == ""
        assert "count to 9" in explorer.text
        assert "Esc stops" not in explorer.text
        await explorer.pilot.press("up")
        assert explorer.composer.text == "count to 9"


async def test_enter_in_the_fork_editor_forks_and_sends(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.press("f")
        await explorer.pilot.press(*", and Bergen", "enter")
        await explorer.until(lambda: explorer.view.branch_id != "main")
        await answered(explorer, explorer.view.branch_id, 2)
        made, at = explorer.place
        assert at == 2
        assert explorer.composer.text == ""
    sdk = open_sdk(path)
    assert [user_turn["content"] for user_turn in await sdk.get_conversation_turns(branch_id=made)] == [
        "hello",
        "weather in Oslo, and Bergen",
    ]
    assert len(await sdk.get_items(branch_id="main")) == 4
    sdk.close()


async def test_escape_stops_a_run_and_the_branch_can_be_continued(path: Path, tmp_path: Path) -> None:
    agent = tmp_path / "slow.py"
    agent.write_text(SLOW_AGENT)
    async with open_explorer(path, agent=AgentSettings(agent=f"{agent}:agent")) as explorer:
        await explorer.pilot.press("i", *"a long story", "enter")
        await explorer.until(
            lambda: any(item.type == "assistant" for run in explorer.view.runs.values() for item in run.progress.live)
        )
        await explorer.pilot.press("escape")
        await explorer.until(lambda: explorer.view.failure is not None)
        await answered(explorer, "main", 3)
        assert "Stopped" in explorer.notice
        assert explorer.place == ("main", 3)
        await explorer.pilot.press(*"go on", "enter")
        await answered(explorer, "main", 4)
        assert explorer.place == ("main", 4)


async def test_three_r_makes_three_siblings(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.pilot.press("3", "r")
        await explorer.until(lambda: len(explorer.view.tree.branches) == 4)
        await explorer.until(
            lambda: not explorer.view.runs and all(branch.turns == 2 for branch in explorer.view.tree.branches.values())
        )
        assert len(explorer.view.tree.alternatives(explorer.view.tree.last_chain("main"))) == 4


async def test_r_asks_how_many_times(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.pilot.press("r")
        await explorer.pilot.pause()
        assert isinstance(explorer.app.screen, RerunDialog)
        assert isinstance(explorer.app.focused, Input)
        await explorer.pilot.press("2", "tab", "space", "enter")
        await explorer.until(
            lambda: (
                not explorer.view.runs
                and [branch.turns for branch in explorer.view.tree.branches.values()] == [2, 2, 2]
            )
        )


async def test_a_failed_run_returns_the_message_and_e_shows_details(path: Path) -> None:
    settings = AgentSettings(model="any", base_url="http://127.0.0.1:9/v1", api="chat")
    async with open_explorer(path, agent=settings) as explorer:
        await explorer.pilot.press("i", *"anyone?", "enter")
        await explorer.until(lambda: explorer.view.failure is not None and not explorer.view.runs)
        await explorer.settle()
        assert explorer.composer.text == "anyone?"
        assert explorer.place == ("main", 2)
        await explorer.press("escape", "e")
        assert isinstance(explorer.app.screen, MessageDialog)


async def test_a_tool_that_needs_approval_asks_for_it(path: Path, tmp_path: Path) -> None:
    agent = tmp_path / "careful.py"
    agent.write_text(AGENT)
    async with open_explorer(path, agent=AgentSettings(agent=f"{agent}:agent")) as explorer:
        await explorer.pilot.press("i", *"use delete_everything", "enter")
        await explorer.until(lambda: isinstance(explorer.app.screen, ApprovalDialog))
        await explorer.pilot.press("escape", "enter")
        await explorer.until(lambda: isinstance(explorer.app.screen, ApprovalDialog))
        await explorer.pilot.press("n")
        await answered(explorer, "main", 3)
        items = explorer.view.page.items if explorer.view.page else ()
        outputs = [item.data["output"] for item in items if item.type == "function_call_output"]
        assert len(outputs) == 1
        assert "deleted" not in str(outputs[0])
        await explorer.pilot.press(*"use delete_everything", "enter")
        await explorer.until(lambda: isinstance(explorer.app.screen, ApprovalDialog))
        await explorer.pilot.press("y")
        await answered(explorer, "main", 4)
        items = explorer.view.page.items if explorer.view.page else ()
        outputs = [item.data["output"] for item in items if item.type == "function_call_output"]
        assert "deleted" in str(outputs[-1])
