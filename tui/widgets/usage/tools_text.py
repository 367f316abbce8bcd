"""Text of the usage pane about tool calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from textual.content import Content

from tui.model import Scope, TurnUsage, View
from tui.widgets.format import fit_name
from tui.widgets.usage.line_layout import MUTED
from tui.widgets.usage.placeholders import LOADING
from tui.widgets.usage.text import has_turn_column

__all__ = ["ranked_tools", "tools_lines"]

_COUNT_CELLS: Final = 8


def tools_lines(view: View, turn: TurnUsage | None, width: int, limit: int) -> list[Content]:
    """Return the calls of each tool in the shown scope and in the selected turn, the tool with the most calls first.

    Args:
        turn: The selected turn; None until it is read.
        limit: Maximum number of lines, including the heading; at least 2.
    """
    ranked = ranked_tools(view)
    if not ranked:
        return []
    with_turn = has_turn_column(view, width)
    in_turn = Counter(dict(turn.tools if turn else ()))
    name_cells = width - _COUNT_CELLS * (2 if with_turn else 1)

    def line(name: str, count: str, turn_count: str) -> str:
        padding = " " * (name_cells - cell_len(name))
        return f"{name}{padding}{count.rjust(_COUNT_CELLS)}{turn_count.rjust(_COUNT_CELLS) if with_turn else ''}"

    shown = ranked if len(ranked) < limit else ranked[: limit - 2]
    lines = [Content.styled(line("tools", str(view.scope), f"t{view.turn}"), MUTED)]
    for name, count in shown:
        lines.append(Content(line(fit_name(name, name_cells - 1), _count(count), _count(in_turn[name]))))
    if rest := ranked[len(shown) :]:
        count = None if rest[0][1] is None else sum(count or 0 for _, count in rest)
        text = line(f"+{len(rest)} more", _count(count), _count(sum(in_turn[name] for name, _ in rest)))
        lines.append(Content.styled(text, MUTED))
    return lines


def ranked_tools(view: View) -> Sequence[tuple[str, int | None]]:
    """Return the tools of the shown scope with their calls; None until these are read.

    For the turns that the branch ran, the tools of the other turns have 0 calls, so that no line moves.
    """
    if view.branch_usage is None:
        return ()
    by_scope = view.branch_usage.tools
    on_path = by_scope.get(Scope.PATH, ())
    if view.scope is Scope.OWN:
        own = dict(by_scope.get(Scope.OWN, ()))
        return sorted(((name, own.get(name, 0)) for name, _ in on_path), key=lambda tool: -tool[1])
    return by_scope.get(view.scope) or [(name, None) for name, _ in on_path]


def _count(count: int | None) -> str:
    return LOADING if count is None else f"{count:,}" if count else ""
