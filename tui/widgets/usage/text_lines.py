"""A widget of lines of text that a function writes for the widget's width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import FixedSize

__all__ = ["TextLines"]


class TextLines(FixedSize, BorderlessRows):
    """Shows lines that a function writes, and redraws only the changed lines."""

    def __init__(self, write: Callable[[int], Sequence[Content]], classes: str) -> None:
        """Create the widget, given a function that returns the lines for a width."""
        super().__init__(classes=classes)
        self._write = write
        self._width = 0
        self._lines: Sequence[Content] = ()
        self._painted: dict[int, Strip] = {}
        self._selection: Selection | None = None

    def update(self) -> None:
        """Write the lines again, and redraw the changed lines."""
        before = self._lines
        self._write_lines()
        changed = [y for y, lines in enumerate(zip_longest(before, self._lines)) if not _is_same(*lines)]
        for y in changed:
            self._painted.pop(y, None)
        if changed:
            self.refresh(*(Region(0, y, self._width, 1) for y in changed))

    def _write_lines(self) -> None:
        self._width = self.size.width
        self._lines = self._write(self._width) if self._width else ()

    def draw(self, y: int) -> Strip:
        if self._width != self.size.width:
            self._painted.clear()
            self._write_lines()
        if y >= len(self._lines):
            return Strip([])
        if self._selection is not None and (span := self._selection.get_span(y)):
            start, end = span
            selection_style = self.screen.get_visual_style("screen--selection")
            return self._paint(self._lines[y].stylize(selection_style, start, None if end < 0 else end))
        if y not in self._painted:
            self._painted[y] = self._paint(self._lines[y])
        return self._painted[y]

    def _paint(self, line: Content) -> Strip:
        base = self.visual_style
        parts = line.render(base, end="", parse_style=partial(Style.parse, variables=self.app.theme_variables))
        return Strip(Segment(text, (base + style).rich_style) for text, style in parts)

    def render_line(self, y: int) -> Strip:
        """Draw a line with the offsets that the mouse needs to select text."""
        return self.draw(y).apply_offsets(0, y)

    def selection_updated(self, selection: Selection | None) -> None:
        self._selection = selection
        super().selection_updated(selection)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def notify_style_update(self) -> None:
        """Forget the lines in the colours of the previous theme."""
        super().notify_style_update()
        self._width = 0


def _is_same(before: Content | None, after: Content | None) -> bool:
    return before is not None and after is not None and before.is_same(after)
