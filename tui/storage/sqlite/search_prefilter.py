r"""Conditions that SQLite checks on stored JSON, without decoding it, and that every row with a text fulfils.

Looking through a row with LIKE takes half a microsecond, and other threads run meanwhile; decoding it takes twenty
times as long, and they do not. So rows that cannot hold a text are passed over by a condition that knows how the text
may stand in JSON: with escapes, with those of JSON within JSON, or in UTF-8; and which other letters fold to its own
(`ß` to `ss`, `K` to `k`). A condition may let through too much, never too little. Two things it does not foresee:
letters of ASCII that a writer escaped needlessly, and a text of which that writer escaped only a part.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from tui.model.query import fold

__all__ = ["Condition", "holds"]

_LONGEST: Final = 400
"""Characters of a text that are checked; SQLite takes no longer patterns than 50,000 bytes."""

_FOLDING_END: Final = 0x1F000
"""No character from here on folds to another."""

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
"""Pieces of nearly every row that are no text: within a string their quotes would be escaped."""


class Condition(NamedTuple):
    """A condition in SQL.

    Attributes:
        sql: The expression.
        values: What its question marks stand for.
    """

    sql: str
    values: tuple[str, ...] = ()


def holds(text: str, column: str) -> Condition:
    """What a column of stored JSON fulfils wherever one of its item's texts holds a text, in any case.

    Args:
        text: The text, not folded.
        column: The column, as SQL.
    """
    needle = fold(text)[:_LONGEST]
    pieces = [piece for piece in _STRUCTURE if needle in piece]
    for piece in pieces:
        column = f"replace({column}, '{piece}', '')"
    strangers = [(stranger, folded) for stranger, folded in _strangers() if folded in needle]
    soft = {at + offset for _, folded in strangers for at in _places(needle, folded) for offset in range(len(folded))}
    exact = _pattern([_escaped(character) for character in needle])
    if needle.isascii() and not strangers:
        return Condition(f"{column} LIKE ?", (exact,))
    loose = _pattern(["%" if at in soft else _escaped(character) for at, character in enumerate(needle)])
    raw = _pattern(
        ["%" if at in soft or not character.isascii() else _escaped(character) for at, character in enumerate(needle)]
    )
    any_stranger = sorted({_stranger_pattern(stranger) for stranger, _ in strangers})
    in_utf8 = f"length({column}) <> length(CAST({column} AS BLOB))"
    sql, values = f"{column} LIKE ?", [exact]
    if needle.isascii():
        # Here both ask the same of the rest.
        sql += f" OR ({column} LIKE ? AND ({in_utf8}" + f" OR {column} LIKE ?" * len(any_stranger) + "))"
        return Condition(f"({sql})", (exact, raw, *any_stranger))
    if strangers:
        sql += f" OR ({column} LIKE ? AND ({' OR '.join([f'{column} LIKE ?'] * len(any_stranger))}))"
        values += [loose, *any_stranger]
    return Condition(f"({sql} OR ({in_utf8} AND {column} LIKE ?))", (*values, raw))


def _pattern(pieces: list[str]) -> str:
    joined = "".join(["%", *pieces, "%"])
    while "%%" in joined:
        joined = joined.replace("%%", "%")
    return joined


@cache
def _escaped(character: str) -> str:
    """What of LIKE matches a folded character in JSON, also in JSON that a string of JSON holds.

    Its backslashes are doubled there; `%` stands for them, and for what nobody has.
    """
    if character.isascii() and character.isprintable() and character not in '"\\':
        return character
    forms = [json.dumps(each)[1:-1] for each in (character, *_alike()[character])]
    if len({len(form) for form in forms}) > 1:
        return "%"
    merged = "".join(digits[0] if len(set(digits)) == 1 else "_" for digits in zip(*forms, strict=True))
    # Of an escape in Unicode the `u` is looked for: there are fewer of it than backslashes.
    return "%" + (merged.replace("\\u", "%u")[1:] if merged.startswith("\\u") else merged)


def _stranger_pattern(stranger: str) -> str:
    return r"%\ufb0_%" if stranger in _LIGATURES else _pattern([json.dumps(stranger)[1:-1]])


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


@cache
def _alike() -> defaultdict[str, list[str]]:
    """The other characters, beyond ASCII, that fold to a character beyond ASCII."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for character, folded in _foldings():
        if len(folded) == 1 and not folded.isascii():
            found[folded].append(character)
    return found


@cache
def _strangers() -> tuple[tuple[str, str], ...]:
    """Characters beyond ASCII that fold to one of ASCII, or to several characters."""
    return tuple((character, folded) for character, folded in _foldings() if len(folded) > 1 or folded.isascii())


def _foldings() -> Iterator[tuple[str, str]]:
    for code in range(0x80, _FOLDING_END):
        character = chr(code)
        folded = fold(character)
        if folded != character:
            yield character, folded
