"""The menu of what is under the cursor, by keyboard and mouse."""

from __future__ import annotations

from pathlib import Path

from tests.explorer.driver import ExplorerDriver, open_explorer
from tui.agent.settings import AgentSettings
from tui.commands import COMMANDS, Target
from tui.screens.dialogs.menu import Menu


def titles(*targets: Target) -> set[str]:
    return {
        command.title for command in COMMANDS.values() if set(command.on) & set(targets) and not command.needs_agent
    }


def listed(explorer: ExplorerDriver) -> list[str]:
    """Return the titles in the menu."""
    screen = explorer.app.screen
    assert isinstance(screen, Menu)
    return [entry.title for entry in screen._entries]


async def test_space_lists_the_commands_for_what_is_under_the_cursor(path: Path, long_path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("space")
        found = listed(explorer)
        assert found[0] == "Open"
        assert titles(Target.TURN, Target.BRANCH, Target.OPEN_SESSION) <= set(found)
        assert "Scope" not in found
        assert len(found) == len(set(found))
        await explorer.press("escape", "2", "space")
        assert titles(Target.ITEM, Target.TURN, Target.BRANCH) <= set(listed(explorer))
        # Enter does nothing there, as a message cannot be folded.
        assert listed(explorer)[0] == "Unfold all"
        await explorer.press("escape", "3", "space")
        assert titles(Target.BAR, Target.TURN) <= set(listed(explorer))
        await explorer.press("escape", "1", "G", "space")
        # Commands that apply to the open session alone are not offered for another one.
        assert listed(explorer)[1:] == ["Rename", "Pin", "Archive", "Delete", "Help", "Commands"]
        assert "Session billing" in explorer.text
    async with open_explorer(long_path) as explorer:
        await explorer.press("2")
        # The output.
        explorer.chat.put_cursor(2)
        await explorer.press("space")
        assert listed(explorer)[:2] == ["Unfold", "Unfold all"]
        await explorer.press("enter", "space")
        assert listed(explorer)[:2] == ["Fold", "Unfold all"]
        await explorer.press("escape", "o", "space")
        assert listed(explorer)[:2] == ["Fold", "Fold all"]


async def test_the_menu_is_answered_by_arrows_by_a_key_and_by_the_mouse(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("g", "down", "down", "space", "down")
        assert "Fork here: edit this" in explorer.text
        await explorer.press("enter")
        assert "Fork from turn 2" in explorer.text
        await explorer.press("escape", "1", "space", "v")
        assert explorer.view.marks == (("main", 2),)
        await explorer.press("space")
        await explorer.click_text("Model input")
        await explorer.until(lambda: "Model input  main · turn 2" in explorer.text)
        await explorer.press("escape", "space")
        await explorer.click_text("Compare")
        assert explorer.app.screen is not explorer.screen


async def test_space_escape_and_a_click_beside_it_close_the_menu(path: Path) -> None:
    async with open_explorer(path) as explorer:
        for key in ("space", "escape", "q"):
            await explorer.press("space")
            assert listed(explorer)
            await explorer.press(key)
            assert explorer.app.screen is explorer.screen
        await explorer.press("space")
        await explorer.pilot.click(offset=(130, 1))
        assert explorer.app.screen is explorer.screen
        assert explorer.place == ("main", 6)


async def test_a_right_click_opens_the_menu_of_what_was_clicked(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.click_text("In Fahrenheit", button=3)
        assert "Turn 3" in explorer.text
        assert "Branch alt" in explorer.text
        assert "Fork from" not in explorer.text
        await explorer.press("f")
        assert explorer.view.fork is not None
        assert explorer.view.fork[:2] == ("alt", 3)
        await explorer.press("escape")
        await explorer.click_text("billing", button=3)
        await explorer.press("a")
        assert "billing" not in "\n".join(explorer.lines[:-1]).replace(explorer.notice, "")
        assert explorer.view.session is not None
        assert explorer.view.session.session_id == "support"


async def test_a_right_click_in_the_chat_and_on_a_bar(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.click_text("Yes?", button=3)
        assert "Turn 6" in explorer.text
        await explorer.press("y")
        assert "Copied" in explorer.notice
        await explorer.click_text(" t2 ", button=3)
        assert "Turn 2" in explorer.text
        await explorer.press("v")
        assert explorer.view.marks == (("main", 2),)


async def test_a_right_click_on_the_name_of_a_branch_opens_the_menu_of_the_branch(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.click_text("[alt]", button=3)
        assert explorer.place == ("alt", 4)
        assert "Branch alt" in explorer.text
        assert titles(Target.BRANCH) <= set(listed(explorer))
        assert not {"Open", "Mark"} & set(listed(explorer))


async def test_full_screens_have_a_menu(path: Path) -> None:
    async with open_explorer(path) as explorer:
        for key, title, chosen, seen in (("c", "Swap sides", "percent_sign", "alt"), ("m", "JSON", "M", '"role"')):
            await explorer.press(key)
            screen = explorer.app.screen
            await explorer.press("space")
            assert {title, "Close", "Help"} <= set(listed(explorer))
            assert "Menu" not in listed(explorer)
            await explorer.press(chosen)
            assert explorer.app.screen is screen
            assert seen in explorer.text
            await explorer.click_text(seen, button=3)
            await explorer.click_text("Close")
            assert explorer.app.screen is explorer.screen


async def test_the_menu_leaves_out_what_cannot_be_done(path: Path) -> None:
    async with open_explorer(path, read_only=True) as explorer:
        await explorer.press("space")
        assert not {COMMANDS[name].title for name in ("fork.here", "manage.name", "manage.delete")} & set(
            listed(explorer)
        )
    async with open_explorer(path, agent=AgentSettings(model="offline")) as explorer:
        await explorer.press("space")
        assert "Run again" in listed(explorer)


async def test_the_menu_covers_no_row_under_the_cursor(path: Path) -> None:
    async with open_explorer(path, size=(80, 24)) as explorer:
        for _ in range(8):
            await explorer.press("up")
            row = explorer.tree.content_region.y + explorer.tree.cursor_y
            before = explorer.lines[row]
            await explorer.press("space")
            assert explorer.lines[row] == before
            await explorer.press("escape")


async def test_a_menu_in_a_very_small_terminal(path: Path) -> None:
    async with open_explorer(path, size=(30, 8)) as explorer:
        await explorer.press("space", *["down"] * 5)
        await explorer.press("enter")
        assert explorer.app.is_running
