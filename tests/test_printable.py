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
        ("한국어 สวัสดี مرحبا [bold]x[/bold]", "한국어 สวัสดี مرحبا [bold]x[/bold]"),
    ],
)
def test_control_characters_become_symbols(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rain 🌦️, a cloud ☁️", "rain 🌦, a cloud ☁"),
        ("family 👨‍👩‍👧", "family 👨👩👧"),
        ("good 👍🏽", "good 👍"),
        ("key 1️⃣", "key 1⃣"),
        ("\u1112\u1161\u11ab", "한"),
        ("soft\xadhyphen, zero\u200bwidth, \u3164filler", "softhyphen, zerowidth, filler"),
    ],
)
def test_joined_characters_are_shown_apart(text: str, expected: str) -> None:
    assert printable(text) == printable_line(text) == expected


def test_a_document_keeps_tabs_and_joined_characters() -> None:
    assert printable("a\tb\r\n\x1b", for_document=True) == "a\tb\n␛"
    assert printable("👨‍👩‍👧 ☁️ 👍🏽", for_document=True) == "👨‍👩‍👧 ☁️ 👍🏽"


@settings(deadline=None)
@given(ANYTHING, st.booleans())
def test_no_control_character_survives(text: str, for_document: bool) -> None:
    result = printable(text, for_document=for_document)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", result)
    assert for_document or "\t" not in result
    result.encode()


def test_a_line_shows_tabs_and_line_breaks_as_symbols() -> None:
    assert printable_line("a\x1b[31mb\nc\td\re\x7f\x9b") == "a␛[31mb␊c␉d␍e␡�"


@settings(deadline=None)
@given(ANYTHING)
def test_a_line_has_no_control_character_at_all(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f]", printable_line(text))
