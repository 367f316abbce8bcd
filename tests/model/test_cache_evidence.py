"""Verdicts on a prompt cache: whatever is sent, they follow from what a cache did."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tui.model.cache_evidence import Change, Part, Unknown, Verdict
from tui.model.cache_judgement import (
    CACHE_STEP,
    MIN_CACHED_TOKENS,
    Element,
    SentParts,
    first_difference,
    judge_requests,
)
from tui.model.requests import Request, RequestUsage

ITEM_TOKENS: Final = 700

KEYS = st.integers(0, 5) | st.sampled_from("abc")


def never_same(before: int | str, after: int | str) -> bool:
    assert before != after
    return False


def elements(items: list[int | str]) -> list[Element]:
    """Return items as they are stored: neighbouring positions as a range."""
    found: list[Element] = []
    for item in items:
        last = found[-1] if found else None
        if isinstance(item, str):
            found.append(item)
        elif isinstance(last, tuple) and last[1] == item - 1:
            found[-1] = (last[0], item)
        else:
            found.append((item, item))
    return found


@given(st.lists(KEYS), st.lists(KEYS))
def test_the_first_difference_is_that_of_the_items_one_by_one(before: list[int | str], after: list[int | str]) -> None:
    pairs = zip(before, [*after, *[None] * len(before)], strict=False)
    expected = next((index for index, (old, new) in enumerate(pairs) if old != new), None)
    assert first_difference(elements(before), elements(after), never_same) == expected


@given(st.lists(KEYS), st.lists(KEYS))
def test_items_that_are_stored_in_two_ways_are_compared(before: list[int | str], after: list[int | str]) -> None:
    names = {0: "a", 1: "b", 2: "c"}

    def name(item: int | str) -> int | str:
        return names.get(item, item) if isinstance(item, int) else item

    def is_same(old: int | str, new: int | str) -> bool:
        return name(old) == name(new)

    pairs = zip(before, [*after, *[None] * len(before)], strict=False)
    expected = next((index for index, (old, new) in enumerate(pairs) if new is None or name(old) != name(new)), None)
    assert first_difference(elements(before), elements(after), is_same) == expected


INSTRUCTIONS = st.sampled_from(["kind", "strict"])
TOOLS = st.sampled_from([[], [{"name": "search"}], [{"name": "search", "strict": True}]])
SETTINGS = st.sampled_from([{}, {"temperature": 0.5}, {"reasoning": {"effort": "low"}}])
SENT = st.tuples(
    st.sampled_from(["big", "small"]), INSTRUCTIONS, TOOLS, SETTINGS, st.lists(st.sampled_from("abc"), max_size=6)
)


def prompt(model: str, instructions: str, tools: object, settings: dict[str, object], items: list[str]) -> list[str]:
    """Return what the provider's cache knows: parts of `ITEM_TOKENS` tokens."""
    return [f"{model}: {instructions}, {tools}, {settings.get('reasoning')}", *items]


@given(st.lists(SENT, min_size=2, max_size=6), st.sets(st.integers(1, 5)), st.data())
def test_a_verdict_follows_from_what_the_cache_did(
    sent: list[tuple[str, str, list[dict[str, object]], dict[str, object], list[str]]],
    expired: set[int],
    data: st.DataObject,
) -> None:
    # Half of the requests go on from the one before.
    for index in range(1, len(sent)):
        if data.draw(st.booleans()):
            sent[index] = (*sent[index - 1][:4], [*sent[index - 1][4], "d"])
    known: list[list[str]] = []
    requests, parts = [], {}
    for number, request in enumerate(sent):
        if number in expired:
            known.clear()
        current = prompt(*request)
        shared = max((_common(current, other) for other in known), default=0)
        cached = shared * ITEM_TOKENS // CACHE_STEP * CACHE_STEP
        cached = cached if cached >= MIN_CACHED_TOKENS else 0
        known.append(current)
        usage = RequestUsage(len(current) * ITEM_TOKENS, 1, cached)
        requests.append(Request(number, "main", 1, number + 1, "Agent", request[0], usage=usage, has_input=True))
        parts[number] = SentParts(request[1], request[2], request[3], request[4])
    for number, found in enumerate(judge_requests((), requests, parts, never_same)):
        used = requests[number].usage
        assert used is not None
        assert found.lost_tokens == (
            max(0, found.expected_tokens - (used.cached_tokens or 0))
            if found.verdict in (Verdict.PREFIX_CHANGED, Verdict.NOT_SERVED)
            else 0
        )
        if number == 0 or found.verdict is Verdict.UNKNOWN:
            assert found.verdict is Verdict.UNKNOWN
            assert found.expected_tokens == 0
            continue
        if Part.MODEL in (change.part for change in found.changes):
            model = requests[number].model
            assert any(other.usage and other.usage.used_cache for other in requests if other.model == model)
        before, after = prompt(*sent[number - 1]), prompt(*sent[number])
        goes_on = _common(before, after) == len(before)
        if found.verdict is Verdict.PREFIX_CHANGED:
            assert not goes_on
            if found.changes[0].part is Part.ITEMS:
                item = _common(before, after)
                assert found.changes == (Change(Part.ITEMS, None, item),)
                assert before[0] == after[0]
            else:
                assert before[0] != after[0]
        elif found.verdict is Verdict.NOT_SERVED:
            # A cache that never forgets would have served it.
            assert any(number >= moment for moment in expired)
        elif not expired and goes_on:
            assert found.verdict is Verdict.HIT


def test_a_model_without_a_cache_did_not_lose_a_prefix() -> None:
    sent = [("big", 0), ("big", 2688), ("offline", 0), ("offline", 0), ("small", 0), ("small", 2688)]
    requests = [
        Request(number, "main", 1, number + 1, "Agent", model, usage=RequestUsage(2800, 1, cached), has_input=True)
        for number, (model, cached) in enumerate(sent)
    ]
    parts = {number: SentParts("kind", [], {}, [*"ab", *"c" * number]) for number in range(len(sent))}
    found = judge_requests((), requests, parts, never_same)
    assert [each.unknown for each in found[2:4]] == [Unknown.NO_CACHE_SEEN] * 2
    # The next request shows that this model has a cache.
    assert (found[4].verdict, found[4].changes) == (Verdict.PREFIX_CHANGED, (Change(Part.MODEL, "small"),))


def _common(one: list[str], other: list[str]) -> int:
    return next(
        (index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
