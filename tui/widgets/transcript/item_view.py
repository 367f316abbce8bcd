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

# A selection's lines are numbered by item first, so that heights found later do not move it.
_LINES: Final = 1 << 24
_KEPT: Final = 512
"""Painted rows that are kept: some pages, for scrolling up and down."""


class _Picture(NamedTuple):
    """All that a row shows but for a selection of text."""

    line: Line
    bar: Segment
    base: Style
    mark: Segment | None
    hits: tuple[tuple[int, int, Style], ...]


class ItemView(LineView):
    """A window on the items of a conversation, each a block, whose text can be selected."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Create a view without items.

        Args:
            name: The name of the widget.
            id: The id of the widget in the DOM.
            classes: The CSS classes of the widget.
        """
        self._blocks = Blocks()
        super().__init__(self._blocks.viewport, name=name, id=id, classes=classes)
        self._pictures: list[_Picture] = []
        self._pictured: object = None
        self._across = 0
        self._painted: LRUCache[tuple[int, Segment], tuple[object, Strip]] = LRUCache(_KEPT)
        self._selection: Selection | None = None

    def line(self, position: int, number: int) -> Line:
        """A line of an item."""
        return self._blocks.line(position, number)

    def found(self, position: int, number: int) -> Iterable[tuple[int, int, Style]]:  # noqa: ARG002
        """What is marked in the content of a line: first character, the one after the last, and its look."""
        return ()

    def request_items(self, start: int, end: int) -> None:
        """Called when items have come into sight that are not at hand."""
        raise NotImplementedError

    def request_missing(self) -> None:
        """Ask for the items in sight that are not at hand."""
        if self.rows:
            for page in self._blocks.items.missing_pages(self.rows[0][0], self.rows[-1][0], self._blocks.stored):
                self.request_items(page.start, page.stop)

    def update_rows(self) -> bool:
        """Find the rows that are in sight from the anchor; whether there is room for any."""
        if self.is_mounted:
            self._blocks.restyle(self.item_styles)
        return super().update_rows()

    def _look(self) -> list[_Picture]:
        """What is to be seen on each row."""
        self._pictured, self._across = self.rows, self.scrollable_content_region.width
        edges: dict[tuple[int, bool], tuple[Segment, Style]] = {}
        pictures = []
        for position, number in self.rows:
            # An item has one edge, and what is above it another.
            part = position, number < self._blocks.blank_lines_above(position)
            if part not in edges:
                edges[part] = self.left_edge(position, number)
            line, mark = self.line(position, number), self.trailing_mark(position, number)
            pictures.append(_Picture(line, *edges[part], mark, tuple(self.found(position, number))))
        return pictures

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew."""
        if not regions:
            self._pictures, self._pictured = [], None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def refresh_rows(self) -> None:
        """Draw the rows that show something else than before."""
        before, pictures = self._pictures, self._look()
        changed = [y for y, picture in enumerate(pictures) if before[y : y + 1] != [picture]]
        if len(before) != len(pictures) or 2 * len(changed) > len(before):
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, y, self._across, 1) for y in changed))
        self._pictures, self._pictured = pictures, self.rows

    def on_size(self) -> None:
        """Wrap anew, and keep the line that was at the top, or the end."""
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
        """One row."""
        return self.row(y, placed=False)

    def render_line(self, y: int) -> Strip:
        """One row, which tells the mouse which item and which character it is at."""
        return self.row(y, placed=True)

    def row(self, y: int, *, placed: bool) -> Strip:
        """Draw one row.

        Args:
            y: Which one of those in sight.
            placed: Whether the mouse is to be told where it is, which makes every row another one.
        """
        if y >= len(self.rows):
            return Strip.blank(self.scrollable_content_region.width, self.background_style)
        self._blocks.restyle(self.item_styles)
        if self._pictured is not self.rows:
            self._pictures = self._look()
        position, number = self.rows[y]
        at, picture, width = position * _LINES + number, self._pictures[y], self._across
        span = None if self._selection is None else self._selection.get_span(at)
        if placed:
            return self._paint(picture, width, span, at)
        # With and without a bar: turns are selected one after the other.
        place, state = (at, picture.bar), (width, span, picture)
        known = self._painted.get(place)
        if known is None or known[0] != state:
            self._painted[place] = known = state, self._paint(picture, width, span)
        return known[1]

    def _paint(self, picture: _Picture, width: int, span: tuple[int, int] | None, y: int | None = None) -> Strip:
        selection = None if span is None else self.screen.get_component_rich_style("screen--selection")
        line, bar, base, mark, hits = picture
        return paint(line, width, y=y, bar=bar, base=base, mark=mark, hits=hits, span=span, selection=selection)

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        self._selection = selection
        super().selection_updated(selection)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it is shown, without marks and gutters."""
        first = 0 if selection.start is None else selection.start.y // _LINES
        last = self._blocks.count if selection.end is None else selection.end.y // _LINES
        lines = ((position * _LINES + number, line) for position, number, line in self._blocks.lines(first, last))
        return selected_text(lines, selection), "\n"

    def block_selection(self, position: int) -> Selection:
        """The selection of all that an item shows."""
        return Selection(Offset(0, position * _LINES), Offset(0, (position + 1) * _LINES - 1))
