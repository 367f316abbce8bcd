"""`convo-tui compare`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tui.cli.json_objects import comparison_object
from tui.cli.open import open_session
from tui.cli.output import Output, print_json
from tui.config import load_config
from tui.controller import SessionController
from tui.model.compare import ComparedItem, Comparison, ItemPair, Summary, TurnComparison
from tui.widgets.format import estimate_mark
from tui.widgets.usage.cost_text import cost_with_gaps

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Print two branches side by side from their fork on."""
    config = load_config()
    async with open_session(options.file, options.session) as found:
        left, right = await found.branch(options.a), await found.branch(options.b)
        controller = SessionController(found.store, prices=config.prices)
        if options.price_as:
            controller.usage.set_initial_price_model(options.price_as)
        await controller.open(found.session.session_id, left.branch_id)
        await controller.usage.load()
        comparison = await controller.comparison.compare_branches(right.branch_id, left.branch_id)
        details = await controller.comparison.compare_turns(comparison, comparison.pairs)
    if options.json:
        print_json(comparison_object(comparison, details))
    else:
        _print_comparison(Output(), comparison, details)
    return 0


def _print_comparison(out: Output, comparison: Comparison, details: Sequence[TurnComparison]) -> None:
    out.line((f"- {comparison.left.title_and_id}", "red"))
    out.line((f"+ {comparison.right.title_and_id}", "green"))
    out.line(_shared_turns(comparison.shared or 0))
    out.line()
    left, right = _summary(comparison.left_summary), _summary(comparison.right_summary)
    out.table([("", "-", "+"), *((name, left[name], right[name]) for name in left)], right=(1, 2))
    for detail in details:
        out.line()
        names = [f"{mark} turn {turn}" for mark, turn in zip("-+", detail.pair, strict=True) if turn is not None]
        out.line((", ".join(names), "bold"))
        for pair in detail.items:
            _print_pair(out, pair)


def _shared_turns(last: int) -> str:
    if not last:
        return "They share no turns."
    return "They share turn 1." if last == 1 else f"They share turns 1–{last:,}."


def _summary(summary: Summary) -> dict[str, str]:
    usage, cached = summary.usage, summary.cached
    return {
        "turns": f"{summary.turns:,}",
        "tokens": f"{estimate_mark(usage)}{usage.total_tokens:,}" if usage else "no usage stored",
        "cached input": "" if cached is None else f"{cached:.0%}",
        "cost": cost_with_gaps(summary.cost) or "no price",
        "seconds": "n/a" if summary.seconds is None else f"{summary.seconds:,.1f}",
        "tool calls": f"{summary.tools:,}",
    }


def _print_pair(out: Output, pair: ItemPair) -> None:
    if not pair.differs and pair.left is not None:
        _print_item(out, " ", pair.left, "")
        return
    for mark, item, style in (("-", pair.left, "red"), ("+", pair.right, "green")):
        if item is not None:
            _print_item(out, mark, item, style)


def _print_item(out: Output, mark: str, item: ComparedItem, style: str) -> None:
    name = f"{item.type} {item.tool_name}" if item.tool_name else item.type
    out.line((f"{mark} {name}:", style or "dim"))
    for line in item.text.split("\n"):
        out.line((f"{mark}   {line}".rstrip(), style))
    if item.omitted:
        out.line((f"{mark}   … {item.omitted:,} more characters", style))
