"""Widgets whose place on the screen does not depend on what they show."""

from __future__ import annotations

from typing import Self

from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from tui.painting.deferred_refresh import SuspendableRefresh
from tui.painting.row_widget import RowScrollBar

__all__ = ["FixedSize", "StableScrollView"]


class FixedSize(SuspendableRefresh):
    """A widget that never scrolls, and has the size that it is given.

    Who gives it another one has it drawn. Textual's would have the whole screen laid out and drawn once more.
    """

    virtual_size = Reactive(Size(0, 0), repaint=False)
    """Its size without its border."""


class StableScrollView(ScrollView, SuspendableRefresh):
    """A scroll view of a width and height that it is given.

    Where more or fewer lines come to stand in it, Textual's would have the whole screen laid out anew.
    """

    virtual_size = Reactive(Size(0, 0), layout=False)
    """Cells across and lines of all that it shows, as far as known."""

    _fitted = Size(0, 0)
    """The size that it was last adapted to."""

    _placing = False
    """Whether it is being given its place."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scrollbar, made where there is none yet."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = RowScrollBar(name="vertical", thickness=self.scrollbar_size_vertical)
            self._vertical_scrollbar.display = False
            self.app._start_widget(self, self._vertical_scrollbar)  # noqa: SLF001 as the base does
        return self._vertical_scrollbar

    def fit(self) -> None:
        """Adapt to another size, before anything is drawn in it."""

    def on_resize(self) -> None:
        """Adapt to a size that came before the widget was mounted."""
        self._fit_once()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew; what is laid out is drawn anyway."""
        return super().refresh(*regions, repaint=repaint and not self._placing, layout=layout, recompose=recompose)

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        # Where something else was laid out anew, the scrollbar stays as it is.
        if (self.outer_size, self.size, self.container_size) == (size, self._fitted, size - self.styles.gutter.totals):
            return False
        # Textual tells of a size once what was drawn in the old one has been on the screen in the new one.
        self._placing = True
        try:
            changed = super()._size_updated(size, virtual_size, container_size, layout)
            self._fit_once()
        finally:
            self._placing = False
        return changed

    def _fit_once(self) -> None:
        if self.is_mounted and self._fitted != self.size:
            self._fitted = self.size
            self.fit()

    def watch_virtual_size(self, size: Size) -> None:
        """Show the scrollbar as long as that, if there is any need for one."""
        if self.is_mounted:
            self._scroll_update(size)
