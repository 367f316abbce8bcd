"""Comparing branches and turns."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.controller.samples import write_trip
from tests.conversations import assistant_message, open_sdk, turn, write_turns
from tui.cli.json_objects import comparison_object
from tui.controller import SessionController
from tui.errors import ConvoError, NotFoundError
from tui.model import Usage
from tui.model.compare import Comparison, Side, ToolStep, TurnComparison, TurnPair
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await write_trip(tmp_path)


@pytest.fixture
async def controller(path: Path) -> AsyncIterator[SessionController]:
    controller = SessionController(Store(path))
    await controller.open("trip", "main")
    yield controller
    controller.close()


async def details(controller: SessionController, comparison: Comparison) -> tuple[TurnComparison, ...]:
    return await controller.comparison.compare_turns(comparison, comparison.pairs)


async def test_branches_are_compared_from_their_fork_on(controller: SessionController) -> None:
    compared = await controller.comparison.compare_branches("alt")
    assert compared.shared == 2
    assert compared.left == Side("main", 3, 4)
    assert compared.right == Side("alt", 3, 5)
    # The alternatives of the fork are a pair, and so are equal turns; the additional turn of alt is alone.
    assert compared.pairs == ((3, 3), (None, 4), (4, 5))


async def test_the_sums_are_those_of_the_compared_turns(controller: SessionController) -> None:
    compared = await controller.comparison.compare_branches("alt")
    left, right = compared.left_summary, compared.right_summary
    assert right.usage == Usage(3, 1200, 120, 1320, cached_tokens=600, reasoning_tokens=0)
    assert right.cached == 0.5
    assert (right.turns, right.turns_without_usage, right.tools) == (3, 0, 2)
    assert left.usage == Usage(3, 1000, 100, 1100, cached_tokens=600, reasoning_tokens=0)
    assert (left.turns, left.turns_without_usage, left.tools) == (2, 1, 3)
    assert left.seconds is None
    assert left.cost is None


async def test_the_durations_of_recorded_runs_are_added_up(controller: SessionController, path: Path) -> None:
    async with AdvancedSQLiteSession(session_id="trip", db_path=path) as ours:
        await ours.switch_to_branch("alt")
        await ours.record_run(outcome="done", seconds=4.5, estimated=True)
        await ours.add_items(turn("One more thing"))
        await ours.record_run(outcome="done", seconds=2.0)
    await controller.refresh()
    right = (await controller.comparison.compare_branches("alt")).right_summary
    assert (right.turns, right.seconds, right.turns_without_time, right.turns_without_usage) == (4, 6.5, 2, 1)
    assert right.usage is not None
    assert right.usage.estimated


async def test_the_tool_calls_are_compared_in_order(controller: SessionController) -> None:
    compared = await controller.comparison.compare_branches("alt")
    assert compared.tools == (
        ToolStep("search", left=False, right=True),
        ToolStep("book", left=True, right=True),
        ToolStep("pay", left=True, right=False),
        ToolStep("pay", left=True, right=False),
    )


async def test_two_turns_are_compared_item_by_item_and_word_by_word(controller: SessionController) -> None:
    compared = await controller.comparison.compare_branches("alt")
    pairs = [TurnPair(3, 4), TurnPair(4, 5)]
    booked, thanks = await controller.comparison.compare_turns(compared, pairs)
    types = [
        (part.left and (part.left.type, part.left.tool_name), part.right and (part.right.type, part.right.tool_name))
        for part in booked.items
    ]
    call, output = ("function_call", "book"), ("function_call_output", "book")
    assert types == [
        (("user", None), ("user", None)),
        (("reasoning", None), None),
        (call, call),
        (("function_call", "pay"), None),
        (output, output),
        (("function_call_output", "pay"), None),
        (("function_call", "pay"), None),
        (("function_call_output", "pay"), None),
        (("assistant", None), ("assistant", None)),
    ]
    asked = booked.items[0].right
    assert asked is not None
    assert [(span.text, span.differs) for span in asked.spans] == [
        ("Book the second one", False),
        (", please", True),
    ]
    assert not thanks.differs


async def test_a_branch_without_turns_of_its_own_is_compared(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path, "trip")
    await sdk.create_branch_from_turn(3, "short")
    sdk.close()
    await controller.refresh()
    compared = await controller.comparison.compare_branches("short")
    assert compared.pairs == ((3, None), (4, None))
    assert compared.right_summary.turns == 0
    assert compared.right_summary.usage is None
    with pytest.raises(ConvoError, match="hold the same turns"):
        await controller.comparison.compare_branches("short", "short")
    with pytest.raises(NotFoundError, match="no branch 'nobody'"):
        await controller.comparison.compare_branches("nobody")


async def test_the_sides_can_be_swapped(controller: SessionController) -> None:
    one, other = (
        await controller.comparison.compare_branches("alt"),
        await controller.comparison.compare_branches("main", "alt"),
    )
    turned = one.swapped()
    assert (turned.left, turned.right, turned.pairs) == (other.left, other.right, other.pairs)
    assert turned.left_summary == other.left_summary
    assert {step.name for step in turned.tools if step.left and not step.right} == {"search"}
    assert [detail.swapped().pair for detail in await details(controller, one)] == list(turned.pairs)


async def test_two_marked_turns_are_compared_across_branches(controller: SessionController) -> None:
    with pytest.raises(ConvoError, match="Two marked turns"):
        await controller.comparison.compare_marks()
    controller.marks.toggle(2, "main")
    controller.marks.toggle(4, "alt")
    compared = await controller.comparison.compare_marks()
    assert compared.shared is None
    assert compared.pairs == (TurnPair(2, 4),)
    (detail,) = await details(controller, compared)
    assert [part.left.text for part in detail.items if part.left] == [
        "Find a hotel",
        '{"city": "Oslo"}',
        "12 °C, rain",
        "Yes.",
    ]


async def test_the_sibling_at_the_nearest_fork_is_suggested(controller: SessionController) -> None:
    assert controller.comparison.suggest_branch() == "alt"
    await controller.navigation.switch_branch("alt")
    assert controller.comparison.suggest_branch() == "main"


async def test_the_branch_it_was_forked_from_is_suggested_whatever_was_seen_last(tmp_path: Path) -> None:
    path = await write_turns(tmp_path, *(turn(f"main {number}") for number in range(1, 6)))
    sdk = open_sdk(path)
    for source, at, name in (("main", 3, "alt"), ("main", 3, "third"), ("alt", 4, "deep"), ("main", 2, "early")):
        await sdk.switch_to_branch(source)
        await sdk.create_branch_from_turn(at, name)
        await sdk.add_items([*turn(f"{name} 1"), *turn(f"{name} 2")])
        await sdk.switch_to_branch("main")
    sdk.close()
    controller = SessionController(Store(path))
    await controller.open()
    expected = {"alt": "main", "third": "main", "deep": "alt", "early": "main", "main": "alt"}
    for seen in ("early", "third", "deep"):
        for branch_id, other in expected.items():
            await controller.navigation.switch_branch(seen)
            await controller.navigation.switch_branch(branch_id)
            assert controller.comparison.suggest_branch() == other, (seen, branch_id)
    controller.close()


async def test_a_comparison_can_be_written_as_json(controller: SessionController) -> None:
    compared = await controller.comparison.compare_branches("alt")
    written = json.loads(json.dumps(comparison_object(compared, await details(controller, compared))))
    assert written["left"]["branch_id"] == "main"
    assert (written["turns"][1]["left"], written["turns"][1]["right"]) == (None, 4)


async def test_only_the_beginning_of_a_long_turn_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "long.sqlite"
    sdk = open_sdk(path)
    many: list[Any] = [{"role": "user", "content": "Go on"}, *(assistant_message(f"{number}") for number in range(500))]
    long: list[Any] = [{"role": "user", "content": "Go on " * 30_000}, assistant_message("x" * 1_200_000)]
    await sdk.add_items(many)
    await sdk.create_branch_from_turn(1, "alt")
    await sdk.add_items(long)
    sdk.close()
    controller = SessionController(Store(path))
    await controller.open(branch="main")
    (detail,) = await details(controller, await controller.comparison.compare_branches("alt"))
    assert (len(detail.items), detail.left_more, detail.right_more) == (200, 301, 0)
    asked, answered = detail.items[0].right, detail.items[1].right
    assert asked is not None
    assert answered is not None
    assert (len(asked.text), asked.omitted) == (100_000, 80_000)
    assert answered.omitted > 1_000_000
    controller.close()
