"""Lines of styled segments, and functions that cut and indent them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

__all__ = ["Line", "indent", "limit_lines", "split_lines", "total_cells", "truncate"]


class Line(NamedTuple):
    """A row of cells.

    Attributes:
        content: The segments that are drawn and copied.
        prefix: Segments that are drawn before the content and never copied: marks, gutters, indents.
        separator: The text between this line and the next when both are copied; a blank or nothing after a line that
            was wrapped.
    """

    content: list[Segment]
    prefix: tuple[Segment, ...] = ()
    separator: str = "\n"

    @property
    def text(self) -> str:
        """The content without styles."""
        return "".join(segment.text for segment in self.content)


def total_cells(segments: Iterable[Segment]) -> int:
    """Return the width of segments in cells."""
    return sum(segment.cell_length for segment in segments)


def split_lines(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    """Split segments at newlines; an empty text is one empty line."""
    line: list[Segment] = []
    for text, style, _ in segments:
        *complete, rest = text.split("\n")
        for part in complete:
            if part:
                line.append(Segment(part, style))
            yield line
            line = []
        if rest:
            line.append(Segment(rest, style))
    yield line


def truncate(segments: Sequence[Segment], width: int, mark: Style | None = None) -> tuple[list[Segment], bool]:
    """Cut segments to a width and mark the cut with `…` in the style `mark`; return whether they were cut, too."""
    if total_cells(segments) <= width:
        return list(segments), False
    kept: list[Segment] = []
    room = max(width - 1, 0)
    for segment in segments:
        if segment.cell_length > room:
            kept.append(segment.split_cells(room)[0])
            break
        kept.append(segment)
        room -= segment.cell_length
    kept.append(Segment("…", mark))
    return kept, True


def indent(lines: Iterable[Line], first: tuple[Segment, ...], rest: tuple[Segment, ...]) -> Iterator[Line]:
    """Add a prefix at the left of each line: `first` to the first line, `rest` to the others."""
    prefix = first
    for line in lines:
        yield line._replace(prefix=(*prefix, *line.prefix))
        prefix = rest


def limit_lines(lines: Iterable[Line], limit: int, style: Style) -> Iterator[Line]:
    """Yield lines up to a limit, and a note if there are more."""
    lines = iter(lines)
    yield from islice(lines, limit)
    if next(lines, None) is not None:
        yield Line([Segment("… more lines, y copies all", style)])
