"""What the usage pane says of money, of the model's context, and of what turns cost again."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model import Money, ResendCost, Scope, TurnResendCost, TurnUsage, View
from tui.widgets.format import format_count, format_dollars, format_tokens
from tui.widgets.usage.run_text import ESTIMATE, estimate_mark

__all__ = ["CARRY_ROWS", "COMING", "NONE", "NO_PRICE", "carried_words", "carry_cells", "context", "cost", "left_out"]

NONE = "–"
"""Stands for what is not there."""
COMING = "…"
"""Stands for what is being read."""
NO_PRICE = "n/a"
"""Stands for a cost that is not known as a whole."""

CARRY_ROWS = ("items", "requests", "re-sent", " cached", "of input")
"""The rows of the table of carry costs."""


def _unpriced(money: Money) -> str:
    """How many turns have no price."""
    return f"{money.unpriced:,} turn{'s' * (money.unpriced != 1)} unpriced"


def cost(view: View, money: Money | None, *, spent: bool, why: bool = False) -> str:
    """What something cost, in few characters.

    Args:
        view: What is shown.
        money: The cost, as far as it is known.
        spent: Whether there are tokens to be priced.
        why: Say too why it is not known, where it is not.
    """
    if view.branch_usage is None:
        return COMING
    if not spent:
        return NONE
    if money is None:
        coming = bool(view.price_as or view.branch_usage.models) and not view.branch_usage.money
        return COMING if coming else NO_PRICE
    if money.unpriced:
        return f"{NO_PRICE} ({_unpriced(money)})" if why else NO_PRICE
    return f"{ESTIMATE * money.estimated}{format_dollars(money.amount)}"


def left_out(view: View) -> Sequence[str]:
    """What the shown sum leaves out."""
    branch_usage = view.branch_usage
    if branch_usage is None:
        return ()
    said = []
    money = branch_usage.money.get(view.scope)
    if money and money.unpriced:
        said.append(_unpriced(money))
    without = branch_usage.turns - branch_usage.turns_with_usage
    if view.scope is Scope.PATH and branch_usage.turns_with_usage and without > 0:
        said.append(f"{without:,} turn{'s' * (without != 1)} without usage")
    return said


def context(turn: TurnUsage | None, room: int) -> str:
    """Input of a turn's last request and how much of the model's window that is, in `room` cells."""
    if turn is None:
        return COMING
    found = turn.usage.context if turn.usage else None
    if turn.usage is None or found is None:
        return NONE
    count, known = found
    mark = estimate_mark(turn.usage) + ("" if known else "≥")
    short = f"{mark}{format_tokens(count)}"
    if not turn.window:
        return f"{mark}{format_count(count, room - len(mark))}"
    share = f"{mark}{round(100 * count / turn.window)} %" if 100 * count >= turn.window else "<1 %"
    return next(
        (text for text in (f"{short} of {format_tokens(turn.window)} · {share}", share) if len(text) <= room), short
    )


def carry_cells(resend_cost: ResendCost | None, told: TurnResendCost | None, room: int) -> Sequence[tuple[str, str]]:
    """Path and turn for each of `CARRY_ROWS`; all of them estimates but the requests."""
    if resend_cost is None:
        return [(COMING, COMING)] * len(CARRY_ROWS)
    again = told.tokens if told else 0
    return [
        (_about(resend_cost.items, room), _about(told.items if told else None, room)),
        ("", f"× {told.requests:,}" if told else NONE),
        (_about(resend_cost.tokens, room), _about(again if told else None, room)),
        (_about(resend_cost.cached, room), _about(told.cached if told else None, room)),
        (
            _share(resend_cost.tokens, resend_cost.input_tokens),
            _share(again, resend_cost.input_tokens) if told else NONE,
        ),
    ]


def carried_words(told: TurnResendCost) -> str:
    """What a turn cost again, in a sentence."""
    items = f"items {ESTIMATE}{format_tokens(told.items)}"
    if not told.requests:
        return f"{items}, not sent again"
    cached = "" if told.cached is None else f", {ESTIMATE}{format_tokens(told.cached)} of it cached"
    requests = f"{told.requests:,} later request{'s' * (told.requests != 1)}"
    return f"{items} × {requests} = {ESTIMATE}{format_tokens(told.tokens)} re-sent{cached}"


def _about(count: int | None, room: int) -> str:
    return NONE if count is None else f"{ESTIMATE}{format_count(count, room - 2)}"


def _share(count: int, whole: int) -> str:
    if not whole:
        return NONE
    share = 100 * count / whole
    return f"{ESTIMATE}{share:.1f} %" if share < 10 else f"{ESTIMATE}{share:.0f} %"
