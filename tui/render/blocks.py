"""The blocks of a Markdown document: paragraphs, lists, quotations, code, tables."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final, TypeVar, cast

from markdown_it.token import Token
from rich.segment import Segment
from rich.style import Style

from tui.render.code import IncrementalCode, code_lines, text_lines
from tui.render.inline import Environment, inline_parts, inline_segments
from tui.render.lines import Line, indent
from tui.render.styles import ItemStyles
from tui.render.table import table_lines
from tui.render.wrapping import wrap

__all__ = ["BlockRenderer", "LeafRenderer"]

_QUOTE_BAR: Final = "▎ "

DrawnT = TypeVar("DrawnT")


class LeafRenderer:
    """Draws blocks that contain no other blocks, and caches the results of the current and the previous update."""

    def __init__(self, styles: ItemStyles) -> None:
        self._styles = styles
        self._environment: Environment = {}
        self._environment_version = 0
        self._drawn: dict[Hashable, object] = {}
        self._previously_drawn: dict[Hashable, object] = {}
        self._code: tuple[str, int, IncrementalCode] | None = None

    def set_environment(self, environment: Environment) -> None:
        """Change the targets of link references."""
        self._environment = environment
        self._environment_version += 1

    def begin_update(self) -> None:
        """Drop the results that the previous update did not use."""
        self._previously_drawn, self._drawn = self._drawn, {}

    def segments(self, text: str, style: Style) -> list[Segment]:
        """Draw the text of a paragraph, a heading or a cell without wrapping it."""
        return [segment for part in inline_parts(text) for segment in self._part_segments(part, style)]

    def paragraph(self, text: str, room: int, style: Style) -> Sequence[Line]:
        """Draw a paragraph or a heading."""
        key = (text, room, style, self._version_for(text))
        return self._cached(key, lambda: list(wrap(self.segments(text, style), room)))

    def code(self, code: str, language: str, room: int, *, growing: bool) -> Sequence[Line]:
        """Draw a block of code; the newest lines of growing code may not have their final colours."""
        if not growing:
            return self._cached((code, language, room), lambda: list(code_lines(code, language, room, self._styles)))
        if self._code is None or self._code[:2] != (language, room):
            self._code = language, room, IncrementalCode(language, room, self._styles)
        return self._code[2].update(code)

    def row(self, cells: Sequence[Hashable], layout: Hashable, draw: Callable[[], Iterable[Line]]) -> Iterable[Line]:
        """Draw a row of a table, given its cells and the layout of the columns."""
        return self._cached((*cells, layout, self._version_for(str(cells))), lambda: list(draw()))

    def _part_segments(self, text: str, style: Style) -> list[Segment]:
        key = (text, style, self._version_for(text))
        return self._cached(key, lambda: list(inline_segments(text, style, self._styles, self._environment)))

    def _version_for(self, text: str) -> int:
        """Return a part of a cache key that changes with the environment, if the text may contain links."""
        return self._environment_version if "[" in text else 0

    def _cached(self, key: Hashable, draw: Callable[[], DrawnT]) -> DrawnT:
        found = self._drawn.get(key)
        if found is None:
            found = self._previously_drawn.get(key)
            self._drawn[key] = found = draw() if found is None else found
        return cast(DrawnT, found)


class BlockRenderer:
    """Draws the parser's tokens in one pass, with the prefixes of the open lists and quotations."""

    def __init__(
        self, styles: ItemStyles, width: int, leaves: LeafRenderer, *, gap: bool = False, end: int = -1
    ) -> None:
        """Create a renderer.

        Args:
            styles: The styles.
            width: Cells of a line.
            leaves: Draws the blocks that contain no others.
            gap: Whether a blank line is due before the first block.
            end: Number of lines of the source if its last block may grow.
        """
        self._styles = styles
        self._width = width
        self._leaves = leaves
        self._end = end
        self._prefixes: list[tuple[Segment, Segment]] = []
        self._drawn_prefixes = 0
        self._numbers: list[int | None] = []
        self.gap = gap
        """True if a blank line is due before the next block."""

    def lines(self, tokens: Sequence[Token]) -> Iterator[Line]:
        """Draw blocks of the outermost level, given all of their tokens."""
        styles = self._styles
        style = styles.text
        quotes = 0
        index = 0
        while index < len(tokens):
            token = tokens[index]
            index += 1
            match token.type:
                case "inline":
                    opener = tokens[index - 2]
                    text_style = styles.title if opener.type == "heading_open" else style
                    paragraph = self._leaves.paragraph(token.content, self._room, text_style)
                    yield from self._block(paragraph, loose=not opener.hidden)
                case "fence" | "code_block":
                    language = token.info.split()[0] if token.info.split() else ""
                    growing = token.map is not None and token.map[1] == self._end and not _is_closed(token)
                    yield from self._block(self._leaves.code(token.content, language, self._room, growing=growing))
                case "hr":
                    yield from self._block([Line([Segment("─" * self._room, styles.muted)])])
                case "table_open":
                    end = next(at for at in range(index, len(tokens)) if tokens[at].type == "table_close")
                    yield from self._block(self._table(tokens[index:end]))
                    index = end + 1
                case "bullet_list_open":
                    self._numbers.append(None)
                case "ordered_list_open":
                    self._numbers.append(int(token.attrs.get("start", 1)))
                case "bullet_list_close" | "ordered_list_close":
                    self._numbers.pop()
                    self.gap = self.gap or not self._numbers
                case "list_item_open":
                    self._open(self._marker(), " ")
                case "list_item_close":
                    self._close()
                case "blockquote_open":
                    quotes += 1
                    style = styles.quote
                    self._open(_QUOTE_BAR, _QUOTE_BAR)
                case "blockquote_close":
                    quotes -= 1
                    style = styles.quote if quotes else styles.text
                    self._close()

    def plain(self, text: str) -> Iterator[Line]:
        """Draw the source of a block of the outermost level as plain text."""
        yield from self._block(text_lines(text, self._width, self._styles.text, self._styles))

    @property
    def _room(self) -> int:
        return max(self._width - sum(max(first.cell_length, rest.cell_length) for first, rest in self._prefixes), 1)

    def _open(self, first: str, rest: str) -> None:
        # Deep nesting must leave room for the text: drop the indent first, then the mark.
        room = self._room - len(first)
        first = first if room >= max(self._width // 4, 2) else ""
        rest = rest.ljust(len(first)) if room >= max(self._width // 2, 2) else ""
        muted = self._styles.muted
        self._prefixes.append((Segment(first, muted), Segment(rest, muted)))

    def _close(self) -> None:
        self._prefixes.pop()
        self._drawn_prefixes = min(self._drawn_prefixes, len(self._prefixes))

    def _marker(self) -> str:
        number = self._numbers[-1]
        if number is None:
            return "• "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _block(self, lines: Iterable[Line], *, loose: bool = True) -> Iterator[Line]:
        """Add the prefixes to the lines of a block, and a blank line before it if one is due."""
        rest = tuple(rest for _, rest in self._prefixes)
        if self.gap:
            yield Line([], rest[: self._drawn_prefixes])
        opened = [first for first, _ in self._prefixes[self._drawn_prefixes :]]
        marks = (at for at, first in enumerate(opened) if first.text.strip() and first.text != _QUOTE_BAR)
        mark = next(marks, len(opened))
        first = (*rest[: self._drawn_prefixes], *opened[:mark])
        self._drawn_prefixes = len(self._prefixes)
        self.gap = loose
        for number, line in enumerate(indent(lines, first, rest)):
            # The mark of a list item is copied with its text.
            yield line._replace(content=[*opened[mark:], *line.content]) if number == 0 and opened[mark:] else line

    def _table(self, tokens: Sequence[Token]) -> Iterator[Line]:
        rows: list[list[list[Segment]]] = []
        texts: list[list[str]] = []
        alignments: list[str] = []
        header = True
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
                texts.append([])
            elif token.type == "th_open":
                alignments.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
            elif token.type == "thead_close":
                header = False
            elif token.type == "inline":
                style = self._styles.title if header else self._styles.text
                rows[-1].append(self._leaves.segments(token.content, style))
                texts[-1].append(token.content)

        def draw_row(number: int, widths: Sequence[int], draw: Callable[[], Iterable[Line]]) -> Iterable[Line]:
            return self._leaves.row((number == 0, *texts[number]), (*widths, *alignments), draw)

        return table_lines(rows, alignments, self._room, self._styles, draw_row)


def _is_closed(fence: Token) -> bool:
    """Return whether a fence has its closing line."""
    lines = fence.content.count("\n") + (bool(fence.content) and not fence.content.endswith("\n"))
    return fence.map is not None and fence.map[1] - fence.map[0] > lines + 1
