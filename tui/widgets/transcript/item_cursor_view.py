"""A view of items with a cursor, which moves from item to item and folds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.model import Item
from tui.render import copied_text
from tui.widgets.transcript.item_view import ItemView

__all__ = ["ItemCursorView"]


class ItemCursorView(ItemView, can_focus=True):
    """A view of items with a cursor on one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor_down", "Down", show=False, id="chat.down"),
        Binding("k,up", "cursor_up", "Up", show=False, id="chat.up"),
        Binding("g,home", "cursor_home", "Start", show=False, id="chat.home"),
        Binding("G,end", "cursor_end", "End", show=False, id="chat.end"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="chat.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="chat.page_up"),
        Binding("ctrl+d", "half_page(1)", "Half page down", show=False, id="chat.half_page_down"),
        Binding("ctrl+u", "half_page(-1)", "Half page up", show=False, id="chat.half_page_up"),
        Binding("enter", "toggle_fold", "Unfold", id="chat.toggle_fold"),
        Binding("h,left", "fold", "Fold", show=False, id="chat.fold"),
        Binding("l,right", "unfold", "Unfold", show=False, id="chat.unfold"),
        Binding("o", "toggle_tools", "Unfold all", id="chat.toggle_tools"),
    ]

    _cursor = 0
    """The position of the item under the cursor."""

    def on_cursor_moved_by_user(self) -> None:
        """Do nothing; a subclass may act after the user moved the cursor to an item."""

    @property
    def cursor_item(self) -> Item | None:
        """The item under the cursor; None if it was not read."""
        return self._blocks.item(self._cursor)

    @property
    def cursor_y(self) -> int:
        """The line of the widget in which the item under the cursor begins, or the nearest visible line."""
        return min(max(self.row_of_text(self._cursor), 0), max(self._viewport.height - 1, 0))

    @property
    def key_titles(self) -> Mapping[str, str]:
        """The titles of the actions on folds, which depend on the folds; empty for an action that does nothing."""
        toggles = "Unfold" if self._blocks.is_folded(self._cursor) else "Fold"
        return {
            "toggle_fold": toggles if self._blocks.is_foldable(self._cursor) else "",
            "toggle_tools": "Fold all" if self._blocks.all_unfolded else "Unfold all",
        }

    def cursor_text(self) -> str:
        """Return the text of the item under the cursor; empty if it was not read."""
        item = self.cursor_item
        return "" if item is None else copied_text(item)

    def put_cursor(self, position: int, *, scroll: bool = True) -> None:
        """Move the cursor to an item, and scroll it into sight if `scroll` is set."""
        if not 0 <= position < self._blocks.count:
            return
        self._cursor = position
        if scroll:
            self._scroll_into_sight(position)
        self.on_cursor_moved_by_user()
        self.update_view()

    def scroll_state(self) -> tuple[int, tuple[int, int]]:
        """Return the cursor and the viewport's anchor, to be passed to `restore_scroll_state`."""
        return self._cursor, self._viewport.anchor

    def restore_scroll_state(self, scroll_state: tuple[int, tuple[int, int]]) -> None:
        """Restore the cursor and the anchor that `scroll_state` returned."""
        cursor, anchor = scroll_state
        self._viewport.scroll_to(*anchor)
        self.put_cursor(cursor, scroll=False)

    # Moving

    def action_cursor_down(self) -> None:
        """Go to the next item, or scroll down if the current item ends below the pane."""
        if self._bring_cursor_into_sight(first=True):
            return
        bottom = self._viewport.row_of(self._cursor) + self._viewport.block_height(self._cursor)
        if bottom > self._viewport.height:
            self._viewport.scroll_by(min(bottom - self._viewport.height, self._scroll_step))
            self.update_view()
        elif self._cursor < self._blocks.count - 1:
            self.put_cursor(self._cursor + 1)
        else:
            self._viewport.scroll_to_end()
            self.update_view()

    def action_cursor_up(self) -> None:
        """Go to the previous item, or scroll up if the current item begins above the pane."""
        if self._bring_cursor_into_sight(first=False):
            return
        top = self._viewport.row_of(self._cursor)
        if top < 0:
            self._viewport.scroll_by(max(top, -self._scroll_step))
            self.update_view()
        elif self._cursor > 0:
            self.put_cursor(self._cursor - 1)

    def action_cursor_home(self) -> None:
        """Go to the first item."""
        self._viewport.scroll_to(0)
        self.put_cursor(0)

    def action_cursor_end(self) -> None:
        """Go to the end of the last item."""
        self._viewport.scroll_to_end()
        self.put_cursor(self._blocks.count - 1, scroll=False)

    def action_page(self, pages: int) -> None:
        """Scroll by a number of pages, and move the cursor into sight."""
        self._scroll(pages * max(self._viewport.height - 2, 1))

    def action_half_page(self, pages: int) -> None:
        """Scroll by a number of half pages, and move the cursor into sight."""
        self._scroll(pages * max(self._viewport.height // 2, 1))

    @property
    def _scroll_step(self) -> int:
        return max(self._viewport.height // 4, 1)

    def _scroll(self, lines: int) -> None:
        self._viewport.scroll_by(lines)
        self.update_rows()
        if not self._items_in_sight():
            self.update_view()
        elif self._bring_cursor_into_sight(first=lines > 0):
            return
        elif self._viewport.at_end and lines > 0:
            self.put_cursor(self._blocks.count - 1, scroll=False)
        else:
            self.update_view()

    def _items_in_sight(self) -> list[int]:
        positions = dict.fromkeys(position for position, _ in self.rows)
        return [position for position in positions if position < self._blocks.count]

    def _bring_cursor_into_sight(self, *, first: bool) -> bool:
        """Put the cursor on the first or last visible item, unless its item is visible.

        Returns:
            False if its item was visible, else True.
        """
        in_sight = self._items_in_sight()
        if not in_sight or in_sight[0] <= self._cursor <= in_sight[-1]:
            return not in_sight
        complete = [position for position in in_sight if self._viewport.row_of(position) >= 0] or in_sight
        self.put_cursor(complete[0] if first else in_sight[-1], scroll=False)
        return True

    def _scroll_into_sight(self, position: int) -> None:
        """Scroll as little as possible to show an item, or half a pane of it if it is taller than the pane."""
        viewport = self._viewport
        pane, height, top = viewport.height, viewport.block_height(position), viewport.row_of(position)
        shown = height if height <= pane else max(pane // 2, 1)
        if top + height < shown:
            viewport.scroll_by(top + height - shown)
        elif top + shown > pane:
            viewport.scroll_by(top + shown - pane)

    # Folding

    def action_toggle_fold(self) -> None:
        """Fold or unfold the item under the cursor."""
        self.toggle_fold(self._cursor)

    def action_fold(self) -> None:
        """Fold the item under the cursor."""
        if not self._blocks.is_folded(self._cursor):
            self.toggle_fold(self._cursor)

    def action_unfold(self) -> None:
        """Unfold the item under the cursor."""
        if self._blocks.is_folded(self._cursor):
            self.toggle_fold(self._cursor)

    def action_toggle_tools(self) -> None:
        """Unfold all tool calls, tool outputs and reasoning, or fold them again."""
        row = self.row_of_text(self._cursor)
        self._blocks.toggle_all()
        if 0 <= row < self._viewport.height:
            self._viewport.scroll_to(self._cursor)
            self._viewport.scroll_by(self._blocks.blank_lines_above(self._cursor) - row)
        self.update_view()

    def toggle_fold(self, position: int) -> None:
        """Fold or unfold an item, and scroll it into sight."""
        if not self._blocks.is_foldable(position):
            return
        self._blocks.toggle(position)
        if self._viewport.row_of(position) < 0:
            self._viewport.scroll_to(position)
        self._scroll_into_sight(position)
        self.update_view()

    def row_of_text(self, position: int) -> int:
        """Return the row of an item's first line that is not blank; the row may be out of sight."""
        return self._viewport.row_of(position) + self._blocks.blank_lines_above(position)
