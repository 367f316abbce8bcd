"""What a branch cost: totals, a bar for each turn, the tools it called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive, var
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from tui.model import TurnUsage, View
from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import FixedSize
from tui.widgets.usage.bars import PATTERNS, Part
from tui.widgets.usage.text import TOTALS_HEIGHT, Swatch, strip_totals, strip_turn, tools, totals
from tui.widgets.usage.token_chart import TokenChart
from tui.widgets.usage.token_strip import TokenStrip
from tui.widgets.usage.turn_usage_cache import TurnUsageCache

__all__ = ["UsageSidebar"]


_CHART_HEIGHT = 8
"""Lines of the chart before the tools get any."""
_MOST_TOOL_LINES = 9


class _Words(FixedSize, BorderlessRows):
    """Lines that a function writes for the width there is; of others than before, those that differ are drawn."""

    def __init__(self, write: Callable[[int], Sequence[Content]], classes: str) -> None:
        super().__init__(classes=classes)
        self._write = write
        self._width = 0
        self._lines: Sequence[Content] = ()
        self._painted: dict[int, Strip] = {}
        self._selection: Selection | None = None

    def renew(self) -> None:
        """Draw what it says otherwise than before."""
        before, lines = self._lines, self._rewritten()
        differ = [y for y, pair in enumerate(zip_longest(before, lines)) if not _same(*pair)]
        for y in differ:
            self._painted.pop(y, None)
        if differ:
            self.refresh(*(Region(0, y, self._width, 1) for y in differ))

    def _rewritten(self) -> Sequence[Content]:
        self._width = self.size.width
        self._lines = self._write(self._width) if self._width else ()
        return self._lines

    def draw(self, y: int) -> Strip:
        """One line."""
        if self._width != self.size.width:
            self._painted.clear()
            self._rewritten()
        if y >= len(self._lines):
            return Strip([])
        if self._selection is not None and (span := self._selection.get_span(y)):
            look, end = self.screen.get_visual_style("screen--selection"), None if span[1] < 0 else span[1]
            return self._paint(self._lines[y].stylize(look, span[0], end))
        if y not in self._painted:
            self._painted[y] = self._paint(self._lines[y])
        return self._painted[y]

    def _paint(self, line: Content) -> Strip:
        base = self.visual_style
        parts = line.render(base, end="", parse_style=partial(Style.parse, variables=self.app.theme_variables))
        return Strip(Segment(text, (base + style).rich_style) for text, style in parts)

    def render_line(self, y: int) -> Strip:
        """One line, which tells the mouse where it is."""
        return self.draw(y).apply_offsets(0, y)

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        self._selection = selection
        super().selection_updated(selection)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text between two offsets."""
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def notify_style_update(self) -> None:
        """Write it in the colours of another theme."""
        super().notify_style_update()
        self._width = 0


def _same(before: Content | None, after: Content | None) -> bool:
    return before is not None and after is not None and before.is_same(after)


class UsageSidebar(Vertical, FixedSize):
    """Tokens of the shown branch: the sums, the chart, the selected turn, the tools.

    With `compact` it is a strip of three lines. It posts `TokenChart.TurnSelected`, and `TokenChart.TurnsNeeded`, which
    is to be answered with `receive`.
    """

    BINDING_GROUP_TITLE = "Usage"

    DEFAULT_CSS = f"""
    UsageSidebar {{
        background: $surface;

        padding: 0 1;

        & > _Words {{ width: 1fr; height: 1; }}
        & > .usage--totals {{ height: {TOTALS_HEIGHT}; }}
        & > .usage--tools {{ margin-top: 1; }}
        & > .usage--line, & > TokenStrip {{ display: none; }}

        &.-strip {{
            height: 3;
            & > .usage--totals, & > .usage--tools, & > TokenChart {{ display: none; }}
            & > .usage--line, & > TokenStrip {{ display: block; }}
        }}
    }}
    """

    view: var[View] = var(View())
    """What is shown."""

    compact: reactive[bool] = reactive(False, toggle_class="-strip")
    """Show three lines instead of the whole."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._bars = TurnUsageCache()
        self.chart = TokenChart(self._bars)
        """A bar for each turn."""
        self.strip = TokenStrip(self._bars)
        """The same on one line, shown while `compact`."""
        self._totals = _Words(lambda width: totals(self.view, self._turn, width, self._swatches()), "usage--totals")
        self._tools = _Words(lambda width: tools(self.view, self._turn, width, self._tool_lines), "usage--tools")
        self._strip_totals = _Words(lambda width: [strip_totals(self.view, width, self._swatches())], "usage--line")
        self._strip_turn = _Words(
            lambda width: [strip_turn(self.view, self._turn, width, self._swatches())], "usage--line"
        )
        self._tool_lines = 0
        self._adapted_size = False

    def compose(self) -> ComposeResult:
        yield self._totals
        yield self.chart
        yield self._tools
        yield self._strip_totals
        yield self.strip
        yield self._strip_turn

    def on_mount(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self._fit()

    def watch_view(self, before: View, view: View) -> None:
        if view.revision != before.revision:
            self._bars.invalidate()
        if self.is_mounted and _shown(view) != _shown(before):
            self._show()

    def receive(self, generation: int, turns: Sequence[TurnUsage]) -> None:
        """Take what was asked for by `TokenChart.TurnsNeeded`."""
        for chart in (self.chart, self.strip):
            chart.receive(generation, turns)
        self._refresh_words()

    @property
    def _turn(self) -> TurnUsage | None:
        """The selected turn, as far as it is known."""
        return self._bars.get(self.view.turn)

    def _show(self) -> None:
        for chart in (self.chart, self.strip):
            chart.shows, chart.resend_cost = self.view.chart, self.view.resend_cost
            chart.branch_usage = self.view.branch_usage
            chart.turn = self.view.turn
        if self.view.branch_usage and self.view.turn:
            self.chart.ask([self.view.turn])
        self._fit()
        self._refresh_words()

    def _refresh_words(self) -> None:
        for words in (self._totals, self._tools, self._strip_totals, self._strip_turn):
            words.renew()

    def _fit(self) -> None:
        """Let the tools follow the last turn, with the lines they need as far as the chart can spare them."""
        if self.view.branch_usage is None and self._adapted_size:
            # Nothing moves while a branch is read.
            return
        self._adapted_size = True
        names = len(self.view.branch_usage.tools) if self.view.branch_usage else 0
        spare = self.size.height - TOTALS_HEIGHT - min(_CHART_HEIGHT, self.chart.count) - 1
        self._tool_lines = min(names + 1, spare, _MOST_TOOL_LINES) if names else 0
        self._tools.display = self._tool_lines >= 2
        self._tools.styles.height = self._tool_lines
        # No more than fits: another height lays out the whole screen anew.
        self.chart.styles.max_height = max(1, min(self.chart.count, self.app.size.height))

    def _swatches(self) -> dict[Part, Swatch]:
        """How the parts of the bars look, for the legend."""
        return {
            part: Swatch(PATTERNS[part] if self.app.no_color else "■", Style(foreground=self.chart.part_color(part)))
            for part in Part
        }


def _shown(view: View) -> tuple[object, ...]:
    """What the pane shows of a view."""
    return view.branch_usage, view.scope, view.turn, view.revision, view.chart, view.resend_cost, view.price_as
