"""`convo-tui usage`."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from tui.cli.open import opened
from tui.cli.output import Output
from tui.controller import SessionController
from tui.controller.usage import UsageReport
from tui.model import Money, Scope, TurnResendCost, TurnUsage, Usage
from tui.widgets.format import format_dollars

__all__ = ["run_usage"]

_HEADINGS = ("turn", "requests", "input", "cached", "output", "reasoning", "total", "sent again", "cost", "run by")


def run_usage(options: argparse.Namespace) -> int:
    """Print what a branch cost."""
    return asyncio.run(_usage(options))


async def _usage(options: argparse.Namespace) -> int:
    out = Output()
    async with opened(options.file, options.session) as found:
        branch = await found.branch(options.branch)
        controller = SessionController(found.store)
        if options.price_as:
            controller.usage.set_initial_price_model(options.price_as)
        ledger = await controller.usage.report(found.session.session_id, branch.branch_id)
    if options.json:
        out.json(_as_object(ledger))
    else:
        _print(out, ledger)
    return 0


def _print(out: Output, ledger: UsageReport) -> None:
    branch_usage = ledger.branch_usage
    out.line((f"session {ledger.session_id}, branch {branch_usage.branch_id}", "bold"))
    if not any(branch_usage.totals.values()) and not any(turn.usage for turn in ledger.turns):
        out.line("No usage stored.")
        return
    turns = (_turn(turn, ledger.resend_cost.turn(turn.turn), branch_usage.branch_id) for turn in ledger.turns)
    sums = (
        [scope, *_counts(branch_usage.totals.get(scope)), "", _money(branch_usage.money.get(scope)), ""]
        for scope in Scope
    )
    out.table([_HEADINGS, *turns, *sums], right=range(1, 9))
    out.line()
    out.line(
        f"own: turns that {branch_usage.branch_id} ran. path: all its turns, each once. all: billed in the session."
    )
    again = ledger.resend_cost
    out.line(
        f"Sent again with later requests: about {again.tokens:,} of {again.input_tokens:,} input tokens (estimate)."
    )
    without = branch_usage.turns - branch_usage.turns_with_usage
    if without > 0:
        out.line(f"No usage is stored for {without} of {branch_usage.turns} turns.")


def _turn(turn: TurnUsage, carried: TurnResendCost | None, branch_id: str) -> list[str]:
    ran = turn.branch_id or ""
    again = f"≈{carried.tokens:,}" if carried and carried.tokens else ""
    return [str(turn.turn), *_counts(turn.usage), again, _money(turn.cost), "" if ran == branch_id else ran]


def _counts(usage: Usage | None) -> list[str]:
    if usage is None:
        return ["", "", "", "", "", "no usage stored"]
    numbers = (usage.requests, usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens)
    mark = "~" if usage.estimated else ""
    return [*("" if number is None else f"{number:,}" for number in numbers), f"{mark}{usage.total_tokens:,}"]


def _money(money: Money | None) -> str:
    if money is None:
        return ""
    if money.unpriced:
        return f"n/a ({money.unpriced} turn{'s' * (money.unpriced != 1)} unpriced)"
    return f"{'~' if money.estimated else ''}{format_dollars(money.amount)}"


def _as_object(ledger: UsageReport) -> dict[str, Any]:
    branch_usage, resend_cost = ledger.branch_usage, ledger.resend_cost
    return {
        "session_id": ledger.session_id,
        "branch_id": branch_usage.branch_id,
        "price_as": ledger.price_as,
        "scopes": {
            scope.value: {"usage": branch_usage.totals.get(scope), "cost": _cost(branch_usage.money.get(scope))}
            for scope in Scope
        },
        "turns": [
            {
                "turn": turn.turn,
                "branch_id": turn.branch_id,
                "model": turn.model,
                "usage": turn.usage,
                "cost": _cost(turn.cost),
                "window": turn.window,
                "sent_again": _again(resend_cost.turn(turn.turn)),
            }
            for turn in ledger.turns
        ],
        "sent_again": {
            "tokens": resend_cost.tokens,
            "cached": resend_cost.cached,
            "input_tokens": resend_cost.input_tokens,
        },
    }


def _cost(money: Money | None) -> dict[str, Any] | None:
    """US dollars; null in their place where a turn has no price."""
    if money is None:
        return None
    amount = None if money.unpriced else str(money.amount)
    return {"usd": amount, "turns": money.turns, "unpriced": money.unpriced, "estimated": money.estimated}


def _again(carried: TurnResendCost | None) -> dict[str, int | None] | None:
    if carried is None:
        return None
    return {
        "items": carried.items,
        "requests": carried.requests,
        "tokens": carried.tokens,
        "cached": carried.cached,
    }
