"""Transcripts become items that the SDK could have written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import OpenSDK
from tests.conversations import turn
from tests.formats.documents import import_document
from tui.errors import TranscriptError
from tui.formats.transcripts import read_transcripts

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [
        {"type": "text", "text": "Is it raining?"}, {"type": "image_url", "image_url": {"url": "data:x"}}
    ]},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    ]},
    {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    {"role": "assistant", "content": "Yes."},
]  # fmt: skip
ITEMS = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "Is it raining?"},
            {"type": "input_image", "image_url": "data:x", "detail": "auto"},
        ],
    },
    {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Oslo"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "rain"},
    {
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Yes.", "annotations": []}],
    },
]


@pytest.mark.parametrize(
    "document",
    [
        json.dumps(CHAT),
        json.dumps({"messages": CHAT}),
        "\n".join(map(json.dumps, CHAT)) + "\n",
        "\ufeff" + json.dumps({"messages": CHAT}) + "\n",
    ],
)
def test_chat_messages_become_items(document: str) -> None:
    (transcript,) = read_transcripts(document)
    assert list(transcript.items) == ITEMS


def test_items_are_kept_unchanged() -> None:
    for items in (
        ITEMS,
        turn("Hello", tool="weather"),
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
    ):
        for document in (json.dumps(items), "\n".join(map(json.dumps, items)), json.dumps({"items": items})):
            (transcript,) = read_transcripts(document)
            assert list(transcript.items) == items


def test_each_line_can_be_a_conversation() -> None:
    lines = [json.dumps({"messages": CHAT, "id": "first"}), json.dumps({"messages": CHAT[1:]})]
    assert [transcript.session_id for transcript in read_transcripts("\n".join(lines))] == ["first", ""]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "The transcript is empty."),
        ("[]", "The transcript has no items."),
        ('{"role": "user", "content": "x"}\nnonsense', "Line 2 of the transcript is not JSON"),
        ('[{"role": "user"}, 7]', "Item 2 has neither a role nor a type."),
        ('{"messages": [{"content": "x"}]}', "Item 1 of conversation 1 has neither a role nor a type."),
        (
            '{"format": "convo-tui/session", "version": 99}',
            "The export has version 99; this program reads version 1.",
        ),
        ("[" * 100_000, "Line 1 of the transcript is not JSON"),
    ],
)
def test_the_message_about_an_invalid_transcript(document: str, message: str) -> None:
    with pytest.raises(TranscriptError, match=message.replace(".", r"\.")) as raised:
        read_transcripts(document)
    assert raised.value.hint


async def test_the_sdk_reads_an_imported_transcript(path: Path, sdk: OpenSDK) -> None:
    await import_document(path, json.dumps(CHAT))
    session = sdk(session_id="copy")
    assert await session.get_items() == ITEMS
    assert await session.get_tool_usage() == [("weather", 1, 1)]
    await session.create_branch_from_turn(1, "fork")
