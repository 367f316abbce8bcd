"""Transcripts from elsewhere: JSON or JSONL of Responses items, of Chat Completions messages, or a record of ours.

Chat messages become the items that the Responses API has for the same. What is an item already stays as it is, to the
last key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from tui.errors import TranscriptError
from tui.formats.json_document import FORMAT, VERSION
from tui.storage.transfer.imports import Incoming

__all__ = ["load", "named", "read_transcripts"]

Message: TypeAlias = Mapping[str, Any]

_LISTS: Final = ("messages", "items", "input")
"""Where an object that is a whole conversation keeps its items."""

_LARGEST: Final = 1 << 30
"""Bytes of a transcript at most: it is held in memory while it is read."""

_CHAT_ROLES: Final = ("tool", "function")
_CHAT_PARTS: Final = ("text", "image_url", "input_audio", "file")
_USE: Final = "Use a list of Responses items or Chat Completions messages, one on each line, or an export of convo-tui."


def load(path: Path, name: str = "") -> list[Incoming]:
    """The conversations of a file, each with the name that it is to have.

    Args:
        path: The file.
        name: What to call them, where it is not what they call themselves or the file is called.

    Raises:
        TranscriptError: It cannot be read, or is not in a form that can be imported.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise TranscriptError(f"{path} is larger than 1 GB.", "Split it, with one conversation on each line.")
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{path} is not UTF-8 text.", "Name a JSON or JSONL file.") from error
    except OSError as error:
        raise TranscriptError(f"{path} cannot be read: {error.strerror}.", "Check its name.") from error
    return named(read_transcripts(text), name, path.stem)


def named(found: Sequence[Incoming], name: str, otherwise: str) -> list[Incoming]:
    """Give each conversation a name of its own: the one asked for, else its own, else another; many get numbers."""
    if len(found) == 1:
        return [found[0]._replace(session_id=name or found[0].session_id or otherwise)]
    return [
        each._replace(session_id=(not name and each.session_id) or f"{name or otherwise}-{place}")
        for place, each in enumerate(found, 1)
    ]


def read_transcripts(text: str) -> list[Incoming]:
    """The conversations that a document holds, at least one; one that does not call itself anything has no name.

    Raises:
        TranscriptError: It holds none, or something in it is no item; the message names the place.
    """
    values = _values(text.removeprefix("\ufeff"))
    if all(isinstance(value, dict) and any(isinstance(value.get(name), list) for name in _LISTS) for value in values):
        return [_conversation(value, f"conversation {place}") for place, value in enumerate(values, 1)]
    if len(values) == 1 and isinstance(values[0], dict) and values[0].get("format") == FORMAT:
        return [_record(values[0])]
    return [Incoming("", _items(values))]


def _values(text: str) -> list[Any]:
    """The document's values: those of a list, the one it is, or one from each line."""
    if not text.strip():
        raise TranscriptError("The transcript is empty.", _USE)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [_line(number, line) for number, line in lines]
    values = value if isinstance(value, list) else [value]
    if not values:
        raise TranscriptError("The transcript has no items.", _USE)
    return values


def _line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"Line {number} of the transcript is not JSON: {error}.", _USE) from error


def _record(value: Message) -> Incoming:
    version = value.get("version")
    if version != VERSION:
        raise TranscriptError(
            f"The export is of version {version}; this program reads version {VERSION}.", "Install a newer convo-tui."
        )
    session = value.get("session")
    name = session.get("session_id") if isinstance(session, dict) else None
    if not isinstance(name, str):
        raise TranscriptError("The export names no session.", "Export the session again.")
    return Incoming(name, record=value)


def _conversation(value: Message, place: str) -> Incoming:
    if value.get("format") == FORMAT:
        return _record(value)
    name = value.get("session_id", value.get("id"))
    values = next(value[each] for each in _LISTS if isinstance(value.get(each), list))
    return Incoming(name if isinstance(name, str) else "", _items(values, f" of {place}"))


def _items(values: Sequence[Any], where: str = "") -> list[Message]:
    for place, value in enumerate(values, 1):
        if not isinstance(value, dict) or not (
            isinstance(value.get("role"), str) or isinstance(value.get("type"), str)
        ):
            raise TranscriptError(f"Item {place}{where} has neither a role nor a type.", _USE)
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
        yield {"type": "function_call_output", "call_id": call, "output": _as_text(content)}
        return
    if role != "assistant":
        yield {
            "role": role,
            "content": content if isinstance(content, str) else [_part(part) for part in content or []],
        }
        return
    thought = message.get("reasoning_content", message.get("reasoning"))
    if isinstance(thought, str) and thought:
        yield {"type": "reasoning", "summary": [{"type": "summary_text", "text": thought}]}
    parts = list(_said(content, message.get("refusal")))
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


def _said(content: Any, refusal: Any) -> Iterator[Message]:
    for part in [content] if isinstance(content, str) else content or []:
        text = part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str) and text:
            yield {"type": "output_text", "text": text, "annotations": []}
        elif isinstance(part, dict) and isinstance(part.get("refusal"), str):
            yield {"type": "refusal", "refusal": part["refusal"]}
    if isinstance(refusal, str) and refusal:
        yield {"type": "refusal", "refusal": refusal}


def _part(part: Any) -> Message:
    """A part of a user's message."""
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


def _as_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
