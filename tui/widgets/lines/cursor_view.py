"""A view of blocks of lines with a cursor on a line."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.selection import Selection
from textual.strip import Strip

from tui.widgets.lines.line_view import LineView
from tui.widgets.lines.paint import paint
from tui.widgets.lines.viewport import Viewport
from tui.widgets.message import RIGHT_BUTTON, MenuRequested

__all__ = ["CursorView"]


class CursorView(LineView, can_focus=True):
    """A window over blocks that a subclass draws, with a cursor on one of their lines.

    A subclass returns the height of a block (`measure`) and its lines (`line`), requests blocks (`request_blocks`), and
    calls `invalidate` for a block that changed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor(1)", "Down", show=False, id="lines.down"),
        Binding("k,up", "cursor(-1)", "Up", show=False, id="lines.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="lines.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="lines.page_up"),
        Binding("ctrl+d", "half_page(1)", "Half page down", show=False, id="lines.half_page_down"),
        Binding("ctrl+u", "half_page(-1)", "Half page up", show=False, id="lines.half_page_up"),
        Binding("g,home", "start", "Start", show=False, id="lines.start"),
        Binding("G,end", "finish", "End", show=False, id="lines.end"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"cursor-view--bar", "cursor-view--cursor"}

    DEFAULT_CSS = """
    CursorView {
        & > .cursor-view--bar { color: $text-accent; }
        & > .cursor-view--cursor { background: $boost; }
    }
    """

    _ESTIMATE: ClassVar[int] = 3
    """The height that is assumed for a block."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(Viewport(self.measure, self._ESTIMATE), id=id)
        self._cursor = (0, 0)

    def measure(self, position: int) -> int | None:
        """Return the height of a block; None while it is not known."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """The number of blocks."""
        return len(self._viewport)

    @property
    def cursor(self) -> tuple[int, int]:
        """The block and line number under the cursor."""
        return self._cursor

    def show_blocks(self, count: int) -> None:
        """Replace the blocks, and go to the first one."""
        self._viewport.reset(count)
        self._viewport.scroll_to(0)
        self._cursor = (0, 0)
        self.update_view()

    def invalidate(self, position: int) -> None:
        """Mark a block to be measured again when it is next needed."""
        self._viewport.invalidate(position)

    def go_to(self, position: int, number: int = 0, *, changed: bool = False) -> None:
        """Put the cursor on a line, and scroll it into sight; `changed` says that the blocks are others than before."""
        self._cursor = (position, number)
        if changed or self._cursor not in self.rows[1:-1]:
            self._viewport.scroll_to(position, number)
            # A line near the end is in sight there, below the top of the window.
            if not self._viewport.at_end:
                self._viewport.scroll_by(-(self._viewport.height // 4))
        self.update_view()

    # Drawing

    def request_blocks(self, start: int, end: int) -> None:
        """Request the unknown blocks of a range; `end` is exclusive."""
        raise NotImplementedError

    def request_missing(self) -> None:
        """Request the blocks in sight that are not known."""
        if self.rows:
            self.request_blocks(self.rows[0][0], self.rows[-1][0] + 1)

    def on_size(self) -> None:
        """Wrap the lines to the current width; keep the top line in place, or the last line if it was in sight."""
        viewport = self._viewport
        position, line = viewport.anchor
        # If all lines were in sight, the first one stays at the top.
        at_end = viewport.at_end and viewport.anchor != (0, 0)
        share = line / max(viewport.block_height(position), 1) if self.count else 0
        viewport.reset(self.count)
        viewport.height = self.container_size.height
        if at_end:
            viewport.scroll_to_end()
        elif self.count:
            viewport.scroll_to(position, int(share * viewport.block_height(position)))
        self._cursor = (self._cursor[0], 0)
        self.update_view()

    def left_edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """Return the left edge of a line: a bar on the line with the cursor while the view has the focus."""
        if (position, number) == self._cursor and self.has_focus:
            return Segment("▌", self.foreground_style("cursor-view--bar")), self.rich_style
        return Segment(" "), self.rich_style

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        position, number = self.rows[y]
        edge, background = self.left_edge(position, number)
        return paint(self.line(position, number), width, edge=edge, background=background)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:  # noqa: ARG002 nothing can be selected
        return None

    # Moving

    def action_cursor(self, lines: int) -> None:
        """Move the cursor by a number of lines; if it is out of sight, move it to the edge of the window."""
        rows = self.rows
        if not rows:
            return
        row = rows.index(self._cursor) if self._cursor in rows else -1 if lines > 0 else len(rows)
        row += lines
        beyond = min(row, 0) + max(row - len(rows) + 1, 0)
        if beyond:
            self._viewport.scroll_by(beyond)
            self.update_view()
        self._put_cursor_on_row(row)

    def action_page(self, pages: int) -> None:
        """Scroll by a number of pages."""
        self._scroll(pages * max(self._viewport.height - 2, 1))

    def action_half_page(self, pages: int) -> None:
        """Scroll by a number of half pages."""
        self._scroll(pages * max(self._viewport.height // 2, 1))

    def action_start(self) -> None:
        """Go to the first line."""
        self._viewport.scroll_to(0)
        self.update_view()
        self._cursor = (0, 0)

    def action_finish(self) -> None:
        """Go to the last line."""
        self._viewport.scroll_to_end()
        self.update_view()
        self._cursor = self.rows[-1] if self.rows else (0, 0)

    def _scroll(self, lines: int) -> None:
        """Move the window and keep the cursor on its row; move only the cursor if the window is at an end."""
        row = self.rows.index(self._cursor) if self._cursor in self.rows else 0
        before = self._viewport.anchor
        self._viewport.scroll_by(lines)
        self.update_view()
        if self._viewport.anchor == before:
            row += lines
        self._put_cursor_on_row(row)

    def _put_cursor_on_row(self, row: int) -> None:
        if self.rows:
            self._cursor = self.rows[min(max(row, 0), len(self.rows) - 1)]
        self.refresh()

    # The mouse and the focus

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line; ask for the menu on a right click."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self.rows):
            self._put_cursor_on_row(offset.y)
        if event.button == RIGHT_BUTTON:
            self.post_message(MenuRequested(self, event.screen_offset))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
