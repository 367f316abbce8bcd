"""Navigation and forks in the explorer: after every key and click all panes show one branch and one turn."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from textual import events

from tests.conversations import open_sdk, turn
from tests.explorer.driver import open_explorer, typed
from tui.agent.settings import AgentSettings
from tui.screens.dialogs.picker import Picker


def dump(path: Path) -> list[str]:
    """All that a file holds."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


async def test_a_file_opens_at_its_end_with_all_three_panes(path: Path) -> None:
    async with open_explorer(path) as explorer:
        assert explorer.place == ("main", 6)
        for text in ("1 Tree", "2 Chat · main", "3 Usage", "One more thing", "Yes?", "turn 6 of 6", "alt", "billing"):
            assert text in explorer.text


async def test_keys_in_the_tree_preview_a_turn_and_enter_opens_it(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("k", "up")
        assert explorer.place == ("main", 4)
        await explorer.press("G", "up", "up")
        assert explorer.place == ("alt", 3)
        assert "2 Chat · alt · preview" in explorer.text
        await explorer.press("escape")
        assert explorer.place == ("main", 4)
        await explorer.press("G", "up", "up", "enter")
        assert explorer.place == ("alt", 3)
        assert "preview" not in explorer.text
        assert explorer.screen.focused is explorer.chat
        assert "Answer to In Fahrenheit" in explorer.text


async def test_a_fork_starts_from_the_turn_that_was_asked_for_last(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.pilot.press("up", "up", "f")
        await explorer.settle()
        assert explorer.view.fork is not None
        assert explorer.view.fork.turn == 4
        assert explorer.composer.text == "Plot it"


@pytest.mark.parametrize(("pane", "number"), [("1", 4), ("2", 5)])
async def test_keys_that_arrive_together_act_in_their_order(path: Path, pane: str, number: int) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press(pane)
        for key in ("k", "k", "f"):
            explorer.app.post_message(events.Key(key, key))
        await explorer.until(lambda: explorer.view.fork is not None)
        await explorer.settle()
        assert explorer.view.fork is not None
        assert explorer.view.fork.turn == number


async def test_keys_in_the_chat_select_the_turn_in_all_panes(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g")
        assert explorer.place == ("main", 1)
        await explorer.press("G")
        assert explorer.place == ("main", 6)


async def test_a_bar_of_the_chart_selects_its_turn(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("3", "g", "enter")
        assert explorer.place == ("main", 1)
        await explorer.click_text("t2")
        assert explorer.place == ("main", 2)
        assert "What is the weather in Oslo?" in explorer.text


async def test_keys_switch_branches(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("left_square_bracket")
        assert explorer.place == ("main", 6)
        await explorer.press("right_square_bracket")
        assert explorer.place == ("alt", 3)
        await explorer.press("minus")
        assert explorer.place == ("main", 6)
        await explorer.press("left_curly_bracket")
        assert explorer.place == ("main", 3)
        await explorer.press("b")
        assert isinstance(explorer.app.screen, Picker)
        await explorer.press("a", "l", "enter")
        assert explorer.place == ("alt", 3)


async def test_keys_switch_sessions(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("s", *"bill", "enter")
        assert explorer.place == ("main", 1)
        assert "Send me the invoice" in explorer.text


async def test_fast_keys_close_a_picker_once(path: Path) -> None:
    async with open_explorer(path) as explorer:
        for key, character in (("s", "s"), ("enter", "\r"), ("enter", "\r"), ("escape", None), ("escape", None)):
            explorer.app.post_message(events.Key(key, character))
        await explorer.settle()
        await explorer.until(lambda: explorer.app.screen is explorer.screen)
        assert explorer.place == ("main", 6)


async def test_u_changes_the_scope_of_the_sums(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("u")
        assert "3 Usage · all" in explorer.text
        await explorer.press("u")
        assert "3 Usage · own" in explorer.text


async def test_a_click_on_a_turn_opens_the_fork_editor_and_enter_makes_the_fork(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.click_text("What is the weather")
        assert explorer.place == ("main", 2)
        assert "Fork from turn 2 · main stays as it is" in explorer.text
        assert explorer.composer.text == "What is the weather in Oslo?"
        await explorer.press(*"!?", "enter")
        made, at = explorer.place
        assert at == 1
        assert made.startswith("branch_from_turn_2_")
        assert explorer.composer.text == "What is the weather in Oslo?!?"
        assert "no model is set" in explorer.notice
    sdk = open_sdk(path)
    assert made in [branch["branch_id"] for branch in await sdk.list_branches()]
    sdk.close()


async def test_enter_pressed_twice_makes_one_branch(path: Path) -> None:
    async with open_explorer(path) as explorer:
        before = len(explorer.view.tree.branches)
        await explorer.press("f")
        await explorer.press("enter", "enter", "enter")
        assert len(explorer.view.tree.branches) == before + 1


@pytest.mark.parametrize(
    ("keys", "title", "text"),
    [
        ("g,down,f", "Fork from turn 1", "Hello, can you help me?"),
        ("g,down,F", "New branch after turn 1", ""),
        ("F", "New branch after turn 6", ""),
    ],
)
async def test_forks_at_both_ends_are_in_the_tree_at_once(path: Path, keys: str, title: str, text: str) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press(*keys.split(","))
        assert title in explorer.text
        assert explorer.composer.text == text
        await explorer.press("enter")
        made, _ = explorer.place
        assert made in explorer.view.tree.branches
        assert any(line[:48].count("empty") for line in explorer.lines)
    async with open_explorer(path) as explorer:
        assert made in explorer.view.tree.branches


async def test_leaving_a_fork_after_a_turn_leaves_the_turn_selected(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("g", "down", "down")
        at = explorer.place
        for _ in range(2):
            await explorer.press("F")
            assert f"New branch after turn {at[1]}" in explorer.text
            await explorer.press("escape", "1")
            assert explorer.place == at


async def test_leaving_the_fork_editor_writes_nothing(path: Path) -> None:
    before = dump(path)
    async with open_explorer(path) as explorer:
        await explorer.press("f", *"abc", "escape")
        assert explorer.view.fork is None
        assert "Fork from" not in explorer.text
    assert dump(path) == before


async def test_a_message_without_an_agent_is_kept_in_the_composer(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("i", *"hello-[x]", "enter")
        assert explorer.composer.text == "hello-[x]"
        assert "No model is set" in explorer.notice
        assert explorer.place == ("main", 6)


async def test_the_fork_editor_does_not_open_in_a_read_only_file(path: Path) -> None:
    async with open_explorer(path, read_only=True) as explorer:
        await explorer.click_text("What is the weather")
        assert explorer.place == ("main", 2)
        await explorer.press("f")
        assert explorer.view.fork is None
        assert "read-only" in explorer.text


async def test_changes_by_another_process_appear(path: Path) -> None:
    async with open_explorer(path) as explorer:
        sdk = open_sdk(path)
        await sdk.add_items(turn("Are you still there?", "I am."))
        await explorer.until(lambda: explorer.view.items == 16)
        await explorer.settle()
        assert explorer.view.tree.branches["main"].turns == 7
        await sdk.delete_branch("alt")
        await explorer.until(lambda: "alt" not in explorer.view.tree.branches)
        await explorer.settle()
        assert explorer.place == ("main", 6)
        sdk.close()


async def test_names_and_texts_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "nasty.sqlite"
    sdk = open_sdk(path, "[red]session[/]\x1b[31m")
    await sdk.add_items(
        [*turn("[/x] [bold]not bold[/bold] \x1b]8;;http://evil\x07", "[link=http://evil]x[/link] \x9b1m"), *turn("two")]
    )
    await sdk.create_branch_from_turn(2, "[/branch] \x1b[2J")
    await sdk.add_items(turn("[$error]three"))
    sdk.close()
    async with open_explorer(path) as explorer:
        await explorer.press("f")
        await explorer.press("escape", "b")
        await explorer.press("escape", "s")
        await explorer.press("escape", "1", "g", "down")
        shown = explorer.text
        assert "[/branch] ␛[2J" in shown
        assert "[/x] [bold]not bold[/bold]" in shown
        assert not {character for character in shown if character < " " and character != "\n"} | ({"\x9b"} & set(shown))


async def test_half_of_a_surrogate_pair_is_copied_as_a_question_mark(tmp_path: Path) -> None:
    sdk = open_sdk(tmp_path / "half.sqlite")
    await sdk.add_items(turn("half of \ud83d it"))
    sdk.close()
    async with open_explorer(tmp_path / "half.sqlite") as explorer:
        await explorer.press("2", "g", "y")
        assert explorer.app.clipboard == "half of ? it"
        assert "Copied" in explorer.notice


async def test_a_locked_file_is_read_later(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()
    async with open_explorer(path, lock_timeout=0) as explorer:
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        await explorer.press("up", "up", "up", "up")
        assert "is locked by another program" in explorer.notice
        assert len([notice for notice in explorer.notices if "locked" in notice]) <= 2
        locker.execute("DELETE FROM message_structure WHERE branch_id = 'alt'")
        locker.execute("COMMIT")
        locker.close()
        await explorer.until(lambda: "alt" not in explorer.view.tree.branches)


async def test_the_collector_excludes_what_exists_at_the_start(path: Path) -> None:
    async with open_explorer(path):
        assert gc.get_freeze_count() > 10_000
    gc.unfreeze()


async def test_v_marks_the_turn_under_the_cursor_and_escape_removes_the_marks(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("1", "k", "v", "k", "v")
        assert "✓ 5" in explorer.text
        assert "✓ 4" in explorer.text
        await explorer.press("v")
        assert "✓ 5" in explorer.text
        assert "✓ 4" not in explorer.text
        await explorer.press("escape")
        assert "✓" not in explorer.text


@pytest.mark.parametrize("columns", [160, 60])
async def test_branches_that_begin_alike_differ_in_the_picker(path: Path, columns: int) -> None:
    sdk = open_sdk(path)
    for _ in range(2):
        await sdk.switch_to_branch("main")
        await sdk.create_branch_from_turn(5)
        await sdk.add_items(turn("The same words, so many that they fill the whole line of a narrow window"))
    sdk.close()
    async with open_explorer(path, "main", size=(columns, 30)) as explorer:
        await explorer.press("1", "b")
        lines = [line for line in explorer.text.splitlines() if "5 turns" in line]
        assert [line.split("turns ")[1][:5] for line in lines] == ["‹2/3›", "‹3/3›"]


@pytest.mark.parametrize("columns", [140, 74])
async def test_a_branch_that_nobody_named_has_the_words_after_its_fork_everywhere(path: Path, columns: int) -> None:
    agent = AgentSettings(model="offline")
    async with open_explorer(path, "main", size=(columns, 40), agent=agent) as explorer:
        await explorer.press("1", "g", "down", "down", "f", *typed(" in May"), "enter")
        await explorer.until(lambda: explorer.view.branch_id != "main" and not explorer.view.runs)
        await explorer.settle()
        branch_id = explorer.view.branch_id
        assert branch_id.startswith("branch_from_turn_2_")
        place = "2 Chat · support · " if columns < 80 else "2 Chat · "
        assert f"{place}What is the weather in Oslo? in May" in explorer.text
        assert "Message to “What is the weath…” · Enter to send" in explorer.text
        await explorer.press("escape", "b")
        assert "What is the weather in Oslo? in" in explorer.text
        await explorer.press("escape", "minus", "c")
        assert "What is the weather in Oslo? in" in explorer.text
