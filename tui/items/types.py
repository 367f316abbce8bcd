"""What a stored item is: its type, its tool, its readable text, whether it tells of a failure.

Pure functions over decoded items of the Responses API. An item is untrusted data of any shape: nothing here raises
on one, and nothing interprets its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, TypeAlias

__all__ = ["is_error", "is_user_message", "item_text", "message_type", "tool_name"]

_NAMED_BY_TYPE: Final = frozenset(
    {
        "apply_patch_call",
        "code_interpreter_call",
        "computer_call",
        "file_search_call",
        "shell_call",
        "web_search_call",
    }
)
_TOOL_SEARCH: Final = frozenset({"tool_search_call", "tool_search_output"})
_SERVED_BY_MCP: Final = frozenset({"mcp_approval_request", "mcp_call"})

_FAILED: Final = frozenset({"failed", "incomplete"})
# What the SDK hands to the model in place of the output of a tool that raised, or that ran out of time.
_TOOL_FAILURE: Final = "An error occurred while "
_TOOL_TIMEOUT: Final = ("Tool '", "' timed out after ", " seconds.")

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

_Fields: TypeAlias = dict[object, object]


def is_user_message(item: object) -> bool:
    """Whether the item starts a turn."""
    return isinstance(item, dict) and item.get("role") == "user"


def message_type(item: object) -> str:
    """The type the SDK files an item under: `user`, `assistant`, the item's own type, or `other`."""
    if not isinstance(item, dict):
        return "other"
    role = item.get("role")
    if role == "user" or role == "assistant":
        return str(role)
    kind = item.get("type")
    return str(kind) if kind else "other"


def tool_name(item: object) -> str | None:
    """The name the SDK files a tool's call or output under.

    `server.tool` for tools of an MCP server, `namespace.tool` for tools in a namespace, the type for built-in tools
    that bear no name.

    Returns:
        None where the item names no tool.
    """
    if not isinstance(item, dict):
        return None
    kind = item.get("type")
    # Types are compared as text alone: a list or a dict in their place cannot be looked up in a set.
    kind = kind if isinstance(kind, str) else None
    if kind in _SERVED_BY_MCP and "server_label" in item:
        parts = [str(part) for part in (item["server_label"], item.get("name")) if part]
        return ".".join(parts) or None
    if kind in _TOOL_SEARCH:
        return "tool_search"
    if kind in _NAMED_BY_TYPE:
        return kind
    name = item.get("name")
    if name is None:
        return None
    name, namespace = str(name), item.get("namespace")
    if not name or namespace is None or str(namespace) in ("", name):
        return name
    return f"{namespace}.{name}"


def item_text(item: object) -> str:
    """The readable text of an item: what was said, asked of a tool, or answered by it.

    Parts stand on lines of their own; what is not text (images, files, audio) as a word in brackets. An item that
    holds nothing readable gives the empty string, one of an unknown kind its JSON.
    """
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return "" if item is None else _as_json(item)
    if "role" in item or "content" in item:
        # A reasoning item's raw content comes beside its summary.
        return _lines(_part(item.get("summary")), _part(item.get("content")))
    kind = item.get("type")
    if isinstance(kind, str):
        if kind == "reasoning":
            return _part(item.get("summary"))
        if kind in ("compaction", "compaction_summary", "compaction_trigger", "item_reference"):
            return ""
        if kind.endswith(("_call", "_call_output", "_output", "_request", "_response")) or kind in (
            "mcp_list_tools",
            "program",
        ):
            return _call_text(item)
    return _as_json(item)


def is_error(item: object) -> bool:
    """Whether an item tells of a failure: its own status or error, a failed tool, a command's exit code."""
    if not isinstance(item, dict):
        return False
    status = item.get("status")
    if isinstance(status, str) and status in _FAILED:
        return True
    if item.get("error"):
        return True
    output = item.get("output")
    if isinstance(output, list):
        return any(_ended_badly(part) for part in output) or _tells_failure(_part(output))
    return isinstance(output, str) and _tells_failure(output)


def _tells_failure(output: str) -> bool:
    if output.startswith(_TOOL_FAILURE):
        return True
    before, between, after = _TOOL_TIMEOUT
    return output.startswith(before) and between in output and output.endswith(after)


def _ended_badly(part: object) -> bool:
    """Whether a shell command was stopped by its time limit or left an exit code other than 0."""
    outcome = part.get("outcome") if isinstance(part, dict) else None
    if not isinstance(outcome, dict):
        return False
    return outcome.get("type") == "timeout" or bool(outcome.get("exit_code"))


def _call_text(item: _Fields) -> str:
    """What was asked of a tool and, where the same item holds it, what came back."""
    return _lines(
        _part(item.get("arguments")),
        _part(item.get("input")),
        _part(item.get("code")),
        _part(item.get("queries")),
        _action(item.get("action")),
        _action(item.get("operation")),
        *(_action(action) for action in _listed(item.get("actions"))),
        _part(item.get("revised_prompt")),
        _part(item.get("reason")),
        _tools(item.get("tools")),
        _part(item.get("output")),
        _part(item.get("outputs")),
        _part(item.get("results")),
        _image(item),
        _error(item.get("error")),
    )


def _action(action: object) -> str:
    if not isinstance(action, dict):
        return _part(action)
    command = action.get("command")
    if isinstance(command, list):
        return " ".join(str(word) for word in command)
    said = _lines(
        *(_part(action.get(key)) for key in ("commands", "query", "queries", "url", "pattern", "path", "diff"))
    )
    if said:
        return said
    details = ", ".join(f"{key}={value}" for key, value in action.items() if key != "type")
    return f"{action.get('type', '')} {details}".strip()


def _tools(tools: object) -> str:
    return ", ".join(str(tool["name"]) for tool in _listed(tools) if isinstance(tool, dict) and tool.get("name"))


def _image(item: _Fields) -> str:
    """A generated image is megabytes of base64; a program's result is text."""
    result = item.get("result")
    if item.get("type") == "image_generation_call":
        return "[image]" if result else ""
    return _part(result)


def _error(error: object) -> str:
    if isinstance(error, dict):
        message = error.get("message")
        return message if isinstance(message, str) else _as_json(error)
    return _part(error)


def _part(part: object) -> str:
    """The text of a content part, of a list of them, or of a bare value."""
    if part is None:
        return ""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return _lines(*(_part(each) for each in part))
    if not isinstance(part, dict):
        return _as_json(part)
    for key in ("text", "refusal", "transcript", "logs"):
        value = part.get(key)
        if isinstance(value, str):
            return value
    if "stdout" in part or "stderr" in part:
        return _lines(_part(part.get("stdout")).rstrip("\n"), _part(part.get("stderr")).rstrip("\n"))
    filename = part.get("filename")
    if isinstance(filename, str):
        return f"[file: {filename}]"
    kind = part.get("type")
    if isinstance(kind, str) and kind in _PLACEHOLDERS:
        return _PLACEHOLDERS[kind]
    return _as_json(part)


def _listed(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _as_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(type(value).__name__)
