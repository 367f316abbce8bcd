"""The layout of a session in a database: which tables hold the items of a branch, and their usage.

SQLite has the SDK's layout: `message_structure` has a row for each item of each branch. On a server, `main` is what the
SDK's plain session class reads, and has no rows of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from tui.storage.engine import Transaction

__all__ = ["BranchEnd", "EncodedItem", "Layout", "NewestItem", "TurnKey"]


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


class Layout(Protocol):
    """Statements that depend on the layout, without state.

    Relations are given as SQL to write after FROM or JOIN. Unless they are of one branch, they have the rows of all
    sessions; a query names the session and the branch in its condition in any case.

    Attributes:
        derives_main: Whether the rows of `main` are derived from its messages, so that others may change them.
        usage_columns: The columns of `TurnKey` that a row of usage has.
        usage_key: The condition that a row of usage belongs to a turn, given as the values of `TurnKey`.
    """

    @property
    def derives_main(self) -> bool: ...
    @property
    def usage_columns(self) -> Sequence[str]: ...
    @property
    def usage_key(self) -> str: ...

    def known_generation(self, tx: Transaction, session_id: str) -> int | None:
        """Return how often a session was cleared when the transaction began; None if it was not read with that."""
        ...

    def rows(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:
        """Return the relation with the columns of `message_structure`, of one branch or of all branches."""
        ...

    def messages(self, tx: Transaction, branch_id: str) -> str:
        """Return the table with the messages of a branch."""
        ...

    def usage(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:
        """Return the relation with the columns of `turn_usage`, of one branch or of all branches."""
        ...

    def items(self, tx: Transaction, branch_id: str, columns: str, *, newest_first: bool = False) -> str:
        """Return a query for the items of a branch in their order, which reads no more than the rows that it returns.

        Args:
            tx: The transaction.
            branch_id: The branch; the query has the named values `session_id` and `branch_id`.
            columns: `s.id`, `s.message_id`, `m.message_data`, separated by commas.
            newest_first: Whether the last item comes first.
        """
        ...

    def is_missing(self, tx: Transaction, message_id: str) -> str:
        """Return the condition that there is no message with the id in a column."""
        ...

    def has_items(self, tx: Transaction, session_id: str, branch_id: str) -> bool:
        """Return whether a branch has at least one item."""
        ...

    def end(self, tx: Transaction, session_id: str, branch_id: str) -> BranchEnd | None:
        """Return the end of a branch; None if it has no items."""
        ...

    def append(
        self, tx: Transaction, session_id: str, branch_id: str, items: Sequence[EncodedItem], end: BranchEnd
    ) -> None:
        """Append items to a branch; the row of the session is there."""
        ...

    def prepare_removal(self, tx: Transaction) -> None:
        """Make what a removal of items needs to be fast."""
        ...

    def newest(self, tx: Transaction, session_id: str, branch_id: str) -> NewestItem | None:
        """Return the last item of a branch; None if it has no items."""
        ...

    def remove(self, tx: Transaction, session_id: str, branch_id: str, item: NewestItem) -> tuple[str | None, bool]:
        """Remove an item from a branch, and delete its message if no other branch holds it.

        Returns:
            The text of the message, None if it is missing, and whether it was deleted.
        """
        ...

    def shared_usage(self, tx: Transaction, *, one_turn: bool) -> str:
        """Return a query for the usage of a branch whose turn begins with a message that other branches hold too.

        Turns for which one of those branches has its own usage are left out. The columns are those of `convo_usage`,
        and the named values those of `TurnKey`.
        """
        ...

    def filled_branches(self, tx: Transaction, session_id: str) -> list[str]:
        """Return the ids of all branches that have items."""
        ...

    def reserve_existing(self, tx: Transaction, session_id: str) -> None:
        """Reserve the ids of all branches that have items."""
        ...

    def copy_turns(self, tx: Transaction, session_id: str, source: str, branch_id: str, turn: int) -> int:
        """Share the turns of a branch before `turn` with a new branch, and return the number of items."""
        ...

    def move_branch(
        self,
        tx: Transaction,
        session_id: str,
        branch_id: str,
        new_id: str,
        first_turn: int,
        first_row: tuple[int, int] | None,
    ) -> tuple[int, int]:
        """Move a branch as `tui.storage.queries.compaction.move_branch` does, without a run that waits."""
        ...

    def delete_branch(self, tx: Transaction, session_id: str, branch_id: str) -> tuple[int, int]:
        """Delete the items of a branch other than `main`, and the messages that no other branch holds.

        Returns:
            The number of items, and of messages.
        """
        ...

    def clear(self, tx: Transaction, session_id: str) -> None:
        """Delete all items of a session, their usage, and the row of the session."""
        ...
