"""Compaction by the SDK's `OpenAIResponsesCompactionSession`: it becomes a fork, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.storage.engine import Transaction
from tui.storage.journal.recording import limit_program_entries, record
from tui.storage.journal.rows import COMPACT
from tui.storage.queries.branches import branch_has_items
from tui.storage.queries.compaction import compact_branch
from tui.storage.queries.items import EncodedItem, append_items
from tui.words import plural

if TYPE_CHECKING:
    from agents import TResponseInputItem

__all__ = ["CompactionSnapshot", "replace_items"]


class CompactionSnapshot(NamedTuple):
    """The newest items of a branch, with the fields that the SDK reads from its own snapshots.

    Attributes:
        items: The items.
        complete: Whether they are all items of the branch.
        replace_suffix: Replaces the items from an index on by others; returns False, and changes nothing, if the branch
            has changed since.
    """

    items: list[TResponseInputItem]
    complete: bool
    replace_suffix: Callable[[int, list[Any]], Awaitable[bool]]


def replace_items(
    tx: Transaction,
    session_id: str,
    branch_id: str,
    items: Sequence[EncodedItem],
    first_row: int | None = None,
    *,
    undoable: bool,
) -> None:
    """Replace the items of a branch from a row on, and keep the branch as it was under a new id."""
    if not branch_has_items(tx, session_id, branch_id):
        if items:
            append_items(tx, session_id, branch_id, items)
        return
    if not undoable:
        compact_branch(tx, session_id, branch_id, items, first_row)
        return
    with record(tx, session_id, COMPACT) as entry:
        compacted = compact_branch(tx, session_id, branch_id, items, first_row)
        entry.branch_id = branch_id
        entry.description = (
            f"Compacted {plural(compacted.items, 'item')} of '{branch_id}' to {len(items):,},"
            f" kept as '{compacted.kept_branch_id}'"
        )
    limit_program_entries(tx)
