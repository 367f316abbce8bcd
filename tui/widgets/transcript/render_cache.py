"""A cache of rendered items."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeAlias

from tui.render import Rendered

__all__ = ["RenderCache"]

_MAX_LINES: Final = 20_000
"""Lines that are kept: about ten megabytes."""

_Key: TypeAlias = tuple[int, int, bool]


class RenderCache:
    """The most recently used rendered items, by message id, width and fold state.

    The number of lines is limited instead of the number of items, because one long item takes the memory of a thousand
    short items. The newest item is kept even if it exceeds the limit.
    """

    def __init__(self, max_lines: int = _MAX_LINES) -> None:
        self._max_lines = max_lines
        self._lines = 0
        self._rendered: OrderedDict[_Key, Rendered] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rendered)

    def get(self, key: _Key) -> Rendered | None:
        """Return a rendered item; None if it is not in the cache."""
        rendered = self._rendered.get(key)
        if rendered is not None:
            self._rendered.move_to_end(key)
        return rendered

    def put(self, key: _Key, rendered: Rendered) -> None:
        """Store a rendered item, and drop the least recently used items."""
        if key in self._rendered:
            self._lines -= len(self._rendered[key].lines)
        self._rendered[key] = rendered
        self._rendered.move_to_end(key)
        self._lines += len(rendered.lines)
        while self._lines > self._max_lines and len(self._rendered) > 1:
            _, dropped = self._rendered.popitem(last=False)
            self._lines -= len(dropped.lines)

    def clear(self) -> None:
        """Drop all rendered items."""
        self._rendered.clear()
        self._lines = 0
