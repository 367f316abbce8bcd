"""Sessions and branches kept in order, without the screen."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversations import open_sdk, spend, turn
from tui.controller import SessionController
from tui.errors import ConvoError, NotFoundError, ReadOnlyError
from tui.model import EntryState
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """support: main 1 2 3 4, alt leaves it at 3, deep leaves alt at 4; then a second session, written before it."""
    path = tmp_path / "support.sqlite"
    other = open_sdk(path, "billing")
    await other.add_items(turn("an invoice"))
    other.close()
    sdk = open_sdk(path)
    for number in range(1, 5):
        await sdk.add_items(turn(f"main {number}"))
        await sdk.store_run_usage(spend(100 * number))
    await sdk.create_branch_from_turn(3, "alt")
    for number in (3, 4):
        await sdk.add_items(turn(f"alt {number}"))
        await sdk.store_run_usage(spend(1000))
    await sdk.create_branch_from_turn(4, "deep")
    await sdk.add_items(turn("deep 4"))
    sdk.close()
    return path


@pytest.fixture
async def explorer(path: Path) -> AsyncIterator[SessionController]:
    controller = SessionController(Store(path))
    await controller.open()
    yield controller
    controller.close()


def told(explorer: SessionController) -> str:
    notice = explorer.view.notice
    return notice.text if notice else ""


async def test_a_title_stands_beside_the_id(explorer: SessionController) -> None:
    await explorer.rename("support", "deep", " The short way ", "cheaper, too")
    branch = explorer.view.tree.branches["deep"]
    assert (branch.name, branch.branch_id, branch.note) == ("The short way", "deep", "cheaper, too")
    assert told(explorer) == "Named 'deep' “The short way”. z undoes it."
    await explorer.rename("billing", None, "Invoices", "")
    assert [session.name for session in explorer.view.sessions] == ["support", "Invoices"]
    await explorer.undo()
    await explorer.undo()
    assert explorer.view.tree.branches["deep"].name == "deep"


async def test_an_archived_branch_leaves_the_tree_and_its_turns_stay_where_others_hold_them(
    explorer: SessionController,
) -> None:
    await explorer.switch_branch("alt")
    await explorer.toggle_archive("support", "alt")
    view = explorer.view
    assert (list(view.tree.branches), view.tree.left_out, view.branch_id) == (["main", "deep"], 1, "deep")
    assert [turn.tokens for turn in await explorer.turns("deep", 3, 3)] == [1100]
    spent = await explorer.turn_usages(1, 3)
    assert [each.usage.total_tokens for each in spent if each.usage] == [110, 220, 1100]
    with pytest.raises(NotFoundError):
        await explorer.switch_branch("alt")
    await explorer.toggle_archived()
    assert explorer.view.tree.branches["alt"].archived
    await explorer.toggle_archive("support", "alt")
    await explorer.toggle_archived()
    assert list(explorer.view.tree.branches) == ["main", "alt", "deep"]


async def test_commands_given_in_haste_are_done_in_their_order(explorer: SessionController) -> None:
    await asyncio.gather(
        explorer.toggle_pin("support", "alt"),
        explorer.toggle_pin("support", "main"),
        explorer.toggle_pin("support", "main"),
        explorer.undo(),
        explorer.undo(),
    )
    branches = explorer.view.tree.branches
    assert (branches["alt"].pinned, branches["main"].pinned) == (True, False)
    assert [entry.words for entry in await explorer.history()] == ["Unpinned 'main'", "Pinned 'main'", "Pinned 'alt'"]


async def test_undoing_goes_where_something_came_back(explorer: SessionController) -> None:
    await explorer.toggle_archive("support", "deep")
    assert explorer.view.branch_id == "alt"
    await explorer.undo()
    assert explorer.view.branch_id == "deep"
    await explorer.redo()
    assert explorer.view.branch_id == "alt"


async def test_an_archived_branch_opens_by_its_name(path: Path, explorer: SessionController) -> None:
    await explorer.toggle_archive("support", "alt")
    another = SessionController(Store(path))
    await another.open("support", "alt")
    assert another.view.branch_id == "alt"
    await another.open("support")
    assert list(another.view.tree.branches) == ["main", "deep"]
    another.close()


async def test_what_another_program_archives_stays_while_it_is_looked_at(
    path: Path, explorer: SessionController
) -> None:
    another = SessionController(Store(path))
    await another.open("support", "main")
    await another.toggle_archive("support", "deep")
    await explorer.refresh()
    assert explorer.view.branch_id == "deep"
    await another.undo()
    another.close()


async def test_the_last_branch_is_not_put_away(explorer: SessionController) -> None:
    await explorer.toggle_archive("support", "alt")
    await explorer.toggle_archive("support", "deep")
    with pytest.raises(ConvoError, match="the only branch"):
        await explorer.toggle_archive("support", "main")
    await explorer.toggle_archive("support", None)
    assert [session.session_id for session in explorer.view.sessions] == ["billing"]
    assert explorer.view.session == explorer.view.sessions[0]
    await explorer.toggle_archive("billing", None)
    assert len(explorer.view.sessions) == 2


async def test_deleting_goes_to_the_nearest_branch_and_blames_nobody(explorer: SessionController) -> None:
    deletion_impact = await explorer.deletion_impact("support", "deep")
    assert (deletion_impact.turns, deletion_impact.items, deletion_impact.tokens) == (1, 2, None)
    watching = asyncio.create_task(explorer.refresh())
    await explorer.delete("support", "deep")
    await watching
    assert explorer.view.branch_id == "alt"
    assert told(explorer) == "Deleted 'deep'. z undoes it."
    await explorer.undo()
    assert explorer.view.branch_id == "deep"


async def test_a_deleted_session_is_left(explorer: SessionController) -> None:
    await explorer.delete("support", None)
    assert explorer.view.session is not None
    assert explorer.view.session.session_id == "billing"
    await explorer.undo()
    assert told(explorer) == "Undone: Deleted session 'support' (session 'support'). Z takes it back."
    assert len(explorer.view.sessions) == 2


async def test_forks_are_undone(explorer: SessionController) -> None:
    await explorer.begin_fork(2, "main")
    await explorer.make_fork("second")
    assert explorer.view.branch_id == "second"
    await explorer.undo()
    assert "second" not in explorer.view.tree.branches
    assert told(explorer).startswith("Undone: Forked 'second' at turn 2 of 'main'.")
    await explorer.redo()
    assert explorer.view.branch_id == "second"


async def test_marked_turns_are_copied_to_the_end(explorer: SessionController) -> None:
    with pytest.raises(ConvoError, match="No turn is marked"):
        await explorer.copy_marked()
    explorer.mark_turn(4, "main")
    explorer.mark_turn(3, "main")
    await explorer.copy_marked()
    assert explorer.view.page is not None
    said = [item.data["content"] for item in explorer.view.page.items if item.type == "user"]
    assert said == ["main 1", "main 2", "alt 3", "deep 4", "main 4", "main 3"]
    assert (explorer.view.turn, explorer.view.marks) == (6, ())
    await explorer.undo()
    assert explorer.view.turn == 4


async def test_a_branch_is_copied_into_a_session_or_a_file(explorer: SessionController, tmp_path: Path) -> None:
    assert explorer.name_for_copy("deep") == "support-deep"
    await explorer.copy_branch("deep", "support-deep")
    assert explorer.name_for_copy("deep") == "support-deep-2"
    assert "support-deep" in [session.session_id for session in explorer.view.sessions]
    await explorer.copy_branch("deep", "alone", tmp_path / "new.sqlite")
    assert told(explorer) == f"Copied 'deep'. To look at it: convo-tui {tmp_path / 'new.sqlite'}"
    with pytest.raises(ConvoError, match="needs a name"):
        await explorer.copy_branch("deep", " ")
    copy = SessionController(Store(tmp_path / "new.sqlite"))
    await copy.open()
    assert (copy.view.branch_id, copy.view.turn) == ("main", 4)
    copy.close()


async def test_of_the_sessions_only_those_that_others_made_count_as_new(
    path: Path, explorer: SessionController
) -> None:
    await explorer.copy_branch("alt", "mine")
    theirs = open_sdk(path, "theirs")
    await theirs.add_items(turn("hello"))
    await explorer.refresh()
    assert explorer.view.unseen_sessions == {"theirs"}
    old = open_sdk(path, "billing")
    await old.add_items(turn("another invoice"))
    await explorer.refresh()
    assert explorer.view.unseen_sessions == {"theirs"}
    old.close()
    theirs.close()


async def test_the_oldest_of_many_sessions_is_named_pinned_and_deleted_like_any(
    path: Path, explorer: SessionController
) -> None:
    sessions = [open_sdk(path, f"later {number}") for number in range(40)]
    for session in sessions:
        await session.add_items(turn("hello"))
        session.close()
    await explorer.refresh()
    assert "billing" not in {session.session_id for session in explorer.view.sessions}
    await explorer.rename("billing", None, "Invoices", "")
    await explorer.toggle_pin("billing", None)
    (oldest,) = [found for found in await explorer.sessions(32, 64) if found.session_id == "billing"]
    assert (oldest.name, oldest.pinned) == ("Invoices", True)
    assert (await explorer.deletion_impact("billing", None)).items == 2
    await explorer.delete("billing", None)
    assert told(explorer) == "Deleted session 'billing'. z undoes it."


async def test_what_was_done_outlives_the_program(path: Path, explorer: SessionController) -> None:
    await explorer.toggle_pin("support", "alt")
    await explorer.delete("support", "deep")
    explorer.close()
    later = SessionController(Store(path))
    await later.open()
    entries = await later.history()
    assert [entry.words for entry in entries] == ["Deleted 'deep' (2 items of its own)", "Pinned 'alt'"]
    await later.undo(entries[-1].id)
    assert "deep" in later.view.tree.branches
    assert told(later) == "Undone: 2 changes, the last: Pinned 'alt'. Z takes it back."
    await later.redo()
    assert [entry.state for entry in await later.history()] == [EntryState.UNDONE, EntryState.DONE]
    await later.empty_trash()
    assert [entry.state for entry in await later.history()] == [EntryState.KEPT]
    later.close()


async def test_two_explorers_of_one_file_undo_the_same_list(path: Path, explorer: SessionController) -> None:
    another = SessionController(Store(path))
    await another.open()
    await asyncio.gather(
        *(explorer.toggle_pin("support", name) for name in ("main", "alt")), another.delete("support", "deep")
    )
    assert len(await explorer.history()) == 3
    for _ in range(3):
        await another.undo()
    await explorer.refresh()
    assert another.view.tree.branches == explorer.view.tree.branches
    assert "deep" in explorer.view.tree.branches
    with pytest.raises(ConvoError, match="nothing to undo"):
        await explorer.undo()
    another.close()


async def test_looking_only_changes_nothing(path: Path) -> None:
    explorer = SessionController(Store(path), read_only=True)
    await explorer.open()
    explorer.mark_turn(1, "main")
    with sqlite3.connect(path) as db:
        before = list(db.iterdump())
    for change in (
        explorer.rename("support", "alt", "x", ""),
        explorer.toggle_pin("support", "alt"),
        explorer.toggle_archive("support", "alt"),
        explorer.delete("support", "alt"),
        explorer.copy_branch("alt", "copy"),
        explorer.copy_marked(),
        explorer.undo(),
        explorer.redo(),
        explorer.keep(1),
        explorer.empty_trash(),
    ):
        with pytest.raises(ReadOnlyError, match="to look only"):
            await change
    with db:
        assert list(db.iterdump()) == before
    db.close()
    explorer.close()
