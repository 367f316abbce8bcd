"""An item that grows while it is shown, drawn again and again."""

from __future__ import annotations

from tui.model import Item
from tui.render.items import Rendered, render_item
from tui.render.palette import Palette

__all__ = ["GrowingItem"]


class GrowingItem:
    """Draws the states of one item as `render_item` does, and keeps what the next state will have in common."""

    def __init__(self) -> None:
        self._key: tuple[Item, int, bool, Palette] | None = None
        self._rendered = Rendered([])

    def render(self, item: Item, width: int, *, folded: bool, palette: Palette) -> Rendered:
        """Draw the item as it is now; the arguments are those of `render_item`."""
        key = (item, width, folded, palette)
        if self._key != key:
            self._rendered = render_item(item, width, folded=folded, palette=palette)
            self._key = key
        return self._rendered
