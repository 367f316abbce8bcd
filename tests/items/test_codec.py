"""Stored JSON is decoded exactly as by `json.loads`, with the same errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import OpenOurs, OpenSDK
from tests.counting import connection_of
from tests.session.samples import user
from tui.items.codec import decode, decode_bytes, decode_or_none, decode_rows, to_json, without_half_pairs

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**80), 2**80) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
WORDS = ["true", "null", "NaN", "Infinity", "\\", "u", "d800", " ", "\n", "\x00", "é", "\ufeff"]
SCRAPS = st.lists(st.sampled_from([*'{}[]",:0123456789.eE+-', *WORDS]), max_size=30).map("".join)


def outcome(read: Callable[[str | bytes], object], data: str | bytes) -> str:
    """Return a value with its types, or the kind of the error."""
    try:
        return exact(read(data))
    except RecursionError:
        return "too deep"
    except ValueError:
        return "not JSON"


def exact(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {exact(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(exact, value)) + "]"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return f"{type(value).__name__} {value!r}"


@given(VALUES)
def test_json_that_python_writes_is_decoded(value: object) -> None:
    for data in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        try:
            data.encode()
        except UnicodeEncodeError:
            continue
        assert outcome(decode, data) == outcome(json.loads, data)


@given(
    SCRAPS | st.text(max_size=10) | st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{0,5})?([eE][+-]?[0-9]{0,4})?", fullmatch=True)
)
@example("18446744073709551616")
@example("-9223372036854775809")
@example("1" * 5000)
@example("1e400")
@example("-1e400")
@example("-0")
@example("-0.0")
@example("1.0000000000000000000000001")
@example("123456789012345678901234567890.5e-10")
@example("NaN")
@example("-Infinity")
@example("-NaN")
@example('{"a": 1, "b": 2, "a": 3}')
@example('"\\ud800"')
@example('"\\ud83d\\ude00"')
@example('"\\ude00\\ud83d"')
@example('"\x7f"')
@example('"\x01"')
@example("[1, 2]]")
@example("[" * 150 + "]" * 150)
@example("[" * 600 + "]" * 600)
@example("\ufeff{}")
@example("")
def test_any_text_is_decoded_as_json_decodes_it(data: str) -> None:
    try:
        data.encode()
    except UnicodeEncodeError:
        return  # SQLite cannot hold it
    assert outcome(decode, data) == outcome(json.loads, data)
    expected = outcome(json.loads, data)
    assert [exact(item) for item in decode_rows([(data,)])] == ([] if expected == "not JSON" else [expected])


@given(st.binary(max_size=12) | VALUES.map(lambda value: json.dumps(value).encode("utf-16")))
def test_any_bytes_are_decoded_as_json_decodes_them(data: bytes) -> None:
    assert outcome(decode, data) == outcome(json.loads, data)


def test_an_item_that_cannot_be_decoded_is_none() -> None:
    assert decode_or_none(None) is decode_or_none("{") is decode_or_none("[" * 100_000) is None
    assert decode_or_none(b'"caf\xe9"') is None
    assert decode_or_none(b'"caf\xe9"', "replace") == "caf\ufffd"


def test_a_limit_counts_items_that_can_be_decoded() -> None:
    rows = [("1",), ("{",), ("2",), ("",), ("3",), ("4",)]
    assert decode_rows(iter(rows)) == [1, 2, 3, 4]
    assert decode_rows(iter(rows), 3) == [1, 2, 3]
    assert decode_rows(iter(rows), 0) == []


@given(st.lists(SCRAPS | VALUES.map(json.dumps), max_size=6), st.none() | st.integers(0, 7))
@example(["[1", "2]"], None)
@example(["1", "2, 3"], None)
@example(["1", '"\\ud83d"', "3"], 2)
def test_items_that_are_decoded_together_equal_those_decoded_one_by_one(texts: list[str], limit: int | None) -> None:
    try:
        rows = [(text.encode(),) for text in texts]
    except UnicodeEncodeError:
        return  # SQLite cannot hold it
    try:
        items = decode_bytes(iter(rows), limit)
    except ValueError:
        return  # `decode_rows` decodes each
    assert list(map(exact, items)) == [exact(json.loads(text)) for text in texts[:limit]]


async def test_an_item_that_jiter_refuses_is_read_with_the_others(ours: OpenOurs) -> None:
    session = ours()
    items = [user("before"), user("\ud83d alone"), user("after")]
    await session.add_items(items)
    assert await session.get_items() == items
    assert await session.get_items(2) == items[1:]
    # The connection makes strings of texts again.
    assert await session.get_conversation_turns() != []


@pytest.mark.parametrize("text", ["plain", "é 한국어 🙂", "\ud83d alone", 'quote " and \\', "\x00\x1b[31m\x7f"])
async def test_stored_bytes_equal_those_of_the_sdk(ours: OpenOurs, sdk: OpenSDK, text: str) -> None:
    await ours(session_id="ours").add_items([user(text), {"role": "user", "content": [], "n": float("nan")}])  # type: ignore[list-item]
    await sdk(session_id="sdk").add_items([user(text), {"role": "user", "content": [], "n": float("nan")}])  # type: ignore[list-item]
    session = ours()
    stored = connection_of(session._access.engine).run_sync(
        lambda db: db.execute("SELECT session_id, message_data FROM agent_messages ORDER BY id").fetchall()
    )
    assert [data for owner, data in stored if owner == "ours"] == [data for owner, data in stored if owner == "sdk"]


@given(VALUES)
def test_a_value_is_encoded_as_json_encodes_it(value: object) -> None:
    for options in ({}, {"indent": 2}, {"ensure_ascii": False}):
        text = to_json(value, **options)
        assert json.loads(text, parse_constant=not_json) == without_special_numbers(value)


def not_json(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def without_special_numbers(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_special_numbers(each) for key, each in value.items()}
        case list():
            return [without_special_numbers(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value).replace("nan", "NaN").replace("inf", "Infinity")
    return value


@pytest.mark.parametrize("depth", [10, 300, 900, 50_000])
def test_a_value_of_any_depth_is_encoded(depth: int) -> None:
    value: list[Any] = [{"é": 1.5}]
    for _ in range(depth):
        value = [value, {}]
    for options in ({}, {"indent": 2}, {"ensure_ascii": False}):
        text = "".join(to_json(value, **options).split())
        assert text.startswith("[" * depth)
        assert text.endswith(",{}]" * depth)
        assert text.count("1.5") == 1


def test_bytes_are_encoded_as_text() -> None:
    assert to_json({"a": [b"caf\xc3\xa9 \xff", float("inf")]}) == '{"a": ["caf\\u00e9 \\ufffd", "Infinity"]}'


@given(st.lists(st.sampled_from([*'\ud83d\ude00\\u"ad8é😀']), max_size=8).map("".join))
def test_halves_of_surrogate_pairs_are_replaced(text: str) -> None:
    expected = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    (item,) = without_half_pairs([{text: [text, 1]}])
    assert item == {expected: [expected, 1]}
