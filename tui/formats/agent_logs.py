"""The logs of other agents: each line is an envelope, and some of the lines hold a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tui.formats.messages import Message, MessageConverter
from tui.items.codec import to_json

__all__ = ["AgentLog", "read_log"]

_CODEX_LINES: Final = ("response_item", "session_meta", "event_msg", "turn_context", "compacted")


class AgentLog(NamedTuple):
    """The conversation in a log.

    Attributes:
        program: The program that wrote the log.
        session_id: The id that it gave to the conversation; empty where it gave none.
        items: The items.
        left_out: Content without a counterpart, and its number of occurrences.
    """

    program: str
    session_id: str
    items: Sequence[Message]
    left_out: Counter[str]


def read_log(values: Sequence[Any]) -> AgentLog | None:
    """Return the conversation in a log of a known program; None where the values are no such log."""
    lines = [value for value in values if isinstance(value, dict)]
    return next((read(lines) for is_line, read in _LOGS if any(map(is_line, lines))), None)


def _is_claude_code(line: Message) -> bool:
    message = line.get("message")
    return line.get("type") in ("user", "assistant") and isinstance(message, dict) and "role" in message


def _read_claude_code(lines: Sequence[Message]) -> AgentLog:
    """Read all messages in the order of the log; a conversation that was rewound has its abandoned turns, too."""
    converter = MessageConverter()
    messages = []
    for line in filter(_is_claude_code, lines):
        if line.get("isSidechain"):
            converter.left_out["messages of subagents"] += 1
        else:
            messages.append(line["message"])
    converter.left_out["notes of the program"] += sum(line.get("type") == "system" for line in lines)
    items = list(converter.items(messages))
    return AgentLog("Claude Code", _first_text(lines, "sessionId"), items, converter.left_out)


def _is_codex(line: Message) -> bool:
    return line.get("type") in _CODEX_LINES and isinstance(line.get("payload"), dict)


def _read_codex(lines: Sequence[Message]) -> AgentLog:
    left_out: Counter[str] = Counter()
    items = []
    for line in filter(_is_codex, lines):
        if line["type"] == "response_item" and line["payload"].get("type") != "ghost_snapshot":
            items.append(_codex_item(line["payload"]))
        # Events repeat what the items say.
        left_out["compacted histories"] += line["type"] == "compacted"
    meta = [line["payload"] for line in lines if line.get("type") == "session_meta" and _is_codex(line)]
    return AgentLog("Codex", _first_text(meta, "id"), items, left_out)


def _codex_item(item: Mapping[str, Any]) -> Message:
    """Return an item with a text where Codex has an object as the output of a tool."""
    output = item.get("output")
    if not isinstance(output, dict):
        return item
    content = output.get("content")
    failed = {"status": "incomplete"} if output.get("success") is False else {}
    return {**item, "output": content if isinstance(content, str) else to_json(output, ensure_ascii=False), **failed}


def _first_text(lines: Sequence[Message], field: str) -> str:
    return next((line[field] for line in lines if isinstance(line.get(field), str)), "")


_LOGS: Final[Sequence[tuple[Callable[[Message], bool], Callable[[Sequence[Message]], AgentLog]]]] = (
    (_is_claude_code, _read_claude_code),
    (_is_codex, _read_codex),
)
"""For each format, a function that recognizes a line of it, and one that reads the log."""
