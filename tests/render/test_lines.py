"""Lines of segments fit their width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment

from tui.render.lines import truncate


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), max_size=5), st.integers(1, 30))
def test_truncated_segments_fit_the_width(texts: list[str], width: int) -> None:
    segments, cut = truncate([Segment(text) for text in texts], width)
    assert cell_len("".join(segment.text for segment in segments)) <= width
    assert cut == (sum(cell_len(text) for text in texts) > width)
