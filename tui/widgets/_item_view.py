"""The styles of rendered items, for every pane that shows some."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.scroll_view import ScrollView

from tui.render import Palette

__all__ = ["ItemView"]


class ItemView(ScrollView):
    """A scroll view with a palette that follows the theme."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"item--{name}" for name in Palette.__dataclass_fields__}
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
    ItemView {
        background: $surface;
        color: $foreground;

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

    _palette: Palette | None = None

    @property
    def palette(self) -> Palette:
        """The styles of an item's parts in the current theme."""
        if self._palette is None:
            names = Palette.__dataclass_fields__
            self._palette = Palette(**{name: self.part_style(f"item--{name}") for name in names})
        return self._palette

    def part_style(self, name: str) -> Style:
        """The style of a component class without its background, so that what lies behind it shows through."""
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
