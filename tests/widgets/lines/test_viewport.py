"""The viewport, compared with a list of all lines."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.widgets.lines.viewport import Viewport

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
@given(HEIGHTS, MOVES, st.integers(1, 12))
def test_after_any_moves_all_rows_are_neighbouring_lines(
    heights: list[int], moves: list[tuple[str, int]], height: int
) -> None:
    viewport = Viewport(lambda position: heights[position], estimate=3)
    viewport.height = height
    viewport.reset(len(heights))
    viewport.measure()
    column = [(block, line) for block, count in enumerate(heights) for line in range(count)]
    for name, number in moves:
        before = viewport.rows()
        match name:
            case "move":
                viewport.scroll_by(number)
            case "show":
                viewport.scroll_to(number % len(heights))
            case "seek":
                viewport.seek(number)
            case _:
                viewport.scroll_to_end()
        rows = viewport.rows()
        assert len(rows) == min(height, len(column))
        if not rows:
            continue
        first = column.index(rows[0])
        assert rows == column[first : first + height]
        assert viewport.at_end == (rows[-1] == column[-1])
        if name == "move" and before:
            furthest = max(len(column) - height, 0)
            assert first == max(min(column.index(before[0]) + number, furthest), 0)


def test_only_blocks_near_the_window_are_measured() -> None:
    measured: list[int] = []
    viewport = Viewport(lambda position: measured.append(position) or 4, estimate=3)  # type: ignore[func-returns-value]
    viewport.height = 20
    viewport.reset(100_000)
    viewport.scroll_to_end()
    assert min(measured) >= 100_000 - 11
    measured.clear()
    viewport.seek(150_000)
    assert len(measured) <= 16
    measured.clear()
    viewport.scroll_by(4)
    assert len(measured) <= 1
