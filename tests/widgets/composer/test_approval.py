"""The prompt that asks for the approval of tool calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Static

from tui.model import Approval, ApprovalDecision
from tui.widgets.composer.approval import TYPING_PAUSE, ApprovalPrompt

Snapshot = Callable[..., bool]

WEATHER = Approval("c1", "get_weather", '{"city": "Oslo", "days": 3, "why": "검색 \\u202eabc"}', "Assistant")
REMOVE = Approval("c2", "files.remove", '{"paths": ["/tmp/a", "/tmp/b"], "force": true}', "Cleaner")
LONG = Approval("c3", "write", '{"text": "' + "word " * 400 + '", "rows": [' + ", ".join(map(str, range(60))) + "]}")
NASTY = Approval("c4", "[/x]\x1b[31m", "[bold]not JSON\x07 \x1b]0;title", "a\nb")

YES, ALWAYS, NO = ApprovalDecision(True), ApprovalDecision(True, always=True), ApprovalDecision(False)


class PromptApp(App[None]):
    """An app with a prompt below a text, and a clock that the test moves.

    Attributes:
        answers: The decisions that were posted; "later" or "stop" for the other answers.
        typed: The text that was posted for the composer.
    """

    CSS = "Static { height: 1fr; } ApprovalPrompt Static { height: auto; }"

    def __init__(self, *approvals: Approval, on_purpose: bool = True) -> None:
        super().__init__()
        self.now = 100.0
        self.prompt = ApprovalPrompt(lambda: self.now)
        self.answers: list[object] = []
        self.typed = ""
        self._approvals = approvals
        self._on_purpose = on_purpose

    def compose(self) -> ComposeResult:
        yield Static("A conversation.")
        yield self.prompt

    def on_mount(self) -> None:
        self.prompt.open("main", self._approvals, on_purpose=self._on_purpose)
        self.prompt.focus()

    @on(ApprovalPrompt.Answered)
    def _answered(self, event: ApprovalPrompt.Answered) -> None:
        self.answers.append(event.decisions)

    @on(ApprovalPrompt.Postponed)
    def _postponed(self) -> None:
        self.answers.append("later")

    @on(ApprovalPrompt.StopRequested)
    def _stopped(self) -> None:
        self.answers.append("stop")

    @on(ApprovalPrompt.Typed)
    def _typed(self, event: ApprovalPrompt.Typed) -> None:
        self.typed += event.text

    @property
    def text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


async def press_slowly(pilot: Pilot[None], app: PromptApp, *keys: str) -> None:
    """Press keys, each after a pause."""
    for key in keys:
        app.now += TYPING_PAUSE
        await pilot.press(key)
        await pilot.pause()


@pytest.mark.parametrize(
    ("approvals", "keys", "answer"),
    [
        ([WEATHER], ["y"], (YES,)),
        ([WEATHER], ["down", "enter"], (YES,)),
        ([WEATHER], ["down", "down", "enter"], (ALWAYS,)),
        ([WEATHER], ["a"], (ALWAYS,)),
        ([WEATHER], ["n"], (NO,)),
        ([WEATHER], ["s"], "stop"),
        ([WEATHER], ["up", "enter"], "later"),
        ([WEATHER, REMOVE], ["y", "n"], (YES, NO)),
        ([WEATHER, REMOVE, LONG], ["n", "a", "down", "enter"], (NO, ALWAYS, YES)),
        ([WEATHER, REMOVE, WEATHER], ["a", "n"], (ALWAYS, NO, ALWAYS)),
        ([WEATHER, WEATHER], ["a"], (ALWAYS, ALWAYS)),
        ([REMOVE], ["r", *"not yet", "enter"], (ApprovalDecision(False, reason="not yet"),)),
        ([REMOVE], ["r", "enter"], (NO,)),
        ([REMOVE, WEATHER], ["r", *"any rain", "enter", "y"], (ApprovalDecision(False, reason="any rain"), YES)),
        ([REMOVE], ["r", *"any", "escape", "y"], (YES,)),
        ([REMOVE], ["r", *"any", "escape", "r", "enter"], (NO,)),
        ([WEATHER, REMOVE], ["escape"], "later"),
        ([WEATHER, REMOVE], ["y", "escape"], "later"),
        ([WEATHER, REMOVE], ["r", *"no", "escape", "escape"], "later"),
    ],
)
async def test_each_call_is_asked_for_in_turn(approvals: list[Approval], keys: list[str], answer: object) -> None:
    app = PromptApp(*approvals)
    async with app.run_test() as pilot:
        await press_slowly(pilot, app, *keys)
        assert app.answers == [answer]


@pytest.mark.parametrize("keys", ["away", "yyy", "nr", ["enter", "enter"], ["y", "enter"]])
async def test_keys_without_a_pause_answer_nothing(keys: str | list[str]) -> None:
    app = PromptApp(WEATHER)
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        assert app.answers == []
        assert not app.prompt.has_class("-reason")


async def test_a_prompt_that_appeared_by_itself_takes_no_text_and_no_key_on_its_way() -> None:
    app = PromptApp(WEATHER, on_purpose=False)
    async with app.run_test() as pilot:
        await pilot.press(*"yan", "up", "up", "up", "enter", "down", "enter")
        await press_slowly(pilot, app, "y")
        assert app.typed == "yany"
        assert app.answers == []
        await press_slowly(pilot, app, "down")
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [(YES,)]


async def test_the_mouse_answers() -> None:
    app = PromptApp(REMOVE, on_purpose=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        lines = app.text.split("\n")
        row = next(row for row, line in enumerate(lines) if "Reject with a reason" in line)
        await pilot.click(offset=(lines[row].index("Reject"), row))
        await pilot.press(*"no", "enter")
        await pilot.pause()
        assert app.answers == [(ApprovalDecision(False, reason="no"),)]


async def test_tool_agent_and_arguments_of_the_call_are_shown() -> None:
    app = PromptApp(WEATHER, REMOVE)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert "1 of 2 · Approve get_weather?" in app.text
        assert "requested by Assistant" in app.text
        assert '  "city": "Oslo",' in app.text
        assert "검색 \ufffdabc" in app.text
        await press_slowly(pilot, app, "y")
        assert "2 of 2 · Approve files.remove?" in app.text
        assert "requested by Cleaner" in app.text
        assert "get_weather" not in app.text


async def test_long_arguments_scroll_and_the_next_ones_start_at_the_top() -> None:
    app = PromptApp(LONG, LONG)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        await pilot.press(*["pagedown"] * 30)
        await pilot.pause()
        scroll = app.prompt.query_one(VerticalScroll)
        assert scroll.scroll_y == scroll.max_scroll_y > 0
        await press_slowly(pilot, app, "y")
        assert scroll.scroll_y == 0


async def test_untrusted_text_is_shown_without_markup_or_control_characters() -> None:
    app = PromptApp(NASTY)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "Approve [/x]␛[31m?" in app.text
        assert "requested by a␊b" in app.text
        assert "[bold]not JSON␇ ␛]0;title" in app.text


async def test_a_call_without_arguments_says_so() -> None:
    app = PromptApp(Approval("c", "stop", ""))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "no arguments" in app.text
        assert "requested by" not in app.text


SIZES = [(100, 30), (40, 16)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [["down"], ["n", "down"], ["r", *"too many"]], ids=["first", "long", "reason"])
def test_looks(snap_compare: Snapshot, keys: list[str], size: tuple[int, int]) -> None:
    app = PromptApp(REMOVE, LONG)

    async def look(pilot: Pilot[None]) -> None:
        await press_slowly(pilot, app, *keys)

    assert snap_compare(app, terminal_size=size, run_before=look)
