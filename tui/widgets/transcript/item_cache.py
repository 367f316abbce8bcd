"""The items of a branch that were read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tui.model import Item, Page
from tui.widgets.page_cache import PageCache

__all__ = ["PAGE", "ItemCache"]

PAGE: Final = 64
"""Items that are requested at once."""

_LONG_PAGE: Final = 16
"""Long items that are requested at once; each of them fills the pane many times."""

_LONG_ITEM_BYTES: Final = 1 << 14
"""If the average size of items is larger, they are requested in smaller pages."""

_CAPACITY: Final = 32 * PAGE
_MAX_BYTES: Final = 16 << 20


class ItemCache:
    """Items by position.

    Besides stored items it holds live items until their stored versions are read; the ids of live items are negative,
    and they are stale.
    """

    def __init__(self) -> None:
        self._pages: PageCache[Item] = PageCache(PAGE, _CAPACITY)
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._pages)

    def get(self, position: int) -> Item | None:
        """Return the item at a position; None if it was not read."""
        return self._pages.get(position)

    def positions(self) -> list[int]:
        """Return the positions of all items, in order."""
        return sorted(position for position, _ in self._pages.items())

    def clear(self) -> None:
        """Drop all items."""
        self._pages.clear()
        self._bytes = 0

    def keep_turns(self, last: int) -> None:
        """Drop the items of turns after `last`, which another branch does not share, and make the others stale."""
        self._retain({position for position, item in self._pages.items() if item.turn <= last}.__contains__)
        self.invalidate()

    def invalidate(self) -> None:
        """Make all items stale."""
        self._pages.invalidate(self._pages.revision + 1)

    def put_placeholder(self, position: int, item: Item) -> None:
        """Store a live item, which is shown until its stored version is read."""
        self._pages.put(position, [item], self._pages.revision - 1)

    def truncate(self, count: int) -> None:
        """Drop the items from position `count` on."""
        if any(position >= count for position, _ in self._pages.items()):
            self._retain(lambda position: position < count)

    def receive(self, page: Page) -> list[int]:
        """Store the items of a page, and return the positions whose item has changed."""
        pages = self._pages
        if any(self._contradicts(item) for item in page.items):
            # The branch changed above this page: the stale items have other positions now.
            pages.retain(pages.is_fresh)
        changed = [item.position for item in page.items if self._replaces(item)]
        pages.put(page.start, page.items, pages.revision)
        self._bytes = self._size()
        pages.page_size = _LONG_PAGE if self._bytes > _LONG_ITEM_BYTES * len(pages) else PAGE
        return changed

    def missing_pages(self, first: int, last: int, count: int) -> list[range]:
        """Return the positions to request if `first` to `last` of `count` are in sight; remember them as requested.

        Half a page above and below counts as in sight. A request is forgotten when its page is out of sight.
        """
        pages, size = self._pages, self._pages.page_size
        needed = range(max(first - size // 2, 0), min(last + size // 2 + 1, count))
        near = range(needed.start // size * size, -(-needed.stop // size) * size)
        pages.retain_requests(near)
        if self._bytes > _MAX_BYTES and needed:
            self._retain(near.__contains__)
        return _merged(pages.missing_pages(needed, range(count)))

    def _replaces(self, item: Item) -> bool:
        before = self.get(item.position)
        return before is None or before.message_id != item.message_id

    def _contradicts(self, item: Item) -> bool:
        before = self.get(item.position)
        if before is None or self._pages.is_fresh(item.position):
            return False
        return 0 <= before.message_id != item.message_id

    def _retain(self, condition: Callable[[int], bool]) -> None:
        self._pages.retain(condition)
        self._bytes = self._size()

    def _size(self) -> int:
        return sum(item.size - item.unread for _, item in self._pages.items())


def _merged(pages: Iterable[range]) -> list[range]:
    """Merge the ranges of neighbouring pages."""
    merged: list[range] = []
    for page in pages:
        if merged and merged[-1].stop == page.start:
            merged[-1] = range(merged[-1].start, page.stop)
        else:
            merged.append(page)
    return merged
