"""The stored items of a branch."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Item", "Page"]


class Item(NamedTuple):
    """One stored message, tool call, tool output, reasoning, …

    Attributes:
        message_id: Key of the message row; branches that share the item have the same.
        position: Its place in the branch, from 0.
        turn: Number of its turn; 0 before the first user message.
        type: `user`, `assistant`, or the item's own type, as the SDK classifies it.
        tool_name: Name of the tool where it has one.
        created_at: When the message was stored: UTC, naive. Of a long one, when its branch got it: a fork's own time.
        data: The decoded item (a dict in all files the SDK writes); None where it cannot be decoded.
        raw: The stored text where it cannot be decoded, else None.
        size: Bytes of the stored text; 0 where nothing is stored yet.
        unread: Bytes of it that were not read.
        cut: Whether its end is among them: `data` or `raw` holds the beginning. Otherwise what is missing is encoded
            data, as of an image: `…` and a number stand for so many bytes of it.
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
    """Neighbouring items of one branch.

    Attributes:
        branch_id: The branch.
        start: Position of the first of them.
        items: The items in order.
    """

    branch_id: str
    start: int
    items: tuple[Item, ...] = ()
