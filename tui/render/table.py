"""Tables that fit their width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import zip_longest
from typing import TypeAlias

from rich.segment import Segment

from tui.render.limits import LIMIT_LINES
from tui.render.lines import Line
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = ["table_lines"]

_NARROWEST = 4
_SEPARATOR = " │ "


DrawRow: TypeAlias = Callable[[int, Sequence[int], Callable[[], Iterable[Line]]], Iterable[Line]]
"""Gives the lines of a row, by its number and the widths of the columns, with a way to draw them."""


def table_lines(
    rows: Sequence[Sequence[list[Segment]]],
    alignments: Sequence[str],
    width: int,
    styles: ItemStyles,
    draw: DrawRow = lambda _row, _widths, make: make(),
) -> Iterator[Line]:
    """A table whose first row is its header.

    Columns share the width; where they would get too narrow to read, each row becomes a list of `header: value`.

    Args:
        rows: Cells as spans of text, all rows as long as the header.
        alignments: `left`, `right`, `center` or empty, for each column.
        width: Cells of a line.
        styles: The styles.
        draw: Gives the lines of a row, which may have been drawn before.
    """
    header = rows[0]
    natural = [max(max(map(_cells, column)), 1) for column in zip(*rows, strict=True)]
    room = width - len(_SEPARATOR) * (len(header) - 1)
    widths = _shared(natural, room)
    if widths is None:
        yield from _records(rows, width, styles)
        return
    for number, row in enumerate(rows[:LIMIT_LINES]):
        yield from draw(number, widths, partial(_row, row, widths, alignments, styles))
        if number == 0:
            yield Line([Segment("─┼─".join("─" * cells for cells in widths), styles.muted)])
    if len(rows) > LIMIT_LINES:
        yield Line([Segment(f"… {len(rows) - LIMIT_LINES:,} more rows, y copies all", styles.muted)])


def _cells(spans: Sequence[Segment]) -> int:
    return sum(span.cell_length for span in spans)


def _shared(natural: Sequence[int], room: int) -> list[int] | None:
    """Widths that fit in `room`, taken from the widest first; None where a column would get too narrow."""
    widths = list(natural)
    while (excess := sum(widths) - room) > 0:
        widest = max(widths)
        if widest <= _NARROWEST:
            return None
        second = max((cells for cells in widths if cells < widest), default=_NARROWEST)
        columns = [index for index, cells in enumerate(widths) if cells == widest]
        goal = max(widest - -(-excess // len(columns)), second, _NARROWEST)
        for index in columns:
            widths[index] = goal
    return widths


def _row(
    row: Sequence[list[Segment]], widths: Sequence[int], alignments: Sequence[str], styles: ItemStyles
) -> Iterator[Line]:
    cells = [list(wrap(spans, width)) for spans, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*cells):
        content: list[Segment] = []
        for index, (part, width) in enumerate(zip(parts, widths, strict=True)):
            if index:
                content.append(Segment(_SEPARATOR, styles.muted))
            spans = part.content if part else []
            spare = width - _cells(spans)
            left = {"right": spare, "center": spare // 2}.get(alignments[index], 0)
            content += [Segment(" " * left), *spans, Segment(" " * (spare - left))]
        yield Line([span for span in content if span.text])


def _records(rows: Sequence[Sequence[list[Segment]]], width: int, styles: ItemStyles) -> Iterator[Line]:
    for row in rows[1:LIMIT_LINES]:
        for name, value in zip(rows[0], row, strict=True):
            yield from wrap([*name, Segment(": ", styles.muted), *value], width)
        yield Line([Segment("─" * min(width, 8), styles.muted)])
