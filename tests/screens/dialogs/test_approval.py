"""The dialog that asks for the approval of tool calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.screens.dialogs.dialog_app import DialogApp
from tui.model import Approval, Decision
from tui.screens.dialogs.approval import ApprovalDialog
from tui.screens.dialogs.modal import Scroll

Snapshot = Callable[..., bool]

WEATHER = Approval("c1", "get_weather", '{"city": "Oslo", "days": 3, "why": "검색 \\u202eabc"}', "Assistant")
REMOVE = Approval("c2", "files.remove", '{"paths": ["/tmp/a", "/tmp/b"], "force": true}', "Cleaner")
LONG = Approval("c3", "write", '{"text": "' + "word " * 400 + '", "rows": [' + ", ".join(map(str, range(60))) + "]}")
NASTY = Approval("c4", "[/x]\x1b[31m", "[bold]not JSON\x07 \x1b]0;title", "a\nb")

YES, ALWAYS, NO = Decision(True), Decision(True, always=True), Decision(False)


def ask(*approvals: Approval) -> DialogApp[tuple[Decision, ...] | None]:
    return DialogApp(ApprovalDialog(approvals))


@pytest.mark.parametrize(
    ("approvals", "keys", "decisions"),
    [
        ([WEATHER], ["y"], (YES,)),
        ([WEATHER], ["enter"], (YES,)),
        ([WEATHER], ["a"], (ALWAYS,)),
        ([WEATHER], ["n"], (NO,)),
        ([WEATHER, REMOVE], ["y", "n"], (YES, NO)),
        ([WEATHER, REMOVE, LONG], ["n", "a", "enter"], (NO, ALWAYS, YES)),
        ([WEATHER, REMOVE, WEATHER], ["a", "n"], (ALWAYS, NO, ALWAYS)),
        ([WEATHER, WEATHER], ["a"], (ALWAYS, ALWAYS)),
        ([REMOVE], ["r", *"not yet", "enter"], (Decision(False, reason="not yet"),)),
        ([REMOVE], ["r", "enter"], (NO,)),
        ([REMOVE, WEATHER], ["r", *"any rain", "enter", "y"], (Decision(False, reason="any rain"), YES)),
        ([REMOVE], ["r", *"any", "escape", "y"], (YES,)),
        ([REMOVE], ["r", *"any", "escape", "r", "enter"], (NO,)),
        ([WEATHER, REMOVE], ["escape"], None),
        ([WEATHER, REMOVE], ["y", "escape"], None),
        ([WEATHER, REMOVE], ["r", *"no", "escape", "escape"], None),
    ],
)
async def test_each_call_is_asked_for_in_turn_until_escape(
    approvals: list[Approval], keys: list[str], decisions: tuple[Decision, ...] | None
) -> None:
    app = ask(*approvals)
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        assert app.results == [decisions]


async def test_tool_agent_and_arguments_of_the_call_are_shown() -> None:
    app = ask(WEATHER, REMOVE)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "1 of 2 · Approve get_weather?" in app.text
        assert "requested by Assistant" in app.text
        assert '  "city": "Oslo",' in app.text
        assert "검색 \ufffdabc" in app.text
        await pilot.press("y")
        await pilot.pause()
        assert "2 of 2 · Approve files.remove?" in app.text
        assert "requested by Cleaner" in app.text
        assert "get_weather" not in app.text


async def test_long_arguments_scroll_and_the_next_ones_start_at_the_top() -> None:
    app = ask(LONG, LONG)
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.press("G")
        await pilot.wait_for_animation()
        scroll = app.dialog.query_one(Scroll)
        assert scroll.scroll_y == scroll.max_scroll_y > 0
        assert "59" in app.text
        await pilot.press("y")
        await pilot.pause()
        assert scroll.scroll_y == 0


async def test_untrusted_text_is_shown_without_markup_or_control_characters() -> None:
    app = ask(NASTY)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "Approve [/x]␛[31m?" in app.text
        assert "requested by a␊b" in app.text
        assert "[bold]not JSON␇ ␛]0;title" in app.text


async def test_a_call_without_arguments_says_so() -> None:
    app = ask(Approval("c", "stop", ""))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "no arguments" in app.text
        assert "requested by" not in app.text


SIZES = [(100, 30), (40, 12)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [[], ["y"], ["r", *"too many"]], ids=["first", "long", "reason"])
def test_looks(snap_compare: Snapshot, keys: list[str], size: tuple[int, int]) -> None:
    app = ask(REMOVE, LONG)
    assert snap_compare(app, press=keys, terminal_size=size)
