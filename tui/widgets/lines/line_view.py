"""A scroll view over blocks of lines, of which only what is in sight is ever drawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import ceil
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size

from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import StableScrollView
from tui.render import Line, Palette
from tui.widgets.lines.paint import MARGIN
from tui.widgets.lines.viewport import Viewport

__all__ = ["LineView"]

_WIDEST: Final = 120
_PARTS: Final = 8
"""Parts of a cell that a scrollbar can show."""


class LineView(StableScrollView, BorderlessRows):
    """A window on blocks of lines, with a palette that follows the theme.

    The flow's anchor is the truth. `virtual_size` and `scroll_y` are derived from it in `settle`; whatever else sets
    `scroll_y` moves the anchor.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"item--{name}" for name in Palette._fields}
    """
    | Class | Description |
    | :- | :- |
    | `item--text` | Running text. |
    | `item--muted` | Roles, times, marks, urls. |
    | `item--title` | Numbers of turns, headings. |
    | `item--tool` | Names of tools. |
    | `item--error` | What failed. |
    | `item--link` | Links. |
    | `item--quote` | Quotations and thoughts. |
    | `item--code` | Code within a line. |
    | `item--keyword` | In code: words of the language. |
    | `item--string` | In code: strings. |
    | `item--number` | In code: numbers and constants. |
    | `item--comment` | In code: comments. |
    | `item--name` | In code: names being defined, keys. |
    | `item--added` | Lines that a patch adds. |
    | `item--removed` | Lines that a patch removes. |
    """

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

    def __init__(
        self,
        flow: Viewport,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """Create a view.

        Args:
            flow: The column of blocks.
            name: The name of the widget.
            id: The id of the widget in the DOM.
            classes: The CSS classes of the widget.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._flow = flow
        self._palette: Palette | None = None
        self._styles: dict[str, Style] = {}
        self._deriving = False
        self._thumb: tuple[int, bool, int, int] | None = None
        self.rows: list[tuple[int, int]] = []
        """Block and line of it on each row in sight."""

    def line(self, position: int, number: int) -> Line:
        """A line of a block in sight, known or not."""
        raise NotImplementedError

    def edge(self, position: int, number: int) -> tuple[Segment, Style]:
        """The cell at the left of a line, and what lies behind the line."""
        raise NotImplementedError

    def mark(self, position: int, number: int) -> Segment | None:
        """What stands after the content of a line and is no part of it; at most one cell."""
        raise NotImplementedError

    def ask(self) -> None:
        """Ask for what is in sight and not at hand."""
        raise NotImplementedError

    def refresh_rows(self) -> None:
        """Draw anew what is in sight."""
        self.refresh()

    @property
    def palette(self) -> Palette:
        """The styles of an item's parts in the current theme."""
        if self._palette is None:
            names = Palette._fields
            self._palette = Palette(**{name: self.part_style(f"item--{name}") for name in names})
        return self._palette

    def part_style(self, name: str) -> Style:
        """The style of a component class without its background, so that what lies behind it shows through."""
        if name not in self._styles:
            self._styles[name] = self._part_style(name)
        return self._styles[name]

    def _part_style(self, name: str) -> Style:
        style = self.get_component_rich_style(name)
        return Style(
            color=style.color,
            bold=style.bold,
            dim=style.dim,
            italic=style.italic,
            underline=style.underline,
            reverse=style.reverse,
            strike=style.strike,
        )

    def notify_style_update(self) -> None:
        """Make the palette anew when it is next needed."""
        super().notify_style_update()
        self._palette = None
        self._styles.clear()

    @property
    def text_width(self) -> int:
        """Cells of a line of text."""
        return max(min(self.scrollable_content_region.width - MARGIN - 1, _WIDEST), 1)

    def align(self) -> bool:
        """Find the rows that are in sight from the anchor; whether there is room for any."""
        self._flow.height = self.container_size.height
        if not self.is_mounted or not self._flow.height:
            return False
        self._flow.settle()
        self.rows = self._flow.rows()
        return True

    def settle(self) -> None:
        """Bring in line what is derived from the anchor, and ask for what came into sight."""
        if not self.align():
            return
        self._deriving = True
        try:
            self.virtual_size = Size(self.scrollable_content_region.width, self._flow.total)
            self.scroll_y = self.scroll_target_y = self._flow.top
        finally:
            self._deriving = False
        self._refresh_scrollbar()
        self.refresh_rows()
        self.ask()

    def watch_virtual_size(self, size: Size) -> None:
        """Leave the scrollbar to `settle`."""

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Let a scrollbar that comes show where it stands: it was not told while it was away."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def _refresh_scrollbar(self) -> None:
        """Draw the scrollbar anew where that shows: a page of a long conversation is less than an eighth of a cell."""
        height, total = self._flow.height, self._flow.total
        length = max(height * height / max(total, 1), 1)
        start = (height - length) * self._flow.top / max(total - height, 1)
        thumb = height, total > height, int(start * _PARTS), ceil(length * _PARTS)
        if thumb != self._thumb:
            self._thumb = thumb
            self._scroll_update(self.virtual_size)
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the scrollbar, the wheel and a selection dragged beyond the edge."""
        lines = round(new_value) - round(old_value)
        if self._deriving or not lines or self._fitted != self.size:
            return
        if new_value >= self.max_scroll_y:
            self._flow.end()
        elif abs(lines) <= 2 * self._flow.height:
            self._flow.move(lines)
        else:
            self._flow.seek(round(new_value))
        self.settle()

    def scroll_to(
        self,
        x: float | None = None,
        y: float | None = None,
        *,
        force: bool = False,
        on_complete: Callable[[], Awaitable[None]] | Callable[[], None] | None = None,
        **_animation: object,
    ) -> None:
        """Scroll to a line, at once: a way of many thousand lines is not animated."""
        super().scroll_to(x, y, animate=False, force=force, on_complete=on_complete)
