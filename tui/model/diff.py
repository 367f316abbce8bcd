"""Differences of two lists or texts: common blocks, pairs of similar elements, words that only one text has.

Python's `SequenceMatcher` takes a time that grows with the product of two lengths, and faster if elements repeat. So it
compares only short blocks. Longer blocks are first split at anchors: elements that both lists have exactly once.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Match", "Span", "align", "diff_words", "matches", "opcodes"]

_MAX_PRODUCT: Final = 60_000
"""Product of two lengths up to which `SequenceMatcher` compares them: at most some 30 ms."""

_MAX_DEPTH: Final = 12
"""Number of times that the blocks between two anchors are split again."""

_MIN_COMMON: Final = 0.3
"""Share of the shorter text that both texts must have; below it, no word is marked as common."""

_MIN_SIMILARITY: Final = 0.3
"""Share of common words below which two texts are not similar at all."""

_WORD: Final = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]\\s*"
    "|[^\\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+\\s*|[^\\w\\s]\\s*|\\s+"
)
"""A word, a Chinese or Japanese character, or a punctuation mark, each with the blanks after it; or only blanks."""

IndexPair: TypeAlias = tuple[int | None, int | None]


class Match(NamedTuple):
    """A block of elements that two lists have in common: its first index in each list, and its number of elements."""

    left: int
    right: int
    size: int


class Span(NamedTuple):
    """Neighbouring words of a text.

    Attributes:
        differs: Whether the other text lacks them here.
    """

    text: str
    differs: bool


def matches(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Match]:
    """Return the common blocks of two lists in order, neighbouring ones joined."""
    joined: list[Match] = []
    for match in _matches(left, right, 0, 0, _MAX_DEPTH):
        last = joined[-1] if joined else None
        if last and (last.left + last.size, last.right + last.size) == (match.left, match.right):
            joined[-1] = last._replace(size=last.size + match.size)
        else:
            joined.append(match)
    return joined


def opcodes(left: Sequence[Hashable], right: Sequence[Hashable]) -> Iterator[tuple[bool, range, range]]:
    """Yield the blocks of two lists in order: whether both lists have the block, and its indices in each."""
    left_start = right_start = 0
    for match in (*matches(left, right), Match(len(left), len(right), 0)):
        if left_start < match.left or right_start < match.right:
            yield False, range(left_start, match.left), range(right_start, match.right)
        left_start, right_start = match.left + match.size, match.right + match.size
        if match.size:
            yield True, range(match.left, left_start), range(match.right, right_start)


def align(left: Sequence[str], right: Sequence[str]) -> list[IndexPair]:
    """Pair the texts of two lists.

    Equal texts are paired first. The texts between them are paired in their order. If one list has more of these texts,
    those of the other list are paired with the most similar ones.

    Returns:
        Indices of both lists, each once and in order; None if a list has no text for the pair.
    """
    pairs: list[IndexPair] = []
    for common, lefts, rights in opcodes(left, right):
        if common or len(lefts) == len(rights) or not (lefts and rights) or len(lefts) * len(rights) > _MAX_PRODUCT:
            pairs += zip_longest(lefts, rights)
        elif len(lefts) < len(rights):
            pairs += _pair_by_similarity([left[at] for at in lefts], [right[at] for at in rights], lefts, rights)
        else:
            swapped = _pair_by_similarity([right[at] for at in rights], [left[at] for at in lefts], rights, lefts)
            pairs += [(ours, theirs) for theirs, ours in swapped]
    return pairs


def diff_words(left: str, right: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Split two texts into spans of words that both texts have, and spans that only one has.

    Joined, the spans of a text are the text. Blanks are compared only if nothing else differs.
    """
    if left == right:
        spans = (Span(left, differs=False),) if left else ()
        return spans, spans
    lefts, rights = _WORD.findall(left), _WORD.findall(right)
    left_words, right_words = [word.strip() for word in lefts], [word.strip() for word in rights]
    if left_words == right_words:
        found = matches(lefts, rights)
    else:
        found = _meaningful(matches(left_words, right_words), left_words, right_words)
    return (
        _spans(lefts, [range(match.left, match.left + match.size) for match in found]),
        _spans(rights, [range(match.right, match.right + match.size) for match in found]),
    )


def _matches(
    left: Sequence[Hashable], right: Sequence[Hashable], left_start: int, right_start: int, depth: int
) -> Iterator[Match]:
    """Yield the common blocks of two lists that are parts of longer lists, from the given indices on."""
    length = min(len(left), len(right))
    prefix = next((index for index in range(length) if left[index] != right[index]), length)
    rest = length - prefix
    suffix = next((index for index in range(rest) if left[-1 - index] != right[-1 - index]), rest)
    if prefix:
        yield Match(left_start, right_start, prefix)
    left, right = left[prefix : len(left) - suffix], right[prefix : len(right) - suffix]
    left_start, right_start = left_start + prefix, right_start + prefix
    if left and right:
        if len(left) * len(right) <= _MAX_PRODUCT:
            matcher = SequenceMatcher(None, left, right, autojunk=False)
            for block in matcher.get_matching_blocks()[:-1]:
                yield Match(left_start + block.a, right_start + block.b, block.size)
        elif depth:
            yield from _matches_between_anchors(left, right, left_start, right_start, depth)
    if suffix:
        yield Match(left_start + len(left), right_start + len(right), suffix)


def _matches_between_anchors(
    left: Sequence[Hashable], right: Sequence[Hashable], left_start: int, right_start: int, depth: int
) -> Iterator[Match]:
    """Yield the anchors of two lists, and the common blocks between them."""
    anchors = _anchors(left, right)
    if not anchors:
        return
    for (a, b), (c, d) in pairwise(((-1, -1), *anchors, (len(left), len(right)))):
        if a >= 0:
            yield Match(left_start + a, right_start + b, 1)
        yield from _matches(left[a + 1 : c], right[b + 1 : d], left_start + a + 1, right_start + b + 1, depth - 1)


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the indices of elements that both lists have exactly once: as many as have the same order in both."""
    left_counts, right_counts = Counter(left), Counter(right)
    right_indices = {element: index for index, element in enumerate(right) if right_counts[element] == 1}
    found = [
        (index, right_indices[element])
        for index, element in enumerate(left)
        if left_counts[element] == 1 and element in right_indices
    ]
    # The longest increasing sequence of right indices: `ends` has, for each length, the least index that ends such a
    # sequence, `tails` the number of that element, and `previous`, for each element, its predecessor in the sequence.
    ends: list[int] = []
    tails: list[int] = []
    previous: list[int] = []
    for number, (_, index) in enumerate(found):
        length = bisect_left(ends, index)
        ends[length : length + 1] = [index]
        tails[length : length + 1] = [number]
        previous.append(tails[length - 1] if length else -1)
    increasing: list[tuple[int, int]] = []
    number = tails[-1] if tails else -1
    while number >= 0:
        increasing.append(found[number])
        number = previous[number]
    return increasing[::-1]


def _meaningful(found: list[Match], left: Sequence[str], right: Sequence[str]) -> list[Match]:
    """Remove accidental matches: lone punctuation, and all matches if they are a small part of the texts."""
    kept = [
        match
        for match in found
        if any(word[:1].isalnum() for word in left[match.left : match.left + match.size])
        or match.left == match.right == 0
        or match.left + match.size - len(left) == match.right + match.size - len(right) == 0
    ]
    common = sum(len(word) for match in kept for word in left[match.left : match.left + match.size])
    shorter = min(sum(map(len, left)), sum(map(len, right)))
    return kept if common >= _MIN_COMMON * shorter else []


def _spans(words: Sequence[str], common: Sequence[range]) -> tuple[Span, ...]:
    spans: list[Span] = []
    at = 0
    for block in (*common, range(len(words), len(words))):
        if at < block.start:
            spans.append(Span("".join(words[at : block.start]), differs=True))
        if block:
            spans.append(Span("".join(words[block.start : block.stop]), differs=False))
        at = block.stop
    return tuple(spans)


def _pair_by_similarity(
    shorter: Sequence[str], longer: Sequence[str], shorter_indices: range, longer_indices: range
) -> Iterator[IndexPair]:
    """Pair each text of the shorter list with a text of the longer, in order, with the greatest sum of similarities.

    If several pairings are equally good, the earliest texts of the longer list are paired.
    """
    left_words, right_words = [Counter(_words(text)) for text in shorter], [Counter(_words(text)) for text in longer]
    # best[i][j]: the greatest sum for the first i texts of the shorter list and the first j of the longer.
    best = [[0.0] * (len(longer) + 1)]
    for row, words in enumerate(left_words):
        above, sums = best[-1], [float("-inf")] * (len(longer) + 1)
        for column in range(row, len(longer)):
            sums[column + 1] = max(sums[column], above[column] + _similarity(words, right_words[column]))
        best.append(sums)
    partners: dict[int, int] = {}
    column = len(longer)
    for row in range(len(shorter), 0, -1):
        while best[row][column] == best[row][column - 1]:
            column -= 1
        column -= 1
        partners[column] = row - 1
    for column, index in enumerate(longer_indices):
        yield shorter_indices[partners[column]] if column in partners else None, index


def _words(text: str) -> list[str]:
    return [word.strip().casefold() for word in _WORD.findall(text[:500])]


def _similarity(left: Counter[str], right: Counter[str]) -> float:
    """Return the share of common words, from 0 to 1; a share below `_MIN_SIMILARITY` is 0."""
    total = left.total() + right.total()
    share = 2 * (left & right).total() / total if total else 1.0
    return share if share >= _MIN_SIMILARITY else 0.0
