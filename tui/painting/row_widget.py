"""Widgets that draw row by row, with nothing round their rows."""

from __future__ import annotations

from typing import Self

from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from tui.painting.deferred_refresh import SuspendableRefresh

__all__ = ["BorderlessRows", "RowScrollBar"]


class BorderlessRows(SuspendableRefresh):
    """A widget without border and padding.

    Textual keeps what it puts round a row. Here nothing is put, and who draws may keep what is worth it.
    """

    _ground: tuple[Style, Color] | None = None

    @property
    def ground(self) -> Style:
        """What lies behind the rows, and beside those that are too short."""
        return self._grounds()[0]

    def _grounds(self) -> tuple[Style, Color]:
        if self._ground is None:
            self._ground = self.rich_style, self.background_colors[1]
        return self._ground

    def notify_style_update(self) -> None:
        """Take in another theme, or other classes."""
        super().notify_style_update()
        self._ground = None

    def draw(self, y: int) -> Strip:
        """One row, of any length. Of `render_line` the mouse is told as well which text it is at."""
        return self.render_line(y)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw rows."""
        width, (ground, background) = self.size.width, self._grounds()
        strips = [self.draw(y).adjust_cell_length(width, ground) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, width):
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips


class RowScrollBar(ScrollBar, BorderlessRows):
    """A scrollbar that draws the cells that look alike once."""

    _cells: list[Strip] | None = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew."""
        self._cells = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_line(self, y: int) -> Strip:
        """One row."""
        if self._cells is None:
            width, height = self.size
            console = self.app.console
            drawn = console.render(self.render(), console.options.update(width=width, height=height))
            segments = [segment for segment in drawn if segment.text != "\n"]
            alike = {id(segment): Strip([segment], width) for segment in segments}
            self._cells = [alike[id(segment)] for segment in segments]
        return self._cells[y] if y < len(self._cells) else Strip([])
