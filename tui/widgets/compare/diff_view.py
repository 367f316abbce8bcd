"""A view of differences: blocks of rows in two columns if there is room for them, else in one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache

from tui.render import Line
from tui.widgets.compare.lines import Block, DiffStyles
from tui.widgets.lines.cursor_view import CursorView
from tui.widgets.lines.paint import MARGIN

__all__ = ["DiffView"]

_TWO_COLUMNS_WIDTH: Final = 100
"""Minimum width for two columns."""

_CAPACITY: Final = 128
"""Blocks that are kept."""

_SEPARATOR_WIDTH: Final = 3
"""Cells between two columns."""


class DiffView(CursorView):
    """Blocks of rows below each other, in two columns if there is room for them.

    A subclass draws a block with `draw_block`, and requests blocks that it does not have with `request_blocks`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "difference(1)", "Next difference", id="difference.next"),
        Binding("N", "difference(-1)", "Previous", id="difference.previous"),
        Binding("o", "full", "Show in full", id="difference.full"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff-view--left",
        "diff-view--left-words",
        "diff-view--right",
        "diff-view--right-words",
    }
    """See `DiffStyles`."""

    DEFAULT_CSS = """
    DiffView {
        & > .diff-view--left { color: $text-error; text-style: bold; }
        & > .diff-view--left-words { color: $text-error; background: $error-muted; }
        & > .diff-view--right { color: $text-success; text-style: bold; }
        & > .diff-view--right-words { color: $text-success; background: $success-muted; }
        &:ansi > .diff-view--left-words { text-style: reverse; }
        &:ansi > .diff-view--right-words { text-style: reverse; }
        &:nocolor > .diff-view--left-words { text-style: bold underline; }
        &:nocolor > .diff-view--right-words { text-style: bold underline; }
    }
    """

    ALLOW_SELECT = False

    _ESTIMATE = 12

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._drawn: LRUCache[int, Block] = LRUCache(_CAPACITY)
        self._drawn_in: DiffStyles | None = None
        self._side = 0
        self._full = False
        self._seek_step = 0
        self._seek_from = (0, 0)

    def draw_block(self, position: int, styles: DiffStyles, *, full: bool) -> Block | None:
        """Draw a block; return None if it is not known yet.

        Args:
            position: Index of the block.
            styles: The styles.
            full: Whether to show in full what both sides have.
        """
        raise NotImplementedError

    def block_differs(self, position: int) -> bool | None:  # noqa: ARG002 any block may
        """Return whether a block has a difference, if that is known without drawing it; None if it was not read."""
        return True

    def request_ahead(self, position: int, step: int) -> None:
        """Request a block that was not read, and perhaps those after it in the direction of `step`."""
        raise NotImplementedError

    @property
    def column_count(self) -> int:
        """2 if the sides are next to each other, 1 if they are one below the other."""
        return 2 if self.size.width >= _TWO_COLUMNS_WIDTH else 1

    @property
    def column_width(self) -> int:
        """Cells of a column."""
        # The last cell keeps text off the scrollbar.
        room = max(self.scrollable_content_region.width - MARGIN - 1, 1)
        return room if self.column_count == 1 else (room - _SEPARATOR_WIDTH) // 2

    def clear_blocks(self) -> None:
        """Drop all blocks, before others are shown."""
        self._drawn.clear()
        self._seek_step = 0

    def block_changed(self, position: int) -> None:
        """Draw a block again when it is next needed."""
        self._drawn.discard(position)
        self.invalidate(position)

    # Drawing

    def measure(self, position: int) -> int | None:
        block = self.block(position)
        return None if block is None else len(block.rows)

    def line(self, position: int, number: int) -> Line:
        block = self.block(position)
        if block is None or number >= len(block.rows):
            is_waiting = block is None and number == 0
            return Line([Segment("…" if is_waiting else "", self.item_styles.muted)])
        row = block.rows[number]
        has_cursor = (position, number) == self.cursor and self.has_focus
        cursor_style = self.get_component_rich_style("cursor-view--cursor") if has_cursor else Style.null()
        if self.column_count == 1:
            return Line(_padded(row.left, self.column_width, cursor_style))
        backgrounds = [cursor_style if side == self._side else Style.null() for side in (0, 1)]
        if has_cursor and self._side:
            separator = Segment(" ▌ ", self.foreground_style("cursor-view--bar"))
        else:
            separator = Segment(" │ ", self.item_styles.muted)
        left = _padded(row.left, self.column_width, backgrounds[0])
        return Line([*left, separator, *_padded(row.right, self.column_width, backgrounds[1])])

    def left_edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """Return a bar for the line under the cursor, unless the right side is chosen."""
        if self.column_count == 2 and self._side:
            return Segment(" "), self.rich_style
        return super().left_edge(position, number)

    def block(self, position: int) -> Block | None:
        """Return a block; None if it is not known yet."""
        styles = DiffStyles(
            self.item_styles,
            self.foreground_style("diff-view--left"),
            self.foreground_style("diff-view--right"),
            self.get_component_rich_style("diff-view--left-words"),
            self.get_component_rich_style("diff-view--right-words"),
        )
        if styles != self._drawn_in:
            self._drawn.clear()
            self._drawn_in = styles
        drawn = self._drawn.get(position)
        if drawn is None:
            drawn = self.draw_block(position, styles, full=self._full)
            if drawn is not None:
                self._drawn[position] = drawn
        return drawn

    def on_size(self) -> None:
        """Draw in the current width."""
        self._drawn.clear()
        super().on_size()

    # Moving

    def action_difference(self, step: int) -> None:
        """Go to the next (1) or previous (-1) difference, even if its block must be read first."""
        self._seek_step, self._seek_from = step, self.cursor
        self.seek_on()

    def seek_on(self) -> None:
        """Go on to the difference that the user asked for, if any; request the blocks before it that were not read."""
        step, (position, number) = self._seek_step, self._seek_from
        if not step:
            return
        while 0 <= position < self.count:
            differs = self.block_differs(position)
            if differs is None:
                self._seek_from = position, number
                self.request_ahead(position, step)
                return
            # A block without a difference need not be drawn.
            block = self.block(position) if differs else None
            differences = block.differences if block is not None else ()
            ahead = [row for row in differences if (row > number if step > 0 else row < number)]
            if ahead:
                self._seek_step = 0
                self.go_to(position, ahead[0] if step > 0 else ahead[-1])
                return
            position += step
            number = -1 if step > 0 else sys.maxsize
        self._seek_step = 0
        self.app.bell()

    def action_full(self) -> None:
        """Toggle between showing common items in full and shortened."""
        self._full = not self._full
        self._drawn.clear()
        self._viewport.reset(self.count)
        self.go_to(self.cursor[0], changed=True)


def _padded(cells: Sequence[Segment], width: int, background: Style) -> list[Segment]:
    """Return segments cut or padded to a width, over a background."""
    padded = Segment.adjust_line_length(list(cells), width)
    return [Segment(text, background + style if style else background) for text, style, _ in padded]
