"""The keys and the mouse in the transcript: cursor, folds, clicks, selections, links."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.pilot import Pilot

from tests.widgets.transcript.samples import (
    TranscriptApp,
    agent,
    call,
    chat,
    focus_transcript,
    items_of,
    output,
    reasoning,
    user,
    view_of,
)
from tui.model import Item
from tui.widgets.transcript.transcript import Transcript

SIZE = (60, 24)
ITEMS = items_of(
    [
        user("What is the weather in Oslo? Tell me all that you know of it."),
        reasoning("**Look it up**\n\nThen answer."),
        call("get_weather", '{"city": "Oslo"}'),
        output("12 °C\nrain\nwind"),
        agent("It rains. See [Yr](https://yr.no/oslo).\n\n```python\nprint(1)\nprint(2)\n```"),
        user("And tomorrow?"),
        output("Error: no forecast\nfor tomorrow"),
        agent("Sun."),
    ]
)


def selected(app: TranscriptApp) -> list[int]:
    return [message.turn for message in app.posted if isinstance(message, Transcript.TurnSelected)]


def clicked(app: TranscriptApp) -> list[int]:
    return [message.turn for message in app.posted if isinstance(message, Transcript.TurnClicked)]


def row_of(app: TranscriptApp, text: str) -> int:
    return next(y for y, row in enumerate(app.rows()) if text in row)


def offset_of(app: TranscriptApp, text: str) -> tuple[int, int]:
    y = row_of(app, text)
    return app.rows()[y].index(text), y


def app_at(turn: int, items: Sequence[Item] = ITEMS) -> TranscriptApp:
    return TranscriptApp(items, view_of(items, turn))


# The cursor


async def test_moving_the_cursor_to_another_turn_selects_it() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        for _ in range(4):
            await pilot.press("j")
        assert selected(app) == []
        assert app.transcript.cursor_text().startswith("It rains. See [Yr](https://yr.no/oslo)")
        await pilot.press("down")
        assert selected(app) == [2]
        assert app.transcript.cursor_text() == "And tomorrow?"
        await pilot.press("k", "k", "up")
        assert selected(app) == [2, 1]
        assert app.transcript.cursor_text() == 'get_weather({"city": "Oslo"})'


async def test_a_view_that_answers_an_older_selection_does_not_move_the_cursor_back() -> None:
    items = chat(20)
    async with app_at(1, items).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        for _ in range(12):
            await pilot.press("j")
        assert selected(app) == [2, 3, 4]
        for turn in (2, 3, 4):
            app.view = view_of(items, turn)
            await pilot.pause()
            assert "Question 4." in app.transcript.cursor_text()
        app.view = view_of(items, 2)
        await pilot.pause()
        assert "Question 2." in app.transcript.cursor_text()


async def test_paging_moves_the_cursor_and_the_wheel_does_not() -> None:
    items = chat(40)
    async with app_at(1, items).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        for _ in range(12):
            app.transcript.post_message(
                events.MouseScrollDown(app.transcript, 5, 5, 0, 0, 0, False, False, False, 5, 5)
            )
        await pilot.pause()
        assert app.transcript.scroll_y == 12 * app.scroll_sensitivity_y
        assert selected(app) == []
        assert "Question 1." in app.transcript.cursor_text()
        await pilot.press("j")
        assert len(selected(app)) == 1
        await pilot.press("pagedown")
        assert selected(app)[-1] > selected(app)[0]


async def test_home_selects_its_turn_when_the_items_are_read() -> None:
    items = chat(400)
    app = TranscriptApp(items)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await pilot.press("home")
        await pilot.pause()
        assert selected(app) == [1]
        await pilot.press("end")
        assert selected(app) == [1, 400]
        assert app.transcript.is_vertical_scroll_end


# Folds


async def test_a_tool_output_unfolds_in_its_place_and_folds_again() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        before = app.rows()
        assert "▸ ↳ 12 °C  … 2 more lines" in before[row_of(app, "12 °C")]
        await pilot.press("j", "j", "j", "enter")
        row = row_of(app, "12 °C")
        assert [line[2:] for line in app.rows()[row : row + 3]] == ["▾ ↳ 12 °C", "    rain", "    wind"]
        await pilot.press("h")
        assert "… 2 more lines" in app.rows()[row]
        await pilot.press("h")
        assert "… 2 more lines" in app.rows()[row]
        await pilot.press("l")
        assert "… 2 more lines" not in app.rows()[row]


async def test_a_failed_output_starts_unfolded() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        assert "▾ ✗ Error: no forecast" in app.rows()[row_of(app, "no forecast")]
        assert row_of(app, "for tomorrow")


async def test_unfolding_all_tools_keeps_the_cursor_on_its_row() -> None:
    items = chat(40)
    async with app_at(20, items).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await pilot.press("j", "j", "j")
        row = row_of(app, "▌")
        await pilot.press("o")
        assert row_of(app, "▌") == row
        assert not any("more lines" in text for text in app.rows())
        await pilot.press("o")
        assert row_of(app, "▌") == row
        assert any("more lines" in text for text in app.rows())


async def test_folding_an_item_scrolls_its_first_line_into_sight() -> None:
    items = items_of([user("go"), output("\n".join(f"row {n}" for n in range(100))), *([user("more")] * 20)])
    async with app_at(1, items).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await pilot.press("j", "enter", "j", "j", "j", "j")
        assert "go" not in "".join(app.rows())
        await pilot.press("enter")
        assert "▸ ↳ row 0  … 99 more lines" in app.rows()[1]


async def test_an_item_that_unfolds_at_the_bottom_is_scrolled_into_sight() -> None:
    items = items_of([*([user("before")] * 20), output("\n".join(f"row {n}" for n in range(6)))])
    async with app_at(20, items).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await pilot.press("enter")
        assert [row[6:] for row in app.rows()[-6:]] == [f"row {n}" for n in range(6)]


# The mouse


async def test_a_click_on_the_users_message_selects_its_turn_to_fork_from() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await pilot.click(Transcript, offset=offset_of(app, "tomorrow?"))
        assert selected(app) == [2]
        assert clicked(app) == [2]
        await pilot.click(Transcript, offset=(40, SIZE[1] - 1))
        assert clicked(app) == [2]


async def test_a_click_on_an_answer_only_selects_its_turn() -> None:
    async with app_at(2).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await pilot.click(Transcript, offset=offset_of(app, "https://yr.no"))
        assert selected(app) == [1]
        assert clicked(app) == []


async def test_a_click_on_a_fold_mark_only_folds() -> None:
    async with app_at(2).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await pilot.click(Transcript, offset=offset_of(app, "▸ ↳"))
        assert row_of(app, "▾ ↳ 12 °C")
        await pilot.click(Transcript, offset=offset_of(app, "12 °C"))
        assert row_of(app, "▸ ↳ 12 °C")
        assert clicked(app) == []


async def test_a_link_opens_only_with_ctrl() -> None:
    async with app_at(2).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        place = offset_of(app, "https://yr.no")
        await pilot.click(Transcript, offset=place)
        await pilot.click(Transcript, offset=place, control=True)
        assert [message.url for message in app.posted if isinstance(message, Transcript.LinkOpened)] == [
            "https://yr.no/oslo"
        ]
        assert clicked(app) == []


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)
    await pilot.pause()


async def test_a_drag_selects_unwrapped_text_and_is_not_a_click() -> None:
    async with app_at(1).run_test(size=(40, 24)) as pilot:
        app = await focus_transcript(pilot)
        start = offset_of(app, "weather in Oslo")
        end = offset_of(app, "know of it")
        assert end[1] == start[1] + 1
        await drag(pilot, start, (end[0] + len("know") - 1, end[1]))
        assert app.screen.get_selected_text() == "weather in Oslo? Tell me all that you know"
        assert clicked(app) == []
        await pilot.click(Transcript, offset=end)
        assert app.screen.get_selected_text() is None
        assert clicked(app) == []
        await pilot.click(Transcript, offset=end)
        assert clicked(app) == [1]


async def test_selected_text_has_the_selection_style() -> None:
    async with app_at(1).run_test(size=(40, 24)) as pilot:
        app = await focus_transcript(pilot)
        start = offset_of(app, "weather in Oslo")
        await drag(pilot, start, (start[0] + 20, start[1]))
        style = next(part.style for part in app.transcript.render_line(start[1]) if part.text.startswith("weather in"))
        selection = app.screen.get_component_rich_style("screen--selection")
        assert style is not None
        assert style.bgcolor == selection.bgcolor


async def test_a_drag_over_code_selects_it_without_gutters() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await drag(pilot, offset_of(app, "print(1)"), (50, row_of(app, "print(2)")))
        assert app.screen.get_selected_text() == "print(1)\nprint(2)"


async def test_a_drag_over_several_items_selects_only_their_text() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        end = offset_of(app, "Sun.")
        await drag(pilot, offset_of(app, "And tomorrow"), (end[0] + 3, end[1]))
        assert app.screen.get_selected_text() == "And tomorrow?\n\nError: no forecast\nfor tomorrow\n\nSun."


async def test_a_selection_stays_on_its_text_when_heights_above_change() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        x, y = offset_of(app, "tomorrow?")
        await drag(pilot, (x, y), (x + 7, y))
        assert app.screen.get_selected_text() == "tomorrow"
        await pilot.press("o")
        assert app.screen.get_selected_text() == "tomorrow"


async def test_a_double_click_selects_the_text_of_one_item() -> None:
    async with app_at(1).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        await pilot.click(Transcript, offset=offset_of(app, "tomorrow?"), times=2)
        assert app.screen.get_selected_text() == "And tomorrow?"
