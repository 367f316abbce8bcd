"""One line of a transcript as a strip: its bar, what was searched for, the selection over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from tui.render import Line

__all__ = ["MARGIN", "paint", "selected_text"]

MARGIN = 2
"""Cells left of a line: the bar and a blank."""
_GAP = Segment(" " * (MARGIN - 1))


def paint(
    line: Line,
    width: int,
    *,
    y: int | None = None,
    bar: Segment,
    base: Style,
    mark: Segment | None = None,
    hits: Iterable[tuple[int, int, Style]] = (),
    span: tuple[int, int] | None = None,
    selection: Style | None = None,
) -> Strip:
    """Draw a line.

    Args:
        line: The line.
        width: Cells of the strip.
        y: What the mouse is told as the line's number; None where it is not told where in the content it is.
        bar: The cell at its left edge.
        base: What shows where a segment has no style of its own, and behind the rest of the line.
        mark: What stands after the line and is neither copied nor selected.
        hits: Characters of the content that were searched for, from one to before another, and how they look.
        span: The selected characters of the content, the end -1 for all that follow.
        selection: How they look.
    """
    content: Iterable[Segment] = line.content
    for start, end, style in hits:
        content = _overlaid(content, start, end, style)
    if span is not None and selection is not None:
        content = _overlaid(content, *span, selection)
    parts = [bar, _GAP, *line.prefix, *content]
    strip = Strip([Segment(text, base + style if style else base) for text, style, _ in parts])
    if y is not None:
        strip = strip.apply_offsets(-MARGIN - sum(len(segment.text) for segment in line.prefix), y)
    if mark is not None:
        strip = Strip([*strip, Segment(mark.text, base + mark.style if mark.style else base)])
    return strip.adjust_cell_length(width, base)


def _overlaid(content: Iterable[Segment], start: int, end: int, style: Style) -> Iterator[Segment]:
    position = 0
    for text, own, _ in content:
        low = min(max(start - position, 0), len(text))
        high = len(text) if end < 0 else max(min(end - position, len(text)), low)
        for piece, over in ((text[:low], False), (text[low:high], True), (text[high:], False)):
            if piece:
                yield Segment(piece, (own + style if own else style) if over else own)
        position += len(text)


def selected_text(lines: Iterable[tuple[int, Line]], selection: Selection) -> str:
    """The text of the selected lines: what the width parted is one line again.

    Args:
        lines: Lines with the numbers that they were painted with, in order.
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
