"""Names, pins, the archive, deleting, copies and undo, by their keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.conversations import open_sdk, run_result, turn
from tests.explorer.driver import open_explorer
from tui.screens.dialogs.delete import DeleteDialog
from tui.screens.dialogs.form import Form
from tui.screens.dialogs.undo_history import UndoHistory
from tui.storage.editor import Editor
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Session support: main has turns 1 to 3, alt leaves it at turn 2; session billing: one turn."""
    path = tmp_path / "support.sqlite"
    other = open_sdk(path, "billing")
    await other.add_items(turn("Send me the invoice", "Sent."))
    other.close()
    sdk = open_sdk(path)
    for number in range(1, 4):
        await sdk.add_items(turn(f"main {number}"))
        await sdk.store_run_usage(run_result(1000 * number))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("alt 2"))
    await sdk.store_run_usage(run_result(500))
    sdk.close()
    return path


async def test_title_and_note_are_edited_in_one_dialog(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("comma")
        assert isinstance(explorer.app.screen, Form)
        assert "Title and note of branch alt" in explorer.text
        await explorer.press(*"main", "tab", *"better", "enter")
        assert "'main' is the id of another branch. Choose another title." in explorer.text
        await explorer.press("shift+tab", *["backspace"] * 4, *"Oslo [b]", "enter")
        assert "2 Chat · Oslo [b] · alt" in explorer.text
        await explorer.press("b")
        await explorer.press(*"oslo")
        assert re.search(r"better · .* · 2 turns", explorer.text)
        await explorer.resize(60, 24)
        # Of the details the number of turns stays.
        assert re.search(r"Oslo \[b\] · alt .* 2 turns", explorer.text)
        await explorer.resize(140, 40)
        await explorer.press("escape")
        assert "Turn 2 of Oslo [b] · note: better · alternative" in explorer.text
        # Its heading leads to no other branch.
        await explorer.click_text("support")
        assert explorer.view.branch_id == "alt"
        await explorer.press("2", "escape")
        await explorer.press("comma")
        assert [line.value for line in explorer.app.screen.query(Input)] == ["Oslo [b]", "better"]
        await explorer.press("escape", "f")
        assert "Oslo [b] stays as it is" in explorer.text
        await explorer.press("escape", "d")
        assert "Delete branch Oslo [b] · alt?" in explorer.text
        await explorer.press("escape")
        await explorer.press("z")
        assert "2 Chat · alt" in explorer.text


async def test_on_the_row_of_a_session_commands_apply_to_the_session(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("G", "comma", *"Invoices", "enter")
        await explorer.press("asterisk")
        assert "★ Invoices" in explorer.text
        await explorer.press("s")
        lines = [line for line in explorer.text.splitlines() if "billing" in line or " support " in line]
        assert "★ Invoices · billing" in lines[-2] + lines[-1]
        await explorer.press("escape")
        await explorer.press("a")
        assert "billing" not in explorer.text
        assert "Invoices" not in explorer.text.replace(explorer.notice, "")
        await explorer.press("full_stop")
        assert "★ ⊘ Invoices" in explorer.text


async def test_archived_branches_are_hidden_until_full_stop_is_pressed(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("a")
        assert explorer.place[0] == "main"
        assert "1 branch · 1 archived" in explorer.text
        await explorer.press("full_stop")
        assert "[⊘ alt]" in explorer.text
        await explorer.press("right_square_bracket")
        assert explorer.place[0] == "alt"
        await explorer.press("a", "full_stop")
        assert "2 branches ─" in explorer.text


async def test_delete_shows_its_impact_and_z_undoes_it(path: Path) -> None:
    editor = Editor(path, "agent_sessions", "agent_messages")
    await editor.label("support", "main", title="Cheap beds", description="Named")
    await editor.fork("support", "main", 3)
    async with open_explorer(path, "alt") as explorer:
        await explorer.press("d")
        assert isinstance(explorer.app.screen, DeleteDialog)
        for told in (
            "Delete branch alt?",
            "1 turn with 2 items that no other branch has",
            "usage of 550 tokens",
            "turn 1, in Cheap beds · main, fork from turn 3",
        ):
            assert told in explorer.text
        await explorer.press("escape")
        assert "alt" in explorer.view.tree.branches
        await explorer.press("d")
        await explorer.press("y")
        assert "alt" not in explorer.view.tree.branches
        await explorer.press("z")
        assert explorer.place == ("alt", 2)
        await explorer.press("d")
        await explorer.press("a")
        assert explorer.notice.startswith("Archived 'alt'; now on ")


async def test_main_cannot_be_deleted(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("left_square_bracket", "d")
        assert explorer.app.screen is explorer.screen
        assert "'main' cannot be deleted" in explorer.notice


async def test_after_an_error_the_copy_form_stays_as_it_was(path: Path, tmp_path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("Y")
        name, file = explorer.app.screen.query(Input)
        assert name.value == "support-alt"
        name.value = "billing"
        await explorer.press("enter")
        assert "has a session 'billing' already. Choose another name." in explorer.text
        assert name.value == "billing"
        file.value = str(tmp_path / "copy.sqlite")
        await explorer.press("enter")
        assert "To open the copy: convo-tui" in explorer.notice
        copy = Store(tmp_path / "copy.sqlite")
        assert [session.session_id for session in await copy.sessions()] == ["billing"]
        copy.close()


async def test_marked_turns_are_copied_and_z_undoes_it(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("left_square_bracket", "v", "right_square_bracket", "greater_than_sign")
        assert explorer.place == ("alt", 3)
        await explorer.press("z")
        assert explorer.place == ("alt", 2)


async def test_the_list_of_changes_undoes_back_to_an_entry(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("at")
        assert "no changes" in explorer.text
        assert "permanent" not in explorer.text
        await explorer.press("escape")
        await explorer.press("asterisk", "comma", *"Better", "enter")
        for key in ("d", "y", "at"):
            await explorer.press(key)
        assert isinstance(explorer.app.screen, UndoHistory)
        assert "Enter undoes 1 change: Deleted 'alt' (2 items of its own)" in explorer.text
        await explorer.press("j", "j")
        assert "Enter undoes 3 changes: Deleted 'alt'" in explorer.text
        await explorer.press("k")
        await explorer.press("enter")
        assert explorer.place[0] == "alt"
        assert explorer.text.count("undone") == 2
        await explorer.press("P")
        assert "Enter redoes" in explorer.text
        await explorer.press("E", "E")
        assert "Make 3 changes permanent" in explorer.text
        await explorer.press("y")
        assert "· permanent" in explorer.text
        await explorer.press("escape")
        await explorer.press("z")
        assert explorer.notice.strip().endswith("Nothing to undo.")


async def test_a_change_that_cannot_be_undone_shows_the_error_in_the_list(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("asterisk", "f")
        explorer.composer.query_one(Input).value = "third"
        await explorer.press("enter")
        sdk = open_sdk(path)
        await sdk.switch_to_branch("third")
        await sdk.add_items(turn("on"))
        sdk.close()
        await explorer.press("escape")
        await explorer.press("at")
        await explorer.press("enter")
        assert "Branch 'third' has 2 new items" in explorer.text
        await explorer.press("P", "y")
        await explorer.press("j", "enter")
        await explorer.press("escape")
        assert not explorer.view.tree.branches["alt"].pinned


async def test_in_a_read_only_file_no_dialog_opens(path: Path) -> None:
    async with open_explorer(path, read_only=True) as explorer:
        for key in ("comma", "asterisk", "a", "d", "Y", "z", "Z"):
            await explorer.press(key)
            assert explorer.app.screen is explorer.screen, key
            assert "read-only" in explorer.notice
