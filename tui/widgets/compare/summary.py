"""The summary of a comparison: a row of numbers for each side, and the tool calls of both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.model.compare import Comparison, Side, Summary, ToolStep
from tui.printable import printable_line
from tui.widgets.format import fit_name, format_cost, format_duration, format_tokens

__all__ = ["CompareSummary"]

_COLUMNS: Final = (("turns", 6), ("tokens", 8), ("cached", 7), ("cost", 7), ("time", 10), ("tools", 6))
"""Heading and least cells of each number."""

_MAX_NAME_WIDTH: Final = 48
"""Maximum width of the names, so that the numbers are near them."""

_MIN_WIDTH_FOR_TURNS: Final = 24
"""Minimum width of the names at which the turns are shown as well."""

_MAX_TOOL_STEPS: Final = 400
"""A number of tool calls that is enough to fill a line."""

_UNKNOWN: Final = "n/a"
_MUTED: Final = "$foreground-muted"
_LEFT: Final = "bold $text-error"
_RIGHT: Final = "bold $text-success"


class CompareSummary(Widget):
    """Four lines above a comparison: headings, a row for each side, and the tool calls of both."""

    DEFAULT_CSS = """
    CompareSummary {
        height: 5;
        padding: 0 1;
        background: $surface;
        border-bottom: solid $foreground 20%;
    }
    """

    comparison: reactive[Comparison | None] = reactive(None)
    """The comparison to summarize."""

    def render(self) -> Content:
        comparison, width = self.comparison, self.content_size.width
        if comparison is None or width < 1:
            return Content("")
        left, right = _values(comparison.left_summary), _values(comparison.right_summary)
        columns = [
            max(cells, len(ours) + 1, len(theirs) + 1)
            for (_, cells), ours, theirs in zip(_COLUMNS, left, right, strict=True)
        ]
        room = min(max(width - sum(columns), 8), _MAX_NAME_WIDTH)
        headings = _columns([name for name, _ in _COLUMNS], columns)
        lines = (
            Content.styled(f"{_shared_text(comparison, room):<{room}}{headings}", _MUTED),
            _row("−", _LEFT, comparison.left, _columns(left, columns), room),
            _row("+", _RIGHT, comparison.right, _columns(right, columns), room),
            _tool_line(comparison.tools[:_MAX_TOOL_STEPS]),
        )
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def _shared_text(comparison: Comparison, room: int) -> str:
    """Return a text about the turns that the sides share."""
    shared = comparison.shared
    if shared is None:
        text = "two marked turns"
    elif not shared:
        text = "no turn is shared"
    elif room < _MIN_WIDTH_FOR_TURNS:
        text = f"{shared:,} shared"
    else:
        text = "turn 1 is shared" if shared == 1 else f"turns 1–{shared} are shared"
    return fit_name(text, room - 1)


def _columns(values: Sequence[str], columns: Sequence[int]) -> str:
    return "".join(f"{value:>{cells}}" for value, cells in zip(values, columns, strict=True))


def _row(sign: str, style: str, side: Side, numbers: str, room: int) -> Content:
    turns = f"  {_turns_text(side)}" if room >= _MIN_WIDTH_FOR_TURNS else ""
    name = fit_name(side.name, max(room - 3 - len(turns), 1))
    gap = " " * max(room - 2 - Content(name).cell_length - len(turns), 0)
    return Content.assemble((f"{sign} {name}", style), (turns, _MUTED), gap, numbers)


def _turns_text(side: Side) -> str:
    if side.last < side.first:
        return "nothing after it"
    return f"turn {side.first}" if side.first == side.last else f"turns {side.first}–{side.last}"


def _values(summary: Summary) -> tuple[str, ...]:
    """Return the numbers of a side, with `≥` before a sum without some of the turns and `≈` before an estimate."""
    usage = summary.usage
    return (
        f"{summary.turns:,}",
        _UNKNOWN
        if usage is None
        else f"{_at_least(summary.turns_without_usage)}{format_tokens(usage.total_tokens, estimated=usage.estimated)}",
        _UNKNOWN if summary.cached is None else f"{summary.cached:.0%}",
        format_cost(summary.cost) if summary.cost and summary.cost.has_price else _UNKNOWN,
        _UNKNOWN
        if summary.seconds is None
        else f"{_at_least(summary.turns_without_time)}{format_duration(summary.seconds)}",
        f"{summary.tools:,}",
    )


def _at_least(missing: int) -> str:
    return "≥" if missing else ""


def _tool_line(steps: Sequence[ToolStep]) -> Content:
    """Return the tool calls in order, with the sign of the side if only one side made a call."""
    if not steps:
        return Content.styled("no tool calls", _MUTED)
    shown = []
    for step, same in groupby(steps):
        count = len(list(same))
        name = printable_line(step.name) + (f" ×{count}" if count > 1 else "")
        if step.left and step.right:
            shown.append(Content(name))
        else:
            sign, style = ("−", _LEFT) if step.left else ("+", _RIGHT)
            shown.append(Content.styled(f"{sign}{name}", style))
    return Content.styled("tools  ", _MUTED) + Content("  ").join(shown)
