"""Paint a line of a block as a strip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from tui.render import Line

__all__ = ["MARGIN", "paint", "selected_text"]

MARGIN = 2
"""Cells to the left of a line: its edge and a blank."""

_GAP = Segment(" " * (MARGIN - 1))


def paint(
    line: Line,
    width: int,
    *,
    edge: Segment,
    background: Style,
    mark: Segment | None = None,
    highlights: Iterable[tuple[int, int, Style]] = (),
    selected: tuple[int, int] | None = None,
    selection_style: Style | None = None,
    y: int | None = None,
) -> Strip:
    """Paint a line.

    Args:
        edge: The cell at its left edge.
        background: The style of segments without a style of their own, and of the rest of the strip.
        mark: A mark after the line, which is not part of the text.
        highlights: Start, end and style of characters of the content.
        selected: Start and end of the selected characters of the content; an end of -1 is the end of the line.
        selection_style: The style of the selected characters.
        y: The number under which the mouse can select the line; None if it cannot be selected.
    """
    content: Iterable[Segment] = line.content
    for start, end, style in highlights:
        content = _styled(content, start, end, style)
    if selected is not None and selection_style is not None:
        content = _styled(content, *selected, selection_style)
    parts = [edge, _GAP, *line.prefix, *content]
    strip = Strip([Segment(text, background + style if style else background) for text, style, _ in parts])
    if y is not None:
        strip = strip.apply_offsets(-MARGIN - sum(len(segment.text) for segment in line.prefix), y)
    if mark is not None:
        strip = Strip([*strip, Segment(mark.text, background + mark.style if mark.style else background)])
    return strip.adjust_cell_length(width, background)


def _styled(content: Iterable[Segment], start: int, end: int, style: Style) -> Iterator[Segment]:
    """Lay a style over the characters from `start` to `end`, or to the end of the line if `end` is negative."""
    position = 0
    for text, own, _ in content:
        low = min(max(start - position, 0), len(text))
        high = len(text) if end < 0 else max(min(end - position, len(text)), low)
        for piece, over in ((text[:low], False), (text[low:high], True), (text[high:], False)):
            if piece:
                yield Segment(piece, (own + style if own else style) if over else own)
        position += len(text)


def selected_text(lines: Iterable[tuple[int, Line]], selection: Selection) -> str:
    """Return the text of selected lines, with wrapped lines joined again.

    Args:
        lines: The lines in order, each after the number that it was painted with as `y`.
        selection: Offsets of characters in lines of these numbers.
    """
    written: list[str] = []
    for y, line in lines:
        span = selection.get_span(y)
        if span is None:
            continue
        start, end = max(span[0], 0), span[1]
        written.append(line.text[start:] if end < 0 else line.text[start : max(end, 0)])
        written.append(line.separator)
    return "".join(written[:-1]).strip("\n")
