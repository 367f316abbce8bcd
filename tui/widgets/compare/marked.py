"""Rendered Markdown in which the words that differ are marked."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from rich.segment import Segment
from rich.style import Style

from tui.model.diff import Span
from tui.printable import printable
from tui.render import Line

__all__ = ["mark_words"]

_LOOKAHEAD: Final = 400
"""Characters of the source, such as the address of a link, that may be missing in the rendered text."""

_PIECES: Final = re.compile(r"\s+|\S+")


def mark_words(lines: Sequence[Line], spans: Sequence[Span], style: Style) -> list[Line] | None:
    """Return lines with the differing words of their source in a style.

    A word of a line is looked up in the source, from the place of the word before it on. Return None if a word that
    differs is not found in the lines, as the address of a link.

    Args:
        lines: The lines of the rendered text.
        spans: The source.
        style: It is added to the style of a word.
    """
    marker = _Marker(spans, style)
    marked = [line._replace(content=list(marker.mark(line.content))) for line in lines]
    return marked if marker.is_complete else None


class _Marker:
    """Marks the words of lines, in their order."""

    def __init__(self, spans: Sequence[Span], style: Style) -> None:
        texts = [printable(span.text) for span in spans]
        self._source = "".join(texts)
        self._differs = [span.differs for span in spans]
        self._starts = [0, *accumulate(map(len, texts))]
        self._style = style
        self._position = 0
        # Of markup, which has no letters, nothing may be left.
        self._missing = [_letters(text) if span.differs else 0 for text, span in zip(texts, spans, strict=True)]
        self._unmarked = {index for index, span in enumerate(spans) if span.differs and span.text.strip()}

    @property
    def is_complete(self) -> bool:
        """True if all that differs has been marked."""
        return not self._unmarked and not any(self._missing)

    def mark(self, content: Sequence[Segment]) -> Iterator[Segment]:
        """Yield the segments of a line with their marks."""
        blank: Segment | None = None
        was_marked = False
        for text, style, _ in content:
            for piece in _PIECES.findall(text):
                if piece.isspace():
                    blank = Segment(piece, style)
                    continue
                parts = list(self._mark_piece(piece, style or Style.null()))
                is_marked = parts[0][1]
                if blank is not None:
                    # Between two marked words.
                    yield (
                        Segment(blank.text, (blank.style or Style.null()) + self._style)
                        if (was_marked and is_marked)
                        else blank
                    )
                    blank = None
                for part, _ in parts:
                    yield part
                was_marked = parts[-1][1]
        if blank is not None:
            yield blank

    def _mark_piece(self, piece: str, style: Style) -> Iterator[tuple[Segment, bool]]:
        start = self._source.find(piece, self._position, self._position + _LOOKAHEAD + len(piece))
        if start < 0:
            yield Segment(piece, style), False
            return
        self._position = end = start + len(piece)
        while start < end:
            index = bisect_right(self._starts, start) - 1
            stop = min(end, self._starts[index + 1])
            text, differs = self._source[start:stop], self._differs[index]
            if differs:
                self._missing[index] -= _letters(text)
                self._unmarked.discard(index)
            yield Segment(text, style + self._style if differs else style), differs
            start = stop


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
