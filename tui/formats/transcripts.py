"""Read transcripts: JSON or JSONL of items, of messages of other APIs, a log, or a document of `json_document`.

Messages of other APIs become the corresponding items of the Responses API. Items are kept exactly as they are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tui.errors import TranscriptError
from tui.formats.agent_logs import read_log
from tui.formats.json_document import FORMAT, VERSION, stored_form
from tui.formats.messages import Message, MessageConverter, is_foreign
from tui.items.codec import replace_half_pairs
from tui.items.types import TYPES
from tui.storage.transfer.imports import ImportedSession

__all__ = ["left_out", "left_out_words", "load", "read_transcripts", "with_names"]

_ITEM_FIELDS: Final = ("messages", "items", "input", "contents")
"""Fields that may hold the items of a conversation."""

_UNREADABLE: Final = {
    "mapping": "an export of ChatGPT",
    "chat_messages": "an export of Claude",
    "conversations": "a ShareGPT data set",
    "from": "a ShareGPT data set",
    "resourceSpans": "an OpenTelemetry trace",
    "choices": "a response of Chat Completions",
}
"""By a field: formats that are recognized and not read."""

_LANGCHAIN: Final = ("human", "ai", "AIMessage", "HumanMessage", "constructor")
"""Types of the messages of LangChain."""

_NAMED_TYPES: Final = 5
"""Unknown types that an error names."""

_MAX_BYTES: Final = 1 << 30
"""Bytes of a transcript, which is held in memory while it is read."""

_HINT: Final = "Use items or chat messages in a list or one a line, a log of Claude Code or Codex, or our own export."


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
        document = path.read_bytes()
    except OSError as error:
        raise TranscriptError(f"{path} cannot be read: {error.strerror}.", "Check its name.") from error
    return with_names(read_transcripts(document, str(path)), name, path.stem)


def with_names(conversations: Sequence[ImportedSession], name: str, default: str) -> list[ImportedSession]:
    """Give each conversation an id: `name` if there is one, else its own, else the default; several get numbers."""
    # The name of a file, or an argument, may hold bytes that are no text.
    name, default = (text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in (name, default))
    if len(conversations) == 1:
        (conversation,) = conversations
        return [conversation._replace(session_id=name or conversation.session_id or default)]
    used = Counter(conversation.session_id for conversation in conversations)
    return [
        conversation._replace(
            session_id=conversation.session_id
            if not name and conversation.session_id and used[conversation.session_id] == 1
            else f"{name or conversation.session_id or default}-{number}"
        )
        for number, conversation in enumerate(conversations, 1)
    ]


def left_out(conversations: Sequence[ImportedSession]) -> dict[str, int]:
    """Return what conversations lack of their transcripts, and how often it occurs there, the most frequent first."""
    return dict(sum((Counter(each.left_out) for each in conversations), Counter[str]()).most_common())


def left_out_words(conversations: Sequence[ImportedSession]) -> str:
    """Return `left_out` in words, as `2 × audio, 1 × name`; empty where the conversations lack nothing."""
    return ", ".join(f"{number} × {name}" for name, number in left_out(conversations).items())


def read_transcripts(document: str | bytes, source: str = "The transcript") -> list[ImportedSession]:
    """Return the conversations of a document, at least one; the id of one without an id of its own is empty.

    Args:
        document: JSON or JSONL; bytes in UTF-8, UTF-16 or UTF-32.
        source: Name of the document in errors.

    Raises:
        TranscriptError: There is no conversation, or a value is not an item; the message names its position.
    """
    if isinstance(document, bytes):
        try:
            document = document.decode(json.detect_encoding(document))
        except UnicodeDecodeError as error:
            raise TranscriptError(f"{source} is not UTF-8 text.", "Name a JSON or JSONL file.") from error
    values = _values(document.removeprefix("\ufeff"))
    if all(_is_conversation(value) for value in values):
        return [_conversation(value, f"conversation {number}") for number, value in enumerate(values, 1)]
    log = read_log(values)
    if log is not None:
        if not log.items:
            raise TranscriptError(f"The log of {log.program} has no messages.", "Name the log of a conversation.")
        return [ImportedSession(log.session_id, log.items, left_out=+log.left_out)]
    return [_imported("", values)]


def _values(text: str) -> list[Any]:
    """Return the values of a JSON list, the value of other JSON as the only one, or the value of each line."""
    if not text.strip():
        raise TranscriptError("The transcript is empty.", _HINT)
    try:
        value = _parse(text)
    except (ValueError, RecursionError):
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [_parse_line(number, line) for number, line in lines]
    values = value if isinstance(value, list) else [value]
    if not values:
        raise TranscriptError("The transcript has no items.", _HINT)
    return values


def _parse_line(number: int, line: str) -> Any:
    try:
        return _parse(line)
    except (ValueError, RecursionError) as error:
        raise TranscriptError(f"Line {number} of the transcript is not JSON: {error}.", _HINT) from error


def _parse(text: str) -> Any:
    value = json.loads(text)
    # An export keeps what was stored as it is.
    if "\\u" in text and not (isinstance(value, dict) and value.get("format") == FORMAT):
        return json.loads(replace_half_pairs(text))
    return value


def _is_conversation(value: Any) -> bool:
    return isinstance(value, dict) and (
        value.get("format") == FORMAT or any(isinstance(value.get(field), list) for field in _ITEM_FIELDS)
    )


def _conversation(value: Message, position: str) -> ImportedSession:
    if value.get("format") == FORMAT:
        return _exported_session(value)
    name = value.get("session_id", value.get("id"))
    values: list[Any] = next(value[field] for field in _ITEM_FIELDS if isinstance(value.get(field), list))
    if values is value.get("input") and isinstance(output := value.get("output"), list):
        values = [*values, *output]
    if isinstance(system := value.get("system"), str | list) and system:
        values = [{"role": "system", "content": system}, *values]
    return _imported(name if isinstance(name, str) else "", values, f" of {position}")


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


def _imported(session_id: str, values: Sequence[Any], position: str = "") -> ImportedSession:
    items = [_checked(value, f"Item {number}{position}") for number, value in enumerate(values, 1)]
    if not any(isinstance(item.get("role"), str) or item["type"] in TYPES for item in items):
        types = ", ".join(f"'{name}'" for name in sorted({item["type"] for item in items})[:_NAMED_TYPES])
        raise TranscriptError(f"The transcript has no messages; its objects are of the types {types}.", _HINT)
    if not any(map(is_foreign, items)):
        return ImportedSession(session_id, items)
    converter = MessageConverter()
    converted = list(converter.items(items))
    return ImportedSession(session_id, converted, left_out=+converter.left_out)


def _checked(value: Any, name: str) -> Message:
    if isinstance(value, dict):
        if isinstance(value.get("role"), str):
            return value
        found = next((found for field, found in _UNREADABLE.items() if field in value), None)
        if found is None and value.get("type") in _LANGCHAIN:
            found = "a history of LangChain"
        if found is not None:
            raise TranscriptError(f"The transcript is {found}, which cannot be imported.", _HINT)
        if isinstance(value.get("type"), str):
            return value
    raise TranscriptError(f"{name} has neither a role nor a type.", _HINT)
