r"""A condition by which the database skips stored items that cannot contain a text, so that they are not decoded.

LIKE takes half a microsecond for a row, while other threads run; decoding the row takes twenty times as long, while
they wait. The condition covers the forms in which a text may be stored (with escapes of JSON, in JSON within JSON, in
UTF-8), and the letters that fold to letters of the text (`ß` to `ss`, the Kelvin sign to `k`).

The condition may hold for items without the text, but it holds for every item with the text. There are two exceptions:
ASCII letters that a writer escaped without need, and a text of which a writer escaped only a part.
"""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from tui.model.query import fold, joins_before
from tui.storage.dialect import Dialect

__all__ = ["may_contain"]

_MAX_CHARACTERS: Final = 400
"""Only the first characters of a text are checked: patterns of SQLite may not be longer than 50,000 bytes."""

_FOLDING_END: Final = 0x1F000
"""No character from this code on folds to another one."""

_LIGATURES: Final = "\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06"

_STRUCTURE: Final = (
    '"role": "user"',
    '"role": "assistant"',
    '"content": ',
    '"type": "message"',
    '"type": "input_text"',
    '"type": "output_text"',
    '"type": "function_call"',
    '"type": "function_call_output"',
    '"type": "reasoning"',
    '"type": "summary_text"',
    '"status": "completed"',
    '"annotations": []',
    '"logprobs": []',
    '"call_id": ',
    '"arguments": ',
    '"output": ',
    '"summary": ',
    '"name": ',
    '"text": ',
    '"type": ',
    '"id": ',
)
"""Parts of nearly every stored item that are not in its texts, where the quotes would be escaped."""


class _SpecialFolding(NamedTuple):
    """A character beyond ASCII that folds to ASCII, or to several characters."""

    character: str
    folded: str


def may_contain(text: str, column: str, dialect: Dialect, bind: Callable[[object], str]) -> str:
    """Return a condition that holds for every stored item with a text that contains `text`, and maybe for others.

    Upper and lower case are alike. `bind` adds a value to the statement, and returns its placeholder.
    """
    stored = column
    needle = fold(text)[:_MAX_CHARACTERS]
    for part in _STRUCTURE:
        if needle in part:
            column = f"replace({column}, '{part}', '')"

    def like(pattern: str) -> str:
        return dialect.has_pattern(column, bind(pattern))

    foldings = [folding for folding in _special_foldings() if folding.folded in needle]
    # Characters of the needle that may be stored as one of these special characters.
    uncertain = {
        start + offset
        for folding in foldings
        for start in _occurrences(needle, folding.folded)
        for offset in range(len(folding.folded))
    }
    exact = like(_pattern([_stored_form(character) for character in needle]))
    if needle.isascii() and not foldings:
        return exact
    is_utf8 = dialect.is_not_ascii(stored)
    utf8 = like(
        _pattern(
            [
                "%" if index in uncertain or not character.isascii() else _stored_form(character)
                for index, character in enumerate(needle)
            ]
        )
    )
    special = [like(pattern) for pattern in sorted({_special_pattern(folding.character) for folding in foldings})]
    if needle.isascii():
        # The patterns for escapes and for UTF-8 are the same.
        return f"({exact} OR ({utf8} AND ({' OR '.join([is_utf8, *special])})))"
    alternatives = [exact]
    if special:
        escaped = like(
            _pattern(["%" if index in uncertain else _stored_form(character) for index, character in enumerate(needle)])
        )
        alternatives.append(f"({escaped} AND ({' OR '.join(special)}))")
    alternatives.append(f"({is_utf8} AND {utf8})")
    alternatives += [like(pattern) for pattern in _decomposed_signs(needle)]
    return f"({' OR '.join(alternatives)})"


def _pattern(parts: Sequence[str]) -> str:
    joined = "".join(["%", *parts, "%"])
    while "%%" in joined:
        joined = joined.replace("%%", "%")
    return joined


@cache
def _stored_form(character: str) -> str:
    """Return the pattern of LIKE for a folded character in JSON, or in JSON within a string of JSON.

    `%` matches any number of backslashes, which are doubled there, and characters that have no common pattern.
    """
    if character.isascii() and character.isprintable() and character not in '"\\':
        return character
    forms = [json.dumps(each)[1:-1] for each in (character, *_other_cases()[character])]
    if len({len(form) for form in forms}) > 1:
        return "%"
    merged = "".join(digits[0] if len(set(digits)) == 1 else "_" for digits in zip(*forms, strict=True))
    # For a Unicode escape, SQLite searches for the `u` first, which is rarer than the backslash.
    return "%" + (merged.replace("\\u", "%u")[1:] if merged.startswith("\\u") else merged)


def _special_pattern(character: str) -> str:
    return r"%\ufb0_%" if character in _LIGATURES else _pattern([json.dumps(character)[1:-1]])


def _decomposed_signs(needle: str) -> list[str]:
    """Return patterns of which one matches wherever a text is stored with escapes in a form that is not composed."""
    parts = {part for part in unicodedata.normalize("NFD", needle) if joins_before(part)}
    # All letters from which Hangul is composed.
    return sorted({r"%\u11%" if "\u1100" <= part <= "\u11ff" else _pattern([_stored_form(part)]) for part in parts})


def _occurrences(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


@cache
def _other_cases() -> defaultdict[str, list[str]]:
    """Return, for each folded character beyond ASCII, the other characters beyond ASCII that fold to it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for character, folded in _foldings():
        if len(folded) == 1 and not folded.isascii():
            found[folded].append(character)
    return found


@cache
def _special_foldings() -> tuple[_SpecialFolding, ...]:
    return tuple(
        _SpecialFolding(character, folded) for character, folded in _foldings() if len(folded) > 1 or folded.isascii()
    )


def _foldings() -> Iterator[tuple[str, str]]:
    for start in range(0x80, _FOLDING_END, 0x80):
        block = "".join(map(chr, range(start, start + 0x80)))
        if block != fold(block):
            yield from ((character, folded) for character in block if (folded := fold(character)) != character)
    yield "I\N{COMBINING DOT ABOVE}", "i"
