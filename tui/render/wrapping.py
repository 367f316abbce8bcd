"""Wrapping of text by its width in cells, with East Asian line breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from rich.cells import cell_len, chop_cells
from rich.segment import Segment

from tui.render.lines import Line, split_lines, total_cells

__all__ = ["wrap"]

# Patterns with these ranges take milliseconds to compile: they are strings, which `re` compiles at their first use.

# A line breaks between any two East Asian characters, except before closing punctuation.
_EAST_ASIAN: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_CLOSING: Final = "、。，．！？；：」』）】〉》ー"
_WORD: Final = rf"[{_EAST_ASIAN}][{_CLOSING}]*[ ]*|[^ {_EAST_ASIAN}]+[ ]*|[ ]+"

# Most characters that take one cell, without any that may combine with a neighbour.
_NARROW: Final = (
    "[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u2010-\u2027"
    "\u2030-\u205e\u20a0-\u20bf\u2190-\u2319\u2500-\u25fc]*"
)


_Break: TypeAlias = tuple[int, int, int]
"""Offsets of a line in its paragraph: its start, its end, and the start of the next line after undrawn blanks."""


def wrap(
    segments: Iterable[Segment],
    width: int,
    *,
    first_prefix: tuple[Segment, ...] = (),
    rest_prefix: tuple[Segment, ...] | None = None,
    break_at_words: bool = True,
) -> Iterator[Line]:
    """Wrap segments to lines of at most `width` cells, prefixes included.

    Args:
        segments: The text; newlines in it end a line.
        width: Cells of a line; a wider character gets a line of its own.
        first_prefix: Prefix of the first line.
        rest_prefix: Prefix of the other lines, as wide as the first one; None for the same prefix.
        break_at_words: Whether to break between words; otherwise, as for code, a line breaks when it is full.
    """
    rest_prefix = first_prefix if rest_prefix is None else rest_prefix
    prefix, room = first_prefix, max(width - total_cells(first_prefix), 1)
    segments = list(segments)
    # A long text is nearly always a single segment, which slices of the text can replace.
    single = len(segments) == 1
    style = segments[0].style if single else None
    for paragraph in segments[0].text.split("\n") if single else split_lines(segments):
        text = paragraph if isinstance(paragraph, str) else "".join(segment.text for segment in paragraph)
        cutter = None if isinstance(paragraph, str) else _Cutter(paragraph)
        for start, end, resume in _breaks(text, room, break_at_words):
            separator = "\n" if resume == len(text) else text[end:resume][:1]
            if cutter is not None:
                yield Line(cutter.cut(start, end), prefix, separator)
            else:
                yield Line([Segment(text[start:end], style)] if end > start else [], prefix, separator)
            prefix = rest_prefix


class _Cutter:
    """Cuts pieces out of segments, from left to right."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = iter(segments)
        self._current: Segment | None = next(self._segments, None)
        self._offset = 0

    def cut(self, start: int, end: int) -> list[Segment]:
        """Return the segments between two offsets; `start` must not be before the `end` of the previous call."""
        pieces: list[Segment] = []
        while self._current is not None:
            text, style, _ = self._current
            piece = text[max(start - self._offset, 0) : max(end - self._offset, 0)]
            if piece:
                pieces.append(Segment(piece, style))
            if self._offset + len(text) > end:
                break
            self._offset += len(text)
            self._current = next(self._segments, None)
        return pieces


def _breaks(text: str, room: int, break_at_words: bool) -> Iterator[_Break]:
    """Break a paragraph into lines of `room` cells."""
    if len(text) <= room and (text.isascii() or cell_len(text) <= room):
        yield 0, len(text), len(text)
    elif not break_at_words:
        yield from _character_breaks(text, room)
    elif _is_prose(text, room):
        yield from _prose_breaks(text, room)
    else:
        yield from _word_breaks(text, room)


def _character_breaks(text: str, room: int) -> Iterator[_Break]:
    """Break wherever a line is full."""
    start = 0
    for line in _chop(text, room):
        yield start, start + len(line), start + len(line)
        start += len(line)


def _is_prose(text: str, room: int) -> bool:
    """Return whether words that fit a line are separated by single blanks, and each character takes one cell."""
    narrow = (text.isascii() and text.isprintable()) or re.fullmatch(_NARROW, text) is not None
    return "  " not in text and narrow and max(map(len, text.split(" "))) < room


def _prose_breaks(text: str, room: int) -> Iterator[_Break]:
    """Break each line of prose at its last blank, without examining each word."""
    start = 0
    while len(text) - start > room:
        limit = start + room
        end = limit if text[limit] == " " else text.rfind(" ", start, limit)
        yield start, max(end, start + 1), end + 1
        start = end + 1
    if start < len(text):
        yield start, len(text), len(text)


def _word_breaks(text: str, room: int) -> Iterator[_Break]:
    """Break any text between words, and within words that are wider than a line."""
    words = re.findall(_WORD, text)
    # No character takes more than two cells.
    if 2 * max(map(len, words)) > room:
        words = [piece for word in words for piece in _chop(word, room)]
    start = position = cells = 0
    for word, (visible, blanks) in zip(words, map(_measure, words), strict=True):
        # Blanks may hang over the end of a line.
        if cells + visible > room and position > start:
            yield start, _visible_end(text, start, position, room), position
            start, cells = position, 0
        cells += visible + blanks
        position += len(word)
    yield start, _visible_end(text, start, position, room), position


@lru_cache(maxsize=8192)
def _measure(word: str) -> tuple[int, int]:
    """Return the width of a word, and the width of the blanks after it."""
    visible = cell_len(word.rstrip(" "))
    return visible, cell_len(word) - visible


def _visible_end(text: str, start: int, position: int, room: int) -> int:
    """Return the end of a line without its trailing blanks; a line of blanks alone keeps the blanks that fit."""
    line = text[start:position]
    if position == len(text) and cell_len(line) <= room:
        return position
    return start + (len(line.rstrip(" ")) or min(len(line), room))


def _chop(text: str, room: int) -> list[str]:
    """Cut a text into pieces of at most `room` cells; a wider character is a piece of its own."""
    if 2 * len(text) <= room:
        return [text]
    # Rich begins with an empty piece if the first character is too wide, and returns nothing for text without width.
    return [*filter(None, chop_cells(text, room))] or [text]
