"""The chunks into which the texts of two compared items are cut."""

from __future__ import annotations

from tui.model.compare import ComparedItem
from tui.model.diff import Span
from tui.widgets.compare.chunks import Chunk, chunks


def item(*spans: Span) -> ComparedItem:
    return ComparedItem("assistant", None, "".join(span.text for span in spans), spans)


def same(text: str) -> Span:
    return Span(text, differs=False)


def other(text: str) -> Span:
    return Span(text, differs=True)


def texts(found: list[Chunk]) -> list[tuple[str | None, str | None, bool]]:
    """Return the chunks with their spans joined."""

    def joined(chunk: Chunk) -> tuple[str | None, str | None, bool]:
        left, right = (None if side is None else "".join(span.text for span in side) for side in chunk[:2])
        return left, right, chunk.differs

    return [joined(chunk) for chunk in found]


def test_texts_are_cut_at_lines_that_both_have() -> None:
    left = item(same("one\ntwo "), other("old"), same("\nthree\n"), other("four\n"), same("five"))
    right = item(same("one\ntwo "), other("new and longer"), same("\nthree\n"), same("five"))

    found = texts(list(chunks(left, right, full=False)))

    assert found == [
        ("one", "one", False),
        ("two old", "two new and longer", True),
        ("three", "three", False),
        ("four\nfive", "five", True),
    ]


def test_texts_without_common_words_are_one_chunk_without_marked_spans() -> None:
    found = list(chunks(item(other("Yes.\n")), item(other("No.\n")), full=False))
    assert found == [Chunk([same("Yes.")], [same("No.")], differs=True)]


def test_an_item_of_one_side_is_one_chunk() -> None:
    assert texts(list(chunks(None, item(other("alone\n")), full=False))) == [(None, "alone", True)]
    assert texts(list(chunks(item(other("alone")), None, full=False))) == [("alone", None, True)]
    assert list(chunks(item(other(" \n")), None, full=False)) == []


def test_the_middle_of_a_long_common_text_is_left_out_unless_it_is_shown_in_full() -> None:
    common = "".join(f"line {number}\n" for number in range(100))
    left, right = item(same(common), other("old")), item(same(common), other("new"))

    def common_lines(*, full: bool) -> list[str]:
        found = [chunk for chunk in texts(list(chunks(left, right, full=full))) if not chunk[2]]
        assert all(left_text == right_text for left_text, right_text, _ in found)
        return "\n".join(left_text or "" for left_text, _, _ in found).splitlines()

    assert common_lines(full=True) == common.splitlines()
    short = common_lines(full=False)
    assert len(short) < 50
    assert (short[0], short[-1]) == ("line 0", "line 99")
    assert [line for line in short if not line.startswith("line")] == ["… 480 identical characters …"]
