"""Typed letters find names that contain them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.fuzzy import FuzzyFilter, match_offsets

NAMES = ("main", "alt", "retry-main", "domain", "multi-agent-info", "MAIN_2", "검색 가지")


def found(typed: str, names: tuple[str, ...] = NAMES) -> list[str]:
    names_filter = FuzzyFilter(names)
    names_filter.narrow(typed)
    return [names[index] for index in names_filter.matches]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", list(NAMES)),
        ("main", ["main", "MAIN_2", "retry-main", "domain", "multi-agent-info"]),
        ("rm", ["retry-main"]),
        ("mai", ["main", "MAIN_2", "retry-main", "domain", "multi-agent-info"]),
        ("가지", ["검색 가지"]),
        ("검 지", ["검색 가지"]),
        ("xyz", []),
        ("   ", list(NAMES)),
    ],
)
def test_the_best_match_comes_first(typed: str, names: list[str]) -> None:
    assert found(typed) == names


def test_letters_are_found_close_together() -> None:
    assert match_offsets("ab", "a--a-b") == (3, 5)


@given(st.text(min_size=1, max_size=5), st.text(max_size=30))
def test_a_name_matches_if_it_contains_the_letters_in_order(query: str, name: str) -> None:
    rest = iter(name)
    holds = all(letter in rest for letter in query)
    offsets = match_offsets(query, name)
    assert (offsets is not None) == holds
    if offsets is not None:
        assert "".join(name[offset] for offset in offsets) == query
        assert list(offsets) == sorted(set(offsets))


@given(st.lists(st.text(max_size=8), max_size=8), st.text(max_size=5))
def test_typing_letter_by_letter_finds_the_same_as_typing_at_once(names: list[str], typed: str) -> None:
    slowly = FuzzyFilter(names)
    for end in range(1, len(typed) + 1):
        slowly.narrow(typed[:end])
    at_once = FuzzyFilter(names)
    at_once.narrow(typed)
    assert list(slowly.matches) == list(at_once.matches)
    for end in reversed(range(len(typed))):
        slowly.narrow(typed[:end])
    assert list(slowly.matches) == list(range(len(names)))


def test_a_name_with_many_partial_matches_is_searched_once() -> None:
    assert found("ab" * 20 + "c", ("ab" * 10_000,)) == []
