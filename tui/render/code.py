"""Code, JSON and plain text as lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rich.segment import Segment
from rich.style import Style

from tui.printable import printable
from tui.render.limits import MAX_LINES, excerpt, format_size
from tui.render.lines import Line, limit_lines, split_lines
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = ["IncrementalCode", "IncrementalText", "code_lines", "compact_json", "json_lines", "text_lines"]

_MAX_LEVELS: Final = 24
_MAX_STRING_CHARS: Final = 2_000

# Lexing takes some 2 µs for each character.
_MAX_SECTION_CHARS: Final = 8_000
"""Characters of code that are lexed at once."""
_MAX_RELEXED_CHARS: Final = 2_000
"""Length up to which each update lexes a growing section again; a longer section must first grow by 1/8."""


def text_lines(text: str, width: int, style: Style, styles: ItemStyles) -> Iterator[Line]:
    """Draw plain text, wrapped between words, up to the limits of what is drawn."""
    shown = excerpt(text.rstrip("\n"))
    yield from wrap([Segment(printable(shown.text), style)], width)
    yield from _note_lines(shown.note, styles)


def code_lines(code: str, language: str, width: int, styles: ItemStyles) -> Iterator[Line]:
    """Draw highlighted code after a gutter, which marks the continuations of wrapped lines."""
    shown = excerpt(code.rstrip("\n"))
    yield from _with_gutter(_highlight(printable(shown.text), language, styles), width, styles)
    yield from _note_lines(shown.note, styles)


def _note_lines(note: str, styles: ItemStyles) -> Iterator[Line]:
    if note:
        yield Line([Segment(note, styles.muted)])


class IncrementalText:
    """Plain text that grows at its end, drawn as `text_lines` draws it."""

    def __init__(self, width: int, style: Style, styles: ItemStyles) -> None:
        self._width = width
        self._style = style
        self._styles = styles
        self._complete = ""
        self._lines: list[Line] = []

    def update(self, text: str) -> list[Line]:
        """Draw the current text; lines that were complete in the previous update are not drawn again."""
        shown = excerpt(text.rstrip("\n"))
        if not shown.text.startswith(self._complete):
            self._complete, self._lines = "", []
        cut = max(shown.text.rfind("\n") + 1, len(self._complete))
        if cut > len(self._complete):
            self._lines += self._wrap(printable(shown.text[len(self._complete) : cut])[:-1])
            self._complete = shown.text[:cut]
        return [*self._lines, *self._wrap(printable(shown.text[cut:])), *_note_lines(shown.note, self._styles)]

    def _wrap(self, text: str) -> Iterator[Line]:
        return wrap([Segment(text, self._style)], self._width)


class IncrementalCode:
    """Code that grows at its end, drawn as `code_lines` draws it except for the colours of the newest lines.

    The newest lines of long code are lexed separately until their whole section is lexed again. Until then, a string
    of several lines may have the wrong colour.
    """

    def __init__(self, language: str, width: int, styles: ItemStyles) -> None:
        self._language = language
        self._width = width
        self._styles = styles
        self._complete = ""
        self._complete_rows: list[list[Segment]] = []
        self._lexed = ""
        self._lexed_rows: list[list[Segment]] = []
        self._drawn: list[tuple[list[Segment], list[Line]]] = []

    def update(self, code: str) -> list[Line]:
        """Draw the current code; lines that did not change are not drawn again."""
        shown = excerpt(code.rstrip("\n"))
        text = printable(shown.text)
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
        return [*lines, *_note_lines(shown.note, self._styles)]

    def _lex_growing(self, section: str) -> list[list[Segment]]:
        added = len(section) - len(self._lexed)
        if len(section) > _MAX_RELEXED_CHARS and added <= len(self._lexed) // 8 and section.startswith(self._lexed):
            return [*self._lexed_rows, *self._lex(section[len(self._lexed) :])]
        rows = self._lex(section)
        self._lexed = section[: section.rfind("\n") + 1]
        self._lexed_rows = rows[:-1]
        return rows

    def _lex(self, text: str) -> list[list[Segment]]:
        return list(split_lines(_highlight(text, self._language, self._styles)))

    def _draw(self, row: list[Segment]) -> tuple[list[Segment], list[Line]]:
        return row, list(_with_gutter(row, self._width, self._styles))


def _with_gutter(segments: Iterable[Segment], width: int, styles: ItemStyles) -> Iterator[Line]:
    start, continuation = (Segment("│ ", styles.muted),), (Segment("┊ ", styles.muted),)
    prefix = start
    for line in wrap(segments, width, first_prefix=start, break_at_words=False):
        yield line._replace(prefix=prefix)
        prefix = start if line.separator == "\n" else continuation


def _highlight(code: str, language: str, styles: ItemStyles) -> Iterator[Segment]:
    if not language:
        yield Segment(code, styles.text)
        return
    # Pygments is slow to import, and most messages hold no code.
    from tui.render.highlight import lex

    for section in _sections(code):
        if len(section) > _MAX_SECTION_CHARS:
            # Nobody reads so long a line, and each update of a growing one would lex all of it.
            yield Segment(section, styles.text)
            continue
        for style_name, text in lex(section, language):
            yield Segment(text, getattr(styles, style_name))


def _sections(code: str) -> Iterator[str]:
    """Cut code into sections that are lexed one by one; a section ends after a line, if possible an empty one."""
    start = 0
    while len(code) - start > _MAX_SECTION_CHARS:
        end = start + _MAX_SECTION_CHARS
        empty = code.rfind("\n\n", start, end - 1)
        cut = empty + 1 if empty >= 0 else code.rfind("\n", start, end)
        cut = cut if cut >= 0 else code.find("\n", end)
        if cut < 0:
            break
        yield code[start : cut + 1]
        start = cut + 1
    yield code[start:]


def json_lines(value: object, width: int, styles: ItemStyles) -> Iterator[Line]:
    """Draw a decoded value as indented JSON; abbreviate what is nested too deep, and cut long strings."""
    return limit_lines(_with_gutter(_json_segments(value, styles, ""), width, styles), MAX_LINES, styles.muted)


def _json_segments(value: object, styles: ItemStyles, indent: str) -> Iterator[Segment]:
    if not isinstance(value, (Mapping, list)) or not value:
        yield Segment(_scalar(value), styles.string if isinstance(value, str) else styles.number)
        return
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    if len(indent) >= 2 * _MAX_LEVELS:
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
        yield from _json_segments(entry, styles, inner)
        yield Segment("\n" if index == last else ",\n", styles.text)
    yield Segment(indent + closing, styles.text)


def _scalar(value: object) -> str:
    if isinstance(value, str) and len(value) > _MAX_STRING_CHARS:
        return f"{_dump(value[:_MAX_STRING_CHARS])[:-1]}… {format_size(len(value) - _MAX_STRING_CHARS)} more"
    return _dump(value)


def _dump(value: object) -> str:
    return printable(json.dumps(value, ensure_ascii=False, default=str))


def compact_json(value: object, room: int) -> str:
    """Return a decoded value as JSON on one line; it may be cut after more than `room` characters."""
    pieces: list[str] = []
    for piece in _compact(value, 0):
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            break
    return "".join(pieces)


def _compact(value: object, level: int) -> Iterator[str]:
    if not isinstance(value, (Mapping, list)):
        yield _scalar(value)
        return
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    yield opening
    if level >= _MAX_LEVELS and value:
        yield "…"
    else:
        entries = value.items() if isinstance(value, Mapping) else ((None, entry) for entry in value)
        for index, (key, entry) in enumerate(entries):
            yield f"{', ' if index else ''}{'' if key is None else f'{_scalar(key)}: '}"
            yield from _compact(entry, level + 1)
    yield closing
