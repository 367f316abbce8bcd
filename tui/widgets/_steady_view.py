"""A scroll view whose place on the screen does not depend on what it shows."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView

__all__ = ["SteadyView"]


class SteadyView(ScrollView):
    """A scroll view of a width and height that it is given.

    Where more or fewer lines come to stand in it, Textual's would have the whole screen laid out anew.
    """

    virtual_size = Reactive(Size(0, 0), layout=False)
    """Cells across and lines of all that it shows, as far as known."""

    def watch_virtual_size(self, size: Size) -> None:
        """Show the scrollbar as long as that, if there is any need for one."""
        if self.is_mounted:
            self._scroll_update(size)
