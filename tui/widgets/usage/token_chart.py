"""The chart of the usage pane: a stacked bar for each turn of a branch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive, var
from textual.strip import Strip

from tui.model import BranchUsage, ChartView, ResendCost, Scope, TextSizes, TurnUsage, Usage
from tui.model.cache_evidence import Verdict
from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import StableScrollView
from tui.widgets.format import ESTIMATE, estimate_mark, format_cost, format_tokens
from tui.widgets.message import RIGHT_BUTTON, MenuRequested, WidgetMessage
from tui.widgets.usage.bar_colors import BarColors
from tui.widgets.usage.bars import BarPart, PartTokens, draw_bar, draw_patterned_bar, split_usage
from tui.widgets.usage.request_lines import RequestLine, request_lines
from tui.widgets.usage.request_words import MARKS, worst_verdict
from tui.widgets.usage.tooltip import turn_tooltip
from tui.widgets.usage.turn_usage_cache import TurnUsageCache

__all__ = ["TokenChart"]


_TOTAL_CELLS: Final = 6
"""Cells for a blank and the total of a turn, without the mark of estimates."""
_MONEY_CELLS: Final = 10
"""Cells for a blank and the cost of a turn, as `≈$0.00042`."""
_MIN_BAR_CELLS: Final = 6
"""Minimum width of a bar beside a total; if there is less room, the total is omitted."""


class TokenChart(StableScrollView, BorderlessRows, can_focus=True):
    """A stacked bar for each turn of a branch; only turns in sight are drawn and requested.

    Answer `TurnsNeeded` with `receive`. A turn that was not read is shown as `…`, a turn without stored usage as `·`.
    An inherited turn is faded and marked `↰`; estimated tokens are marked `≈`, the selected turn `▸`, a turn with a
    request that a cache did not serve `≠` or `∅`. The cursor moves without selecting; Enter or a click selects. One
    turn can be unfolded to its requests, with the keys or with a click on the selected turn.
    """

    BINDING_GROUP_TITLE = "Usage"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next turn", show=False, id="usage.down"),
        Binding("up,k", "move(-1)", "Previous turn", show=False, id="usage.up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="usage.page_down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="usage.page_up"),
        Binding("home,g", "first", "First turn", show=False, id="usage.first"),
        Binding("end,G", "last", "Last turn", show=False, id="usage.last"),
        Binding("right,l", "unfold", "Requests", tooltip="Unfold requests, or next turn", id="usage.unfold"),
        Binding("left,h", "fold", "Fold requests, or previous turn", show=False, id="usage.fold"),
        Binding("enter", "select", "Select turn", id="usage.select"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "token-chart--label",
        "token-chart--inherited",
        "token-chart--quiet",
        "token-chart--changed",
        "token-chart--selected",
        "token-chart--hover",
        "token-chart--cursor",
        *(f"token-chart--{part.name.lower()}" for part in BarPart),
    }
    """`label` is for the number and total of a turn, `quiet` for the sign in place of a bar, `changed` for a prefix."""

    DEFAULT_CSS = """
    TokenChart {
        height: 1fr;
        min-height: 1;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;

        & > .token-chart--cached { color: $primary 50%; }
        & > .token-chart--input { color: $primary; }
        & > .token-chart--output { color: $warning; }
        & > .token-chart--reasoning { color: $warning 50%; }
        &:ansi > .token-chart--cached { color: ansi_blue; }
        &:ansi > .token-chart--input { color: ansi_bright_blue; }
        &:ansi > .token-chart--output { color: ansi_bright_yellow; }
        &:ansi > .token-chart--reasoning { color: ansi_yellow; }
        & > .token-chart--label { color: $foreground; }
        & > .token-chart--inherited { color: $text-muted; }
        & > .token-chart--quiet { color: $text-disabled; }
        & > .token-chart--changed { color: $text-warning; }
        & > .token-chart--selected { color: $text-accent; text-style: bold; }
        & > .token-chart--hover { background: $block-hover-background; }

        &:focus > .token-chart--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        &:focus:nocolor > .token-chart--cursor { text-style: bold underline; }
    }
    """

    branch_usage: var[BranchUsage | None] = var(None)
    """The usage to show; None until it is read."""

    turn: var[int] = var(0)
    """The selected turn, 0 for none; the cursor moves to it when it changes."""

    cursor: var[int] = var(0)
    """The turn under the cursor; 0 if there are no turns."""

    unfolded: var[int] = var(0)
    """The turn whose requests are shown; 0 if there is none."""

    request: var[int] = var(0)
    """The number of the request under the cursor; 0 if the cursor is on the turn itself."""

    chart_view: reactive[ChartView] = reactive(ChartView.TOKENS)
    """The quantity that the bars show."""

    resend_cost: reactive[ResendCost | None] = reactive(None)
    """The resend costs; None until they are read."""

    text_sizes: reactive[TextSizes | None] = reactive(None)
    """The sizes of the turns, shown if no usage is stored for any of them; None until they are read."""

    largest_cost: reactive[Decimal | None] = reactive(None)
    """The cost of the most expensive turn; None until it is read."""

    hovered: var[int] = var(0)
    """The turn under the mouse; 0 if there is none."""

    @dataclass
    class TurnSelected(WidgetMessage["TokenChart"]):
        """Posted when the user selected a turn."""

        turn: int

    @dataclass
    class TurnsNeeded(WidgetMessage["TokenChart"]):
        """Posted when turns are in sight that were not read; pass them to `receive`, with the same generation."""

        first: int
        last: int
        """Number of the last turn; the branch may have fewer."""
        generation: int

    @dataclass
    class RowsChanged(WidgetMessage["TokenChart"]):
        """Posted when the number of `rows` has changed because a turn was unfolded or folded."""

    def __init__(self, usage_cache: TurnUsageCache | None = None) -> None:
        """Create a chart, which may share the cache of charts of the same branch."""
        super().__init__()
        self._usage_cache = TurnUsageCache() if usage_cache is None else usage_cache
        self._in_sight: set[int] = set()
        self._lines: list[RequestLine] = []
        self.bar_colors = BarColors(self)
        """The colours of the bars."""

    @property
    def count(self) -> int:
        """The number of turns."""
        return self.branch_usage.turns if self.branch_usage else 0

    @property
    def rows(self) -> int:
        """The number of turns and of lines for the requests of the unfolded turn."""
        return self.count + len(self._lines)

    @property
    def scale(self) -> int:
        """The length of the largest bar, which fills the width, in the unit of `parts`."""
        if self._is_uncounted:
            return self.text_sizes.largest if self.text_sizes else 0
        match self.chart_view:
            case ChartView.RESEND_COST:
                return self.resend_cost.largest if self.resend_cost else 0
            case ChartView.MONEY:
                return _nanodollars(self.largest_cost or Decimal(0))
            case ChartView.TOKENS:
                return self.branch_usage.largest if self.branch_usage else 0

    @property
    def _is_uncounted(self) -> bool:
        return self.branch_usage is not None and self.branch_usage.is_uncounted

    @property
    def cursor_y(self) -> int:
        """The line of the widget in which the cursor is."""
        return self._cursor_rows().start - self.scroll_offset.y

    def _row(self, turn: int) -> int:
        return turn - 1 + (len(self._lines) if 0 < self.unfolded < turn else 0)

    def _cursor_rows(self) -> range:
        """Return the rows under the cursor: a turn's, or those of a request."""
        first = self._row(self.cursor)
        rows = [
            row
            for row, line in enumerate(self._lines, self._row(self.unfolded) + 1)
            if self.request and line.number == self.request
        ]
        return range(rows[0], rows[-1] + 1) if rows else range(first, first + 1)

    def _line_at(self, row: int) -> RequestLine | None:
        """Return the line of a request in a row; None for the row of a turn."""
        index = row - self.unfolded
        return self._lines[index] if self.unfolded and 0 <= index < len(self._lines) else None

    def _turn_at(self, row: int) -> int:
        """Return the turn that a row shows, or to which the request in the row belongs."""
        if not self.unfolded or row < self.unfolded:
            return row + 1
        return max(self.unfolded, row + 1 - len(self._lines))

    def parts(self, turn: int, turn_usage: TurnUsage | None) -> PartTokens | None:
        """Return the length of each part of a turn's bar, in tokens or nanodollars; None if not stored or not read."""
        if self._is_uncounted:
            size = self.text_sizes.turn(turn) if self.text_sizes else None
            return (0, size.to_model, size.from_model, 0) if size else None
        match self.chart_view:
            case ChartView.RESEND_COST:
                resend = self.resend_cost.turn(turn) if self.resend_cost else None
                return (resend.cached or 0, resend.tokens - (resend.cached or 0), 0, 0) if resend else None
            case ChartView.MONEY:
                cost = turn_usage.cost if turn_usage and self.largest_cost is not None else None
                if cost is None or not cost.has_price:
                    return None
                cached, others, output, reasoning = map(_nanodollars, cost.parts)
                return cached, others, output, reasoning
            case ChartView.TOKENS:
                return split_usage(turn_usage.usage) if turn_usage and turn_usage.usage else None

    def no_bar_means_no_usage(self, turn_usage: TurnUsage | None) -> bool:
        """Return whether a missing bar means that no usage is stored; False if the turn may still be read."""
        if self._is_uncounted:
            return False
        match self.chart_view:
            case ChartView.RESEND_COST:
                return False
            case ChartView.MONEY:
                return turn_usage is not None and self.largest_cost is not None
            case ChartView.TOKENS:
                return turn_usage is not None

    def is_inherited(self, turn_usage: TurnUsage | None) -> bool:
        """Return whether another branch ran the turn."""
        if turn_usage is None or self.branch_usage is None:
            return False
        return turn_usage.branch_id not in (None, self.branch_usage.branch_id)

    def receive(self, generation: int, turns: Sequence[TurnUsage]) -> None:
        """Show turns that `TurnsNeeded` requested."""
        self._usage_cache.receive(generation, turns)
        self._write_requests()
        self._update_tooltip()
        self.refresh()

    def request_missing(self, turns: Iterable[int]) -> None:
        """Request the missing turns among some turns."""
        for first, last in self._usage_cache.missing_pages(turns):
            self.post_message(self.TurnsNeeded(self, first, last, self._usage_cache.generation))

    def watch_branch_usage(self, before: BranchUsage | None, branch_usage: BranchUsage | None) -> None:
        # A new turn may be selected before its usage is read.
        followed = self.cursor == min(self.turn, before.turns if before else 0)
        self._usage_cache.follow(branch_usage)
        is_other = before is None or branch_usage is None or before.branch_id != branch_usage.branch_id
        if is_other or self.unfolded > self.count:
            self.unfolded = 0
        self._write_requests()
        if branch_usage is not None:
            self._update_virtual_size()
        if followed or is_other:
            self.cursor = self.turn
        else:
            self.cursor = self.cursor or self.turn
        self._reveal_cursor()
        self.hovered = 0
        self.refresh()

    def watch_turn(self, before: int, turn: int) -> None:
        self.cursor = turn
        self.refresh_turns(before, turn)

    def validate_cursor(self, cursor: int) -> int:
        return min(max(cursor, 1), self.count)

    def watch_cursor(self, before: int, turn: int) -> None:
        self.request = 0
        self.refresh_turns(before, turn)
        self._reveal_cursor()

    def watch_request(self) -> None:
        self.refresh()
        self._reveal_cursor()

    def watch_unfolded(self) -> None:
        self.request = 0
        self._write_requests()
        self.refresh()

    def _write_requests(self) -> None:
        """Write the lines of the unfolded turn's requests."""
        before = len(self._lines)
        width = self.scrollable_content_region.width
        turn = self.unfolded
        self._lines = request_lines(self._usage_cache.get(turn), width) if turn and width else []
        if len(self._lines) != before:
            self._update_virtual_size()
            self._reveal_cursor()
            self.post_message(self.RowsChanged(self))

    def watch_hovered(self, before: int, turn: int) -> None:
        self.refresh_turns(before, turn)
        self._update_tooltip()

    def refresh_turns(self, *turns: int) -> None:
        """Redraw some turns."""
        for turn in turns:
            self.refresh_line(self._row(turn))

    def _update_tooltip(self) -> None:
        turn_usage = self._usage_cache.get(self.hovered)
        if turn_usage is None:
            self.tooltip = None
        else:
            cost = self.resend_cost.turn(self.hovered) if self.resend_cost else None
            size = self.text_sizes.turn(self.hovered) if self.text_sizes else None
            prices = self.branch_usage.prices if self.branch_usage else ()
            is_inherited = self.is_inherited(turn_usage)
            self.tooltip = turn_tooltip(turn_usage, cost, size, is_inherited=is_inherited, prices=prices)

    def action_move(self, turns: int) -> None:
        """Move the cursor by a number of turns and requests."""
        requests = self._lines[-1].number if self._lines else 0
        place = self.cursor + (self.request if self.cursor <= self.unfolded else requests) + turns
        if not self.unfolded or place <= self.unfolded:
            self.cursor, self.request = place, 0
        elif place > self.unfolded + requests:
            last = self.cursor == self.unfolded == self.count
            self.cursor = place - requests
            self.request = requests if last else 0
        else:
            self.cursor, self.request = self.unfolded, place - self.unfolded

    def action_page(self, pages: int) -> None:
        """Move the cursor by a number of pages."""
        row = self._cursor_rows().start + pages * max(1, self.scrollable_content_region.height - 1)
        row = min(max(row, 0), self.rows - 1)
        line = self._line_at(row)
        self.cursor = self._turn_at(row)
        self.request = line.number if line else 0

    def action_unfold(self) -> None:
        """Show the requests of the turn under the cursor."""
        self.unfolded = self.cursor

    def action_fold(self) -> None:
        """Hide the requests."""
        self.unfolded = 0

    def unfold(self, turn: int) -> None:
        """Go to a turn, and show its requests."""
        self.cursor = self.unfolded = turn

    def toggle_requests(self, turn: int) -> None:
        """Show or hide the requests of a turn."""
        self.unfolded = 0 if turn == self.unfolded else turn

    def action_first(self) -> None:
        """Move the cursor to the first turn."""
        self.cursor = 1

    def action_last(self) -> None:
        """Move the cursor to the last turn."""
        self.cursor = self.count

    def action_select(self) -> None:
        """Select the turn under the cursor."""
        if self.cursor:
            # Posted to the screen, so that it arrives before the next key's command.
            self.screen.post_message(self.TurnSelected(self, self.cursor))

    def turn_at(self, event: events.MouseEvent) -> int:
        """Return the turn under the mouse; 0 if there is none."""
        offset = event.get_content_offset(self)
        if offset is None:
            return 0
        row = offset.y + self.scroll_offset.y
        return self._turn_at(row) if row < self.rows else 0

    def on_size(self) -> None:
        self._write_requests()
        self._update_virtual_size()
        self._reveal_cursor()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hovered = self.turn_at(event)

    def on_leave(self) -> None:
        self.hovered = 0

    def on_click(self, event: events.Click) -> None:
        if turn := self.turn_at(event):
            event.stop()
            line = self._line_at(event.y + self.scroll_offset.y)
            if line is None and turn == self.turn and event.button != RIGHT_BUTTON:
                self.toggle_requests(turn)
            self.cursor = turn
            self.request = line.number if line else 0
            self.action_select()
            if event.button == RIGHT_BUTTON:
                self.post_message(MenuRequested(self, event.screen_offset))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the turns in sight, and request those that were not read."""
        self._in_sight.clear()
        strips = super().render_lines(crop)
        self.request_missing(self._in_sight)
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw a turn, or an empty line below the last turn."""
        row = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if row >= self.rows:
            return Strip.blank(width, self.background_style)
        turn = self._turn_at(row)
        self._in_sight.add(turn)
        if line := self._line_at(row):
            return Strip([self._draw_request(line)]).adjust_cell_length(width, self.background_style)
        segments = self._draw(turn, self._usage_cache.get(turn), width)
        return Strip(segments).adjust_cell_length(width, self.background_style)

    def _draw(self, turn: int, turn_usage: TurnUsage | None, width: int) -> Iterator[Segment]:
        """Draw mark, number, bar and total of a turn."""
        is_inherited = self.is_inherited(turn_usage)
        states = ("token-chart--hover",) if turn == self.hovered else ()
        label_style = self._label_style(turn, states, is_inherited)
        number = f"t{turn}".rjust(len(f"t{self.count}"))
        label = f"{'▸' if turn == self.turn else ' '}{number}{'↰' if is_inherited else ' '}"
        yield Segment(label, label_style)
        room = width - len(label)
        total_cells = self._total_cells()
        has_total = room - total_cells >= _MIN_BAR_CELLS
        if has_total:
            room -= total_cells
        parts = self.parts(turn, turn_usage)
        if parts is None:
            sign = "·" if self.no_bar_means_no_usage(turn_usage) else "…"
            yield Segment(sign, self.get_visual_style(*states, "token-chart--quiet").rich_style)
            yield Segment(" " * (room - 1), self.get_visual_style(*states).rich_style)
        else:
            yield from self._draw_bar(parts, room, states, faded=is_inherited)
        if has_total:
            total = self._total(parts, turn_usage).rjust(total_cells)
            verdict = worst_verdict(turn_usage.requests) if turn_usage and total.startswith(" ") else None
            if verdict is not None:
                style = "changed" if verdict is Verdict.PREFIX_CHANGED else "label"
                yield Segment(MARKS[verdict], self.get_visual_style(*states, f"token-chart--{style}").rich_style)
                total = total[1:]
            yield Segment(total, label_style)

    def _draw_request(self, line: RequestLine) -> Segment:
        names = [f"token-chart--{line.style}"]
        if line.number and line.number == self.request and self.has_focus:
            names.append("token-chart--cursor")
        return Segment(line.text, self.get_visual_style(*names).rich_style)

    def _label_style(self, turn: int, states: tuple[str, ...], is_inherited: bool) -> Style:
        names = [f"token-chart--{'inherited' if is_inherited else 'label'}", *states]
        if turn == self.turn:
            names.append("token-chart--selected")
        if turn == self.cursor and not self.request and self.has_focus:
            names.append("token-chart--cursor")
        return self.get_visual_style(*names).rich_style

    def _total_cells(self) -> int:
        """Return the width of the totals, with room for the mark of estimates if any total may have it."""
        if self._is_uncounted or self.chart_view is ChartView.RESEND_COST:
            return _TOTAL_CELLS + len(ESTIMATE)
        if self.chart_view is ChartView.MONEY:
            return _MONEY_CELLS
        path = self.branch_usage.totals.get(Scope.PATH) if self.branch_usage else None
        return _TOTAL_CELLS + len(estimate_mark(path))

    def _total(self, parts: PartTokens | None, turn_usage: TurnUsage | None) -> str:
        if parts is None:
            return ""
        if self._is_uncounted or self.chart_view is ChartView.RESEND_COST:
            return format_tokens(sum(parts), estimated=True)
        if self.chart_view is ChartView.MONEY:
            return format_cost(turn_usage.cost) if turn_usage and turn_usage.cost else ""
        usage = (turn_usage.usage if turn_usage else None) or Usage()
        return format_tokens(usage.total_tokens, estimated=usage.estimated)

    def _draw_bar(self, parts: PartTokens, width: int, states: tuple[str, ...], *, faded: bool) -> Iterator[Segment]:
        """Yield the segments of a bar, merging neighbouring cells of the same style."""
        colors = self.bar_colors.get(states, faded=faded)
        draw = draw_patterned_bar if self.app.no_color else draw_bar
        cells = draw(parts, self.scale, width)
        for (foreground, background), same in groupby(cells, attrgetter("foreground", "background")):
            style = Style.from_color(colors[foreground].rich_color, colors[background].rich_color)
            yield Segment("".join(segment.text for segment in same), style)

    def notify_style_update(self) -> None:
        """Forget the colours of the previous theme."""
        super().notify_style_update()
        self.bar_colors.clear()

    def _update_virtual_size(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self.rows)

    def _reveal_cursor(self) -> None:
        if self.cursor:
            rows = self._cursor_rows()
            region = Region(0, rows.start, 1, len(rows))
            self.scroll_to_region(region, animate=False, force=True, immediate=True)


def _nanodollars(amount: Decimal) -> int:
    return round(amount * 1_000_000_000)
