"""The items of one branch that are at hand, and which pages to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tui.model import Item, Page

__all__ = ["PAGE", "ItemStore"]

PAGE = 64
"""Items are asked for in aligned pages of so many."""

_LONG_PAGE = 16
"""The same of long items, each of which fills the pane many times."""

_LONG = 1 << 14
"""Bytes that an item takes on an average from which on they are long."""

_KEPT = 16 * PAGE
_MOST_BYTES = 16 << 20


class ItemStore:
    """Items by position.

    Items that may be stale are still given out, so that nothing flickers, but asked for again. So are stand-ins, which
    a run gave before the file had them: their ids are negative. A page is asked for once while it stays in sight.
    """

    def __init__(self) -> None:
        self._items: dict[int, Item] = {}
        self._bytes = 0
        self._stale: set[int] = set()
        self._asked: set[int] = set()
        self._page = PAGE

    def __len__(self) -> int:
        return len(self._items)

    def get(self, position: int) -> Item | None:
        """The item at a position, if it is at hand."""
        return self._items.get(position)

    def positions(self) -> list[int]:
        """All positions at hand, in order."""
        return sorted(self._items)

    def clear(self) -> None:
        """Forget everything."""
        self._keep(())
        self._stale.clear()
        self._asked.clear()

    def keep_turns(self, last: int) -> None:
        """Keep what belongs to turns up to `last` and ask for it again: another branch shares it."""
        self._keep(position for position, item in self._items.items() if item.turn <= last)
        self.expire()

    def expire(self) -> None:
        """Ask for everything again once it is in sight."""
        self._stale = set(self._items)
        self._asked.clear()

    def stand_in(self, position: int, item: Item) -> None:
        """Show an item until the stored one is at hand."""
        self._set(position, item)
        self._stale.add(position)

    def truncate(self, count: int) -> None:
        """Forget the items from position `count` on."""
        for position in [position for position in self._items if position >= count]:
            self._bytes -= _held(self._items.pop(position))

    def put(self, page: Page) -> list[int]:
        """Take the items of a page; the positions that hold another item than before."""
        changed: list[int] = []
        if any(item.position in self._stale and self._contradicts(item) for item in page.items):
            # What was kept from an older state lies elsewhere now.
            self._keep(position for position in self._items if position not in self._stale)
            self._stale.clear()
        for item in page.items:
            if self._differs(item):
                changed.append(item.position)
            self._set(item.position, item)
            self._stale.discard(item.position)
        size = _LONG_PAGE if self._bytes > _LONG * len(self._items) else PAGE
        if size != self._page:
            self._page = size
            self._asked.clear()
        return changed

    def wanted(self, first: int, last: int, count: int) -> Iterator[tuple[int, int]]:
        """Ranges of positions to ask for, when those from `first` to `last` are in sight, out of `count`.

        Neighbours in reach are among them; what lies far away is forgotten.
        """
        size = self._page
        low, high = max(first - size // 2, 0), min(last + size // 2, count - 1)
        pages = range(low // size, high // size + 1) if high >= low else range(0)
        self._asked.intersection_update(pages)
        if len(self._items) > 2 * _KEPT:
            self._forget(range(first - _KEPT // 2, last + _KEPT // 2))
        if self._bytes > _MOST_BYTES and pages:
            self._forget(range(pages.start * size, pages.stop * size))
        lacking = [page for page in pages if page not in self._asked and self._lacks(page, low, high)]
        self._asked.update(lacking)
        for start, stop in _runs(lacking):
            yield start * size, min(stop * size, count)

    def _differs(self, item: Item) -> bool:
        before = self._items.get(item.position)
        return before is None or before.message_id != item.message_id

    def _contradicts(self, item: Item) -> bool:
        before = self._items.get(item.position)
        return before is not None and 0 <= before.message_id != item.message_id

    def _lacks(self, page: int, low: int, high: int) -> bool:
        within = range(max(page * self._page, low), min((page + 1) * self._page, high + 1))
        return any(position not in self._items or position in self._stale for position in within)

    def _forget(self, kept: range) -> None:
        self._keep(position for position in self._items if position in kept)
        self._stale.intersection_update(self._items)

    def _set(self, position: int, item: Item) -> None:
        if position in self._items:
            self._bytes -= _held(self._items[position])
        self._items[position] = item
        self._bytes += _held(item)

    def _keep(self, positions: Iterable[int]) -> None:
        self._items = {position: self._items[position] for position in positions}
        self._bytes = sum(map(_held, self._items.values()))


def _held(item: Item) -> int:
    return item.size - item.unread


def _runs(pages: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring pages as half-open ranges."""
    start = stop = -1
    for page in pages:
        if page != stop:
            if stop > start:
                yield start, stop
            start = page
        stop = page + 1
    if stop > start:
        yield start, stop
