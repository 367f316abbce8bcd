"""The usage pane: the totals of a branch, a chart of its turns, and its tool calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.reactive import reactive, var
from textual.style import Style

from tui.model import TurnUsage, View
from tui.painting.pane import Pane
from tui.widgets.usage.bars import PATTERNS, BarPart
from tui.widgets.usage.strip_text import strip_totals_line, strip_turn_line
from tui.widgets.usage.text import TOTALS_HEIGHT, Legend, totals_lines
from tui.widgets.usage.text_lines import TextLines
from tui.widgets.usage.token_chart import TokenChart
from tui.widgets.usage.token_strip import TokenStrip
from tui.widgets.usage.tools_text import ranked_tools, tools_lines
from tui.widgets.usage.turn_usage_cache import TurnUsageCache

__all__ = ["UsageSidebar"]


_MIN_CHART_LINES: Final = 8
"""Lines that the chart gets before the tools get any."""
_MAX_TOOLS_LINES: Final = 9


class UsageSidebar(Pane):
    """The totals, the chart, the selected turn and the tools of the shown branch; only three lines while `compact`.

    The charts post `TokenChart.TurnSelected`, and `TokenChart.TurnsNeeded`, which is answered with `receive`.
    """

    BINDING_GROUP_TITLE = "Usage"

    DEFAULT_CSS = f"""
    UsageSidebar {{
        background: $surface;

        padding: 0 1;

        & > TextLines {{ width: 1fr; height: 1; }}
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
    """The view to show."""

    compact: reactive[bool] = reactive(False, toggle_class="-strip")
    """True if to show three lines instead of the full pane."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._usage_cache = TurnUsageCache()
        self.chart = TokenChart(self._usage_cache)
        """A bar for each turn."""
        self.strip = TokenStrip(self._usage_cache)
        """The chart on one line, shown while `compact`."""
        self._tools_lines = 0
        self._is_laid_out = False
        self._totals = TextLines(
            lambda width: totals_lines(self.view, self._turn, width, self._legend()), "usage--totals"
        )
        self._tools = TextLines(
            lambda width: tools_lines(self.view, self._turn, width, self._tools_lines), "usage--tools"
        )
        self._strip_totals = TextLines(
            lambda width: [strip_totals_line(self.view, width, self._legend())], "usage--line"
        )
        self._strip_turn = TextLines(
            lambda width: [strip_turn_line(self.view, self._strip_shown_turn, width, self._legend())], "usage--line"
        )

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
        self._lay_out()

    def watch_view(self, before: View, view: View) -> None:
        if view.revision != before.revision:
            self._usage_cache.invalidate()
        if self.is_mounted and _shown(view) != _shown(before):
            self._show()

    def receive(self, generation: int, turns: Sequence[TurnUsage]) -> None:
        """Show turns that `TokenChart.TurnsNeeded` requested."""
        for chart in (self.chart, self.strip):
            chart.receive(generation, turns)
        self._update_texts()

    @on(TokenChart.RowsChanged)
    def _fit_chart(self) -> None:
        self._lay_out()
        self._tools.update()

    @property
    def _turn(self) -> TurnUsage | None:
        """The selected turn; None until it is read."""
        return self._usage_cache.get(self.view.turn)

    @property
    def _strip_shown_turn(self) -> TurnUsage | None:
        """The turn under the cursor of the strip while it has the focus, else the selected one."""
        at_cursor = self._usage_cache.get(self.strip.cursor) if self.strip.has_focus else None
        return at_cursor or self._turn

    @on(DescendantFocus)
    @on(DescendantBlur)
    @on(TokenStrip.CursorMoved)
    def _follow_strip(self) -> None:
        self._strip_turn.update()

    def _show(self) -> None:
        for chart in (self.chart, self.strip):
            chart.chart_view, chart.resend_cost = self.view.chart, self.view.resend_cost
            chart.text_sizes, chart.largest_cost = self.view.text_sizes, self.view.largest_cost
            chart.branch_usage = self.view.branch_usage
            chart.turn = self.view.turn
        if self.view.branch_usage and self.view.turn:
            self.chart.request_missing([self.view.turn])
        self._lay_out()
        self._update_texts()

    def _update_texts(self) -> None:
        for text in (self._totals, self._tools, self._strip_totals, self._strip_turn):
            text.update()

    def _lay_out(self) -> None:
        """Put the tools right below the last turn, with as many lines as they need and the chart does not."""
        if self.view.branch_usage is None and self._is_laid_out:
            # Nothing moves while a branch is read.
            return
        self._is_laid_out = True
        names = len(ranked_tools(self.view))
        spare = self.size.height - TOTALS_HEIGHT - min(_MIN_CHART_LINES, self.chart.rows) - 1
        self._tools_lines = min(names + 1, spare, _MAX_TOOLS_LINES) if names else 0
        self._tools.display = self._tools_lines >= 2
        self._tools.styles.height = self._tools_lines
        # Every change of the height lays out the screen again, so a height beyond the screen is avoided.
        self.chart.styles.max_height = max(1, min(self.chart.rows, self.app.size.height))

    def _legend(self) -> Legend:
        colors = self.chart.bar_colors.compute()
        return {
            part: Content.styled(PATTERNS[part] if self.app.no_color else "■", Style(foreground=colors[part]))
            for part in BarPart
        }


def _shown(view: View) -> tuple[object, ...]:
    """Return all fields of a view that the pane shows."""
    return (
        *(view.branch_usage, view.scope, view.turn, view.revision, view.chart),
        *(view.resend_cost, view.text_sizes, view.largest_cost, view.price_as),
    )
