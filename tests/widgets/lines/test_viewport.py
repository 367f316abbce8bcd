"""The window over blocks of estimated heights, against a plain list of all lines."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.model import Item, Page
from tui.render import Line, Rendered
from tui.widgets.lines.height_index import FenwickHeights
from tui.widgets.lines.viewport import Viewport
from tui.widgets.transcript.item_cache import PAGE, ItemStore
from tui.widgets.transcript.render_cache import LineCache

HEIGHTS = st.lists(st.integers(0, 9), min_size=1, max_size=60)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(-40, 40)),
        st.tuples(st.just("show"), st.integers(0, 59)),
        st.tuples(st.just("seek"), st.integers(0, 300)),
        st.tuples(st.just("end"), st.just(0)),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(HEIGHTS, st.lists(st.tuples(st.integers(0, 59), st.integers(0, 20)), max_size=20), st.integers(0, 80))
def test_the_line_map_counts_as_a_list_does(heights: list[int], changes: list[tuple[int, int]], size: int) -> None:
    lines = FenwickHeights(len(heights), 3)
    for index, height in [*enumerate(heights), *((index % len(heights), height) for index, height in changes)]:
        lines[index] = height
        heights[index] = height
    lines.resize(size, 2)
    heights = [*heights[:size], *[2] * (size - len(heights))]
    assert [lines[index] for index in range(len(lines))] == heights
    assert [lines.before(index) for index in range(size + 1)] == [0, *accumulate(heights)]
    column = [(block, line) for block, height in enumerate(heights) for line in range(height)]
    assert [lines.find(line) for line in range(len(column))] == column


@settings(deadline=None)
@given(HEIGHTS, MOVES, st.integers(1, 12))
def test_whatever_the_moves_every_row_is_the_one_after_the_row_above(
    heights: list[int], moves: list[tuple[str, int]], height: int
) -> None:
    flow = Viewport(lambda position: heights[position], estimate=3)
    flow.height = height
    flow.reset(len(heights))
    flow.settle()
    column = [(block, line) for block, count in enumerate(heights) for line in range(count)]
    for name, number in moves:
        before = flow.rows()
        match name:
            case "move":
                flow.move(number)
            case "show":
                flow.show(number % len(heights))
            case "seek":
                flow.seek(number)
            case _:
                flow.end()
        rows = flow.rows()
        assert len(rows) == min(height, len(column))
        if not rows:
            continue
        first = column.index(rows[0])
        assert rows == column[first : first + height]
        assert flow.at_end == (rows[-1] == column[-1])
        if name == "move" and before:
            furthest = max(len(column) - height, 0)
            assert first == max(min(column.index(before[0]) + number, furthest), 0)


def test_only_the_window_and_its_neighbourhood_are_measured() -> None:
    measured: list[int] = []
    flow = Viewport(lambda position: measured.append(position) or 4, estimate=3)  # type: ignore[func-returns-value]
    flow.height = 20
    flow.reset(100_000)
    flow.end()
    assert min(measured) >= 100_000 - 11
    measured.clear()
    flow.seek(150_000)
    assert len(measured) <= 16
    measured.clear()
    flow.move(4)
    assert len(measured) <= 1


def _item(position: int, message_id: int | None = None) -> Item:
    return Item(message_id if message_id is not None else position + 1, position, 1, "user", data={})


def _page(start: int, stop: int, shift: int = 1) -> Page:
    return Page("main", start, tuple(_item(position, position + shift) for position in range(start, stop)))


def test_pages_are_asked_for_once_while_they_are_in_sight() -> None:
    store = ItemStore()
    assert list(store.wanted(0, 10, 1_000)) == [(0, PAGE)]
    assert list(store.wanted(5, 15, 1_000)) == []
    assert list(store.wanted(40, 50, 1_000)) == [(PAGE, 2 * PAGE)]
    assert list(store.wanted(500, 520, 1_000)) == [(448, 576)]
    assert list(store.wanted(0, 10, 1_000)) == [(0, PAGE)]
    assert list(store.wanted(990, 999, 1_000)) == [(896, 1_000)]


def test_what_is_stale_is_given_out_and_asked_for_again() -> None:
    store = ItemStore()
    store.put(_page(0, 100))
    assert list(store.wanted(0, 10, 100)) == []
    store.expire()
    assert store.get(3) is not None
    assert list(store.wanted(0, 10, 100)) == [(0, PAGE)]
    assert store.put(_page(0, PAGE)) == []
    assert list(store.wanted(0, 10, 100)) == []


def test_a_page_that_contradicts_what_is_stale_drops_all_of_it() -> None:
    store = ItemStore()
    store.put(_page(0, 100))
    store.expire()
    store.put(_page(10, 20, shift=500))
    assert store.positions() == list(range(10, 20))


def test_far_pages_are_forgotten() -> None:
    store = ItemStore()
    for start in range(0, 64_000, PAGE):
        store.put(_page(start, start + PAGE))
        list(store.wanted(start, start + 20, 100_000))
    assert len(store) <= 2 * 16 * PAGE + PAGE
    assert store.get(63_990) is not None


def test_of_long_items_fewer_are_asked_for() -> None:
    store = ItemStore()
    page = _page(96, 112)
    store.put(page._replace(items=tuple(item._replace(size=5_000_000, unread=4_900_000) for item in page.items)))
    assert list(store.wanted(104, 104, 1_000)) == [(112, 128)]
    assert list(store.wanted(100, 104, 1_000)) == [(80, 96)]
    store.put(_page(80, 96))
    store.clear()
    store.put(_page(0, PAGE))
    assert list(store.wanted(100, 110, 1_000)) == [(PAGE, 3 * PAGE)]


def test_long_items_far_away_are_forgotten_long_before_short_ones() -> None:
    store = ItemStore()
    for start in range(0, 6_400, PAGE):
        page = _page(start, start + PAGE)
        store.put(page._replace(items=tuple(item._replace(size=5_000_000, unread=4_900_000) for item in page.items)))
        list(store.wanted(start, start + 20, 10_000))
        assert len(store) <= 4 * PAGE
        assert store.get(start + 10) is not None
    store.clear()
    for start in range(0, 640, PAGE):
        store.put(_page(start, start + PAGE))
        list(store.wanted(start, start + 20, 10_000))
    assert len(store) == 640


def test_what_was_drawn_is_kept_by_its_lines() -> None:
    cache = LineCache(most=100)
    for number in range(20):
        cache.put((number, 80, False), Rendered([Line([])] * 10))
    assert len(cache) == 10
    assert cache.get((10, 80, False)) is not None
    cache.put((20, 80, False), Rendered([Line([])] * 85))
    assert [number for number in range(21) if cache.get((number, 80, False))] == [10, 20]
    cache.put((21, 80, False), Rendered([Line([])] * 500))
    assert len(cache) == 1
