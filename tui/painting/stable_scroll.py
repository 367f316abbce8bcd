"""Widgets whose size does not depend on their content."""

from __future__ import annotations

from typing import Self

from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.widget import Widget

from tui.painting.textual_internals import FAST

__all__ = ["FixedSize", "StableScrollView"]


class FixedSize(Widget):
    """A widget that never scrolls and takes the size that its container gives it."""

    # Textual would lay out and draw the entire screen once more after each change of size.
    virtual_size = Reactive(Size(0, 0), repaint=False)


class StableScrollView(ScrollView):
    """A scroll view that adapts to a new size before its first frame of that size.

    Its content may grow and shrink without a new layout of the screen.
    """

    _adapted_size = Size(0, 0)
    """The size that `on_size` was last called for."""

    _laying_out = False

    def on_size(self) -> None:
        """Adapt to a new size, before anything is drawn in it."""

    def on_resize(self) -> None:
        """Adapt to a size that was set before the widget was mounted."""
        self._adapt()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Request a repaint, except during a layout, which is followed by one anyway."""
        return super().refresh(*regions, repaint=repaint and not self._laying_out, layout=layout, recompose=recompose)

    def update_scrollbar(self) -> None:
        """Adapt the scrollbar to `virtual_size`."""
        if FAST:
            self._scroll_update(self.virtual_size)

    def _adapt(self) -> None:
        if self.is_mounted and self._adapted_size != self.size:
            self._adapted_size = self.size
            self.on_size()

    if FAST:
        # Textual's own reactive lays out the entire screen.
        virtual_size = Reactive(Size(0, 0), layout=False)

        def watch_virtual_size(self) -> None:
            """Show a scrollbar if the content is longer than the view."""
            if self.is_mounted:
                self.update_scrollbar()

        def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
            # If only something else was laid out, the scrollbar stays as it is.
            if (self.outer_size, self.size, self.container_size) == (
                size,
                self._adapted_size,
                size - self.styles.gutter.totals,
            ):
                return False
            # Textual reports a new size after the first frame in it.
            self._laying_out = True
            try:
                changed = super()._size_updated(size, virtual_size, container_size, layout)
                self._adapt()
            finally:
                self._laying_out = False
            return changed
