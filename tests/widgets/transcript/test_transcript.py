"""The lines that the transcript shows, the items that it requests and renders for them, and its scrolling."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.widgets.transcript.samples import TranscriptApp, agent, call, chat, items_of, output, user, view_of
from tui.model import Branch, Chain, Item, Page, Session, TurnTree, View
from tui.render import ItemStyles, is_step, render_item
from tui.widgets.transcript import blocks
from tui.widgets.transcript.transcript import Transcript

Snapshot = Callable[..., bool]
SIZE = (60, 20)


@pytest.fixture
def rendered_positions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the positions of the items that are rendered, in order."""
    rendered: list[int] = []

    def counted(item: Item, *args: object, **options: object) -> object:
        rendered.append(item.position)
        return render_item(item, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(blocks, "render_item", counted)
    return rendered


def all_rows(items: Sequence[Item], width: int, folded: bool = True) -> list[str]:
    """Return all rows of a conversation, drawn without a viewport."""
    rows: list[str] = []
    for item in items:
        if item.position and not (is_step(item) and is_step(items[item.position - 1])):
            rows.append("")
        if item.type == "user":
            rows.append(f"{item.turn}  you")
        lines = render_item(item, width - 4, folded=folded, styles=ItemStyles()).lines
        rows += [("".join(segment.text for segment in line.prefix) + line.text).rstrip() for line in lines]
    return rows


def visible_rows(app: TranscriptApp) -> list[str]:
    """Return the rows in sight without bars and without the times of turns."""
    return [row[2:].split("     ")[0] if "  you " in row else row[2:] for row in app.rows()]


def is_in_place(app: TranscriptApp, rows: list[str], column: list[str]) -> bool:
    top = app.transcript.scroll_offset.y
    return rows == column[top : top + len(rows)]


async def test_a_long_branch_opens_at_its_end_and_renders_only_items_in_sight(rendered_positions: list[int]) -> None:
    items = chat(25_000)
    app = TranscriptApp(items)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert visible_rows(app)[-1].strip().startswith(("•", "Answer 25000"))
        assert app.requested() == []
        assert len(rendered_positions) == len(set(rendered_positions))
        assert min(rendered_positions) > len(items) - 40
        assert app.transcript.is_vertical_scroll_end


async def test_a_view_that_is_set_before_mounting_is_shown() -> None:
    items = chat(100)

    class Later(App[None]):
        def compose(self) -> ComposeResult:
            transcript = Transcript()
            transcript.view = view_of(items)
            yield transcript

    async with Later().run_test(size=SIZE) as pilot:
        await pilot.pause()
        rows = ["".join(part.text for part in pilot.app.query_one(Transcript).render_line(y)) for y in range(SIZE[1])]
        assert "Answer 100." in "".join(rows)


async def test_it_can_start_with_an_empty_view() -> None:
    app = TranscriptApp((), View())
    async with app.run_test(size=SIZE) as pilot:
        assert "No session is open" in "\n".join(app.rows())
        app.view = view_of(chat(3))
        await pilot.pause()
        assert "Answer 3." in "\n".join(app.rows())


async def test_home_requests_and_shows_only_the_first_page(rendered_positions: list[int]) -> None:
    app = TranscriptApp(chat(25_000))
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.focus()
        rendered_positions.clear()
        await pilot.press("g")
        assert app.requested() == [(0, 64)]
        assert visible_rows(app)[0] == "1  you"
        assert max(rendered_positions) < 40
        assert app.transcript.scroll_y == 0


async def test_a_jump_requests_only_the_items_at_its_end() -> None:
    app = TranscriptApp(chat(25_000))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.transcript.scroll_to(y=app.transcript.max_scroll_y // 2)
        await pilot.pause()
        assert len(app.requested()) == 1
        (start, end), here = app.requested()[0], app.transcript.scroll_state()[1][0]
        assert start % 64 == 0
        assert start <= here < end <= start + 128
        assert 40_000 < here < 60_000


async def test_placeholders_keep_the_position_until_the_items_are_read() -> None:
    items = chat(500)
    app = TranscriptApp(items, answers=False)
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.focus()
        await pilot.press("g")
        assert set("".join(visible_rows(app))) <= {"·", " "}
        await pilot.press("pagedown")
        anchor = app.transcript.scroll_state()[1]
        assert app.requested() == [(0, 64)]
        app.transcript.receive(Page("main", 0, tuple(items[:64])))
        await pilot.pause()
        assert app.transcript.scroll_state()[1][0] == anchor[0]
        assert app.requested() == [(0, 64)]
        assert "Question" in "".join(visible_rows(app))


async def test_the_last_line_is_in_sight_when_the_last_items_are_read() -> None:
    tall = agent("\n\n".join(f"paragraph {n}" for n in range(30)))
    items = items_of([*(user(f"turn {n}") for n in range(200)), tall])
    app = TranscriptApp(items, view_of(items, 1), answers=False)
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.focus()
        await pilot.press("G")
        app.transcript.receive(Page("main", 128, tuple(items[128:])))
        assert visible_rows(app)[-1] == "paragraph 29"


async def test_a_blank_line_that_is_added_above_the_first_row_does_not_move_the_text() -> None:
    items = items_of([*(user(f"turn {n}") for n in range(100)), *(output(f"step {n}") for n in range(100))])
    app = TranscriptApp(items, answers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.transcript.receive(Page("main", 100, tuple(items[100:])))
        app.transcript._viewport.scroll_to(100)
        app.transcript.update_view()
        before = visible_rows(app)
        assert before[0].strip() == "↳ step 0"
        app.transcript.receive(Page("main", 64, tuple(items[64:100])))
        assert visible_rows(app) == before


async def test_items_of_another_branch_are_ignored() -> None:
    items = chat(500)
    app = TranscriptApp(items, answers=False)
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.focus()
        await pilot.press("g")
        app.transcript.receive(Page("other", 0, tuple(items[:64])))
        assert "Question" not in "".join(visible_rows(app))


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_moves_all_rows_are_neighbouring_lines(seed: int) -> None:
    items = chat(60)
    column = all_rows(items, SIZE[0])
    app = TranscriptApp(items, view_of(items, 30))
    walk = random.Random(seed)
    moves = ["cursor_down", "cursor_up", "page(1)", "page(-1)", "half_page(1)", "half_page(-1)", "wheel", "drag"]
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        transcript = app.transcript
        transcript.receive(Page("main", 0, tuple(items)))
        for move in walk.choices([*moves, "cursor_home", "cursor_end"], weights=[9, 9, 4, 4, 3, 3, 6, 2, 1, 1], k=80):
            if move == "wheel":
                transcript.scroll_relative(y=walk.choice([-3, 3]), animate=False)
            elif move == "drag":
                transcript.scroll_to(y=walk.randint(0, transcript.max_scroll_y))
            else:
                await transcript.run_action(move)
            rows = visible_rows(app)
            starts = [at for at in range(len(column)) if column[at : at + len(rows)] == rows]
            assert len(starts) == 1, (move, rows)
        transcript.action_cursor_end()
        while transcript.scroll_y:
            transcript.action_page(-1)
        assert transcript.virtual_size.height == len(column)
        assert is_in_place(app, visible_rows(app), column)


async def test_moving_item_by_item_shows_every_line() -> None:
    items = items_of([user("one"), agent("\n".join(f"line {n}\n" for n in range(40))), user("two"), agent("end")])
    app = TranscriptApp(items, view_of(items, 1))
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.focus()
        read = set(visible_rows(app))
        while "end" not in visible_rows(app)[-1]:
            await pilot.press("j")
            read |= set(visible_rows(app))
        assert {f"line {n}" for n in range(40)} <= read
        read.clear()
        while app.transcript.scroll_y:
            await pilot.press("k")
            read |= set(visible_rows(app))
        assert {f"line {n}" for n in range(40)} <= read


async def test_markup_and_escapes_are_shown_as_they_are() -> None:
    text = "[bold]x[/bold] [/x] \x1b[31mred \x1b]8;;http://evil\x07link"
    app = TranscriptApp(items_of([user(text), agent(text), output(text)]))
    async with app.run_test(size=(80, 12)):
        shown = "\n".join(app.rows())
        assert shown.count("[bold]x[/bold] [/x] ␛[31mred ␛]8;;http://evil␇link") == 3


async def test_rows_with_wide_characters_are_as_wide_as_the_pane() -> None:
    text = "오늘 서울 날씨는 어때요? 👍🏽 東京の天気。👨‍👩‍👧 ❤️ " * 5
    app = TranscriptApp(items_of([user(text), agent(f"| a | b |\n|-|-|\n| {text} | x |"), output(text)]))
    for width in (80, 41, 24, 12):
        async with app.run_test(size=(width, 30)):
            lines = [app.transcript.render_line(y) for y in range(30)]
            assert {line.cell_length for line in lines} == {width - 1}
        app = TranscriptApp(app.items)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 2), (40, 12), (200, 60)])
async def test_any_size_can_be_drawn_and_the_position_is_kept(size: tuple[int, int]) -> None:
    items = chat(60)
    app = TranscriptApp(items, view_of(items, 30))
    async with app.run_test(size=SIZE) as pilot:
        app.transcript.focus()
        await pilot.press("pagedown")
        before = app.transcript.scroll_state()[1][0]
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert app.transcript.scroll_state()[1][0] == before
        assert len(app.rows()) == size[1]
        await pilot.resize_terminal(*SIZE)
        await pilot.pause()
        assert app.transcript.scroll_state()[1][0] == before


async def test_a_resize_at_the_end_stays_at_the_end() -> None:
    app = TranscriptApp(chat(60))
    async with app.run_test(size=SIZE) as pilot:
        last = visible_rows(app)[-1]
        for size in ((33, 9), (100, 50), SIZE):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert visible_rows(app)[-1] == last


async def test_a_theme_restyles_rendered_items_and_does_not_scroll(rendered_positions: list[int]) -> None:
    items = items_of([user("hello"), agent("# Title")])
    app = TranscriptApp(items)
    async with app.run_test(size=SIZE) as pilot:

        def title() -> object:
            row = next(y for y, text in enumerate(app.rows()) if "Title" in text)
            return next(segment.style for segment in app.transcript.render_line(row) if segment.text == "Title")

        before, rows = title(), app.rows()
        rendered_positions.clear()
        app.theme = "textual-light"
        await pilot.pause()
        assert title() != before
        assert app.rows() == rows
        assert sorted(rendered_positions) == [0, 1]
        app.transcript.focus()
        await pilot.pause()
        assert sorted(rendered_positions) == [0, 1]


async def test_an_empty_branch_and_an_empty_session_show_a_text() -> None:
    tree = TurnTree({"idea": Branch("idea", 0)}, (Chain(0, None, 1, 0, ("idea",), "idea"),), (0,), {"idea": 0})
    view = View("f", session=Session("s"), tree=tree, branch_id="idea")
    async with TranscriptApp((), view).run_test(size=SIZE) as pilot:
        app = pilot.app
        assert isinstance(app, TranscriptApp)
        assert "No messages on idea yet" in "\n".join(app.rows())
        app.transcript.focus()
        await pilot.press("j", "k", "g", "G", "pagedown", "enter", "o", "h", "l")
        app.view = View("f", session=Session("t"))
        await pilot.pause()
        assert "No messages in this session yet" in "\n".join(app.rows())
        app.view = View()
        await pilot.pause()
        assert "No session is open" in "\n".join(app.rows())


# Changes of the view


async def test_a_turn_that_is_selected_elsewhere_is_scrolled_into_sight() -> None:
    items = chat(60)
    app = TranscriptApp(items, view_of(items, 30))
    async with app.run_test(size=SIZE) as pilot:
        assert visible_rows(app)[1] == "30  you"
        top = app.transcript.scroll_y
        app.view = view_of(items, 31)
        await pilot.pause()
        assert app.transcript.scroll_y == top
        app.view = view_of(items, 50)
        await pilot.pause()
        assert visible_rows(app)[1] == "50  you"
        assert [row for row in app.rows() if row.startswith("▎")]


async def test_new_items_scroll_only_if_the_end_is_in_sight_and_the_view_follows() -> None:
    items = chat(60)
    app = TranscriptApp(items[:200])
    async with app.run_test(size=SIZE) as pilot:
        app.view = view_of(items[:204], 50)._replace(revision=1, following=True)
        await pilot.pause()
        assert "Answer 51." in "\n".join(visible_rows(app))
        app.transcript.scroll_relative(y=-30)
        await pilot.pause()
        before = visible_rows(app)
        app.view = view_of(items[:240], 50)._replace(revision=2)
        await pilot.pause()
        assert visible_rows(app)[:-1] == before[:-1]
        assert visible_rows(app)[-1].endswith("↓ +36 new")


async def test_a_branch_that_shrinks_shows_its_new_end() -> None:
    items = chat(60)
    app = TranscriptApp(items)
    async with app.run_test(size=SIZE) as pilot:
        app.view = view_of(items[:8])._replace(revision=1)
        await pilot.pause()
        assert visible_rows(app)[: len(all_rows(items[:8], SIZE[0]))] == all_rows(items[:8], SIZE[0])[-SIZE[1] :]


def _forked(items: Sequence[Item], at: int) -> tuple[list[Item], TurnTree]:
    """Return a fork of a conversation that shares the turns before `at`, and the tree of both."""
    shared = [item for item in items if item.turn < at]
    own = [item._replace(message_id=item.message_id + 10_000) for item in chat(at + 4)[len(shared) :]]
    fork = [*shared, *own]
    turns = items[-1].turn
    branches = {"main": Branch("main", turns), "fork": Branch("fork", at + 4, "main", at)}
    chains = (
        Chain(0, None, 1, at - 1, ("main", "fork"), None, (1, 2)),
        Chain(1, 0, at, turns, ("main",), "main"),
        Chain(2, 0, at, at + 4, ("fork",), "fork"),
    )
    return fork, TurnTree(branches, chains, (0,), {"main": 1, "fork": 2})


async def test_a_switch_keeps_the_position_in_a_turn_that_both_branches_share(rendered_positions: list[int]) -> None:
    items = chat(60)
    fork, tree = _forked(items, 40)
    app = TranscriptApp(items, view_of(items, 30, tree=tree))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        before = visible_rows(app)
        rendered_positions.clear()
        app.items = fork
        app.view = view_of(fork, 30, tree=tree, branch_id="fork")._replace(page=None)
        assert visible_rows(app) == before
        await pilot.pause()
        assert visible_rows(app) == before
        assert rendered_positions == []


async def test_a_switch_shows_the_selected_turn_where_the_branches_differ() -> None:
    items = chat(60)
    fork, tree = _forked(items, 40)
    app = TranscriptApp(items, view_of(items, 55, tree=tree))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.posted.clear()
        app.items = fork
        app.view = view_of(fork, 40, tree=tree, branch_id="fork")
        await pilot.pause()
        row = next(row for row in app.rows() if "40  you" in row)
        assert row.endswith("‹2/2›")
        assert {needed.branch_id for needed in app.posted if isinstance(needed, Transcript.ItemsNeeded)} <= {"fork"}


async def test_a_branch_that_ends_where_others_continue_shows_a_counter() -> None:
    items = chat(10)
    chains = (Chain(0, None, 1, 10, ("main", "fork"), "main", (1,)), Chain(1, 0, 11, 12, ("fork",), "fork"))
    tree = TurnTree({"main": Branch("main", 10), "fork": Branch("fork", 12)}, chains, (0,), {"main": 0, "fork": 1})
    app = TranscriptApp(items, view_of(items, tree=tree))
    async with app.run_test(size=SIZE) as pilot:
        assert visible_rows(app)[-1] == "‹1/2›  1 branch continues from here"
        for column in (4, 6):
            await pilot.click(Transcript, offset=(column, SIZE[1] - 1))
        assert [(m.turn, m.step) for m in app.posted if isinstance(m, Transcript.SiblingRequested)] == [(11, 1)] * 2


def _mixed() -> list[Item]:
    return items_of(
        [
            user("What is the weather in Oslo?"),
            call("get_weather", '{"city": "Oslo"}'),
            output("12 °C\nrain"),
            agent("It **rains**. See [yr](https://yr.no).\n\n```python\nprint('한국어')\n```"),
            user("오늘 서울 날씨는?"),
            agent("맑음 ☀️"),
        ]
    )


async def _unfold(pilot: Pilot[None]) -> None:
    await pilot.pause()
    pilot.app.query_one(Transcript).focus()
    await pilot.press("g", "j", "j", "enter")


@pytest.mark.usefixtures("ahead_of_utc")
def test_looks(snap_compare: Snapshot) -> None:
    assert snap_compare(TranscriptApp(_mixed(), view_of(_mixed(), 1)), terminal_size=(60, 24), run_before=_unfold)


@pytest.mark.usefixtures("ahead_of_utc")
def test_looks_on_light(snap_compare: Snapshot) -> None:
    app = TranscriptApp(_mixed(), view_of(_mixed(), 1))
    app.theme = "textual-light"
    assert snap_compare(app, terminal_size=(40, 24))
