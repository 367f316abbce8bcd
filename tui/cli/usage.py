"""`convo-tui usage`."""

from __future__ import annotations

import argparse
from typing import Final

from tui.cli.json_objects import usage_report_object
from tui.cli.open import open_session
from tui.cli.output import Output, print_json
from tui.controller import SessionController
from tui.controller.usage import UsageReport
from tui.model import Money, Scope, TurnResendCost, TurnUsage, Usage
from tui.widgets.format import format_dollars
from tui.widgets.usage.rows import USAGE_ROWS
from tui.words import plural

__all__ = ["run"]

_HEADINGS: Final = ("turn", *(row.label for row in USAGE_ROWS), "resend cost", "cost", "run by")


async def run(options: argparse.Namespace) -> int:
    """Print the usage of a branch."""
    async with open_session(options.file, options.session) as found:
        branch = await found.branch(options.branch)
        controller = SessionController(found.store)
        if options.price_as:
            controller.usage.set_initial_price_model(options.price_as)
        report = await controller.usage.report(found.session.session_id, branch.branch_id)
    if options.json:
        print_json(usage_report_object(report))
    else:
        _print_report(Output(), report)
    return 0


def _print_report(out: Output, report: UsageReport) -> None:
    usage, resend_cost = report.branch_usage, report.resend_cost
    out.line((f"session {report.session_id}, branch {usage.branch_id}", "bold"))
    if not any(usage.totals.values()) and not any(turn.usage for turn in report.turns):
        out.line("No usage stored.")
        return
    turns = (_turn_row(turn, resend_cost.turn(turn.turn), usage.branch_id) for turn in report.turns)
    totals = ([scope, *_counts(usage.totals.get(scope)), "", _cost(usage.money.get(scope)), ""] for scope in Scope)
    out.table([_HEADINGS, *turns, *totals], right=range(1, len(_HEADINGS) - 1))
    out.line()
    out.line(f"own: turns that {usage.branch_id} ran. path: all its turns, each once. all: billed in the session.")
    out.line(
        f"Resend cost: about {resend_cost.tokens:,} of {resend_cost.input_tokens:,} input tokens were earlier items,"
        " sent again with later requests (estimate)."
    )
    missing = usage.turns - usage.turns_with_usage
    if missing > 0:
        out.line(f"No usage is stored for {missing:,} of {plural(usage.turns, 'turn')}.")


def _turn_row(turn: TurnUsage, cost: TurnResendCost | None, branch_id: str) -> list[str]:
    resend_cost = f"≈{cost.tokens:,}" if cost and cost.tokens else ""
    run_by = turn.branch_id if turn.branch_id and turn.branch_id != branch_id else ""
    return [str(turn.turn), *_counts(turn.usage), resend_cost, _cost(turn.cost), run_by]


def _counts(usage: Usage | None) -> list[str]:
    if usage is None:
        return [*[""] * (len(USAGE_ROWS) - 1), "no usage stored"]
    *counts, total = ("" if (count := row.number(usage)) is None else f"{count:,}" for row in USAGE_ROWS)
    return [*counts, f"{'≈' if usage.estimated else ''}{total}"]


def _cost(money: Money | None) -> str:
    if money is None:
        return ""
    if money.unpriced:
        return f"n/a ({plural(money.unpriced, 'turn')} unpriced)"
    return f"{'≈' if money.estimated else ''}{format_dollars(money.amount)}"
