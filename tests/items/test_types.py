"""Types, tool names, texts and failures of items."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from enum import Enum
from typing import Any, get_args, get_type_hints

import pytest
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession
from agents.tool import default_tool_error_function, default_tool_timeout_error_message
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import ResponseInputItemParam
from typing_extensions import is_typeddict

from tui.items.failure import is_error
from tui.items.text import item_text
from tui.items.types import TYPES, ItemKind, TextSource, is_call, is_user_message, item_type, message_type, tool_name
from tui.storage.type_conditions import call_condition, output_condition

SCALARS: st.SearchStrategy[Any] = st.sampled_from([None, "", "a", "b", "search", 0, 1, 1.5, True, False, ["a"], {}])
SOME_TYPES = st.sampled_from([None, "", 5, "brand_new", "brand_new_call", *TYPES])
NAMES: dict[str, st.SearchStrategy[Any]] = {"name": SCALARS, "namespace": SCALARS, "server_label": SCALARS}
ROLES = st.sampled_from(["user", "assistant", "system", "developer", None, 3])
NAMED = st.fixed_dictionaries({}, optional={"type": SOME_TYPES, "role": ROLES, **NAMES})
FIELDS = st.sampled_from(
    [
        "type", "role", "content", "summary", "text", "output", "arguments", "action", "actions", "operation", "tools",
        "error", "status", "result", "results", "outcome", "exit_code", "stdout", "command", "filename", "name",
        "queries",
    ]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | SOME_TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
)


TIMEOUT = default_tool_timeout_error_message(tool_name="x", timeout_seconds=2)


@pytest.fixture(scope="module")
def reference() -> Iterator[SDKSession]:
    session = SDKSession(session_id="chat", create_tables=True)
    yield session
    session.close()


def test_types_and_tool_names_equal_those_of_the_sdk(reference: SDKSession) -> None:
    @given(NAMED | st.fixed_dictionaries({"role": st.sampled_from(Role)}, optional=NAMES))
    def check(item: Any) -> None:
        assert message_type(item) == reference._classify_message_type(item)
        assert tool_name(item) == reference._extract_tool_name(item)
        assert is_user_message(item) == reference._is_user_message(item)

    check()


# Not a StrEnum: `str` of a member is its name.
class Role(str, Enum):  # noqa: UP042
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


class Type(str, Enum):  # noqa: UP042
    MESSAGE = "message"
    CALL = "function_call"
    SHELL = "shell_call"
    MCP = "mcp_call"


class Name(str, Enum):  # noqa: UP042
    SEARCH = "search"
    WEB = "web"


class Number(int, Enum):
    ONE = 1


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(Role),
            "type": st.sampled_from([*Type, *Number]),
            **dict.fromkeys(NAMES, st.sampled_from([*Name, *Number])),
        },
    )
)
def test_a_member_of_an_enum_counts_as_its_value(item: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(item))
    assert message_type(item) == message_type(stored)
    assert tool_name(item) == tool_name(stored)
    assert is_user_message(item) == is_user_message(stored)


@pytest.mark.parametrize("own_type", TYPES)
def test_each_type_is_stored_as_by_the_sdk(reference: SDKSession, own_type: str) -> None:
    @settings(max_examples=20)
    @given(st.fixed_dictionaries({"type": st.just(own_type)}, optional=NAMES))
    def check(item: Any) -> None:
        assert message_type(item) == reference._classify_message_type(item)
        assert tool_name(item) == reference._extract_tool_name(item)

    check()


def literal_types(annotation: Any) -> set[str]:
    """Return the values of `type` in the typed dictionaries of a union."""
    if members := get_args(annotation):
        return set().union(*map(literal_types, members))
    found = get_type_hints(annotation).get("type") if is_typeddict(annotation) else None
    return {value for value in get_args(found) if isinstance(value, str)}


def test_the_table_has_every_item_type_of_the_responses_api() -> None:
    types = literal_types(ResponseInputItemParam)
    assert {"function_call", "mcp_call", "reasoning"} <= types <= TYPES.keys()


@pytest.mark.parametrize("name", [*TYPES, "new_call", "new_output", "_call", "call", "NEW_CALL", "new_request", ""])
def test_the_database_finds_the_same_calls_and_outputs(name: str) -> None:
    sql = f"SELECT {call_condition('name')}, {output_condition('name')} FROM (SELECT ? AS name)"
    with closing(sqlite3.connect(":memory:")) as db:
        assert db.execute(sql, (name,)).fetchone() == (is_call(name), item_type(name).kind is ItemKind.OUTPUT)


@given(ANYTHING)
def test_an_item_of_any_shape_raises_no_error(item: object) -> None:
    assert isinstance(item_text(item), str)
    assert isinstance(message_type(item), str)
    assert is_error(item) in (True, False)
    tool_name(item)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"role": "user", "content": "hello"}, "hello"),
        (
            {"role": "user", "content": [{"type": "input_text", "text": "look"}, {"type": "input_image"}]},
            "look\n[image]",
        ),
        ({"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "…"}]}, "[file: a.pdf]"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "…"}}]}, "[audio]"),
        ({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}, "hi"),
        ({"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, "no"),
        (
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "first"}, {"text": "then"}]},
            "first\nthen",
        ),
        ({"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "raw"}]}, "raw"),
        ({"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}, ""),
        ({"type": "function_call", "name": "search", "arguments": '{"q": 1}'}, '{"q": 1}'),
        ({"type": "custom_tool_call", "name": "x", "input": "do it"}, "do it"),
        ({"type": "function_call_output", "output": "done"}, "done"),
        (
            {"type": "function_call_output", "output": [{"type": "input_text", "text": "a"}, {"type": "input_image"}]},
            "a\n[image]",
        ),
        ({"type": "web_search_call", "action": {"type": "search", "query": "weather"}}, "weather"),
        (
            {"type": "file_search_call", "queries": ["a", "b"], "results": [{"text": "found", "filename": "f"}]},
            "a\nb\nfound",
        ),
        ({"type": "computer_call", "action": {"type": "click", "x": 1, "y": 2}}, "click x=1, y=2"),
        (
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "data:…"}},
            "[screenshot]",
        ),
        ({"type": "code_interpreter_call", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]}, "1+1\n2"),
        ({"type": "image_generation_call", "result": "iVBOR…", "status": "completed"}, "[image]"),
        ({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls", "-l"]}}, "ls -l"),
        ({"type": "shell_call", "action": {"commands": ["ls", "pwd"]}}, "ls\npwd"),
        (
            {"type": "shell_call_output", "output": [{"stdout": "out\n", "stderr": "err\n", "outcome": {}}]},
            "out\nerr",
        ),
        ({"type": "apply_patch_call", "operation": {"type": "update_file", "path": "a.py", "diff": "+1"}}, "a.py\n+1"),
        ({"type": "mcp_list_tools", "tools": [{"name": "a"}, {"name": "b"}]}, "a, b"),
        ({"type": "mcp_call", "name": "a", "arguments": "{}", "output": "ok"}, "{}\nok"),
        ({"type": "mcp_call", "name": "a", "arguments": "", "error": {"message": "refused"}}, "refused"),
        ({"type": "mcp_approval_response", "approve": False, "reason": "too slow"}, "too slow"),
        ({"type": "mcp_approval_response", "approve": False, "approval_request_id": "r"}, ""),
        ({"type": "image_generation_call", "revised_prompt": "a cat", "result": "iVBOR…"}, "a cat\n[image]"),
        ({"type": "video_call", "id": "v", "status": "failed", "prompt": "cat", "s": 5}, '{"prompt": "cat", "s": 5}'),
        ({"type": "video_call", "id": "v", "call_id": "c", "name": "film", "prompt": "", "cuts": []}, ""),
        ({"type": "video_call", "input": "a cat", "seconds": 5}, 'a cat\n{"seconds": 5}'),
        ({"type": "video_call_output", "call_id": "c", "frames": 25}, '{"frames": 25}'),
        ({"type": "item_reference", "id": "x"}, ""),
        ({"type": "brand_new", "ключ": "значение"}, '{"type": "brand_new", "ключ": "значение"}'),
        ("plain text", "plain text"),
        (None, ""),
        (17, "17"),
    ],
)  # fmt: skip
def test_the_readable_text_of_an_item(item: object, text: str) -> None:
    assert item_text(item) == text


def test_a_type_lists_text_fields_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    row = TYPES["function_call"]._replace(text_fields=("prompt", "style"))
    monkeypatch.setattr("tui.items.types.TYPES", {**TYPES, "video_call": row})
    item = {"type": "video_call", "prompt": "a cat", "style": "noir", "seconds": 5, "output": "done"}
    assert item_text(item) == "a cat\nnoir\ndone"


@pytest.mark.parametrize("own_type", [name for name, row in TYPES.items() if row.text is TextSource.CALL])
def test_a_call_with_unknown_fields_has_text(own_type: str) -> None:
    assert item_text({"type": own_type, "id": "x", "call_id": "c", "brand_new": "words"}) == '{"brand_new": "words"}'


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "status": "failed"},
        {"type": "message", "role": "assistant", "status": "incomplete"},
        {"type": "mcp_call", "error": {"type": "http_error", "message": "502"}},
        {"type": "mcp_list_tools", "error": "no route"},
        {"type": "function_call_output", "output": default_tool_error_function(None, ValueError())},  # type: ignore[arg-type]
        {"type": "function_call_output", "output": "An error occurred while running the tool. Error: x"},
        {"type": "function_call_output", "output": TIMEOUT},
        {"type": "function_call_output", "output": "Error: no forecast"},
        {"type": "program_output", "result": "Error: no forecast"},
        {"type": "function_call_output", "output": "Traceback (most recent call last):\n  …"},
        {"type": "function_call_output", "output": [{"text": "An error occurred while running the tool"}]},
        {"type": "shell_call_output", "output": [{"outcome": {"exit_code": 0}}, {"outcome": {"type": "timeout"}}]},
        {"type": "shell_call_output", "output": [{"stdout": "", "outcome": {"type": "exit", "exit_code": 2}}]},
    ],
)  # fmt: skip
def test_items_that_report_a_failure(item: object) -> None:
    assert is_error(item)


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "An error occurred while running the tool"},
        {"type": "function_call_output", "output": "the log says: An error occurred while"},
        {"type": "function_call_output", "output": "Errors: 0"},
        {"type": "function_call_output", "output": "ok", "status": "completed"},
        {"type": "mcp_call", "error": None, "output": "ok"},
        {"type": "shell_call_output", "output": [{"outcome": {"type": "exit", "exit_code": 0}}]},
        "An error occurred while running the tool",
        None,
    ],
)
def test_items_that_report_no_failure(item: object) -> None:
    assert not is_error(item)
