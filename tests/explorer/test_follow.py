"""A file that an agent is writing, as its user follows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.conversations import SdkSession, open_sdk, turn
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.explorer.screen import Explorer
from tui.storage.store import Store
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[SdkSession]:
    """What another program writes with: a branch of 30 turns."""
    sdk = open_sdk(tmp_path / "support.sqlite")
    for number in range(1, 31):
        await sdk.add_items(turn(f"Question {number}", f"Answer {number}"))
    yield sdk
    sdk.close()


@pytest.fixture
async def pilot(agent: SdkSession) -> AsyncIterator[Pilot[None]]:
    controller = SessionController(Store(Path(agent.db_path)))
    await controller.open()
    async with ConvoApp(controller).run_test(size=(120, 30)) as pilot:
        yield pilot
    controller.close()


def explorer(pilot: Pilot[None]) -> Explorer:
    screen = pilot.app.screen
    assert isinstance(screen, Explorer)
    return screen


async def until_items(pilot: Pilot[None], items: int) -> None:
    """Wait until the explorer has taken in what was written, by itself."""
    while explorer(pilot).view.items != items:
        await pilot.pause(0.01)
    await pilot.pause()


def last_line(pilot: Pilot[None]) -> str:
    chat = explorer(pilot).query_one(Transcript)
    return chat.render_line(chat.size.height - 1).text


def marked_rows(tree: BranchTree) -> list[str]:
    """The rows in sight that are marked as new."""
    return [row for y in range(tree.size.height) if "✦" in (row := tree.render_line(y).text)]


async def test_new_items_are_counted_below_where_the_reader_stays(pilot: Pilot[None], agent: SdkSession) -> None:
    await pilot.press("2", "g")
    await pilot.pause()
    before = explorer(pilot).query_one(Transcript).rows
    await agent.add_items(turn("More"))
    await until_items(pilot, 62)
    assert explorer(pilot).query_one(Transcript).rows == before
    assert last_line(pilot).rstrip().endswith("↓ +2 new")
    await agent.add_items(turn("And more"))
    await until_items(pilot, 64)
    assert last_line(pilot).rstrip().endswith("↓ +4 new")
    await pilot.press("G")
    await pilot.pause()
    assert "new" not in last_line(pilot)


async def test_following_stays_with_the_newest_whichever_branch_it_is_on(pilot: Pilot[None], agent: SdkSession) -> None:
    await pilot.press("2", "g")
    await pilot.pause()
    await pilot.press("F")
    while not explorer(pilot).view.following:
        await pilot.pause(0.01)
    while explorer(pilot).view.turn != 30:
        await pilot.pause(0.01)
    await agent.create_branch_from_turn(3, "elsewhere")
    await agent.add_items(turn("On another branch"))
    while explorer(pilot).view.branch_id != "elsewhere":
        await pilot.pause(0.01)
    assert explorer(pilot).view.turn == 3
    assert explorer(pilot).view.following


async def test_following_ends_where_the_user_goes_elsewhere(pilot: Pilot[None], agent: SdkSession) -> None:
    await pilot.press("F")
    while not explorer(pilot).view.following:
        await pilot.pause(0.01)
    await pilot.press("1", "up")
    while explorer(pilot).view.following:
        await pilot.pause(0.01)
    selected = explorer(pilot).view.turn
    await agent.add_items(turn("More"))
    await until_items(pilot, 62)
    assert explorer(pilot).view.turn == selected


async def test_a_branch_that_another_program_made_is_marked_until_it_was_seen(
    pilot: Pilot[None], agent: SdkSession
) -> None:
    await agent.create_branch_from_turn(30, "theirs")
    await agent.add_items(turn("Theirs"))
    while "theirs" not in explorer(pilot).view.tree.branches:
        await pilot.pause(0.01)
    assert explorer(pilot).view.unseen == {"theirs"}
    await explorer(pilot)._controller.navigation.switch_branch("theirs")
    assert explorer(pilot).view.unseen == frozenset()


async def test_a_session_that_another_program_made_is_marked_until_it_was_opened(
    pilot: Pilot[None], agent: SdkSession
) -> None:
    theirs = open_sdk(Path(agent.db_path), "theirs")
    await theirs.add_items(turn("Hello"))
    await agent.add_items(turn("More"))
    await until_items(pilot, 62)
    assert explorer(pilot).view.unseen_sessions == {"theirs"}
    tree = explorer(pilot).query_one(BranchTree)
    await pilot.press("1", "G")
    await pilot.pause()
    print(
        [tree.render_line(y).text for y in range(tree.size.height)], tree.cursor_row, tree.scroll_offset, tree.row_count
    )
    assert [row.split()[:3] for row in marked_rows(tree)] == [["▸", "✦", "theirs"]]
    await theirs.add_items(turn("Are you there?"))
    theirs.close()
    while explorer(pilot).view.sessions[0].session_id != "theirs":
        await pilot.pause(0.01)
    await explorer(pilot)._controller.navigation.select_session("theirs")
    await pilot.pause()
    assert explorer(pilot).view.unseen_sessions == frozenset()
    assert not marked_rows(tree)
