"""Search queries: text, a regular expression, and filters.

Everything that is not a filter is text, which is found in upper and lower case, with its blanks. Text in quotes is
taken literally; if there are several texts, each has to occur. `/…/` is a regular expression. A filter without a value
and an unknown one are text, so that `error: no such file` and `https://…` need no quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, Final

from tui.errors import QueryError
from tui.items.types import TYPES

if TYPE_CHECKING:
    import regex

__all__ = ["FILTERS_HINT", "SYNTAX_HINT", "Query", "fold", "joins_before", "parse_query", "passage_query", "wildcard"]

FILTERS_HINT: Final = "tool: type: role: branch: session: turn:3-5 error:yes"
"""The filters on one line."""

SYNTAX_HINT: Final = f'/regex/  "as is"  {FILTERS_HINT}'
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
_INVALID_FILTER: Final = re.compile(r"(tool|type|role|branch|session|turn|error):.")
_EMPTY_FILTER: Final = re.compile(r"(?<!\S)(tool|type|role|branch|session|turn|error):(?!\S)")
_FILTER_VALUES: Final = {"turn": "a number, or a range such as 3-5", "error": "yes or no"}
_KNOWN_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "role": ("user", "assistant", "system", "developer", "tool"),
    "type": tuple(TYPES),
}
_SUGGESTIONS: Final = 7
_LAST_TURN: Final = 10**9

_TIMEOUT: Final = 0.2
"""Seconds that a regular expression may take on one text."""

_JOINING_LETTERS: Final = frozenset(
    # Vowels and final consonants of Hangul, and vowel signs of Indic scripts that are parts of composed ones.
    "".join(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))
    + "\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u0f73\u0f75\u0f81"
    + "\u102e\u1b35"
    + "\U00011127\U0001133e\U00011357\U000114b0\U000114ba\U000114bd\U000115af\U00011930"
)
"""Characters that are no combining marks, and may be one with the character before them in another normal form."""

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
    def mistake_hint(self) -> str:
        """In words, what is wrong with the first filter that has no value, or no known one; empty if nothing is.

        It explains why nothing was found. Other values are searched for too, since a file may have them.
        """
        for name, value in self.filters:
            if value.startswith("'"):
                return f'quotation marks hold words together: {name}:"two words"'
            known = _KNOWN_VALUES.get(name)
            if known and not any(map(wildcard(value).fullmatch, known)):
                return f"no such {name}; known: {_suggestions(known, value)}"
        if empty := _EMPTY_FILTER.search(" ".join(self.needles)):
            known = _KNOWN_VALUES.get(empty[1])
            values = _suggestions(known) if known else _values(empty[1])
            return f"no value right after {empty[1]}:, so it was searched as text; values: {values}"
        return ""

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
            composed = _composed(text)
            offsets = None if composed is text else _offsets(text, _composed)
            # `concurrent` lets other threads run meanwhile; without a timeout, a search might never end.
            for match in self._compiled.finditer(composed, timeout=_TIMEOUT, concurrent=True):
                start, end = match.span()
                if end > start and offsets is None:
                    yield start, end
                elif end > start and offsets is not None and start in offsets and end in offsets:
                    yield offsets[start], offsets[end]

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        return _compile(_composed(self.pattern))


def parse_query(text: str) -> Query:
    """Parse what the user typed.

    Raises:
        QueryError: The regular expression or the value of a filter is not valid.
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
            _require_no_filter(found[0])
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
            last = int(found["last"] or _LAST_TURN) if found["to"] else first
            if last < first:
                raise QueryError(f"{found[0]} is reversed: write turn:{last}-{first}.")
            turns.append((first, last))
        at = found.end()
    return Query(tuple(needles), pattern, tuple(filters), tuple(turns), error)


def _require_no_filter(word: str) -> None:
    """Raise an error for a word that is a filter with an invalid value."""
    if match := _INVALID_FILTER.match(word):
        raise QueryError(f"{match[1]}: takes {_values(match[1])}.", "To search for it as text, put it in quotes.")


def _values(name: str) -> str:
    """Return in words what a filter takes."""
    return _FILTER_VALUES.get(name, "a name, in quotes if it has blanks")


def _suggestions(known: Sequence[str], near: str = "") -> str:
    """Return some of the known values of a filter, those that are like a text first."""
    ordered = list(dict.fromkeys((*get_close_matches(near, known, _SUGGESTIONS, 0.5), *known)))
    return ", ".join(ordered[:_SUGGESTIONS] + ["…"] * (len(ordered) > _SUGGESTIONS))


def wildcard(value: str) -> re.Pattern[str]:
    """Return the pattern that matches as the value of a filter does: in upper or lower case, `*` for any characters."""
    return re.compile(".*".join(map(re.escape, value.split("*"))), re.IGNORECASE | re.DOTALL)


def passage_query(text: str) -> Query:
    """Return the query for a passage that was copied from the screen.

    Where the screen shows blanks, the stored text may have other blanks, line ends, and markdown.
    """
    words = text.split()
    if len(words) < 2:
        return Query(tuple(words))
    return Query(pattern=r"[\s*_`~#>|]+".join(map(re.escape, words)))


def fold(text: str) -> str:
    """Return the text in the form in which texts are compared, without differences of case and of normal form."""
    if text.isascii():
        return text.casefold()
    composed = _composed(text)
    # Case folding takes some characters apart.
    return _composed((composed.translate(_DOTTED) if "İ" in composed else composed).casefold())


def joins_before(character: str) -> bool:
    """Return whether a character may be one with the character before it in another normal form."""
    return unicodedata.combining(character) != 0 or character in _JOINING_LETTERS


def _composed(text: str) -> str:
    # Most texts are composed, and to check that is faster than to compose them.
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _clusters(text: str) -> Iterator[str]:
    """Yield the parts of a text that are composed, each separately."""
    joining = frozenset(filter(joins_before, set(text)))
    start = 0
    for index, character in enumerate(text):
        if character not in joining and index > start:
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def _offsets(text: str, changed: Callable[[str], str]) -> dict[int, int]:
    """Return the offsets in a text of the boundaries of its characters, by their offsets in the changed text."""
    parts = list(text) if unicodedata.is_normalized("NFC", text) else list(_clusters(text))
    # A text has few different parts.
    lengths = {part: len(changed(part)) for part in set(parts)}
    ends = accumulate(map(len, parts), initial=0)
    return dict(zip(accumulate((lengths[part] for part in parts), initial=0), ends, strict=True))


def _occurrences(text: str, needle: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each occurrence of a case-folded needle, as offsets in the text.

    A match never ends inside a character that folds to several, as `ß` does.
    """
    folded = fold(text)
    at = folded.find(needle)
    if at < 0:
        return
    if len(folded) == len(text) and unicodedata.is_normalized("NFC", text):
        while at >= 0:
            yield at, at + len(needle)
            at = folded.find(needle, at + len(needle))
        return
    offsets = _offsets(text, fold)
    while at >= 0:
        start, end = offsets.get(at), offsets.get(at + len(needle))
        if start is None or end is None:
            at = folded.find(needle, at + 1)
        else:
            yield start, end
            at = folded.find(needle, at + len(needle))


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
