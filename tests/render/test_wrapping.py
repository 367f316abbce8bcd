"""Wrapping fits the width, loses no text and breaks where a reader expects it."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tests.render.lines import copied, drawn, widest
from tui.printable import printable
from tui.render import wrapping
from tui.render.wrapping import wrap

ANYTHING = st.text(st.characters(codec=None), max_size=200)
BOLD = Style(bold=True)


@given(ANYTHING.map(printable), st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(text: str, width: int) -> None:
    lines = list(wrap([Segment(text)], width))
    assert widest(lines) <= width
    assert copied(lines).replace(" ", "").rstrip("\n") == text.replace(" ", "").rstrip("\n")


@given(ANYTHING.map(printable), st.integers(4, 40))
def test_wrapped_code_is_copied_exactly(text: str, width: int) -> None:
    lines = list(wrap([Segment(text)], width, first_prefix=(Segment("│ "),), break_at_words=False))
    assert widest(lines) <= width
    assert copied(lines) == text + "\n"


@pytest.mark.parametrize("words", [True, False])
def test_characters_without_width_are_kept(words: bool) -> None:
    for text in ("\u0301" * 50, "\u0301" * 50 + "東京 and words"):
        assert copied(wrap([Segment(text)], 10, break_at_words=words)).replace(" ", "") == text.replace(" ", "") + "\n"


def test_words_wrap_with_a_hanging_indent() -> None:
    lines = wrap([Segment("one two three four")], 11, first_prefix=(Segment("• "),), rest_prefix=(Segment("  "),))
    assert drawn(lines) == ["• one two", "  three", "  four"]


def test_styles_stay_on_their_words_across_a_break() -> None:
    lines = list(wrap([Segment("plain "), Segment("bold words", BOLD), Segment(" end")], 10))
    assert [[(segment.text, segment.style) for segment in line.content] for line in lines] == [
        [("plain ", None), ("bold", BOLD)],
        [("words", BOLD), (" end", None)],
    ]


def test_east_asian_text_breaks_anywhere_except_before_closing_punctuation() -> None:
    assert drawn(wrap([Segment("東京の天気は、晴れです。")], 12)) == ["東京の天気", "は、晴れで", "す。"]


def test_a_wide_character_has_a_line_of_its_own_in_one_cell() -> None:
    for words in (True, False):
        assert drawn(wrap([Segment("한국")], 1, break_at_words=words)) == ["한", "국"]


@settings(max_examples=150)
@given(st.lists(st.text("aé→", min_size=1, max_size=9), min_size=6, max_size=20).map(" ".join), st.integers(10, 20))
def test_prose_breaks_where_other_text_does(text: str, room: int) -> None:
    assume(len(text) > room)
    assert wrapping._is_prose(text, room)
    assert list(wrapping._prose_breaks(text, room)) == list(wrapping._word_breaks(text, room))


def test_narrow_characters_take_one_cell() -> None:
    narrow = [chr(code) for code in range(0x20, 0x30000) if re.fullmatch(wrapping._NARROW, chr(code))]
    assert len(narrow) > 1_500
    assert all(cell_len(character) == 1 for character in narrow)
