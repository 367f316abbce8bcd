"""Texts of the usage pane about the sizes of turns, which are estimated from their text where no usage is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tui.model import Scope, TextSize, View
from tui.widgets.format import ESTIMATE, format_count, format_tokens
from tui.widgets.usage.bars import BarPart
from tui.widgets.usage.placeholders import ABSENT, LOADING

__all__ = ["ESTIMATED", "HOW_TO_COUNT", "SizeRow", "shows_text_sizes", "size_rows", "size_total"]

ESTIMATED: Final = f"{ESTIMATE} estimated from text"
HOW_TO_COUNT: Final = ("Real numbers are stored by", "store_run_usage(result) after", "each run, and by runs here")
"""Lines below the table."""


class SizeRow(NamedTuple):
    """A row of the table of sizes: a cell for the branch, and one for the selected turn."""

    label: str
    branch: str
    turn: str
    part: BarPart | None = None
    style: str = ""


def shows_text_sizes(view: View) -> bool:
    """Return whether the pane shows estimated sizes, as no usage is stored for the branch and the shown scope."""
    branch_usage = view.branch_usage
    return branch_usage is not None and branch_usage.is_uncounted and not branch_usage.totals.get(view.scope)


def size_rows(view: View, room: int) -> Sequence[SizeRow]:
    """Return the rows of the table, given the cells that a number may take."""
    labels, parts = ("to model", "from model", "total"), (BarPart.INPUT, BarPart.OUTPUT, None)
    sizes = view.text_sizes
    turn = sizes.turn(view.turn) if sizes else None
    of_branch, of_turn = (LOADING,) * 3, (LOADING if sizes is None else ABSENT,) * 3
    if sizes is not None:
        of_branch = _cells(sizes.totals[view.scope], room)
    if turn is not None:
        of_turn = _cells(turn, room)
    return [SizeRow(*cells) for cells in zip(labels, of_branch, of_turn, parts, ("", "", "bold"), strict=True)]


def _cells(size: TextSize, room: int) -> tuple[str, str, str]:
    to_model, from_model, total = (
        f"{ESTIMATE}{format_count(count, room - 2)}" for count in (size.to_model, size.from_model, size.total)
    )
    return to_model, from_model, total


def size_total(view: View, scope: Scope) -> str:
    """Return the estimated size of a scope, shortened."""
    return format_tokens(view.text_sizes.totals[scope].total, estimated=True) if view.text_sizes else LOADING
