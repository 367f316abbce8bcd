"""Finding, as its user does it: in the chat, in the tree, everywhere, and who said it first."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.conversations import open_sdk, turn
from tests.explorer.test_explorer import Opened, opened
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.screens.dialogs.search import OriginDialog, SearchDialog
from tui.storage.store import Store
from tui.widgets.find_bar import FindBar
from tui.widgets.lists.hits import HitList

Snapshot = Callable[..., bool]

LONG = "\n".join(f"line {number} of the log" for number in range(60)) + "\nthe pump failed in Oslo"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """support: main 1 2 3 4 5, alt leaves it at 3; billing: one turn. A log of 60 lines is folded in turn 2."""
    path = tmp_path / "support.sqlite"
    other = open_sdk(path, "billing")
    await other.add_items(turn("Send the invoice to Oslo", "Sent."))
    other.close()
    sdk = open_sdk(path)
    await sdk.add_items(turn("Hello, can you help me?", "With **what** exactly?"))
    await sdk.add_items(turn("Read the log of the pump", "It says the pump failed twice. Pump!", tool="read_log"))
    await sdk.add_items(turn("And tomorrow?", "Answer to And tomorrow?"))
    await sdk.create_branch_from_turn(3, "alt")
    await sdk.add_items(turn("Is there snow in Oslo?", "Yes, 12 cm of snow."))
    await sdk.switch_to_branch("main")
    for words in ("Plot it", "Thanks"):
        await sdk.add_items(turn(words, f"Answer to {words}"))
    sdk.close()
    with closing(sqlite3.connect(path)) as db:
        old, new = '"12 \\u00b0C, rain"', '"' + LONG.replace("\n", "\\n") + '"'
        db.execute("UPDATE agent_messages SET message_data = replace(message_data, ?, ?)", (old, new))
        db.execute("UPDATE agent_messages SET created_at = '2026-03-01 09:30:00'")
        db.execute("UPDATE agent_sessions SET updated_at = NULL")
        db.commit()
    return path


def typed(text: str) -> list[str]:
    return [{" ": "space", "/": "slash", "?": "question_mark", ":": "colon"}.get(letter, letter) for letter in text]


def bar(explorer: Opened, name: str = "find-in-chat") -> FindBar:
    return explorer.screen.query_one(f"#{name}", FindBar)


def state(explorer: Opened, name: str = "find-in-chat") -> str:
    return str(bar(explorer, name).query_one("#find-state").render())


def found(explorer: Opened) -> list[tuple[str, bool]]:
    """What is marked in the rows of the chat that are in sight, and whether it is the current place."""
    chat = explorer.chat
    marks = []
    for position, number in chat.rows:
        line = chat._blocks.line(position, number)
        marks += [(line.text[start:end], here) for start, end, here in chat._marks.on_line(position, number)]
    return marks


def current(explorer: Opened) -> list[str]:
    return [text for text, here in found(explorer) if here]


def session(explorer: Opened) -> str:
    session = explorer.screen.view.session
    return session.session_id if session else ""


def listed(explorer: Opened) -> list[str]:
    """The lines of the open dialog's list."""
    hits = explorer.pilot.app.screen.query_one(HitList)
    return [hits.render_line(y).text.strip() for y in range(hits.size.height) if hits.render_line(y).text.strip()]


def shown(explorer: Opened) -> str:
    """What stands on the screen that is on top."""
    return "\n".join(strip.text for strip in explorer.pilot.app.screen._compositor.render_strips())


# In the chat


async def test_the_chat_goes_to_the_first_place_while_it_is_typed(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g", *typed("/pump"))
        assert explorer.place == ("main", 2)
        assert current(explorer) == ["pump"]
        assert state(explorer) == "1 of 3"
        await explorer.press("enter")
        assert explorer.chat.has_focus


async def test_n_goes_from_place_to_place_and_on_from_the_top(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g", *typed("/pump"), "enter")
        states = [state(explorer)]
        for _ in range(4):
            await explorer.press("n")
            states.append(state(explorer))
        assert states == ["1 of 3", "2 of 3", "3 of 3 · 1/2 in it", "3 of 3 · 2/2 in it", "1 of 3"]
        await explorer.press("N")
        assert state(explorer) == "3 of 3 · 2/2 in it"
        assert current(explorer) == ["Pump"]


async def test_a_place_in_a_folded_output_is_unfolded_and_brought_into_sight(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g", *typed("/pump FAILED in"), "enter")
        assert current(explorer) == ["pump failed in"]
        assert "the pump failed in Oslo" in explorer.text
        assert "line 0 of the log" not in explorer.text


async def test_all_places_in_sight_are_marked_and_escape_takes_the_marks_away(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g", *typed("/answer to"), "enter")
        assert [text for text, _ in found(explorer)] == ["Answer to"] * 3
        await explorer.press("escape")
        assert found(explorer) == []
        assert not bar(explorer).display
        await explorer.press("n")
        assert explorer.told.startswith("Nothing was searched for")


async def test_escape_while_typing_goes_back_to_where_it_began(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2")
        before = explorer.place, explorer.chat.bookmark()
        await explorer.press(*typed("/hello"))
        assert explorer.place == ("main", 1)
        await explorer.press("escape")
        assert (explorer.place, explorer.chat.bookmark()) == before
        assert explorer.chat.has_focus


async def test_the_search_begins_where_the_reader_is(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g", "j", "j", "j", "j", "j", "j", *typed("/answer"))
        assert explorer.place == ("main", 3)
        await explorer.press("down")
        assert explorer.place == ("main", 4)
        await explorer.press("up", "up")
        assert explorer.place == ("main", 5)
        assert state(explorer).startswith("3 of 3")


async def test_what_is_not_there_and_what_is_no_pattern_is_said(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", *typed("/xyz"))
        assert state(explorer) == "not found"
        await explorer.press("ctrl+u", *typed("/(a/"))
        assert "missing )" in state(explorer)
        assert bar(explorer).has_class("-wrong")


async def test_wrapped_text_and_markdown_are_marked_as_they_are_shown(path: Path) -> None:
    async with opened(path, (80, 30)) as explorer:
        await explorer.press("2", "g", *typed("/with what exactly"))
        assert found(explorer) == [("With what exactly", False)]


async def test_what_others_wrote_meanwhile_is_found_too(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g", *typed("/answer to"), "enter")
        sdk = open_sdk(path)
        await sdk.add_items(turn("More", "Answer to more"))
        sdk.close()
        await explorer.press("f5", "n", "n", "n")
        assert state(explorer) == "4 of 4"
        assert explorer.place == ("main", 6)


# In the tree


async def test_the_tree_goes_to_messages_of_the_user(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("1", "g", *typed("/o"))
        assert bar(explorer, "find-in-tree").display
        places = [explorer.place]
        await explorer.press("enter")
        for _ in range(4):
            await explorer.press("n")
            places.append(explorer.place)
        assert explorer.tree.has_focus
        assert places == [("main", 1), ("main", 2), ("alt", 3), ("main", 3), ("main", 4)]
        await explorer.press("escape")
        assert not bar(explorer, "find-in-tree").display


async def test_escape_in_the_tree_goes_back(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("1", *typed("/snow"))
        assert explorer.place == ("alt", 3)
        await explorer.press("escape")
        assert explorer.place == ("main", 5)


# Everywhere


async def test_everywhere_lists_and_widens(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", *typed("oslo"))
        assert listed(explorer)[0] == "turn 2 · main, alt"
        assert "the pump failed in Oslo" in listed(explorer)[2]
        assert "2 items" in shown(explorer)
        await explorer.press("tab")
        assert "3 items" in shown(explorer)
        assert listed(explorer)[0] == "turn 3 · alt"
        await explorer.press("ctrl+f")
        assert "billing › turn 1 · main" in listed(explorer)
        await explorer.press("shift+tab")
        assert "3 items" in shown(explorer)


async def test_enter_goes_to_the_hit_and_n_onward_through_the_list(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", "tab", "tab", *typed("oslo"), "enter")
        assert explorer.place == ("alt", 3)
        assert current(explorer) == ["Oslo"]
        assert explorer.chat.has_focus
        await explorer.press("n", "n")
        assert explorer.place == ("alt", 2)
        assert current(explorer) == ["Oslo"]
        await explorer.press("n")
        assert explorer.place == ("main", 1)
        assert session(explorer) == "billing"
        assert current(explorer) == ["Oslo"]
        assert state(explorer) == "4 of 4"
        await explorer.press("N")
        assert session(explorer) == "support"
        assert current(explorer) == ["Oslo"]


async def test_a_hit_is_shown_on_the_branch_that_is_open_if_that_has_it(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", "tab", *typed("read the log"), "enter")
        assert explorer.place == ("main", 2)


async def test_the_dialog_comes_back_with_what_was_searched_for(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", "tab", *typed("snow"), "enter", "ctrl+f")
        dialog = explorer.pilot.app.screen
        assert isinstance(dialog, SearchDialog)
        assert (dialog.text, dialog.scope) == ("snow", "session")
        assert "2 items" in shown(explorer)


async def test_filters_alone_list_what_they_let_through(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", *typed("tool:read_log"))
        assert [line.split("  ")[0] for line in listed(explorer)] == ["turn 2 · main, alt", "⚙ read_log", "↳ read_log"]


async def test_a_wrong_pattern_is_said_in_place_and_the_list_stays(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", *typed("/pu(mp|b)/"))
        before = listed(explorer)
        assert before
        await explorer.press("left", "backspace", "backspace", "backspace")
        assert "is no regular expression" in shown(explorer)
        assert listed(explorer) == before


async def test_a_click_picks_a_hit_and_headings_are_none(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", "tab", *typed("snow"))
        await explorer.pilot.click(HitList, offset=(10, 0))
        await explorer.settle()
        assert isinstance(explorer.pilot.app.screen, SearchDialog)
        await explorer.pilot.click(HitList, offset=(10, 2))
        await explorer.settle()
        assert explorer.place == ("alt", 3)
        assert "12 cm of snow" in explorer.text


async def test_escape_stops_a_search_first_then_leaves(tmp_path: Path) -> None:
    path = tmp_path / "many.sqlite"
    sdk = open_sdk(path)
    for _ in range(30):
        await sdk.add_items([item for number in range(100) for item in turn(f"Question {number}")])
    sdk.close()
    async with opened(path) as explorer:
        await explorer.pilot.press("ctrl+f", *typed("question"))
        dialog = explorer.pilot.app.screen
        assert isinstance(dialog, SearchDialog)
        await explorer.until(lambda: bool(dialog.hits))
        search = dialog.search
        assert search is not None
        if search.running:
            await explorer.pilot.press("escape")
            await explorer.settle()
            assert explorer.pilot.app.screen is dialog
            assert "stopped at" in shown(explorer)
        assert not search.running
        await explorer.press("escape")
        assert explorer.pilot.app.screen is explorer.screen


async def test_untrusted_text_acts_on_nothing(tmp_path: Path) -> None:
    path = tmp_path / "nasty.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([{"role": "user", "content": "needle [/x] [bold]\x1b[31m red\r\nnext needle"}])
    sdk.close()
    async with opened(path) as explorer:
        await explorer.press("ctrl+f", *typed("needle"))
        assert "[/x] [bold]␛[31m red next needle" in listed(explorer)[1]
        await explorer.press("enter", "ctrl+f", *typed("[/x]"))
        assert "1 item" in shown(explorer)


# Origins


async def test_blame_lists_the_branch_in_the_order_of_reading(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("B", *typed("pump"))
        assert isinstance(explorer.pilot.app.screen, OriginDialog)
        lines = listed(explorer)
        assert lines[0] == "turn 2 · main, alt"
        assert [line.split("  ")[0] for line in lines[1:]] == ["you", "↳ read_log", "agent"]
        assert lines[3].endswith("×2")
        assert "3 items, 4 matches" in shown(explorer)
        await explorer.press("down", "enter")
        assert current(explorer) == ["pump"]
        assert "the pump failed in Oslo" in explorer.text


async def test_blame_begins_with_what_the_mouse_has_selected(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("2", "g")
        row = next(y for y, line in enumerate(explorer.text.split("\n")) if "With what exactly" in line)
        column = explorer.text.split("\n")[row].index("With what")
        await explorer.pilot.mouse_down(offset=(column, row))
        await explorer.pilot.hover(offset=(column + 9, row))
        await explorer.pilot.mouse_up(offset=(column + 9, row))
        await explorer.press("B")
        assert explorer.pilot.app.screen.query_one(Input).value == "With what"
        # The stored text has marks of markdown between the words.
        assert "With **what** exactly?" in listed(explorer)[1]


async def test_blame_of_what_is_nowhere_says_so(path: Path) -> None:
    async with opened(path) as explorer:
        await explorer.press("B", *typed("snow"))
        assert listed(explorer) == ["not in this branch"]


@pytest.mark.parametrize(("size", "keys"), [((120, 34), "pump"), ((60, 24), "pump")])
def test_the_dialog_at_two_sizes(path: Path, snap_compare: Snapshot, size: tuple[int, int], keys: str) -> None:
    controller = SessionController(Store(path))
    asyncio.run(controller.open())

    async def look(pilot: Pilot[None]) -> None:
        await settled(pilot, ["ctrl+f", "tab", "tab", *typed(keys), "down"])

    assert snap_compare(ConvoApp(controller), terminal_size=size, run_before=look)
    controller.close()


def test_marks_in_the_chat(path: Path, snap_compare: Snapshot) -> None:
    controller = SessionController(Store(path))
    asyncio.run(controller.open())

    async def look(pilot: Pilot[None]) -> None:
        await settled(pilot, ["2", "g", *typed("/pump"), "enter", "n", "n"])

    assert snap_compare(ConvoApp(controller), terminal_size=(100, 30), run_before=look)
    controller.close()


async def settled(pilot: Pilot[None], keys: Sequence[str]) -> None:
    # What the covered panes show must have come before they are covered.
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
