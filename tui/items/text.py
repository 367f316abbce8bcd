"""The text of an item: as it is read, and as it is searched.

An item is untrusted data of any shape: nothing here raises on one, and nothing interprets its text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from tui.items.codec import decode_or_none, to_json
from tui.items.types import ItemType, TextSource, is_known, item_type

__all__ = ["foreign_content", "item_text", "part_text", "searchable_texts", "without_escapes"]

_PLACEHOLDERS: Final = {
    "audio": "[audio]",
    "computer_screenshot": "[screenshot]",
    "image": "[image]",
    "image_file": "[image]",
    "image_url": "[image]",
    "input_audio": "[audio]",
    "input_file": "[file]",
    "input_image": "[image]",
}
"""The words for a content part that is no text, by its type."""

_UNSEARCHED: Final = frozenset(
    {
        "call_id", "encrypted_content", "file_data", "id", "input_audio", "logprobs", "role", "status", "type",
    }
)  # fmt: skip
"""Fields without text for a reader."""

_EXCLUDED_CALL_FIELDS: Final = frozenset(
    {
        # What `_call_text` has read.
        "action", "actions", "arguments", "code", "error", "input", "operation", "output", "outputs", "queries",
        "result", "results", "tools",
        # Who calls which tool, and how.
        "acknowledged_safety_checks", "approval_request_id", "approve", "async", "background", "call_id", "caller",
        "container_id", "created_by", "encrypted_content", "environment", "execution", "fingerprint", "id",
        "max_output_length", "name", "namespace", "output_format", "pending_safety_checks", "quality", "server_label",
        "size", "status", "svg_usage", "type",
    }
)  # fmt: skip
"""Fields that are left out if the text of a call or an output is the JSON of its fields."""

_MAX_JSON: Final = 100_000
"""Characters up to which a text that looks like JSON is decoded."""

_FOREIGN_CONTENT: Final = frozenset(
    {"audio", "function_call", "reasoning", "reasoning_content", "refusal", "tool_calls", "toolInvocations"}
)
"""Fields of messages that hold content in other APIs than the Responses API."""

_ABOUT_MESSAGES: Final = frozenset(
    {"created_at", "id", "metadata", "model", "name", "phase", "provider_data", "role", "status", "timestamp", "type"}
)
"""Fields of messages that hold no content."""

_MAX_DEPTH: Final = 50
"""Lists within lists that are read part by part."""

_ESCAPES: Final = re.compile(r'(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))+')

_Fields: TypeAlias = dict[object, object]


def item_text(item: object) -> str:
    """Return the readable text of an item: a message, the input of a tool, or its output.

    Each part is on a line of its own; an image, a file or a sound is a word in brackets. An item of an unknown type
    gives its JSON. A call or an output without any of the fields that are known to hold text gives the JSON of its
    other fields. The text is empty if nothing is readable.
    """
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return "" if item is None else _as_json(item)
    if "role" in item or "content" in item:
        # A reasoning item may hold its raw content beside its summary.
        parts = (part_text(item.get(field)) for field in ("summary", "content", "parts"))
        return _lines(*parts, _as_json(other) if (other := foreign_content(item)) else "")
    row = _row(item)
    if row is None:
        return _as_json(item)
    match row.text:
        case TextSource.CALL:
            text = _call_text(item, row)
            return text if text and is_known(item["type"]) else _lines(text, _other_fields(item, row))
        case TextSource.SUMMARY:
            return part_text(item.get("summary"))
        case TextSource.NOTHING:
            return ""
    return _as_json(item)


def foreign_content(message: Mapping[Any, object]) -> dict[Any, object]:
    """Return the fields of a message that hold its content in other APIs, as `tool_calls`.

    A message without any content that is known gives all fields that are not about the message itself.
    """
    filled = {name: value for name, value in message.items() if value not in (None, "", [], {})}
    found = {name: value for name, value in filled.items() if name in _FOREIGN_CONTENT}
    if found or any(name in filled for name in ("summary", "content", "parts", "encrypted_content")):
        return found
    return {name: value for name, value in filled.items() if name not in _ABOUT_MESSAGES}


def part_text(part: object, depth: int = 0) -> str:
    """Return the text of a content part, of a list of parts, or of any other value; JSON of what is nested deeply."""
    if part is None:
        return ""
    if isinstance(part, str):
        return part
    if isinstance(part, list) and depth < _MAX_DEPTH:
        return _lines(*(part_text(each, depth + 1) for each in part))
    if not isinstance(part, dict):
        return _as_json(part)
    for key in ("text", "refusal", "transcript", "logs"):
        value = part.get(key)
        if isinstance(value, str):
            return value
    if "stdout" in part or "stderr" in part:
        streams = (part_text(part.get(name), depth + 1).rstrip("\n") for name in ("stdout", "stderr"))
        return _lines(*streams) if depth < _MAX_DEPTH else _as_json(part)
    filename = part.get("filename")
    if isinstance(filename, str):
        return f"[file: {filename}]"
    part_type = part.get("type")
    if isinstance(part_type, str) and part_type in _PLACEHOLDERS:
        return _PLACEHOLDERS[part_type]
    return _as_json(part)


def searchable_texts(item: object) -> Iterator[str]:
    """Yield the texts of a decoded item that a search should find, in their order.

    These are all its strings except ids, types, and the data of images, files and sounds. JSON in a string, as in the
    arguments of a call, is one text with its escapes resolved, so that it is found as it is shown.
    """
    pending = [item]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if value and not value.startswith("data:"):
                yield without_escapes(value)
        elif isinstance(value, list):
            pending += reversed(value)
        elif isinstance(value, dict):
            if isinstance(command := value.get("command"), list):
                value = {**value, "command": " ".join(map(_word, command))}
            row = _row(value)
            unsearched = _UNSEARCHED | {row.image_field} if row and row.image_field else _UNSEARCHED
            pending += [value[key] for key in reversed(value) if key not in unsearched]


def without_escapes(text: str) -> str:
    """Return a JSON object or list in a string with its escapes resolved, and any other text as it is."""
    if "\\" not in text or len(text) > _MAX_JSON or text.lstrip()[:1] not in ("{", "["):
        return text
    if decode_or_none(text) is None:
        return text
    return _ESCAPES.sub(lambda escapes: json.loads(f'"{escapes[0]}"'), text)


def _row(item: _Fields) -> ItemType | None:
    own_type = item.get("type")
    return item_type(own_type) if isinstance(own_type, str) else None


def _call_text(item: _Fields, row: ItemType) -> str:
    """Return the input of a tool and, if the same item holds it, its output."""
    return _lines(
        part_text(item.get("arguments")),
        part_text(item.get("input")),
        part_text(item.get("code")),
        part_text(item.get("queries")),
        _action(item.get("action")),
        _action(item.get("operation")),
        *(_action(action) for action in _as_list(item.get("actions"))),
        *(part_text(item.get(field)) for field in row.text_fields),
        _tools(item.get("tools")),
        part_text(item.get("output")),
        part_text(item.get("outputs")),
        part_text(item.get("results")),
        _result(item, row),
        _error(item.get("error")),
    )


def _other_fields(item: _Fields, row: ItemType) -> str:
    """Return the JSON of the fields that `_call_text` does not know; empty without any."""
    read = _EXCLUDED_CALL_FIELDS.union(row.text_fields, (row.image_field,))
    other = {key: value for key, value in item.items() if key not in read and value not in (None, "", [], {})}
    return _as_json(other) if other else ""


def _action(action: object) -> str:
    if not isinstance(action, dict):
        return part_text(action)
    command = action.get("command")
    if isinstance(command, list):
        return " ".join(map(_word, command))
    fields = ("commands", "query", "queries", "url", "pattern", "path", "diff")
    if text := _lines(*(part_text(action.get(field)) for field in fields)):
        return text
    details = ", ".join(f"{key}={_word(value)}" for key, value in action.items() if key != "type")
    return f"{_word(action.get('type', ''))} {details}".strip()


def _tools(tools: object) -> str:
    return ", ".join(_word(tool["name"]) for tool in _as_list(tools) if isinstance(tool, dict) and tool.get("name"))


def _result(item: _Fields, row: ItemType) -> str:
    text = "" if row.image_field == "result" else part_text(item.get("result"))
    return _lines(text, "[image]" if row.image_field and item.get(row.image_field) else "")


def _error(error: object) -> str:
    if isinstance(error, dict):
        message = error.get("message")
        return message if isinstance(message, str) else _as_json(error)
    return part_text(error)


def _as_list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _as_json(value: object) -> str:
    return to_json(value, ensure_ascii=False)


def _word(value: object) -> str:
    return value if isinstance(value, str) else _as_json(value)
