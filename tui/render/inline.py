"""The words of a paragraph: emphasis, links, code."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.segment import Segment
from rich.style import Style

from tui.printable import printable
from tui.render.styles import ItemStyles

__all__ = ["DEEPEST", "Environment", "inline_pieces", "inline_spans", "link_style", "parser"]

Environment: TypeAlias = MutableMapping[str, Any]
"""What the parser knows of a document beside its tokens: the addresses that are named in it."""

DEEPEST = 60
"""The parser drops what is nested deeper."""

_URL_SHOWN = 300
# Brackets that are never closed take quadratic time.
_PARSED = 2_000


@cache
def parser() -> MarkdownIt:
    """The parser, which leaves the words of each block unparsed for `inline_spans`."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    return parser.enable(["table", "strikethrough"]).disable("inline")


def link_style(url: str, style: Style) -> Style:
    """The style that carries a web address to the click that may open it; only http and https are carried."""
    if url.startswith(("http://", "https://")):
        return style + Style(meta={"link": url})
    return style


def inline_pieces(words: str) -> Iterator[str]:
    """The words in pieces that are parsed one by one: as a whole unless they are very long."""
    while len(words) > _PARSED:
        cut = max(words.rfind("\n", 1, _PARSED), words.rfind(" ", 1, _PARSED))
        cut = _PARSED if cut < 0 else cut
        yield words[:cut]
        words = words[cut:]
    yield words


def inline_spans(words: str, style: Style, styles: ItemStyles, environment: Environment) -> Iterator[Segment]:
    """A piece of a paragraph in its styles."""
    tokens: list[Token] = []
    parser().inline.parse(words, parser(), environment, tokens)
    return _styled(tokens, style, styles)


def _styled(tokens: list[Token], style: Style, styles: ItemStyles) -> Iterator[Segment]:
    stack = [style]
    link, words = "", ""
    for token in tokens:
        match token.type:
            case "text" | "html_inline" | "text_special":
                words += token.content
                yield Segment(token.content, stack[-1])
            case "code_inline":
                words += token.content
                yield Segment(token.content, stack[-1] + styles.code)
            case "softbreak" | "hardbreak":
                yield Segment("\n", stack[-1])
            case "strong_open":
                stack.append(stack[-1] + Style(bold=True))
            case "em_open":
                stack.append(stack[-1] + Style(italic=True))
            case "s_open":
                stack.append(stack[-1] + Style(strike=True))
            case "link_open":
                link, words = str(token.attrs.get("href", "")), ""
                stack.append(link_style(link, stack[-1] + styles.link))
            case "link_close":
                stack.pop()
                if link not in (words, f"mailto:{words}"):
                    yield Segment(f" ({_url(link)})", link_style(link, styles.muted))
            case "image":
                source = str(token.attrs.get("src", ""))
                yield Segment(f"▣ {token.content or 'image'}", stack[-1])
                yield Segment(f" ({_url(source)})", link_style(source, styles.muted))
            case "strong_close" | "em_close" | "s_close":
                stack.pop()


def _url(url: str) -> str:
    url = printable(url)
    return url if len(url) <= _URL_SHOWN else url[: _URL_SHOWN - 1] + "…"
