"""A session as one HTML file: the tree with its tokens beside the conversation, without scripts and network requests.

All text is escaped. Markdown becomes HTML without raw HTML and without images, which would be network requests. A
content security policy in the file makes the browser enforce this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import chain
from typing import Final, NamedTuple

from markdown_it import MarkdownIt

from tui.formats.outline import ReadableItem, Section, readable_turns, sections, usage_words
from tui.model import Usage
from tui.printable import printable
from tui.storage.queries.session_dump import SessionDump

__all__ = ["html_document"]

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_MAX_MARKDOWN: Final = 100_000
"""Characters of Markdown that are rendered; longer texts are shown as they are."""

_MAX_OPEN_LINES: Final = 12
"""Lines of a tool's text that are shown unfolded."""

_MAX_BRANCH_NAMES: Final = 8
"""Branches that the header names."""

_TOKEN_KINDS: Final = (
    ("cached", "cached input"),
    ("input", "other input"),
    ("output", "output"),
    ("reasoning", "reasoning"),
)


class _TreeRow(NamedTuple):
    """A turn in the tree beside the conversation; `turn` is 0 before the first turn."""

    section: Section
    turn: int
    preview: str = ""
    usage: Usage | None = None


def html_document(dump: SessionDump, branches: Sequence[str]) -> Iterator[str]:
    """Write branches as one document, in which a turn that they share occurs once."""
    title = _escape_line(dump.session.title_and_id)
    names = _names(dump, branches[:_MAX_BRANCH_NAMES])
    if len(branches) > _MAX_BRANCH_NAMES:
        names += f" and {len(branches) - _MAX_BRANCH_NAMES} more"
    legend = " ".join(f'<span><i class="{name}"></i>{label}</span>' for name, label in _TOKEN_KINDS)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f'<header><h1>{title}</h1><p>{names}</p><p class="legend">{legend}</p></header>\n<main>\n'
    )
    rows: list[_TreeRow] = []
    for section in sections(dump.tree, branches):
        yield from _section(dump, section, rows, with_heading=len(branches) > 1)
    yield "</main>\n"
    yield from _tree(dump, rows)
    yield "</body>\n</html>\n"


def _section(dump: SessionDump, section: Section, rows: list[_TreeRow], *, with_heading: bool) -> Iterator[str]:
    yield "<section>\n"
    if with_heading:
        fork = f" <small>after turn {section.fork_turn}</small>" if section.fork_turn else ""
        yield f"<h2>{_names(dump, section.branches)}{fork}</h2>\n"
    if section.is_empty:
        yield f'<p class="empty" id="{_anchor(section, section.first)}">No messages.</p>\n'
        rows.append(_TreeRow(section, section.first))
    usages = dump.usage(section.branch_id, section.first, section.last)
    for turn, usage, items in readable_turns(dump.items(section.branch_id, section.first, section.last), usages):
        first = next(items)
        rows.append(_TreeRow(section, turn, " ".join(first.text[:400].split())[:120], usage))
        yield f'<article id="{_anchor(section, turn)}">\n'
        if turn:
            tokens = f" <small>{_escape_line(usage_words(usage))}</small>" if usage else ""
            yield f"<h3>Turn {turn}{tokens}</h3>\n"
        yield from map(_item, chain((first,), items))
        yield "</article>\n"
    yield "</section>\n"


def _item(item: ReadableItem) -> str:
    body = _markdown(item.text) if item.language == "markdown" else f"<pre>{escape(item.text)}</pre>"
    if item.kind == "message":
        return f'<div class="{item.title}"><h4>{item.title}</h4>{body}</div>\n'
    failed = " failed" if item.failed else ""
    kind = item.kind if item.kind in ("call", "output") else ""
    heading = f"{_escape_line(item.title)} <small>{kind}{failed}</small>"
    if not item.text:
        return f'<div class="item{failed}"><h4>{heading}</h4></div>\n'
    is_open = item.kind != "reasoning" and item.text.count("\n") < _MAX_OPEN_LINES
    return f'<details class="item{failed}"{" open" if is_open else ""}><summary>{heading}</summary>{body}</details>\n'


def _names(dump: SessionDump, branches: Sequence[str]) -> str:
    return ", ".join(_escape_line(dump.tree.branches[branch_id].title_and_id) for branch_id in branches)


def _tree(dump: SessionDump, rows: Sequence[_TreeRow]) -> Iterator[str]:
    most = max((row.usage.total_tokens for row in rows if row.usage), default=0)
    yield '<nav><ol class="tree">\n'
    for index, row in enumerate(rows):
        section = row.section
        is_last = index + 1 == len(rows) or rows[index + 1].section is not section
        branch = ""
        if is_last and section.last_branch:
            branch = f'<b class="branch">{_escape_line(dump.tree.branches[section.last_branch].name)}</b>'
        number = f"<i>{row.turn}</i> " if row.turn else ""
        label = f'{number}<span class="preview">{_escape_line(row.preview) if row.turn else ""}</span>'
        indent = f' style="--depth: {section.depth}"' if section.depth else ""
        href = f"#{_anchor(section, row.turn)}"
        yield f'<li{indent}><a href="{href}">{label}{branch}{_bar(row.usage, most)}</a></li>\n'
    yield "</ol></nav>\n"


def _bar(usage: Usage | None, most: int) -> str:
    if usage is None or not most:
        return ""
    cached, reasoning = usage.cached_tokens or 0, usage.reasoning_tokens or 0
    amounts = (cached, max(usage.input_tokens - cached, 0), max(usage.output_tokens - reasoning, 0), reasoning)
    parts = "".join(
        f'<i class="{name}" style="width: {100 * amount / most:.2f}%"></i>'
        for (name, _), amount in zip(_TOKEN_KINDS, amounts, strict=True)
        if amount
    )
    return f'<span class="bar" title="{_escape_line(usage_words(usage))}">{parts}</span>'


def _anchor(section: Section, turn: int) -> str:
    return f"t{section.number}-{turn}"


def _escape_line(text: str) -> str:
    """Return an untrusted text on one line, escaped."""
    return escape(" ".join(printable(text, for_document=True).split()))


def _markdown(text: str) -> str:
    if len(text) > _MAX_MARKDOWN:
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
