"""Picking one of more choices than are ever loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from tui.screens.dialogs.remote_picker import Matches, RemotePicker
from tui.widgets.lists.choices import Choice, ChoiceList

NAMES = [f"chat-{number:05}" for number in range(10_000)]


class Finder:
    """Ten thousand names, found when the test lets them be.

    Attributes:
        asked: What was asked for: letters, and how many names at most.
        open: Set while answers may come.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def find(self, typed: str, most: int) -> Matches:
        self.asked.append((typed, most))
        await self.open.wait()
        found = [name for name in NAMES if typed in name]
        return Matches([Choice(name, name) for name in found[:most]], len(found))


class FinderApp(App[None]):
    def __init__(self, finder: Finder, current: str | None = None) -> None:
        super().__init__()
        self.picker = RemotePicker("Sessions", finder.find, current=current)
        self.given: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield Static("A conversation lies below.")

    def on_mount(self) -> None:
        self.push_screen(self.picker, self.given.append)

    @property
    def seen(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0)


async def test_the_first_are_shown_and_the_rest_counted() -> None:
    finder = Finder()
    app = FinderApp(finder, current="chat-00003")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "10,000" in app.seen
        assert "▸ chat-00003" in app.seen
        assert finder.asked == [("", 100)]
        await pilot.press("down", "enter")
        assert app.given == ["chat-00004"]


async def test_what_is_typed_is_found_among_all() -> None:
    finder = Finder()
    app = FinderApp(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*"987")
        await until(lambda: "20 of 10,000" in app.seen)
        await pilot.press("enter")
        assert app.given == ["chat-00987"]


async def test_it_says_that_they_are_on_their_way_and_enter_waits_for_them() -> None:
    finder = Finder()
    finder.open.clear()
    app = FinderApp(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "…" in app.seen
        await pilot.press(*"9876", "enter")
        assert app.given == []
        finder.open.set()
        await until(lambda: app.given == ["chat-09876"])


async def test_enter_means_what_was_typed_and_not_what_is_typed_after_it() -> None:
    finder = Finder()
    app = FinderApp(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        finder.open.clear()
        await pilot.press("9", "enter", "8")
        finder.open.set()
        await until(lambda: " of 10,000" in app.seen)
        assert app.given == []
        assert app.picker.query_one(Input).value == "98"


async def test_more_come_when_the_end_nears_and_the_cursor_stays() -> None:
    finder = Finder()
    app = FinderApp(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*["pagedown"] * 8)
        choices = app.picker.query_one(ChoiceList)
        await until(lambda: choices.option_count == 400)
        assert [most for _, most in finder.asked] == [100, 400]
        before = choices.highlighted or 0
        assert before > 80
        await pilot.press("enter")
        assert app.given == [f"chat-{before:05}"]


async def test_nothing_found_says_so() -> None:
    app = FinderApp(Finder())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*"zzz")
        await until(lambda: "no match" in app.seen)
        assert "0 of 10,000" in app.seen
        await pilot.press("enter")
        assert app.given == []
        await pilot.press("escape")
        assert app.given == [None]
