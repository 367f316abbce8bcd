"""JSON: stored items decoded with the results of `json.loads` at twice its speed, and any value encoded."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from typing import Any, Final, Literal, TypeVar

import jiter

__all__ = [
    "decode",
    "decode_beginning",
    "decode_bytes",
    "decode_or_none",
    "decode_rows",
    "replace_half_pairs",
    "to_json",
    "without_half_pairs",
]

T = TypeVar("T")

_MAX_NUMBER: Final = 400
"""Bytes at the end of a cut item that are searched for a number."""

_CUT_NUMBER: Final = re.compile(rb"(?<=[:,\[ ])[-+.\deE]+\Z")
"""A number at the end of a cut item, which may lack digits."""

_CHUNK: Final = 1 << 19
"""Bytes of JSON that are decoded in one call: about two milliseconds of work."""

_ESCAPE: Final = re.compile(
    r"\\u(?:d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<half>d[89a-f][0-9a-f]{2}))|\\.", re.IGNORECASE
)
"""An escape in JSON; two of them for a character that needs a pair of surrogates."""


def to_json(value: object, *, indent: int | None = None, ensure_ascii: bool = True) -> str:
    """Return a value as JSON, of any depth and with any values.

    Numbers that JSON does not have become `"NaN"`, `"Infinity"` and `"-Infinity"`, bytes their text. A value that holds
    such, or is nested deeper than `json` writes it, is not indented.
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return "".join(_encoded(value, ensure_ascii))


def _encoded(value: object, ensure_ascii: bool) -> Iterator[str]:
    opened: list[tuple[Iterator[tuple[str, object]], str]] = []
    while True:
        match value:
            case dict():
                keys = (json.dumps(str(key), ensure_ascii=ensure_ascii) for key in value)
                yield "{"
                opened.append((zip((f"{key}: " for key in keys), value.values(), strict=True), "}"))
                is_first = True
            case list() | tuple():
                yield "["
                opened.append((zip(repeat(""), value), "]"))
                is_first = True
            case _:
                yield _encoded_scalar(value, ensure_ascii)
                is_first = False
        while opened:
            entries, closing = opened[-1]
            entry = next(entries, None)
            if entry is not None:
                key, value = entry
                yield key if is_first else f", {key}"
                break
            yield closing
            opened.pop()
            is_first = False
        else:
            return


def _encoded_scalar(value: object, ensure_ascii: bool) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        value = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    elif not isinstance(value, str | int | float | None):
        value = str(value)
    return json.dumps(value, ensure_ascii=ensure_ascii)


def replace_half_pairs(document: str) -> str:
    """Return a JSON document with the replacement character in place of each escaped half of a surrogate pair."""
    if "\\ud" not in document and "\\uD" not in document:
        return document
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape["half"] else escape[0], document)


def without_half_pairs(items: Iterable[T]) -> list[T]:
    """Return items of JSON with the replacement character in place of each half of a surrogate pair.

    Such a half has no form in UTF-8, so that no server can be sent it.
    """
    items = list(items)
    try:
        json.dumps(items, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return [json.loads(replace_half_pairs(json.dumps(item))) for item in items]
    return items


def decode(data: str | bytes) -> object:
    """Decode a stored item.

    jiter agrees with `json` on all that it accepts, including integers of any size, NaN and infinities. `json` reads
    what jiter refuses: lone surrogates, deep nesting, other encodings than UTF-8.

    Raises:
        ValueError: The text is not JSON.
        RecursionError: The JSON is nested deeper than the interpreter allows.
    """
    try:
        item: object = jiter.from_json(data.encode() if isinstance(data, str) else data)
    except ValueError:
        item = json.loads(data)
    return item


def decode_or_none(data: str | bytes | None, errors: Literal["strict", "replace"] = "strict") -> Any:
    """Decode a stored item; return None if it cannot be decoded.

    Args:
        data: The stored text; None gives None.
        errors: `replace` replaces bytes that are not UTF-8; otherwise such an item cannot be decoded.
    """
    if data is None:
        return None
    try:
        return decode(data)
    except (ValueError, RecursionError):
        if errors == "strict" or isinstance(data, str):
            return None
    return decode_or_none(data.decode("utf-8", "replace"))


def decode_beginning(data: bytes) -> object:
    """Decode the beginning of a stored item; if it is cut within a string, the string ends there.

    Raises:
        ValueError: It is not the beginning of JSON, or jiter refuses it.
    """
    # A number without its last digits would be another number, while a cut text may as well lack a few digits more.
    cut = _CUT_NUMBER.search(data, max(len(data) - _MAX_NUMBER, 0))
    item: object = jiter.from_json(data[: cut.start()] if cut else data, partial_mode="trailing-strings")
    return item


def decode_rows(rows: Iterable[tuple[str | bytes]], limit: int | None = None) -> list[object]:
    """Decode stored items until there are `limit`, and leave out those that are not JSON.

    Raises:
        RecursionError: An item is nested deeper than the interpreter allows.
    """
    items: list[object] = []
    for (data,) in rows:
        if len(items) == limit:
            break
        try:
            items.append(decode(data))
        except ValueError:
            continue
    return items


def decode_bytes(rows: Iterable[tuple[bytes]], limit: int | None = None) -> list[object]:
    """Decode stored items, at most `limit`; jiter has to accept all of them, as it nearly always does.

    Raises:
        ValueError: jiter refuses an item; `decode_rows` decodes all that can be decoded.
    """
    rows = iter(rows)
    items: list[object] = []
    while chunk := _chunk(rows if limit is None else islice(rows, limit - len(items))):
        # From Python 3.12 on the garbage collector waits until this call into C returns. Otherwise the many new objects
        # of a long branch would start one collection after the other.
        items += map(jiter.from_json, chunk)
    return items


def _chunk(rows: Iterable[tuple[bytes]]) -> list[bytes]:
    chunk: list[bytes] = []
    size = 0
    for (data,) in rows:
        chunk.append(data)
        size += len(data)
        if size >= _CHUNK:
            break
    return chunk
