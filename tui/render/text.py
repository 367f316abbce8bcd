"""Untrusted text to lines of cells: made printable, cut to what is worth drawing, wrapped by cell width."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from operator import sub
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style

__all__ = [
    "LIMIT_CHARS",
    "LIMIT_LINES",
    "Head",
    "Line",
    "clipped",
    "data_length",
    "head_of",
    "indented",
    "size",
    "split_lines",
    "wrap",
]

LIMIT_CHARS = 1 << 16
"""Characters of one text that are drawn when it is unfolded."""

LIMIT_LINES = 2_000
"""Lines of one text that are drawn when it is unfolded."""

_LEFT_OUT = re.compile(r"…(\d{1,20})\Z", re.ASCII)

# East Asian text breaks between any two characters, except before closing punctuation.
_EAST_ASIAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_CLOSING = "、。，．！？；：」』）】〉》ー"
# Patterns of thousands of characters take milliseconds to compile: `re` does when one is first needed, and keeps them.
_WORD = rf"[{_EAST_ASIAN}][{_CLOSING}]*[ ]*|[^ {_EAST_ASIAN}]+[ ]*|[ ]+"

# Characters of two cells, and all of those whose width is known: the others may join with their neighbours.
_TWO_CELLS = "\u3001-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60"
_AFTER_WIDE = f"(?<=[{_TWO_CELLS}])"
_ONE_CELL = (
    "\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u2319\u2500-\u25fc"
)
_NARROW = f"[{_ONE_CELL}]*"
_MEASURED = f"[{_ONE_CELL}{_TWO_CELLS}]*"
_SECOND = "\0"
"""Stands for the second cell of a character."""
_WORD_OF_CELLS = rf"[{_EAST_ASIAN}]{_SECOND}[{_CLOSING}{_SECOND}]*[ ]*|[^ {_EAST_ASIAN}]+[ ]*|[ ]+"


class Line(NamedTuple):
    """One row of cells.

    Attributes:
        content: What is drawn and what a selection copies.
        prefix: Drawn before the content and never copied: marks, gutters, indents.
        joint: What stands between this line and the next in copied text; empty or a blank where only the width
            parted them.
    """

    content: list[Segment]
    prefix: tuple[Segment, ...] = ()
    joint: str = "\n"

    @property
    def text(self) -> str:
        """The content without its styles."""
        return "".join(segment.text for segment in self.content)


class Head(NamedTuple):
    """The part of a text that is drawn.

    Attributes:
        text: The beginning, or all of it.
        hidden: What was left out, in words for the user; empty where nothing was.
    """

    text: str
    hidden: str = ""


def size(amount: int) -> str:
    """A number of bytes in words: `812 B`, `12 kB`, `3.4 MB`."""
    if amount < 1000:
        return f"{amount} B"
    scaled = amount / 1000
    for unit in ("kB", "MB"):
        if scaled < 1000:
            return f"{scaled:.1f} {unit}" if scaled < 10 else f"{scaled:.0f} {unit}"
        scaled /= 1000
    return f"{scaled:.1f} GB"


def data_length(data: str) -> int:
    """Characters of encoded data, those included that were left out when it was read."""
    left_out = _LEFT_OUT.search(data, max(len(data) - 24, 0))
    return len(data) if left_out is None else left_out.start() + int(left_out[1])


def head_of(text: str, limit: int = LIMIT_CHARS) -> Head:
    """The beginning of a text within the limits of what is drawn, cut at a line end where there is one."""
    cut = len(text)
    if cut > limit:
        cut = text.rfind("\n", 0, limit)
        cut = limit if cut <= 0 else cut
    end = -1
    for _ in range(LIMIT_LINES):
        end = text.find("\n", end + 1, cut)
        if end < 0:
            break
    else:
        cut = end
    if cut == len(text):
        return Head(text)
    lines = text.count("\n", cut)
    left = f"{lines:,} more line{'s' * (lines != 1)}" if lines else f"{size(len(text) - cut)} more"
    return Head(text[:cut], f"… {left}, y copies all")


def wrap(
    spans: Iterable[Segment],
    width: int,
    *,
    first: tuple[Segment, ...] = (),
    rest: tuple[Segment, ...] | None = None,
    words: bool = True,
) -> Iterator[Line]:
    """Fill lines of `width` cells, prefixes included, from left to right.

    Args:
        spans: The text in pieces; newlines in them end a line.
        width: Cells of a line; a single character wider than that still gets a line of its own.
        first: Prefix of the first line.
        rest: Prefix of the lines that follow; `first` where not given.
        words: Break between words; otherwise, for code, wherever the line is full.
    """
    rest = first if rest is None else rest
    prefix, taken, taken_by_rest = first, _cells(first), _cells(rest)
    spans = list(spans)
    # A long text is one span, and so are its lines.
    alone = spans[0].style if len(spans) == 1 else None
    for paragraph in spans[0].text.split("\n") if len(spans) == 1 else split_lines(spans):
        text = paragraph if isinstance(paragraph, str) else "".join(segment.text for segment in paragraph)
        cuts = None if isinstance(paragraph, str) else _Cuts(paragraph)
        for start, end, resume in _breaks(text, width, taken, taken_by_rest, words):
            joint = "\n" if resume == len(text) else text[end:resume][:1]
            if cuts is not None:
                yield Line(cuts.take(start, end), prefix, joint)
            else:
                yield Line([Segment(text[start:end], alone)] if end > start else [], prefix, joint)
            prefix, taken = rest, taken_by_rest


def _cells(prefix: tuple[Segment, ...]) -> int:
    return sum(segment.cell_length for segment in prefix)


def split_lines(spans: Iterable[Segment]) -> Iterator[list[Segment]]:
    """The spans line by line, without the newlines; at least one line."""
    paragraph: list[Segment] = []
    for text, style, _ in spans:
        pieces = text.split("\n")
        for piece in pieces[:-1]:
            if piece:
                paragraph.append(Segment(piece, style))
            yield paragraph
            paragraph = []
        if pieces[-1]:
            paragraph.append(Segment(pieces[-1], style))
    yield paragraph


class _Cuts:
    """Takes ever later pieces of a paragraph with their styles."""

    def __init__(self, spans: Sequence[Segment]) -> None:
        self._spans = iter(spans)
        self._open: Segment | None = next(self._spans, None)
        self._origin = 0

    def take(self, start: int, end: int) -> list[Segment]:
        taken: list[Segment] = []
        while self._open is not None:
            text, style, _ = self._open
            piece = text[max(start - self._origin, 0) : max(end - self._origin, 0)]
            if piece:
                taken.append(Segment(piece, style))
            if self._origin + len(text) > end:
                break
            self._origin += len(text)
            self._open = next(self._spans, None)
        return taken


def _breaks(text: str, width: int, first: int, rest: int, words: bool) -> Iterator[tuple[int, int, int]]:
    """Where each line begins, where it ends, and where the next one resumes."""
    room, most = max(width - first, 1), max(width - rest, 1)
    if len(text) <= room and (text.isascii() or cell_len(text) <= room):
        yield 0, len(text), len(text)
    elif words and room == most and _is_prose(text, most):
        yield from _prose_breaks(text, most)
    elif _of_known_width(text):
        yield from _measured_breaks(text, room, most, words)
    else:
        yield from _pieced_breaks(text, room, most, words)


def _is_prose(text: str, most: int) -> bool:
    """Whether a text is of words that fit into a line, with a blank between each two, all of one cell a character."""
    return "  " not in text and _is_narrow(text) and max(map(len, text.split(" "))) < most


def _is_narrow(text: str) -> bool:
    """Whether each character is known to take one cell."""
    return _is_plain(text) or re.fullmatch(_NARROW, text) is not None


def _of_known_width(text: str) -> bool:
    """Whether the width of each character is known."""
    return _is_plain(text) or re.fullmatch(_MEASURED, text) is not None


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _prose_breaks(text: str, room: int) -> Iterator[tuple[int, int, int]]:
    """`_breaks` for prose, without a look at each word."""
    start = 0
    while len(text) - start > room:
        limit = start + room
        end = limit if text[limit] == " " else text.rfind(" ", start, limit)
        yield start, max(end, start + 1), end + 1
        start = end + 1
    if start < len(text):
        yield start, len(text), len(text)


def _measured_breaks(text: str, room: int, most: int, words: bool) -> Iterator[tuple[int, int, int]]:
    """`_breaks` for characters whose widths are known by their ranges: a long text takes no look at each of them."""
    # One character for each cell.
    cells = text if text.isascii() else _SECOND.join(re.split(_AFTER_WIDE, text))
    starts = _word_starts(cells, most) if words else _starts(cells)
    piece = start = 0
    while piece < len(starts) - 1:
        begin = starts[piece]
        limit = begin + room
        after = bisect_right(starts, limit, piece + 1)
        # Blanks may hang over the end of a line.
        hangs = words and after < len(starts) and not cells[limit : starts[after]].strip(" ")
        piece = max(after - 1 + hangs, piece + 1)
        line = cells[begin : starts[piece]]
        resume = start + len(line) - line.count(_SECOND)
        if not words or (resume == len(text) and len(line) <= room):
            yield start, resume, resume
        else:
            yield start, resume - len(line) + (len(line.rstrip(" ")) or min(len(line), room)), resume
        start, room = resume, most


def _starts(cells: str) -> Sequence[int]:
    """Where each character begins, counted in cells, and where the last one ends."""
    if _SECOND not in cells:
        return range(len(cells) + 1)
    return [*(at for at, character in enumerate(cells) if character != _SECOND), len(cells)]


def _word_starts(cells: str, most: int) -> Sequence[int]:
    """Where each word begins, or each piece of one that is wider than a line, and where the last one ends."""
    words = [*map(re.Match.start, re.finditer(_WORD_OF_CELLS, cells)), len(cells)]
    if max(map(sub, words[1:], words), default=0) <= most:
        return words
    starts: list[int] = []
    for begin, end in pairwise(words):
        piece = begin
        while piece < end:
            starts.append(piece)
            if end - piece > most:
                # A character of two cells is not cut, and is wider than a line of one.
                piece += max(most - (cells[piece + most] == _SECOND), 1 + (cells[piece + 1] == _SECOND))
            else:
                piece = end
    return [*starts, len(cells)]


def _pieced_breaks(text: str, room: int, most: int, words: bool) -> Iterator[tuple[int, int, int]]:
    """`_breaks` for any text."""
    start = used = position = 0
    pieces = (
        chain.from_iterable(_pieces(match[0], most) for match in re.finditer(_WORD, text))
        if words
        else _pieces(text, 1)
    )
    for piece in pieces:
        cells = cell_len(piece.rstrip(" ") if words else piece)
        if used + cells > room and position > start:
            yield start, _end(text, start, position, room) if words else position, position
            start, used, room = position, 0, most
        used += cell_len(piece)
        position += len(piece)
    yield start, _end(text, start, position, room) if words else position, position


def _end(text: str, start: int, position: int, room: int) -> int:
    """The end of a line without the blanks before its break; of nothing but blanks as many as fit."""
    line = text[start:position]
    if cell_len(line) <= room and position == len(text):
        return position
    return start + (len(line.rstrip(" ")) or min(len(line), room))


def _pieces(word: str, width: int) -> Iterator[str]:
    if len(word) <= width and cell_len(word) <= width:
        yield word
    elif word.isascii():
        for start in range(0, len(word), width):
            yield word[start : start + width]
    else:
        yield from chop_cells(word, width)


def clipped(spans: Sequence[Segment], width: int, mark: Style | None = None) -> tuple[list[Segment], bool]:
    """The spans cut to `width` cells on one line, with `…` at the end where something was cut; and whether it was."""
    total = sum(segment.cell_length for segment in spans)
    if total <= width:
        return list(spans), False
    kept: list[Segment] = []
    left = max(width - 1, 0)
    for segment in spans:
        if segment.cell_length <= left:
            kept.append(segment)
            left -= segment.cell_length
        else:
            kept.append(segment.split_cells(left)[0])
            break
    kept.append(Segment("…", mark))
    return kept, True


def indented(lines: Iterable[Line], first: tuple[Segment, ...], rest: tuple[Segment, ...]) -> Iterator[Line]:
    """The lines with one more prefix at their left."""
    prefix = first
    for line in lines:
        yield line._replace(prefix=(*prefix, *line.prefix))
        prefix = rest
