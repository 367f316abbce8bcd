"""Differences of two requests."""

from __future__ import annotations

from typing import Any

from tui.model.request_diff import RequestDiff, compare_requests
from tui.model.requests import Request, RequestInput

TOOL: dict[str, Any] = {"type": "function", "name": "book", "description": "Book seats."}


def compare(left: dict[str, Any], right: dict[str, Any]) -> RequestDiff:
    requests = (RequestInput(Request(0, "main", 1, number), **sent) for number, sent in enumerate((left, right), 1))
    return compare_requests(*requests)


def user(number: int) -> dict[str, Any]:
    return {"role": "user", "content": f"message {number}"}


def test_items_are_paired_where_a_filter_dropped_some() -> None:
    *_, items = compare({"items": [*map(user, range(50))]}, {"items": [*map(user, range(40, 51))]}).sections
    assert [pair.differs for pair in items.pairs] == [*[True] * 40, *[False] * 10, True]
    assert [pair.right is None for pair in items.pairs] == [*[True] * 40, *[False] * 11]
    assert items.pairs[-1].left is None


def test_parts_that_read_the_same_and_are_not_are_compared_as_json() -> None:
    left, right = ({"items": [{**user(1), "id": name}], "tools": [TOOL]} for name in ("msg_a", "msg_b"))
    instructions, tools, settings, items = compare(left, right).sections
    (pair,) = items.pairs
    assert pair.left is not None
    assert '"msg_a"' in pair.left.text
    assert "".join(span.text for span in pair.left.spans if span.differs).strip() == "msg_a"
    assert not tools.differs
    assert (instructions.pairs, instructions.unknown) == ((), "")
    assert settings.unknown == "not recorded for request 1 of turn 1 and request 2 of turn 1"


def test_a_changed_tool_is_compared_by_its_name() -> None:
    changed = {**TOOL, "description": "Book many seats."}
    other = {**TOOL, "name": "find"}
    _, tools, settings, _ = compare(
        {"tools": [other, TOOL], "settings": {"temperature": 0.2}},
        {"tools": [changed], "settings": {"temperature": 0.7}},
    ).sections
    assert [(pair.left and pair.left.tool_name, pair.right and pair.right.tool_name) for pair in tools.pairs] == [
        ("find", None),
        ("book", "book"),
    ]
    right = tools.pairs[1].right
    assert right is not None
    assert "".join(span.text for span in right.spans if span.differs) == "many "
    assert settings.differs


def test_tools_of_another_agent_are_removed_and_added() -> None:
    names = [("get_climate", "transfer"), ("book_hotel", "transfer")]
    left, right = ({"tools": [{**TOOL, "name": name} for name in side]} for side in names)
    _, tools, _, _ = compare(left, right).sections
    assert [(pair.left and pair.left.tool_name, pair.right and pair.right.tool_name) for pair in tools.pairs] == [
        ("get_climate", None),
        (None, "book_hotel"),
        ("transfer", "transfer"),
    ]
