"""The stored items of a branch."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Item", "Page"]


class Item(NamedTuple):
    """A message, a tool call, its output, reasoning, or any other item of a branch.

    Attributes:
        message_id: Key of the message row; branches that share the item share the row.
        position: Index of the item in the branch, from 0.
        turn: Number of its turn; 0 before the first user message.
        type: `user`, `assistant`, or the item's own type, as the SDK files it.
        tool_name: Name of the tool if the item has one.
        created_at: Time at which the item was stored: UTC, naive. For a long item, the time at
            which its branch got it: in a fork, that of the fork.
        data: The decoded item (a dict in all files that the SDK writes); None if it cannot be decoded.
        raw: The stored text if it cannot be decoded, else None.
        size: Bytes of the stored text; 0 if nothing is stored yet.
        unread: Bytes of the stored text that were not read.
        cut: Whether the end of the text was not read, so that `data` or `raw` holds only the beginning. It is false if
            only encoded data was not read, as that of an image; `…` and the number of its bytes replace such data.
    """

    message_id: int
    position: int
    turn: int
    type: str
    tool_name: str | None = None
    created_at: str | None = None
    data: Any = None
    raw: str | None = None
    size: int = 0
    unread: int = 0
    cut: bool = False


class Page(NamedTuple):
    """Consecutive items of a branch.

    Attributes:
        start: Position of the first item.
    """

    branch_id: str
    start: int
    items: tuple[Item, ...] = ()
