"""Differences of lists and texts: complete, without duplicates, and fast for long ones."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model import diff
from tui.model.compare import Side, pair_turns
from tui.model.diff import Span, align, diff_words, matches

Messages = st.lists(st.sampled_from(["go on", "what is the weather", "and in Bergen?", "no, in Oslo", "plot it", ""]))
Words = st.text(alphabet="ab c.\n\t(Ünicode 日本語한국 é́)", max_size=60)


def marked(spans: tuple[Span, ...]) -> str:
    """Return a text with the words that differ in brackets."""
    return "".join(f"[{span.text}]" if span.differs else span.text for span in spans)


@given(Messages, Messages)
def test_each_text_is_in_one_pair_in_order(left: list[str], right: list[str]) -> None:
    pairs = align(left, right)
    assert [ours for ours, _ in pairs if ours is not None] == list(range(len(left)))
    assert [theirs for _, theirs in pairs if theirs is not None] == list(range(len(right)))
    assert all(pair != (None, None) for pair in pairs)


@given(Messages)
def test_equal_lists_are_paired_one_to_one(messages: list[str]) -> None:
    assert align(messages, messages) == [(index, index) for index in range(len(messages))]


@given(Words, Words)
def test_the_spans_of_a_text_join_to_it(left: str, right: str) -> None:
    ours, theirs = diff_words(left, right)
    assert "".join(span.text for span in ours) == left
    assert "".join(span.text for span in theirs) == right
    common = [["".join(span.text.split()) for span in spans if not span.differs] for spans in (ours, theirs)]
    assert common[0] == common[1]
    assert (left == right) == (not any(span.differs for span in (*ours, *theirs)))


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_matches_are_equal_in_both_lists_and_in_order(left: list[int], right: list[int]) -> None:
    at_left = at_right = 0
    for match in matches(left, right):
        assert match.left >= at_left
        assert match.right >= at_right
        at_left, at_right = match.left + match.size, match.right + match.size
        assert left[match.left : at_left] == right[match.right : at_right]


def test_additional_texts_on_one_side_are_not_paired() -> None:
    left = ["Find a hotel", "Book it"]
    right = ["Find a hotel", "Is it quiet?", "What is for breakfast?", "Book it, please"]
    assert align(left, right) == [(0, 0), (None, 1), (None, 2), (1, 3)]
    assert align(right, left) == [(0, 0), (1, None), (2, None), (3, 1)]


def test_texts_that_are_not_similar_are_paired_in_order() -> None:
    assert align(["one", "two"], ["drei", "vier", "fünf"]) == [(0, 0), (1, 1), (None, 2)]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (["Go by bus"], ["Go by train", "Go by bus to Oslo"], [(3, 3), (None, 4)]),
        (["Go by bus to Rome", "Eat"], ["Sleep", "Go by bus to Oslo", "Eat"], [(3, 3), (None, 4), (4, 5)]),
        (["Go by bus"], ["Sleep", "Go by bus"], [(None, 3), (3, 4)]),
        (["Sleep", "Go by bus"], ["Go by bus"], [(3, None), (4, 3)]),
        (["Go by bus", "Go by bus"], ["Go by bus"], [(3, 3), (4, None)]),
        ([], ["Sleep"], [(None, 3)]),
    ],
)
def test_the_first_turns_after_a_fork_face_each_other_unless_one_is_repeated(
    left: list[str], right: list[str], expected: list[tuple[int | None, int | None]]
) -> None:
    sides = Side("main", 3, 2 + len(left)), Side("alt", 3, 2 + len(right))
    assert list(pair_turns(sides[0], left, sides[1], right)) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("It rains in Oslo today", "It rains in Bergen today", "It rains in [Oslo ]today"),
        ('{"city": "Oslo", "n": 1}', '{"city": "Bergen", "n": 1}', '{"city": "[Oslo]", "n": 1}'),
        ("今日は雨です", "今日は晴れです", "今日は[雨]です"),
        ("내일은 비가 온다", "내일은 눈이 온다", "내일은 [비가 ]온다"),
        ("a  b", "a b", "[a  ]b"),
        ("Yes, at noon.", "Nothing of the kind has been found", "[Yes, at noon.]"),
        ("", "all of it", ""),
    ],
)
def test_words_that_differ(left: str, right: str, expected: str) -> None:
    assert marked(diff_words(left, right)[0]) == expected


def test_long_lists_are_split_before_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    cells: list[int] = []

    class Watched(difflib.SequenceMatcher[Any]):
        def __init__(self, junk: None, a: Any, b: Any, **options: Any) -> None:
            cells.append(len(a) * len(b))
            super().__init__(junk, a, b, **options)

    monkeypatch.setattr(diff, "SequenceMatcher", Watched)
    words = [f"word{place}" for place in range(20_000)]
    other = ["another" if place % 100 == 50 else word for place, word in enumerate(words)]
    ours, _ = diff_words(" ".join(words), " ".join(other))
    assert sum(span.differs for span in ours) == 200
    repeated = ["go on", "yes"] * 10_000
    assert len(align(["begin", *repeated], [*repeated[2:], "stop"])) == 20_001
    assert max(cells, default=0) <= 60_000
