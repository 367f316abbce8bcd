"""The items of a request, in a form that the server takes; what is stored stays as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from tui.agent.live_items import ItemData, with_id
from tui.formats.messages import MessageConverter, is_foreign
from tui.items.codec import to_json, without_half_pairs
from tui.items.text import item_text
from tui.items.types import TYPES, ItemKind, item_type, message_type

__all__ = ["ModelInput", "fit_items"]

_ANSWERED: Final = frozenset(
    name
    for name, row in TYPES.items()
    if row.kind is ItemKind.CALL and f"{name}_output" in TYPES and name != "tool_search_call"
)
"""Types of calls that need an output."""

_CHAT_ROLES: Final = ("user", "assistant", "system", "developer")
_CHAT_TYPES: Final = ("function_call", "function_call_output", "reasoning")


class ModelInput(NamedTuple):
    """The items that are sent.

    Attributes:
        items: The items.
        left_out: The types of items and parts that are not sent, and how often they occur.
    """

    items: list[ItemData]
    left_out: Counter[str]


def fit_items(items: Iterable[Any], *, chat: bool) -> ModelInput:
    """Return the items that a server takes.

    Left out are calls without an output and outputs without a call, and on a Chat Completions server all that it has no
    form for. Messages of other APIs are converted, halves of surrogate pairs replaced.

    Args:
        items: The items of a branch, which are not changed.
        chat: Whether the server has the Chat Completions API, in place of the Responses API.
    """
    left_out: Counter[str] = Counter()
    found = without_half_pairs(items)
    if any(isinstance(item, dict) and is_foreign(item) for item in found):
        converter = MessageConverter()
        found = [dict(item) for item in converter.items(item for item in found if isinstance(item, dict))]
        left_out += converter.left_out
    fitting: list[ItemData] = []
    for item in found:
        fit = _fit(item, left_out, chat=chat) if isinstance(item, dict) else None
        if fit is None:
            left_out[message_type(item)] += 1
        else:
            fitting.append(fit)
    return ModelInput(_without_bare_reasoning(_without_unpaired_calls(fitting, left_out)), +left_out)


def _fit(item: ItemData, left_out: Counter[str], *, chat: bool) -> ItemData | None:
    """Return an item in a form that the server takes; None where there is none."""
    kind = item.get("type")
    if item.get("call_id") is not None:
        item = {**item, "call_id": str(item["call_id"])}
    if kind == "function_call":
        arguments = item.get("arguments")
        item = {
            **item,
            "name": str(item.get("name") or "unknown"),
            "arguments": arguments if isinstance(arguments, str) else to_json(arguments or {}),
        }
    elif kind == "function_call_output":
        output = item.get("output")
        if not isinstance(output, str | list):
            item = {**item, "output": "" if output is None else to_json(output)}
    if not chat:
        return item
    if kind in _CHAT_TYPES:
        return _fit_chat(item, left_out)
    if kind not in (None, "message") or item.get("role") not in _CHAT_ROLES:
        return None
    content = _chat_content(item, left_out)
    if content == [] or content is None:
        return None
    if item["role"] == "assistant" and not isinstance(content, str):
        return with_id({"type": "message", "role": "assistant", "status": "completed", "content": content})
    return {"role": item["role"], "content": content}


def _fit_chat(item: ItemData, left_out: Counter[str]) -> ItemData:
    output = item.get("output")
    if isinstance(output, list):
        texts = [part for part in output if _is_text(part)]
        for part in output:
            if not _is_text(part):
                left_out[f"{message_type(part)} in a tool's output"] += 1
        return {**item, "output": texts or item_text(item)}
    return {name: value for name, value in item.items() if value is not None}


def _chat_content(item: ItemData, left_out: Counter[str]) -> str | list[Any] | None:
    content = item.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    convert = _answer_part if item["role"] == "assistant" else _input_part
    parts = []
    for part in content:
        converted = convert(part) if isinstance(part, dict) else None
        if converted is None:
            left_out[message_type(part)] += 1
        else:
            parts.append(converted)
    return parts


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "input_text" and isinstance(part.get("text"), str)


def _answer_part(part: ItemData) -> ItemData | None:
    match part:
        case {"type": "output_text" | "input_text" | "text", "text": str(text)}:
            return {"type": "output_text", "text": text, "annotations": []}
        case {"type": "refusal", "refusal": str(refusal)}:
            return {"type": "refusal", "refusal": refusal}
    return None


def _input_part(part: ItemData) -> ItemData | None:
    match part:
        case {"type": "input_text" | "output_text" | "text", "text": str(text)}:
            return {"type": "input_text", "text": text}
        case {"type": "input_image", "image_url": str(url)} if url:
            return {"type": "input_image", "image_url": url, "detail": part.get("detail") or "auto"}
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(form)}} if data and form:
            return part
        case {"type": "input_file", "file_data": str(place)} | {"type": "input_file", "file_id": str(place)} if place:
            return part
    return None


def _without_unpaired_calls(items: Sequence[ItemData], left_out: Counter[str]) -> list[ItemData]:
    """Leave out calls without an output after them, outputs without a call before them, and both without an id."""
    open_calls: dict[tuple[str, str], list[int]] = {}
    matched: set[int] = set()
    for index, item in enumerate(items):
        kind, call_id = str(item.get("type")), item.get("call_id")
        if kind in _ANSWERED:
            if call_id:
                open_calls.setdefault((kind, call_id), []).append(index)
        elif item_type(kind).kind is ItemKind.OUTPUT and kind.removesuffix("_output") in _ANSWERED:
            calls = open_calls.get((kind.removesuffix("_output"), call_id)) if call_id else None
            if calls:
                matched |= {calls.pop(0), index}
        else:
            matched.add(index)
    for index, item in enumerate(items):
        if index not in matched:
            is_call = item.get("type") in _ANSWERED
            left_out["call without its output" if is_call else "output without its call"] += 1
    return [item for index, item in enumerate(items) if index in matched]


def _without_bare_reasoning(items: Sequence[ItemData]) -> list[ItemData]:
    """Leave out reasoning that what it led to does not follow, as a server refuses it alone."""
    kept: list[ItemData] = []
    answer_follows = False
    for item in reversed(items):
        kind = message_type(item)
        if kind != "reasoning":
            answer_follows = not item_type(kind).is_input
        elif not answer_follows:
            continue
        kept.append(item)
    return kept[::-1]
