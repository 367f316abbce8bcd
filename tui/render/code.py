"""Code and JSON in colour."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice

from rich.segment import Segment
from rich.style import Style

from tui.printable import printable
from tui.render.limits import LIMIT_LINES, excerpt, format_size
from tui.render.lines import Line, split_lines
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = ["IncrementalCode", "IncrementalText", "code_lines", "compact_json", "json_lines", "text_lines"]

_DEEPEST = 24
_LONGEST = 2_000
# Lexing takes some 2 µs for each character: what is longer is lexed in sections, and a section that grows beyond the
# second length is lexed anew when it has grown by an eighth.
_SECTION = 8_000
_SHORT = 2_000


def text_lines(text: str, width: int, style: Style, styles: ItemStyles) -> Iterator[Line]:
    """Plain text, wrapped between words, within the limits of what is drawn."""
    head = excerpt(text.rstrip("\n"))
    yield from wrap([Segment(printable(head.text), style)], width)
    if head.note:
        yield Line([Segment(head.note, styles.muted)])


def code_lines(code: str, language: str, width: int, styles: ItemStyles) -> Iterator[Line]:
    """Code in the colours of its language, behind a gutter that also shows where the width broke a line."""
    head = excerpt(code.rstrip("\n"))
    yield from _guttered(_tokens(printable(head.text), language, styles), width, styles)
    if head.note:
        yield Line([Segment(head.note, styles.muted)])


class IncrementalText:
    """Text that grows at its end, each time drawn as `text_lines` draws it."""

    def __init__(self, width: int, style: Style, styles: ItemStyles) -> None:
        self._width = width
        self._style = style
        self._styles = styles
        self._complete = ""
        self._lines: list[Line] = []

    def update(self, text: str) -> list[Line]:
        """Draw the text as it is now; only lines that were not complete before are drawn."""
        head = excerpt(text.rstrip("\n"))
        if not head.text.startswith(self._complete):
            self._complete, self._lines = "", []
        cut = max(head.text.rfind("\n") + 1, len(self._complete))
        if cut > len(self._complete):
            self._lines += self._wrapped(printable(head.text[len(self._complete) : cut])[:-1])
            self._complete = head.text[:cut]
        lines = [*self._lines, *self._wrapped(printable(head.text[cut:]))]
        if head.note:
            lines.append(Line([Segment(head.note, self._styles.muted)]))
        return lines

    def _wrapped(self, text: str) -> Iterator[Line]:
        return wrap([Segment(text, self._style)], self._width)


class IncrementalCode:
    """Code that grows at its end, each time drawn as `code_lines` draws it, but for the colours of its newest lines.

    Once it is long, its newest lines are lexed by themselves until there are so many that their section is lexed anew:
    a string that spans many lines may get its colour late.
    """

    def __init__(self, language: str, width: int, styles: ItemStyles) -> None:
        self._language = language
        self._width = width
        self._styles = styles
        self._complete = ""
        self._complete_rows: list[list[Segment]] = []
        self._lexed = ""
        self._rows: list[list[Segment]] = []
        self._drawn: list[tuple[list[Segment], list[Line]]] = []

    def update(self, code: str) -> list[Line]:
        """Draw the code as it is now; only lines that have changed are drawn."""
        head = excerpt(code.rstrip("\n"))
        text = printable(head.text)
        if not text.startswith(self._complete):
            self._complete, self._complete_rows = "", []
        *complete, last = _sections(text[len(self._complete) :])
        for section in complete:
            self._complete += section
            self._complete_rows += self._lex(section)[:-1]
        rows = [*self._complete_rows, *self._lex_growing(last)]
        self._drawn = [
            self._drawn[index] if index < len(self._drawn) and self._drawn[index][0] == row else self._draw(row)
            for index, row in enumerate(rows)
        ]
        lines = [line for _, drawn in self._drawn for line in drawn]
        if head.note:
            lines.append(Line([Segment(head.note, self._styles.muted)]))
        return lines

    def _lex_growing(self, section: str) -> list[list[Segment]]:
        fresh = len(section) - len(self._lexed)
        if len(section) > _SHORT and fresh <= len(self._lexed) // 8 and section.startswith(self._lexed):
            return [*self._rows, *self._lex(section[len(self._lexed) :])]
        rows = self._lex(section)
        self._lexed = section[: section.rfind("\n") + 1]
        self._rows = rows[:-1]
        return rows

    def _lex(self, text: str) -> list[list[Segment]]:
        return list(split_lines(_tokens(text, self._language, self._styles)))

    def _draw(self, row: list[Segment]) -> tuple[list[Segment], list[Line]]:
        return row, list(_guttered(iter(row), self._width, self._styles))


def _guttered(spans: Iterator[Segment], width: int, styles: ItemStyles) -> Iterator[Line]:
    whole, broken = (Segment("│ ", styles.muted),), (Segment("┊ ", styles.muted),)
    prefix = whole
    for line in wrap(spans, width, first=whole, words=False):
        yield line._replace(prefix=prefix)
        prefix = whole if line.separator == "\n" else broken


def _tokens(code: str, language: str, styles: ItemStyles) -> Iterator[Segment]:
    if not language:
        yield Segment(code, styles.text)
        return
    # Lexers are slow to import, and most that is said holds no code.
    from tui.render.highlight import lex

    for section in _sections(code):
        if len(section) > _SECTION:
            # A line as long as that is no code that anybody reads, and growing it would be lexed from its beginning.
            yield Segment(section, styles.text)
            continue
        for part, text in lex(section, language):
            yield Segment(text, getattr(styles, part))


def _sections(code: str) -> Iterator[str]:
    """The code in pieces that are lexed one by one, cut before a line, after an empty one if there is any."""
    start = 0
    while len(code) - start > _SECTION:
        end = start + _SECTION
        empty = code.rfind("\n\n", start, end - 1)
        cut = empty + 1 if empty >= 0 else code.rfind("\n", start, end)
        cut = cut if cut >= 0 else code.find("\n", end)
        if cut < 0:
            break
        yield code[start : cut + 1]
        start = cut + 1
    yield code[start:]


def json_lines(value: object, width: int, styles: ItemStyles) -> Iterator[Line]:
    """A decoded JSON value over several lines; what is nested too deep or is too long is shown by its size."""
    spans = _JsonSpans(styles).walk(value, "")
    lines = _guttered(spans, width, styles)
    yield from islice(lines, LIMIT_LINES)
    if next(lines, None) is not None:
        yield Line([Segment("… more lines, y copies all", styles.muted)])


class _JsonSpans:
    def __init__(self, styles: ItemStyles) -> None:
        self._styles = styles

    def walk(self, value: object, indent: str) -> Iterator[Segment]:
        styles = self._styles
        if isinstance(value, (Mapping, list)) and value:
            opening, closing = "{}" if isinstance(value, Mapping) else "[]"
            if len(indent) >= 2 * _DEEPEST:
                yield Segment(f"{opening}…{closing}", styles.muted)
                return
            yield Segment(opening + "\n", styles.text)
            inner = indent + "  "
            last = len(value) - 1
            entries = value.items() if isinstance(value, Mapping) else ((None, entry) for entry in value)
            for index, (key, entry) in enumerate(entries):
                yield Segment(inner, styles.text)
                if key is not None:
                    yield Segment(_scalar(key), styles.name)
                    yield Segment(": ", styles.text)
                yield from self.walk(entry, inner)
                yield Segment("\n" if index == last else ",\n", styles.text)
            yield Segment(indent + closing, styles.text)
        else:
            style = styles.string if isinstance(value, str) else styles.number
            yield Segment(_scalar(value), style)


def _scalar(value: object) -> str:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{_quoted(value[:_LONGEST])[:-1]}… {format_size(len(value) - _LONGEST)} more"
    return _quoted(value)


def _quoted(value: object) -> str:
    return printable(json.dumps(value, ensure_ascii=False, default=str))


def compact_json(value: object, room: int) -> str:
    """A decoded JSON value on one line, at least `room` characters of it where it has so many."""
    written: list[str] = []
    for piece in _compact(value, 0):
        written.append(piece)
        room -= len(piece)
        if room < 0:
            break
    return "".join(written)


def _compact(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, (Mapping, list)):
        opening, closing = "{}" if isinstance(value, Mapping) else "[]"
        yield opening
        if depth >= _DEEPEST and value:
            yield "…"
        elif isinstance(value, Mapping):
            for index, (key, entry) in enumerate(value.items()):
                yield f"{', ' if index else ''}{_scalar(key)}: "
                yield from _compact(entry, depth + 1)
        else:
            for index, entry in enumerate(value):
                yield ", " if index else ""
                yield from _compact(entry, depth + 1)
        yield closing
    else:
        yield _scalar(value)
