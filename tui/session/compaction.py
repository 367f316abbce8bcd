"""Compaction by the SDK's `OpenAIResponsesCompactionSession`: it becomes a fork, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tui.model import Outcome
from tui.storage.engine import Transaction
from tui.storage.journal.recording import limit_program_entries, record
from tui.storage.journal.rows import COMPACT
from tui.storage.queries.branches import branch_has_items
from tui.storage.queries.compaction import compact_branch
from tui.storage.queries.items import EncodedItem, append_items
from tui.storage.queries.requests import prepare_request, record_request
from tui.storage.queries.runs import EndedRun, record_run
from tui.words import plural

if TYPE_CHECKING:
    from agents import TResponseInputItem

    from tui.model.requests import SentRequest

__all__ = ["CompactionSnapshot", "replace_items"]


class CompactionSnapshot(NamedTuple):
    """The newest items of a branch, with the fields that the SDK reads from its own snapshots.

    Attributes:
        items: The items.
        complete: Whether they are all items of the branch.
        replace_suffix: Replaces the items from an index on by others; returns False, and changes nothing, if the branch
            has changed since. The request that made the items, if it is given, counts in the turn that they end with.
    """

    items: list[TResponseInputItem]
    complete: bool
    replace_suffix: ReplaceSuffix


class ReplaceSuffix(Protocol):
    """Replaces the items of a snapshot from an index on."""

    def __call__(self, start: int, output: list[Any], request: SentRequest | None = None, /) -> Awaitable[bool]: ...


def replace_items(
    tx: Transaction,
    session_id: str,
    branch_id: str,
    items: Sequence[EncodedItem],
    first_row: int | None = None,
    request: SentRequest | None = None,
    *,
    undoable: bool,
) -> None:
    """Replace the items of a branch from a row on, and keep the branch as it was under a new id.

    `request` is the request that made the new items, if it counts in no other turn.
    """
    if not branch_has_items(tx, session_id, branch_id):
        if items:
            append_items(tx, session_id, branch_id, items)
        return
    if not undoable:
        compact_branch(tx, session_id, branch_id, items, first_row)
        _count(tx, session_id, branch_id, request)
        return
    with record(tx, session_id, COMPACT) as entry:
        compacted = compact_branch(tx, session_id, branch_id, items, first_row)
        _count(tx, session_id, branch_id, request)
        entry.branch_id = branch_id
        entry.description = (
            f"Compacted {plural(compacted.items, 'item')} of '{branch_id}' to {len(items):,},"
            f" kept as '{compacted.kept_branch_id}'"
        )
    limit_program_entries(tx)


def _count(tx: Transaction, session_id: str, branch_id: str, request: SentRequest | None) -> None:
    """Count a request in the last turn of a branch."""
    ended = request and prepare_request(tx, session_id, branch_id, request)
    if request is not None and ended is not None and record_request(tx, ended, first=False):
        run = EndedRun(Outcome.DONE, request.model, None, request.started_at, request.seconds, None, False, True)
        record_run(tx, session_id, branch_id, run)
