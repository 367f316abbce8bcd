"""Search queries: text, a regular expression, and filters.

Everything that is not a filter is text, which is found in upper and lower case, with its blanks. Text in quotes is
taken literally; if there are several texts, each has to occur. `/…/` is a regular expression. Text that only resembles
a filter is text, so that `error: no such file` and `https://…` need no quotes.
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

__all__ = ["SYNTAX_HINT", "Query", "fold", "parse_query", "passage_query"]

SYNTAX_HINT: Final = '/regex/  "as is"  tool: type: role: branch: session: turn:3-5 error:yes'
"""The syntax on one line."""

_BLANKS: Final = re.compile(r"\s*(?=\S)")
_REGEX: Final = re.compile(r"/(?P<pattern>(?:[^/\\]|\\.|/(?=\S))+)/(?!\S)", re.DOTALL)
_TOKEN: Final = re.compile(
    r'(?P<filter>tool|type|role|branch|session):(?:"(?P<quoted>[^"]+)"|(?P<unquoted>[^\s"]+))(?!\S)'
    r"|turn:(?=-?[0-9])(?P<first>[0-9]{0,9})(?P<to>-?)(?P<last>[0-9]{0,9})(?!\S)"
    r"|error:(?P<error>yes|no)(?!\S)"
    r'|"(?P<literal>[^"]+)"(?!\S)'
    r"|(?P<word>\S+)"
)
_LAST_TURN: Final = 10**9

_TIMEOUT: Final = 0.2
"""Seconds that a regular expression may take on one text."""

# The only letter whose lower case has two characters; nobody types the second one.
_DOTTED: Final = str.maketrans("İ", "i")


@dataclass(frozen=True)
class Query:
    """A search query.

    Several values of one filter are alternatives; an item has to pass all filters.

    Attributes:
        needles: Texts that all have to occur, in upper or lower case.
        pattern: A regular expression that has to match, in upper or lower case; empty for none.
        filters: Names and values of the filters `tool`, `type`, `role`, `branch` and `session`; `*` in a value matches
            any characters.
        turns: First and last number of each range of turns.
        error: True if the item has to report a failure, False if it must not; None for either.
    """

    needles: tuple[str, ...] = ()
    pattern: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    turns: tuple[tuple[int, int], ...] = ()
    error: bool | None = None

    def __bool__(self) -> bool:
        return bool(self.needles or self.pattern or self.filters or self.turns) or self.error is not None

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of a filter."""
        return tuple(value for key, value in self.filters if key == name)

    @property
    def term_queries(self) -> tuple[Query, ...]:
        """A query for each needle and one for the pattern, since each may be in another text of an item."""
        texts = tuple(Query((needle,)) for needle in self.needles)
        return (*texts, Query(pattern=self.pattern)) if self.pattern else texts

    def spans(self, text: str, limit: int = 1_000) -> list[tuple[int, int]]:
        """Return start and end of the matches of all needles and the pattern in a text, in order, without overlaps.

        Raises:
            TimeoutError: The regular expression takes too long on the text.
        """
        found = sorted(chain.from_iterable(islice(term.matches(text), limit) for term in self.term_queries))
        spans: list[tuple[int, int]] = []
        for start, end in found:
            if not spans or start >= spans[-1][1]:
                spans.append((start, end))
        return spans[:limit]

    def matches(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each match of the first needle in a text, or of the pattern if there is no needle.

        Raises:
            TimeoutError: The regular expression takes too long on the text.
        """
        if self.needles:
            yield from _occurrences(text, fold(self.needles[0]))
        elif self.pattern:
            # `concurrent` lets other threads run meanwhile; without a timeout, a search might never end.
            for match in self._compiled.finditer(text, timeout=_TIMEOUT, concurrent=True):
                if match.end() > match.start():
                    yield match.span()

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        return _compile(self.pattern)


def parse_query(text: str) -> Query:
    """Parse what the user typed.

    Raises:
        QueryError: The regular expression is not valid.
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
            # The blanks between words are part of the text.
            words = at if words is None else words
            needles[-1:] = [text[words : found.end()]] if words < at else [*needles[-1:], found[0]]
        else:
            words = None
        if named.get("pattern"):
            pattern = found["pattern"]
            _compile(pattern)
        elif named.get("filter"):
            filters.append((found["filter"], found["quoted"] or found["unquoted"]))
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
    """Return the query for a passage that was copied from the screen.

    Where the screen shows blanks, the stored text may have other blanks, line ends, and markdown.
    """
    words = text.split()
    if len(words) < 2:
        return Query(tuple(words))
    return Query(pattern=r"[\s*_`~#>|]+".join(map(re.escape, words)))


def fold(text: str) -> str:
    """Return the text in the form in which texts are compared, without the difference of upper and lower case."""
    return (text.translate(_DOTTED) if "İ" in text else text).casefold()


def _occurrences(text: str, needle: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of a folded needle in a text; a match ends only between characters of the unfolded text."""
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
    """Compile a regular expression; it ignores case, and `^` and `$` match at each line.

    Raises:
        QueryError: The regular expression is not valid.
    """
    # Importing regex takes longer than most searches, which do not need it.
    import regex

    try:
        return regex.compile(pattern, regex.IGNORECASE | regex.MULTILINE)
    except regex.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise QueryError(f"/{pattern}/ is no regular expression: {error.msg}{where}.") from error
