"""Limits on the drawn part of a text, and notes about the rest."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tui.words import plural

__all__ = ["LIMIT_CHARS", "LIMIT_LINES", "Excerpt", "data_length", "excerpt", "format_size", "utf8_size"]

LIMIT_CHARS: Final = 1 << 16
"""Characters of one text that are drawn."""

LIMIT_LINES: Final = 2_000
"""Lines of one text that are drawn."""

_OMITTED: Final = re.compile(r"…(\d{1,20})\Z", re.ASCII)


class Excerpt(NamedTuple):
    """The part of a text that is drawn.

    Attributes:
        text: The beginning of the text, or all of it.
        note: A note to the user on what was left out; empty if nothing was left out.
    """

    text: str
    note: str = ""


def excerpt(text: str, limit: int = LIMIT_CHARS) -> Excerpt:
    """Return the part of a text that is drawn, cut at the end of a line where possible."""
    cut = len(text)
    if cut > limit:
        cut = text.rfind("\n", 0, limit)
        cut = limit if cut <= 0 else cut
    end = -1
    for _ in range(LIMIT_LINES):
        end = text.find("\n", end + 1, cut)
        if end < 0:
            break
    else:
        cut = end
    if cut == len(text):
        return Excerpt(text)
    lines = text.count("\n", cut)
    rest = plural(lines, "more line") if lines else f"{format_size(utf8_size(text[cut:]))} more"
    return Excerpt(text[:cut], f"… {rest}, y copies all")


def utf8_size(text: str) -> int:
    """Return the number of bytes of a text in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def format_size(size: int) -> str:
    """Return a number of bytes with its unit: `812 B`, `12 kB`, `3.4 MB`."""
    if size < 1000:
        return f"{size} B"
    scaled = size / 1000
    for unit in ("kB", "MB"):
        if scaled < 1000:
            return f"{scaled:.1f} {unit}" if scaled < 10 else f"{scaled:.0f} {unit}"
        scaled /= 1000
    return f"{scaled:.1f} GB"


def data_length(data: str) -> int:
    """Return the length of encoded data, including the characters that were omitted when it was read."""
    omitted = _OMITTED.search(data, max(len(data) - 24, 0))
    return len(data) if omitted is None else omitted.start() + int(omitted[1])
