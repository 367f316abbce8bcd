"""Texts of the usage pane about resend costs, nearly all of which are estimates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tui.model import ResendCost, TurnResendCost
from tui.widgets.format import ESTIMATE, format_count, format_tokens
from tui.widgets.usage.bars import BarPart
from tui.widgets.usage.placeholders import ABSENT, LOADING
from tui.words import plural

__all__ = ["RESEND_NOTE", "RESEND_ROWS", "ResendRow", "branch_resend_sentence", "resend_cells", "turn_resend_sentence"]

RESEND_NOTE: Final = (f"{ESTIMATE} estimates: tokens that were", "  sent again by later requests")
"""Lines below the table."""


class ResendRow(NamedTuple):
    """A row of the table of resend costs.

    Attributes:
        label: Its label.
        of_branch: Returns the cell of the branch, given the resend cost of the branch and the room.
        of_turn: Returns the cell of a turn, given the resend cost of the branch and the room.
        part: The part of the bars that shows the number.
        style: Style of the row.
    """

    label: str
    of_branch: Callable[[ResendCost, int], str]
    of_turn: Callable[[TurnResendCost, ResendCost, int], str]
    part: BarPart | None = None
    style: str = ""


def _estimate(count: int | None, room: int) -> str:
    return ABSENT if count is None else f"{ESTIMATE}{format_count(count, room - 2)}"


def _share(count: int, total: int) -> str:
    if not total:
        return ABSENT
    share = 100 * count / total
    return f"{ESTIMATE}{share:.1f} %" if share < 10 else f"{ESTIMATE}{share:.0f} %"


RESEND_ROWS: Final = (
    ResendRow(
        "items",
        lambda branch, room: _estimate(branch.items, room),
        lambda turn, _, room: _estimate(turn.items, room),
    ),
    ResendRow("requests", lambda _branch, _room: "", lambda turn, _branch, _room: f"× {turn.requests:,}"),
    ResendRow(
        "re-sent",
        lambda branch, room: _estimate(branch.tokens, room),
        lambda turn, _, room: _estimate(turn.tokens, room),
        BarPart.INPUT,
        "bold",
    ),
    ResendRow(
        " cached",
        lambda branch, room: _estimate(branch.cached, room),
        lambda turn, _, room: _estimate(turn.cached, room),
        BarPart.CACHED,
    ),
    ResendRow(
        "of input",
        lambda branch, _: _share(branch.tokens, branch.input_tokens),
        lambda turn, branch, _: _share(turn.tokens, branch.input_tokens),
    ),
)


def resend_cells(branch: ResendCost | None, turn: TurnResendCost | None, room: int) -> Iterator[tuple[str, str]]:
    """Yield the cells of branch and turn for each of `RESEND_ROWS`."""
    for row in RESEND_ROWS:
        if branch is None:
            yield LOADING, LOADING
        else:
            yield row.of_branch(branch, room), ABSENT if turn is None else row.of_turn(turn, branch, room)


def branch_resend_sentence(branch: ResendCost) -> str:
    """Return the resend cost of a branch in a sentence."""
    cached = "" if branch.cached is None else f" ({ESTIMATE}{format_tokens(branch.cached)} cached)"
    tokens = f"{ESTIMATE}{format_tokens(branch.tokens)} of {format_tokens(branch.input_tokens)}"
    return f"{tokens} input was sent again{cached}"


def turn_resend_sentence(turn: TurnResendCost) -> str:
    """Return the resend cost of a turn in a sentence."""
    items = f"items {ESTIMATE}{format_tokens(turn.items)}"
    if not turn.requests:
        return f"{items}, not sent again"
    cached = "" if turn.cached is None else f", {ESTIMATE}{format_tokens(turn.cached)} of it cached"
    requests = plural(turn.requests, "later request")
    return f"{items} × {requests} = {ESTIMATE}{format_tokens(turn.tokens)} re-sent{cached}"
