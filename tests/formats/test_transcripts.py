"""Transcripts from elsewhere become items that the SDK could have written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conversations import open_sdk, turn
from tui.errors import TranscriptError
from tui.formats.transcripts import read_transcripts
from tui.storage.editor import Editor
from tui.storage.open import create_database
from tui.storage.schema import DEFAULT_MESSAGES, DEFAULT_SESSIONS

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


def test_items_stay_as_they_are() -> None:
    for items in (
        ITEMS,
        turn("Hello", tool="weather"),
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
    ):
        for document in (json.dumps(items), "\n".join(map(json.dumps, items)), json.dumps({"items": items})):
            (transcript,) = read_transcripts(document)
            assert list(transcript.items) == items


def test_each_line_may_be_a_conversation() -> None:
    lines = [json.dumps({"messages": CHAT, "id": "first"}), json.dumps({"messages": CHAT[1:]})]
    assert [transcript.session_id for transcript in read_transcripts("\n".join(lines))] == ["first", ""]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ("", "The transcript is empty."),
        ("[]", "The transcript has no items."),
        ('{"role": "user", "content": "x"}\nnonsense', "Line 2 of the transcript is not JSON"),
        ('[{"role": "user"}, 7]', "Item 2 has neither a role nor a type."),
        ('{"messages": [{"content": "x"}]}', "Item 1 of conversation 1 has neither a role nor a type."),
        (
            '{"format": "convo-tui/session", "version": 99}',
            "The export is of version 99; this program reads version 1.",
        ),
        ("[" * 100_000, "Line 1 of the transcript is not JSON"),
    ],
)
def test_what_is_no_transcript_is_told(document: str, what: str) -> None:
    with pytest.raises(TranscriptError, match=what.replace(".", r"\.")) as caught:
        read_transcripts(document)
    assert caught.value.hint


async def test_the_sdk_reads_what_was_imported(tmp_path: Path) -> None:
    path = tmp_path / "to.sqlite"
    (transcript,) = read_transcripts(json.dumps(CHAT))
    create_database(path)
    await Editor(path, DEFAULT_SESSIONS, DEFAULT_MESSAGES).bring_in([transcript._replace(session_id="import")])
    sdk = open_sdk(path, "import")
    assert await sdk.get_items() == ITEMS
    assert await sdk.get_tool_usage() == [("weather", 1, 1)]
    await sdk.create_branch_from_turn(1, "fork")
    sdk.close()
