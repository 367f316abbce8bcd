"""Texts of the usage pane about costs and the context window of the model."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model import Money, Scope, TurnUsage, View
from tui.widgets.format import estimate_mark, format_cost, format_count, format_tokens
from tui.widgets.usage.placeholders import ABSENT, LOADING, NO_PRICE
from tui.words import plural

__all__ = ["context_text", "cost_text", "notes_on_left_out_turns"]


def cost_text(view: View, money: Money | None, *, has_usage: bool, with_reason: bool = False) -> str:
    """Return a cost, or a placeholder.

    Args:
        money: The cost; None while it is not known.
        has_usage: Whether there are tokens, which may have a price.
        with_reason: Whether to add the reason why a cost is not known.
    """
    if view.branch_usage is None:
        return LOADING
    if not has_usage:
        return ABSENT
    if money is None:
        is_loading = bool(view.price_as or view.branch_usage.models) and not view.branch_usage.money
        return LOADING if is_loading else NO_PRICE
    if money.unpriced:
        return f"{NO_PRICE} ({_unpriced_text(money)})" if with_reason else NO_PRICE
    return format_cost(money)


def notes_on_left_out_turns(view: View) -> Sequence[str]:
    """Return notes on the turns that the shown sum does not include."""
    branch_usage = view.branch_usage
    if branch_usage is None:
        return ()
    notes = []
    money = branch_usage.money.get(view.scope)
    if money and money.unpriced:
        notes.append(_unpriced_text(money))
    without = branch_usage.turns - branch_usage.turns_with_usage
    if view.scope is Scope.PATH and branch_usage.turns_with_usage and without > 0:
        notes.append(f"{plural(without, 'turn')} without usage")
    return notes


def _unpriced_text(money: Money) -> str:
    return f"{plural(money.unpriced, 'turn')} unpriced"


def context_text(turn: TurnUsage | None, room: int) -> str:
    """Return the input of a turn's last request and its share of the context window, in `room` cells."""
    if turn is None:
        return LOADING
    context = turn.context
    if turn.usage is None or context is None:
        return ABSENT
    tokens, is_exact = context
    mark = estimate_mark(turn.usage) or ("" if is_exact else "≥")
    if not turn.window:
        return f"{mark}{format_count(tokens, room - len(mark))}"
    share = f"{mark}{round(100 * tokens / turn.window)} %" if 100 * tokens >= turn.window else "<1 %"
    short = f"{mark}{format_tokens(tokens)}"
    texts = (f"{short} of {format_tokens(turn.window)} · {share}", share)
    return next((text for text in texts if len(text) <= room), short)
