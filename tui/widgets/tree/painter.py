"""Rows of the tree in the colours of the theme."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from tui.painting.row_widget import BorderlessRows
from tui.widgets.tree.drawing import PartStyle, RowPart

__all__ = ["RowPainter"]

_CAPACITY: Final = 256
"""Painted rows that are kept: some pages."""

_NEVER_DIMMED: Final = frozenset({PartStyle.GUIDE, PartStyle.ERRORS, PartStyle.MARK, PartStyle.HIT, PartStyle.TAG})


class RowPainter:
    """Paints rows, and caches the most recently used rows by their content.

    When a turn is added at the end of the tree, all other rows keep their content and move up.
    """

    def __init__(self, tree: BorderlessRows) -> None:
        self._tree = tree
        self._styles: dict[tuple[PartStyle, Style, bool, bool], Style] = {}
        self._rows: LRUCache[tuple[tuple[RowPart, ...], Style, bool, bool, int], Strip] = LRUCache(_CAPACITY)

    def clear(self) -> None:
        """Drop the rows in the colours of the previous theme."""
        self._styles.clear()
        self._rows.clear()

    def paint(
        self, parts: tuple[RowPart, ...], background: Style, *, is_dimmed: bool, has_cursor: bool, width: int
    ) -> Strip:
        """Paint a row.

        Args:
            is_dimmed: Whether the row does not belong to the shown branch.
            has_cursor: Whether the cursor is in the row, so that the text has the cursor's colour.
        """
        key = parts, background, is_dimmed, has_cursor, width
        strip = self._rows.get(key)
        if strip is None:
            segments = [
                Segment(text, self._style(style, background, is_dimmed, has_cursor)) for text, style, _ in parts if text
            ]
            self._rows[key] = strip = Strip(segments).adjust_cell_length(width, background)
        return strip

    def _style(self, part_style: PartStyle, background: Style, is_dimmed: bool, has_cursor: bool) -> Style:
        key = part_style, background, is_dimmed, has_cursor
        if key not in self._styles:
            self._styles[key] = self._compute_style(*key)
        return self._styles[key]

    def _compute_style(self, part_style: PartStyle, background: Style, is_dimmed: bool, has_cursor: bool) -> Style:
        if part_style is PartStyle.CURRENT_TAG:
            return self._tree.get_component_rich_style("branch-tree--current-tag")
        if has_cursor:
            return background
        name = "dim" if is_dimmed and part_style not in _NEVER_DIMMED else part_style.value
        return background + self._tree.foreground_style(f"branch-tree--{name}")
