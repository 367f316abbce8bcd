"""Which names a few typed letters mean, and which of them best.

Every name costs a few string searches, whatever it holds: names come from files, and there may be thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["FuzzyFilter", "Matcher", "letters"]

_LONGEST = 400
"""Characters of a name that are searched."""


def letters(query: str, name: str) -> tuple[int, ...] | None:
    """Where a name holds the letters of a query in their order, as close together as can be had cheaply.

    Args:
        query: In lower case, without blanks, not empty.
        name: In lower case.

    Returns:
        The offset of each letter; None where the name does not hold them.
    """
    start = name.find(query)
    if start >= 0:
        return tuple(range(start, start + len(query)))
    end = -1
    for letter in query:
        end = name.find(letter, end + 1)
        if end < 0:
            return None
    # From the end of the first match backwards, the letters lie closer.
    offsets: list[int] = []
    end += 1
    for letter in reversed(query):
        end = name.rfind(letter, 0, end)
        offsets.append(end)
    return tuple(reversed(offsets))


class Matcher:
    """What was typed, to be looked for in names.

    Attributes:
        query: The letters to look for: in lower case, without blanks; none where nothing was typed.
    """

    def __init__(self, typed: str) -> None:
        self.query = _lower("".join(typed.split()))

    def rank(self, name: str) -> int | None:
        """How well a name matches: lower is better, None is not at all.

        Close letters come before scattered ones, then the beginning of a word, then that of the name.
        """
        return _rank(self.query, _lower(name[:_LONGEST])) if self.query else 0


class FuzzyFilter:
    """Names, narrowed by what was typed so far.

    Attributes:
        query: What was typed last, as it is searched for.
        found: Places of the names that match, the best first; all in their own order while nothing is typed.
    """

    def __init__(self, names: Iterable[str], typed: str = "") -> None:
        """Take the names.

        Args:
            names: In their own order.
            typed: What they were found by, where they are known to match: they stay in their order.
        """
        self._names = tuple(_lower(name[:_LONGEST]) for name in names)
        self.query = Matcher(typed).query
        self.found: Sequence[int] = range(len(self._names))

    def narrow(self, typed: str) -> None:
        """Find what was typed; blanks do not count."""
        query = Matcher(typed).query
        # What does not hold a query holds no longer one either.
        among = sorted(self.found) if self.query and query.startswith(self.query) else range(len(self._names))
        self.query = query
        if not query:
            self.found = among
            return
        # One number for rank and place: thousands of tuples would wake the garbage collector at each key.
        count = len(self._names)
        ranked = [rank * count + place for place in among if (rank := _rank(query, self._names[place])) is not None]
        ranked.sort()
        self.found = [number % count for number in ranked]

    def letters(self, place: int) -> tuple[int, ...]:
        """The letters of a name that were typed, for showing them."""
        return (letters(self.query, self._names[place]) or ()) if self.query else ()


def _rank(query: str, name: str) -> int | None:
    """Lower is better: close letters before scattered, then the beginning of a word, then of the name."""
    offsets = letters(query, name)
    if offsets is None:
        return None
    start, end = offsets[0], offsets[-1] + 1
    inside = start > 0 and name[start - 1].isalnum()
    return ((end - start) * 2 + inside) * _LONGEST + start


def _lower(text: str) -> str:
    """The text in lower case where that keeps every character in its place."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text
