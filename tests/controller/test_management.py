"""Titles, pins, the archive, deleting and copying of sessions and branches."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.controller.views import notice, user_texts
from tests.conversations import open_sdk, turn
from tui.controller import SessionController
from tui.errors import ConvoError, NotFoundError, ReadOnlyError
from tui.storage.editor import Editor
from tui.storage.journal.rows import entries_made_here
from tui.storage.store import Store


async def test_a_title_is_shown_and_the_id_stays(controller: SessionController) -> None:
    await controller.management.rename("support", "deep", " The short way ", "cheaper, too")
    branch = controller.view.tree.branches["deep"]
    assert (branch.name, branch.branch_id, branch.note) == ("The short way", "deep", "cheaper, too")
    assert notice(controller) == "Renamed 'deep' to “The short way”. z undoes it."
    await controller.management.rename("billing", None, "Invoices", "")
    assert [session.name for session in controller.view.sessions] == ["support", "Invoices"]
    await controller.history.undo()
    await controller.history.undo()
    assert controller.view.tree.branches["deep"].name == "deep"


async def test_notices_and_errors_name_branches_and_sessions_by_their_titles(
    controller: SessionController, tmp_path: Path
) -> None:
    management = controller.management
    await management.rename("support", "main", "Cheap beds", "")
    await management.rename("support", "deep", "The short way", "")
    await management.rename("billing", None, "Invoices", "")
    await management.copy_branch("deep", "copy", tmp_path / "new.sqlite")
    assert notice(controller).startswith("Copied 'The short way'.")
    await controller.navigation.switch_branch("deep")
    await management.delete("support", "deep")
    assert notice(controller) == "Deleted 'The short way'; now on 'alt'. z undoes it."
    [made] = await Editor(tmp_path / "support.sqlite", "agent_sessions", "agent_messages").fork("support", "main", 5)
    await controller.refresh()
    await controller.navigation.switch_branch(made)
    with pytest.raises(ConvoError, match="fork from turn 5 and 'Cheap beds' hold"):
        await controller.comparison.compare_branches("main")
    await management.delete("billing", None)
    assert notice(controller) == "Deleted session 'Invoices'. z undoes it."


async def test_an_archived_branch_leaves_the_tree_and_others_keep_its_turns(
    controller: SessionController,
) -> None:
    await controller.navigation.switch_branch("alt")
    await controller.management.toggle_archive("support", "alt")
    view = controller.view
    assert (list(view.tree.branches), view.tree.hidden_count, view.branch_id) == (["main", "deep"], 1, "deep")
    assert [turn.tokens for turn in await controller.pages.turns("deep", 3, 3)] == [1100]
    usages = await controller.pages.turn_usages(1, 3)
    assert [each.usage.total_tokens for each in usages if each.usage] == [110, 220, 1100]
    with pytest.raises(NotFoundError):
        await controller.navigation.switch_branch("alt")
    await controller.management.toggle_show_archived()
    assert controller.view.tree.branches["alt"].archived
    await controller.management.toggle_archive("support", "alt")
    await controller.management.toggle_show_archived()
    assert list(controller.view.tree.branches) == ["main", "alt", "deep"]


async def three_siblings(path: Path) -> SessionController:
    """Open the file with three branches more, `a`, `b` and `c`, that part from main at turn 2."""
    sdk = open_sdk(path)
    for name in "abc":
        await sdk.create_branch_from_turn(2, name)
        await sdk.add_items([*turn(f"{name} 2"), *turn(f"{name} 3")])
        await sdk.switch_to_branch("main")
    sdk.close()
    controller = SessionController(Store(path))
    await controller.open("support", "main")
    return controller


async def test_after_archiving_and_deleting_the_neighbour_is_shown_and_named(path: Path) -> None:
    controller = await three_siblings(path)
    await controller.navigation.switch_branch("b", 3)
    await controller.management.toggle_archive("support", "b")
    assert (controller.view.branch_id, controller.view.turn) == ("c", 2)
    assert notice(controller) == "Archived 'b'; now on 'c'. z undoes it, . shows it."
    await controller.management.delete("support", "c")
    assert (controller.view.branch_id, controller.view.turn) == ("a", 2)
    assert notice(controller) == "Deleted 'c'; now on 'a'. z undoes it."
    controller.close()


async def test_a_preview_that_is_archived_gives_way_to_a_preview_of_its_neighbour(path: Path) -> None:
    controller = await three_siblings(path)
    await controller.navigation.preview("a", 3)
    await controller.management.toggle_archive("support", "a")
    assert (controller.view.branch_id, controller.view.turn, controller.view.preview) == ("b", 2, True)
    await controller.navigation.leave_preview()
    assert controller.view.branch_id == "main"
    controller.close()


async def test_the_key_after_archiving_asks_before_it_changes_another_branch(path: Path) -> None:
    controller = await three_siblings(path)
    await controller.navigation.switch_branch("a", 3)
    await controller.management.toggle_archive("support", "a")
    await controller.management.toggle_archive("support", controller.view.branch_id)
    assert notice(controller) == "This is 'b' now. The same key again would archive it."
    assert not controller.view.tree.branches["b"].archived
    await controller.management.toggle_pin("support", "b")
    assert controller.view.tree.branches["b"].pinned
    await controller.management.toggle_archive("support", "b")
    await controller.navigation.select_turn(1)
    await controller.management.toggle_archive("support", controller.view.branch_id)
    assert list(controller.view.tree.branches) == ["main", "alt", "deep"]
    controller.close()


async def test_the_key_after_archiving_a_session_asks_before_it_archives_the_next_one(path: Path) -> None:
    controller = await three_siblings(path)
    names = [session.session_id for session in controller.view.sessions]
    assert controller.view.session is not None
    # The cursor is on the row of a session that is not open: what is shown stays, and the next row comes under it.
    other = next(name for name in names if name != controller.view.session.session_id)
    await controller.management.toggle_archive(other, None)
    await controller.management.toggle_archive("support", None)
    assert notice(controller) == "This is session 'support' now. The same key again would archive it."
    await controller.history.undo()
    await controller.management.toggle_archive(other, None)
    controller.management.session_seen()
    await controller.management.toggle_archive("support", None)
    assert all(session.archived for session in controller.view.sessions)
    controller.close()


async def test_after_a_session_the_next_one_in_the_list_is_opened(path: Path) -> None:
    for name in ("third", "fourth"):
        sdk = open_sdk(path, name)
        await sdk.add_items(turn(name))
        sdk.close()
    controller = SessionController(Store(path))
    await controller.open()
    names = [session.session_id for session in controller.view.sessions]
    await controller.navigation.select_session(names[1])
    await controller.management.delete(names[1], None)
    assert controller.view.session is not None
    assert controller.view.session.session_id == names[2]
    assert notice(controller) == f"Deleted session '{names[1]}'; now in session '{names[2]}'. z undoes it."
    controller.close()


async def test_overlapping_commands_are_done_in_their_order(controller: SessionController) -> None:
    await asyncio.gather(
        controller.management.toggle_pin("support", "alt"),
        controller.management.toggle_pin("support", "main"),
        controller.management.toggle_pin("support", "main"),
        controller.history.undo(),
        controller.history.undo(),
    )
    branches = controller.view.tree.branches
    assert (branches["alt"].pinned, branches["main"].pinned) == (True, False)
    assert [entry.description for entry in await controller.history.entries()] == [
        "Unpinned 'main'",
        "Pinned 'main'",
        "Pinned 'alt'",
    ]


async def test_undo_says_who_made_the_change(path: Path, controller: SessionController) -> None:
    await controller.management.toggle_pin("support", "alt")
    entries_made_here.clear()
    await controller.history.undo()
    assert notice(controller) == "Undone: Pinned 'alt', made by another program. Z redoes it."
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE convo_journal SET created_at = '2020-01-01 00:00:00'")
    await controller.history.redo()
    assert notice(controller) == "Redone: Pinned 'alt', made before this start. z undoes it."
    await controller.history.undo()
    await controller.management.toggle_pin("support", "alt")
    await controller.history.undo()
    assert notice(controller) == "Undone: Pinned 'alt'. Z redoes it."


async def test_an_archived_branch_can_be_opened_by_name(path: Path, controller: SessionController) -> None:
    await controller.management.toggle_archive("support", "alt")
    another = SessionController(Store(path))
    await another.open("support", "alt")
    assert another.view.branch_id == "alt"
    await another.open("support")
    assert list(another.view.tree.branches) == ["main", "deep"]
    another.close()


async def test_a_branch_archived_by_another_program_stays_while_it_is_shown(
    path: Path, controller: SessionController
) -> None:
    another = SessionController(Store(path))
    await another.open("support", "main")
    await another.management.toggle_archive("support", "deep")
    await controller.refresh()
    assert controller.view.branch_id == "deep"
    await another.history.undo()
    another.close()


async def test_the_only_branch_cannot_be_archived(controller: SessionController) -> None:
    await controller.management.toggle_archive("support", "alt")
    await controller.management.toggle_archive("support", "deep")
    with pytest.raises(ConvoError, match="only branch"):
        await controller.management.toggle_archive("support", "main")
    await controller.management.toggle_archive("support", None)
    assert [session.session_id for session in controller.view.sessions] == ["billing"]
    assert controller.view.session == controller.view.sessions[0]
    controller.management.session_seen()
    await controller.management.toggle_archive("billing", None)
    assert len(controller.view.sessions) == 2


async def test_deleting_shows_the_nearest_branch_and_reports_no_other_program(controller: SessionController) -> None:
    deletion_impact = await controller.management.deletion_impact("support", "deep")
    assert (deletion_impact.turns, deletion_impact.items, deletion_impact.tokens) == (1, 2, None)
    watching = asyncio.create_task(controller.refresh())
    await controller.management.delete("support", "deep")
    await watching
    assert controller.view.branch_id == "alt"
    assert notice(controller) == "Deleted 'deep'; now on 'alt'. z undoes it."
    await controller.history.undo()
    assert controller.view.branch_id == "deep"


@pytest.mark.parametrize("show_archived", [False, True])
async def test_deleting_never_leads_to_an_archived_branch_while_there_is_another(
    controller: SessionController, *, show_archived: bool
) -> None:
    management = controller.management
    await management.toggle_archive("support", "main")
    if show_archived:
        await management.toggle_show_archived()
    await controller.navigation.switch_branch("deep")
    await management.delete("support", "deep")
    assert controller.view.branch_id == "alt"
    await management.delete("support", "alt")
    # No other is left.
    assert controller.view.branch_id == "main"
    assert controller.view.notice is not None
    assert controller.view.notice.text == "Deleted 'alt'; now on 'main', which is archived. z undoes it."


async def test_deleting_passes_over_archived_siblings(path: Path) -> None:
    sdk = open_sdk(path)
    await sdk.create_branch_from_turn(3, "third")
    await sdk.add_items(turn("third 3"))
    await sdk.create_branch_from_turn(2, "early")
    await sdk.add_items(turn("early 2"))
    sdk.close()
    controller = SessionController(Store(path))
    await controller.open("support", "third")
    management = controller.management
    for name in ("main", "alt", "deep"):
        await management.toggle_archive("support", name)
    await management.toggle_show_archived()
    await controller.navigation.switch_branch("third")
    await management.delete("support", "third")
    assert (controller.view.branch_id, controller.view.turn) == ("early", 2)
    controller.close()


async def test_deleting_the_open_session_opens_another(controller: SessionController) -> None:
    await controller.management.delete("support", None)
    assert controller.view.session is not None
    assert controller.view.session.session_id == "billing"
    await controller.history.undo()
    assert notice(controller) == "Undone: Deleted session 'support'. Z redoes it."
    assert controller.view.session.session_id == "support"
    assert len(controller.view.sessions) == 2


async def test_marked_turns_are_copied_to_the_end(controller: SessionController) -> None:
    with pytest.raises(ConvoError, match="No turn is marked"):
        await controller.management.copy_marked()
    controller.marks.toggle(4, "main")
    controller.marks.toggle(3, "main")
    await controller.management.copy_marked()
    assert user_texts(controller.view) == ["main 1", "main 2", "alt 3", "deep 4", "main 4", "main 3"]
    assert (controller.view.turn, controller.view.marks) == (6, ())
    await controller.history.undo()
    assert controller.view.turn == 4


async def test_a_branch_is_copied_into_a_session_or_a_file(controller: SessionController, tmp_path: Path) -> None:
    assert controller.management.suggest_copy_name("deep") == "support-deep"
    await controller.management.copy_branch("deep", "support-deep")
    assert controller.management.suggest_copy_name("deep") == "support-deep-2"
    assert "support-deep" in [session.session_id for session in controller.view.sessions]
    await controller.management.copy_branch("deep", "alone", tmp_path / "new.sqlite")
    assert notice(controller) == f"Copied 'deep'. To open the copy: convo-tui {tmp_path / 'new.sqlite'}"
    with pytest.raises(ConvoError, match="needs a name"):
        await controller.management.copy_branch("deep", " ")
    copy = SessionController(Store(tmp_path / "new.sqlite"))
    await copy.open()
    assert (copy.view.branch_id, copy.view.turn) == ("main", 4)
    copy.close()


async def test_only_sessions_made_by_others_are_unseen(path: Path, controller: SessionController) -> None:
    await controller.management.copy_branch("alt", "mine")
    theirs = open_sdk(path, "theirs")
    await theirs.add_items(turn("hello"))
    await controller.refresh()
    assert controller.view.unseen_sessions == {"theirs"}
    old = open_sdk(path, "billing")
    await old.add_items(turn("another invoice"))
    await controller.refresh()
    assert controller.view.unseen_sessions == {"theirs"}
    old.close()
    theirs.close()


async def test_a_session_beyond_the_listed_ones_is_renamed_pinned_and_deleted(
    path: Path, controller: SessionController
) -> None:
    sessions = [open_sdk(path, f"later {number}") for number in range(40)]
    for session in sessions:
        await session.add_items(turn("hello"))
        session.close()
    await controller.refresh()
    assert "billing" not in {session.session_id for session in controller.view.sessions}
    await controller.management.rename("billing", None, "Invoices", "")
    await controller.management.toggle_pin("billing", None)
    (oldest,) = [found for found in await controller.pages.sessions(32, 64) if found.session_id == "billing"]
    assert (oldest.name, oldest.pinned) == ("Invoices", True)
    assert (await controller.management.deletion_impact("billing", None)).items == 2
    await controller.management.delete("billing", None)
    assert notice(controller) == "Deleted session 'billing'. z undoes it."


async def test_a_read_only_file_is_not_changed(path: Path) -> None:
    controller = SessionController(Store(path), read_only=True)
    await controller.open()
    controller.marks.toggle(1, "main")
    before = path.read_bytes()
    for change in (
        controller.management.rename("support", "alt", "x", ""),
        controller.management.toggle_pin("support", "alt"),
        controller.management.toggle_archive("support", "alt"),
        controller.management.delete("support", "alt"),
        controller.management.copy_branch("alt", "copy"),
        controller.management.copy_marked(),
        controller.history.undo(),
        controller.history.redo(),
        controller.history.make_permanent(1),
        controller.history.empty_trash(),
    ):
        with pytest.raises(ReadOnlyError, match="read-only"):
            await change
    controller.close()
    assert path.read_bytes() == before
