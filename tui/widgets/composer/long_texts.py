"""Texts too long to be edited, which stand in an editor as a few words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from tui.render import format_size

__all__ = ["LongTexts"]

_LONGEST: Final = 20_000
"""Characters of a text that can be edited: each key in a line of ten times as many takes a second."""

_WORDS: Final = re.compile("⟦[^⟦⟧\n]*⟧")


class LongTexts:
    """The long texts of one editor, by the words that stand for them."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def clear(self) -> None:
        """Forget all of them."""
        self._texts.clear()

    def stand_in(self, text: str) -> str | None:
        """The words that stand for a text from now on; None where it is short enough to be edited."""
        if len(text) <= _LONGEST:
            return None
        lines = text.count("\n") + 1
        what = f"{format_size(len(text.encode('utf-8', 'replace')))} of text" + (
            f", {lines:,} lines" if lines > 1 else ""
        )
        number, words = 1, f"⟦{what}⟧"
        while self._texts.get(words, text) != text:
            number += 1
            words = f"⟦{what} ({number})⟧"
        self._texts[words] = text
        return words

    def expand(self, shown: str, rest: Callable[[str], str]) -> str:
        """What is meant by what is shown.

        Args:
            shown: The editor's text.
            rest: What is meant by what stands between long texts.
        """
        if not self._texts:
            return rest(shown)
        meant: list[str] = []
        end = 0
        for found in self._found(shown):
            meant += (rest(shown[end : found.start()]), self._texts[found[0]])
            end = found.end()
        return "".join((*meant, rest(shown[end:])))

    def around(self, line: str, column: int) -> tuple[int, int] | None:
        """Where the words begin and end that a place in a line is within; None where it is within none."""
        return next((found.span() for found in self._found(line) if found.start() < column < found.end()), None)

    def _found(self, shown: str) -> Iterator[re.Match[str]]:
        return (found for found in _WORDS.finditer(shown) if found[0] in self._texts)
