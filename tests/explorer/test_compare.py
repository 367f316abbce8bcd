"""Comparisons and the model input, by keys and mouse."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.conversations import assistant_message, open_sdk, run_result, set_times, turn
from tests.explorer.driver import ExplorerDriver, open_controller, open_explorer, settle
from tui.app import ConvoApp
from tui.screens.compare import CompareScreen
from tui.screens.model_input import StoredInputScreen
from tui.widgets.compare.side_by_side import SideBySide

Snapshot = Callable[..., bool]

PLAN = """\
Here is the plan:

- Thursday: arrive, drop the bags, walk to the river
- Friday: the tower and the monastery, then pastéis
- Saturday: the palace by train, **{time}** there
- Sunday: the market

{end}"""

GOODBYE = "\n".join(("Have a good trip.", "Do not forget:", "- the tickets", "- the charger"))

CALLS: list[Any] = [
    {"role": "user", "content": "Book the second one"},
    {"type": "function_call", "call_id": "c7", "name": "book", "arguments": '{"hotel": 23, "card": 4421}'},
    {"type": "function_call_output", "call_id": "c7", "output": "The card ending in 4421 was declined"},
    {"type": "function_call", "call_id": "c9", "name": "book", "arguments": '{"hotel": 23, "card": 9027}'},
    {"type": "function_call_output", "call_id": "c9", "output": "booked [/x] \x1b[31m"},
    assistant_message("Booked."),
]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Session trip: main has turns 1 to 4; alt and quiet leave it at turn 2, quiet without a turn of its own."""
    path = tmp_path / "trip.sqlite"
    sdk = open_sdk(path, "trip")
    await sdk.add_items(turn("Hello, can you plan a trip?"))
    await sdk.store_run_usage(run_result(300))
    await sdk.add_items(turn("Plan four days in Lisbon", PLAN.format(time="40 minutes", end="Shall I book?"), "search"))
    await sdk.store_run_usage(run_result(1200, cached=600))
    await sdk.add_items(CALLS)
    await sdk.store_run_usage(run_result(4400, cached=3300, requests=3))
    await sdk.add_items(turn("Thank you", GOODBYE))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(
        turn("Plan four days in Lisbon and Porto", PLAN.format(time="55 minutes", end="Porto takes a day."), "search")
    )
    await sdk.store_run_usage(run_result(1300, cached=600))
    await sdk.add_items(turn("And the weather?", "Mild, and rain on nine days.", "weather"))
    await sdk.store_run_usage(run_result(1500, cached=900))
    await sdk.add_items(turn("Thank you", GOODBYE))
    await sdk.switch_to_branch("main")
    await sdk.create_branch_from_turn(2, "quiet")
    await sdk.switch_to_branch("main")
    sdk.close()
    set_times(path)
    return path


def compared(program: ExplorerDriver) -> SideBySide:
    assert isinstance(program.app.screen, CompareScreen)
    return program.app.screen.query_one(SideBySide)


async def test_c_asks_for_the_branch_and_shows_both_side_by_side(path: Path) -> None:
    async with open_explorer(path, "alt") as program:
        await program.press_each("c")
        assert "Compare alt with" in program.text
        await program.press_each("enter")
        assert "turn 1 is shared" in program.lines[0]
        assert "− alt" in program.lines[1]
        assert "+ main" in program.lines[2]
        assert [line for line in program.lines if "Plan four days in Lisbon and Porto" in line and "│ + Plan" in line]
        assert "tools  search  −weather  +book ×2" in program.text
        await program.press_each("escape")
        assert program.place == ("alt", 4)
        assert "1 Tree" in program.text
        await program.controller.management.rename("trip", "alt", "Two weeks in Lisbon", "")
        await program.press_each("c", "enter")
        assert "− Two weeks in" in program.lines[1]


async def test_n_goes_to_the_next_difference_and_enter_to_the_turn(path: Path) -> None:
    async with open_explorer(path, "main") as program:
        await program.press_each("c", "enter")
        pane = compared(program)
        await program.press_each("n")
        assert pane.cursor[0] == 0
        places = [pane.cursor]
        for _ in range(20):
            await program.press_each("n")
            places.append(pane.cursor)
        places = sorted(set(places))
        assert pane.cursor == places[-1]
        assert {position for position, _ in places} == {0, 1}
        # The last turns of both sides are the same, and are skipped.
        assert pane.count == 3
        await program.press_each("N")
        assert pane.cursor == places[-2]
        await program.press_each("l", "enter")
        assert program.place == ("alt", 3)
        assert "1 Tree" in program.text


async def test_s_swaps_the_sides_and_the_cursor_stays_with_its_branch(path: Path) -> None:
    async with open_explorer(path, "main") as program:
        await program.press_each("c", "enter")
        assert "− main" in program.lines[1]
        await program.press_each("percent_sign")
        assert "− alt" in program.lines[1]
        assert "+ main" in program.lines[2]
        await program.press_each("enter")
        assert program.place == ("main", 2)


async def test_a_click_moves_the_cursor_and_a_double_click_goes_to_the_turn(path: Path) -> None:
    async with open_explorer(path, "main") as program:
        await program.press_each("c", "enter")
        row = next(row for row, line in enumerate(program.lines) if "+ And the weather?" in line)
        await program.pilot.click(offset=(90, row))
        assert compared(program).side == 1
        await program.pilot.click(offset=(90, row), times=2)
        await program.settle()
        assert program.place == ("alt", 3)


async def test_in_a_narrow_terminal_the_sides_are_one_below_the_other(path: Path) -> None:
    async with open_explorer(path, "main", size=(140, 60)) as program:
        await program.press_each("c", "enter")
        assert compared(program).column_count == 2
        await program.resize(60, 24)
        assert compared(program).column_count == 1
        assert "2  main  2  alt" in program.text
        at = program.lines.index("  − Plan four days in Lisbon")
        assert program.lines[at + 1] == "  + Plan four days in Lisbon and Porto"
        # On a row of one side Enter goes to that side's turn.
        await program.press_each(*"jjj", "enter")
        assert program.place == ("alt", 2)


async def test_marked_turns_are_compared_instead_of_branches(path: Path) -> None:
    async with open_explorer(path, "main") as program:
        await program.press_each("1", "v", "k", "v", "c")
        assert "two marked turns" in program.lines[0]
        assert "− main  turn 4" in program.lines[1]
        assert "+ main  turn 3" in program.lines[2]
        await program.press_each("escape", "escape", "c")
        assert "Compare main with" in program.text


async def test_o_shows_the_common_lines_in_full(path: Path) -> None:
    async with open_explorer(path, "main", size=(140, 60)) as program:
        await program.press_each("c", "enter")
        assert "the tickets" not in program.text
        short = program.text
        await program.press_each("o")
        assert program.text.count("the tickets") == 2
        await program.press_each("o")
        assert program.text == short


async def test_comparing_the_only_branch_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items(turn("Hello"))
    sdk.close()
    async with open_explorer(path) as program:
        await program.press_each("c")
        assert program.notice == "There is no other branch to compare with. Mark two turns with v to compare them."


async def test_turns_of_a_locked_file_are_read_later(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    async with open_explorer(path, "main", lock_timeout=0) as program:
        comparison = await program.controller.comparison.compare_branches("alt")
        with closing(sqlite3.connect(path, isolation_level=None)) as locker:
            locker.execute("BEGIN EXCLUSIVE")
            program.app.push_screen(CompareScreen(comparison, program.controller.comparison.compare_turns))
            await program.settle()
            assert "is locked by another program" in program.notice
            assert "Plan four days" not in program.text
        await program.press_each("n")
        assert "Plan four days" in program.text


async def test_only_the_visible_turns_of_long_branches_are_read(tmp_path: Path) -> None:
    path = tmp_path / "long.sqlite"
    sdk = open_sdk(path)
    for begin in range(0, 400, 50):
        items = [item for number in range(begin, begin + 50) for item in turn(f"What is {number}?", f"It is {number}.")]
        await sdk.add_items(items)
    await sdk.create_branch_from_turn(2, "alt")
    for begin in range(1, 400, 50):
        items = [item for number in range(begin, begin + 50) for item in turn(f"What is {number}?", f"It is {number}.")]
        await sdk.add_items(items)
    sdk.close()
    async with open_explorer(path, "main", size=(140, 30)) as program:
        await program.press_each("c")
        pane = compared(program)
        assert pane.count == 400
        assert len(pane._turns) < 30
        await program.press_each("G")
        assert "It is 400." in program.text
        assert len(pane._turns) < 60
        # The turns between are read until one differs: it is the last, which only one side has.
        await program.press_each("g", "n")
        await program.until(lambda: pane.cursor[0] == 399)


@pytest.mark.parametrize(
    ("size", "keys", "theme"),
    [
        ((160, 42), ["c", "enter", "n"], "textual-dark"),
        ((100, 30), ["c", "enter", "j", "l"], "textual-light"),
        ((60, 36), ["c", "enter", "n"], "textual-dark"),
        ((120, 30), ["c", "down", "enter"], "textual-dark"),
        ((110, 34), ["k", "m"], "textual-dark"),
        ((80, 30), ["k", "m", "right_square_bracket", "tab", "M"], "textual-light"),
        ((100, 30), ["k", "m", "tab", "tab", "tab"], "textual-dark"),
    ],
    ids=["wide", "light", "narrow", "empty", "saw", "saw-json", "only-in-the-sibling"],
)
def test_looks(path: Path, snap_compare: Snapshot, size: tuple[int, int], keys: list[str], theme: str) -> None:
    controller = asyncio.run(open_controller(path, "main"))

    async def look(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(ConvoApp(controller), terminal_size=size, run_before=look)
    controller.close()


async def test_m_shows_the_model_input_request_by_request(path: Path) -> None:
    async with open_explorer(path, "main") as program:
        await program.press_each("1", "k", "m")
        assert isinstance(program.app.screen, StoredInputScreen)
        assert "Model input  main · turn 3 · request 3 of 3" in program.text
        await program.press_each("left_square_bracket", "left_square_bracket")
        assert "request 1 of 3" in program.text
        assert "the turn: 3 requests, 4.4k in, 75% cached" in program.text
        assert "Book the second one" in program.text
        assert "Only items: hooks=record(session) records all that is sent" in program.text
        await program.press_each("right_square_bracket")
        assert "request 2 of 3" in program.text
        assert "declined" in program.text
        assert "9027" not in program.text
        await program.press_each("right_square_bracket", "right_square_bracket", "left_square_bracket")
        assert "request 2 of 3" in program.text
        await program.press_each("escape")
        assert program.place == ("main", 3)


async def test_d_shows_new_items_and_then_those_of_the_sibling(path: Path) -> None:
    async with open_explorer(path, "main") as program:
        await program.press_each("1", "k", "m", "left_square_bracket", "left_square_bracket")
        assert "Hello" in program.text
        await program.press_each("tab")
        assert "2 items" in program.text
        assert "Hello" not in program.text
        await program.press_each("tab", "tab")
        assert "And the weather?" in program.text
        assert "Book the second one" not in program.text
        await program.press_each("tab")
        assert "Hello" in program.text


async def test_y_copies_the_items_as_the_sdk_returns_them(path: Path) -> None:
    async with open_explorer(path, "main") as program:
        await program.press_each("1", "k", "m", "M", "left_square_bracket", "y")
        assert program.lines[-2].endswith(" ]")
        copied = json.loads(program.app.clipboard)
        assert program.notice.startswith("Copied 9 items as JSON")
    sdk = open_sdk(path, "trip")
    assert copied == (await sdk.get_items(branch_id="main"))[:9]
    sdk.close()


async def test_a_long_model_input_is_read_page_by_page(tmp_path: Path) -> None:
    path = tmp_path / "long.sqlite"
    sdk = open_sdk(path)
    items = [item for number in range(1, 1001) for item in turn(f"What is {number}?", f"It is {number}.")]
    await sdk.add_items(items)
    sdk.close()
    async with open_explorer(path) as program:
        await program.press_each("m", "M")
        assert isinstance(program.app.screen, StoredInputScreen)
        pane = program.app.screen._json
        assert "What is 1000?" in program.text
        assert len(pane._items) < 200
        await program.press_each("g")
        assert "What is 1?" in program.text
        assert len(pane._items) < 300
        assert "1,999 items" in program.text
