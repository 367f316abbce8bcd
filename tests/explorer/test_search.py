"""Search in the chat, in the tree and everywhere, and the origins of a text."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.conversations import open_sdk, set_times, turn
from tests.explorer.driver import ExplorerDriver, open_controller, open_explorer, settle, typed
from tui.app import ConvoApp
from tui.screens.dialogs.search import OriginDialog, SearchDialog
from tui.widgets.lists.hits import HitList
from tui.widgets.search_bar import SearchBar

Snapshot = Callable[..., bool]

LONG = "\n".join(f"line {number} of the log" for number in range(60)) + "\nthe pump failed in Oslo"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Session support: main has turns 1 to 5, alt leaves it at turn 3; session billing: one turn.

    A log of 60 lines is folded in turn 2.
    """
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
        db.commit()
    set_times(path)
    return path


def bar(explorer: ExplorerDriver) -> SearchBar:
    return explorer.screen.query_one(SearchBar)


def state(explorer: ExplorerDriver) -> str:
    return str(bar(explorer).query_one("#search-state").render()).removeprefix(": ")


def found(explorer: ExplorerDriver) -> list[tuple[str, bool]]:
    """Return the marked texts in the visible rows of the chat, and whether each is the current match."""
    chat = explorer.chat
    marks = []
    for position, number in chat.rows:
        line = chat._blocks.line(position, number)
        marks += [(line.text[start:end], here) for start, end, here in chat._marks.on_line(position, number)]
    return marks


def current(explorer: ExplorerDriver) -> list[str]:
    return [text for text, here in found(explorer) if here]


def session(explorer: ExplorerDriver) -> str:
    session = explorer.view.session
    return session.session_id if session else ""


def listed(explorer: ExplorerDriver) -> list[str]:
    """Return the lines of the open dialog's list."""
    hits = explorer.app.screen.query_one(HitList)
    return [hits.render_line(y).text.strip() for y in range(hits.size.height) if hits.render_line(y).text.strip()]


# In the chat


async def test_typing_goes_to_the_first_match_in_the_chat(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g", *typed("/pump"))
        assert explorer.place == ("main", 2)
        assert current(explorer) == ["pump"]
        assert state(explorer) == "1 of 3"
        await explorer.press("enter")
        assert explorer.chat.has_focus


async def test_n_goes_from_match_to_match_and_wraps(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g", *typed("/pump"), "enter")
        states = [state(explorer)]
        for _ in range(4):
            await explorer.press("n")
            states.append(state(explorer))
        assert states == ["1 of 3", "2 of 3", "3 of 3 · 1/2 here", "3 of 3 · 2/2 here", "1 of 3"]
        await explorer.press("N")
        assert state(explorer) == "3 of 3 · 2/2 here"
        assert current(explorer) == ["Pump"]


async def test_a_match_in_a_folded_output_is_unfolded_and_scrolled_to(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g", *typed("/pump FAILED in"), "enter")
        assert current(explorer) == ["pump failed in"]
        assert "the pump failed in Oslo" in explorer.text
        assert "line 0 of the log" not in explorer.text


async def test_all_visible_matches_are_marked_and_escape_removes_the_marks(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g", *typed("/answer to"), "enter")
        assert [text for text, _ in found(explorer)] == ["Answer to"] * 3
        await explorer.press("escape")
        assert found(explorer) == []
        assert not bar(explorer).display
        await explorer.press("n")
        assert explorer.notice.startswith("No search yet")


async def test_escape_while_typing_goes_back_to_where_the_search_began(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2")
        before = explorer.place, explorer.chat.scroll_state()
        await explorer.press(*typed("/hello"))
        assert explorer.place == ("main", 1)
        await explorer.press("escape")
        assert (explorer.place, explorer.chat.scroll_state()) == before
        assert explorer.chat.has_focus


async def test_the_search_begins_at_the_cursor(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g", "j", "j", "j", "j", "j", "j", *typed("/answer"))
        assert explorer.place == ("main", 3)
        await explorer.press("down")
        assert explorer.place == ("main", 4)
        await explorer.press("up", "up")
        assert explorer.place == ("main", 5)
        assert state(explorer).startswith("3 of 3")


async def test_a_missing_text_and_a_wrong_pattern_are_reported(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", *typed("/xyz"))
        assert state(explorer) == "not found"
        await explorer.press("ctrl+u", *typed("/(a/"))
        assert "missing )" in state(explorer)
        assert bar(explorer).has_class("-error")


async def test_wrapped_text_and_markdown_are_marked_as_they_are_shown(path: Path) -> None:
    async with open_explorer(path, size=(80, 30)) as explorer:
        await explorer.press("2", "g", *typed("/with what exactly"))
        assert found(explorer) == [("With what exactly", False)]


async def test_items_written_since_the_search_are_found_too(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g", *typed("/answer to"), "enter")
        sdk = open_sdk(path)
        await sdk.add_items(turn("More", "Answer to more"))
        sdk.close()
        await explorer.press("f5", "n", "n", "n")
        assert state(explorer) == "4 of 4"
        assert explorer.place == ("main", 6)


# From any pane


@pytest.mark.parametrize("pane", ["1", "2", "3"])
async def test_any_pane_searches_all_text_of_the_branch(path: Path, pane: str) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press(pane, *typed("/twice"))
        assert explorer.place == ("main", 2)
        assert current(explorer) == ["twice"]
        assert "branch: 1 of 1 · Tab: session" in explorer.text
        await explorer.press("escape")
        assert explorer.place == ("main", 5)
        await explorer.press(pane, *typed("/snow"))
        assert "branch: not found · Tab: session" in explorer.text
        await explorer.press("enter")
        # Tab goes to the next pane there.
        assert "branch: not found" in explorer.text
        assert "Tab: session" not in explorer.text
        assert explorer.place == ("main", 5)


async def test_tab_searches_the_session_and_escape_goes_back(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("1", *typed("/snow"), "tab")
        assert explorer.place == ("alt", 3)
        assert "session: 1 of 2 · Tab: branch" in explorer.text
        assert current(explorer) == ["snow"]
        await explorer.press("escape")
        assert explorer.place == ("main", 5)
        assert explorer.tree.has_focus


async def test_the_tree_marks_the_turns_with_hits(path: Path) -> None:
    async with open_explorer(path) as explorer:

        def marked() -> set[tuple[str, int]]:
            return set(explorer.tree._hits)

        await explorer.press("1", *typed("/oslo"))
        assert marked() == {("main", 2)}
        await explorer.press("tab")
        assert marked() == {("main", 2), ("alt", 3)}
        await explorer.press("enter", "escape")
        assert marked() == set()


# Everywhere


async def test_the_dialog_lists_hits_and_widens_its_scope(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+f", *typed("oslo"))
        assert listed(explorer)[0] == "turn 2 · main, alt"
        assert "the pump failed in Oslo" in listed(explorer)[2]
        assert "2 items" in explorer.text
        await explorer.press("tab")
        assert "3 items" in explorer.text
        assert listed(explorer)[0] == "turn 3 · alt"
        await explorer.press("ctrl+f")
        assert "billing › turn 1 · main" in listed(explorer)
        await explorer.press("shift+tab")
        assert "3 items" in explorer.text


async def test_enter_goes_to_the_hit_and_n_goes_on_through_the_list(path: Path) -> None:
    async with open_explorer(path) as explorer:
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


async def test_minus_goes_back_to_where_a_search_began(path: Path) -> None:
    async with open_explorer(path, "main") as explorer:

        def shown() -> tuple[str, str, int]:
            assert explorer.view.session is not None
            return explorer.view.session.session_id, *explorer.place

        await explorer.controller.navigation.switch_branch("alt")
        await explorer.controller.navigation.switch_branch("main", 4)
        # Through the file, from hit to hit.
        await explorer.press("ctrl+f", "tab", "tab", *typed("oslo"), "enter")
        visited = {shown()}
        for _ in range(3):
            await explorer.press("n")
            visited.add(shown())
        assert len({session for session, *_ in visited}) == 2
        if shown()[0] == "support":
            await explorer.press("N")
        last = shown()
        await explorer.press("minus")
        assert shown() == ("support", "main", 4)
        await explorer.press("minus")
        assert shown() == last
        await explorer.press("minus")
        # On the same branch.
        await explorer.press("slash", *typed("can you help"), "enter")
        assert shown() == ("support", "main", 1)
        await explorer.press("minus")
        assert shown() == ("support", "main", 4)
        # A search that is cancelled leaves no trace.
        await explorer.controller.navigation.switch_branch("alt", 1)
        await explorer.press("slash", *typed("help"), "escape", "minus")
        assert shown() == ("support", "main", 4)


async def test_a_hit_is_shown_on_the_open_branch_if_that_has_it(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+f", "tab", *typed("read the log"), "enter")
        assert explorer.place == ("main", 2)


async def test_the_dialog_opens_with_the_last_search(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+f", "tab", *typed("snow"), "enter", "ctrl+f")
        dialog = explorer.app.screen
        assert isinstance(dialog, SearchDialog)
        assert (dialog.text, dialog.scope) == ("snow", "session")
        assert "2 items" in explorer.text


async def test_filters_alone_list_all_items_that_match_them(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+f", *typed("tool:read_log"))
        assert [line.split("  ")[0] for line in listed(explorer)] == ["turn 2 · main, alt", "⚙ read_log", "↳ read_log"]


async def test_a_wrong_pattern_is_reported_and_finds_nothing(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+f", *typed("/pu(mp|b)/"))
        before = listed(explorer)
        assert before
        await explorer.press("left", "backspace", "backspace", "backspace")
        assert "is no regular expression" in explorer.text
        assert not listed(explorer)
        await explorer.press(*typed("|b)"))
        assert listed(explorer) == before
        await explorer.press("end", "ctrl+u", *typed("pump turn:x"), "enter")
        assert "turn: takes a number" in explorer.text
        assert isinstance(explorer.app.screen, SearchDialog)
        await explorer.press("escape", "slash", *typed("pump turn:x"), "enter")
        assert "turn: takes a number" in explorer.text


async def test_a_click_picks_a_hit_but_no_heading(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+f", "tab", *typed("snow"))
        await explorer.pilot.click(HitList, offset=(10, 0))
        await explorer.settle()
        assert isinstance(explorer.app.screen, SearchDialog)
        await explorer.pilot.click(HitList, offset=(10, 2))
        await explorer.settle()
        assert explorer.place == ("alt", 3)
        assert "12 cm of snow" in explorer.text


async def test_escape_stops_a_search_and_then_closes_the_dialog(tmp_path: Path) -> None:
    path = tmp_path / "many.sqlite"
    sdk = open_sdk(path)
    for _ in range(30):
        await sdk.add_items([item for number in range(100) for item in turn(f"Question {number}")])
    sdk.close()
    async with open_explorer(path) as explorer:
        await explorer.pilot.press("ctrl+f", *typed("question"))
        dialog = explorer.app.screen
        assert isinstance(dialog, SearchDialog)
        await explorer.until(lambda: bool(dialog.hits))
        search = dialog.search
        assert search is not None
        if search.running:
            await explorer.pilot.press("escape")
            await explorer.settle()
            assert explorer.app.screen is dialog
            assert "stopped at" in explorer.text
        assert not search.running
        await explorer.press("escape")
        assert explorer.app.screen is explorer.screen


async def test_untrusted_text_is_shown_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "nasty.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([{"role": "user", "content": "needle [/x] [bold]\x1b[31m red\r\nnext needle"}])
    sdk.close()
    async with open_explorer(path) as explorer:
        await explorer.press("ctrl+f", *typed("needle"))
        assert "[/x] [bold]␛[31m red next needle" in listed(explorer)[1]
        await explorer.press("enter", "ctrl+f", *typed("[/x]"))
        assert "1 item" in explorer.text


# Origins


async def test_blame_lists_the_branch_in_reading_order(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("number_sign", *typed("pump"))
        assert isinstance(explorer.app.screen, OriginDialog)
        lines = listed(explorer)
        assert lines[0] == "turn 2 · main, alt"
        assert [line.split("  ")[0] for line in lines[1:]] == ["you", "↳ read_log", "agent"]
        assert lines[3].endswith("×2")
        assert "3 items, 4 matches" in explorer.text
        await explorer.press("down", "enter")
        assert current(explorer) == ["pump"]
        assert "the pump failed in Oslo" in explorer.text


async def test_blame_begins_with_the_selected_text(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("2", "g")
        row = next(y for y, line in enumerate(explorer.text.split("\n")) if "With what exactly" in line)
        column = explorer.text.split("\n")[row].index("With what")
        await explorer.pilot.mouse_down(offset=(column, row))
        await explorer.pilot.hover(offset=(column + 9, row))
        await explorer.pilot.mouse_up(offset=(column + 9, row))
        await explorer.press("number_sign")
        assert explorer.app.screen.query_one(Input).value == "With what"
        # The stored text has marks of markdown between the words.
        assert "With **what** exactly?" in listed(explorer)[1]


async def test_blame_of_a_text_that_is_nowhere(path: Path) -> None:
    async with open_explorer(path) as explorer:
        await explorer.press("number_sign", *typed("snow"))
        assert listed(explorer) == ["not in this branch"]


@pytest.mark.parametrize(("size", "keys"), [((120, 34), "pump"), ((60, 24), "pump")])
def test_the_dialog_at_two_sizes(path: Path, snap_compare: Snapshot, size: tuple[int, int], keys: str) -> None:
    controller = asyncio.run(open_controller(path))

    async def look(pilot: Pilot[None]) -> None:
        await press_each(pilot, ["ctrl+f", "tab", "tab", *typed(keys), "down"])

    assert snap_compare(ConvoApp(controller), terminal_size=size, run_before=look)
    controller.close()


def test_marks_in_the_chat(path: Path, snap_compare: Snapshot) -> None:
    controller = asyncio.run(open_controller(path))

    async def look(pilot: Pilot[None]) -> None:
        await press_each(pilot, ["2", "g", *typed("/pump"), "enter", "n", "n"])

    assert snap_compare(ConvoApp(controller), terminal_size=(100, 30), run_before=look)
    controller.close()


async def press_each(pilot: Pilot[None], keys: Sequence[str]) -> None:
    # The panes behind a dialog are part of the picture.
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)
