"""Text of the usage pane about tool calls."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.cells import cell_len
from textual.content import Content

from tui.model import Scope, TurnUsage, View
from tui.widgets.format import fit_name
from tui.widgets.usage.line_layout import MUTED
from tui.widgets.usage.text import has_turn_column

__all__ = ["tools_lines"]

_COUNT_CELLS: Final = 8


def tools_lines(view: View, turn: TurnUsage | None, width: int, limit: int) -> list[Content]:
    """Return the calls of each tool on the path and in the selected turn, the tool with the most calls first.

    Args:
        turn: The selected turn; None until it is read.
        limit: Maximum number of lines, including the heading; at least 2.
    """
    ranked = view.branch_usage.tools if view.branch_usage else ()
    if not ranked:
        return []
    with_turn = has_turn_column(view, width)
    in_turn = Counter(dict(turn.tools if turn else ()))
    name_cells = width - _COUNT_CELLS * (2 if with_turn else 1)

    def line(name: str, path_count: str, turn_count: str) -> str:
        padding = " " * (name_cells - cell_len(name))
        return f"{name}{padding}{path_count.rjust(_COUNT_CELLS)}{turn_count.rjust(_COUNT_CELLS) if with_turn else ''}"

    shown = ranked if len(ranked) < limit else ranked[: limit - 2]
    lines = [Content.styled(line("tools", str(Scope.PATH), f"t{view.turn}"), MUTED)]
    for name, count in shown:
        lines.append(Content(line(fit_name(name, name_cells - 1), f"{count:,}", _count_or_blank(in_turn[name]))))
    if rest := ranked[len(shown) :]:
        path_count, turn_count = sum(count for _, count in rest), sum(in_turn[name] for name, _ in rest)
        text = line(f"+{len(rest)} more", f"{path_count:,}", _count_or_blank(turn_count))
        lines.append(Content.styled(text, MUTED))
    return lines


def _count_or_blank(count: int) -> str:
    return f"{count:,}" if count else ""
