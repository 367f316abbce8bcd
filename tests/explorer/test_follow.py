"""Following a file to which another program writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversations import SdkSession, open_sdk, turn
from tests.explorer.driver import ExplorerDriver, open_explorer
from tui.widgets.tree.branch_tree import BranchTree


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[SdkSession]:
    """The session of another program, with 30 turns on main."""
    sdk = open_sdk(tmp_path / "support.sqlite")
    for number in range(1, 31):
        await sdk.add_items(turn(f"Question {number}", f"Answer {number}"))
    yield sdk
    sdk.close()


@pytest.fixture
async def explorer(agent: SdkSession) -> AsyncIterator[ExplorerDriver]:
    async with open_explorer(Path(agent.db_path), size=(120, 30)) as explorer:
        yield explorer


async def until_items(explorer: ExplorerDriver, items: int) -> None:
    """Wait until the explorer shows a number of items, which others write."""
    await explorer.until(lambda: explorer.view.items == items)
    await explorer.pilot.pause()


def last_line(explorer: ExplorerDriver) -> str:
    chat = explorer.chat
    return chat.render_line(chat.size.height - 1).text


def marked_rows(tree: BranchTree) -> list[str]:
    """Return the visible rows that are marked as new."""
    return [row for y in range(tree.size.height) if "✦" in (row := tree.render_line(y).text)]


async def test_new_items_below_the_visible_ones_are_counted(explorer: ExplorerDriver, agent: SdkSession) -> None:
    await explorer.press("2", "g")
    before = explorer.chat.rows
    await agent.add_items(turn("More"))
    await until_items(explorer, 62)
    assert explorer.chat.rows == before
    assert last_line(explorer).rstrip().endswith("↓ +2 new")
    await agent.add_items(turn("And more"))
    await until_items(explorer, 64)
    assert last_line(explorer).rstrip().endswith("↓ +4 new")
    await explorer.press("G")
    assert "new" not in last_line(explorer)


async def test_chat_and_selection_keep_their_place_unless_they_follow(
    explorer: ExplorerDriver, agent: SdkSession
) -> None:
    for number, pane in enumerate(("1", "2", "3"), 1):
        await explorer.press(pane)
        rows = explorer.chat.rows
        await agent.add_items(turn("More"))
        await until_items(explorer, 60 + 2 * number)
        assert explorer.chat.rows == rows
        assert explorer.chat.cursor_item is not None
        assert explorer.chat.cursor_item.turn == explorer.view.turn == 30
        assert last_line(explorer).rstrip().endswith(f"↓ +{2 * number} new")
    await explorer.press("t")
    await agent.add_items(turn("The newest"))
    await explorer.until(lambda: explorer.view.turn == 34)
    await explorer.settle()
    assert explorer.chat.cursor_item is not None
    assert explorer.chat.cursor_item.turn == 34
    assert "new" not in last_line(explorer)


async def test_following_stays_on_the_branch_and_tells_of_others(explorer: ExplorerDriver, agent: SdkSession) -> None:
    await explorer.press("2", "g", "t")
    await explorer.until(lambda: explorer.view.following)
    assert explorer.place == ("main", 30)
    await agent.create_branch_from_turn(3, "elsewhere")
    await agent.add_items(turn("On another branch"))
    await explorer.until(lambda: "elsewhere" in explorer.view.tree.branches)
    await explorer.settle()
    assert explorer.place == ("main", 30)
    assert explorer.notices == ["New branch 'elsewhere'. b goes there; this view follows 'main'."]
    explorer.app.clear_notifications()
    await agent.add_items(turn("More on the other branch"))
    await explorer.until(lambda: explorer.view.tree.branches["elsewhere"].turns == 4)
    await agent.switch_to_branch("main")
    await agent.add_items(turn("Back on this one"))
    await explorer.until(lambda: explorer.view.turn == 31)
    await explorer.settle()
    # Each other branch is named once.
    assert explorer.notices == []
    assert explorer.view.following
    assert "Back on this one" in explorer.text
    await explorer.press("b", *"else", "enter")
    assert explorer.place == ("elsewhere", 4)
    assert not explorer.view.following


async def test_following_begins_on_the_shown_branch(explorer: ExplorerDriver, agent: SdkSession) -> None:
    await agent.create_branch_from_turn(3, "elsewhere")
    await agent.add_items(turn("On another branch"))
    await explorer.until(lambda: "elsewhere" in explorer.view.tree.branches)
    await explorer.controller.navigation.switch_branch("elsewhere")
    await explorer.controller.navigation.switch_branch("main", 5)
    await explorer.press("t")
    assert explorer.place == ("main", 30)
    assert explorer.notice == "'elsewhere' was written last. b goes there; this view follows 'main'."


@pytest.mark.parametrize("key", ["question_mark", "c", "d", "ctrl+p", "m"])
async def test_nothing_moves_below_another_screen(explorer: ExplorerDriver, agent: SdkSession, key: str) -> None:
    await agent.create_branch_from_turn(3, "elsewhere")
    await agent.create_branch_from_turn(2, "third")
    await agent.add_items(turn("On another branch"))
    await explorer.until(lambda: "third" in explorer.view.tree.branches)
    await explorer.controller.navigation.switch_branch("elsewhere")
    await explorer.press("t", key)
    assert explorer.app.screen is not explorer.screen
    await agent.switch_to_branch("elsewhere")
    await agent.add_items(turn("The newest"))
    await explorer.until(lambda: explorer.view.tree.branches["elsewhere"].turns == 3)
    await explorer.settle()
    assert explorer.place == ("elsewhere", 2)
    await explorer.press("escape")
    assert explorer.app.screen is explorer.screen
    await explorer.until(lambda: explorer.view.turn == 3)
    assert explorer.view.following
    await explorer.settle()
    assert "The newest" in explorer.text


async def test_following_ends_when_the_user_navigates(explorer: ExplorerDriver, agent: SdkSession) -> None:
    await explorer.press("t")
    await explorer.until(lambda: explorer.view.following)
    await explorer.press("1", "up")
    await explorer.until(lambda: not explorer.view.following)
    selected = explorer.view.turn
    await agent.add_items(turn("More"))
    await until_items(explorer, 62)
    assert explorer.view.turn == selected


async def test_a_branch_made_by_another_program_is_marked_until_it_is_shown(
    explorer: ExplorerDriver, agent: SdkSession
) -> None:
    await agent.create_branch_from_turn(30, "theirs")
    await agent.add_items(turn("Theirs"))
    await explorer.until(lambda: "theirs" in explorer.view.tree.branches)
    assert explorer.view.unseen == {"theirs"}
    await explorer.controller.navigation.switch_branch("theirs")
    assert explorer.view.unseen == frozenset()


async def test_a_session_made_by_another_program_is_marked_until_it_is_opened(
    explorer: ExplorerDriver, agent: SdkSession
) -> None:
    theirs = open_sdk(Path(agent.db_path), "theirs")
    await theirs.add_items(turn("Hello"))
    await agent.add_items(turn("More"))
    await until_items(explorer, 62)
    assert explorer.view.unseen_sessions == {"theirs"}
    tree = explorer.tree
    await explorer.press("1", "G")
    assert [row.split()[:3] for row in marked_rows(tree)] == [["▸", "✦", "theirs"]]
    await theirs.add_items(turn("Are you there?"))
    theirs.close()
    await explorer.until(lambda: explorer.view.sessions[0].session_id == "theirs")
    await explorer.controller.navigation.select_session("theirs")
    await explorer.pilot.pause()
    assert explorer.view.unseen_sessions == frozenset()
    assert not marked_rows(tree)
