"""The items of any branch are sent in a form that the server takes, and the stored items do not change."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, cast

import pytest
from agents.models.chatcmpl_converter import Converter
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.conftest import MakeAgent
from tests.agent.recording_hooks import RecordingHooks
from tests.agent.server import Call, ScriptedServer, TextAnswer, ToolCalls
from tests.conversations import assistant_message
from tui.agent import AgentRunner, Api
from tui.agent.model_input import fit_items
from tui.items.types import TYPES
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession

TEXTS = st.sampled_from(["", "text", "half \ud83d", "\ude00", "😀"])
IDS = st.sampled_from(["a", "b", "\ud83d", "", None, 5])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "url"]), inner),
)
PART_TYPES = (
    "input_text", "output_text", "refusal", "text", "input_image", "image_url", "input_file", "input_audio",
    "reasoning_text", "summary_text", "tool_use", "tool_result", "brand_new",
)  # fmt: skip
PART_FIELDS = ("text", "refusal", "image_url", "file_id", "file_data", "file_url", "input_audio", "id", "input")
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(PART_TYPES)}, optional=dict.fromkeys(PART_FIELDS, TEXTS | VALUES)
)
CONTENTS = TEXTS | VALUES | st.lists(PARTS | VALUES, max_size=3)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*TYPES, "brand_new"]) | VALUES,
        "role": st.sampled_from(["user", "assistant", "system", "developer", "tool", "model", "odd", None, 3]),
        "content": CONTENTS,
        "summary": CONTENTS,
        "call_id": IDS,
        "id": IDS,
        "name": TEXTS | VALUES,
        "arguments": TEXTS | VALUES,
        "output": CONTENTS,
        "tool_calls": VALUES | st.lists(st.fixed_dictionaries({"id": IDS, "function": VALUES}), max_size=2),
        "parts": CONTENTS,
    },
)
CALLS = st.fixed_dictionaries(
    {"type": st.sampled_from(["function_call", "function_call_output"]), "call_id": IDS},
    optional={"name": TEXTS, "arguments": VALUES, "output": CONTENTS},
)


@given(st.lists(CALLS | ITEMS | VALUES, max_size=6))
def test_any_items_become_messages_that_a_strict_server_takes(items: list[Any]) -> None:
    before = deepcopy(items)
    fit = fit_items(items, chat=True).items
    assert items == before
    messages: list[Any] = Converter.items_to_messages(cast("Any", fit), model="gpt-5")
    json.dumps(messages, ensure_ascii=False).encode()
    expected: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] in expected
        elif message["role"] == "assistant":
            assert message.get("content") or message.get("refusal") is not None or message.get("tool_calls")
            expected += [call["id"] for call in message.get("tool_calls", ())]
            assert all(isinstance(call["function"]["arguments"], str) for call in message.get("tool_calls", ()))


@given(st.lists(CALLS | ITEMS | VALUES, max_size=6))
def test_a_server_of_the_responses_api_gets_calls_with_their_outputs(items: list[Any]) -> None:
    fit = fit_items(items, chat=False).items
    json.dumps(fit, ensure_ascii=False).encode()
    calls = [(item["type"], item.get("call_id")) for item in fit if item.get("type") in ("function_call", "shell_call")]
    outputs = [
        (item["type"].removesuffix("_output"), item.get("call_id"))
        for item in fit
        if item.get("type") in ("function_call_output", "shell_call_output")
    ]
    assert sorted(map(str, calls)) == sorted(map(str, outputs))
    assert all(isinstance(call_id, str) and call_id for _, call_id in calls)


@pytest.mark.parametrize(
    "item_type", ["web_search_call", "file_search_call", "compaction", "item_reference", "new_call"]
)
def test_what_chat_completions_lack_is_left_out_and_counted(item_type: str) -> None:
    items = [{"role": "user", "content": "hi"}, {"type": item_type, "id": "x"}, assistant_message("hello")]
    sent, left_out = fit_items(items, chat=True)
    assert [item["role"] for item in sent] == ["user", "assistant"]
    assert left_out == {item_type: 1}
    assert fit_items(items, chat=False) == (items, {})


def test_reasoning_without_what_it_led_to_is_left_out() -> None:
    reasoning = {"type": "reasoning", "id": "r", "summary": []}
    items = [{"role": "user", "content": "a"}, reasoning, {"role": "user", "content": "b"}, reasoning]
    assert fit_items(items, chat=False).items == [items[0], items[2]]
    answered = [items[0], reasoning, reasoning, assistant_message("hello"), items[2]]
    assert fit_items(answered, chat=False).items == answered


HISTORY: list[Any] = [
    {"type": "compaction", "encrypted_content": "AA"},
    {"role": "user", "content": "one"},
    {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "a"}},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "cut \ud83d"},
    {"type": "function_call_output", "call_id": "gone", "output": "42"},
    {"type": "function_call", "call_id": "open", "name": "f", "arguments": "{}"},
    assistant_message("two"),
]


async def test_an_answer_on_any_branch(
    assistant: AgentRunner, api: Api, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    await session.add_items(HISTORY)
    server.script(TextAnswer("Three."))
    result = await assistant.run(session, "go \ud83d on", RecordingHooks())

    assert (result.outcome, result.error) == (Outcome.DONE, None)
    items: list[Any] = list(await session.get_items())
    assert items[: len(HISTORY)] == HISTORY
    assert items[len(HISTORY)] == {"role": "user", "content": "go \ufffd on"}
    counts = set(result.left_out.split(", "))
    assert "1 × output without its call" in counts
    assert (api == "chat") == ({"1 × compaction", "1 × web_search_call"} <= counts)
    sent = json.dumps(server.requests[0])
    assert "42" not in sent
    assert r"cut \ufffd" in sent


CUTTING = """
from agents import Agent, function_tool

@function_tool
def cut() -> str:
    return "a smile, cut: \\ud83d"

agent = Agent(name="Cutter", tools=[cut])
"""


async def test_a_tool_that_cuts_a_character_in_half(
    make_agent: MakeAgent, api: Api, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([Call("cut")]), TextAnswer("Done."))
    result = await make_agent(CUTTING, api=api).run(session, "Cut it", RecordingHooks())

    assert (result.outcome, result.left_out) == (Outcome.DONE, "")
    stored: list[Any] = list(await session.get_items())
    assert stored[2]["output"] == "a smile, cut: \ufffd"
