"""Widgets that draw row by row, without border and padding."""

from __future__ import annotations

from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

__all__ = ["BorderlessRows"]


class BorderlessRows(Widget):
    """A widget without border and padding that draws its own rows.

    Textual caches each row together with its border, and empties that cache whenever anything scrolls. Without a border
    the widget can cache its rows itself.
    """

    _backgrounds: tuple[Style, Color] | None = None
    _foregrounds: dict[str, Style] | None = None

    @property
    def background_style(self) -> Style:
        """The style behind the rows, and beside rows that are shorter than the widget."""
        return self._background()[0]

    def _background(self) -> tuple[Style, Color]:
        if self._backgrounds is None:
            self._backgrounds = self.rich_style, self.background_colors[1]
        return self._backgrounds

    def notify_style_update(self) -> None:
        """Drop the colours of the previous theme."""
        super().notify_style_update()
        self._backgrounds = self._foregrounds = None

    def foreground_style(self, name: str) -> Style:
        """Return the style of a component class without its background, to be drawn over any background."""
        if self._foregrounds is None:
            self._foregrounds = {}
        if name not in self._foregrounds:
            style = self.get_component_rich_style(name)
            self._foregrounds[name] = Style(
                color=style.color,
                bold=style.bold,
                dim=style.dim,
                italic=style.italic,
                underline=style.underline,
                reverse=style.reverse,
                strike=style.strike,
            )
        return self._foregrounds[name]

    def draw(self, y: int) -> Strip:
        """Draw a row of the screen; unlike `render_line`, it may omit padding and metadata for the mouse."""
        return self.render_line(y)

    def render_lines(self, crop: Region) -> list[Strip]:
        width, (style, background) = self.size.width, self._background()
        strips = [self.draw(y).adjust_cell_length(width, style) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, width):
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips
