"""The blocks of a markdown document: paragraphs, lists, quotations, code, tables."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar, cast

from markdown_it.token import Token
from rich.segment import Segment
from rich.style import Style

from tui.render.code import IncrementalCode, code_lines, text_lines
from tui.render.inline import Environment, inline_pieces, inline_spans
from tui.render.lines import Line, indent
from tui.render.styles import ItemStyles
from tui.render.table import table_lines
from tui.render.wrapping import wrap

__all__ = ["Blocks", "Leaves"]

_BAR = "▎ "

DrawnT = TypeVar("DrawnT")


class Leaves:
    """Draws what holds no other blocks, and draws the same thing once while it comes again and again."""

    def __init__(self, styles: ItemStyles) -> None:
        self._styles = styles
        self._environment: Environment = {}
        self._drawn: dict[Hashable, object] = {}
        self._before: dict[Hashable, object] = {}
        self._code: tuple[str, int, IncrementalCode] | None = None
        self._era = 0

    def rename(self, environment: Environment) -> None:
        """Let links lead to other addresses."""
        self._environment = environment
        self._era += 1

    def begin(self) -> None:
        """Begin another drawing: what the one before the last has drawn is forgotten."""
        self._before, self._drawn = self._drawn, {}

    def spans(self, words: str, style: Style) -> list[Segment]:
        """The words of a paragraph, a heading or a cell."""
        return [span for piece in inline_pieces(words) for span in self._piece(piece, style)]

    def paragraph(self, words: str, room: int, style: Style) -> Sequence[Line]:
        """A paragraph or a heading."""
        key = (words, room, style, self._era_of(words))
        return self._once(key, lambda: list(wrap(self.spans(words, style), room)))

    def code(self, code: str, language: str, room: int, *, growing: bool) -> Sequence[Line]:
        """A block of code; while it grows its newest lines may have other colours than they will have."""
        if not growing:
            return self._once((code, language, room), lambda: list(code_lines(code, language, room, self._styles)))
        if self._code is None or self._code[:2] != (language, room):
            self._code = language, room, IncrementalCode(language, room, self._styles)
        return self._code[2].update(code)

    def row(self, words: Sequence[Hashable], shape: Hashable, draw: Callable[[], Iterable[Line]]) -> Iterable[Line]:
        """A row of a table, by what is in it and how wide the columns are."""
        return self._once((*words, shape, self._era_of(str(words))), lambda: list(draw()))

    def _piece(self, words: str, style: Style) -> list[Segment]:
        key = (words, style, self._era_of(words))
        return self._once(key, lambda: list(inline_spans(words, style, self._styles, self._environment)))

    def _era_of(self, words: str) -> int:
        return self._era if "[" in words else 0

    def _once(self, key: Hashable, draw: Callable[[], DrawnT]) -> DrawnT:
        found = self._drawn.get(key)
        if found is None:
            found = self._before.get(key)
            self._drawn[key] = found = draw() if found is None else found
        return cast(DrawnT, found)


class Blocks:
    """Walks the parser's tokens once, with the prefixes of the open lists and quotations."""

    def __init__(self, styles: ItemStyles, width: int, leaves: Leaves, *, gap: bool = False, end: int = -1) -> None:
        """Begin.

        Args:
            styles: The styles.
            width: Cells of a line.
            leaves: Draws the blocks that hold no others.
            gap: Whether a blank line is due.
            end: How many lines the source has where it may grow.
        """
        self._styles = styles
        self._width = width
        self._leaves = leaves
        self._end = end
        self._prefixes: list[tuple[Segment, Segment]] = []
        self._fresh = 0
        self._numbers: list[int | None] = []
        self.gap = gap
        """Whether a blank line is due before the next block."""

    def lines(self, tokens: Sequence[Token]) -> Iterator[Line]:
        """Draw whole blocks of the outermost level."""
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
                    shown = styles.title if opener.type == "heading_open" else style
                    paragraph = self._leaves.paragraph(token.content, self._room, shown)
                    yield from self._block(paragraph, loose=not opener.hidden)
                case "fence" | "code_block":
                    language = token.info.split()[0] if token.info.split() else ""
                    growing = token.map is not None and token.map[1] == self._end and not _closed(token)
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
                    self._open(_BAR, _BAR)
                case "blockquote_close":
                    quotes -= 1
                    style = styles.quote if quotes else styles.text
                    self._close()

    def plain(self, text: str) -> Iterator[Line]:
        """Draw a block of the outermost level as it was written."""
        yield from self._block(text_lines(text, self._width, self._styles.text, self._styles))

    @property
    def _room(self) -> int:
        return max(self._width - sum(max(first.cell_length, rest.cell_length) for first, rest in self._prefixes), 1)

    def _open(self, first: str, rest: str) -> None:
        # Deep nesting must leave room for the words: first the indent goes, then the mark.
        left = self._room - len(first)
        first = first if left >= max(self._width // 4, 2) else ""
        rest = rest.ljust(len(first)) if left >= max(self._width // 2, 2) else ""
        muted = self._styles.muted
        self._prefixes.append((Segment(first, muted), Segment(rest, muted)))

    def _close(self) -> None:
        self._prefixes.pop()
        self._fresh = min(self._fresh, len(self._prefixes))

    def _marker(self) -> str:
        number = self._numbers[-1]
        if number is None:
            return "• "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _block(self, lines: Iterable[Line], *, loose: bool = True) -> Iterator[Line]:
        rest = tuple(rest for _, rest in self._prefixes)
        if self.gap:
            yield Line([], rest[: self._fresh])
        begun = [first for first, _ in self._prefixes[self._fresh :]]
        mark = next((at for at, first in enumerate(begun) if first.text.strip() and first.text != _BAR), len(begun))
        first = (*rest[: self._fresh], *begun[:mark])
        self._fresh = len(self._prefixes)
        self.gap = loose
        for number, line in enumerate(indent(lines, first, rest)):
            # The mark of a list item is copied with its words.
            yield line._replace(content=[*begun[mark:], *line.content]) if number == 0 and begun[mark:] else line

    def _table(self, tokens: Sequence[Token]) -> Iterator[Line]:
        rows: list[list[list[Segment]]] = []
        words: list[list[str]] = []
        alignments: list[str] = []
        header = True
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
                words.append([])
            elif token.type == "th_open":
                alignments.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
            elif token.type == "thead_close":
                header = False
            elif token.type == "inline":
                shown = self._styles.title if header else self._styles.text
                rows[-1].append(self._leaves.spans(token.content, shown))
                words[-1].append(token.content)

        def draw(number: int, widths: Sequence[int], make: Callable[[], Iterable[Line]]) -> Iterable[Line]:
            return self._leaves.row((number == 0, *words[number]), (*widths, *alignments), make)

        return table_lines(rows, alignments, self._room, self._styles, draw)


def _closed(fence: Token) -> bool:
    """Whether a fence has its closing line."""
    lines = fence.content.count("\n") + (bool(fence.content) and not fence.content.endswith("\n"))
    return fence.map is not None and fence.map[1] - fence.map[0] > lines + 1
