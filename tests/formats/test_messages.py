"""Messages of other APIs become items with all of their content, which the SDK's converter takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from agents.models.chatcmpl_converter import Converter
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import OpenOurs
from tests.formats.documents import import_document
from tui.errors import TranscriptError
from tui.formats.transcripts import left_out_words, read_transcripts
from tui.items.text import item_text


def imported(*messages: Any) -> list[Any]:
    (conversation,) = read_transcripts(json.dumps(messages))
    assert not conversation.left_out
    return list(conversation.items)


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, text: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def answer(text: str, *annotations: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": list(annotations)}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


def thought(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def test_blocks_of_anthropic() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    items = imported(
        {"role": "user", "content": [{"type": "text", "text": "weather?"}, image]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "text", "text": "checking"},
            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}},
            {"type": "tool_use", "id": "t2", "name": "camera", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "no such city", "is_error": True},
            {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "a photo"}, image]},
            {"type": "text", "text": "and now?"},
        ]},
    )  # fmt: skip
    photo = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}
    assert items == [
        {"role": "user", "content": [{"type": "input_text", "text": "weather?"}, photo]},
        thought("hm"),
        answer("checking"),
        call("t1", "weather", '{"city": "Oslo"}'),
        call("t2", "camera", "{}"),
        {**output("t1", "no such city"), "status": "incomplete"},
        output("t2", [{"type": "input_text", "text": "a photo"}, photo]),
        {"role": "user", "content": [{"type": "input_text", "text": "and now?"}]},
    ]


def test_messages_of_chat_completions_with_annotations_and_reasoning() -> None:
    citation = {"type": "url_citation", "url_citation": {"url": "https://example.org", "title": "Example"}}
    details = [{"type": "reasoning.text", "text": "thoughts"}, {"type": "reasoning.summary", "summary": "in short"}]
    items = imported(
        {"role": "user", "content": "why"},
        {"role": "assistant", "content": "because", "annotations": [citation], "reasoning_details": details},
    )
    found = {"type": "url_citation", "url": "https://example.org", "title": "Example", "start_index": 0, "end_index": 0}
    assert items[1:] == [thought("thoughts\nin short"), answer("because", found)]


def test_calls_without_ids_and_with_one_id_twice_get_ids_of_their_own() -> None:
    def asks(*calls: tuple[str | None, str]) -> dict[str, Any]:
        tools = [{"id": own_id, "function": {"name": name, "arguments": {"a": 1}}} for own_id, name in calls]
        return {"role": "assistant", "content": "", "tool_calls": tools}

    items = imported(
        {"role": "user", "content": "go"},
        asks((None, "first"), (None, "second")),
        {"role": "tool", "tool_name": "second", "content": {"celsius": 5}},
        {"role": "tool", "content": "one"},
        asks(("c", "third")),
        {"role": "tool", "tool_call_id": "c", "content": "three"},
        asks(("c", "fourth")),
        {"role": "tool", "tool_call_id": "c", "content": "four"},
    )
    assert items[1:] == [
        call("call_1", "first", '{"a": 1}'),
        call("call_2", "second", '{"a": 1}'),
        output("call_2", '{"celsius": 5}'),
        output("call_1", "one"),
        call("c", "third", '{"a": 1}'),
        output("c", "three"),
        call("c_1", "fourth", '{"a": 1}'),
        output("c_1", "four"),
    ]


def test_messages_of_the_ai_sdk() -> None:
    items = imported(
        {"id": "1", "role": "user", "parts": [
            {"type": "text", "text": "look"},
            {"type": "file", "mediaType": "application/pdf", "url": "https://example.org/a.pdf", "filename": "a.pdf"},
        ]},
        {"id": "2", "role": "assistant", "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": "hm"},
            {"type": "tool-weather", "toolCallId": "w", "state": "output-available", "input": {}, "output": {"c": 5}},
            {"type": "dynamic-tool", "toolName": "x", "toolCallId": "x", "state": "output-error", "errorText": "no"},
            {"type": "text", "text": "cold"},
            {"type": "source-url", "sourceId": "s", "url": "https://example.org"},
        ]},
        {"role": "assistant", "content": [
            {"type": "tool-call", "toolCallId": "y", "toolName": "y", "input": {"q": 1}},
        ]},
        {"role": "tool", "content": [
            {"type": "tool-result", "toolCallId": "y", "toolName": "y", "output": {"type": "text", "value": "yes"}},
        ]},
    )  # fmt: skip
    file = {"type": "input_file", "file_url": "https://example.org/a.pdf", "filename": "a.pdf"}
    found = {"type": "url_citation", "url": "https://example.org", "title": "", "start_index": 0, "end_index": 0}
    assert items == [
        {"role": "user", "content": [{"type": "input_text", "text": "look"}, file]},
        thought("hm"),
        call("w", "weather", "{}"),
        output("w", '{"c": 5}'),
        call("x", "x", "{}"),
        {**output("x", "no"), "status": "incomplete"},
        answer("cold", found),
        call("y", "y", '{"q": 1}'),
        output("y", "yes"),
    ]


def test_messages_of_gemini() -> None:
    document = {"contents": [
        {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
        {"role": "model", "parts": [{"text": "hello"}, {"functionCall": {"name": "f", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"b": 2}}}]},
    ]}  # fmt: skip
    (conversation,) = read_transcripts(json.dumps(document))
    photo = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}
    assert conversation.items == [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}, photo]},
        answer("hello"),
        call("call_1", "f", '{"a": 1}'),
        output("call_1", '{"b": 2}'),
    ]


def test_what_is_left_out_is_counted() -> None:
    (conversation,) = read_transcripts(
        json.dumps([
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}], "audio": {"id": "a"}},
            {"role": "assistant", "content": "hello", "audio": {"id": "b"}, "usage": {"total_tokens": 1}},
        ])
    )  # fmt: skip
    assert left_out_words([conversation]) == "2 × audio, 1 × encrypted reasoning"


CLAUDE_CODE = [
    {"type": "summary", "summary": "A talk"},
    {"type": "user", "sessionId": "s1", "message": {"role": "user", "content": "why"}},
    {"type": "assistant", "sessionId": "s1", "message": {"role": "assistant", "type": "message", "content": [
        {"type": "text", "text": "because"}]}},
    {"type": "assistant", "isSidechain": True, "message": {"role": "assistant", "content": "elsewhere"}},
    {"type": "system", "content": "compacted"},
]  # fmt: skip
CODEX = [
    {"type": "session_meta", "payload": {"id": "s2"}},
    {"type": "event_msg", "payload": {"type": "user_message", "message": "why"}},
    {"type": "response_item", "payload": {"role": "user", "content": [{"type": "input_text", "text": "why"}]}},
    {"type": "response_item", "payload": {
        "type": "function_call_output", "call_id": "c", "output": {"content": "because", "success": False}}},
    {"type": "response_item", "payload": {"type": "ghost_snapshot", "ghost_commit": {}}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("log", "session_id", "left_out"),
    [(CLAUDE_CODE, "s1", "1 × messages of subagents, 1 × notes of the program"), (CODEX, "s2", "")],
)
def test_logs_of_agents(log: list[Any], session_id: str, left_out: str) -> None:
    (conversation,) = read_transcripts("\n".join(map(json.dumps, log)))
    assert conversation.session_id == session_id
    assert [item_text(item) for item in conversation.items] == ["why", "because"]
    assert left_out_words([conversation]) == left_out


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([{"mapping": {}}], "an export of ChatGPT, which cannot be imported"),
        ([{"conversations": [{"from": "human", "value": "hi"}]}], "a ShareGPT data set"),
        ([{"type": "human", "data": {"content": "hi"}}], "a history of LangChain"),
        ([{"type": "span", "name": "x"}, {"type": "event"}], "its objects are of the types 'event', 'span'"),
        ([{"type": "session_meta", "payload": {"id": "x"}}], "The log of Codex has no messages"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_name(document: Any, message: str) -> None:
    with pytest.raises(TranscriptError, match=message):
        read_transcripts(json.dumps(document))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_transcript_in_any_encoding_of_unicode(encoding: str) -> None:
    document = json.dumps([{"role": "user", "content": "오슬로"}], ensure_ascii=False)
    (conversation,) = read_transcripts(document.encode(encoding))
    assert list(conversation.items) == [{"role": "user", "content": "오슬로"}]


async def test_halves_of_surrogate_pairs_are_not_stored(path: Path, ours: OpenOurs) -> None:
    await import_document(path, json.dumps([{"role": "user", "content": "a \ud83d, \ud83d\ude00"}]))
    assert await ours(session_id="copy").get_items() == [{"role": "user", "content": "a \ufffd, 😀"}]


IDS = st.sampled_from([None, "", "a", "b", 7])
NAMES = st.sampled_from([None, "", "f", "g"])


@st.composite
def conversations(draw: st.DrawFn) -> list[Any]:
    """Draw messages of all APIs; each text in them has a number of its own."""
    numbers = count()

    def word() -> str:
        return f"word{next(numbers)}."

    def block() -> Any:
        makers = [
            lambda: word(),
            lambda: {"type": "text", "text": word()},
            lambda: {"text": word()},
            lambda: {"type": "output_text", "text": word(), "annotations": []},
            lambda: {"type": "image_url", "image_url": {"url": word()}},
            lambda: {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": word()}},
            lambda: {"type": "tool_use", "id": draw(IDS), "name": draw(NAMES), "input": {"x": word()}},
            lambda: {"type": "tool_result", "tool_use_id": draw(IDS), "content": content()},
            lambda: {"type": "tool-x", "toolCallId": draw(IDS), "input": word(), "output": [word()]},
            lambda: {"type": "thinking", "thinking": word()},
            lambda: {"type": "reasoning", "text": word()},
            lambda: {"type": "brand_new", "value": word()},
            lambda: {"functionCall": {"name": draw(NAMES), "args": {"x": word()}}},
            lambda: {"functionResponse": {"name": draw(NAMES), "response": {"x": word()}}},
            lambda: [word()],
        ]
        maker: Callable[[], Any] = draw(st.sampled_from(makers))
        return maker()

    def content() -> Any:
        match draw(st.integers(0, 3)):
            case 0:
                return word()
            case 1:
                return None
            case 2:
                return {"x": word()}
        return [block() for _ in range(draw(st.integers(0, 3)))]

    def message() -> Any:
        role = draw(st.sampled_from(["user", "assistant", "system", "model", "tool", "function"]))
        found: dict[str, Any] = {"role": role, draw(st.sampled_from(["content", "content", "parts"])): content()}
        if role == "assistant":
            match draw(st.integers(0, 5)):
                case 0:
                    function = {"name": draw(NAMES), "arguments": {"x": word()}}
                    found["tool_calls"] = [{"id": draw(IDS), "function": function}]
                case 1:
                    found["function_call"] = {"name": draw(NAMES), "arguments": {"x": word()}}
                case 2:
                    found["reasoning_content"] = word()
                case 3:
                    found["reasoning_details"] = [{"text": word()}]
                case 4:
                    found["refusal"] = word()
        elif role in ("tool", "function"):
            found |= {"tool_call_id": draw(IDS), "name": draw(NAMES)}
        return found

    return [{"role": "user", "content": "go"}, {"role": "tool", "content": "first"}, *(
        message() for _ in range(draw(st.integers(0, 6)))
    ), {"role": "user", "content": f"{next(numbers)}"}]  # fmt: skip


@given(conversations())
def test_nothing_is_lost_and_calls_are_well_formed(messages: list[Any]) -> None:
    items: list[Any] = imported(*messages)
    stored = json.dumps(items)
    for number in range(int(messages[-1]["content"])):
        assert f"word{number}." in stored
    calls = [item for item in items if item.get("type") == "function_call"]
    assert len({each["call_id"] for each in calls}) == len(calls)
    for each in calls:
        assert each["call_id"]
        assert isinstance(each["arguments"], str)
    for item in items:
        if item.get("type") in ("function_call", "function_call_output"):
            Converter.items_to_messages([item])
