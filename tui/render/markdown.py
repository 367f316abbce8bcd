"""Markdown to lines: what models write, at any width, with nothing of it acting on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.segment import Segment
from rich.style import Style

from tui.render.code import code_lines, text_lines
from tui.render.palette import Palette
from tui.render.table import table_lines
from tui.render.text import Line, indented, printable, wrap

__all__ = ["link_style", "markdown_lines"]

# Parsing takes some 4 µs for each character; what follows is drawn as plain text.
_PARSED = 20_000
_URL_SHOWN = 300
_BAR = "▎ "
# The parser drops what is nested deeper.
_DEEPEST = 60


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


def link_style(url: str, style: Style) -> Style:
    """The style that carries a web address to the click that may open it; only http and https are carried."""
    if url.startswith(("http://", "https://")):
        return style + Style(meta={"link": url})
    return style


def markdown_lines(text: str, width: int, palette: Palette) -> Iterator[Line]:
    """Markdown as lines of at most `width` cells."""
    tail = ""
    if len(text) > _PARSED:
        cut = text.rfind("\n\n", 0, _PARSED)
        cut = _PARSED if cut <= 0 else cut
        text, tail = text[:cut], text[cut:].lstrip("\n")
    text = printable(text)
    tokens = _parser().parse(text)
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        yield from text_lines(text, width, palette.text, palette)
    else:
        yield from _Blocks(palette, width).lines(tokens)
    if tail:
        yield Line([])
        yield from text_lines(tail, width, palette.text, palette)


class _Blocks:
    """Walks the parser's tokens once, with the prefixes of the open lists and quotations."""

    def __init__(self, palette: Palette, width: int) -> None:
        self._palette = palette
        self._width = width
        self._prefixes: list[tuple[Segment, Segment]] = []
        self._fresh = 0
        self._numbers: list[int | None] = []
        self._gap = False

    def lines(self, tokens: Sequence[Token]) -> Iterator[Line]:
        palette = self._palette
        style = palette.text
        quotes = 0
        index = 0
        while index < len(tokens):
            token = tokens[index]
            index += 1
            match token.type:
                case "inline":
                    opener = tokens[index - 2]
                    shown = palette.title if opener.type == "heading_open" else style
                    spans = list(inline_spans(token.children or [], shown, palette))
                    yield from self._block(wrap(spans, self._room), loose=not opener.hidden)
                case "fence" | "code_block":
                    language = token.info.split()[0] if token.info.split() else ""
                    yield from self._block(code_lines(token.content, language, self._room, palette))
                case "html_block":
                    yield from self._block(text_lines(token.content.rstrip("\n"), self._room, style, palette))
                case "hr":
                    yield from self._block(iter([Line([Segment("─" * self._room, palette.muted)])]))
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
                    self._gap = self._gap or not self._numbers
                case "list_item_open":
                    self._open(self._marker(), " ")
                case "list_item_close":
                    self._close()
                case "blockquote_open":
                    quotes += 1
                    style = palette.quote
                    self._open(_BAR, _BAR)
                case "blockquote_close":
                    quotes -= 1
                    style = palette.quote if quotes else palette.text
                    self._close()

    @property
    def _room(self) -> int:
        return max(self._width - sum(max(first.cell_length, rest.cell_length) for first, rest in self._prefixes), 1)

    def _open(self, first: str, rest: str) -> None:
        # Deep nesting must leave room for the words: first the indent goes, then the mark.
        left = self._room - len(first)
        first = first if left >= max(self._width // 4, 2) else ""
        rest = rest.ljust(len(first)) if left >= max(self._width // 2, 2) else ""
        muted = self._palette.muted
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

    def _block(self, lines: Iterator[Line], *, loose: bool = True) -> Iterator[Line]:
        rest = tuple(rest for _, rest in self._prefixes)
        if self._gap:
            yield Line([], rest[: self._fresh])
        begun = [first for first, _ in self._prefixes[self._fresh :]]
        mark = next((at for at, first in enumerate(begun) if first.text.strip() and first.text != _BAR), len(begun))
        first = (*rest[: self._fresh], *begun[:mark])
        self._fresh = len(self._prefixes)
        self._gap = loose
        for number, line in enumerate(indented(lines, first, rest)):
            # The mark of a list item is copied with its words.
            yield line._replace(content=[*begun[mark:], *line.content]) if number == 0 and begun[mark:] else line

    def _table(self, tokens: Sequence[Token]) -> Iterator[Line]:
        rows: list[list[list[Segment]]] = []
        alignments: list[str] = []
        header = True
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "th_open":
                alignments.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
            elif token.type == "thead_close":
                header = False
            elif token.type == "inline":
                shown = self._palette.title if header else self._palette.text
                rows[-1].append(list(inline_spans(token.children or [], shown, self._palette)))
        return table_lines(rows, alignments, self._room, self._palette)


def inline_spans(tokens: Sequence[Token], style: Style, palette: Palette) -> Iterator[Segment]:
    """The pieces of a paragraph in their styles."""
    styles = [style]
    link, words = "", ""
    for token in tokens:
        match token.type:
            case "text" | "html_inline" | "text_special":
                words += token.content
                yield Segment(token.content, styles[-1])
            case "code_inline":
                words += token.content
                yield Segment(token.content, styles[-1] + palette.code)
            case "softbreak" | "hardbreak":
                yield Segment("\n", styles[-1])
            case "strong_open":
                styles.append(styles[-1] + Style(bold=True))
            case "em_open":
                styles.append(styles[-1] + Style(italic=True))
            case "s_open":
                styles.append(styles[-1] + Style(strike=True))
            case "link_open":
                link, words = str(token.attrs.get("href", "")), ""
                styles.append(link_style(link, styles[-1] + palette.link))
            case "link_close":
                styles.pop()
                if link not in (words, f"mailto:{words}"):
                    yield Segment(f" ({_url(link)})", link_style(link, palette.muted))
            case "image":
                source = str(token.attrs.get("src", ""))
                yield Segment(f"▣ {token.content or 'image'}", styles[-1])
                yield Segment(f" ({_url(source)})", link_style(source, palette.muted))
            case "strong_close" | "em_close" | "s_close":
                styles.pop()


def _url(url: str) -> str:
    url = printable(url)
    return url if len(url) <= _URL_SHOWN else url[: _URL_SHOWN - 1] + "…"
