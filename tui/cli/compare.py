"""`convo-tui compare`."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from tui.cli.open import opened
from tui.cli.output import Output
from tui.controller import SessionController
from tui.model.compare import ComparedItem, Comparison, ItemPair, Summary, TurnComparison

__all__ = ["run_compare"]


def run_compare(options: argparse.Namespace) -> int:
    """Print two branches side by side from their fork on."""
    return asyncio.run(_compare(options))


async def _compare(options: argparse.Namespace) -> int:
    out = Output()
    async with opened(options.file, options.session) as found:
        controller = SessionController(found.store)
        if options.price_as:
            controller.usage.set_initial_price_model(options.price_as)
        await controller.open(found.session.session_id, (await found.branch(options.a)).branch_id)
        await controller.usage.load()
        comparison = await controller.comparison.compare_branches((await found.branch(options.b)).branch_id, options.a)
        details = await controller.comparison.compare_turns(comparison, comparison.pairs)
    if options.json:
        out.json(_as_object(comparison, details))
    else:
        _print(out, comparison, details)
    return 0


def _print(out: Output, comparison: Comparison, details: tuple[TurnComparison, ...]) -> None:
    left, right = comparison.left, comparison.right
    shared = f"turns 1 to {comparison.shared}" if comparison.shared else "nothing"
    out.line((f"- {left.branch_id}", "red"))
    out.line((f"+ {right.branch_id}", "green"))
    out.line(f"They share {shared}.")
    out.line()
    out.table([("", "-", "+"), *_summaries(comparison.left_summary, comparison.right_summary)], right=(1, 2))
    for detail in details:
        out.line()
        names = [f"{mark} turn {turn}" for mark, turn in zip("-+", detail.pair, strict=True) if turn is not None]
        out.line((", ".join(names), "bold"))
        for pair in detail.items:
            _print_part(out, pair)


def _summaries(left: Summary, right: Summary) -> list[tuple[str, str, str]]:
    def told(summary: Summary) -> dict[str, str]:
        usage = summary.usage
        share = (
            usage.cached_tokens / usage.input_tokens if usage and usage.cached_tokens and usage.input_tokens else None
        )
        return {
            "turns": str(summary.turns),
            "tokens": f"{usage.total_tokens:,}" if usage else "no usage stored",
            "cached share": "" if share is None else f"{share:.0%}",
            "cost": "n/a" if summary.cost is None else f"${summary.cost:.4f}",
            "seconds": "n/a" if summary.seconds is None else f"{summary.seconds:.1f}",
            "tool calls": str(summary.tools),
        }

    ours, theirs = told(left), told(right)
    return [(name, ours[name], theirs[name]) for name in ours]


def _print_part(out: Output, pair: ItemPair) -> None:
    if not pair.differs and pair.left is not None:
        _print_side(out, " ", pair.left, "")
        return
    for mark, part, style in (("-", pair.left, "red"), ("+", pair.right, "green")):
        if part is not None:
            _print_side(out, mark, part, style)


def _print_side(out: Output, mark: str, part: ComparedItem, style: str) -> None:
    name = f"{part.type} {part.tool_name}" if part.tool_name else part.type
    out.line((f"{mark} {name}:", style or "dim"))
    for line in part.text.split("\n"):
        out.line((f"{mark}   {line}".rstrip(), style))
    if part.omitted:
        out.line((f"{mark}   … {part.omitted:,} more characters", style))


def _as_object(comparison: Comparison, details: tuple[TurnComparison, ...]) -> dict[str, Any]:
    def side(part: ComparedItem | None) -> dict[str, Any] | None:
        if part is None:
            return None
        return {"type": part.type, "tool_name": part.tool_name, "text": part.text, "left_out": part.omitted}

    return {
        "session_id": comparison.session.session_id,
        "shared": comparison.shared,
        "left": {"branch_id": comparison.left.branch_id, "summary": comparison.left_summary},
        "right": {"branch_id": comparison.right.branch_id, "summary": comparison.right_summary},
        "tools": [{"name": step.name, "left": step.left, "right": step.right} for step in comparison.tools],
        "turns": [
            {
                "left": detail.pair.left,
                "right": detail.pair.right,
                "items": [
                    {"left": side(pair.left), "right": side(pair.right), "differs": pair.differs}
                    for pair in detail.items
                ],
            }
            for detail in details
        ],
    }
