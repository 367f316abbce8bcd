"""The live items of a run in the transcript."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from rich.segment import Segment
from rich.style import Style
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
from tui.model import Item, Page, Progress, Run, RunState, View
from tui.render import ItemStyles, blocks, inline
from tui.render.inline import Environment
from tui.widgets.transcript.transcript import Transcript

SIZE = (60, 24)
STORED = chat(20)


def live(stored: Sequence[Item], datas: Sequence[dict[str, Any]]) -> tuple[Item, ...]:
    """Return items as a run reports them before they are stored: after the stored ones, with negative ids."""
    items = items_of([*(item.data for item in stored), *datas])[len(stored) :]
    return tuple(item._replace(message_id=-1 - item.position, created_at=None) for item in items)


def running(
    stored: Sequence[Item], datas: Sequence[dict[str, Any]], state: RunState = RunState.RUNNING, **changes: Any
) -> View:
    """Return the view while a run is under way on the branch."""
    run = Run("main", state, 0.0, "m", Progress("writing", live(stored, datas), start=len(stored)))
    return view_of(stored)._replace(runs={"main": run}, **changes)


def writing(text: str) -> dict[str, Any]:
    """Return an incomplete answer."""
    return {**agent(text), "status": "in_progress"}


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the paragraphs that are rendered."""
    rendered: list[str] = []
    inline_segments = inline.inline_segments

    def counted(text: str, style: Style, item_styles: ItemStyles, environment: Environment) -> Iterator[Segment]:
        rendered.append(text)
        return inline_segments(text, style, item_styles, environment)

    monkeypatch.setattr(blocks, "inline_segments", counted)
    return rendered


async def show(pilot: Pilot[None], app: TranscriptApp, view: View) -> list[str]:
    app.view = view
    await pilot.pause()
    return rows(app)


def rows(app: TranscriptApp) -> list[str]:
    """Return the rows without the bar of the selected turn and the cursor."""
    return [row[2:] for row in app.rows()]


async def test_an_answer_is_shown_while_it_is_written() -> None:
    async with TranscriptApp(STORED).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        shown = await show(pilot, app, running(STORED, [user("Again?")]))
        assert shown[-1] == "Again?"
        assert shown[-2].startswith("21  you")
        shown = await show(pilot, app, running(STORED, [user("Again?"), writing("It is")]))
        assert shown[-3:] == ["", "agent", "It is▍"]
        shown = await show(pilot, app, running(STORED, [user("Again?"), writing("It is\n\n- so")]))
        assert shown[-4:] == ["agent", "It is", "", "• so▍"]


async def test_the_first_message_replaces_the_text_of_an_empty_branch() -> None:
    async with TranscriptApp([]).run_test(size=SIZE) as pilot:
        app = await focus_transcript(pilot)
        assert any("No messages" in row for row in rows(app))
        shown = await show(pilot, app, running([], [user("First"), writing("Yes")]))
        assert not any("No messages" in row for row in shown)
        assert [row for row in shown if row][1:] == ["First", "agent", "Yes▍"]


async def test_stored_items_replace_the_live_ones() -> None:
    datas = [user("Again?"), reasoning("Look it up"), call("get_weather", '{"city": "Oslo"}'), output("rain\nwind")]
    stored = items_of([*(item.data for item in STORED), *datas])
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        before = await show(pilot, app, running(STORED, [*datas, writing("It **rains**.")]))
        app.items = stored
        for count in range(len(STORED), len(stored) + 1):
            view = running(stored[:count], [*datas, writing("It **rains**.")][count - len(STORED) :])
            after = await show(pilot, app, view._replace(revision=count))
            assert [row[:40].rstrip() for row in after] == [row[:40].rstrip() for row in before]


async def test_live_items_are_shown_until_the_stored_ones_are_read() -> None:
    datas = [user("Again?"), call("get_weather", '{"city": "Oslo"}'), output("rain\nwind")]
    stored = items_of([*(item.data for item in STORED), *datas])
    app = TranscriptApp(STORED, answers=False)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        before = await show(pilot, app, running(STORED, datas))
        view = running(stored, [])._replace(revision=2, page=view_of(STORED).page)
        assert await show(pilot, app, view) == before
        assert app.requested()
        start, end = app.requested()[-1]
        assert start <= len(STORED) < len(stored) <= end
        app.transcript.receive(Page("main", start, tuple(stored[start:end])))
        await pilot.pause()
        assert [row[:40].rstrip() for row in rows(app)] == [row[:40].rstrip() for row in before]


async def test_an_item_is_never_shown_twice() -> None:
    datas = [user("Again?"), writing("Yes, again.")]
    stored = items_of([*(item.data for item in STORED), *datas])
    app = TranscriptApp(stored)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        late = running(STORED, datas).runs
        shown = await show(pilot, app, view_of(stored)._replace(runs=late))
        assert sum(row == "Again?" for row in shown) == 1
        assert sum("Yes, again." in row for row in shown) == 1


async def test_live_items_wait_for_the_stored_items_before_them() -> None:
    datas = [user("Again?"), writing("Yes, again.")]
    stored = items_of([*(item.data for item in STORED), datas[0]])
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        early = running(stored, datas[1:]).runs
        shown = await show(pilot, app, view_of(STORED)._replace(runs=early))
        assert not any("Yes, again." in row for row in shown)
        shown = await show(pilot, app, view_of(stored)._replace(runs=early, revision=2))
        assert [row for row in shown if row][-3:] == ["Again?", "agent", "Yes, again.▍"]


async def test_the_last_line_and_the_cursor_on_it_stay_in_sight() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        for lines in range(1, 60, 7):
            text = "\n".join(f"- point {n}" for n in range(lines))
            shown = await show(pilot, app, running(STORED, [user("Again?"), writing(text)]))
            assert shown[-1] == f"• point {lines - 1}▍"
            assert not any("↓ new" in row for row in shown)
        assert app.transcript.cursor_text() == text


async def test_a_reader_above_the_end_keeps_the_position_and_sees_a_label_for_new_lines() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await show(pilot, app, running(STORED, [user("Again?"), writing("It")]))
        await pilot.press("pageup")
        before = rows(app)
        assert not any("↓ new" in row for row in before)
        text = "\n".join(f"- point {n}" for n in range(50))
        shown = await show(pilot, app, running(STORED, [user("Again?"), writing(text)]))
        assert shown[:-1] == before[:-1]
        assert shown[-1].endswith("↓ new")
        await pilot.click(Transcript, offset=(SIZE[0] - 4, SIZE[1] - 1))
        assert rows(app)[-1] == "• point 49▍"
        await pilot.press("pageup")
        assert not any("↓ new" in row for row in rows(app))


async def test_the_end_key_goes_to_the_new_lines() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await show(pilot, app, running(STORED, [user("Again?"), writing("It")]))
        await pilot.press("home")
        shown = await show(pilot, app, running(STORED, [user("Again?"), writing("It is so.")]))
        assert shown[-1].endswith("↓ new")
        await pilot.press("G")
        assert rows(app)[-1] == "It is so.▍"


async def test_sending_a_message_goes_to_the_end() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await pilot.press("home")
        shown = await show(pilot, app, running(STORED, [user("Again?")]))
        assert shown[-1] == "Again?"


async def test_storing_a_turn_does_not_scroll() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        datas = [user("Again?"), writing("It")]
        await show(pilot, app, running(STORED, datas))
        await pilot.press("pageup")
        before = rows(app)
        app.items = stored = items_of([*(item.data for item in STORED), datas[0]])
        shown = await show(pilot, app, running(stored, datas[1:])._replace(revision=2))
        assert app.view.turn == 21
        assert shown == before


async def test_a_live_turn_cannot_be_selected() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await show(pilot, app, running(STORED, [user("Again?"), writing("It")]))
        await pilot.press("k", "j", "k")
        assert app.transcript.cursor_text() == "Again?"
        await pilot.click(Transcript, offset=(4, SIZE[1] - 1))
        assert app.posted == []


async def test_an_unfolded_live_item_stays_unfolded_when_it_is_stored() -> None:
    datas = [user("Again?"), output("rain\nwind")]
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await show(pilot, app, running(STORED, datas))
        await pilot.press("enter")
        assert rows(app)[-1].strip() == "wind"
        app.items = stored = items_of([*(item.data for item in STORED), *datas])
        shown = await show(pilot, app, running(stored, [writing("So.")])._replace(revision=2))
        assert [row.strip() for row in shown[-4:]] == ["wind", "", "agent", "So.▍"]


async def test_only_new_paragraphs_of_an_answer_are_rendered_and_none_when_it_is_stored(rendered: list[str]) -> None:
    text = "".join(f"Paragraph {n} of *many*.\n\n" for n in range(200))
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await show(pilot, app, running(STORED, [user("Again?"), writing(text[:4000])]))
        rendered.clear()
        for end in range(4_000, 4_500, 10):
            app.view = running(STORED, [user("Again?"), writing(text[:end])])
        assert len(rendered) <= 2 * 50
        before = await show(pilot, app, running(STORED, [user("Again?"), writing(text)]))
        rendered.clear()
        app.items = stored = items_of([*(item.data for item in STORED), user("Again?"), agent(text)])
        after = await show(pilot, app, view_of(stored)._replace(revision=2))
        assert [row.removesuffix("▍") for row in before] == after
        assert rendered == []


async def test_an_answer_is_rendered_piece_by_piece_while_out_of_sight(rendered: list[str]) -> None:
    text = "".join(f"Paragraph {n} of *many*.\n\n" for n in range(200))
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await show(pilot, app, running(STORED, [user("Again?"), writing(text[:10])]))
        await pilot.press("home")
        rendered.clear()
        for end in range(1_000, 5_000, 200):
            await show(pilot, app, running(STORED, [user("Again?"), writing(text[:end])]))
            assert len(rendered) < 60
            rendered.clear()
        await pilot.press("G")
        assert len(rendered) < 20


async def test_a_run_shows_nothing_of_the_run_before() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        await show(pilot, app, running(STORED, [user("Again?"), writing("First")]))
        await show(pilot, app, view_of(STORED))
        shown = await show(pilot, app, running(STORED, [user("Again?"), writing("Second")]))
        assert shown[-1] == "Second▍"
        assert not any("First" in row for row in shown)


async def test_the_text_cursor_is_shown_only_while_an_item_is_written() -> None:
    app = TranscriptApp(STORED)
    async with app.run_test(size=SIZE) as pilot:
        await focus_transcript(pilot)
        asked = [user("Again?"), {**call("get_weather", "{}"), "status": "completed"}]
        for view in (
            running(STORED, asked),
            running(STORED, [*asked, output("rain")]),
            running(STORED, [user("Again?"), {**agent("Done."), "status": "completed"}]),
            running(STORED, [user("Again?"), writing("It")], RunState.STOPPING),
        ):
            assert not any("▍" in row for row in await show(pilot, app, view))
