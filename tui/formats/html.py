"""A session as one HTML file: the tree with its tokens beside the conversation, without script or network.

All text is escaped; Markdown becomes HTML without raw HTML in it and without images, which would ask the network. A
content security policy in the file says the same to the browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files

from markdown_it import MarkdownIt

from tui.formats.outline import ReadableItem, Section, entries, sections, spent
from tui.model import Usage
from tui.printable import printable
from tui.storage.queries.session_dump import SessionDump

__all__ = ["page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PARSED = 100_000
"""Characters of Markdown that are worth parsing; what is longer is shown as it is written."""

_FOLDED = 12
"""Lines of a tool's text above which it is folded."""

_PARTS = (
    ("cached", "cached input"),
    ("input", "other input"),
    ("output", "output"),
    ("reasoning", "reasoning"),
)


@dataclass
class _Contents:
    """The tree that stands beside the conversation; it is known when the conversation is written."""

    rows: list[tuple[Section, int, str, Usage | None]] = field(default_factory=list)

    def html(self) -> Iterator[str]:
        most = max((usage.total_tokens for *_, usage in self.rows if usage), default=0)
        yield '<nav><ol class="tree">\n'
        for place, (section, turn, words, usage) in enumerate(self.rows):
            last = place + 1 == len(self.rows) or self.rows[place + 1][0] is not section
            name = f'<b class="branch">{_text(section.ends)}</b>' if last and section.ends else ""
            label = (
                f'<i>{turn}</i> <span class="words">{_text(words)}</span>' if turn else '<span class="words"></span>'
            )
            href = f"#{_anchor(section, turn)}"
            indent = f' style="--depth: {section.depth}"' if section.depth else ""
            yield f'<li{indent}><a href="{href}">{label}{name}{_bar(usage, most)}</a></li>\n'
        yield "</ol></nav>\n"


def page(whole: SessionDump, branches: Sequence[str]) -> Iterator[str]:
    """Write branches as one HTML document; a turn that several of them hold stands there once."""
    title = _text(whole.session.session_id)
    names = ", ".join(map(_text, branches[:8])) + (f" and {len(branches) - 8} more" if len(branches) > 8 else "")
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f'<header><h1>{title}</h1><p>{names}</p><p class="key">'
        + " ".join(f'<span><i class="{name}"></i>{label}</span>' for name, label in _PARTS)
        + "</p></header>\n<main>\n"
    )
    contents = _Contents()
    for section in sections(whole.tree, branches):
        yield from _section(whole, section, contents, alone=len(branches) == 1)
    yield "</main>\n"
    yield from contents.html()
    yield "</body>\n</html>\n"


def _section(whole: SessionDump, section: Section, contents: _Contents, *, alone: bool) -> Iterator[str]:
    yield "<section>\n"
    if not alone:
        parts = f" <small>parts after turn {section.after}</small>" if section.after else ""
        yield f"<h2>{', '.join(map(_text, section.branches))}{parts}</h2>\n"
    if section.last < section.first:
        yield f'<p class="empty" id="{_anchor(section, section.first)}">Nothing said here yet.</p>\n'
        contents.rows.append((section, section.first, "", None))
    usage = whole.usage(section.branch_id, section.first, section.last)
    turn = None
    for item, shown in entries(whole.items(section.branch_id, section.first, section.last)):
        if item.turn != turn:
            if turn is not None:
                yield "</article>\n"
            turn = item.turn
            known = usage.get(turn)
            spending = known.usage if known else None
            contents.rows.append((section, turn, " ".join(shown.text[:400].split())[:120], spending))
            yield f'<article id="{_anchor(section, turn)}">\n'
            if turn:
                cost = f" <small>{_text(spent(spending))}</small>" if spending else ""
                yield f"<h3>Turn {turn}{cost}</h3>\n"
        yield _entry(shown)
    if turn is not None:
        yield "</article>\n"
    yield "</section>\n"


def _entry(item: ReadableItem) -> str:
    failed = " failed" if item.failed else ""
    body = _markdown(item.text) if item.language == "markdown" else f"<pre>{escape(item.text)}</pre>"
    if item.kind in ("user", "assistant"):
        return f'<div class="{item.kind}"><h4>{item.kind}</h4>{body}</div>\n'
    what = {"call": "call", "output": "output", "reasoning": ""}.get(item.kind, "")
    heading = f"{_text(item.title)} <small>{what}{failed}</small>"
    if not item.text:
        return f'<div class="step{failed}"><h4>{heading}</h4></div>\n'
    is_open = " open" if item.kind != "reasoning" and item.text.count("\n") < _FOLDED else ""
    return f'<details class="step{failed}"{is_open}><summary>{heading}</summary>{body}</details>\n'


def _bar(usage: Usage | None, most: int) -> str:
    if usage is None or not most:
        return ""
    cached, reasoning = usage.cached_tokens or 0, usage.reasoning_tokens or 0
    amounts = (cached, max(usage.input_tokens - cached, 0), max(usage.output_tokens - reasoning, 0), reasoning)
    parts = "".join(
        f'<i class="{name}" style="width: {100 * amount / most:.2f}%"></i>'
        for (name, _), amount in zip(_PARTS, amounts, strict=True)
        if amount
    )
    return f'<span class="bar" title="{_text(spent(usage))}">{parts}</span>'


def _anchor(section: Section, turn: int) -> str:
    return f"t{section.number}-{turn}"


def _text(text: str) -> str:
    return escape(" ".join(printable(text).split()))


def _markdown(text: str) -> str:
    if len(text) > _PARSED:
        return f"<pre>{escape(text)}</pre>"
    rendered: str = _parser().render(text)
    return rendered


@cache
def _parser() -> MarkdownIt:
    return (
        MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"]).disable("image")
    )


@cache
def _style() -> str:
    return files("tui.formats").joinpath("html.css").read_text("utf-8")
