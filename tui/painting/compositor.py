"""How a screen is put together from what its widgets draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final, Generic, TypeAlias, TypeVar

from rich.console import Console, RenderableType
from rich.segment import Segment
from textual._compositor import Compositor, CompositorUpdate
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import Screen
from textual.strip import Strip

from tui.painting.deferred_refresh import SuspendableRefresh

__all__ = ["PaintedScreen", "PartialCompositor"]

T = TypeVar("T")

_Pieces: TypeAlias = list[tuple[int, Strip]]
"""Parts of a row, each with its first column."""

_Span: TypeAlias = tuple[int, int, int]
"""A row, a column of it and the one after the last."""


class _Update(CompositorUpdate):
    """Parts of rows, which are written as they are: Textual's looks for what of them is to be written."""

    def __init__(self, rows: Mapping[int, _Pieces]) -> None:
        self._rows = rows

    def render_segments(self, console: Console) -> str:
        """What the terminal is to be told."""
        return "".join(
            f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for y, pieces in self._rows.items() for x, strip in pieces
        )


class _Veil(LineFilter):
    """What lies behind a modal screen takes on its colour."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, dimmed as Textual dims them."""
        return list(BackgroundScreen.process_segments(segments, background))


_VEIL: Final = _Veil()


class PartialCompositor(Compositor):
    """Has widgets draw what is going to be seen, and no more.

    Textual's has each draw all of its rows, those behind others too, and keeps what was in front and had changed. Of a
    screen behind a modal one it draws everything, whatever changed.
    """

    behind: Sequence[Screen[object]] = ()
    """Screens that show behind this one, the nearest last."""

    def render_update(
        self, full: bool = False, screen_stack: list[Screen[object]] | None = None, simplify: bool = False
    ) -> RenderableType | None:
        """Draw what has changed since the last time, or everything."""
        self.behind = tuple(screen_stack or ())
        return super().render_update(full, screen_stack, simplify)

    def expose(self) -> None:
        """Have everything drawn with the next update."""
        self._dirty_regions.add(self.size.region)

    def render_partial_update(self) -> CompositorUpdate | None:  # type: ignore[override]  # all that is used of it
        """Draw what has changed since the last time."""
        screen = self.size.region
        spans = list(self._regions_to_spans(region.intersection(screen) for region in self._dirty_regions))
        self._dirty_regions.clear()
        return _Update(self.draw(spans)) if spans else None

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        rows = self.draw((y, *crop.column_span) for y in crop.line_range if is_rendered_line(y))
        return [dict(rows.get(y, ())) for y in range(self.size.height)]

    def draw(self, spans: Iterable[_Span]) -> dict[int, _Pieces]:
        """Draw parts of rows, from the front to the back.

        Args:
            spans: Those of a row one after the other.
        """
        bare: dict[int, list[tuple[int, int]]] = {}
        for y, start, end in spans:
            bare.setdefault(y, []).append((start, end))
        drawn: dict[int, _Pieces] = {y: [] for y in sorted(bare)}
        for widget, (region, clip) in self.visible_widgets.items():
            if widget is self.root and (shown := self._draw_behind(bare)) is not None:
                for y, pieces in shown.items():
                    drawn[y] += pieces
                break
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
                strip, suspend_refresh = strips[y - rows[0]], []
                for start, end in bare[y]:
                    first, last = max(start, left), min(end, right)
                    if first >= last:
                        suspend_refresh.append((start, end))
                        continue
                    drawn[y].append((first, strip.crop(first - left, last - left)))
                    suspend_refresh += [span for span in ((start, first), (last, end)) if span[0] < span[1]]
                if suspend_refresh:
                    bare[y] = suspend_refresh
                else:
                    del bare[y]
            if not bare:
                break
        else:
            # A screen behind this one may not have its new size yet.
            for y, spans_left in bare.items():
                drawn[y] += [(start, Strip.blank(end - start)) for start, end in spans_left]
        for pieces in drawn.values():
            pieces.sort(key=itemgetter(0))
        return drawn

    def _draw_behind(self, bare: Mapping[int, list[tuple[int, int]]]) -> dict[int, _Pieces] | None:
        """What shows through where nothing stands here; None where nothing does, or where Textual has to draw it."""
        veil = None if self.root is None else self.root.styles.background
        nearest = self.behind[-1] if self.behind else None
        painter = nearest.painter if isinstance(nearest, PaintedScreen) else None
        if veil is None or veil.a == 1 or painter is None:
            return None
        painter.behind = self.behind[:-1]
        shown = painter.draw((y, start, end) for y, spans in bare.items() for start, end in spans)
        if not veil.a:
            return shown
        return {y: [(x, strip.apply_filter(_VEIL, veil)) for x, strip in pieces] for y, pieces in shown.items()}


class PaintedScreen(Screen[T], SuspendableRefresh, Generic[T]):
    """A screen that a `PartialCompositor` paints."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self.painter = PartialCompositor()
        """How it is put together."""
        self._compositor = self.painter

    def _screen_resized(self, size: Size) -> None:
        # A window that was smaller for a moment has lost what it showed, also where it is as large as before.
        if size == self.size:
            self.painter.expose()
        super()._screen_resized(size)

    def expose(self) -> None:
        """Lay out and draw everything, in one go."""
        self.painter.expose()
        self.refresh(layout=True, repaint=False)
