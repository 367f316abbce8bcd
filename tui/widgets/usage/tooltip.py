"""The tooltip of a turn in the charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from tui.model import Price, TextSize, TurnResendCost, TurnUsage
from tui.widgets.format import ESTIMATE, estimate_mark, fit_name, format_cost
from tui.widgets.usage.cost_text import price_text
from tui.widgets.usage.request_words import cache_words
from tui.widgets.usage.resend_text import turn_resend_sentence
from tui.widgets.usage.run_text import missing_usage_text, run_details
from tui.widgets.usage.text import NAME_CELLS

__all__ = ["turn_tooltip"]

_MAX_REQUESTS: Final = 4
"""Requests that were not served, at most."""


def turn_tooltip(
    turn: TurnUsage,
    resend_cost: TurnResendCost | None,
    size: TextSize | None = None,
    *,
    is_inherited: bool,
    prices: Sequence[Price] = (),
) -> Content:
    """Return the usage or the estimated size, the cost with its prices, and the run of a turn, line by line."""
    usage = turn.usage
    if usage is None and size is not None:
        lines = [
            f"turn {turn.turn}: {ESTIMATE}{size.total:,} tokens, estimated from the text",
            f"to the model {ESTIMATE}{size.to_model:,}, from it {ESTIMATE}{size.from_model:,}",
        ]
    elif usage is None:
        lines = [f"turn {turn.turn}: {missing_usage_text(turn.run)}"]
    else:
        mark = estimate_mark(usage)
        lines = [
            f"turn {turn.turn}: {mark}{usage.total_tokens:,} tokens",
            f"input {mark}{usage.input_tokens:,}, output {mark}{usage.output_tokens:,}",
        ]
    if turn.cost and turn.cost.has_price:
        lines.append(f"cost {format_cost(turn.cost)}")
        lines += [f"for 1M tokens of {price_text(price)}" for price in prices if price.model in turn.models]
    if resend_cost:
        lines.append(turn_resend_sentence(resend_cost))
    lines += [
        f"request {request.number}: {cache_words(request.cache)}"
        for request in turn.requests
        if request.cache and request.cache.lost_tokens
    ][:_MAX_REQUESTS]
    if is_inherited:
        lines.append(f"inherited: ran on {fit_name(turn.branch_id or '', NAME_CELLS)}")
    lines += run_details(turn.run) if turn.run else ()
    return Content("\n".join(lines))
