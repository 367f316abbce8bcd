"""The objects of the commands' JSON output.

Their keys are promises, described in docs/command-line.md. They are listed one by one, as attributes of the model may
have other names; only the keys of a usage are the fields of `tui.model.Usage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from tui.controller.usage import UsageReport
from tui.formats.timestamps import to_iso
from tui.model import Branch, Item, Money, PausedRun, Scope, Session, TextSize, TurnResendCost, TurnUsage, Usage
from tui.model.cache_evidence import CacheEvidence
from tui.model.compare import ComparedItem, Comparison, Side, Summary, TurnComparison
from tui.model.requests import Request, RequestInput, RequestUsage
from tui.model.search import Hit

__all__ = [
    "branch_object",
    "comparison_object",
    "hit_object",
    "input_object",
    "paused_run_object",
    "session_object",
    "turn_objects",
    "usage_report_object",
]


def session_object(session: Session) -> dict[str, Any]:
    """Return a session in the output of `list`."""
    return {
        "session_id": session.session_id,
        "updated_at": to_iso(session.updated_at),
        "plain": session.plain,
        "title": session.title,
        "first_words": session.first_words,
        "note": session.note,
        "pinned": session.pinned,
        "archived": session.archived,
    }


def branch_object(branch: Branch, items: int, origin: tuple[str, int] | None) -> dict[str, Any]:
    """Return a branch in the output of `list`."""
    parent, fork_turn = origin or (None, None)
    return {
        "branch_id": branch.branch_id,
        "turns": branch.turns,
        "items": items,
        "parent": parent,
        "fork_turn": fork_turn,
        "created_at": to_iso(branch.created_at),
        "title": branch.title,
        "note": branch.note,
        "pinned": branch.pinned,
        "archived": branch.archived,
    }


def paused_run_object(run: PausedRun) -> dict[str, Any]:
    """Return a paused run in the output of `runs`, `approve` and `reject`."""
    return {
        "run": run.id,
        "session_id": run.session_id,
        "branch_id": run.branch_id,
        "paused_at": to_iso(run.paused_at),
        "message": run.message,
        "agent": run.agent,
        "model": run.model,
        "branch_changed": run.is_outdated,
        "encrypted": run.is_sealed,
        "calls": [
            {
                "call_id": call.call_id,
                "agent": call.agent,
                "tool_name": call.tool_name,
                "arguments": call.arguments,
            }
            for call in run.approvals
        ],
    }


def turn_objects(items: Iterable[Item], usages: Mapping[int, TurnUsage]) -> Iterator[dict[str, Any]]:
    """Return the turns in the output of `show`."""
    for turn, turn_items in groupby(items, key=lambda item: item.turn):
        known = usages.get(turn)
        yield {"turn": turn, "usage": _usage(known.usage if known else None), "items": list(map(_item, turn_items))}


def _item(item: Item) -> dict[str, Any]:
    return {
        "message_id": item.message_id,
        "type": item.type,
        "tool_name": item.tool_name,
        "created_at": to_iso(item.created_at),
        **({"raw": item.raw} if item.data is None else {"item": item.data}),
    }


def input_object(session_id: str, branch_id: str, requests: int, found: RequestInput) -> dict[str, Any]:
    """Return the output of `input`; `requests` is the number of requests of the turn."""
    request = found.request
    return {
        "session_id": session_id,
        "branch_id": branch_id,
        "turn": request.turn,
        "request": request.number,
        "requests": requests,
        "recorded": request.has_input,
        "agent": request.agent,
        "model": request.model,
        "started_at": to_iso(request.started_at),
        "seconds": request.seconds,
        "first_token_seconds": request.first_token_seconds,
        "usage": _request_usage(request.usage),
        "response_id": request.response_id,
        "instructions": found.instructions,
        "tools": found.tools,
        "settings": found.settings,
        "items": found.items,
        "encrypted_parts": list(found.encrypted_parts),
    }


def _request_usage(usage: RequestUsage | None) -> dict[str, int | None] | None:
    return None if usage is None else usage._asdict()


def usage_report_object(report: UsageReport) -> dict[str, Any]:
    """Return the output of `usage`."""
    usage, resend_cost = report.branch_usage, report.resend_cost
    return {
        "session_id": report.session_id,
        "branch_id": usage.branch_id,
        "price_as": report.price_as,
        "prices": [
            {
                "model": price.model,
                "input_usd": _usd(price.input),
                "cached_input_usd": _usd(price.cached_input),
                "output_usd": _usd(price.output),
                "source": price.source,
            }
            for price in usage.prices
        ],
        "scopes": {
            scope.value: {"usage": _usage(usage.totals.get(scope)), "cost": _cost(usage.money.get(scope))}
            for scope in Scope
        },
        "turns": [
            {
                "turn": turn.turn,
                "branch_id": turn.branch_id,
                "model": turn.model,
                "usage": _usage(turn.usage),
                "cost": _cost(turn.cost),
                "unpriced": turn.unpriced,
                "context_window": turn.window,
                "resend_cost": _resend_cost(resend_cost.turn(turn.turn)),
                "text_estimate": _text_size(report.text_sizes.turn(turn.turn) if report.text_sizes else None),
                "requests": list(map(_request, turn.requests)),
            }
            for turn in report.turns
        ],
        "resend_cost": {
            "tokens": resend_cost.tokens,
            "cached_tokens": resend_cost.cached,
            "input_tokens": resend_cost.input_tokens,
        },
    }


def _request(request: Request) -> dict[str, Any]:
    usage, cache = request.usage, request.cache
    return {
        "number": request.number,
        "agent": request.agent,
        "model": request.model,
        "started_at": to_iso(request.started_at),
        "seconds": request.seconds,
        "first_token_seconds": request.first_token_seconds,
        "response_id": request.response_id,
        "input_items": request.input_items,
        "input_tokens": usage and usage.input_tokens,
        "cached_tokens": usage and usage.cached_tokens,
        "cache_write_tokens": usage and usage.cache_write_tokens,
        "output_tokens": usage and usage.output_tokens,
        "reasoning_tokens": usage and usage.reasoning_tokens,
        "cost": _request_cost(request.cost),
        "cache": None if cache is None else _cache_evidence(cache),
    }


def _request_cost(money: Money | None) -> dict[str, Any] | None:
    if money is None:
        return None
    return {"usd": None if money.unpriced else _usd(money.amount), "estimated": money.estimated}


def _cache_evidence(cache: CacheEvidence) -> dict[str, Any]:
    turn, number = cache.compared or (None, None)
    return {
        "verdict": cache.verdict,
        "unknown": cache.unknown,
        "changes": [{"part": change.part, "name": change.name, "item": change.item} for change in cache.changes],
        "expected_tokens": cache.expected_tokens,
        "lost_tokens": cache.lost_tokens,
        "lost_usd": None if cache.lost_cost is None else _usd(cache.lost_cost.amount),
        "compared_turn": turn,
        "compared_number": number,
    }


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    return None if usage is None else usage._asdict()


def _text_size(size: TextSize | None) -> dict[str, Any] | None:
    return None if size is None else {"to_model": size.to_model, "from_model": size.from_model}


def _cost(money: Money | None) -> dict[str, Any] | None:
    if money is None:
        return None
    return {
        "usd": None if money.unpriced else _usd(money.amount),
        "known_usd": _usd(money.amount) if money.has_price else None,
        "turns": money.turns,
        "unpriced_turns": money.unpriced,
        "estimated": money.estimated,
    }


def _usd(amount: Decimal | float) -> str:
    return f"{Decimal(str(amount)):f}"


def _resend_cost(cost: TurnResendCost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {
        "item_tokens": cost.items,
        "requests": cost.requests,
        "tokens": cost.tokens,
        "cached_tokens": cost.cached,
    }


def hit_object(hit: Hit, branches: Sequence[str]) -> dict[str, Any]:
    """Return a hit in the output of `find`."""
    return {
        "session_id": hit.session_id,
        "branches": [branch_id for branch_id in branches if branch_id],
        "turn": hit.turn,
        "message_id": hit.message_id,
        "type": hit.type,
        "tool_name": hit.tool_name,
        "created_at": to_iso(hit.created_at),
        "failed": hit.failed,
        "matches": hit.count,
        "context": hit.context,
        "start": hit.start,
        "end": hit.end,
    }


def comparison_object(comparison: Comparison, details: Sequence[TurnComparison]) -> dict[str, Any]:
    """Return the output of `compare`."""
    return {
        "session_id": comparison.session.session_id,
        "shared_turns": comparison.shared,
        "left": _side(comparison.left, comparison.left_summary),
        "right": _side(comparison.right, comparison.right_summary),
        "tool_calls": [{"tool_name": step.name, "left": step.left, "right": step.right} for step in comparison.tools],
        "turns": [
            {
                "left": detail.pair.left,
                "right": detail.pair.right,
                "items": [
                    {"left": _compared_item(pair.left), "right": _compared_item(pair.right), "differs": pair.differs}
                    for pair in detail.items
                ],
            }
            for detail in details
        ],
    }


def _side(side: Side, summary: Summary) -> dict[str, Any]:
    return {
        "branch_id": side.branch_id,
        "summary": {
            "turns": summary.turns,
            "usage": _usage(summary.usage),
            "turns_without_usage": summary.turns_without_usage,
            "cost": _cost(summary.cost),
            "seconds": summary.seconds,
            "turns_without_time": summary.turns_without_time,
            "tool_calls": summary.tools,
        },
    }


def _compared_item(item: ComparedItem | None) -> dict[str, Any] | None:
    if item is None:
        return None
    return {"type": item.type, "tool_name": item.tool_name, "text": item.text, "omitted_characters": item.omitted}
