"""The token chart on one line, for layouts without room for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from tui.model import ChartView, TurnUsage
from tui.widgets.usage.bars import Part, height
from tui.widgets.usage.token_chart import TokenChart

__all__ = ["TokenStrip"]

_GROUP = 3
"""Cells for a turn: its mark, its input, its output."""


class TokenStrip(TokenChart):
    """Two small columns for each turn, input and output, the newest at the right.

    As many turns as fit are shown, the one under the cursor always among them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "move(1)", "Next turn", show=False, id="usage.right"),
        Binding("left,h", "move(-1)", "Previous turn", show=False, id="usage.left"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | right, l | Move the cursor to the next turn. |
    | left, h | Move the cursor to the turn before. |
    """

    DEFAULT_CSS = """
    TokenStrip { height: 1; overflow: hidden; }
    """

    first: reactive[int] = reactive(1)
    """The turn at the left end."""

    def validate_first(self, first: int) -> int:
        return max(1, min(first, self.count - self.fitting + 1))

    @property
    def fitting(self) -> int:
        """How many turns fit."""
        return max(1, self.scrollable_content_region.width // _GROUP)

    def refresh_turns(self, *turns: int) -> None:  # noqa: ARG002 all stand on one line
        """Draw some turns anew."""
        self.refresh()

    def action_page(self, by: int) -> None:
        """Move the cursor by so many strips."""
        self.cursor += by * self.fitting

    def turn_at(self, event: events.MouseEvent) -> int:
        """The turn that the mouse points at, 0 for none."""
        offset = event.get_content_offset(self)
        if offset is None:
            return 0
        turn = self.first + offset.x // _GROUP
        return turn if turn < self.first + self.fitting and turn <= self.count else 0

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """All turns that fit."""
        width = self.scrollable_content_region.width
        shown = range(self.first, min(self.first + self.fitting, self.count + 1))
        self._in_sight.update(shown)
        segments = [segment for turn in shown for segment in self._draw_group(turn, self._bars.get(turn))]
        return Strip(segments).adjust_cell_length(width, self.background_style)

    def _draw_group(self, turn: int, told: TurnUsage | None) -> Iterable[Segment]:
        """The segments of one turn: mark, input, output."""
        mark = ["token-chart--selected" if turn == self.turn else "token-chart--label"]
        if turn == self.cursor and self.has_focus:
            mark.append("token-chart--cursor")
        yield Segment("▸" if turn == self.turn else " ", self.get_visual_style(*mark).rich_style)
        row = ["token-chart--hover"] if turn == self.hovered else []
        parts = self.parts(turn, told)
        if parts is None:
            silent = told is not None and self.shows is ChartView.TOKENS
            yield Segment("· " if silent else "… ", self.get_visual_style(*row, "token-chart--quiet").rich_style)
            return
        paper = self.paper(*row)
        cached, other, output, reasoning = parts
        for part, count in ((Part.INPUT, cached + other), (Part.OUTPUT, output + reasoning)):
            ink = self.part_color(part, paper, pale=told is not None and self.inherited(told))
            yield Segment(height(count, self.scale), Style.from_color(ink.rich_color, paper.rich_color))

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, 1)

    def _show_cursor(self) -> None:
        self.first = min(max(self.first, self.cursor - self.fitting + 1), self.cursor)
