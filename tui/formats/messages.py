"""Messages of other APIs as items of the Responses API.

Known are messages of Chat Completions (also of Ollama and OpenRouter), of Anthropic, of Gemini, and of the AI SDK of
Vercel, mixed in any way. What has no counterpart is kept as it is where an item can hold it, and is counted otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from tui.items.codec import to_json

__all__ = ["Message", "MessageConverter", "is_foreign"]

Message: TypeAlias = Mapping[str, Any]

_TOOL_ROLES: Final = ("tool", "function")
_ROLES: Final = {"model": "assistant", "ai": "assistant", "human": "user"}

_OWN_PARTS: Final = frozenset(
    {"input_text", "output_text", "input_image", "input_file", "input_audio", "refusal", "reasoning_text"}
)
"""Types of content parts that the Responses API has."""

_REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "thinking")
_FOREIGN_FIELDS: Final = (
    "parts", "tool_calls", "function_call", "toolInvocations", "annotations", "images", "reasoning_details",
    *_REASONING_FIELDS,
)  # fmt: skip
"""Fields of messages with content that messages of the Responses API do not have."""

_METADATA: Final = frozenset(
    {
        "cache_control", "container", "context_management", "createdAt", "created_at", "done", "done_reason",
        "finish_reason", "id", "index", "logprobs", "metadata", "model", "name", "object", "phase", "provider",
        "role", "status", "stop_details", "stop_reason", "stop_sequence", "timestamp", "type", "usage",
    }
)  # fmt: skip
"""Fields of messages that are no content."""

_READ: Final = frozenset({"content", "refusal", "tool_call_id", "tool_name", *_FOREIGN_FIELDS})


class _Call(NamedTuple):
    own_id: str
    name: str
    call_id: str


class _CallIds:
    """Gives each call an id of its own, and each output the id of its call."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._open: list[_Call] = []

    def of_call(self, own_id: object, name: str) -> str:
        own_id = own_id if isinstance(own_id, str) else ""
        call_id = self._unused(own_id)
        self._open.append(_Call(own_id, name, call_id))
        return call_id

    def of_output(self, own_id: object, name: object) -> str:
        """Return the id of the oldest call without an output that has this id, or else this name or any name."""
        own_id = own_id if isinstance(own_id, str) else ""
        for call in self._open:
            if call.own_id == own_id if own_id else name in ("", None, call.name):
                self._open.remove(call)
                return call.call_id
        return own_id or self._unused(own_id)

    def _unused(self, own_id: str) -> str:
        call_id, number = own_id, 1
        while not call_id or call_id in self._used:
            call_id, number = f"{own_id or 'call'}_{number}", number + 1
        self._used.add(call_id)
        return call_id


def is_foreign(message: Message) -> bool:
    """Return whether a message is not one of the Responses API."""
    if not isinstance(message.get("role"), str) or message.get("type", "message") != "message":
        return False
    content = message.get("content")
    return (
        message["role"] in _TOOL_ROLES
        or message["role"] in _ROLES
        or any(message.get(field) for field in _FOREIGN_FIELDS)
        or any(isinstance(part, dict) and part.get("type") not in _OWN_PARTS for part in _as_list(content))
    )


class MessageConverter:
    """Converts the messages of one conversation, in their order.

    Attributes:
        left_out: Content that could not be converted, and its number of occurrences.
    """

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._calls = _CallIds()

    def items(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Yield the items for messages; items of the Responses API are kept unchanged."""
        for message in messages:
            if "role" not in message or ("type" in message and not is_foreign(message)):
                yield message
            else:
                yield from self._items(message)

    def _items(self, message: Message) -> Iterator[Message]:
        for field, value in message.items():
            if field not in _METADATA and field not in _READ and value not in (None, "", [], {}):
                self.left_out[field] += 1
        role = str(_ROLES.get(message["role"], message["role"]))
        content = message.get("parts") or message.get("content")
        if role in _TOOL_ROLES:
            yield from self._tool_message(message, content)
            return
        if isinstance(content, str) and role != "assistant" and not message.get("images"):
            yield {"role": role, "content": content}
            return
        if role == "assistant":
            yield from self._reasoning(message)
        blocks = [
            *_as_parts(content),
            *({"type": "image", "image": image} for image in _as_list(message.get("images"))),
        ]
        if refusal := message.get("refusal"):
            blocks.append({"type": "refusal", "refusal": refusal})
        yield from self._blocks(role, blocks, _annotations(message.get("annotations")))
        for call in _as_list(message.get("tool_calls")):
            yield self._call(call)
        if isinstance(legacy := message.get("function_call"), dict):
            yield self._call({"function": legacy})
        if not message.get("parts"):
            for invocation in _as_list(message.get("toolInvocations")):
                yield from self._invocation(invocation)

    def _tool_message(self, message: Message, content: Any) -> Iterator[Message]:
        results = [part for part in _as_list(content) if _type(part) == "tool-result"]
        if results:
            yield from self._blocks("user", results, [])
            return
        name = message.get("tool_name", message.get("name"))
        yield self._output(message.get("tool_call_id"), name, content)

    def _reasoning(self, message: Message) -> Iterator[Message]:
        text = next((message[field] for field in _REASONING_FIELDS if _is_filled(message.get(field))), "")
        details = [detail for detail in _as_list(message.get("reasoning_details")) if isinstance(detail, dict)]
        found = [text] if text else [detail.get(field) for detail in details for field in ("text", "summary")]
        texts = [text for text in found if isinstance(text, str) and text]
        self.left_out["encrypted reasoning"] += sum(1 for detail in details if detail.get("data"))
        if texts:
            yield _reasoning_item("\n".join(texts))

    def _blocks(self, role: str, blocks: Sequence[Any], annotations: list[Message]) -> Iterator[Message]:
        """Yield the items for the blocks of a message; texts that follow each other are one message."""
        parts: list[Message] = []
        for block in blocks:
            items = list(self._block(block))
            if items:
                yield from _message(role, parts)
                parts = []
                yield from items
            elif role == "assistant":
                parts += self._output_parts(block, annotations, parts)
            elif not self._skips(block):
                parts.append(_input_part(block))
        yield from _message(role, parts)

    def _block(self, block: Any) -> Iterator[Message]:
        """Yield the items for a block that is not a part of a message."""
        kind = _type(block)
        match kind:
            case "tool_use" | "server_tool_use" | "mcp_tool_use":
                yield self._function_call(block.get("id"), block.get("name"), block.get("input"))
            case "tool-call":
                arguments = block.get("input", block.get("args"))
                yield self._function_call(block.get("toolCallId"), block.get("toolName"), arguments)
            case "tool-result":
                value = block.get("output", block.get("result"))
                value = value["value"] if isinstance(value, dict) and value.keys() == {"type", "value"} else value
                yield self._output(block.get("toolCallId"), block.get("toolName"), value, failed=block.get("isError"))
            case "tool-invocation":
                yield from self._invocation(block.get("toolInvocation"))
            case "thinking" | "reasoning" if _is_filled(text := block.get("thinking") or block.get("text")):
                yield _reasoning_item(text)
            case _ if kind.endswith("tool_result"):
                yield self._output(block.get("tool_use_id"), None, block.get("content"), failed=block.get("is_error"))
            case _ if kind == "dynamic-tool" or kind.startswith("tool-"):
                name = block.get("toolName", kind.removeprefix("tool-"))
                yield from self._invocation({"toolName": name, **block})
            case "" if isinstance(block, dict) and isinstance(call := block.get("functionCall"), dict):
                yield self._function_call(call.get("id"), call.get("name"), call.get("args"))
            case "" if isinstance(block, dict) and isinstance(result := block.get("functionResponse"), dict):
                yield self._output(result.get("id"), result.get("name"), result.get("response"))

    def _skips(self, block: Any) -> bool:
        """Return whether a block has nothing for a reader."""
        kind = _type(block)
        self.left_out["encrypted reasoning"] += kind == "redacted_thinking"
        return kind in ("step-start", "redacted_thinking", "thinking", "reasoning")

    def _output_parts(self, block: Any, annotations: list[Message], before: list[Message]) -> Iterator[Message]:
        kind = _type(block)
        text = block if isinstance(block, str) else block.get("text") if isinstance(block, dict) else None
        if self._skips(block):
            return
        if kind in ("source-url", "source") and before and "annotations" in before[-1]:
            before[-1]["annotations"].append(_citation(block))
        elif kind == "refusal":
            yield {"type": "refusal", "refusal": str(block.get("refusal", ""))}
        elif isinstance(text, str) and kind in ("", "text", "output_text"):
            if text:
                own = _annotations(block.get("annotations", block.get("citations"))) if isinstance(block, dict) else []
                yield {"type": "output_text", "text": text, "annotations": [*own, *annotations]}
                annotations.clear()
        elif isinstance(block, dict):
            yield block
        else:
            yield {"type": "output_text", "text": to_json(block), "annotations": []}

    def _invocation(self, invocation: Any) -> Iterator[Message]:
        """Yield a tool call of the AI SDK, and its output if it has one."""
        if not isinstance(invocation, dict):
            return
        own_id, name = invocation.get("toolCallId"), invocation.get("toolName")
        yield self._function_call(own_id, name, invocation.get("input", invocation.get("args")))
        error = invocation.get("errorText")
        output = error or invocation.get("output", invocation.get("result"))
        if output is not None:
            yield self._output(own_id, name, output, failed=bool(error))

    def _call(self, call: Any) -> Message:
        call = call if isinstance(call, dict) else {}
        custom = call.get("custom")
        if isinstance(custom, dict):
            name = str(custom.get("name") or "")
            call_id = self._calls.of_call(call.get("id"), name)
            return {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": _text(custom.get("input"))}
        function = call.get("function")
        function = function if isinstance(function, dict) else call
        return self._function_call(call.get("id"), function.get("name"), function.get("arguments"))

    def _function_call(self, own_id: object, name: object, arguments: Any) -> Message:
        name = str(name or "")
        arguments = arguments if _is_filled(arguments) else to_json({} if arguments in (None, "") else arguments)
        call_id = self._calls.of_call(own_id, name)
        return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}

    def _output(self, own_id: object, name: object, content: Any, *, failed: object = False) -> Message:
        item = {
            "type": "function_call_output",
            "call_id": self._calls.of_output(own_id, name),
            "output": _tool_output(content),
        }
        return {**item, "status": "incomplete"} if failed else item


def _message(role: str, parts: list[Message]) -> Iterator[Message]:
    if not parts:
        return
    if role == "assistant":
        yield {"type": "message", "role": "assistant", "status": "completed", "content": parts}
    else:
        yield {"role": role, "content": parts}


def _reasoning_item(text: str) -> Message:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def _tool_output(content: Any) -> Any:
    """Return the output of a tool: a text, or a list of parts where it holds more than texts."""
    parts = _as_list(content)
    if not parts or not all(_type(part) for part in parts):
        return "" if content in (None, []) else _text(content)
    parts = [_input_part(part) for part in parts]
    if all(part.get("type") == "input_text" for part in parts):
        return "\n".join(str(part["text"]) for part in parts)
    known = ("input_text", "input_image", "input_file")
    return [part if part["type"] in known else {"type": "input_text", "text": to_json(part)} for part in parts]


def _input_part(part: Any) -> Message:
    """Return a part of a user's message as the Responses API has it; an unknown one unchanged."""
    if not isinstance(part, dict):
        return {"type": "input_text", "text": _text(part)}
    source = part.get("source")
    match _type(part):
        case "text" | "":
            if isinstance(text := part.get("text"), str):
                return {"type": "input_text", "text": text}
            if isinstance(data := part.get("inlineData"), dict):
                return _file(data.get("mimeType"), data.get("data"), None)
            if isinstance(data := part.get("fileData"), dict):
                return _file(data.get("mimeType"), data.get("fileUri"), None)
        case "image_url":
            image = part.get("image_url")
            image = image if isinstance(image, dict) else {"url": image}
            return _image(image.get("url"), image.get("detail", "auto"))
        case "image" | "document" if isinstance(source, dict):
            if isinstance(text := source.get("data"), str) and source.get("type") == "text":
                return {"type": "input_text", "text": text}
            media_type = source.get("media_type") or ("image/png" if part["type"] == "image" else None)
            if file_id := source.get("file_id"):
                return {"type": "input_image" if part["type"] == "image" else "input_file", "file_id": file_id}
            if place := source.get("url") or source.get("data"):
                return _file(media_type, place, part.get("title"))
        case "image" if isinstance(part.get("image"), str):
            return _file(part.get("mediaType") or "image/png", part["image"], None)
        case "file" if isinstance(part.get("file"), dict):
            return {"type": "input_file", **part["file"]}
        case "file" if isinstance(place := part.get("url", part.get("data")), str):
            return _file(part.get("mediaType", part.get("mimeType")), place, part.get("filename"))
    return part


def _file(media_type: object, place: object, name: object) -> Message:
    """Return a part for a file: `place` is a URL or the data in base64."""
    media_type = media_type if isinstance(media_type, str) else "application/octet-stream"
    is_url = isinstance(place, str) and place.startswith(("http://", "https://", "data:", "gs://", "file:"))
    url = place if is_url else f"data:{media_type};base64,{place}"
    if media_type.startswith("image/"):
        return _image(url, "auto")
    field = "file_data" if str(url).startswith("data:") else "file_url"
    return {"type": "input_file", field: url, **({"filename": name} if name else {})}


def _image(url: object, detail: object) -> Message:
    return {"type": "input_image", "image_url": url, "detail": detail}


def _annotations(annotations: object) -> list[Message]:
    return [_citation(each) for each in _as_list(annotations) if isinstance(each, dict)]


def _citation(annotation: Message) -> Message:
    """Return a citation of a URL as the Responses API has it; any other annotation unchanged."""
    inner = annotation.get("url_citation")
    found = inner if isinstance(inner, dict) else annotation
    if not isinstance(found.get("url"), str):
        return annotation
    return {
        "type": "url_citation",
        "url": found["url"],
        "title": found.get("title") or "",
        "start_index": found.get("start_index", 0),
        "end_index": found.get("end_index", 0),
    }


def _type(block: object) -> str:
    kind = block.get("type") if isinstance(block, dict) else None
    return kind if isinstance(kind, str) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else to_json(value, ensure_ascii=False)


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _as_parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [content] if content else []
    return [content] if isinstance(content, dict) else list(_as_list(content))


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
