"""The chart: what its bars show, how it is used, and that it draws and requests only what is in sight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.strip import Strip

from tests.widgets.usage.samples import PagedUsage, sample_usage, screen_text, usage_of, with_runs
from tui.model import TurnUsage, Usage
from tui.model.cache_evidence import CacheEvidence, Change, Part, Verdict
from tui.model.requests import Request, RequestUsage
from tui.widgets.usage.bars import BarPart, draw_bar, draw_patterned_bar, split_usage, vertical_bar_cell
from tui.widgets.usage.request_lines import LineStyle, RequestLine
from tui.widgets.usage.token_chart import TokenChart
from tui.widgets.usage.token_strip import TokenStrip

Snapshot = Callable[..., bool]


class CountingChart(TokenChart):
    """A chart that counts how often it draws each line."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: Counter[int] = Counter()

    def render_line(self, y: int) -> Strip:
        self.drawn[y] += 1
        return super().render_line(y)


class ChartApp(App[None]):
    """Shows a chart, records its messages, and answers its requests."""

    def __init__(self, branch_usage: PagedUsage, turn: int, chart: TokenChart | None = None) -> None:
        super().__init__()
        self.chart = TokenChart() if chart is None else chart
        self.branch_usage = branch_usage
        self.turn = turn
        self.selected: list[int] = []
        self.requested: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        yield self.chart

    def on_mount(self) -> None:
        self.chart.branch_usage = self.branch_usage
        self.chart.turn = self.turn
        self.chart.focus()

    def on_token_chart_turns_needed(self, message: TokenChart.TurnsNeeded) -> None:
        self.requested.append((message.first, message.last))
        self.chart.receive(message.generation, self.branch_usage.read(message.first, message.last))

    def show(self, branch_usage: PagedUsage) -> None:
        self.branch_usage = self.chart.branch_usage = branch_usage

    def on_token_chart_turn_selected(self, message: TokenChart.TurnSelected) -> None:
        self.selected.append(message.turn)


def line(app: ChartApp, turn: int) -> str:
    """Return the line of a turn in sight."""
    return screen_text(app).splitlines()[turn - 1 - app.chart.scroll_offset.y]


def test_the_parts_of_a_bar_add_up_without_overlap() -> None:
    usage = Usage(1, input_tokens=100, output_tokens=50, total_tokens=150, cached_tokens=60, reasoning_tokens=20)
    assert split_usage(usage) == (60, 40, 30, 20)


def test_inconsistent_usage_has_no_negative_part() -> None:
    usage = Usage(1, input_tokens=10, output_tokens=5, total_tokens=15, cached_tokens=60, reasoning_tokens=20)
    assert split_usage(usage) == (10, 0, 0, 5)


def test_parts_meet_inside_a_cell() -> None:
    segments = list(draw_bar((0, 12, 4, 0), scale=32, width=4))
    assert [segment.text for segment in segments] == ["█", "▌", "  "]
    assert (segments[1].foreground, segments[1].background) == (BarPart.INPUT, BarPart.OUTPUT)
    assert (segments[2].foreground, segments[2].background) == (None, None)


@given(
    st.tuples(*[st.integers(min_value=0, max_value=10**7)] * 4),
    st.integers(0, 10**7),
    st.integers(1, 80),
    st.booleans(),
)
def test_a_bar_fills_its_width_and_any_tokens_are_visible(
    parts: tuple[int, int, int, int], more: int, width: int, color: bool
) -> None:
    segments = list((draw_bar if color else draw_patterned_bar)(parts, sum(parts) + more, width))
    assert sum(len(segment.text) for segment in segments) == width
    assert any(segment.foreground is not None for segment in segments) == any(parts)
    if not more and any(parts):
        assert all(segment.foreground is not None for segment in segments)


@pytest.mark.parametrize(("count", "cell"), [(0, " "), (1, "▁"), (500, "▄"), (1000, "█")])
def test_a_column_is_as_high_as_its_share(count: int, cell: str) -> None:
    assert vertical_bar_cell(count, 1000) == cell


async def test_a_turn_without_stored_usage_is_a_dot_and_not_zero() -> None:
    app = ChartApp(sample_usage(6, without_usage=(5,)), turn=6)
    async with app.run_test(size=(30, 10)):
        assert line(app, 5).split() == ["t5", "·"]
        assert line(app, 6).split()[0] == "▸t6"


async def test_estimated_tokens_are_marked_in_an_aligned_column() -> None:
    app = ChartApp(with_runs(sample_usage(9)), turn=1)
    async with app.run_test(size=(30, 10)):
        values = [line(app, turn).rstrip().split()[-1] for turn in (3, 4, 9)]
        assert values == ["≈968", "1.6k", "≈2.2k"]
        assert len({len(line(app, turn).rstrip()) for turn in range(1, 10)}) == 1


async def test_the_tooltip_has_all_details_of_a_run() -> None:
    app = ChartApp(with_runs(sample_usage(9, without_usage=(8,))), turn=1)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.hover(TokenChart, offset=(12, 7))
        turn, model, time, outcome = str(app.chart.tooltip).splitlines()
        assert (turn, model) == ("turn 8: tokens not reported", "gpt-5-mini")
        assert time.endswith(" · 0.4 s")
        assert outcome == "failed: The key [/x]␛[31m is not one of this server's."
        await pilot.hover(TokenChart, offset=(12, 2))
        assert str(app.chart.tooltip).splitlines()[0] == "turn 3: ≈968 tokens"


async def test_inherited_turns_are_marked() -> None:
    app = ChartApp(sample_usage(6, own_from=4), turn=6)
    async with app.run_test(size=(30, 10)):
        assert ["↰" in line(app, turn) for turn in range(1, 7)] == [True] * 3 + [False] * 3


@pytest.mark.parametrize("width", [12, 20, 34, 80])
async def test_every_width_shows_every_turn(width: int) -> None:
    app = ChartApp(sample_usage(120), turn=120)
    async with app.run_test(size=(width, 10)):
        assert "▸t120" in line(app, 120)
        assert "█" in line(app, 120)


async def test_the_largest_turn_fills_the_width() -> None:
    app = ChartApp(sample_usage(9), turn=9)
    async with app.run_test(size=(30, 10)):
        largest = max(app.branch_usage.rows, key=lambda turn: turn.usage.total_tokens if turn.usage else 0)
        assert " " not in line(app, largest.turn)[5:24]


async def test_keys_move_the_cursor_and_enter_selects() -> None:
    app = ChartApp(sample_usage(40), turn=20)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.press("j", "down", "k", "enter")
        await pilot.press(
            "g", "enter", "G", "enter", "pageup", "enter", "home", "pagedown", "enter", "k", "up", "enter"
        )
        assert app.selected == [21, 1, 40, 31, 10, 8]


async def test_the_cursor_stops_at_both_ends() -> None:
    app = ChartApp(sample_usage(3), turn=1)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.press("up", "pageup", "enter", "down", "down", "down", "down", "enter")
        assert app.selected == [1, 3]


async def test_moving_the_cursor_alone_selects_nothing() -> None:
    app = ChartApp(sample_usage(9), turn=3)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.press("j", "j")
        assert (app.chart.cursor, app.chart.turn, app.selected) == (5, 3, [])


async def test_a_click_on_a_bar_selects_its_turn_also_when_scrolled() -> None:
    app = ChartApp(sample_usage(60), turn=60)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.click(TokenChart, offset=(12, 0))
        assert app.selected == [51]


async def test_a_click_below_the_last_turn_selects_nothing() -> None:
    app = ChartApp(sample_usage(3), turn=3)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.click(TokenChart, offset=(12, 7))
        assert app.selected == []


async def test_the_turn_under_the_mouse_is_highlighted_and_has_a_tooltip() -> None:
    app = ChartApp(sample_usage(6, parent="[/x]\x1b[31m"), turn=6)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.hover(TokenChart, offset=(12, 1))
        assert app.chart.hovered == 2
        assert str(app.chart.tooltip).splitlines()[-1] == "inherited: ran on [/x]␛[31m"
        await pilot.hover(TokenChart, offset=(12, 8))
        assert (app.chart.hovered, app.chart.tooltip) == (0, None)


async def test_the_cursor_follows_the_selected_turn_and_stays_in_sight() -> None:
    app = ChartApp(sample_usage(200), turn=1)
    async with app.run_test(size=(30, 10)) as pilot:
        app.chart.turn = 150
        await pilot.pause()
        assert app.chart.cursor == 150
        assert "▸t150" in line(app, 150)


async def test_the_cursor_stays_on_its_turn_when_the_branch_grows() -> None:
    app = ChartApp(sample_usage(20), turn=20)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.press("k", "k")
        app.show(sample_usage(21))
        await pilot.pause()
        assert app.chart.cursor == 18
        app.show(sample_usage(30, branch_id="other"))
        await pilot.pause()
        assert app.chart.cursor == 20


async def test_a_new_turn_that_is_selected_before_its_usage_is_read_is_in_sight() -> None:
    app = ChartApp(sample_usage(20), turn=20)
    async with app.run_test(size=(30, 10)) as pilot:
        for turns in (21, 23):
            app.chart.turn = turns
            await pilot.pause()
            app.show(sample_usage(turns))
            await pilot.pause()
            assert app.chart.cursor == turns
            assert f"▸t{turns}" in screen_text(app)


async def test_the_cursor_moves_to_the_last_turn_of_a_shorter_branch() -> None:
    app = ChartApp(sample_usage(20), turn=20)
    async with app.run_test(size=(30, 10)) as pilot:
        app.show(sample_usage(5))
        await pilot.pause()
        await pilot.press("enter")
        assert app.selected == [5]


async def test_without_turns_no_key_and_no_click_does_anything() -> None:
    app = ChartApp(usage_of("main", ()), turn=0)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.press("j", "G", "enter")
        await pilot.click(TokenChart, offset=(3, 0))
        assert (app.chart.cursor, app.selected) == (0, [])


async def test_usage_of_zero_tokens_is_shown_as_zero() -> None:
    app = ChartApp(usage_of("main", (TurnUsage(1, Usage(), "main"),)), turn=1)
    async with app.run_test(size=(30, 4)):
        assert line(app, 1).split() == ["▸t1", "0"]


async def test_only_turns_in_sight_are_requested_and_each_page_once() -> None:
    app = ChartApp(sample_usage(25_000), turn=20_000)
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.pause()
        assert app.requested == [(19_969, 20_032)]
        await pilot.press("j", "k", "g")
        await pilot.pause()
        assert app.requested[1:] == [(1, 64)]
        assert line(app, 1).split()[-1] == "936"
        app.show(sample_usage(25_001))
        await pilot.pause()
        assert app.requested[2:] == [(1, 64)]


async def test_an_unread_turn_is_an_ellipsis_and_a_late_answer_is_dropped() -> None:
    app = ChartApp(sample_usage(200), turn=100)
    async with app.run_test(size=(30, 10)) as pilot:
        generation = app.chart._usage_cache.generation
        app.show(sample_usage(3, branch_id="other"))
        app.chart.receive(generation, sample_usage(64).rows)
        await pilot.pause()
        assert "t3" in line(app, 3)
        assert line(app, 4).strip() == ""
    chart = TokenChart()
    app = ChartApp(sample_usage(3), turn=1, chart=chart)
    chart.request_missing = lambda turns: None  # type: ignore[method-assign]
    async with app.run_test(size=(30, 10)):
        assert line(app, 2).split() == ["t2", "…"]


@pytest.mark.parametrize("turns", [40, 25_000])
async def test_only_lines_in_sight_are_drawn(turns: int) -> None:
    chart = CountingChart()
    app = ChartApp(sample_usage(turns), turn=turns // 2, chart=chart)
    async with app.run_test(size=(30, 10)) as pilot:
        chart.drawn.clear()
        await pilot.press("g")
        await pilot.pause()
        chart.drawn.clear()
        app.chart.turn = turns
        await pilot.pause()
        assert set(chart.drawn) == set(range(10))
        assert max(chart.drawn.values()) <= 2
        assert "▸t" in line(app, turns)


async def test_the_strip_shows_the_newest_turns_and_follows_the_cursor() -> None:
    strip = TokenStrip()
    app = ChartApp(sample_usage(60), turn=60, chart=strip)
    async with app.run_test(size=(30, 3)) as pilot:
        assert (strip.first, strip.fitting) == (51, 10)
        assert screen_text(app).splitlines()[0].index("▸") == 27
        await pilot.press("left", "h", "enter", "g", "enter", "right", "enter")
        assert app.selected == [58, 1, 2]
        assert strip.first == 1


async def test_a_click_on_a_column_of_the_strip_selects_its_turn() -> None:
    app = ChartApp(sample_usage(5), turn=5, chart=TokenStrip())
    async with app.run_test(size=(30, 3)) as pilot:
        await pilot.click(TokenStrip, offset=(4, 0))
        await pilot.click(TokenStrip, offset=(25, 0))
        assert app.selected == [2]


def test_bars(snap_compare: Snapshot) -> None:
    app = ChartApp(sample_usage(24, own_from=6, without_usage=(9, 10)), turn=7)
    assert snap_compare(app, terminal_size=(40, 26), press=["j", "j", "j", "j"])


def test_narrow_bars(snap_compare: Snapshot) -> None:
    assert snap_compare(ChartApp(sample_usage(24), turn=7), terminal_size=(12, 26))


def with_requests(turn: TurnUsage, *verdicts: CacheEvidence) -> TurnUsage:
    requests = [
        Request(number, "main", turn.turn, number, "Agent", "big", usage=RequestUsage(2000, 10, 0), cache=cache)
        for number, cache in enumerate(verdicts, 1)
    ]
    return turn._replace(requests=tuple(requests))


HIT = CacheEvidence(Verdict.HIT, expected_tokens=1920)
CHANGED = CacheEvidence(Verdict.PREFIX_CHANGED, None, (Change(Part.ITEMS, "user", 3),), 1920, 1920)
NOT_SERVED = CacheEvidence(Verdict.NOT_SERVED, None, (), 1920, 1920)


def requests_usage() -> PagedUsage:
    """Return 12 turns: a request of the third one changed the prefix, one of the fourth was not served."""
    rows = list(sample_usage(12).rows)
    rows[2] = with_requests(rows[2], HIT, CHANGED, HIT)
    rows[3] = with_requests(rows[3], NOT_SERVED)
    return usage_of("alt", tuple(rows))


def rows_of(app: App[None]) -> list[str]:
    return [line.rstrip() for line in screen_text(app).splitlines()]


async def test_a_turn_is_unfolded_to_its_requests() -> None:
    app = ChartApp(requests_usage(), turn=3)
    async with app.run_test(size=(60, 20)) as pilot:
        chart = app.chart
        assert [rows_of(app)[row].split()[-2] for row in (2, 3)] == ["≠", "∅"]
        await pilot.press("right")
        lines = rows_of(app)
        numbers = [row for row, line in enumerate(lines) if " in 2.0k · cached 0 · out 10" in line]
        assert [lines[row].split()[0] for row in numbers] == ["1", "2", "3"]
        assert "✓ cache hit" in lines[numbers[0] + 1]
        assert "≠ prefix changed: item 3 (user); 1.9k not cached" in lines[numbers[1] + 1]
        after = next(row for row, line in enumerate(lines) if line.split()[:1] == ["t4"])
        # Each request is a stop between the turns, in both directions.
        stops = []
        for _ in range(4):
            await pilot.press("down")
            stops.append((chart.cursor, chart.request, chart.cursor_y))
        assert stops == [(3, 1, numbers[0]), (3, 2, numbers[1]), (3, 3, numbers[2]), (4, 0, after)]
        for expected in stops[-2::-1]:
            await pilot.press("up")
            assert (chart.cursor, chart.request, chart.cursor_y) == expected
        await pilot.press("up", "up")
        assert (chart.cursor, chart.request) == (2, 0)
        # The last turn is reached, and a page beyond the requests.
        await pilot.press("end")
        assert chart.cursor == 12
        assert "t12" in rows_of(app)[chart.cursor_y]
        await pilot.press("home", "pagedown")
        assert chart.cursor_y == chart.rows - 1
        await pilot.press("left")
        assert chart.rows == 12
        assert not any("cached 0" in line for line in rows_of(app))


async def test_a_click_on_the_selected_turn_unfolds_it() -> None:
    app = ChartApp(requests_usage(), turn=3)
    async with app.run_test(size=(60, 20)) as pilot:
        chart = app.chart
        await pilot.click(chart, offset=(10, 2))
        assert chart.unfolded == 3
        # A click on a request selects its turn.
        await pilot.click(chart, offset=(10, 5))
        assert (chart.unfolded, chart.cursor, chart.request) == (3, 3, 2)
        await pilot.click(chart, offset=(10, 2))
        assert (chart.unfolded, chart.request) == (0, 0)
        await pilot.click(chart, offset=(10, 4))
        assert (chart.unfolded, app.selected) == (0, [3, 3, 3, 5])
        # What is not known is said; a smaller branch has no such turn.
        await pilot.press("right")
        assert "requests not recorded" in rows_of(app)[5]
        app.show(sample_usage(2))
        await pilot.pause()
        assert (chart.rows, chart.cursor) == (2, 2)


@given(st.integers(1, 30), st.integers(0, 30), st.lists(st.integers(1, 3), max_size=5))
def test_rows_and_turns_fit_together(turns: int, unfolded: int, numbers: list[int]) -> None:
    chart = TokenChart()
    rows = tuple(TurnUsage(turn) for turn in range(1, turns + 1))
    chart.set_reactive(TokenChart.branch_usage, usage_of("main", rows))
    unfolded = min(unfolded, turns)
    chart.set_reactive(TokenChart.unfolded, unfolded)
    lines = [(number, line) for number, count in enumerate(numbers, 1) for line in range(count)]
    chart._lines = [RequestLine(number, str(line), LineStyle.NUMBERS) for number, line in lines] if unfolded else []
    found = [(chart._turn_at(row), chart._line_at(row)) for row in range(chart.rows)]
    expected: list[tuple[int, RequestLine | None]] = []
    for turn in range(1, turns + 1):
        assert chart._row(turn) == len(expected)
        expected.append((turn, None))
        expected += [(turn, line) for line in chart._lines] if turn == unfolded else []
    assert found == expected
