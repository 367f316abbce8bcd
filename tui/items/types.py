"""The item types of the Responses API, in one table, and what follows from an item's type.

An item is untrusted data of any shape: nothing here raises on one, and nothing interprets its text. A type that the
table does not know is judged by the ending of its name.

To add a type, add a row to `TYPES`, and a presentation in `tui.render.tools`. List the fields with text that only this
type has in the row; without that, the item's text is their JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from tui.items.codec import to_json

__all__ = [
    "CALL_TYPES",
    "MESSAGE_TYPES",
    "TYPES",
    "ItemKind",
    "ItemType",
    "TextSource",
    "ToolNameSource",
    "is_call",
    "is_known",
    "is_user_message",
    "item_type",
    "message_type",
    "shown_type",
    "tool_name",
    "with_recorded_type",
]

MESSAGE_TYPES: Final = ("user", "assistant")
"""The types under which the SDK files messages, by their role; messages of other roles keep the item's type."""


class ItemKind(Enum):
    """The part that an item plays in a conversation."""

    MESSAGE = "message"
    REASONING = "reasoning"
    CALL = "call"
    OUTPUT = "output"
    APPROVAL_REQUEST = "approval request"
    APPROVAL_RESPONSE = "approval response"
    OTHER = "other"


class ToolNameSource(Enum):
    """The field in which the SDK finds the tool name of an item; a presentation may show another name."""

    NAME = "name"
    """`name`, after its `namespace` if it has one."""

    SERVER = "server"
    """`name`, after the `server_label` of an MCP server."""

    TYPE = "type"
    """The item's type."""

    TOOL_SEARCH = "tool_search"
    """No field: the tool is `tool_search`."""


class TextSource(Enum):
    """The fields with the readable text of an item without a `role` and `content`."""

    CALL = "call"
    """The fields that hold the input and output of a tool; the JSON of the other fields if these are empty."""

    SUMMARY = "summary"
    """`summary`."""

    NOTHING = "nothing"
    """The item has no readable text."""

    JSON = "json"
    """The item's JSON."""


class ItemType(NamedTuple):
    """The properties of the items of a type.

    Attributes:
        is_input: Whether they are sent to a model, and not produced by it.
        text_fields: Fields with text that only they have, besides the fields that all calls and outputs share.
        image_field: The field that holds an image in base64, neither read nor searched; empty if there is none.
        joins_command: Whether their text joins several strings: the words of a command.
        in_sdk_tool_usage: Whether `get_tool_usage` of the SDK counts them.
        unnamed_in_old_files: Whether earlier versions of the SDK stored them without the name of their tool.
    """

    kind: ItemKind
    is_input: bool = False
    tool: ToolNameSource = ToolNameSource.NAME
    text: TextSource = TextSource.JSON
    text_fields: tuple[str, ...] = ()
    image_field: str = ""
    joins_command: bool = False
    in_sdk_tool_usage: bool = False
    unnamed_in_old_files: bool = False


_CALL: Final = ItemType(ItemKind.CALL, text=TextSource.CALL)
_COUNTED_CALL: Final = _CALL._replace(in_sdk_tool_usage=True)
_CALL_STORED_WITH_TYPE_AS_NAME: Final = _COUNTED_CALL._replace(tool=ToolNameSource.TYPE)
_OUTPUT: Final = ItemType(ItemKind.OUTPUT, is_input=True, text=TextSource.CALL)
_APPROVAL_REQUEST: Final = ItemType(ItemKind.APPROVAL_REQUEST, text=TextSource.CALL)
_APPROVAL_RESPONSE: Final = ItemType(
    ItemKind.APPROVAL_RESPONSE, is_input=True, text=TextSource.CALL, text_fields=("reason",)
)
_OTHER: Final = ItemType(ItemKind.OTHER)
_CONTEXT: Final = ItemType(ItemKind.OTHER, is_input=True, text=TextSource.NOTHING)

TYPES: Final[Mapping[str, ItemType]] = MappingProxyType(
    {
        # Messages, and what the SDK files under no type of their own.
        "user": ItemType(ItemKind.MESSAGE, is_input=True),
        "assistant": ItemType(ItemKind.MESSAGE),
        "message": ItemType(ItemKind.MESSAGE, is_input=True),
        "other": ItemType(ItemKind.OTHER, is_input=True),
        "reasoning": ItemType(ItemKind.REASONING, text=TextSource.SUMMARY),
        # Tools of the application.
        "function_call": _COUNTED_CALL,
        "function_call_output": _OUTPUT,
        "custom_tool_call": _COUNTED_CALL,
        "custom_tool_call_output": _OUTPUT,
        "tool_call": _COUNTED_CALL,
        # Tools that the application runs for the provider.
        "computer_call": _CALL_STORED_WITH_TYPE_AS_NAME,
        "computer_call_output": _OUTPUT,
        "local_shell_call": _CALL._replace(joins_command=True),
        "local_shell_call_output": _OUTPUT,
        "shell_call": _CALL_STORED_WITH_TYPE_AS_NAME._replace(unnamed_in_old_files=True),
        "shell_call_output": _OUTPUT,
        "apply_patch_call": _CALL_STORED_WITH_TYPE_AS_NAME._replace(unnamed_in_old_files=True),
        "apply_patch_call_output": _OUTPUT,
        # Tools that the provider runs; their output is part of the call.
        "file_search_call": _CALL_STORED_WITH_TYPE_AS_NAME,
        "web_search_call": _CALL_STORED_WITH_TYPE_AS_NAME,
        "code_interpreter_call": _CALL_STORED_WITH_TYPE_AS_NAME,
        "image_generation_call": _CALL._replace(text_fields=("revised_prompt",), image_field="result"),
        "tool_search_call": _COUNTED_CALL._replace(tool=ToolNameSource.TOOL_SEARCH),
        # What a tool search found is part of the provider's answer.
        "tool_search_output": _OUTPUT._replace(is_input=False, tool=ToolNameSource.TOOL_SEARCH, in_sdk_tool_usage=True),
        "additional_tools": _OTHER,
        "configuration_update": _OTHER._replace(is_input=True),
        # A program calls tools; its calls are items of their own.
        "program": _OTHER._replace(text=TextSource.CALL),
        "program_output": _OUTPUT,
        # Tools of MCP servers.
        "mcp_list_tools": _OTHER._replace(text=TextSource.CALL),
        "mcp_call": _COUNTED_CALL._replace(tool=ToolNameSource.SERVER),
        "mcp_approval_request": _APPROVAL_REQUEST._replace(tool=ToolNameSource.SERVER, in_sdk_tool_usage=True),
        "mcp_approval_response": _APPROVAL_RESPONSE,
        # What takes the place of earlier items.
        "compaction": _CONTEXT,
        "compaction_summary": _CONTEXT,
        "compaction_trigger": _CONTEXT,
        "item_reference": _CONTEXT,
        # What is shown in place of an item that cannot be decrypted.
        "encrypted_item": _OTHER._replace(text=TextSource.SUMMARY),
    }
)
"""By the type under which the SDK files an item."""

_BY_ENDING: Final = {
    "_call": _CALL,
    "_output": _OUTPUT,
    "_request": _APPROVAL_REQUEST,
    "_response": _APPROVAL_RESPONSE,
}

CALL_TYPES: Final = tuple(name for name, row in TYPES.items() if row.kind in (ItemKind.CALL, ItemKind.APPROVAL_REQUEST))
"""The types in the table that count as calls of a tool; besides them, every type whose name ends in `_call` does."""


def item_type(name: str) -> ItemType:
    """Return the properties of an item type of the SDK, such as `function_call`."""
    row = TYPES.get(name)
    if row is not None:
        return row
    return next((row for ending, row in _BY_ENDING.items() if name.endswith(ending)), _OTHER)


def is_known(name: object) -> bool:
    """Return whether the table has a type."""
    return isinstance(name, str) and name in TYPES


def is_call(name: str) -> bool:
    """Return whether items of a type count as calls of a tool."""
    return name.endswith("_call") or name in CALL_TYPES


def is_user_message(item: object) -> bool:
    """Return whether an item starts a turn."""
    return isinstance(item, dict) and item.get("role") == "user"


def message_type(item: object) -> str:
    """Return the type the SDK files an item under: `user`, `assistant`, the item's own type, or `other`."""
    if not isinstance(item, dict):
        return "other"
    role = item.get("role")
    if role == "user" or role == "assistant":
        return _as_stored(role)
    own_type = item.get("type")
    return _as_stored(own_type) if own_type else "other"


def tool_name(item: object) -> str | None:
    """Return the name the SDK files a tool's call or output under; None if the item names no tool.

    `server.tool` for tools of an MCP server, `namespace.tool` for tools in a namespace, the type for built-in tools
    without a name.
    """
    if not isinstance(item, dict):
        return None
    own_type = item.get("type")
    # A list or a dict in place of a type cannot be looked up.
    row = TYPES.get(_as_stored(own_type)) if isinstance(own_type, str) else None
    match row.tool if row else ToolNameSource.NAME:
        case ToolNameSource.TYPE:
            return _as_stored(own_type)
        case ToolNameSource.TOOL_SEARCH:
            return "tool_search"
        case ToolNameSource.SERVER if "server_label" in item:
            parts = [_as_stored(part) for part in (item["server_label"], item.get("name")) if part]
            return ".".join(parts) or None
    name = item.get("name")
    if name is None:
        return None
    name, namespace = _as_stored(name), item.get("namespace")
    namespace = "" if namespace is None else _as_stored(namespace)
    return name if not name or namespace in ("", name) else f"{namespace}.{name}"


def _as_stored(value: object) -> str:
    """Return a value as `str` does, but a member of an enum as JSON has it: by its value, not by its name."""
    match value:
        case str():
            return str.__str__(value)
        case bool():
            return str(value)
        case int():
            return int.__repr__(value)
        case float():
            return float.__repr__(value)
    try:
        return str(value)
    except RecursionError:
        return to_json(value)


def with_recorded_type(data: object, message_type: str, tool_name: str | None) -> object:
    """Return the decoded beginning of an item with the type and tool of its structure row, if the beginning lacks them.

    A beginning with a role is returned unchanged.
    """
    if not isinstance(data, dict) or "role" in data:
        return data
    if message_type in MESSAGE_TYPES:
        return {"role": message_type, **data}
    return {"type": message_type, **({} if tool_name is None else {"name": tool_name}), **data}


def shown_type(recorded: str, tool: str | None, data: object) -> tuple[str, str | None]:
    """Return the type and the tool of an item to show; its own if it was encrypted when the SDK filed it."""
    if recorded != "other" or data is None:
        return recorded, tool
    return message_type(data), tool_name(data)
