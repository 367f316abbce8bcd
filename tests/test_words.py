"""Words in texts for the user."""

from __future__ import annotations

import pytest

from tui.words import plural


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "turn", "1 turn"),
        (0, "turn", "0 turns"),
        (1234, "item", "1,234 items"),
        (1, "branch", "1 branch"),
        (2, "branch", "2 branches"),
        (3, "later request", "3 later requests"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, words: str) -> None:
    assert plural(number, noun) == words
