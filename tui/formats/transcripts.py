"""Read transcripts: JSON or JSONL of Responses items, of Chat Completions messages, or a document of `json_document`.

Chat messages become the corresponding items of the Responses API. Items are kept exactly as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from tui.errors import TranscriptError
from tui.formats.json_document import FORMAT, VERSION, stored_form
from tui.storage.transfer.imports import ImportedSession

__all__ = ["load", "read_transcripts", "with_names"]

Message: TypeAlias = Mapping[str, Any]

_ITEM_FIELDS: Final = ("messages", "items", "input")
"""Fields that may hold the items of a conversation."""

_MAX_BYTES: Final = 1 << 30
"""Bytes of a transcript, which is held in memory while it is read."""

_CHAT_ROLES: Final = ("tool", "function")
_CHAT_PARTS: Final = ("text", "image_url", "input_audio", "file")
_HINT: Final = "Use Responses items or Chat Completions messages, in a list or one a line, or an export of convo-tui."


def load(path: Path, name: str = "") -> list[ImportedSession]:
    """Return the conversations of a file, each with the id of its new session.

    Args:
        path: The JSON or JSONL file.
        name: Id of the new session; by default the id in the conversation, else the name of the file.

    Raises:
        TranscriptError: The file cannot be read, or is in no known format.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TranscriptError(f"{path} is larger than 1 GB.", "Split it, with one conversation on each line.")
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{path} is not UTF-8 text.", "Name a JSON or JSONL file.") from error
    except OSError as error:
        raise TranscriptError(f"{path} cannot be read: {error.strerror}.", "Check its name.") from error
    return with_names(read_transcripts(text), name, path.stem)


def with_names(conversations: Sequence[ImportedSession], name: str, default: str) -> list[ImportedSession]:
    """Give each conversation an id: `name` if there is one, else its own, else the default; several get numbers."""
    if len(conversations) == 1:
        (conversation,) = conversations
        return [conversation._replace(session_id=name or conversation.session_id or default)]
    return [
        conversation._replace(session_id=(not name and conversation.session_id) or f"{name or default}-{number}")
        for number, conversation in enumerate(conversations, 1)
    ]


def read_transcripts(text: str) -> list[ImportedSession]:
    """Return the conversations of a document, at least one; the id is empty if the document has none.

    Raises:
        TranscriptError: There is no conversation, or a value is not an item; the message names its position.
    """
    values = _values(text.removeprefix("\ufeff"))
    if all(_is_conversation(value) for value in values):
        return [_conversation(value, f"conversation {number}") for number, value in enumerate(values, 1)]
    return [ImportedSession("", _items(values))]


def _values(text: str) -> list[Any]:
    """Return the values of a JSON list, the value of other JSON as the only one, or the value of each line."""
    if not text.strip():
        raise TranscriptError("The transcript is empty.", _HINT)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [_parse_line(number, line) for number, line in lines]
    values = value if isinstance(value, list) else [value]
    if not values:
        raise TranscriptError("The transcript has no items.", _HINT)
    return values


def _parse_line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"Line {number} of the transcript is not JSON: {error}.", _HINT) from error


def _is_conversation(value: Any) -> bool:
    return isinstance(value, dict) and (
        value.get("format") == FORMAT or any(isinstance(value.get(field), list) for field in _ITEM_FIELDS)
    )


def _conversation(value: Message, position: str) -> ImportedSession:
    if value.get("format") == FORMAT:
        return _exported_session(value)
    name = value.get("session_id", value.get("id"))
    values = next(value[field] for field in _ITEM_FIELDS if isinstance(value.get(field), list))
    return ImportedSession(name if isinstance(name, str) else "", _items(values, f" of {position}"))


def _exported_session(document: Message) -> ImportedSession:
    version = document.get("version")
    if version != VERSION:
        raise TranscriptError(
            f"The export has version {version}; this program reads version {VERSION}.", "Install a newer convo-tui."
        )
    session = document.get("session")
    name = session.get("session_id") if isinstance(session, dict) else None
    if not isinstance(name, str):
        raise TranscriptError("The export has no session id.", "Export the session again.")
    return ImportedSession(name, document=stored_form(document))


def _items(values: Sequence[Any], position: str = "") -> list[Message]:
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict) or not (
            isinstance(value.get("role"), str) or isinstance(value.get("type"), str)
        ):
            raise TranscriptError(f"Item {number}{position} has neither a role nor a type.", _HINT)
    if not any(map(_is_chat, values)):
        return list(values)
    return [item for value in values for item in _from_chat(value)]


def _is_chat(message: Message) -> bool:
    if "type" in message:
        return False
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return (
        message["role"] in _CHAT_ROLES
        or bool(message.get("tool_calls") or message.get("function_call"))
        or any(isinstance(part, dict) and part.get("type") in _CHAT_PARTS for part in parts)
    )


def _from_chat(message: Message) -> Iterator[Message]:
    if "type" in message:
        yield message
        return
    role, content = message["role"], message.get("content")
    if role in _CHAT_ROLES:
        call = message.get("tool_call_id", message.get("name", ""))
        yield {"type": "function_call_output", "call_id": call, "output": _text_of(content)}
        return
    if role != "assistant":
        yield {
            "role": role,
            "content": content if isinstance(content, str) else [_input_part(part) for part in content or []],
        }
        return
    reasoning = message.get("reasoning_content", message.get("reasoning"))
    if isinstance(reasoning, str) and reasoning:
        yield {"type": "reasoning", "summary": [{"type": "summary_text", "text": reasoning}]}
    parts = list(_output_parts(content, message.get("refusal")))
    if parts:
        yield {"type": "message", "role": "assistant", "status": "completed", "content": parts}
    for call in message.get("tool_calls") or ():
        yield _call(call)
    if isinstance(legacy := message.get("function_call"), dict):
        yield _call({"id": legacy.get("name", ""), "function": legacy})


def _call(call: Message) -> Message:
    custom = call.get("custom")
    if isinstance(custom, dict):
        return {
            "type": "custom_tool_call",
            "call_id": call.get("id", ""),
            "name": custom.get("name", ""),
            "input": custom.get("input", ""),
        }
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    return {
        "type": "function_call",
        "call_id": call.get("id", ""),
        "name": function.get("name", ""),
        "arguments": function.get("arguments", ""),
    }


def _output_parts(content: Any, refusal: Any) -> Iterator[Message]:
    for part in [content] if isinstance(content, str) else content or []:
        text = part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str) and text:
            yield {"type": "output_text", "text": text, "annotations": []}
        elif isinstance(part, dict) and isinstance(part.get("refusal"), str):
            yield {"type": "refusal", "refusal": part["refusal"]}
    if isinstance(refusal, str) and refusal:
        yield {"type": "refusal", "refusal": refusal}


def _input_part(part: Any) -> Message:
    """Return a part of a user's message as the Responses API has it."""
    if isinstance(part, str):
        return {"type": "input_text", "text": part}
    if not isinstance(part, dict):
        return {"type": "input_text", "text": json.dumps(part)}
    match part.get("type"):
        case "text":
            return {"type": "input_text", "text": part.get("text", "")}
        case "image_url":
            image = part.get("image_url")
            image = image if isinstance(image, dict) else {"url": image}
            return {"type": "input_image", "image_url": image.get("url"), "detail": image.get("detail", "auto")}
        case "file" if isinstance(part.get("file"), dict):
            return {"type": "input_file", **part["file"]}
        case _:
            return part


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
