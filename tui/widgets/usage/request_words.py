"""The known facts of a request, in words. This module does not import Textual, because commands use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tui.model.cache_evidence import CacheEvidence, Change, Part, Unknown, Verdict
from tui.model.money import Money
from tui.model.requests import Request
from tui.printable import printable_line
from tui.widgets.format import format_cost, format_tokens

__all__ = ["MARKS", "MARK_WORDS", "cache_words", "change_words", "differing_names", "worst_verdict"]

MARKS: Final = {
    Verdict.HIT: "✓",
    Verdict.PREFIX_CHANGED: "≠",
    Verdict.NOT_SERVED: "∅",
    Verdict.UNKNOWN: "?",
}

MARK_WORDS: Final = {
    Verdict.HIT: "the cache served the beginning of the request",
    Verdict.PREFIX_CHANGED: "the request does not begin as the one before, so no cache served it",
    Verdict.NOT_SERVED: "no cache served the request, though it begins as the one before",
    Verdict.UNKNOWN: "not known whether a cache served the request; the reason is beside it",
}
"""The meaning of the marks, for the help."""

_UNKNOWN: Final = {
    Unknown.FIRST_REQUEST: "first request",
    Unknown.NOT_RECORDED: "not recorded",
    Unknown.NOT_REPORTED: "tokens not reported",
    Unknown.TOO_SHORT: "too short for a cache",
    Unknown.NO_CACHE_SEEN: "no cache seen",
    Unknown.INPUT_SHRANK: "the provider left items out",
}

_MAX_NAME: Final = 32


def cache_words(cache: CacheEvidence) -> str:
    """Return a verdict with its reason and what it cost."""
    mark = MARKS[cache.verdict]
    match cache.verdict:
        case Verdict.HIT:
            return f"{mark} cache hit"
        case Verdict.PREFIX_CHANGED:
            changes = ", ".join(map(change_words, cache.changes))
            return f"{mark} prefix changed: {changes}; {_lost_words(cache)}"
        case Verdict.NOT_SERVED:
            return f"{mark} same prefix, not served; {_lost_words(cache)}"
        case Verdict.UNKNOWN:
            return f"{mark} {_UNKNOWN[cache.unknown] if cache.unknown else ''}".rstrip()


def _lost_words(cache: CacheEvidence) -> str:
    cost = cache.lost_cost
    return f"{format_tokens(cache.lost_tokens)} not cached{f', {_extra(cost)}' if cost and cost.amount else ''}"


def _extra(cost: Money) -> str:
    return f"+{format_cost(cost)}"


def change_words(change: Change) -> str:
    """Return what changed in a few words."""
    name = printable_line(change.name or "")[:_MAX_NAME]
    match change.part:
        case Part.ITEMS:
            return f"item {change.item}{f' ({name})' if name else ''}"
        case Part.TOOLS:
            return f"tool {name}" if name else "tools"
        case Part.SETTINGS:
            return f"setting {name}"
        case Part.MODEL:
            return f"model {name}" if name else "model"
        case Part.INSTRUCTIONS:
            return "instructions"


def worst_verdict(requests: Sequence[Request]) -> Verdict | None:
    """Return the verdict of a turn's requests for which something can be done, or else for which the provider can."""
    verdicts = {request.cache.verdict for request in requests if request.cache}
    return next((verdict for verdict in (Verdict.PREFIX_CHANGED, Verdict.NOT_SERVED) if verdict in verdicts), None)


def differing_names(requests: Sequence[Request]) -> list[str]:
    """Return agent and model of each request, where they are not the same for all."""
    agents = {request.agent for request in requests}
    models = {request.model for request in requests}
    found = []
    for request in requests:
        names = (request.agent if len(agents) > 1 else None, request.model if len(models) > 1 else None)
        found.append(" · ".join(printable_line(name) for name in names if name))
    return found
