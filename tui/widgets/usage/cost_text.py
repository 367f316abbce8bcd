"""Texts of the usage pane about costs and the context window of the model."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model import Money, Price, Scope, TurnUsage, View
from tui.printable import printable_line
from tui.widgets.format import estimate_mark, format_cost, format_count, format_tokens
from tui.widgets.usage.placeholders import ABSENT, LOADING, NO_PRICE, unread_text
from tui.words import plural

__all__ = ["context_text", "cost_text", "cost_with_gaps", "has_prices", "notes_on_left_out_turns", "price_text"]


def has_prices(view: View) -> bool:
    """Return whether anything in the session has a price."""
    return any(money and money.has_price for money in view.branch_usage.money.values()) if view.branch_usage else False


def cost_text(view: View, money: Money | None, *, has_usage: bool, with_reason: bool = False) -> str:
    """Return a cost, or a placeholder.

    Args:
        money: The cost; None while it is not known.
        has_usage: Whether there are tokens, which may have a price.
        with_reason: Whether to add how many turns a sum leaves out.
    """
    if view.branch_usage is None:
        return unread_text(view)
    if not has_usage:
        return ABSENT
    if money is None:
        is_loading = bool(view.price_as or view.branch_usage.models) and not view.branch_usage.money
        return LOADING if is_loading else ABSENT
    if not money.has_price:
        return NO_PRICE if has_prices(view) else ABSENT
    return cost_with_gaps(money) if with_reason else format_cost(money)


def cost_with_gaps(money: Money | None) -> str:
    """Return a cost and how many turns it leaves out; empty if nothing has a price."""
    if money is None or not money.has_price:
        return ""
    return f"{format_cost(money)} ({_unpriced_text(money)})" if money.unpriced else format_cost(money)


def price_text(price: Price) -> str:
    """Return a price and its source: `gpt-5-mini: input $0.25, cached input $0.025, output $2 (genai-prices)`."""
    amounts = {"input": price.input, "cached input": price.cached_input, "output": price.output}
    texts = ", ".join(f"{name} ${amount.normalize():f}" for name, amount in amounts.items())
    return f"{printable_line(price.model)}: {texts} ({printable_line(price.source)})"


def notes_on_left_out_turns(view: View) -> Sequence[str]:
    """Return notes on the turns that the shown sum does not include."""
    branch_usage = view.branch_usage
    if branch_usage is None:
        return ()
    notes = []
    money = branch_usage.money.get(view.scope)
    if money and money.unpriced and has_prices(view):
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
