"""Rendered items, as many as there is room for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeAlias

from tui.render import Rendered

__all__ = ["RenderCache"]

_MOST: Final = 20_000
"""Lines that are kept: some ten megabytes."""

_Key: TypeAlias = tuple[int, int, bool]


class RenderCache:
    """The items that were drawn last, by message id, width and whether they are folded.

    Counted in lines: one long item takes the room of a thousand short ones. The newest one always stays.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lines = 0
        self._rendered: OrderedDict[_Key, Rendered] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rendered)

    def get(self, key: _Key) -> Rendered | None:
        """What was drawn, if it is at hand."""
        rendered = self._rendered.get(key)
        if rendered is not None:
            self._rendered.move_to_end(key)
        return rendered

    def put(self, key: _Key, rendered: Rendered) -> None:
        """Keep what was drawn, and drop what was not asked for longest."""
        if key in self._rendered:
            self._lines -= len(self._rendered[key].lines)
        self._rendered[key] = rendered
        self._rendered.move_to_end(key)
        self._lines += len(rendered.lines)
        while self._lines > self._most and len(self._rendered) > 1:
            _, dropped = self._rendered.popitem(last=False)
            self._lines -= len(dropped.lines)

    def clear(self) -> None:
        """Forget everything."""
        self._rendered.clear()
        self._lines = 0
