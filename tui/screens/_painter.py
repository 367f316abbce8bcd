"""How a screen is put together from what its widgets draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

__all__ = ["Painter"]

_Pieces: TypeAlias = list[tuple[int, Strip]]
"""Parts of a row, each with its first column."""


class _Update(ChopsUpdate):
    """Parts of rows, which are written as they are: Textual's looks for what of them is to be written."""

    def __init__(self, rows: Mapping[int, _Pieces], spans: list[tuple[int, int, int]]) -> None:
        height = max(rows) + 1
        ends = [[x + strip.cell_length for x, strip in rows.get(y, ())] for y in range(height)]
        super().__init__([dict(rows.get(y, ())) for y in range(height)], spans, ends)
        self._rows = rows

    def render_segments(self, console: Console) -> str:
        """What the terminal is to be told."""
        return "".join(
            f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for y, pieces in self._rows.items() for x, strip in pieces
        )


class Painter(Compositor):
    """Has widgets draw what is going to be seen, and no more.

    Textual's has each draw all of its rows, those behind others too, and keeps what was in front and had changed.
    """

    def render_partial_update(self) -> ChopsUpdate | None:
        """Draw what has changed since the last time."""
        screen = self.size.region
        spans = list(self._regions_to_spans(region.intersection(screen) for region in self._dirty_regions))
        self._dirty_regions.clear()
        return _Update(self._draw(spans), spans) if spans else None

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        rows = self._draw((y, *crop.column_span) for y in crop.line_range if is_rendered_line(y))
        return [dict(rows.get(y, ())) for y in range(self.size.height)]

    def _draw(self, spans: Iterable[tuple[int, int, int]]) -> dict[int, _Pieces]:
        """Draw parts of rows, from the front to the back.

        Args:
            spans: Row, first column and the one after the last of each part; those of a row one after the other.
        """
        bare: dict[int, list[tuple[int, int]]] = {}
        for y, start, end in spans:
            bare.setdefault(y, []).append((start, end))
        drawn: dict[int, _Pieces] = {y: [] for y in sorted(bare)}
        for widget, (region, clip) in self.visible_widgets.items():
            area = region.intersection(clip)
            left, right = area.column_span
            rows = [
                y for y in area.line_range if y in bare and any(start < right and end > left for start, end in bare[y])
            ]
            if not rows:
                continue
            strips = widget.render_lines(
                Region(area.x - region.x, rows[0] - region.y, area.width, rows[-1] - rows[0] + 1)
            )
            for y in rows:
                strip, still = strips[y - rows[0]], []
                for start, end in bare[y]:
                    first, last = max(start, left), min(end, right)
                    if first >= last:
                        still.append((start, end))
                        continue
                    drawn[y].append((first, strip.crop(first - left, last - left)))
                    still += [span for span in ((start, first), (last, end)) if span[0] < span[1]]
                if still:
                    bare[y] = still
                else:
                    del bare[y]
            if not bare:
                break
        for pieces in drawn.values():
            pieces.sort(key=itemgetter(0))
        return drawn
