"""A picker of more choices than are loaded at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.widgets import Input

from tests.screens.dialogs.dialog_app import DialogApp
from tui.screens.dialogs.remote_picker import Matches, RemotePicker
from tui.widgets.lists.choices import Choice, ChoiceList

NAMES = [f"chat-{number:05}" for number in range(10_000)]


class Finder:
    """Finds names among ten thousand.

    Attributes:
        requests: The text and the limit of each request.
        open: Set while requests are answered.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def find(self, typed: str, limit: int, sort: str) -> Matches:
        self.requests.append((typed, limit))
        await self.open.wait()
        found = [name for name in NAMES if typed in name]
        if sort == "last first":
            found.reverse()
        return Matches([Choice(name, name) for name in found[:limit]], len(found))


def open_picker(finder: Finder, current: str | None = None) -> DialogApp[str | None]:
    return DialogApp(RemotePicker("Sessions", finder.find, ["first first", "last first"], current=current))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0)


async def test_tab_shows_the_choices_in_the_next_order() -> None:
    app = open_picker(Finder())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("tab")
        await pilot.pause()
        assert "Sessions · last first · Tab sorts first first" in app.text
        await pilot.press("enter")
    assert app.results == [NAMES[-1]]


async def test_the_first_choices_are_listed_and_all_counted() -> None:
    finder = Finder()
    app = open_picker(finder, current="chat-00003")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "10,000" in app.text
        assert "▸ chat-00003" in app.text
        assert finder.requests == [("", 100)]
        await pilot.press("down", "enter")
        assert app.results == ["chat-00004"]


async def test_all_choices_are_searched() -> None:
    finder = Finder()
    app = open_picker(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*"987")
        await until(lambda: "20 of 10,000" in app.text)
        await pilot.press("enter")
        assert app.results == ["chat-00987"]


async def test_enter_waits_for_the_matches() -> None:
    finder = Finder()
    finder.open.clear()
    app = open_picker(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "…" in app.text
        await pilot.press(*"9876", "enter")
        assert app.results == []
        finder.open.set()
        await until(lambda: app.results == ["chat-09876"])


async def test_a_letter_typed_after_enter_cancels_it() -> None:
    finder = Finder()
    app = open_picker(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        finder.open.clear()
        await pilot.press("9", "enter", "8")
        finder.open.set()
        await until(lambda: " of 10,000" in app.text)
        assert app.results == []
        assert app.dialog.query_one(Input).value == "98"


async def test_more_choices_are_listed_when_the_end_nears() -> None:
    finder = Finder()
    app = open_picker(finder)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*["pagedown"] * 8)
        choices = app.dialog.query_one(ChoiceList)
        await until(lambda: choices.option_count == 400)
        assert [limit for _, limit in finder.requests] == [100, 400]
        before = choices.highlighted or 0
        assert before > 80
        await pilot.press("enter")
        assert app.results == [f"chat-{before:05}"]


async def test_no_match_is_shown() -> None:
    app = open_picker(Finder())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*"zzz")
        await until(lambda: "no match" in app.text)
        assert "0 of 10,000" in app.text
        await pilot.press("enter")
        assert app.results == []
        await pilot.press("escape")
        assert app.results == [None]
