"""An explorer with an agent: the offline model in the SDK's own runner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from agents import SQLiteSession
from textual.widgets import Input

from tests.conversations import open_sdk, turn, write_turns
from tests.explorer.driver import ExplorerDriver, open_explorer, typed
from tui.agent.settings import AgentSettings
from tui.runs.manager import BranchRef
from tui.runs.tool_input import branch_of_run
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.rerun import RerunDialog
from tui.screens.dialogs.tool_input import ToolInputDialog
from tui.storage.editor import Editor

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

    def is_answered() -> bool:
        branch = explorer.view.tree.branches.get(branch_id)
        return not explorer.view.runs and branch is not None and branch.turns == turns

    await explorer.until(is_answered)
    await explorer.settle()


async def fork_alt(explorer: ExplorerDriver) -> None:
    """Make and show a branch `alt` that has the first turn of `main`."""
    await explorer.controller.forks.begin(2)
    await explorer.controller.forks.make("alt")


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
        await explorer.press("escape", "d")
        assert "usage of ≈" in explorer.text
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


async def test_a_digit_before_r_goes_to_a_pane(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.press("3", "up", "r")
        assert isinstance(explorer.app.screen, RerunDialog)
        await explorer.press("escape", "9", "r", "escape")
        assert list(explorer.view.tree.branches) == ["main"]


async def test_a_digit_after_r_is_the_number_of_siblings(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.pilot.press("r", "3", "enter")
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


@asynccontextmanager
async def open_careful(path: Path) -> AsyncIterator[ExplorerDriver]:
    """Open a file with an agent whose tool `delete_everything` needs approval."""
    agent = path.with_name("careful.py")
    agent.write_text(AGENT)
    async with open_explorer(path, agent=AgentSettings(agent=f"{agent}:agent")) as explorer:
        await explorer.press("i")
        yield explorer


def outputs(explorer: ExplorerDriver) -> list[str]:
    """Return the outputs of the tool calls."""
    items = explorer.view.page.items if explorer.view.page else ()
    return [str(item.data["output"]) for item in items if item.type == "function_call_output"]


async def until_asked(explorer: ExplorerDriver) -> None:
    """Wait until the prompt asks for an approval."""
    await explorer.until(lambda: explorer.screen.panes.approval.is_open)
    await explorer.pilot.pause()


async def test_a_tool_that_needs_approval_asks_for_it_in_place_of_the_composer(path: Path) -> None:
    async with open_careful(path) as explorer:
        await explorer.pilot.press(*"use delete_everything", "enter")
        await until_asked(explorer)
        assert "Approve delete_everything?" in explorer.text
        assert not explorer.composer.display
        await explorer.click_text("Reject")
        await answered(explorer, "main", 3)
        assert "deleted" not in outputs(explorer)[0]
        assert explorer.composer.has_focus_within
        await explorer.pilot.press(*"use delete_everything", "enter")
        await until_asked(explorer)
        await explorer.click_text("Approve  ")
        await answered(explorer, "main", 4)
        assert "deleted" in outputs(explorer)[-1]


async def test_a_message_on_its_way_is_no_answer(path: Path) -> None:
    async with open_careful(path) as explorer:
        await explorer.pilot.press(*"use delete_everything", "enter")
        sent: tuple[str, ...] = ()
        for message in ("and pay", "never mind", "yes", "rest", "stop it"):
            await until_asked(explorer)
            await explorer.pilot.press(*message)
            assert explorer.composer.text == message
            assert [run.approvals[0].tool_name for run in explorer.view.runs.values()] == ["delete_everything"]
            await explorer.pilot.press("enter")
            sent = (*sent, message)
            await explorer.until(lambda: [run.queued for run in explorer.view.runs.values()] == [sent])  # noqa: B023
        await until_asked(explorer)
        assert outputs(explorer) == []


async def test_an_approval_waits_while_a_message_is_written(path: Path) -> None:
    async with open_careful(path) as explorer:
        await explorer.pilot.press(*"use delete_everything", "enter", *"and then")
        await explorer.until(lambda: bool(explorer.view.runs["main"].approvals))
        await explorer.pilot.pause()
        assert not explorer.screen.panes.approval.is_open
        assert "Esc answers" in explorer.text
        assert "esc Answer" in explorer.lines[-1]
        await explorer.pilot.press("escape", "down", "down", "down", "enter")
        await answered(explorer, "main", 3)
        assert "deleted" not in outputs(explorer)[0]
        assert explorer.composer.text == "and then"


async def test_after_answers_later_w_and_enter_and_a_click_ask_again(path: Path) -> None:
    async with open_careful(path) as explorer:
        prompt = explorer.screen.panes.approval
        await explorer.pilot.press(*"use delete_everything", "enter")
        await until_asked(explorer)
        for keys in (["w"], ["i", "enter"], ["i", *"text", "escape"]):
            await explorer.click_text("Answer later")
            assert explorer.composer.display
            await explorer.press("escape", *keys)
            assert prompt.has_focus_within, keys
        await explorer.press("escape")
        await explorer.click_text("needs approval")
        assert prompt.is_open
        await explorer.press("down", "enter")
        await answered(explorer, "main", 3)
        assert "deleted" in outputs(explorer)[0]
        assert explorer.composer.text == "text"


async def test_the_run_can_be_stopped_instead(path: Path) -> None:
    async with open_careful(path) as explorer:
        await explorer.pilot.press(*"use delete_everything", "enter")
        await until_asked(explorer)
        await explorer.click_text("Stop the run")
        await explorer.until(lambda: explorer.view.failure is not None and not explorer.view.runs)
        assert explorer.composer.display


async def test_estimated_tokens_are_marked_wherever_they_are_shown_also_while_the_run_waits(path: Path) -> None:
    async with open_careful(path) as explorer:
        await explorer.pilot.press(*"delete_everything all", "enter")
        await explorer.until(lambda: any(run.approvals for run in explorer.view.runs.values()))
        await explorer.settle()
        row, status = explorer.lines[5], explorer.lines[-2]
        assert "delete_everyth…" in row
        assert row[31:38].strip() == "≈169"
        assert "1 tool call · ≈169 tokens" in status
        # The usage of the branch is read in the background.
        sums = ("own ≈169  path ≈169  all ≈169", "≈117     ≈117", "paused · started")
        await explorer.until(lambda: all(shown in explorer.text for shown in sums))
        await explorer.pilot.resize_terminal(100, 40)
        await explorer.until(
            lambda: all(shown in explorer.text for shown in (" path ≈169 · ", "1 request · ■ in ≈117"))
        )


async def test_a_tool_that_asks_for_input_waits_while_a_fork_is_prepared(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.press("f")
        branch_of_run.set(BranchRef("support", "main"))
        asked = asyncio.create_task(asyncio.to_thread(input, "Whose name? "))
        await explorer.until(lambda: any("asks for input" in notice for notice in explorer.notices))
        assert not isinstance(explorer.app.screen, ToolInputDialog)
        await explorer.press("escape")
        await explorer.until(lambda: "A tool on 'main' asks for a line of input" in explorer.text)
        await explorer.press(*"Ada", "enter")
        assert await asked == "Ada"


async def test_a_conversation_is_begun_in_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    async with open_explorer(path, agent=OFFLINE, may_be_missing=True) as explorer:
        assert "new.sqlite does not exist yet. The first message creates it." in explorer.notice
        await explorer.press("enter", *"count", "escape", "z")
        assert "The first message creates it" in explorer.notice
        assert not list(tmp_path.iterdir())
        # Another program may write the file meanwhile; the text stays.
        await explorer.press("S")
        assert explorer.composer.text == "count"
        sdk = open_sdk(path, "theirs")
        await sdk.add_items(turn("hello"))
        sdk.close()
        await explorer.until(lambda: bool(explorer.view.sessions))
        await explorer.pilot.press(*typed(" to 3"), "enter")
        await answered(explorer, "main", 1)
        assert explorer.view.session is not None
        assert explorer.view.session.session_id == "session-1"
        assert explorer.composer.text == ""
        assert "count to 3" in explorer.text
    assert len(list(tmp_path.iterdir())) == 1
    sdk = open_sdk(path, "session-1")
    assert [dict(item)["role"] for item in await sdk.get_items()] == ["user", "assistant"]
    sdk.close()


async def test_a_session_is_begun_named_and_taken_back(path: Path, tmp_path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.press("S", *"hello", "escape")
        sdk = open_sdk(path, "theirs")
        await sdk.add_items(turn("hi"))
        sdk.close()
        await explorer.until(lambda: len(explorer.view.sessions) == 2)
        # What was typed is there again, also where another id is proposed.
        await explorer.press("S", "tab", *"support", "enter")
        assert explorer.notice.startswith("There is a session 'support' already.")
        assert explorer.composer.text == "hello"
        await explorer.pilot.press(*"-2", "enter")
        await answered(explorer, "main", 1)
        assert [session.session_id for session in explorer.view.sessions] == ["support-2", "theirs", "support"]
        await explorer.press("escape", "z", "z")
        assert explorer.view.session is not None
        assert explorer.view.session.session_id == "support"
        await explorer.press("Z", "Z")
        assert len(explorer.view.sessions) == 3
    # An agent that cannot be loaded begins nothing.
    new = tmp_path / "none.sqlite"
    broken = AgentSettings(agent=f"{tmp_path / 'nowhere.py'}:agent")
    async with open_explorer(new, agent=broken, may_be_missing=True) as explorer:
        await explorer.press(*"hello", "enter")
        assert explorer.composer.text == "hello"
        assert not new.exists()


@pytest.mark.parametrize("tables", ["plain", "empty"])
async def test_a_session_is_begun_where_there_are_only_plain_ones_or_none(tmp_path: Path, tables: str) -> None:
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("plain", path)
    if tables == "plain":
        await plain.add_items(turn("hello"))
    plain.close()
    async with open_explorer(path, agent=OFFLINE) as explorer:
        if tables == "plain":
            await explorer.press("S")
        await explorer.pilot.press(*"hi", "enter")
        await answered(explorer, "main", 1)
        assert explorer.view.sessions[0].session_id == ("session-2" if tables == "plain" else "session-1")


async def test_quitting_asks_while_an_answer_is_under_way(path: Path, tmp_path: Path) -> None:
    agent = tmp_path / "slow.py"
    agent.write_text(SLOW_AGENT.replace("0.1", "10"))
    editor = Editor(path, "agent_sessions", "agent_messages")
    await editor.label("support", "main", title="Stories", description="Named")
    async with open_explorer(path, agent=AgentSettings(agent=f"{agent}:agent")) as explorer:
        await explorer.pilot.press("i", *"a long story", "enter")
        await explorer.until(lambda: bool(explorer.view.runs))
        await explorer.pilot.press(*"next", "enter")
        await explorer.until(lambda: explorer.view.runs["main"].queued == ("next",))
        await explorer.until(lambda: "esc Stop" in explorer.lines[-1])
        await explorer.press("ctrl+q")
        assert "Quit, and stop 1 answer?" in explorer.text
        assert "Stories is under way; what has arrived is kept; 1 queued message will not be sent" in explorer.text
        await explorer.press("escape")
        assert explorer.view.runs["main"].queued == ("next",)
        await explorer.pilot.press("ctrl+q", "ctrl+q")
        await explorer.until(lambda: not explorer.app.is_running)


async def test_each_branch_keeps_the_text_that_was_typed_for_it(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await fork_alt(explorer)
        await explorer.press(*"for alt")
        await explorer.controller.navigation.switch_branch("main")
        await explorer.settle()
        assert explorer.composer.text == ""
        assert "Unsent text elsewhere: alt" in explorer.text
        await explorer.press(*"for main", "enter")
        await answered(explorer, "main", 3)
        await explorer.press("escape", "minus")
        assert explorer.view.branch_id == "alt"
        assert explorer.composer.text == "for alt"
        assert "Message to alt" in explorer.text


async def test_a_message_goes_to_the_branch_that_was_shown_when_it_was_sent(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await fork_alt(explorer)
        await explorer.press(*"for alt")
        explorer.composer.action_send()
        await explorer.controller.navigation.switch_branch("main")
        await answered(explorer, "alt", 2)
        assert explorer.place == ("main", 2)
        assert explorer.composer.unsent_texts == []


async def test_a_message_that_failed_is_given_back_to_its_branch(path: Path) -> None:
    settings = AgentSettings(model="any", base_url="http://127.0.0.1:9/v1", api="chat")
    async with open_explorer(path, agent=settings) as explorer:
        await fork_alt(explorer)
        await explorer.press(*"anyone?")
        explorer.composer.action_send()
        await explorer.controller.navigation.switch_branch("main")
        await explorer.until(lambda: explorer.view.failure is not None and not explorer.view.runs)
        assert explorer.composer.text == ""
        await explorer.controller.navigation.switch_branch("alt")
        await explorer.settle()
        assert explorer.composer.text == "anyone?"


async def test_a_text_is_not_sent_to_another_branch_if_its_own_is_deleted_meanwhile(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await fork_alt(explorer)
        await explorer.press(*typed("Do not "))
        sdk = open_sdk(path)
        await sdk.delete_branch("alt")
        sdk.close()
        await explorer.until(lambda: explorer.view.branch_id == "main")
        await explorer.press(*"book", "enter")
        assert explorer.composer.text == "Do not book"
        assert explorer.notice == "The branch of your text is gone: Enter again sends it to main."
        assert not explorer.view.runs
        await explorer.press("escape", "q")
        assert "unsent, for main: “Do not book”" in explorer.text


async def test_what_waits_behind_a_run_is_kept_if_the_branch_is_deleted(path: Path, tmp_path: Path) -> None:
    agent = tmp_path / "slow.py"
    agent.write_text(SLOW_AGENT)
    async with open_explorer(path, agent=AgentSettings(agent=f"{agent}:agent")) as explorer:
        await fork_alt(explorer)
        await explorer.press(*typed("a long story"), "enter")
        await explorer.until(lambda: "alt" in explorer.view.runs)
        await explorer.press(*"next", "enter", "tab")
        await explorer.until(lambda: explorer.view.runs["alt"].queued == ("next",))
        sdk = open_sdk(path)
        await sdk.delete_branch("alt")
        sdk.close()
        await explorer.until(lambda: explorer.view.failure is not None and not explorer.view.runs)
        await explorer.settle()
        assert "Up in the composer brings back what was not sent." in explorer.notices[-1]
        await explorer.press("i", "up")
        assert explorer.composer.text.endswith("next")
        await explorer.press("escape", "q")
        assert "unsent, for alt (gone)" in explorer.text


async def test_quitting_asks_while_a_text_was_not_sent(path: Path) -> None:
    async with open_explorer(path, agent=OFFLINE) as explorer:
        await explorer.press("i", "h", "i", "escape", "f", "!", "ctrl+q")
        assert "Quit, and lose 2 unsent texts?" in explorer.text
        assert "unsent, for main: “hi”" in explorer.text
        await explorer.press("escape")
        assert explorer.composer.text.endswith("!")
        # The message of a fork that was not edited is no loss.
        await explorer.press("backspace", "ctrl+q")
        assert "Quit, and lose 1 unsent text?" in explorer.text
        await explorer.press("escape", "escape", "i")
        assert explorer.composer.text == "hi"
        await explorer.press("ctrl+q", "escape", "backspace", "backspace", "ctrl+q")
        await explorer.until(lambda: not explorer.app.is_running)


async def test_quitting_leaves_a_run_that_waits_for_approval_in_the_file(path: Path) -> None:
    async with open_careful(path) as explorer:
        await explorer.pilot.press(*"use delete_everything", "enter")
        await until_asked(explorer)
        await explorer.pilot.press("ctrl+q")
        await explorer.until(lambda: not explorer.app.is_running)
        assert explorer.controller.agent is not None
        assert explorer.controller.agent.left_waiting == ["main"]
