"""Text to lines: nothing untrusted reaches the terminal, nothing is lost, nothing is wider than its place."""

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
from tui.render import text as text_module
from tui.render.text import LIMIT_LINES, clipped, head_of, size, wrap

ANYTHING = st.text(st.characters(codec=None), max_size=200)
BOLD = Style(bold=True)


@settings(deadline=None)
@given(ANYTHING.map(printable), st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(text: str, width: int) -> None:
    lines = list(wrap([Segment(text)], width))
    assert widest(lines) <= width
    assert copied(lines).replace(" ", "").rstrip("\n") == text.replace(" ", "").rstrip("\n")


@settings(deadline=None)
@given(ANYTHING.map(printable), st.integers(4, 40))
def test_wrapped_code_copies_to_the_letter(text: str, width: int) -> None:
    assert copied(wrap([Segment(text)], width, first=(Segment("│ "),), words=False)) == text + "\n"


def test_words_wrap_with_a_hanging_indent() -> None:
    lines = wrap([Segment("one two three four")], 11, first=(Segment("• "),), rest=(Segment("  "),))
    assert drawn(lines) == ["• one two", "  three", "  four"]


def test_styles_stay_on_their_words_across_a_break() -> None:
    lines = list(wrap([Segment("plain "), Segment("bold words", BOLD), Segment(" end")], 10))
    assert [[(span.text, span.style) for span in line.content] for line in lines] == [
        [("plain ", None), ("bold", BOLD)],
        [("words", BOLD), (" end", None)],
    ]


def test_east_asian_text_breaks_anywhere_but_before_its_closing_marks() -> None:
    assert drawn(wrap([Segment("東京の天気は、晴れです。")], 12)) == ["東京の天気", "は、晴れで", "す。"]


def test_a_wide_character_in_one_cell_does_not_hang() -> None:
    assert drawn(wrap([Segment("한국")], 1)) == ["한", "국"]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), max_size=5), st.integers(1, 30))
def test_a_clipped_title_fits_its_line(pieces: list[str], width: int) -> None:
    spans, cut = clipped([Segment(piece) for piece in pieces], width)
    assert cell_len("".join(span.text for span in spans)) <= width
    assert cut == (sum(cell_len(piece) for piece in pieces) > width)


def test_only_the_head_of_a_long_text_is_drawn_and_the_rest_is_counted() -> None:
    head = head_of("line\n" * 10_000)
    assert head.text.count("\n") == LIMIT_LINES - 1
    assert head.hidden == f"… {10_000 - LIMIT_LINES + 1:,} more lines, y copies all"
    assert head_of("x" * 1_000_000).hidden == "… 934 kB more, y copies all"
    assert head_of("short").hidden == ""


@pytest.mark.parametrize(
    ("amount", "words"), [(812, "812 B"), (1_234, "1.2 kB"), (12_345, "12 kB"), (3_400_000, "3.4 MB")]
)
def test_sizes_in_words(amount: int, words: str) -> None:
    assert size(amount) == words


CELLS = st.text(st.sampled_from("ab 데日本、。，ー ) é—…x") | st.sampled_from("  "), max_size=120)


@settings(deadline=None, max_examples=500)
@given(CELLS, st.integers(1, 40), st.integers(0, 6), st.integers(0, 6), st.booleans())
def test_lines_break_by_position_where_they_break_word_by_word(
    text: str, width: int, first: int, rest: int, words: bool
) -> None:
    room, most = max(width - first, 1), max(width - rest, 1)
    assume(cell_len(text) > room)
    measured = list(text_module._measured_breaks(text, room, most, words))
    assert measured == list(text_module._pieced_breaks(text, room, most, words))


@settings(deadline=None, max_examples=500)
@given(st.lists(st.text("aé→", min_size=1, max_size=9), min_size=6, max_size=20).map(" ".join), st.integers(10, 20))
def test_prose_breaks_where_any_text_does(text: str, room: int) -> None:
    assume(len(text) > room)
    assert text_module._is_prose(text, room)
    assert list(text_module._prose_breaks(text, room)) == list(text_module._pieced_breaks(text, room, room, True))


def test_the_ranges_of_characters_are_as_wide_as_the_terminal_draws_them() -> None:
    known = [chr(code) for code in range(0x20, 0x30000) if re.fullmatch(text_module._MEASURED, chr(code))]
    assert len(known) > 30_000
    assert all(cell_len(character) == len(re.split(text_module._AFTER_WIDE, character)) for character in known)
