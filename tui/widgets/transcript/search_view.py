"""An item view that marks what is searched for, and goes from one place to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.message import Message

from tui.model.query import Query
from tui.widgets.transcript.item_view import ItemView
from tui.widgets.transcript.search_marks import Hits

__all__ = ["SearchedView"]


class SearchedView(ItemView):
    """An item view with marks."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"item--found", "item--found-here"}
    """
    | Class | Description |
    | :- | :- |
    | `item--found` | What was searched for. |
    | `item--found-here` | The place that the search stands at. |

    The parts of an item have the component classes of `LineView`.
    """

    DEFAULT_CSS = """
    SearchedView {
        & > .item--found { color: $text; background: $warning 35%; }
        & > .item--found-here { color: $text; background: $warning; text-style: bold; }
        &:ansi > .item--found { text-style: underline; }
        &:ansi > .item--found-here { text-style: reverse; }
        &:nocolor > .item--found { text-style: underline; }
        &:nocolor > .item--found-here { text-style: reverse; }
    }
    """

    @dataclass
    class HitShown(Message):
        """An item that was gone to with `go_to_hit` is in sight, or another place in it was stepped to."""

        ordinal: int
        """Number of the current place in the item, from 1; 0 where what is drawn of the item has none."""
        count: int
        """How many the item has as it is drawn."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Create a view in which nothing is marked.

        Args:
            name: The name of the widget.
            id: The id of the widget in the DOM.
            classes: The CSS classes of the widget.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._hits = Hits(self._blocks)
        self._awaited: tuple[int, bool] | None = None

    def put_cursor(self, position: int, *, scroll: bool = True) -> None:
        """Move the cursor to an item."""
        raise NotImplementedError

    def show_hits(self, query: Query | None) -> None:
        """Mark all that a query finds in what is drawn; None for nothing."""
        self._hits.show(query)
        self._awaited = None
        self.refresh()

    def go_to_hit(self, position: int, *, last: bool = False) -> None:
        """Go to an item, and once it is at hand unfold it and make the first, or last, place in it the current one."""
        self._awaited = position, last
        self._hits.at = -1, -1
        if self._blocks.item(position) is None:
            self._viewport.scroll_to(position)
        self.put_cursor(position)
        self.land()

    def step_hit(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) place in the item with the current one; whether there is one."""
        position, ordinal = self._hits.at
        if self._awaited is not None or not 0 <= ordinal + step < len(self._hits.places(position)):
            return False
        self._point_at(position, ordinal + step)
        return True

    def land(self) -> None:
        """Go on with `go_to_hit` if its item has come."""
        if self._awaited is None or self._blocks.item(self._awaited[0]) is None:
            return
        (position, last), self._awaited = self._awaited, None
        if self._blocks.is_folded(position) and self._blocks.is_foldable(position):
            self._blocks.toggle(position)
            self.update_view()
        places = len(self._hits.places(position))
        self._point_at(position, places - 1 if last else min(places - 1, 0))

    def found(self, position: int, number: int) -> Iterable[tuple[int, int, Style]]:
        """What is marked in the content of a line: first character, the one after the last, and its look."""
        for start, end, here in self._hits.on_line(position, number):
            yield start, end, self.get_component_rich_style("item--found-here" if here else "item--found")

    def _point_at(self, position: int, ordinal: int) -> None:
        self._hits.at = position, ordinal
        places = self._hits.places(position)
        self.put_cursor(position, scroll=not places)
        if places:
            line = places[ordinal].line
            row = self._viewport.row_of(position) + line
            if not 0 <= row < self._viewport.height - 1:
                self._viewport.scroll_to(position, line)
                # Near the end of the branch it cannot stand at the top, and is not to be moved out of sight.
                self._viewport.scroll_by(min(self._viewport.row_of(position) + line - self._viewport.height // 3, 0))
            self.update_view()
        self.post_message(self.HitShown(ordinal + 1, len(places)))
