"""Markdown as models write it, at any width."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.segment import Segment

from tests.render.lines import STYLES, copied, drawn, widest
from tui.render.lines import Line
from tui.render.markdown import markdown_lines


def shown(text: str, width: int = 40) -> list[str]:
    return drawn(markdown_lines(text, width, STYLES))


def segment(lines: list[Line], text: str) -> Segment:
    return next(found for line in lines for found in line.content if found.text == text)


def test_paragraphs_lists_and_quotes() -> None:
    items = "- one\n- two\n  1. nested\n  2. again\n- three"
    text = f"# Plan\nFirst *this*\nthen that.\n\n{items}\n\n> said\n> twice\n\n---\nend"
    assert shown(text, 20) == [
        "Plan",
        "",
        "First this",
        "then that.",
        "",
        "• one",
        "• two",
        "  1. nested",
        "  2. again",
        "• three",
        "",
        "▎ said",
        "▎ twice",
        "",
        "─" * 20,
        "",
        "end",
    ]


def test_a_loose_list_keeps_its_blank_lines_and_its_numbers() -> None:
    assert shown("7. seven\n\n   more of it\n\n8. eight") == ["7. seven", "", "   more of it", "", "8. eight"]


def test_marks_of_a_list_stay_where_there_is_no_room_to_indent() -> None:
    items = "- one\n  - two\n    - three\n      - four five six\n        - seven eight"
    assert shown(items, 16)[3:] == ["      • four", "        five six", "        • seven", "        eight"]


def test_a_list_is_copied_with_its_marks_and_a_quotation_without_its_bar() -> None:
    lines = markdown_lines("1. one two three\n2. - inner\n\n> said", 12, STYLES)
    assert copied(lines) == "1. one two three\n2. • inner\n\nsaid\n"


def test_emphasis_and_code_are_styled() -> None:
    lines = list(markdown_lines("# Plan\n**bold** *lean* ~~gone~~ `code`", 40, STYLES))
    assert segment(lines, "Plan").style == STYLES.title
    assert segment(lines, "bold").style.bold  # type: ignore[union-attr]
    assert segment(lines, "lean").style.italic  # type: ignore[union-attr]
    assert segment(lines, "gone").style.strike  # type: ignore[union-attr]
    assert segment(lines, "code").style == STYLES.text + STYLES.code


def test_a_link_shows_its_address_and_has_it_in_its_style() -> None:
    lines = list(markdown_lines("see [the docs](https://example.org/a) <https://example.org/b>", 80, STYLES))
    assert drawn(lines) == ["see the docs (https://example.org/a) https://example.org/b"]
    style = segment(lines, "the docs").style
    assert style is not None
    assert style.meta == {"link": "https://example.org/a"}
    assert style.link is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "vscode://open"])
def test_only_web_addresses_are_in_a_style(url: str) -> None:
    lines = list(markdown_lines(f"[x]({url})", 80, STYLES))
    assert not any(found.style and found.style.meta for line in lines for found in line.content)


def test_markup_html_and_escapes_are_text() -> None:
    assert shown("[red]no[/] <b>no</b> \x1b[31m [/x]") == ["[red]no[/] <b>no</b> ␛[31m [/x]"]


def test_code_keeps_its_lines_after_a_gutter() -> None:
    code = "```python\ndef f():\n    return 'a long string that does not fit'\n```"
    assert shown(code, 24) == ["│ def f():", "│     return 'a long str", "┊ ing that does not fit'"]


def test_a_table_fits_its_width() -> None:
    table = "| City | Words |\n|---|--:|\n| 서울 | some words that need two lines |\n| Oslo | 1 |"
    assert shown(table, 24) == [
        "City │             Words",
        "─────┼──────────────────",
        "서울 │   some words that",
        "     │    need two lines",
        "Oslo │                 1",
    ]


def test_a_table_too_wide_for_columns_becomes_a_list() -> None:
    table = "|aaaa|bbbb|cccc|\n|-|-|-|\n|1|2|3|"
    assert shown(table, 12) == ["aaaa: 1", "bbbb: 2", "cccc: 3", "────────"]


@given(st.text(st.sampled_from("ab 한\n\t#*_-+>|`~[](){}!<&1.\\\"'"), max_size=120), st.integers(4, 30))
@example(">>한", 5)
def test_any_markdown_fits_any_width(text: str, width: int) -> None:
    assert widest(markdown_lines(text, width, STYLES)) <= width


@pytest.mark.parametrize("text", ["> " * 500 + "deep", "- " * 499 + "deep", "1. " * 300 + "deep"])
def test_blocks_that_are_nested_too_deep_are_shown(text: str) -> None:
    assert "deep" in "\n".join(shown(text))


def test_a_very_long_message_is_plain_after_its_beginning() -> None:
    lines = shown("word **bold** and so on\n\n" * 1_500, 40)
    assert lines[0] == "word bold and so on"
    assert lines[-1] == "word **bold** and so on"
    assert len(lines) == 2 * 1_500 - 1
