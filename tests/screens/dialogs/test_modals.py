"""Help, messages and pickers, used with keys and mouse, and pictures of them at two sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip

from tests.screens.dialogs.dialog_app import DialogApp
from tui.screens.dialogs.form import Field, Form
from tui.screens.dialogs.help import Help, HelpRow
from tui.screens.dialogs.message import MessageDialog
from tui.screens.dialogs.picker import Picker
from tui.screens.dialogs.rerun import RerunDialog, RerunOptions
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

MANY = [Choice(str(number), f"branch {number}") for number in range(10_000)]

DETAILS = "\n".join(f"  step {n}: \x1b[31mread page {n * 4096}" for n in range(25))


def branch_picker(current: str | None = "alt") -> Picker:
    return Picker("Branches", BRANCHES, current=current)


def help_dialog() -> Help:
    return Help(KEYS)


def error() -> MessageDialog:
    return MessageDialog(
        "The file cannot be read", "The database disk image is malformed.\nA copy can be recovered.", DETAILS
    )


def rerun() -> RerunDialog:
    return RerunDialog(3)


def form() -> Form:
    async def save(values: Sequence[str]) -> None:
        assert values == ["Title"]

    return Form("Names", [Field("Title", "Title")], "saves", save)


@pytest.mark.parametrize(
    ("dialog", "clicks", "result"),
    [
        (error, ["c copies all", "Esc closes"], None),
        (rerun, ["all at once", "Enter runs"], RerunOptions(1, together=True)),
        (rerun, ["Esc cancels"], None),
        (form, ["Tab next field", "Enter saves"], True),
        (form, ["Esc cancels"], None),
    ],
)
async def test_the_hints_of_a_dialog_can_be_clicked(
    dialog: Callable[[], ModalScreen[object]], clicks: list[str], result: object
) -> None:
    app, results = DialogApp(error()), list[object]()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("escape")
        # A field can only be made while an application runs.
        app.push_screen(dialog(), results.append)
        for text in clicks:
            await app.click_text(text)
        await app.workers.wait_for_complete()
        assert results == [result]


@pytest.mark.parametrize(
    ("keys", "picked"),
    [
        (["enter"], "alt"),
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
    app = DialogApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        assert app.results == [picked]


async def test_no_match_is_shown_and_enter_picks_nothing() -> None:
    app = DialogApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press(*"zzz", "down", "enter")
        assert "no match" in app.text
        assert "0 of 34" in app.text
        assert app.results == []
        await pilot.press(*["backspace"] * 3, "enter")
        assert app.results == ["alt"]


@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (branch_picker, ["down", "escape"]),
        (lambda: Picker("Branches", []), ["down", "enter", "escape"]),
        (help_dialog, ["escape"]),
        (help_dialog, ["question_mark"]),
        (help_dialog, [*"fork", "f1"]),
        (error, ["escape"]),
        (error, ["enter"]),
    ],
)
async def test_keys_close_a_dialog_without_a_result(make: Callable[[], ModalScreen[None]], keys: list[str]) -> None:
    app = DialogApp(make())
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        assert app.results == [None]


async def test_a_click_picks_the_line_under_it() -> None:
    app = DialogApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.press(*"turn")
        await pilot.pause()
        await pilot.click(ChoiceList, offset=(20, 2))
        assert app.results == ["b3"]


async def test_a_click_beside_the_dialog_closes_it() -> None:
    app = DialogApp(branch_picker())
    async with app.run_test() as pilot:
        await pilot.click(offset=(5, 0))
        assert app.results == [None]


async def test_choices_show_control_characters_and_no_markup() -> None:
    app = DialogApp(branch_picker())
    async with app.run_test():
        assert "esc␛[31m[/x]" in app.text
        assert "today␇" in app.text
        assert not {"\x1b", "\x07"} & set(app.text)


async def test_only_the_visible_of_ten_thousand_choices_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: set[int] = set()
    render_line = ChoiceList.render_line

    def record(choices: ChoiceList, y: int) -> Strip:
        drawn.add(y)
        return render_line(choices, y)

    monkeypatch.setattr(ChoiceList, "render_line", record)
    app = DialogApp(Picker("Branches", MANY, current="9000"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(*"777", "enter")
        assert app.results == ["777"]
        assert max(drawn) < 30


async def test_more_matches_are_listed_when_the_end_nears() -> None:
    app = DialogApp(Picker("Branches", MANY))
    async with app.run_test(size=(100, 30)) as pilot:
        choices = app.dialog.query_one(ChoiceList)
        assert choices.option_count == 100
        await pilot.press(*["pagedown"] * 8)
        await pilot.pause()
        assert choices.option_count == 400
        assert 80 < (before := choices.highlighted or 0) < 200
        assert f"branch {before} " in app.text
        await pilot.press("enter")
        assert app.results == [str(before)]


async def test_scrolling_lists_more_matches_where_the_list_is() -> None:
    app = DialogApp(Picker("Branches", MANY))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        choices = app.dialog.query_one(ChoiceList)
        choices.scroll_to(y=90, animate=False)
        await pilot.pause()
        await pilot.pause()
        assert choices.option_count == 400
        assert choices.scroll_offset.y >= 80
        assert choices.highlighted == 0


async def test_the_current_choice_is_listed_however_far_down() -> None:
    app = DialogApp(Picker("Branches", MANY, current="700"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "▸ branch 700" in app.text
        await pilot.press("down", "enter")
        assert app.results == ["701"]


async def test_help_scrolls_to_its_last_row_and_back() -> None:
    app = DialogApp(help_dialog())
    async with app.run_test(size=(60, 15)) as pilot:
        assert "number 19" not in app.text
        await pilot.press(*["pagedown"] * 30)
        await pilot.pause()
        assert "A control character" in app.text
        await pilot.press(*["pageup"] * 30)
        await pilot.pause()
        assert "Usage" in app.text
        assert "Move among the turns" in app.text


async def test_help_narrows_by_name_key_and_group_and_returns_the_chosen_row() -> None:
    for typed, index in (("number 19", 5 + 18), ("[", 4), ("program", 5), ("mov", 0), ("FORK", 2)):
        app = DialogApp(help_dialog())
        async with app.run_test() as pilot:
            await pilot.press(*("space" if letter == " " else letter for letter in typed), "enter")
            assert app.results == [index], typed


async def test_all_of_a_message_is_copied_with_its_control_characters() -> None:
    app = DialogApp(error())
    async with app.run_test() as pilot:
        await pilot.press("c")
        await pilot.pause()
        assert app.clipboard.startswith("The file cannot be read\n\nThe database disk image is malformed.\n")
        assert app.clipboard.endswith(DETAILS)
        assert "copied" in app.text
        assert app.results == []


async def test_a_message_shows_control_characters() -> None:
    app = DialogApp(MessageDialog("[b]title\x07", "one\ttwo\x1b[2J", "[/x]"))
    async with app.run_test():
        assert "[b]title␇" in app.text
        assert "␛[2J" in app.text
        assert "[/x]" in app.text
        assert not {"\x1b", "\x07"} & set(app.text)


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (80, 24), (200, 60)])
@pytest.mark.parametrize("make", [branch_picker, help_dialog, error])
async def test_the_dialog_fits_any_size(size: tuple[int, int], make: Callable[[], ModalScreen[None]]) -> None:
    app = DialogApp(make())
    async with app.run_test(size=size):
        frame = app.dialog.children[0].region
        assert app.dialog.region.contains_region(frame)
        assert all(frame.contains_region(child.region) for child in app.dialog.children[0].children)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (branch_picker, []),
        (branch_picker, [*"tur1", "down"]),
        (branch_picker, [*"zzz"]),
        (help_dialog, []),
        (error, []),
    ],
    ids=["picker", "narrowed", "no_match", "help", "message"],
)
def test_looks(
    snap_compare: Snapshot, make: Callable[[], ModalScreen[None]], keys: list[str], size: tuple[int, int]
) -> None:
    assert snap_compare(DialogApp(make()), terminal_size=size, press=keys)


@pytest.mark.parametrize("make", [branch_picker, help_dialog])
async def test_the_chosen_line_can_be_told_without_colours(
    make: Callable[[], ModalScreen[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = DialogApp(make())
    async with app.run_test(size=(100, 30)):
        strips = app.screen._compositor.render_strips()
        lines = [strip.text for strip in strips if any(part.style and part.style.underline for part in strip)]
        assert len(lines) == 1
        assert "alt" in lines[0] or "Move among the turns" in lines[0]


def test_light_theme(snap_compare: Snapshot) -> None:
    app = DialogApp(branch_picker())
    app.theme = "textual-light"
    assert snap_compare(app, terminal_size=(100, 30))
