"""Marks of differing words in rendered Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from tui.model.diff import diff_words
from tui.render import ItemStyles
from tui.render.markdown import markdown_lines
from tui.widgets.compare.marked import mark_words

MARK = Style(reverse=True)

MARKDOWN = st.lists(
    st.sampled_from(
        ["**", "`", "_", "[", "](http://a.b/", ")", "\n", "\n\n", "- ", "1. ", "# ", "| ", "&amp;", " ", "b"]
    )
    | st.text("abc é日", min_size=1, max_size=4),
    max_size=30,
).map("".join)


def marked(left: str, right: str, width: int = 40) -> tuple[list[str], str] | None:
    """Return the lines of the right text, and its marked words joined by blanks."""
    spans = diff_words(left, right)[1]
    lines = mark_words(markdown_lines(right, width, ItemStyles()), spans, MARK)
    if lines is None:
        return None
    words = " ".join(part.text for line in lines for part in line.content if part.style and part.style.reverse)
    return [line.text for line in lines], words


@pytest.mark.parametrize(
    ("left", "right", "lines", "words"),
    [
        ("It is **cold** today", "It is **warm** today", ["It is warm today"], "warm"),
        ("- one\n- two", "- one\n- `three`", ["• one", "• three"], "three"),
        ("[Oslo](http://oslo.no) is cold", "[Oslo](http://oslo.no) is not", ["Oslo (http://oslo.no) is not"], "not"),
        ("very long words wrap", "very tall words wrap", ["very tall", "words wrap"], "tall"),
    ],
)
def test_words_that_differ_are_marked_where_they_are_drawn(left: str, right: str, lines: list[str], words: str) -> None:
    assert marked(left, right, 10 if "wrap" in left else 40) == (lines, words)


def test_what_is_not_drawn_cannot_be_marked() -> None:
    assert marked('[Oslo](http://oslo.no "old") is cold', '[Oslo](http://oslo.no "new") is cold') is None


@given(MARKDOWN, MARKDOWN)
def test_marks_change_no_text_and_mark_all_that_differs(left: str, right: str) -> None:
    lines = markdown_lines(right, 12, ItemStyles())
    spans = diff_words(left, right)[1]
    found = mark_words(lines, spans, MARK)
    if found is not None:
        assert [line.text for line in found] == [line.text for line in lines]
        letters = sum(character.isalnum() for span in spans if span.differs for character in span.text)
        parts = [part.text for line in found for part in line.content if part.style and part.style.reverse]
        assert sum(character.isalnum() for part in parts for character in part) == letters
