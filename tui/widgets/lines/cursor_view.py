"""A column of blocks of lines with a cursor on a line, of which only what is in sight is ever drawn."""

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

__all__ = ["CursorView"]


class CursorView(LineView, can_focus=True):
    """A window on blocks that a subclass draws, with a cursor.

    A subclass says how tall a block is once it knows it (`measure`), draws its lines (`line`) and asks for what is
    lacking (`request`); it tells of news with `renew`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor(1)", "Down", show=False, id="lines.down"),
        Binding("k,up", "cursor(-1)", "Up", show=False, id="lines.up"),
        Binding("pagedown,space", "page(1)", "Page down", show=False, id="lines.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="lines.page_up"),
        Binding("ctrl+d", "half_page(1)", "Half page down", show=False, id="lines.half_page_down"),
        Binding("ctrl+u", "half_page(-1)", "Half page up", show=False, id="lines.half_page_up"),
        Binding("g,home", "start", "Start", show=False, id="lines.start"),
        Binding("G,end", "finish", "End", show=False, id="lines.end"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | j, down | A line down. |
    | k, up | A line up. |
    | pagedown, space | A page down. |
    | pageup | A page up. |
    | ctrl+d | Half a page down. |
    | ctrl+u | Half a page up. |
    | g, home | The first line. |
    | G, end | The last line. |
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"column--bar", "column--cursor"}
    """
    | Class | Description |
    | :- | :- |
    | `column--bar` | The bar at the line of the cursor. |
    | `column--cursor` | The line of the cursor. |
    """

    DEFAULT_CSS = """
    CursorView {
        & > .column--bar { color: $accent; }
        & > .column--cursor { background: $boost; }
    }
    """

    _ESTIMATE: ClassVar[int] = 3
    """Lines of a block of which nothing is known."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(Viewport(self.measure, self._ESTIMATE), id=id, classes=classes)
        self._cursor = (0, 0)

    def measure(self, position: int) -> int | None:
        """The height of a block; None while it is not known."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self._viewport)

    @property
    def cursor(self) -> tuple[int, int]:
        """The block under the cursor, and the line of it."""
        return self._cursor

    def begin(self, count: int) -> None:
        """Show so many other blocks, from the first one on."""
        self._viewport.reset(count)
        self._viewport.scroll_to(0)
        self._cursor = (0, 0)
        self.update_view()

    def renew(self, position: int) -> None:
        """Measure and draw a block again."""
        self._viewport.invalidate(position)

    def go_to(self, position: int, number: int = 0) -> None:
        """Put the cursor on a line, and that into sight."""
        self._cursor = (position, number)
        if self._cursor not in self.rows[1:-1]:
            self._viewport.scroll_to(position, number)
            self._viewport.scroll_by(-(self._viewport.height // 4))
        self.update_view()

    # What the base asks for

    def request_blocks(self, start: int, end: int) -> None:
        """Called with the blocks in sight."""
        raise NotImplementedError

    def request_missing(self) -> None:
        """Ask for the blocks in sight."""
        if self.rows:
            self.request_blocks(self.rows[0][0], self.rows[-1][0] + 1)

    def on_size(self) -> None:
        """Draw anew in the width that there is now, and keep about the line that was at the top, or the end."""
        viewport = self._viewport
        position, line = viewport.anchor
        # Where all was in sight, the beginning was, and stays.
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
        """The bar at the cursor."""
        if (position, number) == self._cursor and self.has_focus:
            return Segment("▌", self.foreground_style("column--bar")), self.rich_style
        return Segment(" "), self.rich_style

    def trailing_mark(self, position: int, number: int) -> Segment | None:  # noqa: ARG002 nothing stands there
        return None

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.scrollable_content_region.width
        if y >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        position, number = self.rows[y]
        bar, base = self.left_edge(position, number)
        return paint(self.line(position, number), width, bar=bar, base=base)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:  # noqa: ARG002 nothing is selected
        return None

    # Moving

    def action_cursor(self, lines: int) -> None:
        """Move the cursor by so many lines; one that is out of sight comes into it."""
        rows = self.rows
        if not rows:
            return
        here = rows.index(self._cursor) if self._cursor in rows else -1 if lines > 0 else len(rows)
        place = here + lines
        beyond = min(place, 0) + max(place - len(rows) + 1, 0)
        if beyond:
            self._viewport.scroll_by(beyond)
            self.update_view()
        self._cursor = self.rows[min(max(place, 0), len(self.rows) - 1)]
        self.refresh()

    def action_page(self, pages: int) -> None:
        """Move by so many pages."""
        self._move(pages * max(self._viewport.height - 2, 1))

    def action_half_page(self, pages: int) -> None:
        """Move by so many halves of a page."""
        self._move(pages * max(self._viewport.height // 2, 1))

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

    def _move(self, lines: int) -> None:
        """Move the window, and the cursor in its place there; at an end the cursor alone."""
        place = self.rows.index(self._cursor) if self._cursor in self.rows else 0
        before = self._viewport.anchor
        self._viewport.scroll_by(lines)
        self.update_view()
        if self._viewport.anchor == before:
            place += lines
        if self.rows:
            self._cursor = self.rows[min(max(place, 0), len(self.rows) - 1)]
        self.refresh()

    # The mouse and the focus

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self.rows):
            self._cursor = self.rows[offset.y]
            self.refresh()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()
