"""Each update of growing Markdown or items has the result of drawing them at once, and draws only what is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it.token import Token
from rich.segment import Segment
from rich.style import Style

from tests.render.lines import STYLES, copied, item
from tui.render import IncrementalItem, ItemStyles, Line, render_item
from tui.render import blocks as blocks_module
from tui.render import code as code_module
from tui.render import inline as inline_module
from tui.render import markdown as markdown_module
from tui.render import table as table_module
from tui.render.code import IncrementalCode, IncrementalText, code_lines, text_lines
from tui.render.markdown import IncrementalMarkdown, markdown_lines

COLOURS = ItemStyles(text=Style(bold=True), number=Style(italic=True))

ANSWER = """# 天気

It **rains** in [Oslo][1], and `snow`
falls further up; see [yr] and ![map](https://example.org/m.png).

Setext
---
1. first
2. second
   - nested

     more of it
   - 今日はとても良い天気ですね。散歩に行きましょう。
3. third

* a
* b

> said *twice*
> > and again

| 都市 | rain |
|:--|--:|
| Oslo | `12` |
| 서울 | 3 |
```python
def f(x: int) -> str:
    \"\"\"Many

    lines.\"\"\"
    return f"{x}"
```
    indented code
text
a | b
- | -
1 | 2

[1]: https://example.org/oslo
[yr]: https://example.org/yr
  "The title
of it"

- [ ] loose

- list with ~~~ in it
~~~
unclosed [1]
"""

FRAGMENTS = [
    "\n",
    "\n\n",
    "- ",
    "  - ",
    "1. ",
    "> ",
    "```",
    "~~~\n",
    "---",
    "===\n",
    "# ",
    "| a | b |\n",
    "|---|:-:|\n",
    "a | b",
    "[a]",
    "[a]: https://x.y\n",
    "'t",
    "**",
    "`",
    "    ",
    "\t",
    "word ",
    "나라",
    "日本語、",
    "\r\n",
    "\r",
    "\x1b",
    "\\",
    "<b>",
    "*",
    "+ ",
    "![a]",
    "(u)",
    "!",
]


def growing_states(text: str, cuts: list[int]) -> list[str]:
    """Return prefixes of a text with some lengths, in order, and the text itself."""
    places = sorted({cut % (len(text) + 1) for cut in cuts} | {len(text)})
    return [text[:place] for place in places]


def assert_drawn_as_all_at_once(states: Iterable[str], width: int = 30) -> None:
    growing = IncrementalMarkdown(width, STYLES)
    for text in states:
        assert growing.update(text) == markdown_lines(text, width, STYLES), text


@given(st.lists(st.integers(0, len(ANSWER)), max_size=40), st.integers(8, 60))
def test_a_growing_answer_is_drawn_as_all_at_once(cuts: list[int], width: int) -> None:
    assert_drawn_as_all_at_once(growing_states(ANSWER, cuts), width)


def test_an_answer_that_grows_by_single_characters_is_drawn_as_all_at_once() -> None:
    assert_drawn_as_all_at_once((ANSWER[:end] for end in range(len(ANSWER) + 1)), 40)


@settings(max_examples=100)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40), st.lists(st.integers(0, 400), max_size=30))
@example(["foo\n", "#", "b"], [4, 5])
@example(["[a]\n\n", "word\n\n", "word\n\n", "[a]: https://x.y\n"], list(range(60)))
@example(["[a]: https://x.y\n", "'t", "\n", "word", "\n", "'\n", "\n\nword\n\nword"], list(range(60)))
@example(["word\n", "a | b\n", "- | -", "x\n"], list(range(60)))
@example(["- \n\nword\n\nword\n\n"], list(range(40)))
def test_any_growing_markdown_is_drawn_as_all_at_once(parts: list[str], cuts: list[int]) -> None:
    assert_drawn_as_all_at_once(growing_states("".join(parts), cuts))


def test_a_text_that_does_not_continue_the_one_before_is_drawn_anew() -> None:
    assert_drawn_as_all_at_once((ANSWER, ANSWER[:100], "other", "", ANSWER.replace("Oslo", "Bergen")))


def test_text_beyond_the_parsed_beginning_grows_as_plain_text() -> None:
    text = "word **bold** and so on\n\n" * 900
    assert_drawn_as_all_at_once((text[:end] for end in range(19_000, len(text), 297)), 40)


@given(st.text(st.sampled_from("ab 나\n\t\x1b\r"), max_size=200), st.lists(st.integers(0, 200), max_size=20))
def test_plain_text_grows_line_by_line(text: str, cuts: list[int]) -> None:
    growing = IncrementalText(10, STYLES.text, STYLES)
    for state in growing_states(text, cuts):
        assert growing.update(state) == list(text_lines(state, 10, STYLES.text, STYLES))


CODE = 'def f(x):\n    """Some\n\n    words."""\n    return {x: "a string"}  # why\n\n\n'


def test_growing_code_is_complete_at_each_step_and_has_its_colours_at_the_end() -> None:
    code = CODE * 150
    assert len(code) > 10_000
    growing = IncrementalCode("python", 40, STYLES)
    for end in range(0, len(code), 331):
        expected = list(code_lines(code[:end], "python", 40, STYLES))
        assert [line.text for line in growing.update(code[:end])] == [line.text for line in expected]
    markdown = IncrementalMarkdown(40, STYLES)
    for end in range(0, len(code), 331):
        markdown.update(f"```python\n{code[:end]}")
    complete = f"```python\n{code}```"
    assert markdown.update(complete) == markdown_lines(complete, 40, STYLES)


@pytest.mark.parametrize("line", ["x" * 9_000, "x" * 100, "x" * 20 + "\n"])
def test_sections_lose_no_code(line: str) -> None:
    code = f"{line}\n" * (20_000 // len(line)) + "end"
    assert copied(code_lines(code, "python", 20_000, STYLES)) == code + "\n"


# How much is drawn


class Counter:
    """Counts the calls of a function."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
        self.calls = 0
        called = getattr(module, name)

        def counted(*args: object, **kwargs: object) -> object:
            self.calls += 1
            return called(*args, **kwargs)

        monkeypatch.setattr(module, name, counted)

    def take(self) -> int:
        calls, self.calls = self.calls, 0
        return calls


LONG = {
    "paragraphs": "Some **words** in a paragraph, and more.\n\n" * 250,
    "mixed": "## Title\n\nWords.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n\n" * 120,
    "one list": "- an item of *many*\n" * 500,
    "loose list": "- an item of *many*\n\n" * 400,
    "table": "| a | b |\n|---|---|\n" + "".join(f"| {n} | words |\n" for n in range(500)),
    "quote": "> said by someone\n>\n" * 400,
    "links": "See [this] and that.\n\n" * 400,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_an_update_of_a_long_answer_draws_no_more_than_of_a_short_one(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    text = text[:19_000]
    inline = Counter(monkeypatch, blocks_module, "inline_segments")
    wrapped = Counter(monkeypatch, blocks_module, "wrap")
    coded = Counter(monkeypatch, blocks_module, "code_lines")
    growing = IncrementalMarkdown(60, STYLES)
    most = []
    for start in (1_000, 17_000):
        growing.update(text[:start])
        inline.take(), wrapped.take(), coded.take()
        counts = []
        for end in range(start, start + 600, 12):
            growing.update(text[:end])
            counts.append(inline.take() + wrapped.take() + coded.take())
        most.append(max(counts))
    assert most[1] <= most[0] + 1 <= 10


def test_an_update_of_code_draws_only_new_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = Counter(monkeypatch, code_module, "wrap")
    code = CODE * 200
    growing = IncrementalMarkdown(60, STYLES)
    counts = []
    growing.update(f"```python\n{code[:9_000]}")
    wrapped.take()
    for end in range(9_000, 10_400, 20):
        growing.update(f"```python\n{code[:end]}")
        counts.append(wrapped.take())
    assert median(counts) <= 3


def test_plain_text_beyond_the_limit_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = Counter(monkeypatch, code_module, "wrap")
    text = "word **bold** and so on\n" * 2_000
    growing = IncrementalMarkdown(40, STYLES)
    growing.update(text[:30_000])
    wrapped.take()
    for end in range(30_000, 31_000, 30):
        growing.update(text[:end])
        assert wrapped.take() <= 2


# Items


def message(*texts: str) -> dict[str, object]:
    return {"role": "assistant", "content": [{"type": "output_text", "text": text} for text in texts]}


def test_a_message_grows_in_all_its_parts_at_any_width_folded_or_not() -> None:
    growing = IncrementalItem()
    states = [
        message(),
        message("on"),
        message("one **a"),
        message("one **a**", "tw"),
        message("one **a**", "two\n\n- x"),
    ]
    for width in (40, 20, 40):
        for data in states:
            for folded in (True, False):
                expected = render_item(item(data), width, folded=folded, styles=STYLES)
                assert growing.render(item(data), width, folded=folded, styles=STYLES) == expected


def test_reasoning_grows_folded_or_not() -> None:
    growing = IncrementalItem()
    thought = "Look it **up**\n\nThen answer, as *asked*.\n\n- so"
    for end in range(len(thought) + 1):
        data = {"type": "reasoning", "summary": [{"type": "summary_text", "text": thought[:end]}]}
        for folded in (False, True):
            expected = render_item(item(data), 30, folded=folded, styles=STYLES)
            assert growing.render(item(data), 30, folded=folded, styles=STYLES) == expected


@settings(max_examples=100)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60), st.lists(st.integers(0, 600), max_size=30))
@example(["- ", "word ", "\n"] * 20, list(range(200)))
@example(["1. ", "word ", "\n\n", "  - ", "나라", "\n"] * 12, list(range(300)))
@example(["| a | b |\n", "|---|:-:|\n", *["a | b", "\n"] * 12, "\n", "word\n"], list(range(300)))
def test_text_longer_than_the_window_is_drawn_as_all_at_once(parts: list[str], cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown_module, "_WINDOW_CHARS", 60)
        assert_drawn_as_all_at_once(growing_states("".join(parts), cuts))


LISTS = {
    "a list": "".join(f"- point {n} of **many**\n  - nested {n}\n" for n in range(800)),
    "a loose list": "".join(f"{n}. step of many\n\n" for n in range(1, 1_200)),
    "steps": "".join(f"## Step {n}\n\nDo *this*.\n\n" for n in range(900)),
}


@pytest.mark.parametrize("kind", LISTS)
def test_an_update_parses_a_long_answer_window_by_window(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    parse = inline_module.block_parser

    class Counting:
        def parse(self, text: str, environment: dict[str, Any]) -> list[Token]:
            parsed.append(len(text))
            return parse().parse(text, environment)

    monkeypatch.setattr(markdown_module, "block_parser", Counting)
    text = LISTS[kind][:19_000]
    growing = IncrementalMarkdown(100, STYLES)
    for end in range(0, len(text), 250):
        parsed.clear()
        growing.update(text[:end])
        assert sum(parsed) <= 3 * markdown_module._WINDOW_CHARS
    assert growing.update(text) == markdown_lines(text, 100, STYLES)


def test_a_parted_list_stays_tight_or_loose() -> None:
    for kind, gap in (("a list", 0), ("a loose list", 1)):
        lines = [line.text for line in markdown_lines(LISTS[kind][:19_000], 100, STYLES)]
        if gap:
            assert lines[1::2] == [""] * len(lines[1::2])
            lines = lines[::2]
        assert "" not in lines
        assert [line.strip("• ") for line in lines[:-1]] == [
            line.strip("- ").replace("*", "")
            for line in LISTS[kind][:19_000].split("\n")[: len(lines) - 1 << gap]
            if line
        ]


def test_a_line_longer_than_a_section_is_not_highlighted() -> None:
    short, long = ("```json\n" + "[1, 2, 3], " * count for count in (500, 1_500))
    styles = [
        {segment.style for line in markdown_lines(text, 100, COLOURS) for segment in line.content}
        for text in (short, long)
    ]
    assert COLOURS.number in styles[0]
    assert styles[1] == {COLOURS.text}


def test_unchanged_rows_of_a_table_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    row = table_module._row

    def counted(cells: Sequence[list[Segment]], *rest: Any) -> Iterator[Line]:
        drawn.append(cells)
        return row(cells, *rest)

    monkeypatch.setattr(table_module, "_row", counted)
    text = "| a | b |\n|---|---|\n" + "".join(f"| row {n:04} | {n:04} |\n" for n in range(500))
    growing = IncrementalMarkdown(60, STYLES)
    growing.update(text[:4_000])
    drawn.clear()
    for end in range(4_020, 6_020, 20):
        growing.update(text[:end])
    # Each update draws the growing row; each row is drawn once more when it is finished.
    assert len(drawn) <= 2 * 100 + 10
