"""Judge whether a provider's prompt cache served a request, and if not, why.

A provider reads the beginning of a request from its cache if an earlier request began in the same way. So a request is
compared with one before it: what that sent, and the provider counted, is the expected prefix. The cached tokens that
the provider reported show whether it was read from the cache. There is no verdict without evidence.

The request before is the last one of the same agent in the turn, else in the turn before. If there is none, it is the
last one of any agent, provided that both begin with the same item, as after a handoff: an agent that is a tool begins
a conversation of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from tui.model.cache_evidence import CacheEvidence, Change, Part, Unknown, Verdict
from tui.model.requests import Request

__all__ = [
    "CACHE_STEP",
    "MIN_CACHED_TOKENS",
    "Element",
    "SentParts",
    "first_difference",
    "judge_requests",
]

MIN_CACHED_TOKENS: Final = 1024
"""No shorter prefix is cached."""

CACHE_STEP: Final = 128
"""Cached tokens are multiples of this."""

_SETTINGS: Final = (
    "prompt",
    "response_format",
    "reasoning",
    "verbosity",
    "tool_choice",
    "parallel_tool_calls",
    "truncation",
    "prompt_cache_key",
)
"""The settings that the beginning of a prompt, or the cache that is asked, depends on."""

Element: TypeAlias = tuple[int, int] | str
"""Items that were sent: those at the first to the last position of the branch, or one item by its hash."""


class SentParts(NamedTuple):
    """The parts of a request that are compared; None for a part that is not known.

    Attributes:
        instructions: A key that is the same for the same instructions; None if there were none.
        items: The items, in order.
    """

    instructions: str | None = None
    tools: Sequence[Any] | None = None
    settings: Mapping[str, Any] | None = None
    items: Sequence[Element] | None = None

    @property
    def is_known(self) -> bool:
        """True if all that a verdict needs is known."""
        return self.tools is not None and self.settings is not None and self.items is not None


class _Counted(NamedTuple):
    """A request with known tokens, and what it sent if that was recorded."""

    request: Request
    tokens: int
    parts: SentParts | None


def judge_requests(
    before: Sequence[Request],
    turn: Sequence[Request],
    parts: Mapping[int, SentParts],
    is_same: Callable[[int | str, int | str], bool],
) -> list[CacheEvidence]:
    """Return the evidence for each request of a turn.

    Args:
        before: The requests of the turn before; empty if they are not known.
        turn: The requests of the turn.
        parts: Content that the requests sent, by id, as far as it is recorded.
        is_same: Returns whether two items are the same, given two positions or hashes that are not.
    """
    counted = [_Counted(request, request.prompt_tokens, parts.get(request.id)) for request in (*before, *turn)]
    has_cache = {request.model for request in (*before, *turn) if request.usage and request.usage.used_cache}
    found = []
    for index, current in enumerate(counted[len(before) :], len(before)):
        earlier = [other for other in counted[:index] if other.request.usage is not None]
        if current.request.usage is None:
            found.append(_unknown(Unknown.NOT_REPORTED))
        elif not earlier:
            is_first = current.request.turn == 1 and current.request.number == 1
            found.append(_unknown(Unknown.FIRST_REQUEST if is_first else Unknown.NOT_RECORDED))
        else:
            found.append(_judge(current, earlier, is_same, has_cache=current.request.model in has_cache))
    return found


def _judge(
    current: _Counted, earlier: Sequence[_Counted], is_same: Callable[[int | str, int | str], bool], *, has_cache: bool
) -> CacheEvidence:
    previous = _request_before(current, earlier, is_same)
    if previous is None:
        return _unknown(Unknown.FIRST_REQUEST)
    compared = previous.request.turn, previous.request.number
    cached = current.request.usage.cached_tokens if current.request.usage else None
    if cached is None:
        return _unknown(Unknown.NOT_REPORTED, compared)
    expected = _steps(previous.tokens)
    if expected < MIN_CACHED_TOKENS:
        return _unknown(Unknown.TOO_SHORT, compared)
    if not (current.parts and current.parts.is_known and previous.parts and previous.parts.is_known):
        return _unknown(Unknown.NOT_RECORDED, compared)
    # The end of a prompt may be written otherwise where it goes on, so one step may be missing.
    if cached >= expected - CACHE_STEP:
        return CacheEvidence(Verdict.HIT, expected_tokens=expected, compared=compared)
    changes = _changes(previous, current, is_same)
    if not has_cache and (not changes or changes[0].part is Part.MODEL):
        # Another model may have no cache that a prefix could be in.
        return _unknown(Unknown.NO_CACHE_SEEN, compared)
    if changes:
        # An earlier request that is a prefix of this one tells how many tokens before the change could be served.
        unchanged = max(
            (
                _steps(other.tokens)
                for other in earlier
                if other.parts and other.parts.is_known and not _changes(other, current, is_same)
            ),
            default=0,
        )
        if not (has_cache and unchanged >= MIN_CACHED_TOKENS and cached < unchanged - CACHE_STEP):
            # A request that has become shorter cannot lose more than it sends.
            expected = _steps(min(previous.tokens, current.tokens))
            lost = max(0, expected - cached)
            return CacheEvidence(Verdict.PREFIX_CHANGED, None, changes, expected, lost, compared=compared)
        expected = unchanged
    elif current.tokens < previous.tokens:
        return _unknown(Unknown.INPUT_SHRANK, compared)
    lost = expected - cached
    return CacheEvidence(Verdict.NOT_SERVED, expected_tokens=expected, lost_tokens=lost, compared=compared)


def _unknown(reason: Unknown, compared: tuple[int, int] | None = None) -> CacheEvidence:
    return CacheEvidence(Verdict.UNKNOWN, reason, compared=compared)


def _steps(tokens: int) -> int:
    return tokens - tokens % CACHE_STEP


def _request_before(
    current: _Counted, earlier: Sequence[_Counted], is_same: Callable[[int | str, int | str], bool]
) -> _Counted | None:
    same_agent = [other for other in earlier if other.request.agent == current.request.agent]
    if same_agent:
        return same_agent[-1]
    last = earlier[-1]
    if current.parts and current.parts.items and last.parts and last.parts.items:
        return last if first_difference(last.parts.items, current.parts.items, is_same) != 0 else None
    return last


def _changes(before: _Counted, after: _Counted, is_same: Callable[[int | str, int | str], bool]) -> tuple[Change, ...]:
    """Return why a request, whose parts are known, does not begin with all that another one sent."""
    left, right = before.parts or SentParts(), after.parts or SentParts()
    changes = []
    if before.request.model != after.request.model:
        changes.append(Change(Part.MODEL, after.request.model))
    if left.instructions != right.instructions:
        changes.append(Change(Part.INSTRUCTIONS))
    if left.tools != right.tools:
        changes.append(Change(Part.TOOLS, _first_tool(left.tools or (), right.tools or ())))
    settings = [_relevant_settings(part.settings or {}) for part in (left, right)]
    if settings[0] != settings[1]:
        names = (name for name in _SETTINGS if settings[0].get(name) != settings[1].get(name))
        changes.append(Change(Part.SETTINGS, next(names)))
    if not changes:
        index = first_difference(left.items or (), right.items or (), is_same)
        if index is not None:
            changes.append(Change(Part.ITEMS, None, index + 1))
    return tuple(changes)


def _relevant_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    extra = settings.get("extra_args")
    known = {**settings, **extra} if isinstance(extra, Mapping) else settings
    return {name: known[name] for name in _SETTINGS if known.get(name) is not None}


def _first_tool(before: Sequence[Any], after: Sequence[Any]) -> str | None:
    """Return the name, or the type, of the first tool that was changed, added or removed."""
    by_name = {_tool_name(tool): tool for tool in before}
    for tool in (*after, *(tool for tool in before if _tool_name(tool) not in set(map(_tool_name, after)))):
        if by_name.get(_tool_name(tool)) != tool or tool not in after:
            return _tool_name(tool)
    # The same tools in another order.
    return next((_tool_name(new) for old, new in zip(before, after, strict=False) if old != new), None)


def _tool_name(tool: Any) -> str | None:
    name = tool.get("name") or tool.get("server_label") or tool.get("type") if isinstance(tool, Mapping) else None
    return name if isinstance(name, str) else None


def first_difference(
    before: Sequence[Element], after: Sequence[Element], is_same: Callable[[int | str, int | str], bool]
) -> int | None:
    """Return the index of the first item of `before` that `after` does not have there; None if it has all of them."""
    left, right = list(reversed(before)), list(reversed(after))
    index = 0
    while left:
        if not right:
            return index
        old, new = left.pop(), right.pop()
        count = 1
        if not isinstance(old, str) and not isinstance(new, str) and old[0] == new[0]:
            count = min(old[1] - old[0], new[1] - new[0]) + 1
        else:
            keys = [key if isinstance(key, str) else key[0] for key in (old, new)]
            if keys[0] != keys[1] and not is_same(keys[0], keys[1]):
                return index
        index += count
        for element, rest in ((old, left), (new, right)):
            if not isinstance(element, str) and element[0] + count <= element[1]:
                rest.append((element[0] + count, element[1]))
    return None
