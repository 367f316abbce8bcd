"""The colours of the bars: for hovered and other lines, and faded for inherited turns."""

from __future__ import annotations

from typing import Final, TypeAlias

from textual.color import Color
from textual.widget import Widget

from tui.contrast import MARK_CONTRAST, TEXT_CONTRAST, readable
from tui.widgets.usage.bars import BarPart

__all__ = ["BarColors"]

_FADED: Final = 0.6
"""The share of a part's colour that is left when it is faded."""

_LIGHT: Final = (BarPart.CACHED, BarPart.REASONING)

Colors: TypeAlias = dict[BarPart | None, Color]
"""The colour of each part of a bar; `None` is the key of the background."""


class BarColors:
    """Computes the colours of bars from the component classes of a chart, and caches them."""

    def __init__(self, chart: Widget) -> None:
        """Create the colours of a chart that has a component class `token-chart--<part>` for each part."""
        self._chart = chart
        self._colors: dict[tuple[tuple[str, ...], bool], Colors] = {}

    def clear(self) -> None:
        """Drop the colours of the previous theme."""
        self._colors.clear()

    def get(self, states: tuple[str, ...] = (), *, faded: bool = False) -> Colors:
        """Return the colours of a bar.

        Args:
            states: Component classes whose backgrounds are drawn over the chart's background.
            faded: Whether the parts are faded.
        """
        if (states, faded) not in self._colors:
            self._colors[states, faded] = self.compute(states, faded=faded)
        return self._colors[states, faded]

    def compute(self, states: tuple[str, ...] = (), *, faded: bool = False) -> Colors:
        """Return the same colours as `get` without caching them."""
        background = self._chart.background_colors[1]
        for name in states:
            background += self._chart.get_component_styles(name).background
        colors: Colors = {None: background}
        for part in BarPart:
            name = "label" if self._chart.app.no_color else part.name.lower()
            color = background + self._chart.get_component_styles(f"token-chart--{name}").color
            if faded:
                color = background.blend(color, _FADED)
            # Full colours differ from the light ones that stand beside them.
            ratio = MARK_CONTRAST if part in _LIGHT or faded else TEXT_CONTRAST
            colors[part] = readable(color, [background], ratio)
        return colors
