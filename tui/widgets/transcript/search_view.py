"""A view of items that marks the matches of a query and moves between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style

from tui.model.query import Query
from tui.widgets.message import WidgetMessage
from tui.widgets.transcript.item_cursor_view import ItemCursorView
from tui.widgets.transcript.search_marks import SearchMarks

__all__ = ["SearchView"]


class SearchView(ItemCursorView):
    """A view of items that can be searched."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"item--match", "item--current-match"}

    DEFAULT_CSS = """
    SearchView {
        & > .item--match { color: $foreground; background: $warning-muted; }
        & > .item--current-match { color: $background; background: $text-warning; text-style: bold; }
        &:ansi > .item--match { text-style: underline; }
        &:ansi > .item--current-match { text-style: reverse; }
        &:nocolor > .item--match { text-style: underline; }
        &:nocolor > .item--current-match { text-style: reverse; }
    }
    """

    @dataclass
    class MatchShown(WidgetMessage["SearchView"]):
        """Posted when another match has become the current match."""

        number: int
        """Number of the match in its item, from 1; 0 if the item as it is shown has no match."""
        count: int
        """Number of matches in the item as it is shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._marks = SearchMarks(self._blocks)
        self._awaited_match: tuple[int, bool] | None = None

    def mark_matches(self, query: Query | None) -> None:
        """Mark all matches of a query; None marks nothing."""
        self._marks.show(query)
        self._awaited_match = None
        self.refresh()

    def go_to_match(self, position: int, *, last: bool = False) -> None:
        """Go to an item, unfold it, and make its first or last match the current match as soon as the item is read."""
        self._awaited_match = position, last
        self._marks.current = -1, -1
        if self._blocks.item(position) is None:
            self._viewport.scroll_to(position)
        self.put_cursor(position)
        self.show_awaited_match()

    def step_match(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) match in the same item; return whether there is one."""
        position, ordinal = self._marks.current
        if self._awaited_match is not None or not 0 <= ordinal + step < len(self._marks.matches(position)):
            return False
        self._show_match(position, ordinal + step)
        return True

    def show_awaited_match(self) -> None:
        """Finish `go_to_match` if its item was read."""
        if self._awaited_match is None or self._blocks.item(self._awaited_match[0]) is None:
            return
        (position, last), self._awaited_match = self._awaited_match, None
        if self._blocks.is_folded(position) and self._blocks.is_foldable(position):
            self._blocks.toggle(position)
            self.update_view()
        count = len(self._marks.matches(position))
        self._show_match(position, count - 1 if last else min(count - 1, 0))

    def highlights(self, position: int, number: int) -> Iterable[tuple[int, int, Style]]:
        """Return start, end and style of each match on a line."""
        for start, end, is_current in self._marks.on_line(position, number):
            yield start, end, self.get_component_rich_style("item--current-match" if is_current else "item--match")

    def _show_match(self, position: int, ordinal: int) -> None:
        self._marks.current = position, ordinal
        matches = self._marks.matches(position)
        self.put_cursor(position, scroll=not matches)
        if matches:
            line, viewport = matches[ordinal].line, self._viewport
            row = viewport.row_of(position) + line
            if not 0 <= row < viewport.height - 1:
                viewport.scroll_to(position, line)
                # Near the end of the branch the window cannot begin with the line, which must not leave the window.
                viewport.scroll_by(min(viewport.row_of(position) + line - viewport.height // 3, 0))
            self.update_view()
        self.post_message(self.MatchShown(self, ordinal + 1, len(matches)))
