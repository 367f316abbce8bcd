"""Only the beginning of a long text is drawn, with a note on the rest."""

from __future__ import annotations

import pytest

from tui.render.limits import MAX_LINES, excerpt, format_size


def test_a_long_text_is_cut_and_the_rest_counted() -> None:
    shown = excerpt("line\n" * 10_000)
    assert shown.text.count("\n") == MAX_LINES - 1
    assert shown.note == f"… {10_000 - MAX_LINES + 1:,} more lines, y copies all"
    assert excerpt("x" * 1_000_000).note == "… 934 kB more, y copies all"
    assert excerpt("é" * 1_000_000).note == "… 1.9 MB more, y copies all"
    assert excerpt("short").note == ""


@pytest.mark.parametrize(
    ("size", "text"), [(812, "812 B"), (1_234, "1.2 kB"), (12_345, "12 kB"), (3_400_000, "3.4 MB")]
)
def test_a_size_has_its_unit(size: int, text: str) -> None:
    assert format_size(size) == text
