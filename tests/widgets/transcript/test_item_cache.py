"""The items that a branch keeps in memory, and which pages of them are requested."""

from __future__ import annotations

from tui.model import Item, Page
from tui.widgets.transcript.item_cache import PAGE, ItemCache


def _item(position: int, message_id: int | None = None) -> Item:
    return Item(message_id if message_id is not None else position + 1, position, 1, "user", data={})


def _page(start: int, stop: int, shift: int = 1) -> Page:
    return Page("main", start, tuple(_item(position, position + shift) for position in range(start, stop)))


def missing(cache: ItemCache, first: int, last: int, count: int) -> list[tuple[int, int]]:
    return [(page.start, page.stop) for page in cache.missing_pages(first, last, count)]


def test_a_page_is_requested_once_while_it_is_in_sight() -> None:
    cache = ItemCache()
    assert missing(cache, 0, 10, 1_000) == [(0, PAGE)]
    assert missing(cache, 5, 15, 1_000) == []
    assert missing(cache, 40, 50, 1_000) == [(PAGE, 2 * PAGE)]
    assert missing(cache, 500, 520, 1_000) == [(448, 576)]
    assert missing(cache, 0, 10, 1_000) == [(0, PAGE)]
    assert missing(cache, 990, 999, 1_000) == [(896, 1_000)]


def test_stale_items_are_returned_and_requested_again() -> None:
    cache = ItemCache()
    cache.receive(_page(0, 100))
    assert missing(cache, 0, 10, 100) == []
    cache.invalidate()
    assert cache.get(3) is not None
    assert missing(cache, 0, 10, 100) == [(0, PAGE)]
    assert cache.receive(_page(0, PAGE)) == []
    assert missing(cache, 0, 10, 100) == []


def test_a_page_that_contradicts_a_stale_item_drops_all_stale_items() -> None:
    cache = ItemCache()
    cache.receive(_page(0, 100))
    cache.invalidate()
    cache.receive(_page(10, 20, shift=500))
    assert cache.positions() == list(range(10, 20))


def test_pages_far_away_are_dropped() -> None:
    cache = ItemCache()
    for start in range(0, 64_000, PAGE):
        cache.receive(_page(start, start + PAGE))
        missing(cache, start, start + 20, 100_000)
    assert len(cache) <= 2 * 16 * PAGE + PAGE
    assert cache.get(63_990) is not None


def test_long_items_are_requested_in_smaller_pages() -> None:
    cache = ItemCache()
    page = _page(96, 112)
    cache.receive(page._replace(items=tuple(item._replace(size=5_000_000, unread=4_900_000) for item in page.items)))
    assert missing(cache, 104, 104, 1_000) == [(112, 128)]
    assert missing(cache, 100, 104, 1_000) == [(80, 96)]
    cache.receive(_page(80, 96))
    cache.clear()
    cache.receive(_page(0, PAGE))
    assert missing(cache, 100, 110, 1_000) == [(PAGE, 3 * PAGE)]


def test_long_items_far_away_are_dropped_before_short_ones() -> None:
    cache = ItemCache()
    for start in range(0, 6_400, PAGE):
        page = _page(start, start + PAGE)
        cache.receive(
            page._replace(items=tuple(item._replace(size=5_000_000, unread=4_900_000) for item in page.items))
        )
        missing(cache, start, start + 20, 10_000)
        assert len(cache) <= 4 * PAGE
        assert cache.get(start + 10) is not None
    cache.clear()
    for start in range(0, 640, PAGE):
        cache.receive(_page(start, start + PAGE))
        missing(cache, start, start + 20, 10_000)
    assert len(cache) == 640
