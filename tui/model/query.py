"""What is searched for: the words, and the filters beside them.

Everything that the user typed that is no filter is text, found as it stands in any case; text in quotes is literal,
and where there are several, each has to occur. `/…/` is a regular expression. What only looks like a filter is text
too, so that `error: no such file` and `https://…` need no quotes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, Final

from tui.errors import QueryError

if TYPE_CHECKING:
    import regex

__all__ = ["HINT", "Query", "fold", "parse_query", "passage_query"]

HINT: Final = '/regex/  "as is"  tool: type: role: branch: session: turn:3-5 error:yes'
"""The syntax on one line."""

_BLANKS: Final = re.compile(r"\s*(?=\S)")
_REGEX: Final = re.compile(r"/(?P<pattern>(?:[^/\\]|\\.|/(?=\S))+)/(?!\S)", re.DOTALL)
_TOKEN: Final = re.compile(
    r'(?P<filter>tool|type|role|branch|session):(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s"]+))(?!\S)'
    r"|turn:(?=-?[0-9])(?P<first>[0-9]{0,9})(?P<to>-?)(?P<last>[0-9]{0,9})(?!\S)"
    r"|error:(?P<error>yes|no)(?!\S)"
    r'|"(?P<literal>[^"]+)"(?!\S)'
    r"|(?P<word>\S+)"
)
_LAST_TURN: Final = 10**9

_PATIENCE: Final = 0.2
"""Seconds that a regular expression may take on one text."""

# The one letter whose lower case is two characters, of which nobody types the second.
_DOTTED: Final = str.maketrans("İ", "i")


@dataclass(frozen=True)
class Query:
    """What is searched for.

    Several values of one filter are alternatives; different filters have to hold together.

    Attributes:
        needles: Texts that all have to occur, in any case.
        pattern: A regular expression that has to match, in any case; empty for none.
        filters: Names and values of the filters `tool`, `type`, `role`, `branch` and `session`; `*` in a value stands
            for any characters.
        turns: First and last number of each range of turns.
        error: Whether the item reports a failure; None where that does not matter.
    """

    needles: tuple[str, ...] = ()
    pattern: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    turns: tuple[tuple[int, int], ...] = ()
    error: bool | None = None

    def __bool__(self) -> bool:
        return bool(self.needles or self.pattern or self.filters or self.turns) or self.error is not None

    def values(self, name: str) -> tuple[str, ...]:
        """The values of a filter."""
        return tuple(value for key, value in self.filters if key == name)

    @property
    def parts(self) -> tuple[Query, ...]:
        """What has to occur, one by one: an item may hold each in another of its texts."""
        texts = tuple(Query((needle,)) for needle in self.needles)
        return (*texts, Query(pattern=self.pattern)) if self.pattern else texts

    def spans(self, text: str, most: int = 1_000) -> list[tuple[int, int]]:
        """Where a text holds something of what is searched for: from left to right, none over another.

        Raises:
            TimeoutError: The regular expression takes too long on it.
        """
        found = sorted(chain.from_iterable(islice(part.matches(text), most) for part in self.parts))
        apart: list[tuple[int, int]] = []
        for start, end in found:
            if not apart or start >= apart[-1][1]:
                apart.append((start, end))
        return apart[:most]

    def matches(self, text: str) -> Iterator[tuple[int, int]]:
        """Where a text holds the first of what is searched for.

        Raises:
            TimeoutError: The regular expression takes too long on it.
        """
        if self.needles:
            yield from _occurrences(text, fold(self.needles[0]))
        elif self.pattern:
            # The interpreter is left to others meanwhile, and what would not end is given up.
            for match in self._compiled.finditer(text, timeout=_PATIENCE, concurrent=True):
                if match.end() > match.start():
                    yield match.span()

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        return _compile(self.pattern)


def parse_query(text: str) -> Query:
    """Read what the user typed.

    Raises:
        QueryError: The regular expression is none.
    """
    needles: list[str] = []
    pattern = ""
    filters: list[tuple[str, str]] = []
    turns: list[tuple[int, int]] = []
    error: bool | None = None
    words = None
    at = 0
    while blanks := _BLANKS.match(text, at):
        at = blanks.end()
        found = (None if pattern else _REGEX.match(text, at)) or _TOKEN.match(text, at)
        if found is None:
            break
        named = found.groupdict()
        if named.get("word"):
            # The blanks between words are part of what is searched for.
            words = at if words is None else words
            needles[-1:] = [text[words : found.end()]] if words < at else [*needles[-1:], found[0]]
        else:
            words = None
        if named.get("pattern"):
            pattern = found["pattern"]
            _compile(pattern)
        elif named.get("filter"):
            filters.append((found["filter"], found["quoted"] or found["bare"]))
        elif named.get("literal"):
            needles.append(found["literal"])
        elif named.get("error"):
            error = found["error"] == "yes"
        elif not named.get("word"):
            first = int(found["first"] or 0)
            turns.append((first, int(found["last"] or _LAST_TURN) if found["to"] else first))
        at = found.end()
    return Query(tuple(needles), pattern, tuple(filters), tuple(turns), error)


def passage_query(text: str) -> Query:
    """The query for a passage as it is shown, whatever it looks like.

    Between its words may stand other blanks than are shown, line ends, and marks of markdown.
    """
    words = text.split()
    if len(words) < 2:
        return Query(tuple(words))
    return Query(pattern=r"[\s*_`~#>|]+".join(map(re.escape, words)))


def fold(text: str) -> str:
    """The text as it is compared: upper and lower case alike, in all scripts."""
    return (text.translate(_DOTTED) if "İ" in text else text).casefold()


def _occurrences(text: str, needle: str) -> Iterator[tuple[int, int]]:
    """Where a text holds a folded needle; a character that folds to several counts whole or not at all."""
    folded = fold(text)
    at = folded.find(needle)
    if at < 0:
        return
    if len(folded) == len(text):
        while at >= 0:
            yield at, at + len(needle)
            at = folded.find(needle, at + len(needle))
        return
    ends = list(accumulate(len(fold(character)) for character in text))
    while at >= 0:
        first, last = bisect_right(ends, at), bisect_right(ends, at + len(needle) - 1)
        if at == (ends[first - 1] if first else 0) and at + len(needle) == ends[last]:
            yield first, last + 1
            at = folded.find(needle, at + len(needle))
        else:
            at = folded.find(needle, at + 1)


@lru_cache(maxsize=8)
def _compile(pattern: str) -> regex.Pattern[str]:
    """A regular expression that matches in any case, lines by lines.

    Raises:
        QueryError: It is none.
    """
    # Loading it takes longer than most searches, and most need none.
    import regex

    try:
        return regex.compile(pattern, regex.IGNORECASE | regex.MULTILINE)
    except regex.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise QueryError(f"/{pattern}/ is no regular expression: {error.msg}{where}.") from error
