"""The chart of the usage pane on one line, for layouts without room for more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from tui.model import TurnUsage
from tui.widgets.message import WidgetMessage
from tui.widgets.usage.bars import BarPart, vertical_bar_cell
from tui.widgets.usage.request_words import MARKS, worst_verdict
from tui.widgets.usage.token_chart import TokenChart

__all__ = ["TokenStrip"]

_TURN_CELLS: Final = 3
"""Cells of a turn: its mark, its input, its output."""


class TokenStrip(TokenChart):
    """Two small columns for each turn, for input and output.

    It shows as many turns as fit: at first the newest turns, always including the turn under the cursor. `▸` is before
    that turn while the strip has the focus, else before the selected turn.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", "Next turn", id="usage.unfold"),
        Binding("left,h", "fold", "Previous turn", show=False, id="usage.fold"),
        Binding(
            "enter", "open", "Select, requests", tooltip="Select turn; once selected, its requests", id="usage.select"
        ),
    ]

    @dataclass
    class RequestsWanted(WidgetMessage["TokenStrip"]):
        """Posted to the screen to show the requests of a turn, for which one line has no room."""

        turn: int

    @dataclass
    class CursorMoved(WidgetMessage["TokenStrip"]):
        """Posted when the cursor is on another turn."""

    DEFAULT_CSS = """
    TokenStrip { height: 1; overflow: hidden; }
    """

    first: reactive[int] = reactive(1)
    """The turn at the left end."""

    def validate_first(self, first: int) -> int:
        return max(1, min(first, self.count - self.fitting + 1))

    def validate_unfolded(self, turn: int) -> int:  # noqa: ARG002
        """Show no requests: there is one line for all turns."""
        return 0

    @property
    def cursor_y(self) -> int:
        return 0

    @property
    def fitting(self) -> int:
        """The number of turns that fit."""
        return max(1, self.scrollable_content_region.width // _TURN_CELLS)

    def refresh_turns(self, *turns: int) -> None:  # noqa: ARG002 all turns share a line
        """Redraw some turns."""
        self.refresh()

    def watch_cursor(self, before: int, turn: int) -> None:
        super().watch_cursor(before, turn)
        self.post_message(self.CursorMoved(self))

    def action_unfold(self) -> None:
        """Move the cursor to the next turn, as one line has no room for requests."""
        if self.cursor == self.count:
            self.notify("This is the last turn. Enter selects it, and once more shows its requests.")
        self.action_move(1)

    def action_fold(self) -> None:
        """Move the cursor to the previous turn."""
        self.action_move(-1)

    def action_open(self) -> None:
        """Select the turn under the cursor, or show its requests if it is selected."""
        if self.cursor == self.turn:
            self.toggle_requests(self.cursor)
        else:
            self.action_select()

    def toggle_requests(self, turn: int) -> None:
        """Ask for more room to show the requests of a turn."""
        if turn:
            self.screen.post_message(self.RequestsWanted(self, turn))

    def action_page(self, pages: int) -> None:
        """Move the cursor by a number of strips."""
        self.cursor += pages * self.fitting

    def turn_at(self, event: events.MouseEvent) -> int:
        """Return the turn under the mouse; 0 if there is none."""
        offset = event.get_content_offset(self)
        if offset is None:
            return 0
        turn = self.first + offset.x // _TURN_CELLS
        return turn if turn < self.first + self.fitting and turn <= self.count else 0

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """Draw the turns that fit."""
        width = self.scrollable_content_region.width
        turns = range(self.first, min(self.first + self.fitting, self.count + 1))
        self._in_sight.update(turns)
        segments = [segment for turn in turns for segment in self._draw_turn(turn, self._usage_cache.get(turn))]
        return Strip(segments).adjust_cell_length(width, self.background_style)

    def _draw_turn(self, turn: int, turn_usage: TurnUsage | None) -> Iterator[Segment]:
        """Draw mark, input and output of a turn."""
        is_marked = turn == (self.cursor if self.has_focus else self.turn)
        names = ["token-chart--selected" if turn == self.turn else "token-chart--label"]
        if turn == self.cursor and self.has_focus:
            names.append("token-chart--cursor")
        verdict = worst_verdict(turn_usage.requests) if turn_usage else None
        mark = "▸" if is_marked else MARKS[verdict] if verdict else " "
        yield Segment(mark, self.get_visual_style(*names).rich_style)
        states = ("token-chart--hover",) if turn == self.hovered else ()
        parts = self.parts(turn, turn_usage)
        if parts is None:
            sign = "· " if self.no_bar_means_no_usage(turn_usage) else "… "
            yield Segment(sign, self.get_visual_style(*states, "token-chart--quiet").rich_style)
            return
        colors = self.bar_colors.get(states, faded=self.is_inherited(turn_usage))
        background = colors[None].rich_color
        cached, other_input, output, reasoning = parts
        for part, tokens in ((BarPart.INPUT, cached + other_input), (BarPart.OUTPUT, output + reasoning)):
            yield Segment(vertical_bar_cell(tokens, self.scale), Style.from_color(colors[part].rich_color, background))

    def _update_virtual_size(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, 1)

    def _reveal_cursor(self) -> None:
        self.first = min(max(self.first, self.cursor - self.fitting + 1), self.cursor)
