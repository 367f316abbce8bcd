"""Fuzzy search: names that contain typed letters in their order.

A name takes at most two string searches for each letter, since there may be thousands of names of any content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["FuzzyFilter", "Matcher", "match_offsets"]

_MAX_LENGTH: Final = 400
"""Characters of a name that are searched."""


def match_offsets(query: str, name: str) -> tuple[int, ...] | None:
    """Return the offsets of a query's letters in a name, in their order; None if the name does not contain them.

    The letters are close together, but not always as close as possible, which would take more time.

    Args:
        query: The letters in lower case, without blanks, not empty.
        name: The name in lower case.
    """
    start = name.find(query)
    if start >= 0:
        return tuple(range(start, start + len(query)))
    end = -1
    for letter in query:
        end = name.find(letter, end + 1)
        if end < 0:
            return None
    # The letters are closer together if they are found backwards from the end of the first match.
    offsets: list[int] = []
    end += 1
    for letter in reversed(query):
        end = name.rfind(letter, 0, end)
        offsets.append(end)
    return tuple(reversed(offsets))


class Matcher:
    """Compares names with what was typed.

    Attributes:
        query: The typed letters in lower case, without blanks; may be empty.
    """

    def __init__(self, typed: str) -> None:
        self.query = _lower("".join(typed.split()))

    def rank(self, name: str) -> int | None:
        """Return the rank of a name, lower for a better match; None if it does not match.

        The closer together the letters are, the better. Among equals, a match at the beginning of a word is better,
        then a match nearer to the beginning of the name.
        """
        return _rank(self.query, _lower(name[:_MAX_LENGTH])) if self.query else 0

    def offsets(self, name: str) -> tuple[int, ...]:
        """Return the offsets of the query's letters in a name that matches."""
        return (match_offsets(self.query, _lower(name[:_MAX_LENGTH])) or ()) if self.query else ()


class FuzzyFilter:
    """The names that match what was typed so far.

    Attributes:
        query: The typed letters in lower case, without blanks.
        matches: Indices of the names that match, the best first; all indices in order if nothing is typed.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(_lower(name[:_MAX_LENGTH]) for name in names)
        self.query = ""
        self.matches: Sequence[int] = range(len(self._names))

    def narrow(self, typed: str) -> None:
        """Set `matches` to the names that match what was typed; blanks are ignored."""
        query = Matcher(typed).query
        # A name without the letters of a query does not contain a longer query either.
        candidates = sorted(self.matches) if self.query and query.startswith(self.query) else range(len(self._names))
        self.query = query
        if not query:
            self.matches = candidates
            return
        # One number holds rank and index, as thousands of tuples would start the garbage collector at each key.
        count = len(self._names)
        ranked = [
            rank * count + index for index in candidates if (rank := _rank(query, self._names[index])) is not None
        ]
        ranked.sort()
        self.matches = [number % count for number in ranked]


def _rank(query: str, name: str) -> int | None:
    offsets = match_offsets(query, name)
    if offsets is None:
        return None
    start, end = offsets[0], offsets[-1] + 1
    inside = start > 0 and name[start - 1].isalnum()
    return ((end - start) * 2 + inside) * _MAX_LENGTH + start


def _lower(text: str) -> str:
    """Return the text in lower case if that keeps the offsets of all characters."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text
