"""The cache of pages: which pages are requested, and what is returned in the meantime."""

from __future__ import annotations

from tui.widgets.page_cache import PageCache

ALL = range(1, 101)


def cache_of(*pages: tuple[int, str], capacity: int = 1_000) -> PageCache[str]:
    """Return a cache with pages of ten letters, each given by its first number and its letters."""
    cache: PageCache[str] = PageCache(page_size=10, capacity=capacity)
    for first, letters in pages:
        cache.put(first, letters, revision=0)
    return cache


def test_pages_are_aligned_to_the_first_number_and_end_with_the_last() -> None:
    assert cache_of().missing_pages([1, 10, 11], ALL) == [range(1, 11), range(11, 21)]
    assert cache_of().missing_pages([17], range(5, 18)) == [range(15, 18)]


def test_a_page_is_requested_once_until_another_revision_begins() -> None:
    cache = cache_of()
    assert cache.missing_pages([3], ALL) == [range(1, 11)]
    assert cache.missing_pages([3, 4, 15], ALL) == [range(11, 21)]
    cache.invalidate(1)
    assert cache.missing_pages([3], ALL) == [range(1, 11)]


def test_only_pages_with_a_number_that_was_not_read_are_requested() -> None:
    cache = cache_of((1, "abcde"))
    assert cache.missing_pages([1, 5], ALL) == []
    assert cache.missing_pages([5, 6], ALL) == [range(1, 11)]


def test_a_page_that_is_read_incompletely_is_not_requested_again() -> None:
    cache = cache_of()
    cache.missing_pages([1], ALL)
    cache.put(1, "abc", revision=0)
    assert cache.missing_pages([1, 4], ALL) == []


def test_stale_values_are_returned_until_newer_ones_replace_them() -> None:
    cache = cache_of((1, "abc"))
    cache.invalidate(1)
    assert (cache.get(2), cache.is_fresh(2)) == ("b", False)
    cache.put(1, "xyz", revision=1)
    assert (cache.get(2), cache.is_fresh(2)) == ("y", True)
    cache.put(1, "abc", revision=0)
    assert (cache.get(2), cache.is_fresh(2)) == ("y", True)


def test_series_are_kept_apart() -> None:
    cache = cache_of((1, "abc"))
    cache.put(2, "z", revision=0, series="other")
    assert (cache.get(2), cache.get(2, "other"), cache.get(1, "other")) == ("b", "z", None)
    assert list(cache.items("other")) == [(2, "z")]
    assert cache.missing_pages([1], ALL, "other") == [range(1, 11)]


def test_the_values_read_longest_ago_are_dropped_and_requested_again() -> None:
    cache = cache_of((1, "abcdefghij"), (11, "klmnopqrst"), capacity=20)
    cache.put(1, "ABCDEFGHIJ", revision=0)
    cache.put(21, "uvwxyz", revision=0)
    assert len(cache) == 20
    assert [number for number in range(1, 27) if cache.get(number) is None] == list(range(11, 17))
    assert cache.missing_pages(range(1, 27), ALL) == [range(11, 21)]


def test_a_page_that_was_read_incompletely_is_requested_again_after_it_was_dropped() -> None:
    cache = cache_of(capacity=10)
    cache.missing_pages([1], ALL)
    cache.put(1, "abc", revision=0)
    cache.put(11, "klmnopqrst", revision=0)
    assert cache.missing_pages([1], ALL) == [range(1, 11)]


def test_requests_far_away_can_be_forgotten() -> None:
    cache = cache_of()
    cache.missing_pages([1, 25], ALL)
    cache.retain_requests(range(11, 31))
    assert cache.missing_pages([1, 25], ALL) == [range(1, 11)]


def test_a_page_that_could_not_be_read_is_requested_again() -> None:
    cache = cache_of()
    cache.missing_pages([1, 11], ALL)
    cache.drop_request(1)
    assert cache.missing_pages([1, 11], ALL) == [range(1, 11)]
