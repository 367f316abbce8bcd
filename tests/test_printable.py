"""Nothing in untrusted text acts on a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.printable import printable, printable_line

ANYTHING = st.text(st.characters(codec=None), max_size=200)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("bell\x07 null\x00 delete\x7f", "bell␇ null␀ delete␡"),
        ("\x9b31m", "�31m"),
        ("a\r\nb", "a\nb"),
        ("over\rwritten", "over␍written"),
        ("a\tb", "a   b"),
        ("\ud83d alone", "� alone"),
        ("abc\u202edef", "abc�def"),
        ("family 👨‍👩‍👧 한국어 [bold]x[/bold]", "family 👨‍👩‍👧 한국어 [bold]x[/bold]"),
    ],
)
def test_control_characters_become_symbols(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_tabs_are_kept_on_request() -> None:
    assert printable("a\tb\r\n\x1b", keep_tabs=True) == "a\tb\n␛"


@settings(deadline=None)
@given(ANYTHING, st.booleans())
def test_no_control_character_survives(text: str, keep_tabs: bool) -> None:
    result = printable(text, keep_tabs=keep_tabs)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", result)
    assert keep_tabs or "\t" not in result
    result.encode()


def test_a_line_shows_tabs_and_line_breaks_as_symbols() -> None:
    assert printable_line("a\x1b[31mb\nc\td\re\x7f\x9b") == "a␛[31mb␊c␉d␍e␡�"


@settings(deadline=None)
@given(ANYTHING)
def test_a_line_has_no_control_character_at_all(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f]", printable_line(text))
