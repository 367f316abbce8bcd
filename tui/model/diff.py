"""What two lists have in common: turns that answer to one another, words that differ, steps that one side lacks.

Pure functions over texts. Python's `SequenceMatcher` takes time with the product of two lengths, and more where parts
repeat; so it only ever sees short stretches. Long ones are parted before, at what stands exactly once in both.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Match", "Run", "align", "matches", "opcodes", "word_runs"]

_CELLS: Final = 60_000
"""Product of two lengths up to which `SequenceMatcher` compares them; some 30 ms where all parts are alike."""

_DEEPEST: Final = 12
"""How often what lies between two anchors is parted again."""

_ALIKE: Final = 0.3
"""Share of the shorter text that has to be found in the other one; with less, no word of them is marked as common."""

_ANSWERS: Final = 0.3
"""How like another a text has to be to answer to it against the order in which they stand."""

_WORD: Final = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]\\s*"
    "|[^\\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+\\s*|[^\\w\\s]\\s*|\\s+"
)
"""A word with the blanks after it; Chinese and Japanese by character, punctuation by mark."""

Pair: TypeAlias = tuple[int | None, int | None]


class Match(NamedTuple):
    """A stretch that two lists have in common.

    Attributes:
        left: Where it begins in the left one.
        right: Where it begins in the right one.
        size: How long it is.
    """

    left: int
    right: int
    size: int


class Run(NamedTuple):
    """Neighbouring words of one text.

    Attributes:
        text: The words with the blanks round them.
        differs: Whether the other text does not have them here.
    """

    text: str
    differs: bool


def matches(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Match]:
    """The stretches that two lists have in common, in order; neighbouring ones are one."""
    joined: list[Match] = []
    for match in _matches(left, right, 0, 0, _DEEPEST):
        last = joined[-1] if joined else None
        if last and (last.left + last.size, last.right + last.size) == (match.left, match.right):
            joined[-1] = last._replace(size=last.size + match.size)
        else:
            joined.append(match)
    return joined


def opcodes(left: Sequence[Hashable], right: Sequence[Hashable]) -> Iterator[tuple[bool, range, range]]:
    """The lists from begin to end, stretch by stretch: whether both have it, and its indices in each."""
    at_left = at_right = 0
    for match in (*matches(left, right), Match(len(left), len(right), 0)):
        if at_left < match.left or at_right < match.right:
            yield False, range(at_left, match.left), range(at_right, match.right)
        at_left, at_right = match.left + match.size, match.right + match.size
        if match.size:
            yield True, range(match.left, at_left), range(match.right, at_right)


def align(left: Sequence[str], right: Sequence[str]) -> list[Pair]:
    """Which text answers to which.

    Equal texts do; between them, texts answer to one another by their place, and where one side has more of them, to
    the most similar.

    Returns:
        Indices of both lists, each once and in order; None where the other side has nothing there.
    """
    pairs: list[Pair] = []
    for common, lefts, rights in opcodes(left, right):
        if common or len(lefts) == len(rights) or not (lefts and rights) or len(lefts) * len(rights) > _CELLS:
            pairs += zip_longest(lefts, rights)
        elif len(lefts) < len(rights):
            pairs += _by_likeness([left[at] for at in lefts], [right[at] for at in rights], lefts, rights)
        else:
            turned = _by_likeness([right[at] for at in rights], [left[at] for at in lefts], rights, lefts)
            pairs += [(ours, theirs) for theirs, ours in turned]
    return pairs


def word_runs(left: str, right: str) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Two texts in runs of words: what both have, and what only one has.

    The runs of a side join to its text. Blanks only count where nothing else differs.
    """
    if left == right:
        whole = (Run(left, differs=False),) if left else ()
        return whole, whole
    lefts, rights = _WORD.findall(left), _WORD.findall(right)
    bare = [word.strip() for word in lefts], [word.strip() for word in rights]
    found = matches(*bare)
    found = matches(lefts, rights) if bare[0] == bare[1] else _worthwhile(found, *bare)
    return (
        _runs(lefts, [range(match.left, match.left + match.size) for match in found]),
        _runs(rights, [range(match.right, match.right + match.size) for match in found]),
    )


def _matches(
    left: Sequence[Hashable], right: Sequence[Hashable], at_left: int, at_right: int, depth: int
) -> Iterator[Match]:
    """The common stretches of two lists that stand at these indices of longer ones."""
    most = min(len(left), len(right))
    head = next((place for place in range(most) if left[place] != right[place]), most)
    tail = next((place for place in range(most - head) if left[-1 - place] != right[-1 - place]), most - head)
    if head:
        yield Match(at_left, at_right, head)
    left, right = left[head : len(left) - tail], right[head : len(right) - tail]
    at_left, at_right = at_left + head, at_right + head
    if left and right:
        if len(left) * len(right) <= _CELLS:
            matcher = SequenceMatcher(None, left, right, autojunk=False)
            for block in matcher.get_matching_blocks()[:-1]:
                yield Match(at_left + block.a, at_right + block.b, block.size)
        elif depth:
            yield from _between(left, right, at_left, at_right, depth)
    if tail:
        yield Match(at_left + len(left), at_right + len(right), tail)


def _between(
    left: Sequence[Hashable], right: Sequence[Hashable], at_left: int, at_right: int, depth: int
) -> Iterator[Match]:
    """The common stretches round the anchors of two lists."""
    anchors = _anchors(left, right)
    if not anchors:
        return
    for (a, b), (c, d) in pairwise(((-1, -1), *anchors, (len(left), len(right)))):
        if a >= 0:
            yield Match(at_left + a, at_right + b, 1)
        yield from _matches(left[a + 1 : c], right[b + 1 : d], at_left + a + 1, at_right + b + 1, depth - 1)


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Where the same part stands once in both lists: the most of such places that are in order in both."""
    counts = Counter(left), Counter(right)
    places = {part: place for place, part in enumerate(right) if counts[1][part] == 1}
    found = [(place, places[part]) for place, part in enumerate(left) if counts[0][part] == 1 and part in places]
    # The longest rising sequence of places in the right list: for each length the least end of one, and what led there.
    ends: list[int] = []
    tips: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(found):
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        tips[length : length + 1] = [index]
        before.append(tips[length - 1] if length else -1)
    rising: list[tuple[int, int]] = []
    index = tips[-1] if tips else -1
    while index >= 0:
        rising.append(found[index])
        index = before[index]
    return rising[::-1]


def _worthwhile(found: list[Match], left: Sequence[str], right: Sequence[str]) -> list[Match]:
    """Without what two texts have in common by chance: single marks, and a few words of texts that say other things."""
    kept = [
        match
        for match in found
        if any(word[:1].isalnum() for word in left[match.left : match.left + match.size])
        or match.left == match.right == 0
        or match.left + match.size - len(left) == match.right + match.size - len(right) == 0
    ]
    common = sum(len(word) for match in kept for word in left[match.left : match.left + match.size])
    shorter = min(sum(map(len, left)), sum(map(len, right)))
    return kept if common >= _ALIKE * shorter else []


def _runs(words: Sequence[str], common: Sequence[range]) -> tuple[Run, ...]:
    runs: list[Run] = []
    at = 0
    for stretch in (*common, range(len(words), len(words))):
        if at < stretch.start:
            runs.append(Run("".join(words[at : stretch.start]), differs=True))
        if stretch:
            runs.append(Run("".join(words[stretch.start : stretch.stop]), differs=False))
        at = stretch.stop
    return tuple(runs)


def _by_likeness(few: Sequence[str], many: Sequence[str], at_few: range, at_many: range) -> Iterator[Pair]:
    """Give each of the few texts the one of the many that lets all be most alike; of equal chances the earliest."""
    bags = [Counter(_said(text)) for text in few], [Counter(_said(text)) for text in many]
    # What the first so many of the few gain at most from the first so many of the many.
    gains = [[0.0] * (len(many) + 1)]
    for row, bag in enumerate(bags[0]):
        above, gained = gains[-1], [float("-inf")] * (len(many) + 1)
        for column in range(row, len(many)):
            gained[column + 1] = max(gained[column], above[column] + _likeness(bag, bags[1][column]))
        gains.append(gained)
    chosen: dict[int, int] = {}
    column = len(many)
    for row in range(len(few), 0, -1):
        while gains[row][column] == gains[row][column - 1]:
            column -= 1
        column -= 1
        chosen[column] = row - 1
    for place, where in enumerate(at_many):
        yield at_few[chosen[place]] if place in chosen else None, where


def _said(text: str) -> list[str]:
    return [word.strip().casefold() for word in _WORD.findall(text[:500])]


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """Between 0 and 1: the share of the words of two texts that they have in common; 0 also where that is little."""
    total = one.total() + other.total()
    share = 2 * (one & other).total() / total if total else 1.0
    return share if share >= _ANSWERS else 0.0
