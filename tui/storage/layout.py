"""Records that a layout of items and branches takes and returns; `tui.storage.engine.Layout` is the layout itself."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BranchEnd", "EncodedItem", "NewestItem", "TurnKey"]


class EncodedItem(NamedTuple):
    """An item as it is stored."""

    data: str
    message_type: str
    tool_name: str | None
    starts_turn: bool


class BranchEnd(NamedTuple):
    """The numbers of the last item of a branch: items that are appended go on from them."""

    sequence_number: int = 0
    user_turn_number: int = 0
    branch_turn_number: int = 0


class TurnKey(NamedTuple):
    """A turn of a branch, and the first message of the turn; None if the branch's items belong to no turn."""

    session_id: str
    branch_id: str
    user_turn_number: int
    message_id: int | None


class NewestItem(NamedTuple):
    """The last item of a branch.

    Attributes:
        row_id: The id of its row.
        message_id: Its message.
        turn: Its turn, if that has no other items.
    """

    row_id: int
    message_id: int
    turn: TurnKey | None
