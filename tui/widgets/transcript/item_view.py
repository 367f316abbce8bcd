"""A view of rendered items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, Self

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Offset, Region
from textual.selection import Selection
from textual.strip import Strip

from tui.render import Line
from tui.widgets.lines.line_view import LineView
from tui.widgets.lines.paint import paint, selected_text
from tui.widgets.transcript.blocks import Blocks

__all__ = ["ItemView"]

_LINES_PER_ITEM: Final = 1 << 24
"""Selections number the lines of an item from a multiple of this, so that a selection stays on its text when heights
above it change."""

_CAPACITY: Final = 512
"""Painted rows that are kept: some pages, for scrolling up and down."""


class _RowContent(NamedTuple):
    """Everything that a row shows except the selection of text."""

    line: Line
    edge: Segment
    background: Style
    mark: Segment | None
    highlights: tuple[tuple[int, int, Style], ...]


class ItemView(LineView):
    """A window over the items of a conversation, each a block, whose text can be selected."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        self._blocks = Blocks()
        super().__init__(self._blocks.viewport, id=id)
        self._contents: list[_RowContent] = []
        self._contents_of: object = None
        self._content_width = 0
        self._painted: LRUCache[tuple[int, Segment], tuple[object, Strip]] = LRUCache(_CAPACITY)
        self._selection: Selection | None = None

    def line(self, position: int, number: int) -> Line:
        """Return a line of an item."""
        return self._blocks.line(position, number)

    def highlights(self, position: int, number: int) -> Iterable[tuple[int, int, Style]]:  # noqa: ARG002
        """Return start, end and style of the highlighted characters of a line."""
        return ()

    def request_items(self, start: int, end: int) -> None:
        """Request items that were not read; `end` is exclusive."""
        raise NotImplementedError

    def request_missing(self) -> None:
        """Request the items in sight that were not read."""
        if self.rows:
            for page in self._blocks.items.missing_pages(self.rows[0][0], self.rows[-1][0], self._blocks.stored):
                self.request_items(page.start, page.stop)

    def update_rows(self) -> bool:
        """Find the rows in sight, rendered in the current styles."""
        if self.is_mounted:
            self._blocks.restyle(self.item_styles)
        return super().update_rows()

    def _row_contents(self) -> list[_RowContent]:
        self._contents_of, self._content_width = self.rows, self.scrollable_content_region.width
        edges: dict[tuple[int, bool], tuple[Segment, Style]] = {}
        contents = []
        for position, number in self.rows:
            # All lines of an item have the same edge, except the blank lines above it.
            part = position, number < self._blocks.blank_lines_above(position)
            if part not in edges:
                edges[part] = self.left_edge(position, number)
            line, mark = self.line(position, number), self.trailing_mark(position, number)
            contents.append(_RowContent(line, *edges[part], mark, tuple(self.highlights(position, number))))
        return contents

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if not regions:
            self._contents, self._contents_of = [], None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def refresh_rows(self) -> None:
        """Draw the rows whose content changed."""
        before, contents = self._contents, self._row_contents()
        changed = [y for y, content in enumerate(contents) if before[y : y + 1] != [content]]
        if len(before) != len(contents) or 2 * len(changed) > len(before):
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, y, self._content_width, 1) for y in changed))
        self._contents, self._contents_of = contents, self.rows

    def on_size(self) -> None:
        """Wrap the lines to the current width; keep the top line in place, or the last line if it was in sight."""
        viewport = self._viewport
        at_end = viewport.at_end
        position, line = viewport.anchor
        share = line / max(viewport.block_height(position), 1)
        self._blocks.restyle(self.item_styles)
        self._blocks.reset_heights(self.text_width)
        viewport.height = self.container_size.height
        if at_end:
            viewport.scroll_to_end()
        else:
            viewport.scroll_to(position, int(share * viewport.block_height(position)))
        self.update_view()

    def draw(self, y: int) -> Strip:
        return self.render_row(y, with_offsets=False)

    def render_line(self, y: int) -> Strip:
        return self.render_row(y, with_offsets=True)

    def render_row(self, y: int, *, with_offsets: bool) -> Strip:
        """Draw a row, from the cache or with the offsets that the mouse needs to select text."""
        if y >= len(self.rows):
            return Strip.blank(self.scrollable_content_region.width, self.background_style)
        self._blocks.restyle(self.item_styles)
        if self._contents_of is not self.rows:
            self._contents = self._row_contents()
        position, number = self.rows[y]
        line_number, content, width = position * _LINES_PER_ITEM + number, self._contents[y], self._content_width
        selected = None if self._selection is None else self._selection.get_span(line_number)
        if with_offsets:
            return self._paint(content, width, selected, line_number)
        # A line is cached with and without the bar at its edge, because turns are selected one after the other.
        key, state = (line_number, content.edge), (width, selected, content)
        known = self._painted.get(key)
        if known is None or known[0] != state:
            self._painted[key] = known = state, self._paint(content, width, selected)
        return known[1]

    def _paint(self, content: _RowContent, width: int, selected: tuple[int, int] | None, y: int | None = None) -> Strip:
        line, edge, background, mark, highlights = content
        return paint(
            line,
            width,
            edge=edge,
            background=background,
            mark=mark,
            highlights=highlights,
            selected=selected,
            selection_style=None if selected is None else self.screen.get_component_rich_style("screen--selection"),
            y=y,
        )

    def selection_updated(self, selection: Selection | None) -> None:
        self._selection = selection
        super().selection_updated(selection)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as shown, without marks and gutters."""
        first = 0 if selection.start is None else selection.start.y // _LINES_PER_ITEM
        last = self._blocks.count if selection.end is None else selection.end.y // _LINES_PER_ITEM
        lines = (
            (position * _LINES_PER_ITEM + number, line) for position, number, line in self._blocks.lines(first, last)
        )
        return selected_text(lines, selection), "\n"

    def block_selection(self, position: int) -> Selection:
        """Return the selection of an item's text."""
        return Selection(Offset(0, position * _LINES_PER_ITEM), Offset(0, (position + 1) * _LINES_PER_ITEM - 1))
