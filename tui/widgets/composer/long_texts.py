"""Texts that are too long to be edited, and the placeholders that an editor shows for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from tui.render import format_size

__all__ = ["LongTexts"]

_MAX_EDITABLE_CHARS: Final = 20_000
"""Maximum characters of a text that can be edited: in a line of ten times this length, each key takes a second."""

_PLACEHOLDER: Final = re.compile("⟦[^⟦⟧\n]*⟧")


class LongTexts:
    """Maps each placeholder in an editor to the long text that was pasted there."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def clear(self) -> None:
        """Forget all texts."""
        self._texts.clear()

    def add(self, text: str) -> str | None:
        """Remember a long text and return its placeholder; None if the text is short enough to be edited."""
        if len(text) <= _MAX_EDITABLE_CHARS:
            return None
        lines = text.count("\n") + 1
        label = f"{format_size(len(text.encode('utf-8', 'replace')))} of text"
        if lines > 1:
            label += f", {lines:,} lines"
        number, placeholder = 1, f"⟦{label}⟧"
        while self._texts.get(placeholder, text) != text:
            number += 1
            placeholder = f"⟦{label} ({number})⟧"
        self._texts[placeholder] = text
        return placeholder

    def expand(self, shown: str, convert: Callable[[str], str]) -> str:
        """Replace the placeholders in an editor's text by the long texts, and convert the text between them."""
        if not self._texts:
            return convert(shown)
        parts: list[str] = []
        end = 0
        for match in self._placeholders(shown):
            parts += (convert(shown[end : match.start()]), self._texts[match[0]])
            end = match.end()
        return "".join((*parts, convert(shown[end:])))

    def placeholder_at(self, line: str, column: int) -> tuple[int, int] | None:
        """Return start and end of the placeholder that contains a column (not at its edges); None if there is none."""
        matches = (match.span() for match in self._placeholders(line) if match.start() < column < match.end())
        return next(matches, None)

    def _placeholders(self, shown: str) -> Iterator[re.Match[str]]:
        return (match for match in _PLACEHOLDER.finditer(shown) if match[0] in self._texts)
