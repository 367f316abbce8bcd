"""Texts of the usage pane about resend costs, nearly all of which are estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tui.model import ResendCost, TurnResendCost
from tui.widgets.format import ESTIMATE, format_count, format_tokens
from tui.widgets.usage.bars import BarPart
from tui.widgets.usage.placeholders import ABSENT, LOADING
from tui.words import plural

__all__ = ["RESEND_NOTE", "ResendRow", "branch_resend_sentence", "resend_rows", "turn_resend_sentence"]

RESEND_NOTE: Final = (f"{ESTIMATE} estimates: tokens that were", "  sent again by later requests")
"""Lines below the table."""


class ResendRow(NamedTuple):
    """A row of the table of resend costs: a cell for the branch, and one for the selected turn.

    Attributes:
        part: The part of the bars that shows the number.
    """

    label: str
    branch: str
    turn: str
    part: BarPart | None = None
    style: str = ""


def resend_rows(branch: ResendCost | None, turn: TurnResendCost | None, room: int) -> Sequence[ResendRow]:
    """Return the rows of the table, given the cells that a number may take; None for the branch until it is read."""
    labels = ("items", "requests", "re-sent", " cached", "of input")
    of_branch = of_turn = (LOADING,) * len(labels)
    if branch is not None:
        of_branch = (
            _estimate(branch.items, room),
            "",
            _estimate(branch.tokens, room),
            _estimate(branch.cached, room),
            _share(branch.tokens, branch.input_tokens),
        )
        of_turn = (ABSENT,) * len(labels)
    if branch is not None and turn is not None:
        of_turn = (
            _estimate(turn.items, room),
            f"× {turn.requests:,}",
            _estimate(turn.tokens, room),
            _estimate(turn.cached, room),
            _share(turn.tokens, branch.input_tokens),
        )
    parts = (None, None, BarPart.INPUT, BarPart.CACHED, None)
    styles = ("", "", "bold", "", "")
    return [ResendRow(*cells) for cells in zip(labels, of_branch, of_turn, parts, styles, strict=True)]


def _estimate(count: int | None, room: int) -> str:
    return ABSENT if count is None else f"{ESTIMATE}{format_count(count, room - 2)}"


def _share(count: int, total: int) -> str:
    if not total:
        return ABSENT
    share = 100 * count / total
    return f"{ESTIMATE}{share:.1f} %" if share < 10 else f"{ESTIMATE}{share:.0f} %"


def branch_resend_sentence(branch: ResendCost) -> str:
    """Return the resend cost of a branch in a sentence."""
    cached = "" if branch.cached is None else f" ({format_tokens(branch.cached, estimated=True)} cached)"
    tokens = f"{format_tokens(branch.tokens, estimated=True)} of {format_tokens(branch.input_tokens)}"
    return f"{tokens} input was sent again{cached}"


def turn_resend_sentence(turn: TurnResendCost) -> str:
    """Return the resend cost of a turn in a sentence."""
    items = f"items {format_tokens(turn.items, estimated=True)}"
    if not turn.requests:
        return f"{items}, not sent again"
    cached = "" if turn.cached is None else f", {format_tokens(turn.cached, estimated=True)} of it cached"
    requests = plural(turn.requests, "later request")
    return f"{items} × {requests} = {format_tokens(turn.tokens, estimated=True)} re-sent{cached}"
