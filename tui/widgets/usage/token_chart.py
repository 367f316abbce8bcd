"""The tokens of a branch, turn by turn: a stacked bar on each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from tui.model import BranchUsage, ChartView, ResendCost, Scope, TurnUsage, Usage
from tui.painting.row_widget import BorderlessRows
from tui.painting.stable_scroll import StableScrollView
from tui.widgets.format import fit_name, format_dollars, format_tokens
from tui.widgets.usage.bars import Part, bar, patterned, split
from tui.widgets.usage.cost_text import carried_words
from tui.widgets.usage.run_text import ESTIMATE, estimate_mark, missing, run_details
from tui.widgets.usage.turn_usage_cache import TurnUsageCache

__all__ = ["TokenChart"]

_VALUE_WIDTH = 6
"""Cells for a space and the turn's total; where some are estimated, one more for `≈`."""
_SHORTEST_BAR = 6
"""A bar shorter than this is worth more than the total beside it."""
_PALE = 0.6
"""What is left of the colour of an inherited turn's bar."""


class TokenChart(StableScrollView, BorderlessRows, can_focus=True):
    """A bar for each turn of a branch, its parts stacked; only the lines in sight are ever drawn, and asked for.

    Answer `TurnsNeeded` with `receive`; until then a turn shows a `…`. A turn that the branch inherited is pale and
    marked `↰`; one without stored usage shows a `·`, and estimated tokens a `≈`. The selected turn is marked `▸`. The
    cursor moves without selecting; Enter or a click selects.
    """

    BINDING_GROUP_TITLE = "Usage"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next turn", show=False, id="usage.down"),
        Binding("up,k", "move(-1)", "Previous turn", show=False, id="usage.up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="usage.page_down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="usage.page_up"),
        Binding("home,g", "first", "First turn", show=False, id="usage.first"),
        Binding("end,G", "last", "Last turn", show=False, id="usage.last"),
        Binding("enter", "select", "Select turn", id="usage.select"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | down, j | Move the cursor to the next turn. |
    | up, k | Move the cursor to the turn before. |
    | pagedown, ctrl+d | Move the cursor a page down. |
    | pageup, ctrl+u | Move the cursor a page up. |
    | home, g | Move the cursor to the first turn. |
    | end, G | Move the cursor to the last turn. |
    | enter | Select the turn under the cursor. |
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "token-chart--cached",
        "token-chart--input",
        "token-chart--output",
        "token-chart--reasoning",
        "token-chart--label",
        "token-chart--inherited",
        "token-chart--quiet",
        "token-chart--selected",
        "token-chart--hover",
        "token-chart--cursor",
    }
    """
    | Class | Description |
    | :- | :- |
    | `token-chart--cached` | The part of a bar that is cached input; its `color` is used. |
    | `token-chart--input` | The part that is other input. |
    | `token-chart--output` | The part that is output without reasoning. |
    | `token-chart--reasoning` | The part that is reasoning. |
    | `token-chart--label` | A turn's number and its total. |
    | `token-chart--inherited` | The same of a turn that another branch ran. |
    | `token-chart--quiet` | The dot of a turn without stored usage. |
    | `token-chart--selected` | The selected turn's mark, number and total. |
    | `token-chart--hover` | The line under the mouse. |
    | `token-chart--cursor` | Number and total of the line under the cursor, while focused. |
    """

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
        & > .token-chart--selected { color: $text-accent; text-style: bold; }
        & > .token-chart--hover { background: $block-hover-background; }

        &:focus > .token-chart--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        &:focus:nocolor > .token-chart--cursor { text-style: reverse; }
    }
    """

    branch_usage: var[BranchUsage | None] = var(None)
    """What is shown; None while it is not known."""

    turn: var[int] = var(0)
    """The selected turn, 0 for none; the cursor goes there when it changes."""

    cursor: var[int] = var(0)
    """The turn under the cursor, 0 where there is none."""

    resend_cost: var[ResendCost | None] = var(None)
    """What the turns cost again: shown in place of what they cost, once it is known, where `shows` says so."""

    shows: var[ChartView] = var(ChartView.TOKENS)
    """What the bars stand for."""

    hovered: var[int] = var(0)
    """The turn under the mouse, 0 where there is none."""

    class TurnSelected(Message):
        """The user selected a turn."""

        def __init__(self, chart: TokenChart, turn: int) -> None:
            super().__init__()
            self.chart = chart
            """The chart that was used."""
            self.turn = turn
            """The number of the turn."""

        @property
        def control(self) -> TokenChart:
            """The chart that was used."""
            return self.chart

    class TurnsNeeded(Message):
        """Turns came into sight whose tokens are not known; to be answered with `receive`."""

        def __init__(self, chart: TokenChart, first: int, last: int, generation: int) -> None:
            super().__init__()
            self.chart = chart
            """The chart that needs them."""
            self.first = first
            """The number of the first of them."""
            self.last = last
            """The number of the last; the branch may have fewer turns."""
            self.generation = generation
            """What to give back to `receive`."""

        @property
        def control(self) -> TokenChart:
            """The chart that needs them."""
            return self.chart

    def __init__(
        self,
        bars: TurnUsageCache | None = None,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """Make it; charts of the same branch may share their `bars`."""
        super().__init__(id=id, classes=classes)
        self._bars = TurnUsageCache() if bars is None else bars
        self._in_sight: set[int] = set()
        self._colors: dict[tuple[tuple[str, ...], bool], dict[Part | None, Color]] = {}

    @property
    def count(self) -> int:
        """How many turns there are."""
        return self.branch_usage.turns if self.branch_usage else 0

    @property
    def scale(self) -> int:
        """Tokens of the largest bar: what fills the width."""
        if self.shows is ChartView.RESEND_COST:
            return self.resend_cost.largest if self.resend_cost else 0
        return self.branch_usage.largest if self.branch_usage else 0

    def parts(self, turn: int, told: TurnUsage | None) -> tuple[int, int, int, int] | None:
        """The tokens of each part of a turn's bar; None where there are none, or they are on their way."""
        if self.shows is ChartView.RESEND_COST:
            carried = self.resend_cost.turn(turn) if self.resend_cost else None
            if carried is None:
                return None
            cached = carried.cached or 0
            return cached, carried.tokens - cached, 0, 0
        return split(told.usage) if told and told.usage else None

    def receive(self, generation: int, turns: Sequence[TurnUsage]) -> None:
        """Take what was asked for by `TurnsNeeded`."""
        self._bars.receive(generation, turns)
        self._explain(self.hovered)
        self.refresh()

    def ask(self, turns: Iterable[int]) -> None:
        """Ask for what is not known of some turns."""
        for first, last in self._bars.missing_pages(turns):
            # Drawing runs in the screen's name, and a message that the screen sent would not bubble up to it.
            self.post_message(self.TurnsNeeded(self, first, last, self._bars.generation).set_sender(self))

    def inherited(self, turn: TurnUsage) -> bool:
        """Whether another branch ran the turn."""
        return self.branch_usage is not None and turn.branch_id not in (None, self.branch_usage.branch_id)

    def watch_branch_usage(self, before: BranchUsage | None, branch_usage: BranchUsage | None) -> None:
        self._bars.follow(branch_usage)
        if branch_usage is not None:
            self._measure()
        if before is None or branch_usage is None or before.branch_id != branch_usage.branch_id:
            self.cursor = self.turn
        else:
            self.cursor = self.cursor or self.turn
        self.hovered = 0
        self.refresh()

    def watch_resend_cost(self) -> None:
        self.refresh()

    def watch_shows(self) -> None:
        self.refresh()

    def watch_turn(self, before: int, turn: int) -> None:
        self.cursor = turn
        self.refresh_turns(before, turn)

    def validate_cursor(self, cursor: int) -> int:
        return min(max(cursor, 1), self.count)

    def watch_cursor(self, before: int, turn: int) -> None:
        self.refresh_turns(before, turn)
        self._show_cursor()

    def watch_hovered(self, before: int, turn: int) -> None:
        self.refresh_turns(before, turn)
        self._explain(turn)

    def refresh_turns(self, *turns: int) -> None:
        """Draw some turns anew."""
        for turn in turns:
            self.refresh_line(turn - 1)

    def _explain(self, turn: int) -> None:
        told = self._bars.get(turn)
        self.tooltip = self._describe(told) if told else None

    def action_move(self, by: int) -> None:
        """Move the cursor by so many turns."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by so many pages."""
        self.cursor += by * max(1, self.scrollable_content_region.height - 1)

    def action_first(self) -> None:
        """Move the cursor to the first turn."""
        self.cursor = 1

    def action_last(self) -> None:
        """Move the cursor to the last turn."""
        self.cursor = self.count

    def action_select(self) -> None:
        """Select the turn under the cursor."""
        if self.cursor:
            self.post_message(self.TurnSelected(self, self.cursor))

    def turn_at(self, event: events.MouseEvent) -> int:
        """The turn that the mouse points at, 0 for none."""
        offset = event.get_content_offset(self)
        if offset is None:
            return 0
        turn = offset.y + self.scroll_offset.y + 1
        return turn if turn <= self.count else 0

    def on_size(self) -> None:
        self._measure()
        self._show_cursor()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hovered = self.turn_at(event)

    def on_leave(self) -> None:
        self.hovered = 0

    def on_click(self, event: events.Click) -> None:
        if turn := self.turn_at(event):
            event.stop()
            self.cursor = turn
            self.action_select()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what is in sight, and ask for the turns that are not known yet."""
        self._in_sight.clear()
        strips = super().render_lines(crop)
        self.ask(self._in_sight)
        return strips

    def render_line(self, y: int) -> Strip:
        """One turn, or an empty line below the last."""
        turn = self.scroll_offset.y + y + 1
        width = self.scrollable_content_region.width
        if turn > self.count:
            return Strip.blank(width, self.background_style)
        self._in_sight.add(turn)
        return Strip(self._draw(turn, self._bars.get(turn), width)).adjust_cell_length(width, self.background_style)

    def paper(self, *states: str) -> Color:
        """What is behind a bar on a line with these component classes."""
        paper = self.background_colors[1]
        for name in states:
            paper += self.get_component_styles(name).background
        return paper

    def part_color(self, part: Part, paper: Color | None = None, *, pale: bool = False) -> Color:
        """The colour of a part of a bar.

        Args:
            part: The part.
            paper: What is behind it, where that is not the chart's own background.
            pale: Draw it as inherited.
        """
        paper = self.paper() if paper is None else paper
        name = "label" if self.app.no_color else part.name.lower()
        ink = paper + self.get_component_styles(f"token-chart--{name}").color
        return paper.blend(ink, _PALE) if pale else ink

    def _draw(self, turn: int, told: TurnUsage | None, width: int) -> Iterable[Segment]:
        """The segments of one turn's line: mark, number, bar, total."""
        inherited = told is not None and self.inherited(told)
        usage = told.usage if told else None
        row: tuple[str, ...] = ("token-chart--hover",) if turn == self.hovered else ()
        words = [f"token-chart--{'inherited' if inherited else 'label'}", *row]
        if turn == self.turn:
            words.append("token-chart--selected")
        if turn == self.cursor and self.has_focus:
            words.append("token-chart--cursor")
        label_style = self.get_visual_style(*words).rich_style

        number = f"t{turn}".rjust(len(f"t{self.count}"))
        label = f"{'▸' if turn == self.turn else ' '}{number}{'↰' if inherited else ' '}"
        yield Segment(label, label_style)
        room = width - len(label)
        spent = self.branch_usage.totals.get(Scope.PATH) if self.branch_usage else None
        carries = self.shows is ChartView.RESEND_COST
        value_width = _VALUE_WIDTH + (1 if carries else len(estimate_mark(spent)))
        with_value = room - value_width >= _SHORTEST_BAR
        if with_value:
            room -= value_width

        parts = self.parts(turn, told)
        if parts is None:
            silent = told is not None and not carries
            yield Segment("·" if silent else "…", self.get_visual_style(*row, "token-chart--quiet").rich_style)
            yield Segment(" " * (room - 1), self.get_visual_style(*row).rich_style)
        else:
            yield from self._draw_bar(parts, room, row, inherited)
        if with_value:
            value = ""
            if parts is not None:
                mark, count = (ESTIMATE, sum(parts)) if carries else (estimate_mark(usage), _total(usage))
                value = f"{mark}{format_tokens(count)}"
            yield Segment(value.rjust(value_width), label_style)

    def _draw_bar(
        self, parts: tuple[int, int, int, int], width: int, row: tuple[str, ...], pale: bool
    ) -> Iterable[Segment]:
        """The segments of a bar, neighbouring cells of one look joined."""
        colors = self._colors_of(row, pale)
        draw = patterned if self.app.no_color else bar
        for (ink, behind), runs in groupby(draw(parts, self.scale, width), attrgetter("ink", "paper")):
            style = Style.from_color(colors[ink].rich_color, colors[behind].rich_color)
            yield Segment("".join(run.text for run in runs), style)

    def _colors_of(self, row: tuple[str, ...], pale: bool) -> dict[Part | None, Color]:
        """The colours of the parts of a bar, and what is behind them, on a line with these component classes."""
        if (row, pale) not in self._colors:
            paper = self.paper(*row)
            self._colors[row, pale] = {part: self.part_color(part, paper, pale=pale) for part in Part}
            self._colors[row, pale][None] = paper
        return self._colors[row, pale]

    def notify_style_update(self) -> None:
        """Draw in the colours of another theme."""
        super().notify_style_update()
        self._colors.clear()

    def _describe(self, turn: TurnUsage) -> Content:
        """What the tooltip says of a turn."""
        if turn.usage is None:
            lines = [f"turn {turn.turn}: {missing(turn.run)}"]
        else:
            lines = [
                f"turn {turn.turn}: {estimate_mark(turn.usage)}{turn.usage.total_tokens:,} tokens",
                f"input {turn.usage.input_tokens:,}, output {turn.usage.output_tokens:,}",
            ]
        if turn.cost and not turn.cost.unpriced:
            lines.append(f"cost {ESTIMATE * turn.cost.estimated}{format_dollars(turn.cost.amount)}")
        if self.resend_cost and (carried := self.resend_cost.turn(turn.turn)):
            lines.append(carried_words(carried))
        if self.inherited(turn):
            lines.append(f"inherited: ran on {fit_name(turn.branch_id or '', 24)}")
        lines += run_details(turn.run) if turn.run else ()
        return Content("\n".join(lines))

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self.count)

    def _show_cursor(self) -> None:
        if self.cursor:
            region = Region(0, self.cursor - 1, 1, 1)
            self.scroll_to_region(region, animate=False, force=True, immediate=True)


def _total(usage: Usage | None) -> int:
    return usage.total_tokens if usage else 0
