"""Lists and texts side by side: nothing is lost, nothing comes twice, and nothing takes time with the product."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model import diff as differences
from tui.model.diff import Span, align, diff_words, matches

Said = st.lists(st.sampled_from(["go on", "what is the weather", "and in Bergen?", "no, in Oslo", "plot it", ""]))
Words = st.text(alphabet="ab c.\n\t(Ünicode 日本語한국 é́)", max_size=60)


def shown(runs: tuple[Span, ...]) -> str:
    """A text with what differs in brackets."""
    return "".join(f"[{run.text}]" if run.differs else run.text for run in runs)


@given(Said, Said)
def test_each_turn_stands_in_one_pair_in_order(left: list[str], right: list[str]) -> None:
    pairs = align(left, right)
    assert [ours for ours, _ in pairs if ours is not None] == list(range(len(left)))
    assert [theirs for _, theirs in pairs if theirs is not None] == list(range(len(right)))
    assert all(pair != (None, None) for pair in pairs)


@given(Said)
def test_equal_lists_answer_one_to_one(said: list[str]) -> None:
    assert align(said, said) == [(place, place) for place in range(len(said))]


@given(Words, Words)
def test_runs_join_to_both_texts(left: str, right: str) -> None:
    ours, theirs = diff_words(left, right)
    assert "".join(run.text for run in ours) == left
    assert "".join(run.text for run in theirs) == right
    common = [["".join(run.text.split()) for run in runs if not run.differs] for runs in (ours, theirs)]
    assert common[0] == common[1]
    assert (left == right) == (not any(run.differs for run in (*ours, *theirs)))


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_common_stretches_are_common_and_in_order(left: list[int], right: list[int]) -> None:
    at_left = at_right = 0
    for match in matches(left, right):
        assert match.left >= at_left
        assert match.right >= at_right
        at_left, at_right = match.left + match.size, match.right + match.size
        assert left[match.left : at_left] == right[match.right : at_right]


def test_a_turn_more_on_one_side_pushes_what_follows_together_again() -> None:
    left = ["Find a hotel", "Book it"]
    right = ["Find a hotel", "Is it quiet?", "What is for breakfast?", "Book it, please"]
    assert align(left, right) == [(0, 0), (None, 1), (None, 2), (1, 3)]
    assert align(right, left) == [(0, 0), (1, None), (2, None), (3, 1)]


def test_turns_that_are_unlike_answer_by_their_place() -> None:
    assert align(["one", "two"], ["drei", "vier", "fünf"]) == [(0, 0), (1, 1), (None, 2)]


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
def test_words_that_differ_are_told(left: str, right: str, expected: str) -> None:
    assert shown(diff_words(left, right)[0]) == expected


def test_long_lists_are_parted_before_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    cells: list[int] = []

    class Watched(difflib.SequenceMatcher[Any]):
        def __init__(self, junk: None, a: Any, b: Any, **options: Any) -> None:
            cells.append(len(a) * len(b))
            super().__init__(junk, a, b, **options)

    monkeypatch.setattr(differences, "SequenceMatcher", Watched)
    words = [f"word{place}" for place in range(20_000)]
    other = ["another" if place % 100 == 50 else word for place, word in enumerate(words)]
    ours, _ = diff_words(" ".join(words), " ".join(other))
    assert sum(run.differs for run in ours) == 200
    repeated = ["go on", "yes"] * 10_000
    assert len(align(["begin", *repeated], [*repeated[2:], "stop"])) == 20_001
    assert max(cells, default=0) <= 60_000
