"""A list of rows under headings: the lists of the help and of menus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from textwrap import wrap
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.printable import printable_line

__all__ = ["Row", "SectionList"]

_MARGIN: Final = 2


class Row(NamedTuple):
    """A row of the list.

    Attributes:
        key: The id of its option; unique among the rows.
        section: Its heading, which is shown above the first of consecutive rows; may be empty.
        text: Its words, which take further lines where they do not fit; may contain untrusted text.
        left: Keys or a sign before the words.
        right: Keys after the words.
    """

    key: str
    section: str
    text: str
    left: str = ""
    right: str = ""


class SectionList(OptionList, can_focus=False):
    """A list of rows under headings, whose highlight another widget moves. A row's key is the id of its option."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"sections--heading", "sections--keys"}

    DEFAULT_CSS = """
    SectionList {
        background: transparent;
        scrollbar-size-vertical: 1;

        & > .sections--heading { color: $text-accent; text-style: bold; }
        & > .sections--keys { text-style: bold; }
        & > .option-list--option-disabled { color: $foreground-muted; }
        & > .option-list--option-highlighted { color: $block-cursor-blurred-foreground; }
        &:nocolor > .option-list--option-highlighted { text-style: bold underline; }
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)

    @property
    def key(self) -> str | None:
        """Key of the highlighted row; None if there is none."""
        return self.highlighted_option.id if self.highlighted_option is not None else None

    def show(self, rows: Iterable[Row], highlight: str | None = None, empty: str = "no match") -> None:
        """Replace the rows, and highlight one of them, by default the first."""
        rows = tuple(rows)
        left = max((cell_len(row.left) for row in rows), default=0)
        self.set_options(list(_options(rows, left)) or [Option(" " * _MARGIN + empty, disabled=True)])
        keys = [option.id for option in self.options]
        if highlight is not None and highlight in keys:
            self.highlighted = keys.index(highlight)
        elif rows:
            self.highlighted = next(index for index, option in enumerate(self.options) if not option.disabled)
            self.scroll_home(animate=False, immediate=True)

    def move(self, lines: int) -> None:
        """Move the highlight by a number of rows, over headings; it stops at the ends."""
        options, index = self.options, self.highlighted
        if index is None:
            return
        rows = [number for number, option in enumerate(options) if not option.disabled]
        place = min(max(rows.index(index) + lines, 0), len(rows) - 1)
        self.highlighted = rows[place]
        if not place:
            self.scroll_home(animate=False, immediate=True)

    def move_page(self, pages: int) -> None:
        """Move the highlight by a number of pages."""
        self.move(pages * max(1, self.scrollable_content_region.height - 1))


def _options(rows: tuple[Row, ...], left: int) -> Iterator[Option]:
    section = ""
    for number, row in enumerate(rows):
        if row.section != section:
            section = row.section
            if number:
                yield Option("", disabled=True)
            if section:
                heading = Content.assemble(" " * _MARGIN, (printable_line(section), ".sections--heading"))
                yield Option(heading, disabled=True)
        yield Option(_RowLines(row, left), row.key)


class _RowLines(Visual):
    """The lines of a row: keys or a sign, the words, and keys at the right."""

    def __init__(self, row: Row, left: int) -> None:
        self._row = row
        self._left = left
        self._text = printable_line(row.text)

    def _indent(self, width: int) -> int:
        return _MARGIN + (min(self._left, max(8, width // 3)) + 2 if self._left else 0)

    def _lines(self, width: int) -> list[str]:
        right = cell_len(self._row.right) + 2 if self._row.right else 0
        return _wrap(self._text, max(width - self._indent(width) - _MARGIN - right, 8))

    def render_strips(
        self,
        width: int,
        height: int | None,  # noqa: ARG002 a row takes as many lines as its words need
        style: Style,
        options: RenderOptions,
    ) -> list[Strip]:
        indent, row = self._indent(width), self._row
        strips = []
        for number, line in enumerate(self._lines(width)):
            left = right = ""
            if not number:
                left = set_cell_size(" " * max(indent - _MARGIN - 2 - cell_len(row.left), 0) + row.left, indent - 4)
                right = row.right
            gap = " " * max(width - indent - cell_len(line) - cell_len(right) - _MARGIN, 0)
            head = f"{' ' * _MARGIN}{left}".ljust(indent) if self._left else " " * indent
            content = Content.assemble((head, ".sections--keys"), line, gap, (right, ".sections--keys"), " " * _MARGIN)
            strips += content.truncate(width).render_strips(width, 1, style, options)
        return strips

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002
        return len(self._lines(width))


@lru_cache(512)
def _wrap(text: str, width: int) -> list[str]:
    return wrap(text, width) or [""]
