"""Records that a layout of items and branches takes and returns; `tui.storage.engine.Layout` is the layout itself."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BranchEnd", "BranchRows", "EncodedItem", "NewestItem", "StructureRow", "TurnKey"]


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


class BranchRows(NamedTuple):
    """The rows that a branch's items have.

    Attributes:
        table: The name of their table in the journal.
        identifier: The table, as an SQL identifier.
        condition: The condition for the rows of the branch, with the named values `session_id` and `branch_id`.
    """

    table: str
    identifier: str
    condition: str


class StructureRow(NamedTuple):
    """The place of a message in a branch, and its type; None as the time for now."""

    message_id: int
    sequence_number: int
    user_turn_number: int | None
    branch_turn_number: int | None
    message_type: str
    tool_name: str | None
    created_at: str | None


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
