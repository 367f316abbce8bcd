"""Changes that a user makes to a file, undone and redone; the SDK's class reads the file after each."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conversations import SdkSession, assistant_message, run_result, turn
from tests.databases import (
    Place,
    all_rows,
    count_messages,
    editor_of,
    on_file,
    open_other,
    open_ours,
    plain_session,
    rows,
)
from tests.fork_server import fork_server
from tui.errors import ConvoError, FileError
from tui.model import DeletionImpact, EntryState, JournalEntry, SharedTurns
from tui.storage.editor import Editor
from tui.storage.engine import Transaction
from tui.storage.journal.recording import record
from tui.storage.store import Store
from tui.storage.transfer.imports import ImportedSession


@pytest.fixture
async def path(place: Place) -> Place:
    """Return a database: `support` has main with 4 turns and alt, forked at turn 3, with 5; `billing` has one turn."""
    other = open_other(place, "billing")
    await other.add_items(turn("an invoice"))
    other.close()
    sdk = open_other(place)
    for number in range(1, 5):
        await sdk.add_items(turn(f"main {number}", tool="get_weather"))
        await sdk.store_run_usage(run_result(100 * number, cached=10, reasoning=5))
    await sdk.create_branch_from_turn(3, "alt")
    for number in range(3, 6):
        await sdk.add_items(turn(f"alt {number}"))
        await sdk.store_run_usage(run_result(1000 * number))
    sdk.close()
    return place


@pytest.fixture
def editor(path: Place) -> Editor:
    return editor_of(path)


@pytest.fixture
async def store(path: Place) -> AsyncIterator[Store]:
    store = Store(path)
    yield store
    store.close()


async def as_sdk_reads(path: Place, session_id: str = "support") -> dict[str, Any]:
    """Return everything that the SDK's class returns about a session."""
    sdk = open_other(path, session_id)
    listed = await sdk.list_branches()
    results: dict[str, Any] = {"branches": listed, "usage": await sdk.get_session_usage()}
    for branch in listed:
        name = branch["branch_id"]
        results[name] = (
            await sdk.get_items(branch_id=name),
            await sdk.get_conversation_turns(name),
            await sdk.get_conversation_by_turns(name),
            await sdk.get_tool_usage(name),
            await sdk.get_session_usage(name),
            await sdk.get_turn_usage(branch_id=name),
        )
    sdk.close()
    return results


def untimed(results: Any) -> Any:
    """Return results of the SDK without times, which differ between two files."""
    if isinstance(results, dict):
        return {key: untimed(value) for key, value in results.items() if key not in ("created_at", "timestamp")}
    if isinstance(results, list | tuple):
        return [untimed(each) for each in results]
    return results


@on_file
async def test_forks_and_deletions_match_the_sdk(path: Place, editor: Editor, tmp_path: Path) -> None:
    reference = tmp_path / "reference.sqlite"
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(reference)) as copy:
        db.backup(copy)
    sdk = open_other(reference)
    await sdk.create_branch_from_turn(3, "third")
    await editor.fork("support", "main", 3, "third")
    assert untimed(await as_sdk_reads(path)) == untimed(await as_sdk_reads(reference))
    await sdk.switch_to_branch("main")
    for branch in ("alt", "third"):
        await sdk.delete_branch(branch)
        await editor.delete_branch("support", branch)
        assert untimed(await as_sdk_reads(path)) == untimed(await as_sdk_reads(reference))
    sdk.close()


async def test_undo_restores_a_deleted_branch(path: Place, editor: Editor) -> None:
    before, stored = await as_sdk_reads(path), all_rows(path)
    await editor.delete_branch("support", "alt")
    without = await as_sdk_reads(path)
    assert [branch["branch_id"] for branch in without["branches"]] == ["main"]
    assert without["main"] == before["main"]
    [undone] = await editor.undo()
    assert undone.description == "Deleted 'alt' (6 items of its own)"
    assert (await as_sdk_reads(path), all_rows(path)) == (before, stored)
    await editor.redo()
    assert await as_sdk_reads(path) == without
    reserved = rows(path, "SELECT branch_id FROM branch_reservations WHERE session_id = 'support' ORDER BY 1")
    assert reserved == [("alt",), ("main",)]


async def test_a_restored_branch_can_be_continued(path: Place, editor: Editor) -> None:
    await editor.delete_branch("support", "alt")
    await editor.undo()
    sdk = open_other(path)
    await sdk.switch_to_branch("alt")
    await sdk.add_items(turn("alt 6"))
    texts = [found["content"] for found in await sdk.get_conversation_turns()]
    assert texts == ["main 1", "main 2", "alt 3", "alt 4", "alt 5", "alt 6"]
    sdk.close()
    with pytest.raises(ConvoError, match="'alt' has 2 new items") as raised:
        await editor.redo()
    assert raised.value.hint == ""


async def test_usage_of_shared_turns_survives_the_branch_that_ran_them(
    path: Place, editor: Editor, store: Store
) -> None:
    await editor.fork("support", "alt", 5, "child")
    session = (await store.sessions())[0]
    branches = (await store.tree(session)).branches
    main, child = branches["main"], branches["child"]
    assert await store.deletion_impact(session, "alt") == DeletionImpact(
        "support",
        "alt",
        branches=1,
        turns=1,
        items=2,
        tokens=5500,
        shared_turns=(SharedTurns(1, 2, (main, child)), SharedTurns(3, 4, (child,))),
        kept_tokens=7700,
    )
    await editor.delete_branch("support", "alt")
    tree = await store.tree(session)
    spent = await store.turn_usages(session, tree, "child", 1, 4)
    assert [each.usage.total_tokens if each.usage else None for each in spent] == [110, 220, 3300, 4400]
    await editor.undo()
    assert rows(path, "SELECT COUNT(*) FROM convo_usage") == [(0,)]


async def test_deleting_a_branch_that_parts_within_a_turn_deletes_only_its_own_items(
    path: Place, editor: Editor, store: Store
) -> None:
    async with open_ours(path, "support") as ours:
        await ours.switch_to_branch("alt")
        await ours.fork(branch_name="shorter")
        await ours.pop_item()
        await ours.add_items([assistant_message("Otherwise.")])  # type: ignore[list-item]
    impact = await store.deletion_impact((await store.sessions())[0], "alt")
    assert (impact.items, impact.tokens, impact.kept_tokens) == (1, None, 13200)
    before = count_messages(path, "support")
    await editor.delete_branch("support", "alt")
    assert before - count_messages(path, "support") == impact.items


async def test_the_deletion_impact_is_what_is_deleted(path: Place, editor: Editor, store: Store) -> None:
    session = (await store.sessions())[0]
    for branch in ("alt", None):
        impact = await store.deletion_impact(session, branch)
        before = count_messages(path, "support")
        if branch is None:
            assert (impact.branches, impact.turns, impact.tokens) == (1, 4, 1100)
            await editor.delete_session("support")
        else:
            await editor.delete_branch("support", branch)
        assert before - count_messages(path, "support") == impact.items


async def test_undo_restores_a_deleted_session_with_all_branches(path: Place, editor: Editor) -> None:
    await editor.fork("support", "main", 1, "empty")
    await editor.label("support", None, title="Weather", description="Named it")
    before, stored = await as_sdk_reads(path), all_rows(path)
    stale = open_other(path)
    await stale.switch_to_branch("alt")
    await editor.delete_session("support")
    assert await stale.get_items() == []
    assert await as_sdk_reads(path) == {"branches": [], "usage": None}
    await editor.undo()
    assert (await as_sdk_reads(path), all_rows(path)) == (before, stored)
    stale.close()
    async with open_ours(path, "support") as ours:
        await ours.switch_to_branch("empty")


async def test_main_cannot_be_deleted(editor: Editor) -> None:
    with pytest.raises(ConvoError, match="'main' cannot be deleted") as raised:
        await editor.delete_branch("support", "main")
    assert "delete the session" in raised.value.hint


async def test_a_fork_is_undone_unless_it_was_continued(path: Place, editor: Editor) -> None:
    stored = all_rows(path)
    assert await editor.fork("support", "main", 3, "third") == ["third"]
    made = all_rows(path)
    await editor.undo()
    assert all_rows(path) == stored
    await editor.redo()
    assert all_rows(path) == made
    sdk = open_other(path)
    await sdk.switch_to_branch("third")
    await sdk.add_items(turn("third 3"))
    sdk.close()
    with pytest.raises(ConvoError, match="“Forked 'third' at turn 3 of 'main'” cannot be undone") as raised:
        await editor.undo()
    assert "has 2 new items: archive it instead" in str(raised.value)
    await editor.make_permanent(1)
    with pytest.raises(ConvoError, match="Nothing to undo"):
        await editor.undo()


async def test_a_fork_that_shares_nothing_is_undone_too(path: Place, editor: Editor, store: Store) -> None:
    await editor.fork("support", "main", 1, "anew")
    session = (await store.sessions())[0]
    assert "anew" in (await store.tree(session)).branches
    await editor.undo()
    assert "anew" not in (await store.tree(session)).branches
    await editor.redo()
    assert "anew" in (await store.tree(session)).branches


@on_file
async def test_an_undo_that_another_program_made_impossible_restores_nothing(path: Place, editor: Editor) -> None:
    await editor.delete_branch("support", "alt")
    sdk = open_other(path)
    for _ in range(9):
        await sdk.pop_item()
    sdk.close()
    stored = all_rows(path)
    with pytest.raises(ConvoError, match="Another program has deleted messages that 'alt' shared in turn 2"):
        await editor.undo()
    assert all_rows(path) == stored


@on_file
async def test_a_branch_that_another_program_revived_is_not_overwritten(path: Place, editor: Editor) -> None:
    stale = open_other(path)
    await stale.switch_to_branch("alt")
    await editor.delete_branch("support", "alt")
    await stale.add_items(turn("late"))
    stale.close()
    with pytest.raises(ConvoError, match="Another program writes to branch 'alt' again"):
        await editor.undo()


@on_file
async def test_nothing_is_restored_into_a_cleared_session(path: Place, editor: Editor) -> None:
    await editor.delete_branch("support", "alt")
    sdk = open_other(path)
    await sdk.clear_session()
    sdk.close()
    with pytest.raises(ConvoError, match="'support' was cleared since"):
        await editor.undo()


async def test_a_copy_is_a_session_with_its_own_usage_and_runs(path: Place, editor: Editor) -> None:
    async with open_ours(path, "support") as ours:
        await ours.record_run(outcome="done", model="gpt", agent="a", started_at="2026-01-01 00:00:00", seconds=2.0)
    stored = all_rows(path)
    assert await editor.copy_branch("support", "alt", "copy") == (5, 14)
    original, copy = await as_sdk_reads(path), await as_sdk_reads(path, "copy")
    assert copy["main"][0] == original["alt"][0]
    assert copy["main"][2:4] == original["alt"][2:4]
    assert [usage["input_tokens"] for usage in copy["main"][5]] == [100, 200, 3000, 4000, 5000]
    await editor.copy_branch("support", "main", "second")
    assert rows(path, "SELECT model, user_turn_number FROM convo_runs WHERE session_id = 'second'") == [("gpt", 4)]
    assert rows(path, "SELECT COUNT(*) FROM agent_messages WHERE session_id <> 'support'") == [(32,)]
    with pytest.raises(ConvoError, match="has a session 'copy' already"):
        await editor.copy_branch("support", "main", "copy")
    await editor.undo()
    await editor.undo()
    assert all_rows(path) == stored


async def test_a_copied_session_that_was_continued_is_not_undone(path: Place, editor: Editor) -> None:
    await editor.copy_branch("support", "alt", "copy")
    sdk = open_other(path, "copy")
    await sdk.create_branch_from_turn(2, "on")
    sdk.close()
    with pytest.raises(ConvoError, match="'copy' has new items"):
        await editor.undo()


async def test_the_sdk_reads_a_copy_in_a_new_file(path: Place, editor: Editor, tmp_path: Path) -> None:
    stored = all_rows(path)
    file = tmp_path / "copy of alt.sqlite"
    assert await editor.copy_branch_to_file("support", "alt", "alone", file) == (5, 14)
    assert all_rows(path) == stored
    original, copy = await as_sdk_reads(path), await as_sdk_reads(file, "alone")
    assert copy["main"][0] == original["alt"][0]
    sdk = SdkSession(session_id="alone", db_path=file)
    await sdk.add_items(turn("on"))
    await sdk.create_branch_from_turn(2, "fork")
    sdk.close()
    with pytest.raises(ConvoError, match="is there already"):
        await editor.copy_branch_to_file("support", "main", "alone", file)
    with pytest.raises(ConvoError, match="cannot be written"):
        await editor.copy_branch_to_file("support", "main", "alone", tmp_path / "nowhere" / "x.sqlite")
    with pytest.raises(ConvoError, match="'nothing' does not exist"):
        await editor.copy_branch_to_file("support", "nothing", "alone", tmp_path / "none.sqlite")
    assert {each.name.partition(".")[0] for each in tmp_path.iterdir()} <= {"conversations", "copy of alt"}


async def test_turns_are_copied_completely(path: Place, editor: Editor) -> None:
    stored = all_rows(path)
    assert await editor.copy_turns("support", [("main", 4), ("main", 1)], "alt") == (2, 8)
    sdk = open_other(path)
    main, alt = await sdk.get_items(branch_id="main"), await sdk.get_items(branch_id="alt")
    assert alt[-8:] == [*main[-4:], *main[:4]]
    assert [found["turn"] for found in await sdk.get_conversation_turns("alt")] == [1, 2, 3, 4, 5, 6, 7]
    sdk.close()
    shared = "SELECT COUNT(*) FROM message_structure WHERE branch_id = 'alt' AND user_turn_number > 5 AND message_id IN"
    assert rows(path, f"{shared} (SELECT message_id FROM message_structure WHERE branch_id = 'main')") == [(0,)]
    await editor.undo()
    assert all_rows(path) == stored
    with pytest.raises(ConvoError, match="Turn 9 of 'main' is gone"):
        await editor.copy_turns("support", [("main", 1), ("main", 9)], "alt")
    assert all_rows(path) == stored


@pytest.mark.parametrize("torn", [1, 2])
async def test_a_call_is_not_separated_from_its_output(path: Place, editor: Editor, torn: int) -> None:
    items = turn("torn", tool="get_weather")
    del items[torn]
    sdk = open_other(path)
    await sdk.add_items(items)
    sdk.close()
    stored = all_rows(path)
    with pytest.raises(ConvoError, match=r"Turn 5 of 'main' has (a call of get_weather|the output of call 'c1')"):
        await editor.copy_turns("support", [("main", 1), ("main", 5)], "alt")
    assert all_rows(path) == stored


async def test_each_change_of_a_label_is_undone_by_itself(path: Place, editor: Editor, store: Store) -> None:
    await editor.label("support", "alt", title="Oslo, hourly", note="the better one", description="Named 'alt'")
    await editor.label("support", "alt", pinned=True, description="Pinned 'alt'")
    await editor.label("support", None, archived=True, description="Archived session 'support'")
    session = (await store.sessions())[0]
    branch = (await store.tree(session)).branches["alt"]
    assert (branch.name, branch.note, branch.pinned, branch.archived) == ("Oslo, hourly", "the better one", True, False)
    assert (session.name, session.archived) == ("support", True)
    entries = await store.journal()
    assert [entry.description for entry in entries] == ["Archived session 'support'", "Pinned 'alt'", "Named 'alt'"]
    await editor.undo(back_to=entries[1].id)
    assert [entry.state for entry in await store.journal()] == [EntryState.UNDONE, EntryState.UNDONE, EntryState.DONE]
    branch = (await store.tree(session)).branches["alt"]
    assert (branch.name, branch.pinned) == ("Oslo, hourly", False)
    await editor.redo(up_to=entries[0].id)
    assert (await store.sessions())[0].archived
    rows(path, "UPDATE convo_labels SET title = 'mine' WHERE branch_id = 'alt'")
    await editor.undo()
    with pytest.raises(ConvoError, match="Another program has changed a title"):
        await editor.undo()


async def test_a_title_that_is_the_id_of_another_is_refused(path: Place, editor: Editor, store: Store) -> None:
    await editor.fork("billing", "main", 2, "of another session")
    await editor.fork("support", "main", 1, "empty")
    await editor.fork("support", "main", 2, "deleted")
    await editor.delete_branch("support", "deleted")
    for branch, title, kind in (
        ("alt", "main", "branch"),
        ("main", "alt", "branch"),
        ("alt", "empty", "branch"),
        (None, "billing", "session"),
    ):
        before = all_rows(path)
        with pytest.raises(ConvoError) as raised:
            await editor.label("support", branch, title=title, note="new", description="Named")
        assert raised.value.full_message == f"'{title}' is the id of another {kind}. Choose another title."
        assert all_rows(path) == before
    for branch, title in (
        ("alt", "alt"),
        ("alt", "of another session"),
        ("alt", "deleted"),
        ("alt", "billing"),
        ("alt", ""),
        (None, "support"),
        (None, "alt"),
    ):
        await editor.label("support", branch, title=title, description="Named")
    # What has such a title already keeps it when something else is changed.
    await editor.label("support", "alt", title="Rain", description="Named")
    rows(path, "UPDATE convo_labels SET title = 'main' WHERE branch_id = 'alt'")
    await editor.label("support", "alt", title="main", note="the better one", description="Noted")
    alt = (await store.tree((await store.sessions())[0])).branches["alt"]
    assert (alt.title, alt.note) == ("main", "the better one")


async def test_an_unchanged_label_is_not_recorded(path: Place, editor: Editor, store: Store) -> None:
    await editor.label("support", "alt", pinned=True, description="Pinned 'alt'")
    await editor.undo()
    await editor.label("support", "alt", pinned=False, description="Unpinned 'alt'")
    await editor.redo()
    assert len(await store.journal()) == 1


async def test_an_entry_written_just_before_an_undo_is_checked(path: Place, editor: Editor, store: Store) -> None:
    await editor.label("support", "alt", pinned=True, description="Pinned 'alt'")
    [pinned] = await store.journal()
    await editor_of(path).delete_branch("support", "alt")
    stored = all_rows(path)
    checked: list[str] = []

    def refuse_deletions(entry: JournalEntry) -> None:
        checked.append(entry.description)
        if entry.operation == "delete":
            raise ConvoError("An agent answers there.")

    for back_to in (None, pinned.id):
        with pytest.raises(ConvoError, match="An agent answers there"):
            await editor.undo(back_to, check=refuse_deletions)
        assert all_rows(path) == stored
    assert checked == ["Deleted 'alt' (6 items of its own)"] * 2
    assert {entry.state for entry in await store.journal()} == {EntryState.DONE}


async def test_all_entries_are_checked_before_the_first_is_undone(path: Place, editor: Editor, store: Store) -> None:
    for title in ("First", "Second"):
        await editor.label("support", "alt", title=title, description=f"Named 'alt' {title}")
    second, first = await store.journal()
    stored, checked = all_rows(path), list[int]()

    def refuse_the_first(entry: JournalEntry) -> None:
        checked.append(entry.id)
        if entry.id == first.id:
            raise ConvoError("Not this one.")

    with pytest.raises(ConvoError, match="Not this one"):
        await editor.undo(first.id, check=refuse_the_first)
    assert (checked, all_rows(path)) == ([second.id, first.id], stored)
    await editor.undo(first.id, check=lambda entry: checked.append(entry.id))
    with pytest.raises(ConvoError, match="Not this one"):
        await editor.redo(second.id, check=refuse_the_first)
    assert {entry.state for entry in await store.journal()} == {EntryState.UNDONE}
    await editor.redo(second.id, check=lambda entry: checked.append(entry.id))
    assert checked == [second.id, first.id, second.id, first.id, first.id, first.id, second.id]
    assert all_rows(path) == stored


async def test_a_change_after_an_undo_replaces_the_undone_changes_of_the_session(editor: Editor, store: Store) -> None:
    await editor.delete_branch("support", "alt")
    await editor.undo()
    await editor.label("support", "alt", pinned=True, description="Pinned 'alt'")
    assert [entry.description for entry in await store.journal()] == ["Pinned 'alt'"]
    with pytest.raises(ConvoError, match="Nothing to redo"):
        await editor.redo()


@pytest.mark.parametrize(
    ("engine", "kind"),
    [*(("sqlite", kind) for kind in ("fork", "rename", "import", "delete", "run")), ("postgres", "import")],
    indirect=["engine"],
)
async def test_a_change_of_another_session_leaves_undone_changes_to_redo(
    path: Place, editor: Editor, store: Store, kind: str
) -> None:
    await editor.delete_branch("support", "alt")
    await editor.label("support", "main", pinned=True, description="Pinned 'main'")
    await editor.undo((await store.journal())[-1].id)
    if isinstance(path, Path):
        # As an older version stored it.
        rows(path, "ALTER TABLE convo_journal DROP COLUMN place")
    match kind:
        case "fork":
            await editor.fork("billing", "main", 1, "alt")
        case "rename":
            await editor.label("billing", None, title="Bills", description="Renamed")
        case "import":
            await editor.import_sessions([ImportedSession("other", turn("hello"))])
        case "delete":
            await editor.delete_session("billing")
        case "run":
            checkpoint = await editor.take_checkpoint("billing", "main")
            other = open_other(path, "billing")
            await other.add_items(turn("another invoice"))
            other.close()
            await editor.record_since(checkpoint, "run", "Sent a message")
    *undone, new = await store.journal()
    assert [entry.description for entry in undone] == ["Pinned 'main'", "Deleted 'alt' (6 items of its own)"]
    assert [entry.state for entry in (*undone, new)] == [EntryState.UNDONE, EntryState.UNDONE, EntryState.DONE]
    with_new = all_rows(path)
    # The change that was undone last is redone first, and a redone change is undone first.
    await editor.undo()
    assert [entry.id for entry in await editor.redo()] == [new.id]
    assert [entry.id for entry in await editor.redo()] == [undone[1].id]
    await editor.label("third", None, note="Paid", description="Noted")
    assert [entry.description for entry in await editor.undo()] == ["Noted"]
    assert [entry.id for entry in await editor.undo()] == [undone[1].id]
    assert all_rows(path) == with_new
    redone = await editor.redo(undone[0].id)
    assert [entry.description for entry in redone] == ["Deleted 'alt' (6 items of its own)", "Noted", "Pinned 'main'"]
    with pytest.raises(ConvoError, match="Nothing to redo"):
        await editor.redo()
    complete = all_rows(path)
    assert len(await editor.undo(new.id)) == 4
    assert [entry.state for entry in await store.journal()] == [EntryState.UNDONE] * 4
    assert len(await editor.redo((await store.journal())[1].id)) == 3
    assert [entry.description for entry in await editor.redo()] == ["Pinned 'main'"]
    assert all_rows(path) == complete


async def test_emptying_the_trash_makes_changes_permanent(path: Place, editor: Editor, store: Store) -> None:
    await editor.delete_branch("support", "alt")
    await editor.label("support", "main", pinned=True, description="Pinned 'main'")
    assert (await store.journal())[1].kept_bytes > 500
    await editor.empty_trash()
    assert [(entry.state, entry.kept_bytes) for entry in await store.journal()] == [(EntryState.PERMANENT, 0)] * 2
    assert rows(path, "SELECT COUNT(*) FROM convo_trash") == [(0,)]
    with pytest.raises(ConvoError, match="Nothing to undo"):
        await editor.undo()


@on_file
async def test_reading_creates_no_table(path: Place, store: Store) -> None:
    await store.journal()
    await store.tree((await store.sessions())[0])
    await store.deletion_impact((await store.sessions())[0], "alt")
    assert rows(path, "SELECT name FROM sqlite_master WHERE name LIKE 'convo%'") == []


async def test_base_tables_with_other_names_can_be_edited(tmp_path: Path) -> None:
    path = tmp_path / "named.sqlite"
    names = ("my_sessions", "my_messages")
    sdk = SdkSession(session_id="s", db_path=path, create_tables=True, sessions_table=names[0], messages_table=names[1])
    await sdk.add_items([*turn("one"), *turn("two")])
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("other"))
    items = await sdk.get_items(branch_id="alt")
    editor = Editor(path, *names)
    await editor.delete_branch("s", "alt")
    await editor.undo()
    assert await sdk.get_items(branch_id="alt") == items
    sdk.close()


async def test_a_plain_session_is_labelled_and_deleted(place: Place) -> None:
    async with plain_session(place, "s") as plain:
        await plain.add_items(turn("one"))
    editor = editor_of(place)
    await editor.label("s", None, title="Old", description="Named it")
    await editor.delete_session("s")
    assert rows(place, "SELECT COUNT(*) FROM agent_messages") == [(0,)]
    await editor.undo()
    assert rows(place, "SELECT COUNT(*) FROM agent_messages") == [(2,)]
    await editor.undo()
    assert rows(place, "SELECT COUNT(*) FROM convo_labels") == [(0,)]


async def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    editor = Editor(tmp_path / "gone.sqlite", "agent_sessions", "agent_messages")
    with pytest.raises(FileError, match="cannot be opened"):
        await editor.fork("s", "main", 1)
    assert list(tmp_path.iterdir()) == []


async def test_a_failed_change_writes_nothing(path: Place, editor: Editor) -> None:
    stored = all_rows(path)
    with pytest.raises(ConvoError, match="has already been used"):
        await editor.fork("support", "main", 2, "alt")
    with pytest.raises(ConvoError, match="'nothing' does not exist"):
        await editor.delete_branch("support", "nothing")
    assert all_rows(path) == stored
    if isinstance(path, Path):
        assert rows(path, "SELECT name FROM sqlite_master WHERE name LIKE 'convo%'") == []


async def test_a_cancelled_change_is_completed(path: Place, editor: Editor) -> None:
    task = asyncio.create_task(editor.delete_branch("support", "alt"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [branch["branch_id"] for branch in (await as_sdk_reads(path))["branches"]] == ["main"]
    await editor.undo()


KILLED = """
import os, sys
from tui.storage.journal.recording import record
from tui.storage.journal.undo import undo
from tui.storage.open import open_to_write, target_of
from tui.storage.queries.branches import delete_branch
from tui.storage.tables import Tables
path, what = target_of(sys.argv[1]), sys.argv[2]

def work(tx):
    if what == "delete":
        with record(tx, "support", "delete", "Deleted"):
            delete_branch(tx, "support", "alt")
    else:
        undo(tx)
    os._exit(9)

open_to_write(path, Tables(), 5).submit_write(work).result()
"""


async def test_a_killed_program_writes_all_or_nothing(path: Place, editor: Editor) -> None:
    def killed(what: str) -> None:
        assert fork_server().run(["-c", KILLED, str(path), what]).returncode == 9

    before = all_rows(path)
    killed("delete")
    assert all_rows(path) == before
    await editor.delete_branch("support", "alt")
    deleted = all_rows(path)
    killed("undo")
    assert all_rows(path) == deleted
    await editor.undo()
    assert all_rows(path) == before


async def test_everything_that_a_run_wrote_is_undone(path: Place, editor: Editor) -> None:
    await editor.fork("support", "main", 1, "empty")
    stored = all_rows(path)
    before = await editor.take_checkpoint("support", "empty")
    async with open_ours(path, "support") as ours:
        await ours.switch_to_branch("empty")
        await ours.add_items(turn("sent", tool="get_weather"))
        await ours.store_run_usage(run_result(7))
        await ours.record_run(outcome="done", model="m", agent=None, started_at=None, seconds=1.0)
    after_run = all_rows(path)
    await editor.record_since(before, "run", "Sent “sent” on 'empty'")
    await editor.undo()
    assert all_rows(path) == stored
    await editor.redo()
    assert all_rows(path) == after_run
    await editor.undo()
    await editor.undo()
    assert "empty" not in {name for _, name, *_ in all_rows(path).get("convo_branches", [])}


async def test_a_run_that_wrote_nothing_is_not_recorded(editor: Editor, store: Store) -> None:
    await editor.record_since(await editor.take_checkpoint("support", "alt"), "run", "Sent nothing")
    assert await store.journal() == ()


@on_file
async def test_other_changes_can_be_recorded(path: Place, editor: Editor) -> None:
    stored = all_rows(path)

    def shout(tx: Transaction) -> None:
        with record(tx, "support", "shout", "Shouted"):
            tx.execute(
                "INSERT OR REPLACE INTO turn_usage (session_id, branch_id, user_turn_number, input_tokens)"
                " VALUES ('support', 'main', 1, 9)"
            )
            tx.execute(
                "INSERT OR REPLACE INTO turn_usage (session_id, branch_id, user_turn_number, input_tokens)"
                " VALUES ('support', 'main', 1, 8)"
            )

    await editor.change(shout)
    assert (await as_sdk_reads(path))["main"][5][0]["input_tokens"] == 8
    await editor.undo()
    assert all_rows(path) == stored


async def test_a_session_keeps_its_place_when_a_branch_is_deleted(path: Place, editor: Editor, store: Store) -> None:
    async def order() -> list[tuple[str, ...]]:
        # The first page, and the order of all sessions, as a file that was just opened has it.
        fresh = Store(path)
        pages = [await fresh.sessions(), await fresh.sessions(0, 1000), await store.sessions()]
        fresh.close()
        return [tuple(session.session_id for session in page) for page in pages]

    await editor.fork("support", "main", 2, "newest")
    for session_id, branch in (("between", "main"), ("support", "newest")):
        async with open_ours(path, session_id) as ours:
            await ours.switch_to_branch(branch)
            await ours.add_items(turn("hello"))
    before = await order()
    assert {names[:2] for names in before} == {("support", "between")}
    await editor.delete_branch("support", "newest")
    assert await order() == before
    async with open_ours(path, "between") as ours:
        await ours.add_items(turn("again"))
    assert {names[:2] for names in await order()} == {("between", "support")}
    await editor.delete_session("support")
    await editor.undo()
    assert {names[:2] for names in await order()} == {("between", "support")}
    await editor.delete_session("support")
    await editor.empty_trash()
    assert rows(path, "SELECT * FROM convo_sessions") == []
