"""A compositor that draws only what will be visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from time import monotonic
from typing import Final, TypeAlias

from rich.console import Console, RenderableType
from rich.segment import Segment
from textual._compositor import Compositor, CompositorMap, CompositorUpdate, ReflowResult
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

__all__ = ["PartialCompositor"]

_Parts: TypeAlias = list[tuple[int, Strip]]
"""Parts of a row, each after its first column."""

_Span: TypeAlias = tuple[int, int, int]
"""A row, the first of its columns, and the column after the last one."""


class _Update(CompositorUpdate):
    """An update of the terminal that writes parts of rows."""

    def __init__(self, rows: Mapping[int, _Parts]) -> None:
        self._rows = rows

    def render_segments(self, console: Console) -> str:
        return "".join(
            f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for y, parts in self._rows.items() for x, strip in parts
        )


class _Dim(LineFilter):
    """Dims what is behind a modal screen with the colour of that screen, as Textual does."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return list(BackgroundScreen.process_segments(segments, background))


_DIM: Final = _Dim()


class PartialCompositor(Compositor):
    """Lets widgets draw only the changed cells that will be visible, from the front to the back.

    Textual's compositor lets each widget between the first and the last changed row draw all of its rows, even those
    behind other widgets, and draws everything behind a modal screen with each change.
    """

    behind: Sequence[Screen[object]] = ()
    """Screens that are visible behind this one, the nearest last."""

    completed_at = 0.0
    """Time at which the last complete frame was begun, by the clock of Textual's messages."""

    _laid_out: CompositorMap | None = None

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out all widgets, and mark what moved since the last layout.

        A position that somebody asks for between two layouts is computed from the styles of the coming one. Textual
        then sees no difference, and would not draw what moved.
        """
        if self._laid_out is not None:
            self._full_map = self._laid_out
        result = super().reflow(parent, size)
        self._laid_out = self._full_map
        return result

    def render_update(
        self, full: bool = False, screen_stack: list[Screen[object]] | None = None, simplify: bool = False
    ) -> RenderableType | None:
        """Draw what changed since the last update, or everything."""
        self.behind = tuple(screen_stack or ())
        if full or self.size.region in self._dirty_regions:
            self.completed_at = monotonic()
        return super().render_update(full, screen_stack, simplify)

    def mark_all_dirty(self) -> None:
        """Let the next update draw everything."""
        self._dirty_regions.add(self.size.region)

    def render_partial_update(self) -> CompositorUpdate | None:  # type: ignore[override]  # Textual uses only this base class
        """Draw what changed since the last update."""
        screen = self.size.region
        spans = list(self._regions_to_spans(region.intersection(screen) for region in self._dirty_regions))
        self._dirty_regions.clear()
        return _Update(self.draw(spans)) if spans else None

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        rows = self.draw((y, *crop.column_span) for y in crop.line_range if is_rendered_line(y))
        return [dict(rows.get(y, ())) for y in range(self.size.height)]

    def draw(self, spans: Iterable[_Span]) -> dict[int, _Parts]:
        """Draw parts of rows, given from left to right for each row, and return them by row."""
        missing: dict[int, list[tuple[int, int]]] = {}
        for y, start, end in spans:
            missing.setdefault(y, []).append((start, end))
        drawn: dict[int, _Parts] = {y: [] for y in sorted(missing)}
        for widget, (region, clip) in self.visible_widgets.items():
            if widget is self.root and (shown := self._draw_behind(missing)) is not None:
                for y, parts in shown.items():
                    drawn[y] += parts
                break
            area = region.intersection(clip)
            left, right = area.column_span
            rows = [
                y
                for y in area.line_range
                if y in missing and any(start < right and end > left for start, end in missing[y])
            ]
            if not rows:
                continue
            strips = widget.render_lines(
                Region(area.x - region.x, rows[0] - region.y, area.width, rows[-1] - rows[0] + 1)
            )
            for y in rows:
                strip, uncovered = strips[y - rows[0]], []
                for start, end in missing[y]:
                    first, last = max(start, left), min(end, right)
                    if first >= last:
                        uncovered.append((start, end))
                        continue
                    drawn[y].append((first, strip.crop(first - left, last - left)))
                    uncovered += [span for span in ((start, first), (last, end)) if span[0] < span[1]]
                if uncovered:
                    missing[y] = uncovered
                else:
                    del missing[y]
            if not missing:
                break
        else:
            # The screen behind may not have its new size yet.
            for y, spans_left in missing.items():
                drawn[y] += [(start, Strip.blank(end - start)) for start, end in spans_left]
        for parts in drawn.values():
            parts.sort(key=itemgetter(0))
        return drawn

    def _draw_behind(self, missing: Mapping[int, list[tuple[int, int]]]) -> dict[int, _Parts] | None:
        """Return the rows visible through this screen; None if it is opaque, or if Textual has to draw the rows."""
        tint = None if self.root is None else self.root.styles.background
        nearest = self.behind[-1] if self.behind else None
        compositor = None if nearest is None else nearest._compositor  # noqa: SLF001
        if tint is None or tint.a == 1 or not isinstance(compositor, PartialCompositor):
            return None
        compositor.behind = self.behind[:-1]
        shown = compositor.draw((y, start, end) for y, spans in missing.items() for start, end in spans)
        if not tint.a:
            return shown
        return {y: [(x, strip.apply_filter(_DIM, tint)) for x, strip in parts] for y, parts in shown.items()}
