"""What two compared sides come to: a row of numbers for each, and their tool calls in order."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.model.compare import Comparison, Side, Summary, ToolStep
from tui.printable import printable_line
from tui.widgets.format import fit_name, format_duration, format_tokens
from tui.widgets.usage.run_text import estimate_mark

__all__ = ["CompareSummary"]

_COLUMNS: Final = (("turns", 6), ("tokens", 8), ("cached", 7), ("cost", 7), ("time", 10), ("tools", 6))
"""Heading and cells of each number."""

_WIDEST_NAME: Final = 48
"""Cells of the names at most: the numbers do not stand far from them."""

_ROOM_FOR_WORDS: Final = 24
"""Cells of the names from which there is room to say which turns they stand for."""

_UNKNOWN: Final = "n/a"
_MUTED: Final = "$foreground-muted"
_LEFT: Final = "bold $text-error"
_RIGHT: Final = "bold $text-success"
_MOST_STEPS: Final = 400
"""Tool calls that the row of tools is made from; it is one line."""


class CompareSummary(Widget):
    """Four lines above a comparison: headings, a row for each side, the tool calls of both."""

    DEFAULT_CSS = """
    CompareSummary {
        height: 5;
        padding: 0 1;
        background: $surface;
        border-bottom: solid $foreground 20%;
    }
    """

    comparison: reactive[Comparison | None] = reactive(None)
    """What is compared."""

    def render(self) -> Content:
        comparison, width = self.comparison, self.content_size.width
        if comparison is None or width < 1:
            return Content("")
        room = min(max(width - sum(cells for _, cells in _COLUMNS), 8), _WIDEST_NAME)
        headings = "".join(f"{name:>{cells}}" for name, cells in _COLUMNS)
        lines = (
            Content.styled(f"{_together(comparison, room):<{room}}{headings}", _MUTED),
            _row("−", _LEFT, comparison.left, comparison.left_summary, room),
            _row("+", _RIGHT, comparison.right, comparison.right_summary, room),
            _tools(comparison.tools[:_MOST_STEPS]),
        )
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def _together(comparison: Comparison, room: int) -> str:
    """What the sides have in common."""
    shared = comparison.shared
    if shared is None:
        words = "two marked turns"
    elif not shared:
        words = "no turn is shared"
    elif room < _ROOM_FOR_WORDS:
        words = f"{shared:,} shared"
    else:
        words = "turn 1 is shared" if shared == 1 else f"turns 1–{shared} are shared"
    return fit_name(words, room - 1)


def _row(sign: str, ink: str, side: Side, summary: Summary, room: int) -> Content:
    values = _values(summary)
    numbers = "".join(f"{value:>{cells}}" for value, (_, cells) in zip(values, _COLUMNS, strict=True))
    where = f"  {_numbers(side)}"
    name = fit_name(side.branch_id, max(room - 3 - (len(where) if room >= _ROOM_FOR_WORDS else 0), 1))
    if room < _ROOM_FOR_WORDS:
        where = ""
    gap = " " * max(room - 2 - Content(name).cell_length - len(where), 0)
    return Content.assemble((f"{sign} {name}", ink), (where, _MUTED), gap, numbers)


def _numbers(side: Side) -> str:
    if side.last < side.first:
        return "nothing after it"
    return f"turn {side.first}" if side.first == side.last else f"turns {side.first}–{side.last}"


def _values(summary: Summary) -> tuple[str, ...]:
    """The numbers of a side; `≥` stands before a sum that lacks some turns, `≈` before an estimate."""
    usage = summary.usage
    share = summary.cached
    return (
        f"{summary.turns:,}",
        _UNKNOWN
        if usage is None
        else f"{_at_least(summary.turns_without_usage)}{estimate_mark(usage)}{format_tokens(usage.total_tokens)}",
        _UNKNOWN if share is None else f"{share:.0%}",
        _UNKNOWN if summary.cost is None else f"${summary.cost:.3f}",
        _UNKNOWN
        if summary.seconds is None
        else f"{_at_least(summary.turns_without_time)}{format_duration(summary.seconds)}",
        f"{summary.tools:,}",
    )


def _at_least(lacking: int) -> str:
    return "≥" if lacking else ""


def _tools(steps: tuple[ToolStep, ...]) -> Content:
    """The tool calls in order, what only one side made signed as its side is."""
    if not steps:
        return Content.styled("no tool calls", _MUTED)
    shown = []
    for step, same in groupby(steps):
        count = len(list(same))
        name = printable_line(step.name) + (f" ×{count}" if count > 1 else "")
        if step.left and step.right:
            shown.append(Content(name))
        else:
            sign, ink = ("−", _LEFT) if step.left else ("+", _RIGHT)
            shown.append(Content.styled(f"{sign}{name}", ink))
    return Content.styled("tools  ", _MUTED) + Content("  ").join(shown)
