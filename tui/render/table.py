"""Tables that fit their width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import zip_longest
from typing import Final, TypeAlias

from rich.segment import Segment

from tui.render.limits import MAX_LINES
from tui.render.lines import Line, total_cells
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap
from tui.words import plural

__all__ = ["table_lines"]

_MIN_COLUMN_WIDTH: Final = 4
_SEPARATOR: Final = " │ "


DrawRow: TypeAlias = Callable[[int, Sequence[int], Callable[[], Iterable[Line]]], Iterable[Line]]
"""Returns the lines of a row, given its index, the widths of the columns, and a function that draws it."""


def table_lines(
    rows: Sequence[Sequence[list[Segment]]],
    alignments: Sequence[str],
    width: int,
    styles: ItemStyles,
    draw_row: DrawRow = lambda _number, _widths, draw: draw(),
) -> Iterator[Line]:
    """Draw a table whose first row is its header.

    Columns share the width. If a column would be too narrow to read, each row becomes a list of `header: value`.

    Args:
        rows: The cells as segments; all rows have as many cells as the header.
        alignments: `left`, `right`, `center` or empty, for each column.
        width: Cells of a line.
        styles: The styles.
        draw_row: Returns the lines of a row, perhaps from a cache.
    """
    header = rows[0]
    natural = [max(max(map(total_cells, column)), 1) for column in zip(*rows, strict=True)]
    widths = _shared_widths(natural, width - len(_SEPARATOR) * (len(header) - 1))
    if widths is None:
        yield from _stacked_rows(rows, width, styles)
        return
    for number, row in enumerate(rows[:MAX_LINES]):
        yield from draw_row(number, widths, partial(_row, row, widths, alignments, styles))
        if number == 0:
            yield Line([Segment("─┼─".join("─" * cells for cells in widths), styles.muted)])
    if len(rows) > MAX_LINES:
        yield Line([Segment(f"… {plural(len(rows) - MAX_LINES, 'more row')}, y copies all", styles.muted)])


def _shared_widths(natural: Sequence[int], room: int) -> list[int] | None:
    """Reduce widths to fit the room, the widest first; return None if a column would be too narrow."""
    widths = list(natural)
    while (excess := sum(widths) - room) > 0:
        widest = max(widths)
        if widest <= _MIN_COLUMN_WIDTH:
            return None
        second = max((cells for cells in widths if cells < widest), default=_MIN_COLUMN_WIDTH)
        columns = [index for index, cells in enumerate(widths) if cells == widest]
        goal = max(widest - -(-excess // len(columns)), second, _MIN_COLUMN_WIDTH)
        for index in columns:
            widths[index] = goal
    return widths


def _row(
    row: Sequence[list[Segment]], widths: Sequence[int], alignments: Sequence[str], styles: ItemStyles
) -> Iterator[Line]:
    cells = [list(wrap(segments, width)) for segments, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*cells):
        content: list[Segment] = []
        for index, (part, width) in enumerate(zip(parts, widths, strict=True)):
            if index:
                content.append(Segment(_SEPARATOR, styles.muted))
            segments = part.content if part else []
            spare = width - total_cells(segments)
            left = {"right": spare, "center": spare // 2}.get(alignments[index], 0)
            content += [Segment(" " * left), *segments, Segment(" " * (spare - left))]
        yield Line([segment for segment in content if segment.text])


def _stacked_rows(rows: Sequence[Sequence[list[Segment]]], width: int, styles: ItemStyles) -> Iterator[Line]:
    for row in rows[1:MAX_LINES]:
        for name, value in zip(rows[0], row, strict=True):
            yield from wrap([*name, Segment(": ", styles.muted), *value], width)
        yield Line([Segment("─" * min(width, 8), styles.muted)])
