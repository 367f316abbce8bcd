"""A cache of values that a widget requests page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

__all__ = ["PageCache"]

T = TypeVar("T")


class PageCache(Generic[T]):
    """Numbered values of one or more series.

    A value that was read under an older revision is stale: `get` returns it nevertheless, so that the widget does not
    flicker, but its page is missing. A missing page is requested once until it is read or another revision begins.

    Attributes:
        page_size: Number of values that are requested at once.
        revision: The current revision.
    """

    def __init__(self, page_size: int, capacity: int) -> None:
        """Create an empty cache of at most `capacity` values; the values read longest ago are dropped first."""
        self.page_size = page_size
        self.revision = 0
        self._capacity = capacity
        self._values: dict[tuple[str, int], tuple[int, T]] = {}
        self._requested: set[tuple[str, range]] = set()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, number: int, series: str = "") -> T | None:
        """Return a value, stale or not; None if it is not in the cache."""
        entry = self._values.get((series, number))
        return None if entry is None else entry[1]

    def is_fresh(self, number: int, series: str = "") -> bool:
        """Return whether a value is in the cache and not stale."""
        entry = self._values.get((series, number))
        return entry is not None and entry[0] >= self.revision

    def items(self, series: str = "") -> Iterator[tuple[int, T]]:
        """Iterate over the numbers and values of a series in the order in which they were read."""
        return ((number, value) for (name, number), (_, value) in self._values.items() if name == series)

    def missing_pages(self, numbers: Iterable[int], within: range, series: str = "") -> list[range]:
        """Return the missing pages of some numbers, in order, and remember them as requested.

        `within` has all numbers of the series; pages are aligned to the first of them.
        """
        size = self.page_size
        starts = {number - (number - within.start) % size for number in numbers if not self.is_fresh(number, series)}
        pages = [range(start, min(start + size, within.stop)) for start in sorted(starts)]
        missing = [page for page in pages if (series, page) not in self._requested]
        self._requested.update((series, page) for page in missing)
        return missing

    def put(self, first: int, values: Sequence[T], revision: int, series: str = "") -> None:
        """Store values that were read under a revision, but keep values of newer revisions.

        The first value has the number `first`, and each other value the next number. A page that was read incompletely
        is not requested again under the same revision, which could repeat forever.
        """
        for number, value in enumerate(values, first):
            entry = self._values.pop((series, number), None)
            self._values[series, number] = (revision, value) if entry is None or entry[0] <= revision else entry
        self._requested = {
            (name, page)
            for name, page in self._requested
            if name != series or not all(self.is_fresh(number, series) for number in page)
        }
        while len(self._values) > self._capacity:
            name, number = next(iter(self._values))
            del self._values[name, number]
            self._requested = {(other, page) for other, page in self._requested if other != name or number not in page}

    def retain(self, condition: Callable[[int], bool]) -> None:
        """Keep only the values whose number meets a condition."""
        self._values = {key: entry for key, entry in self._values.items() if condition(key[1])}

    def retain_requests(self, near: range) -> None:
        """Forget the requests for pages that lie outside a range of numbers."""
        self._requested = {
            (name, page) for name, page in self._requested if page.start < near.stop and near.start < page.stop
        }

    def drop_request(self, number: int, series: str = "") -> None:
        """Forget the request for the page that contains a number, because it could not be read."""
        self._requested = {(name, page) for name, page in self._requested if name != series or number not in page}

    def invalidate(self, revision: int) -> None:
        """Begin a revision: all values become stale, and nothing is requested."""
        self.revision = revision
        self._requested.clear()

    def clear(self) -> None:
        """Drop all values and requests."""
        self._values.clear()
        self._requested.clear()
