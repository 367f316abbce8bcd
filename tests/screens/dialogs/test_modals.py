"""The modal screens, used by keys and mouse and seen at two sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from tui.screens.dialogs.help import Help, HelpRow
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.picker import Picker
from tui.widgets.lists.choices import Choice, ChoiceList

Snapshot = Callable[..., bool]

SIZES = [(100, 30), (40, 12)]

BRANCHES = [
    Choice("main", Content.styled("main", "bold"), "12 turns · 3 days ago"),
    Choice("alt", "alt", "5 turns · 2 days ago"),
    Choice("weather-retry", "weather-retry", "4 turns · yesterday"),
    Choice("esc", "esc\x1b[31m[/x]", "1 turn · today\x07"),
    Choice("검색", "검색 가지", "2 turns · today"),
    *(Choice(f"b{n}", f"branch_from_turn_{n}", f"{n} turns · today") for n in range(1, 30)),
]

KEYS = [
    HelpRow("Usage", "j k ↑ ↓", "Move among the turns"),
    HelpRow("Usage", "Enter", "Select the turn under the cursor in every pane"),
    HelpRow("Fork", "f", "Fork here: edit this turn's message in a new branch"),
    HelpRow("Branches", "b", "Pick a branch by typing part of its name"),
    HelpRow("Branches", "[ ]", "Previous, next branch at the nearest fork [/x]"),
    *(HelpRow("Program", f"F{n}", f"Something that this key does, number {n}") for n in range(1, 20)),
]

DETAILS = "\n".join(f"  step {n}: \x1b[31mread page {n * 4096}" for n in range(25))


class ModalApp(App[None]):
    """A page of text with a modal screen above it; what the screen gives is remembered."""

    BINDINGS = [Binding("ctrl+p", "command_palette", show=False)]  # noqa: RUF012 as the base declares it

    def __init__(self, screen: ModalScreen[str | None] | ModalScreen[None]) -> None:
        super().__init__()
        self.modal = screen
        self.given: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield Static("A conversation lies below. " * 200)

    def on_mount(self) -> None:
        self.push_screen(self.modal, self.given.append)


def branch_picker(current: str | None = "alt") -> Picker:
    return Picker("Branches", BRANCHES, current=current)


def error() -> MessageDialog:
    return MessageDialog(
        "The file cannot be read", "The database disk image is malformed.\nA copy can be recovered.", DETAILS
    )


def seen(app: ModalApp) -> str:
    """What stands on the screen."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_enter_picks_the_current_choice_first() -> None:
    app = ModalApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press("enter")
        assert app.given == ["alt"]


@pytest.mark.parametrize(
    ("keys", "picked"),
    [
        (["down", "enter"], "weather-retry"),
        (["ctrl+n", "ctrl+n", "ctrl+p", "enter"], "weather-retry"),
        (["up", "up", "up", "enter"], "main"),
        (["pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "enter"], "b29"),
        ([*"retry", "enter"], "weather-retry"),
        ([*"turn29", "enter"], "b29"),
        ([*"turn", "down", "enter"], "b2"),
        ([*"turn9", *["backspace"] * 5, "enter"], "alt"),
        ([*"검색", "enter"], "검색"),
    ],
)
async def test_keys_type_and_move_and_pick(keys: list[str], picked: str) -> None:
    app = ModalApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        assert app.given == [picked]


async def test_enter_on_no_match_picks_nothing_and_says_so() -> None:
    app = ModalApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press(*"zzz", "down", "enter")
        assert "no match" in seen(app)
        assert "0 of 34" in seen(app)
        assert app.given == []
        await pilot.press(*["backspace"] * 3, "enter")
        assert app.given == ["alt"]


async def test_a_picker_without_choices_can_be_left() -> None:
    app = ModalApp(Picker("Branches", []))
    async with app.run_test() as pilot:
        await pilot.press("down", "enter", "escape")
        assert app.given == [None]


async def test_escape_leaves_without_a_result() -> None:
    app = ModalApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press("down", "escape")
        assert app.given == [None]


async def test_a_click_picks_the_line_under_it() -> None:
    app = ModalApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press(*"turn")
        await pilot.pause()
        await pilot.click(ChoiceList, offset=(20, 2))
        assert app.given == ["b3"]


async def test_a_click_beside_the_band_leaves() -> None:
    app = ModalApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.click(offset=(5, 0))
        assert app.given == [None]


async def test_choices_show_control_characters_and_no_markup() -> None:
    app = ModalApp(branch_picker())
    async with app.run_test():
        assert "esc␛[31m[/x]" in seen(app)
        assert "today␇" in seen(app)
        assert not {"\x1b", "\x07"} & set(seen(app))


async def test_of_ten_thousand_choices_only_those_in_sight_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: set[int] = set()
    render_line = ChoiceList.render_line

    def remembering(choices: ChoiceList, y: int) -> Strip:
        drawn.add(y)
        return render_line(choices, y)

    monkeypatch.setattr(ChoiceList, "render_line", remembering)
    many = [Choice(str(number), f"branch_from_turn_{number}") for number in range(10_000)]
    app = ModalApp(Picker("Branches", many, current="9000"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*"777", "enter")
        assert app.given == ["777"]
        assert max(drawn) < 30


@pytest.mark.parametrize("key", ["escape", "question_mark", "q"])
async def test_help_closes(key: str) -> None:
    app = ModalApp(Help(KEYS))
    async with app.run_test() as pilot:
        await pilot.press(key)
        assert app.given == [None]


async def test_help_scrolls_to_its_last_key() -> None:
    app = ModalApp(Help(KEYS))
    async with app.run_test(size=(60, 15)) as pilot:
        assert "number 19" not in seen(app)
        await pilot.press("G")
        await pilot.wait_for_animation()
        assert "number 19" in seen(app)
        await pilot.press("g")
        await pilot.wait_for_animation()
        assert "Move among the turns" in seen(app)


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_a_message_closes(key: str) -> None:
    app = ModalApp(error())
    async with app.run_test() as pilot:
        await pilot.press(key)
        assert app.given == [None]


async def test_a_message_is_copied_whole_and_as_it_is() -> None:
    app = ModalApp(error())
    async with app.run_test() as pilot:
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard.startswith("The file cannot be read\n\nThe database disk image is malformed.\n")
        assert app.clipboard.endswith(DETAILS)
        assert "copied" in seen(app)
        assert app.given == []


async def test_a_message_shows_control_characters() -> None:
    app = ModalApp(MessageDialog("[b]title\x07", "one\ttwo\x1b[2J", "[/x]"))
    async with app.run_test():
        assert "[b]title␇" in seen(app)
        assert "␛[2J" in seen(app)
        assert "[/x]" in seen(app)
        assert not {"\x1b", "\x07"} & set(seen(app))


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (80, 24), (200, 60)])
@pytest.mark.parametrize("make", [branch_picker, lambda: Help(KEYS), error])
async def test_no_size_hides_the_band(size: tuple[int, int], make: Callable[[], ModalScreen[None]]) -> None:
    app = ModalApp(make())
    async with app.run_test(size=size):
        band = app.modal.children[0].region
        assert app.modal.region.contains_region(band)
        assert all(band.contains_region(child.region) for child in app.modal.children[0].children)


@pytest.mark.parametrize("size", SIZES)
def test_picker(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    assert snap_compare(ModalApp(branch_picker()), terminal_size=size)


@pytest.mark.parametrize("size", SIZES)
def test_picker_narrowed(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    assert snap_compare(ModalApp(branch_picker()), terminal_size=size, press=[*"tur1", "down"])


@pytest.mark.parametrize("size", SIZES)
def test_picker_without_match(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    assert snap_compare(ModalApp(branch_picker()), terminal_size=size, press=[*"zzz"])


@pytest.mark.parametrize("size", SIZES)
def test_help(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    assert snap_compare(ModalApp(Help(KEYS)), terminal_size=size)


@pytest.mark.parametrize("size", SIZES)
def test_message(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    assert snap_compare(ModalApp(error()), terminal_size=size)


def test_light_theme(snap_compare: Snapshot) -> None:
    app = ModalApp(branch_picker())
    app.theme = "textual-light"
    assert snap_compare(app, terminal_size=(100, 30))
