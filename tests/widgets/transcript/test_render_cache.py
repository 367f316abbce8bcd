"""The cache of rendered items."""

from __future__ import annotations

from tui.render import Line, Rendered
from tui.widgets.transcript.render_cache import RenderCache


def test_rendered_items_are_kept_up_to_a_number_of_lines() -> None:
    cache = RenderCache(max_lines=100)
    for number in range(20):
        cache.put((number, 80, False), Rendered([Line([])] * 10))
    assert len(cache) == 10
    assert cache.get((10, 80, False)) is not None
    cache.put((20, 80, False), Rendered([Line([])] * 85))
    assert [number for number in range(21) if cache.get((number, 80, False))] == [10, 20]
    cache.put((21, 80, False), Rendered([Line([])] * 500))
    assert len(cache) == 1
