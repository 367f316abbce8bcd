"""The text that is copied when the user copies an item."""

from __future__ import annotations

import json

from tui.items.types import ItemKind, item_type
from tui.model import Item
from tui.render.code import compact_json
from tui.render.content_parts import content_text
from tui.render.messages import message_content, message_role, reasoning_text
from tui.render.tool_lines import as_text

__all__ = ["copied_text"]

_MAX_CHARS = 1_000_000


def copied_text(item: Item) -> str:
    """Return an item as plain text: the text of a message, reasoning or an output, `name(arguments)`, or else JSON."""
    data = item.data
    if data is None:
        return item.raw or ""
    if isinstance(data, dict):
        if message_role(data):
            return content_text(message_content(data))
        match data.get("type"):
            case "reasoning":
                return reasoning_text(data)
            case "function_call" | "custom_tool_call":
                return f"{as_text(data.get('name'))}({as_text(data.get('arguments', data.get('input')))})"
            case "code_interpreter_call" | "program":
                return as_text(data.get("code"))
            case str(own_type) if item_type(own_type).kind is ItemKind.OUTPUT and isinstance(
                data.get("output"), (str, list)
            ):
                return content_text(data["output"])
    try:
        return json.dumps(data, ensure_ascii=False, indent=2, default=str)
    except RecursionError:
        return compact_json(data, _MAX_CHARS)
