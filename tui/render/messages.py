"""Presentations of messages and of reasoning."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment

from tui.items.text import foreign_content
from tui.items.types import MESSAGE_TYPES
from tui.printable import printable
from tui.render.content_parts import Markdown, content_lines, content_text
from tui.render.limits import data_length, format_size
from tui.render.lines import Line
from tui.render.presentation import ItemPresentation, first_line, more_lines_note
from tui.render.styles import ItemStyles

__all__ = ["message_content", "message_role", "present_message", "present_reasoning", "reasoning_text"]

_ROLE_CHARS = 40


def message_role(data: object) -> str:
    """Return the role of a message, or an empty string for other items."""
    if not isinstance(data, dict) or data.get("type", "message") != "message":
        return ""
    role = data.get("role")
    return role if isinstance(role, str) else ""


def message_content(data: dict[str, object]) -> object:
    """Return the content of a message; a list of it and of what else holds content, as `tool_calls`."""
    content, other = data.get("content"), foreign_content(data)
    if not other and not data.get("parts"):
        return content
    found = [
        part
        for field in (content, data.get("parts"))
        if field
        for part in (field if isinstance(field, list) else [field])
    ]
    return [*found, other] if other else found


def present_message(data: dict[str, object], styles: ItemStyles, markdown: Markdown) -> ItemPresentation:
    """Present a message of the user or the assistant as a message, and a message with any other role as a step."""
    role = message_role(data)
    content = message_content(data)
    is_answer = role == "assistant"

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        return content_lines(content, width, styles, markdown if is_answer else None)

    if role in MESSAGE_TYPES:
        return ItemPresentation(body=body if content else None, role="agent" if is_answer else "")
    text = content_text(content)
    name = Segment(f"{printable(role[:_ROLE_CHARS])}  ", styles.muted)
    return ItemPresentation(
        "≡",
        [name, Segment(first_line(text), styles.text)],
        [name],
        note=more_lines_note(text),
        body=body if text else None,
    )


def present_reasoning(data: dict[str, object], styles: ItemStyles, markdown: Markdown) -> ItemPresentation:
    """Present the summary and the content of reasoning, or else the size of encrypted reasoning."""
    parts = _reasoning_parts(data)
    text = content_text(parts)
    if not text.strip():
        content = data.get("encrypted_content")
        size = f", encrypted, {format_size(data_length(content))}" if isinstance(content, str) and content else ""
        return ItemPresentation("✻", [Segment(f"thought{size}", styles.muted)])
    return ItemPresentation(
        "✻",
        [Segment(first_line(text).replace("**", ""), styles.quote)],
        (),
        note=more_lines_note(text),
        body=lambda width, styles: content_lines(parts, width, styles._replace(text=styles.quote), markdown),
    )


def reasoning_text(data: dict[str, object]) -> str:
    """Return the summary and the content of reasoning as text."""
    return content_text(_reasoning_parts(data))


def _reasoning_parts(data: dict[str, object]) -> list[object]:
    parts: list[object] = []
    for field in ("summary", "content"):
        value = data.get(field)
        parts += value if isinstance(value, list) else [value] if isinstance(value, str) and value else []
    return parts
