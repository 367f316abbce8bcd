"""Limits on how much of a text is drawn, and notes on the rest."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tui.words import plural

__all__ = ["MAX_CHARS", "MAX_LINES", "Excerpt", "data_length", "excerpt", "format_size", "utf8_size"]

MAX_CHARS: Final = 1 << 16
"""Characters of one text that are drawn."""

MAX_LINES: Final = 2_000
"""Lines of one text that are drawn."""

_OMITTED: Final = re.compile(r"…(\d{1,20})\Z", re.ASCII)


class Excerpt(NamedTuple):
    """The beginning of a text, and a note on the rest; the note is empty if there is no rest."""

    text: str
    note: str = ""


def excerpt(text: str) -> Excerpt:
    """Return the part of a text that is drawn; it ends with a line if possible."""
    cut = len(text)
    if cut > MAX_CHARS:
        cut = text.rfind("\n", 0, MAX_CHARS)
        cut = MAX_CHARS if cut <= 0 else cut
    end = -1
    for _ in range(MAX_LINES):
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
    """Return the length of encoded data, which ends with `…` and the number of omitted characters if it was cut."""
    omitted = _OMITTED.search(data, max(len(data) - 24, 0))
    return len(data) if omitted is None else omitted.start() + int(omitted[1])
