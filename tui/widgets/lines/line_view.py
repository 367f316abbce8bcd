"""A scroll view over blocks of lines that renders only the lines in sight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import ceil
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size

from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import StableScrollView
from tui.render import ItemStyles, Line
from tui.widgets.lines.paint import MARGIN
from tui.widgets.lines.viewport import Viewport

__all__ = ["LineView"]

_MAX_TEXT_WIDTH: Final = 110
"""Maximum width of a line of text."""

_EIGHTHS: Final = 8
"""A scrollbar is drawn in eighths of a cell."""


class LineView(StableScrollView, BorderlessRows):
    """A window over blocks of lines, with item styles from the theme.

    The viewport's anchor is the scroll position. `update_view` derives `virtual_size` and `scroll_y` from it; any other
    change of `scroll_y`, such as the scrollbar's, moves the anchor.

    A subclass implements `line`, `left_edge` and `request_missing`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"item--{name}" for name in ItemStyles._fields}
    """See `ItemStyles`."""

    DEFAULT_CSS = """
    LineView {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;

        & > .item--muted { color: $text-muted; }
        & > .item--title { color: $text-primary; text-style: bold; }
        & > .item--tool { color: $text-secondary; text-style: bold; }
        & > .item--error { color: $text-error; }
        & > .item--link { color: $text-accent; text-style: underline; }
        & > .item--quote { color: $text-muted; text-style: italic; }
        & > .item--code { color: $text-warning; }
        & > .item--keyword { color: $text-accent; }
        & > .item--string { color: $text-success; }
        & > .item--number { color: $text-warning; }
        & > .item--comment { color: $text-muted; text-style: italic; }
        & > .item--name { color: $text-primary; }
        & > .item--added { color: $text-success; }
        & > .item--removed { color: $text-error; }
        &:ansi > .item--muted { text-style: dim; }
    }
    """

    def __init__(self, viewport: Viewport, *, id: str | None = None) -> None:  # noqa: A002
        """Create a view of the blocks in a viewport."""
        super().__init__(id=id)
        self._viewport = viewport
        self._item_styles: ItemStyles | None = None
        self._updating = False
        self._thumb: tuple[int, bool, int, int] | None = None
        self.rows: list[tuple[int, int]] = []
        """Block and line number of each row in sight."""

    def line(self, position: int, number: int) -> Line:
        """Return a line of a block in sight, or a placeholder if the block is not known yet."""
        raise NotImplementedError

    def left_edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """Return the cell to the left of a line, and the background of the line."""
        raise NotImplementedError

    def trailing_mark(self, position: int, line_number: int) -> Segment | None:  # noqa: ARG002 an unmarked line
        """Return a mark of one cell to draw after the content of a line; None for no mark."""
        return None

    def request_missing(self) -> None:
        """Request the blocks in sight that are not known yet."""
        raise NotImplementedError

    def refresh_rows(self) -> None:
        """Redraw the rows in sight that may have changed."""
        self.refresh()

    @property
    def item_styles(self) -> ItemStyles:
        """The styles of the parts of an item in the current theme."""
        if self._item_styles is None:
            names = ItemStyles._fields
            self._item_styles = ItemStyles(**{name: self.foreground_style(f"item--{name}") for name in names})
        return self._item_styles

    def notify_style_update(self) -> None:
        """Drop the styles of the previous theme."""
        super().notify_style_update()
        self._item_styles = None

    @property
    def text_width(self) -> int:
        """Cells of a line of text."""
        return max(min(self.scrollable_content_region.width - MARGIN - 1, _MAX_TEXT_WIDTH), 1)

    def update_rows(self) -> bool:
        """Find the rows in sight from the anchor; return whether there is room for any."""
        self._viewport.height = self.container_size.height
        if not self.is_mounted or not self._viewport.height:
            return False
        self._viewport.measure()
        self.rows = self._viewport.rows()
        return True

    def update_view(self) -> None:
        """Derive rows, scroll offset and scrollbar from the anchor, draw, and request the blocks in sight."""
        if not self.update_rows():
            return
        self._updating = True
        try:
            self.virtual_size = Size(self.scrollable_content_region.width, self._viewport.total)
            self.scroll_y = self.scroll_target_y = self._viewport.top
        finally:
            self._updating = False
        self._update_thumb()
        self.refresh_rows()
        self.request_missing()

    def watch_virtual_size(self) -> None:
        """Do nothing: `update_view` updates the scrollbar."""

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Set the position of a scrollbar that is shown again: a hidden scrollbar is not updated."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def _update_thumb(self) -> None:
        """Draw the scrollbar if its thumb has moved by at least an eighth of a cell, the smallest visible step."""
        height, total = self._viewport.height, self._viewport.total
        length = max(height * height / max(total, 1), 1)
        start = (height - length) * self._viewport.top / max(total - height, 1)
        thumb = height, total > height, int(start * _EIGHTHS), ceil(length * _EIGHTHS)
        if thumb != self._thumb:
            self._thumb = thumb
            self.update_scrollbar()
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scroll to match a new scrollbar position (mouse wheel, scrollbar or dragged selection)."""
        lines = round(new_value) - round(old_value)
        if self._updating or not lines or self._adapted_size != self.size:
            return
        if new_value >= self.max_scroll_y:
            self._viewport.scroll_to_end()
        elif abs(lines) <= 2 * self._viewport.height:
            self._viewport.scroll_by(lines)
        else:
            self._viewport.seek(round(new_value))
        self.update_view()

    def scroll_to(
        self,
        x: float | None = None,
        y: float | None = None,
        *,
        force: bool = False,
        on_complete: Callable[[], Awaitable[None]] | Callable[[], None] | None = None,
        **_animation: object,
    ) -> None:
        """Scroll to a line without an animation, which would draw many thousand lines."""
        super().scroll_to(x, y, animate=False, force=force, on_complete=on_complete)
