"""A view of rendered items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Offset, Region
from textual.selection import Selection
from textual.strip import Strip

from tui.render import Line
from tui.widgets._blocks import Blocks
from tui.widgets._line_view import LineView
from tui.widgets._paint import paint, selected_text

__all__ = ["ItemView"]

# A selection's lines are numbered by item first, so that heights found later do not move it.
_LINES: Final = 1 << 24
_KEPT: Final = 512
"""Painted rows that are kept: some pages, for scrolling up and down."""


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
        super().__init__(self._blocks.flow, name=name, id=id, classes=classes)
        self._states: list[object] = []
        self._painted: LRUCache[tuple[int, int], tuple[object, Strip]] = LRUCache(_KEPT)

    def line(self, position: int, number: int) -> Line:
        """A line of an item."""
        return self._blocks.line(position, number)

    def found(self, position: int, number: int) -> Iterable[tuple[int, int, Style]]:  # noqa: ARG002
        """What is marked in the content of a line: first character, the one after the last, and its look."""
        return ()

    def need(self, start: int, end: int) -> None:
        """Called when items have come into sight that are not at hand."""
        raise NotImplementedError

    def ask(self) -> None:
        """Ask for the items in sight that are not at hand."""
        if self.rows:
            for start, end in self._blocks.store.wanted(self.rows[0][0], self.rows[-1][0], self._blocks.stored):
                self.need(start, end)

    def align(self) -> bool:
        """Find the rows that are in sight from the anchor; whether there is room for any."""
        if self.is_mounted:
            self._blocks.restyle(self.palette)
        return super().align()

    def row_state(self, position: int, number: int) -> object:
        """All that the picture of a line depends on, but for the theme and a selection of text."""
        drawn = self.edge(position, number), self.mark(position, number), self.line(position, number)
        return *drawn, *self.found(position, number)

    def refresh_rows(self) -> None:
        """Draw the rows that show something else than before."""
        before, self._states = self._states, [self.row_state(*row) for row in self.rows]
        changed = [y for y, state in enumerate(self._states) if before[y : y + 1] != [state]]
        if len(before) != len(self._states) or 2 * len(changed) > len(before):
            self.refresh()
        elif changed:
            width = self.scrollable_content_region.width
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def fit(self) -> None:
        """Wrap anew, and keep the line that was at the top, or the end."""
        flow = self._flow
        at_end = flow.at_end
        position, line = flow.anchor
        share = line / max(flow.block_height(position), 1)
        self._blocks.restyle(self.palette)
        self._blocks.measure_anew(self.text_width)
        flow.height = self.container_size.height
        if at_end:
            flow.end()
        else:
            flow.show(position, int(share * flow.block_height(position)))
        self.settle()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.scrollable_content_region.width
        if y >= len(self.rows):
            return Strip.blank(width, self.ground)
        self._blocks.restyle(self.palette)
        position, number = row = self.rows[y]
        selection = self.text_selection
        at = position * _LINES + number
        span = None if selection is None else selection.get_span(at)
        look = None if span is None else self.screen.get_component_rich_style("screen--selection")
        state = width, span, look, self.row_state(position, number)
        known = self._painted.get(row)
        if known is not None and known[0] == state:
            return known[1]
        bar, base = self.edge(position, number)
        strip = paint(
            self.line(position, number),
            at,
            width,
            bar=bar,
            mark=self.mark(position, number),
            base=base,
            hits=self.found(position, number),
            span=span,
            selection=look,
        )
        self._painted[row] = state, strip
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it is shown, without marks and gutters."""
        first = 0 if selection.start is None else selection.start.y // _LINES
        last = self._blocks.count if selection.end is None else selection.end.y // _LINES
        lines = ((position * _LINES + number, line) for position, number, line in self._blocks.lines(first, last))
        return selected_text(lines, selection), "\n"

    def block_selection(self, position: int) -> Selection:
        """The selection of all that an item shows."""
        return Selection(Offset(0, position * _LINES), Offset(0, (position + 1) * _LINES - 1))
