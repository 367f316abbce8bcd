"""The text inside a Markdown block: emphasis, links, code."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any, Final, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.segment import Segment
from rich.style import Style

from tui.printable import printable
from tui.render.styles import ItemStyles

__all__ = ["MAX_LEVELS", "Environment", "block_parser", "inline_parts", "inline_segments", "link_style"]

Environment: TypeAlias = MutableMapping[str, Any]
"""The parser's data on a document, which contain the targets of its link references."""

MAX_LEVELS: Final = 60
"""Levels of nested blocks; the parser drops deeper ones."""

_MAX_URL_CHARS: Final = 300
# Parsing brackets that are never closed takes quadratic time.
_MAX_PARSED_CHARS: Final = 2_000


@cache
def block_parser() -> MarkdownIt:
    """Return the parser of blocks, which leaves the text inside them to `inline_segments`."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_LEVELS})
    return parser.enable(["table", "strikethrough"]).disable("inline")


def link_style(url: str, style: Style) -> Style:
    """Add a URL to a style, so that a click opens it; URLs other than http and https are not added."""
    if url.startswith(("http://", "https://")):
        return style + Style(meta={"link": url})
    return style


def inline_parts(text: str) -> Iterator[str]:
    """Cut a very long paragraph into parts that are parsed one by one."""
    while len(text) > _MAX_PARSED_CHARS:
        cut = max(text.rfind("\n", 1, _MAX_PARSED_CHARS), text.rfind(" ", 1, _MAX_PARSED_CHARS))
        cut = _MAX_PARSED_CHARS if cut < 0 else cut
        yield text[:cut]
        text = text[cut:]
    yield text


def inline_segments(text: str, style: Style, styles: ItemStyles, environment: Environment) -> Iterator[Segment]:
    """Draw a paragraph or a part of one."""
    tokens: list[Token] = []
    block_parser().inline.parse(text, block_parser(), environment, tokens)
    return _styled(tokens, style, styles)


def _styled(tokens: list[Token], style: Style, styles: ItemStyles) -> Iterator[Segment]:
    stack = [style]
    link, link_text = "", ""
    for token in tokens:
        match token.type:
            case "text" | "html_inline" | "text_special":
                link_text += token.content
                yield Segment(token.content, stack[-1])
            case "code_inline":
                link_text += token.content
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
                link, link_text = str(token.attrs.get("href", "")), ""
                stack.append(link_style(link, stack[-1] + styles.link))
            case "link_close":
                stack.pop()
                if link not in (link_text, f"mailto:{link_text}"):
                    yield Segment(f" ({_shown_url(link)})", link_style(link, styles.muted))
            case "image":
                source = str(token.attrs.get("src", ""))
                yield Segment(f"▣ {token.content or 'image'}", stack[-1])
                yield Segment(f" ({_shown_url(source)})", link_style(source, styles.muted))
            case "strong_close" | "em_close" | "s_close":
                stack.pop()


def _shown_url(url: str) -> str:
    url = printable(url)
    return url if len(url) <= _MAX_URL_CHARS else url[: _MAX_URL_CHARS - 1] + "…"
