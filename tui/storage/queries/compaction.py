"""Compaction of a branch: it gets shorter items, and stays as it was under a new id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from tui.items.codec import decode
from tui.storage.engine import Transaction
from tui.storage.queries.branches import (
    last_turn,
    mark_branch_filled,
    read_generation,
    reserve_branch,
    reserve_existing_branches,
)
from tui.storage.queries.items import EncodedItem, append_items
from tui.storage.queries.labels import Label, write_label
from tui.storage.schema import CONVO_BRANCHES, CONVO_COMPACTIONS, CONVO_PAUSED_RUNS

__all__ = [
    "COMPACTION_COLUMNS",
    "Compacted",
    "StoredItem",
    "compact_branch",
    "kept_branches",
    "newest_items",
    "read_compactions",
    "reassign_rows",
    "reserve_numbered",
    "split_branch",
    "turn_holder",
]

COMPACTION_COLUMNS: Final = ("kept_branch_id", "branch_id", "first_turn", "last_turn", "created_at")
"""The columns of `convo_compactions` without the session."""

_RECORD_KEPT: Final = """
    INSERT INTO convo_branches (session_id, branch_id, parent_branch_id, fork_turn, created_at)
    VALUES (:session_id, :kept,
        (SELECT parent_branch_id FROM convo_branches WHERE session_id = :session_id AND branch_id = :branch_id),
        (SELECT fork_turn FROM convo_branches WHERE session_id = :session_id AND branch_id = :branch_id),
        COALESCE(
            (SELECT created_at FROM convo_branches WHERE session_id = :session_id AND branch_id = :branch_id),
            (SELECT created_at FROM {structure} WHERE session_id = :session_id AND branch_id = :kept
                ORDER BY sequence_number, id LIMIT 1)
        ))
    ON CONFLICT (session_id, branch_id) DO UPDATE SET parent_branch_id = excluded.parent_branch_id,
        fork_turn = excluded.fork_turn, created_at = excluded.created_at, empty_generation = NULL
"""

_RECORD_COMPACTED: Final = """
    INSERT INTO convo_branches (session_id, branch_id, parent_branch_id, fork_turn, empty_generation)
    VALUES (:session_id, :branch_id, :kept, :turn, :generation)
    ON CONFLICT (session_id, branch_id) DO UPDATE SET parent_branch_id = excluded.parent_branch_id,
        fork_turn = excluded.fork_turn, created_at = {now}, empty_generation = excluded.empty_generation
"""

_ADOPT_FORKS: Final = """
    UPDATE convo_branches SET parent_branch_id = :kept
    WHERE session_id = :session_id AND parent_branch_id = :branch_id AND fork_turn > :turn AND branch_id <> :kept
"""


class StoredItem(NamedTuple):
    """An item of a branch: its row in `message_structure`, its message, and the message's text."""

    row_id: int
    message_id: int
    data: str

    def decode(self) -> object:
        """Return the item.

        Raises:
            ValueError: It cannot be decoded.
        """
        return decode(self.data)


class Compacted(NamedTuple):
    """A compaction that was made.

    Attributes:
        kept_branch_id: The branch that holds the items as they were before.
        items: Number of items that were replaced.
        first_turn: The turn of the first of them.
    """

    kept_branch_id: str
    items: int
    first_turn: int


def newest_items(tx: Transaction, session_id: str, branch_id: str, limit: int) -> list[StoredItem]:
    """Return the newest items of a branch in their order."""
    sql = tx.layout.items_sql(tx, branch_id, "s.id, s.message_id, m.message_data", newest_first=True)
    rows = tx.execute(f"{sql} LIMIT :limit", session_id=session_id, branch_id=branch_id, limit=limit)
    return [StoredItem(*row) for row in rows][::-1]


def compact_branch(
    tx: Transaction, session_id: str, branch_id: str, items: Sequence[EncodedItem], first_row: int | None = None
) -> Compacted:
    """Replace the items of a branch that has some, and keep the branch as it was under a new id, archived.

    The kept branch gets the old rows, and so the usage and runs of the turns that were replaced.

    Args:
        tx: The transaction.
        session_id: The session.
        branch_id: The branch.
        items: The new items.
        first_row: The row of the first item to replace; the items before it stay. None replaces all.

    Returns:
        What was kept.
    """
    values = {"session_id": session_id, "branch_id": branch_id, "id": first_row}
    only = "" if first_row is None else " AND id = :id"
    first = tx.execute(
        f"SELECT sequence_number, id, user_turn_number FROM {tx.layout.rows_sql(tx, session_id, branch_id)} AS s"
        f" WHERE session_id = :session_id AND branch_id = :branch_id{only} ORDER BY sequence_number, id LIMIT 1",
        **values,
    ).fetchone()
    sequence, row_id, turn = first[0], first[1], first[2] or 0
    kept = reserve_numbered(tx, session_id, f"{branch_id}_before_compaction")
    moved, left = reassign_rows(tx, session_id, branch_id, kept, turn, (sequence, row_id))
    CONVO_BRANCHES.create(tx)
    lineage = {"session_id": session_id, "branch_id": branch_id, "kept": kept}
    tx.execute(_RECORD_KEPT.format(structure=tx.tables.structure), **lineage)
    write_label(tx, session_id, kept, Label(archived=True))
    forked_at = max(1, turn)
    generation = read_generation(tx, session_id)
    tx.execute(_RECORD_COMPACTED.format(now=tx.dialect.now), **lineage, turn=forked_at, generation=generation)
    tx.execute(_ADOPT_FORKS, **lineage, turn=forked_at)
    if left:
        mark_branch_filled(tx, session_id, branch_id)
    if items:
        append_items(tx, session_id, branch_id, items)
    CONVO_COMPACTIONS.create(tx)
    tx.execute(
        "INSERT INTO convo_compactions (session_id, kept_branch_id, branch_id, first_turn, last_turn)"
        " VALUES (:session_id, :kept, :branch_id, :turn, :last_turn)",
        **lineage,
        turn=turn,
        last_turn=last_turn(tx, session_id, branch_id),
    )
    return Compacted(kept, moved - left, turn)


def reserve_numbered(tx: Transaction, session_id: str, name: str) -> str:
    """Reserve a branch id that was never used: the name, or the name with a number."""
    reserve_existing_branches(tx, session_id)
    branch_id, number = name, 1
    while not reserve_branch(tx, session_id, branch_id):
        number += 1
        branch_id = f"{name}_{number}"
    return branch_id


def reassign_rows(
    tx: Transaction,
    session_id: str,
    branch_id: str,
    new_id: str,
    first_turn: int = 0,
    first_row: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """Give the items of a branch to another id, with usage, runs and requests from a turn on.

    The items before `first_row` (its sequence number and id) stay in the branch, too. A run that waits for approval
    goes with the items, so that it can go on.

    Returns:
        The number of items that the other branch holds, and of those that stay.
    """
    if tx.has_table(CONVO_PAUSED_RUNS.name):
        tx.execute(
            "UPDATE convo_paused_runs SET branch_id = :new_id"
            " WHERE session_id = :session_id AND branch_id = :branch_id",
            session_id=session_id,
            branch_id=branch_id,
            new_id=new_id,
        )
    return tx.layout.reassign_rows(tx, session_id, branch_id, new_id, first_turn, first_row)


def split_branch(tx: Transaction, session_id: str, branch_id: str, last_row: int, new_id: str) -> None:
    """Move the items of a compacted branch after `last_row`, with their usage, to a new branch that shares the rest."""
    tx.layout.split_branch(tx, session_id, branch_id, last_row, new_id)
    sql = (
        "INSERT INTO convo_branches (session_id, branch_id, parent_branch_id, fork_turn)"
        " SELECT session_id, :new_id, branch_id, fork_turn FROM convo_branches"
        " WHERE session_id = :session_id AND branch_id = :branch_id"
    )
    tx.execute(sql, session_id=session_id, branch_id=branch_id, new_id=new_id)


def turn_holder(tx: Transaction, session_id: str, branch_id: str) -> str:
    """Return the branch that holds the turn of the last run on a branch.

    That is the kept branch if the branch was compacted since its last user message, else the branch itself.
    """
    if not tx.has_table(CONVO_COMPACTIONS.name):
        return branch_id
    row = tx.execute(
        "SELECT kept_branch_id, last_turn, created_at FROM convo_compactions"
        " WHERE session_id = :session_id AND branch_id = :branch_id"
        f" ORDER BY created_at DESC, {tx.dialect.row_order} DESC LIMIT 1",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchone()
    if row is None or row[1] != last_turn(tx, session_id, branch_id) or not last_turn(tx, session_id, row[0]):
        return branch_id
    kept, turn, compacted_at = row
    # The turn may have been popped since, and another one begun with its number.
    begun_since = tx.execute(
        f"SELECT 1 FROM {tx.layout.rows_sql(tx, session_id, branch_id)} AS s WHERE session_id = :session_id"
        " AND branch_id = :branch_id AND user_turn_number = :turn AND message_type = 'user'"
        " AND created_at > :compacted_at LIMIT 1",
        session_id=session_id,
        branch_id=branch_id,
        turn=turn,
        compacted_at=compacted_at,
    ).fetchone()
    return branch_id if begun_since else str(kept)


def kept_branches(tx: Transaction, session_id: str) -> Iterator[tuple[str, str]]:
    """Yield each kept branch of a session, and the branch that was compacted, oldest first."""
    return ((kept, name) for kept, name, *_ in read_compactions(tx, session_id))


def read_compactions(tx: Transaction, session_id: str) -> Iterator[tuple[Any, ...]]:
    """Yield the `COMPACTION_COLUMNS` of each compaction of a session, oldest first."""
    if tx.has_table(CONVO_COMPACTIONS.name):
        yield from tx.execute(
            f"SELECT {', '.join(COMPACTION_COLUMNS)} FROM convo_compactions WHERE session_id = :session_id"
            f" ORDER BY created_at, {tx.dialect.row_order}",
            session_id=session_id,
        )
