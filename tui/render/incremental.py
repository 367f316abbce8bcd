"""Items that grow while they are shown."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model import Item
from tui.render.items import Rendered, render_item
from tui.render.lines import Line
from tui.render.markdown import IncrementalMarkdown
from tui.render.styles import ItemStyles

__all__ = ["IncrementalItem"]


class IncrementalItem:
    """Draws the successive states of one item as `render_item` does, but draws only the text that each state adds."""

    def __init__(self) -> None:
        self._key: tuple[Item, int, bool, ItemStyles] | None = None
        self._rendered = Rendered([])
        self._texts: list[tuple[int, ItemStyles, IncrementalMarkdown]] = []
        self._drawn = 0

    def render(self, item: Item, width: int, *, folded: bool, styles: ItemStyles) -> Rendered:
        """Draw the current state of the item; the arguments are the same as for `render_item`."""
        key = (item, width, folded, styles)
        if self._key != key:
            self._drawn = 0
            self._rendered = render_item(item, width, folded=folded, styles=styles, markdown=self._draw_markdown)
            self._key = key
        return self._rendered

    def _draw_markdown(self, text: str, width: int, styles: ItemStyles) -> Iterable[Line]:
        """Draw the next text of the item as a continuation of the text at the same index in the previous state."""
        index, self._drawn = self._drawn, self._drawn + 1
        if index == len(self._texts) or self._texts[index][:2] != (width, styles):
            self._texts[index:] = [(width, styles, IncrementalMarkdown(width, styles))]
        return self._texts[index][2].update(text)
