"""The height index, compared with a list of all lines."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.widgets.lines.height_index import FenwickHeights

HEIGHTS = st.lists(st.integers(0, 9), min_size=1, max_size=60)


@settings(deadline=None)
@given(HEIGHTS, st.lists(st.tuples(st.integers(0, 59), st.integers(0, 20)), max_size=20), st.integers(0, 80))
def test_the_height_index_agrees_with_a_list(heights: list[int], changes: list[tuple[int, int]], size: int) -> None:
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
