"""Suspend the repaints of widgets while many of them change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Self

from textual.geometry import Region
from textual.widget import Widget

__all__ = ["SuspendableRefresh", "suspend_refresh"]

_SUSPENDED: Final[ContextVar[bool]] = ContextVar("suspended", default=False)


@contextmanager
def suspend_refresh() -> Iterator[None]:
    """Ignore the repaints that widgets request; the caller repaints the widgets afterwards.

    A theme changes many styles of each widget, and each change asks for a repaint.
    """
    token = _SUSPENDED.set(True)
    try:
        yield
    finally:
        _SUSPENDED.reset(token)


class SuspendableRefresh(Widget):
    """A widget whose repaints `suspend_refresh` suspends."""

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Ask for a repaint."""
        if _SUSPENDED.get():
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
