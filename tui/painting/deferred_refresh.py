"""Keeping widgets from asking to be drawn, one by one, while all of them change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Self

from textual.geometry import Region
from textual.widget import Widget

__all__ = ["SuspendableRefresh", "suspend_refresh"]

_STILL: Final[ContextVar[bool]] = ContextVar("still", default=False)


@contextmanager
def suspend_refresh() -> Iterator[None]:
    """Have widgets not ask to be drawn anew; whoever uses this has them drawn afterwards.

    Another theme changes many styles of each widget. Each of them asks for it, some for all that is in the widget.
    """
    token = _STILL.set(True)
    try:
        yield
    finally:
        _STILL.reset(token)


class SuspendableRefresh(Widget):
    """A widget that heeds `suspend_refresh`."""

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew."""
        if _STILL.get():
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
