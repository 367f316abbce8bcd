"""What a run has said and done that its session does not hold yet: items that grow with the stream's events."""

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
    from agents.items import RunItem

__all__ = ["ItemData", "LiveItems", "placed", "unanswered"]

ItemData: TypeAlias = dict[str, Any]
"""An item of the Responses API."""

_NO_ID: Final = "__fake_id__"
"""What the SDK puts, and takes away again, where an item must have an id and no server gave one."""

_HANDED_OVER: Final = "handing over to "
_THINKING: Final = "thinking"
_WRITING: Final = "writing"


@dataclass(slots=True)
class _Growing:
    """An item of the tail.

    Attributes:
        message_id: Its key on the screen, negative and never used again in this run.
        data: The item so far; replaced and never changed, as it is shown while the next one is made.
        whole: Whether all of it has arrived.
    """

    message_id: int
    data: ItemData
    whole: bool = False


class LiveItems:
    """The items of a run that are not stored yet, from the user's message on.

    Events of a response grow its items in place, by their `output_index`; a tool's output comes after the calls. What
    the session has stored is dropped as a whole, since the SDK stores the items of a response together.

    Attributes:
        doing: What the run does now, in a few words.
    """

    def __init__(self, text: str) -> None:
        self.doing = "waiting for the model"
        self._ids = count(-1, -1)
        self._items: list[_Growing] = []
        self._response: dict[int, _Growing] = {}
        self._add({"role": "user", "content": text}, whole=True)

    @property
    def items(self) -> tuple[Item, ...]:
        """The items in their order; `position` counts from 0 within the tail, `turn` is 0."""
        return tuple(
            Item(
                message_id=growing.message_id,
                position=position,
                turn=0,
                type=message_type(growing.data),
                tool_name=tool_name(growing.data),
                data=growing.data,
            )
            for position, growing in enumerate(self._items)
        )

    def drop(self, stored: Sequence[ItemData]) -> None:
        """Let go of what the session holds now: the user's message, or all that a response brought.

        Calls that were not stored stay: their tool failed, or waits for leave.
        """
        if all(is_user_message(item) for item in stored):
            self._items = [growing for growing in self._items if not is_user_message(growing.data)]
            return
        known = {_call_key(item) for item in stored}
        self._items = [
            growing for growing in self._items if "call_id" in growing.data and _call_key(growing.data) not in known
        ]
        self._response = {}

    def remains(self) -> list[ItemData]:
        """What has arrived and can be stored as it is, should the run end here.

        Text of the assistant as a message of status `incomplete`, whole function calls, outputs of tools. They bear
        none of the server's ids, which it may not know, and reasoning is left out: a server refuses it without the
        very item that followed it.
        """
        kept: list[ItemData] = []
        for growing in self._items:
            data = growing.data
            match data.get("type"):
                case "message" if parts := _said(data):
                    kept.append(
                        placed({"type": "message", "role": "assistant", "status": "incomplete", "content": parts})
                    )
                case "function_call" if growing.whole:
                    kept.append({key: data[key] for key in ("type", "call_id", "name", "arguments")})
                case "function_call_output":
                    kept.append(data)
        # A tool may have been done before the event of another call was read.
        return sorted(kept, key=lambda data: data["type"] == "function_call_output")

    def tool_started(self, name: str) -> None:
        """A tool of ours is running."""
        self.doing = f"calling {name}"

    def tool_output(self, output: ItemData) -> None:
        """A tool's output is there, maybe for the second time: as the tool returned it, then as the session gets it."""
        known = next((growing for growing in self._items if _call_key(growing.data) == _call_key(output)), None)
        if known is None:
            self._add(output, whole=True)
        else:
            known.data = output
        self.doing = _THINKING

    def apply(self, event: StreamEvent) -> None:
        """Grow by one event of the SDK's stream."""
        if event.type == "raw_response_event":
            self._apply_response_event(event.data)
        elif event.type == "agent_updated_stream_event":
            self.doing = _HANDED_OVER + event.new_agent.name
        else:
            self._apply_run_item(event.item)

    def _apply_run_item(self, item: RunItem) -> None:
        # All else that these events bring has come with the events of the response.
        if item.type in ("tool_call_output_item", "handoff_output_item"):
            self.tool_output(_plain(item.raw_item))

    def _apply_response_event(self, event: TResponseStreamEvent) -> None:
        match event.type:
            case "response.created":
                self._response = {}
                self.doing = _THINKING
            case "response.output_item.added" | "response.output_item.done":
                self._put(event.output_index, _plain(event.item), whole=event.type.endswith("done"))
            case "response.output_text.delta":
                self._write(event.output_index, "content", event.content_index, "output_text", "text", event.delta)
            case "response.refusal.delta":
                self._write(event.output_index, "content", event.content_index, "refusal", "refusal", event.delta)
            case "response.reasoning_summary_text.delta":
                self._write(event.output_index, "summary", event.summary_index, "summary_text", "text", event.delta)
            case "response.reasoning_text.delta":
                self._write(event.output_index, "content", event.content_index, "reasoning_text", "text", event.delta)
            case "response.function_call_arguments.delta":
                self._argue(event.output_index, event.delta)
            case "response.completed":
                self._complete([_plain(item) for item in event.response.output])
            case _:
                pass

    def _put(self, index: int, data: ItemData, *, whole: bool) -> None:
        growing = self._response.get(index)
        if growing is None:
            growing = self._response[index] = self._add(data, whole=whole)
        else:
            growing.data, growing.whole = data, whole
        if not whole:
            self._say_what(data)

    def _write(self, index: int, field: str, part: int, kind: str, key: str, delta: str) -> None:
        """Append a delta to one part of an item's content or summary."""
        growing = self._response.get(index)
        if growing is None:
            if kind in ("summary_text", "reasoning_text"):
                growing = self._response[index] = self._add({"type": "reasoning", "summary": []})
            else:
                growing = self._response[index] = self._add({"type": "message", "role": "assistant", "content": []})
        parts: list[ItemData] = list(growing.data.get(field) or ())
        while len(parts) <= part:
            parts.append({"type": kind, key: ""})
        parts[part] = {**parts[part], key: f"{parts[part].get(key) or ''}{delta}"}
        growing.data = {**growing.data, field: parts}
        self._say_what(growing.data)

    def _argue(self, index: int, delta: str) -> None:
        growing = self._response.get(index)
        if growing is not None:
            growing.data = {**growing.data, "arguments": f"{growing.data.get('arguments') or ''}{delta}"}

    def _complete(self, output: Sequence[ItemData]) -> None:
        """Take the response as it ended; a server may have sent some items in no other event."""
        arrived = iter(sorted(self._response.items()))
        for data in output:
            _, growing = next(arrived, (0, None))
            if growing is None:
                self._add(data, whole=True)
            else:
                growing.data, growing.whole = data, True
        self._response = {}

    def _add(self, data: ItemData, *, whole: bool = False) -> _Growing:
        growing = _Growing(next(self._ids), data, whole)
        self._items.append(growing)
        return growing

    def _say_what(self, data: ItemData) -> None:
        kind = message_type(data)
        if kind == "assistant":
            self.doing = _WRITING
        elif kind == "reasoning":
            self.doing = _THINKING
        elif name := tool_name(data):
            self.doing = f"calling {name}"


def placed(item: ItemData) -> ItemData:
    """An item as the SDK can turn it into every API: a message of the assistant has an id."""
    if item.get("type") == "message" and item.get("role") == "assistant" and not item.get("id"):
        return {**item, "id": _NO_ID}
    return item


def unanswered(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ids of the function calls among items that have no output there."""
    items = list(items)
    answered = {item.get("call_id") for item in items if item.get("type") == "function_call_output"}
    return [
        item["call_id"] for item in items if item.get("type") == "function_call" and item.get("call_id") not in answered
    ]


def _said(data: ItemData) -> list[ItemData]:
    """The parts of a message that say something."""
    parts: list[ItemData] = []
    for part in data.get("content") or ():
        if part.get("text"):
            parts.append({"type": "output_text", "text": part["text"], "annotations": []})
        elif part.get("refusal"):
            parts.append({"type": "refusal", "refusal": part["refusal"]})
    return parts


def _call_key(data: ItemData) -> tuple[object, object]:
    return data.get("type"), data.get("call_id")


def _plain(item: Any) -> ItemData:
    """An item of the SDK or its client, a model or a mapping, as it is stored."""
    if isinstance(item, Mapping):
        return dict(item)
    data: ItemData = json.loads(item.model_dump_json(exclude_unset=True))
    return data
