"""The branches of a session: which exist, forking and deleting them.

Functions over a `Transaction`; those that write belong inside a write transaction.
"""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

from tui.storage.engine import Transaction
from tui.storage.queries.labels import drop_label
from tui.storage.queries.runs import drop_stale_runs
from tui.storage.queries.usage import drop_stale_usage, keep_shared_usage
from tui.storage.schema import CONVO_BRANCHES, GENERATIONS, MAIN, MESSAGE_INDEX, RESERVATIONS

__all__ = [
    "DeletedRows",
    "branch_exists",
    "branch_has_items",
    "claim_generation",
    "delete_branch",
    "fork_branch",
    "last_turn",
    "list_branches",
    "mark_branch_empty",
    "mark_branch_filled",
    "missing_branch",
    "read_generation",
    "reserve_branch",
    "reserve_existing_branches",
]

# Each step finds the next branch by the index: as many steps as branches, however many rows they have.
_RESERVE_EXISTING: Final = """
    INSERT INTO branch_reservations (session_id, branch_id)
    WITH RECURSIVE found(branch_id) AS (
        SELECT MIN(branch_id) FROM message_structure WHERE session_id = :session_id
        UNION ALL
        SELECT (
            SELECT MIN(branch_id) FROM message_structure
            WHERE session_id = :session_id AND branch_id > found.branch_id
        )
        FROM found WHERE found.branch_id IS NOT NULL
    )
    SELECT :session_id, branch_id FROM found WHERE branch_id IS NOT NULL
    ON CONFLICT (session_id, branch_id) DO NOTHING
"""

_RESERVE: Final = """
    INSERT INTO branch_reservations (session_id, branch_id) VALUES (:session_id, :branch_id)
    ON CONFLICT (session_id, branch_id) DO NOTHING
"""

_COPY_TURNS: Final = """
    INSERT INTO message_structure
        (session_id, message_id, branch_id, message_type, sequence_number,
         user_turn_number, branch_turn_number, tool_name)
    SELECT session_id, message_id, :branch_id, message_type,
           (SELECT MAX(sequence_number) FROM message_structure WHERE session_id = :session_id)
               + row_number() OVER (ORDER BY sequence_number),
           user_turn_number, branch_turn_number, tool_name
    FROM message_structure
    WHERE session_id = :session_id AND branch_id = :source AND user_turn_number < :turn
    ORDER BY sequence_number
"""

_LIST: Final = """
    SELECT branch_id, COUNT(*), COUNT(*) FILTER (WHERE message_type = 'user'), MIN(created_at) AS first_at
    FROM message_structure
    WHERE session_id = :session_id
    GROUP BY branch_id
    ORDER BY first_at
"""


class DeletedRows(NamedTuple):
    """The numbers of rows that were deleted with a branch."""

    items: int
    usage: int
    messages: int


def read_generation(tx: Transaction, session_id: str) -> int:
    """Return how often the session was cleared; writes nothing."""
    # Early versions of the SDK did not count it.
    if not tx.has_table(GENERATIONS.name):
        return 0
    sql = "SELECT generation FROM session_clear_generations WHERE session_id = :session_id"
    row = tx.execute(sql, session_id=session_id).fetchone()
    return 0 if row is None else int(row[0])


def claim_generation(tx: Transaction, session_id: str) -> int:
    """Return how often the session was cleared, which the database counts from now on."""
    GENERATIONS.create(tx)
    tx.execute(
        "INSERT INTO session_clear_generations (session_id, generation) VALUES (:session_id, 0)"
        " ON CONFLICT (session_id) DO NOTHING",
        session_id=session_id,
    )
    return read_generation(tx, session_id)


def reserve_existing_branches(tx: Transaction, session_id: str) -> None:
    """Reserve the ids of all branches that have items, for files whose writers reserved none."""
    RESERVATIONS.create(tx)
    tx.execute(_RESERVE_EXISTING, session_id=session_id)


def reserve_branch(tx: Transaction, session_id: str, branch_id: str) -> bool:
    """Reserve the id of a branch, and return whether it was free."""
    return tx.execute(_RESERVE, session_id=session_id, branch_id=branch_id).rowcount == 1


def branch_has_items(tx: Transaction, session_id: str, branch_id: str) -> bool:
    """Return whether the branch has at least one item."""
    sql = "SELECT 1 FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id LIMIT 1"
    row = tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchone()
    return row is not None


def branch_exists(tx: Transaction, session_id: str, branch_id: str) -> bool:
    """Return whether the branch can be entered: it has items, is recorded as empty, or is `main`."""
    if branch_id == MAIN or branch_has_items(tx, session_id, branch_id):
        return True
    if not tx.has_table(CONVO_BRANCHES.name):
        return False
    sql = "SELECT empty_generation FROM convo_branches WHERE session_id = :session_id AND branch_id = :branch_id"
    row = tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchone()
    return row is not None and row[0] == read_generation(tx, session_id)


def missing_branch(branch_id: str) -> ValueError:
    """Return the error for a branch that does not exist."""
    return ValueError(f"Branch '{branch_id}' does not exist")


def last_turn(tx: Transaction, session_id: str, branch_id: str) -> int:
    """Return the number of the branch's last turn; 0 where it has none."""
    sql = (
        "SELECT MAX(user_turn_number) FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id"
    )
    row = tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchone()
    return int(row[0] or 0)


def mark_branch_empty(tx: Transaction, session_id: str, branch_id: str) -> None:
    """Record that a branch exists although it has no items left."""
    reserve_existing_branches(tx, session_id)
    reserve_branch(tx, session_id, branch_id)
    CONVO_BRANCHES.create(tx)
    sql = (
        "INSERT INTO convo_branches (session_id, branch_id, empty_generation)"
        " VALUES (:session_id, :branch_id, :generation)"
        " ON CONFLICT (session_id, branch_id) DO UPDATE SET empty_generation = excluded.empty_generation"
    )
    tx.execute(sql, session_id=session_id, branch_id=branch_id, generation=read_generation(tx, session_id))


def mark_branch_filled(tx: Transaction, session_id: str, branch_id: str) -> None:
    """Record that a branch without items gets some; from now on its items prove that it exists."""
    if tx.has_table(CONVO_BRANCHES.name):
        tx.execute(
            "UPDATE convo_branches SET empty_generation = NULL"
            " WHERE session_id = :session_id AND branch_id = :branch_id",
            session_id=session_id,
            branch_id=branch_id,
        )


def fork_branch(tx: Transaction, session_id: str, source: str, turn: int, name: str | None) -> str:
    """Make a branch that shares the turns of `source` before `turn`, which must be a turn of it or the next.

    Returns:
        The id of the new branch: `name`, or one made of the turn and the time.

    Raises:
        ValueError: The name was used before.
    """
    reserve_existing_branches(tx, session_id)
    branch_id = _reserve_new(tx, session_id, name, turn)
    copied = tx.execute(_COPY_TURNS, session_id=session_id, source=source, branch_id=branch_id, turn=turn).rowcount
    CONVO_BRANCHES.create(tx)
    tx.execute(
        "INSERT INTO convo_branches (session_id, branch_id, parent_branch_id, fork_turn, empty_generation)"
        " VALUES (:session_id, :branch_id, :source, :turn, :generation)"
        " ON CONFLICT (session_id, branch_id) DO UPDATE SET parent_branch_id = excluded.parent_branch_id,"
        f" fork_turn = excluded.fork_turn, created_at = {tx.dialect.now},"
        " empty_generation = excluded.empty_generation",
        session_id=session_id,
        branch_id=branch_id,
        source=source,
        turn=turn,
        generation=None if copied else read_generation(tx, session_id),
    )
    return branch_id


def _reserve_new(tx: Transaction, session_id: str, name: str | None, turn: int) -> str:
    if name is not None:
        if not reserve_branch(tx, session_id, name):
            raise ValueError(f"Branch ID '{name}' has already been used. Choose a new branch ID.")
        return name
    branch_id = base = f"branch_from_turn_{turn}_{int(time.time())}"
    suffix = 1
    while not reserve_branch(tx, session_id, branch_id):
        suffix += 1
        branch_id = f"{base}_{suffix}"
    return branch_id


def delete_branch(tx: Transaction, session_id: str, branch_id: str) -> DeletedRows:
    """Delete a branch, and the messages that no other branch holds.

    Raises:
        ValueError: There is no such branch.
    """
    reserve_existing_branches(tx, session_id)
    if not branch_exists(tx, session_id, branch_id):
        raise missing_branch(branch_id)
    tx.execute(MESSAGE_INDEX)
    keep_shared_usage(tx, session_id, branch_id)
    messages = tx.execute(
        f"""
        DELETE FROM {tx.tables.messages} WHERE session_id = :session_id AND id IN (
            SELECT own.message_id FROM message_structure AS own
            WHERE own.session_id = :session_id AND own.branch_id = :branch_id AND NOT EXISTS (
                SELECT 1 FROM message_structure AS other
                WHERE other.message_id = own.message_id AND other.branch_id <> :branch_id
            )
        )
        """,
        session_id=session_id,
        branch_id=branch_id,
    ).rowcount
    usage, items = (
        tx.execute(
            f"DELETE FROM {table} WHERE session_id = :session_id AND branch_id = :branch_id",
            session_id=session_id,
            branch_id=branch_id,
        ).rowcount
        for table in ("turn_usage", "message_structure")
    )
    if tx.has_table(CONVO_BRANCHES.name):
        sql = "DELETE FROM convo_branches WHERE session_id = :session_id AND branch_id = :branch_id"
        tx.execute(sql, session_id=session_id, branch_id=branch_id)
    drop_label(tx, session_id, branch_id)
    if messages:
        drop_stale_usage(tx, session_id)
        drop_stale_runs(tx, session_id)
    return DeletedRows(items, usage, messages)


def list_branches(tx: Transaction, session_id: str, current: str) -> list[dict[str, Any]]:
    """Return the branches that have items, oldest first, as the SDK's `list_branches` does."""
    return [
        {
            "branch_id": branch_id,
            "message_count": items,
            "user_turns": turns,
            "is_current": branch_id == current,
            "created_at": created_at,
        }
        for branch_id, items, turns, created_at in tx.execute(_LIST, session_id=session_id)
    ]
