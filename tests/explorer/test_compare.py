"""Comparing and looking at what the model saw, by keys and mouse, on files that the SDK wrote."""

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

from tests.conversations import open_sdk, said, spend, turn
from tests.explorer.driver import Shown, settle, shown
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.screens.compare import CompareScreen
from tui.screens.model_input import ModelInputScreen
from tui.storage.store import Store
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
    said("Booked."),
]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """trip: main 1 2 3 4; alt leaves it at 2; a third, quiet, leaves at 1 with one turn."""
    path = tmp_path / "trip.sqlite"
    sdk = open_sdk(path, "trip")
    await sdk.add_items(turn("Hello, can you plan a trip?"))
    await sdk.store_run_usage(spend(300))
    await sdk.add_items(turn("Plan four days in Lisbon", PLAN.format(time="40 minutes", end="Shall I book?"), "search"))
    await sdk.store_run_usage(spend(1200, cached=600))
    await sdk.add_items(CALLS)
    await sdk.store_run_usage(spend(4400, cached=3300, requests=3))
    await sdk.add_items(turn("Thank you", GOODBYE))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(
        turn("Plan four days in Lisbon and Porto", PLAN.format(time="55 minutes", end="Porto takes a day."), "search")
    )
    await sdk.store_run_usage(spend(1300, cached=600))
    await sdk.add_items(turn("And the weather?", "Mild, and rain on nine days.", "weather"))
    await sdk.store_run_usage(spend(1500, cached=900))
    await sdk.add_items(turn("Thank you", GOODBYE))
    await sdk.switch_to_branch("main")
    await sdk.create_branch_from_turn(2, "quiet")
    await sdk.switch_to_branch("main")
    sdk.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE agent_messages SET created_at = '2026-03-01 09:30:00'")
    return path


def compared(program: Shown) -> SideBySide:
    assert isinstance(program.app.screen, CompareScreen)
    return program.app.screen.query_one(SideBySide)


async def test_c_asks_for_the_branch_and_puts_both_side_by_side(path: Path) -> None:
    async with shown(path, "alt") as program:
        await program.press("c")
        assert "Compare alt with" in program.text
        await program.press("enter")
        assert "turn 1 is shared" in program.lines[0]
        assert "− alt" in program.lines[1]
        assert "+ main" in program.lines[2]
        assert [line for line in program.lines if "Plan four days in Lisbon and Porto" in line and "│ + Plan" in line]
        assert "tools  search  −weather  +book ×2" in program.text
        await program.press("escape")
        assert program.place == ("alt", 4)
        assert "1 Tree" in program.text


async def test_n_goes_from_difference_to_difference_and_enter_to_the_turn(path: Path) -> None:
    async with shown(path, "main") as program:
        await program.press("c", "enter")
        pane = compared(program)
        await program.press("n")
        assert pane.cursor[0] == 0
        places = [pane.cursor]
        for _ in range(20):
            await program.press("n")
            places.append(pane.cursor)
        places = sorted(set(places))
        assert pane.cursor == places[-1]
        assert {position for position, _ in places} == {0, 1}
        # The last turn of both says the same, and is passed over.
        assert pane.count == 3
        await program.press("N")
        assert pane.cursor == places[-2]
        await program.press("l", "enter")
        assert program.place == ("alt", 3)
        assert "1 Tree" in program.text


async def test_s_exchanges_the_sides_and_the_cursor_stays_with_its_branch(path: Path) -> None:
    async with shown(path, "main") as program:
        await program.press("c", "enter")
        assert "− main" in program.lines[1]
        await program.press("s")
        assert "− alt" in program.lines[1]
        assert "+ main" in program.lines[2]
        await program.press("enter")
        assert program.place == ("main", 2)


async def test_a_click_chooses_the_line_and_the_side_and_a_second_one_goes_there(path: Path) -> None:
    async with shown(path, "main") as program:
        await program.press("c", "enter")
        row = next(row for row, line in enumerate(program.lines) if "+ And the weather?" in line)
        await program.pilot.click(offset=(90, row))
        assert compared(program).side == 1
        await program.pilot.click(offset=(90, row), times=2)
        await settle(program.pilot)
        assert program.place == ("alt", 3)


async def test_in_a_narrow_terminal_the_sides_stand_one_below_the_other(path: Path) -> None:
    async with shown(path, "main", size=(140, 60)) as program:
        await program.press("c", "enter")
        assert compared(program).columns == 2
        await program.pilot.resize_terminal(60, 24)
        await settle(program.pilot)
        assert compared(program).columns == 1
        assert "2  main  2  alt" in program.text
        at = program.lines.index("  − Plan four days in Lisbon")
        assert program.lines[at + 1] == "  + Plan four days in Lisbon and Porto"
        # On a row of one side Enter goes to that side's turn.
        await program.press(*"jjj", "enter")
        assert program.place == ("alt", 2)


async def test_marked_turns_are_compared_in_place_of_branches(path: Path) -> None:
    async with shown(path, "main") as program:
        await program.press("1", "v", "k", "v", "c")
        assert "two marked turns" in program.lines[0]
        assert "− main  turn 4" in program.lines[1]
        assert "+ main  turn 3" in program.lines[2]
        await program.press("escape", "escape", "c")
        assert "Compare main with" in program.text


async def test_what_both_sides_have_is_shown_in_full_on_demand(path: Path) -> None:
    async with shown(path, "main", size=(140, 60)) as program:
        await program.press("c", "enter")
        assert "the tickets" not in program.text
        short = program.text
        await program.press("o")
        assert program.text.count("the tickets") == 2
        await program.press("o")
        assert program.text == short


async def test_there_must_be_another_branch(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items(turn("Hello"))
    sdk.close()
    async with shown(path) as program:
        await program.press("c")
        assert program.told == "There is no other branch to compare with. Mark two turns with v to compare them."


async def test_turns_that_cannot_be_read_now_are_read_later(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    async with shown(path, "main", patience=0) as program:
        comparison = await program.controller.comparison.compare_branches("alt")
        with closing(sqlite3.connect(path, isolation_level=None)) as locker:
            locker.execute("BEGIN EXCLUSIVE")
            program.app.push_screen(CompareScreen(comparison, program.controller.comparison.compare_turns))
            await settle(program.pilot)
            assert "is locked by another program" in program.told
            assert "Plan four days" not in program.text
        await program.press("n")
        assert "Plan four days" in program.text


async def test_of_long_branches_only_the_turns_in_sight_are_read(tmp_path: Path) -> None:
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
    async with shown(path, "main", size=(140, 30)) as program:
        await program.press("c")
        pane = compared(program)
        assert pane.count == 400
        assert len(pane._turns) < 30
        await program.press("G")
        assert "It is 400." in program.text
        assert len(pane._turns) < 60
        # The turns between are read until one differs: it is the last, which only one side has.
        await program.press("g", "n")
        assert pane.cursor[0] == 399


@pytest.mark.parametrize(
    ("size", "keys", "theme"),
    [
        ((160, 42), ["c", "enter", "n"], "textual-dark"),
        ((100, 30), ["c", "enter", "j", "l"], "textual-light"),
        ((60, 36), ["c", "enter", "n"], "textual-dark"),
        ((120, 30), ["c", "down", "enter"], "textual-dark"),
        ((110, 34), ["k", "m"], "textual-dark"),
        ((80, 30), ["k", "m", "right_square_bracket", "d", "J"], "textual-light"),
        ((100, 30), ["k", "m", "d", "d", "d"], "textual-dark"),
    ],
    ids=["wide", "light", "narrow", "empty", "saw", "saw-json", "only-in-the-sibling"],
)
def test_looks(path: Path, snap_compare: Snapshot, size: tuple[int, int], keys: list[str], theme: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        # A branch without items, as our class keeps it.
        db.execute("UPDATE message_structure SET created_at = '2026-03-01 09:30:00'")
    controller = SessionController(Store(path))
    asyncio.run(controller.open(branch_id="main"))

    async def look(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(ConvoApp(controller), terminal_size=size, run_before=look)
    controller.close()


async def test_m_shows_what_the_model_saw_request_by_request(path: Path) -> None:
    async with shown(path, "main") as program:
        await program.press("1", "k", "m")
        assert isinstance(program.app.screen, ModelInputScreen)
        assert "Model input  main · turn 3 · request 1 of 3" in program.text
        assert "the turn: 3 requests, 4.4k in, 75% cached" in program.text
        assert "Book the second one" in program.text
        await program.press("right_square_bracket")
        assert "request 2 of 3" in program.text
        assert "declined" in program.text
        assert "9027" not in program.text
        await program.press("right_square_bracket", "right_square_bracket", "left_square_bracket")
        assert "request 2 of 3" in program.text
        await program.press("escape")
        assert program.place == ("main", 3)


async def test_d_shows_what_is_new_and_what_the_sibling_has_instead(path: Path) -> None:
    async with shown(path, "main") as program:
        await program.press("1", "k", "m")
        assert "Hello" in program.text
        await program.press("d")
        assert "2 items" in program.text
        assert "Hello" not in program.text
        await program.press("d", "d")
        assert "And the weather?" in program.text
        assert "Book the second one" not in program.text
        await program.press("d")
        assert "Hello" in program.text


async def test_y_copies_the_list_as_the_sdk_gives_it(path: Path) -> None:
    async with shown(path, "main") as program:
        await program.press("1", "k", "m", "J", "right_square_bracket", "y")
        assert program.lines[-2].endswith(" ]")
        copied = json.loads(program.app.clipboard)
        assert program.told.startswith("Copied 9 items as JSON")
    sdk = open_sdk(path, "trip")
    assert copied == (await sdk.get_items(branch_id="main"))[:9]
    sdk.close()


async def test_a_long_input_is_read_by_page(tmp_path: Path) -> None:
    path = tmp_path / "long.sqlite"
    sdk = open_sdk(path)
    items = [item for number in range(1, 1001) for item in turn(f"What is {number}?", f"It is {number}.")]
    await sdk.add_items(items)
    sdk.close()
    async with shown(path) as program:
        await program.press("m", "J")
        assert isinstance(program.app.screen, ModelInputScreen)
        pane = program.app.screen._json
        assert "What is 1000?" in program.text
        assert len(pane._items) < 200
        await program.press("g")
        assert "What is 1?" in program.text
        assert len(pane._items) < 300
        assert "1,999 items" in program.text
