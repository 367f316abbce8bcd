"""The texts of an item that can be searched: what was said, asked of a tool or answered by it, each by itself.

An item is untrusted data of any shape. Whatever string of it a reader may want to find is a text: all but ids,
types, and the data of images, files and sounds. JSON in a string, as in the arguments of a call, is one text, its
escapes resolved, so that it is found as it is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from tui.items.codec import decode

__all__ = ["JOINED", "item_texts", "read_item", "without_escapes"]

JOINED: Final = "local_shell_call"
"""The type of item of which a text is put together from several strings: the words of a command."""

_UNREAD: Final = frozenset(
    {
        "call_id",
        "encrypted_content",
        "file_data",
        "id",
        "input_audio",
        "logprobs",
        "role",
        "status",
        "type",
    }
)
"""Keys of what nobody reads."""

_LONGEST_JSON: Final = 100_000
"""Characters up to which a text that looks like JSON is decoded to see whether it is."""

_ESCAPES: Final = re.compile(r'(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))+')


def read_item(stored: str | bytes) -> object:
    """Decode a stored item; None where it cannot be."""
    try:
        return decode(stored)
    except (ValueError, RecursionError):
        return None


def item_texts(item: object) -> Iterator[str]:
    """The texts of a decoded item, in the order in which it holds them."""
    pending = [item]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if value and not value.startswith("data:"):
                yield without_escapes(value)
        elif isinstance(value, list):
            pending += reversed(value)
        elif isinstance(value, dict):
            if isinstance(command := value.get("command"), list):
                value = {**value, "command": " ".join(map(str, command))}
            image = value.get("type") == "image_generation_call"
            unread = _UNREAD | {"result"} if image else _UNREAD
            pending += [value[key] for key in reversed(value) if key not in unread]


def without_escapes(text: str) -> str:
    """A text as it reads: that of a JSON object or list with its escapes resolved, any other as it is."""
    if "\\" not in text or len(text) > _LONGEST_JSON or text.lstrip()[:1] not in ("{", "["):
        return text
    if read_item(text) is None:
        return text
    return _ESCAPES.sub(lambda escapes: json.loads(f'"{escapes[0]}"'), text)
