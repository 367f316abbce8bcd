"""The items of a run that are not stored yet, built from the events of the SDK's stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tui.items.types import is_user_message, message_type, tool_name
from tui.model import Item

if TYPE_CHECKING:
    from agents import StreamEvent, TResponseStreamEvent

__all__ = ["ItemData", "LiveItems", "unanswered_calls", "with_id"]

ItemData: TypeAlias = dict[str, Any]
"""An item of the Responses API."""

_PLACEHOLDER_ID: Final = "__fake_id__"
"""The id that the SDK gives to an item that must have one, and removes before it sends the item."""

_THINKING: Final = "thinking"
_WRITING: Final = "writing"


@dataclass(slots=True)
class _LiveItem:
    """An item of a run.

    Attributes:
        message_id: Its key on the screen: negative and unique within the run.
        data: The item so far; replaced and never changed, as the screen may hold it.
        complete: Whether all of it has arrived.
    """

    message_id: int
    data: ItemData
    complete: bool = False


class LiveItems:
    """The items of a run that are not stored yet, from the user's message on.

    Events of a response extend its items, which they name by `output_index`; the output of a tool follows the calls.
    The SDK stores the items of a response together, so they are removed together.

    Attributes:
        activity: Activity of the run now, in a few words.
    """

    def __init__(self, text: str) -> None:
        self.activity = "waiting for the model"
        self._ids = count(-1, -1)
        self._items: list[_LiveItem] = []
        self._response: dict[int, _LiveItem] = {}
        self._add({"role": "user", "content": text}, complete=True)

    @classmethod
    def of(cls, items: Iterable[ItemData]) -> LiveItems:
        """Return the live items of a run that was paused."""
        live = cls("")
        live._items = []
        for data in items:
            live._add(data, complete=True)
        return live

    @property
    def items(self) -> tuple[Item, ...]:
        """The items in order, with a `position` from 0 and `turn` 0."""
        return tuple(
            Item(
                message_id=item.message_id,
                position=position,
                turn=0,
                type=message_type(item.data),
                tool_name=tool_name(item.data),
                data=item.data,
            )
            for position, item in enumerate(self._items)
        )

    def remove_stored(self, stored: Sequence[ItemData]) -> None:
        """Remove items that have been stored: the user's message, or all items of a response.

        Calls that were not stored remain: their tool failed, or they need approval.
        """
        if all(is_user_message(item) for item in stored):
            self._items = [item for item in self._items if not is_user_message(item.data)]
            return
        keys = {_call_key(item) for item in stored}
        self._items = [item for item in self._items if "call_id" in item.data and _call_key(item.data) not in keys]
        self._response = {}

    def storable(self) -> list[ItemData]:
        """Return the items that can be stored if the run ends now.

        Text of the assistant becomes a message of status `incomplete`; complete function calls and outputs of tools
        follow. The server's ids are left out, as the server may not know them later. Reasoning is left out, as a server
        refuses it without the item that followed it.
        """
        storable: list[ItemData] = []
        for item in self._items:
            data = item.data
            match data.get("type"):
                case "message" if parts := _text_parts(data):
                    message = {"type": "message", "role": "assistant", "status": "incomplete", "content": parts}
                    storable.append(with_id(message))
                case "function_call" if item.complete:
                    storable.append({key: data[key] for key in ("type", "call_id", "name", "arguments")})
                case "function_call_output":
                    storable.append(data)
        # A tool may have ended before the event of another call was read.
        return sorted(storable, key=lambda data: data["type"] == "function_call_output")

    def start_tool(self, name: str) -> None:
        """Record that a function tool has started."""
        self.activity = f"calling {name}"

    def set_tool_output(self, output: ItemData) -> None:
        """Add or replace the output of a tool, which arrives as the tool returned it, then as the session stores it."""
        item = next((item for item in self._items if _call_key(item.data) == _call_key(output)), None)
        if item is None:
            self._add(output, complete=True)
        else:
            item.data = output
        self.activity = _THINKING

    def apply(self, event: StreamEvent) -> None:
        """Apply an event of the SDK's stream."""
        if event.type == "raw_response_event":
            self._apply_response_event(event.data)
        elif event.type == "agent_updated_stream_event":
            self.activity = f"handing over to {event.new_agent.name}"
        elif event.item.type in ("tool_call_output_item", "handoff_output_item"):
            # All other kinds of items have arrived in events of the response.
            self.set_tool_output(_as_data(event.item.raw_item))

    def _apply_response_event(self, event: TResponseStreamEvent) -> None:
        match event.type:
            case "response.created":
                self._response = {}
                self.activity = _THINKING
            case "response.output_item.added" | "response.output_item.done":
                self._set_item(event.output_index, _as_data(event.item), complete=event.type.endswith("done"))
            case "response.output_text.delta":
                self._append(event.output_index, "content", event.content_index, "output_text", "text", event.delta)
            case "response.refusal.delta":
                self._append(event.output_index, "content", event.content_index, "refusal", "refusal", event.delta)
            case "response.reasoning_summary_text.delta":
                self._append(event.output_index, "summary", event.summary_index, "summary_text", "text", event.delta)
            case "response.reasoning_text.delta":
                self._append(event.output_index, "content", event.content_index, "reasoning_text", "text", event.delta)
            case "response.function_call_arguments.delta":
                self._append_arguments(event.output_index, event.delta)
            case "response.completed":
                self._complete([_as_data(item) for item in event.response.output])

    def _set_item(self, index: int, data: ItemData, *, complete: bool) -> None:
        item = self._response.get(index)
        if item is None:
            item = self._response[index] = self._add(data, complete=complete)
        else:
            item.data, item.complete = data, complete
        if not complete:
            self._set_activity(data)

    def _append(self, index: int, field: str, part: int, kind: str, key: str, delta: str) -> None:
        """Append a delta to one part of an item's content or summary."""
        item = self._response.get(index)
        if item is None:
            if kind in ("summary_text", "reasoning_text"):
                item = self._response[index] = self._add({"type": "reasoning", "summary": []})
            else:
                item = self._response[index] = self._add({"type": "message", "role": "assistant", "content": []})
        parts: list[ItemData] = list(item.data.get(field) or ())
        while len(parts) <= part:
            parts.append({"type": kind, key: ""})
        parts[part] = {**parts[part], key: f"{parts[part].get(key) or ''}{delta}"}
        item.data = {**item.data, field: parts}
        self._set_activity(item.data)

    def _append_arguments(self, index: int, delta: str) -> None:
        item = self._response.get(index)
        if item is not None:
            item.data = {**item.data, "arguments": f"{item.data.get('arguments') or ''}{delta}"}

    def _complete(self, output: Sequence[ItemData]) -> None:
        """Replace the items by those of the ended response, which may hold items that no other event has sent."""
        arrived = iter(sorted(self._response.items()))
        for data in output:
            _, item = next(arrived, (0, None))
            if item is None:
                self._add(data, complete=True)
            else:
                item.data, item.complete = data, True
        self._response = {}

    def _add(self, data: ItemData, *, complete: bool = False) -> _LiveItem:
        item = _LiveItem(next(self._ids), data, complete)
        self._items.append(item)
        return item

    def _set_activity(self, data: ItemData) -> None:
        kind = message_type(data)
        if kind == "assistant":
            self.activity = _WRITING
        elif kind == "reasoning":
            self.activity = _THINKING
        elif name := tool_name(data):
            self.activity = f"calling {name}"


def with_id(item: ItemData) -> ItemData:
    """Return an item; an assistant's message has an id, without which the SDK cannot convert it for another API."""
    if item.get("type") == "message" and item.get("role") == "assistant" and not item.get("id"):
        return {**item, "id": _PLACEHOLDER_ID}
    return item


def unanswered_calls(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids of function calls that have no output among the items."""
    items = list(items)
    answered = {item.get("call_id") for item in items if item.get("type") == "function_call_output"}
    return [
        item["call_id"] for item in items if item.get("type") == "function_call" and item.get("call_id") not in answered
    ]


def _text_parts(data: ItemData) -> list[ItemData]:
    """Return the parts of a message that hold text or a refusal."""
    parts: list[ItemData] = []
    for part in data.get("content") or ():
        if part.get("text"):
            parts.append({"type": "output_text", "text": part["text"], "annotations": []})
        elif part.get("refusal"):
            parts.append({"type": "refusal", "refusal": part["refusal"]})
    return parts


def _call_key(data: ItemData) -> tuple[object, object]:
    return data.get("type"), data.get("call_id")


def _as_data(item: Any) -> ItemData:
    """Return an item of the SDK or its client, a Pydantic model or a mapping, in the form in which it is stored."""
    if isinstance(item, Mapping):
        return dict(item)
    data: ItemData = json.loads(item.model_dump_json(exclude_unset=True))
    return data
