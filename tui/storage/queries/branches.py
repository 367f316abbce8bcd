"""The branches of a session: looking them up, forking and deleting them."""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

from tui.storage.engine import Transaction
from tui.storage.layout import TurnKey
from tui.storage.queries.labels import drop_label
from tui.storage.queries.requests import delete_requests_without_usage, delete_stale_requests
from tui.storage.queries.usage import keep_shared_usage
from tui.storage.schema import (
    CONVO_BRANCHES,
    CONVO_COMPACTIONS,
    CONVO_PAUSED_RUNS,
    CONVO_RUNS,
    CONVO_USAGE,
    GENERATIONS,
    MAIN,
    RESERVATIONS,
)

__all__ = [
    "DeletedRows",
    "branch_exists",
    "branch_has_items",
    "claim_generation",
    "delete_branch",
    "delete_stale_records",
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

_RESERVE: Final = """
    INSERT INTO {branch_ids} (session_id, branch_id) VALUES (:session_id, :branch_id)
    ON CONFLICT (session_id, branch_id) DO NOTHING
"""

_LIST: Final = """
    SELECT branch_id, COUNT(*), COUNT(*) FILTER (WHERE message_type = 'user'), MIN(created_at) AS first_at
    FROM {rows} AS s
    WHERE session_id = :session_id
    GROUP BY branch_id
    ORDER BY first_at, branch_id
"""


class DeletedRows(NamedTuple):
    """The numbers of deleted rows."""

    items: int
    usage: int
    messages: int


def read_generation(tx: Transaction, session_id: str) -> int:
    """Return how often the session was cleared."""
    if (known := tx.layout.known_generation(tx, session_id)) is not None:
        return known
    # Early versions of the SDK did not count.
    if not tx.has_table(tx.tables.generations):
        return 0
    sql = f"SELECT generation FROM {tx.tables.generations} WHERE session_id = :session_id"
    row = tx.execute(sql, session_id=session_id).fetchone()
    return 0 if row is None else int(row[0])


def claim_generation(tx: Transaction, session_id: str) -> int:
    """Return how often the session was cleared, and make sure that the database counts it."""
    if (known := tx.layout.known_generation(tx, session_id)) is not None:
        return known
    GENERATIONS.create(tx, tx.tables.generations)
    tx.execute(
        f"INSERT INTO {tx.tables.generations} (session_id, generation) VALUES (:session_id, 0)"
        " ON CONFLICT (session_id) DO NOTHING",
        session_id=session_id,
    )
    return read_generation(tx, session_id)


def reserve_existing_branches(tx: Transaction, session_id: str) -> None:
    """Reserve the ids of all branches that have items, which other writers may not have reserved."""
    RESERVATIONS.create(tx, tx.tables.branch_ids)
    tx.layout.reserve_filled_branches(tx, session_id)


def reserve_branch(tx: Transaction, session_id: str, branch_id: str) -> bool:
    """Reserve the id of a branch, and return whether it was free."""
    sql = _RESERVE.format(branch_ids=tx.tables.branch_ids)
    return tx.execute(sql, session_id=session_id, branch_id=branch_id).rowcount == 1


def branch_has_items(tx: Transaction, session_id: str, branch_id: str) -> bool:
    """Return whether the branch has at least one item."""
    return tx.layout.has_items(tx, session_id, branch_id)


def branch_exists(tx: Transaction, session_id: str, branch_id: str) -> bool:
    """Return whether a branch has items, is recorded as empty, or is `main`."""
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
    """Return the number of the branch's last turn; 0 if it has none."""
    branch = "session_id = :session_id AND branch_id = :branch_id"
    rows = tx.layout.rows_sql(tx, session_id, branch_id)
    sql = f"SELECT MAX(user_turn_number) FROM {rows} AS s WHERE {branch}"
    return int(tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchone()[0] or 0)


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
    """Drop the record that a branch is empty: from now on its items show that it exists."""
    if tx.has_table(CONVO_BRANCHES.name):
        tx.execute(
            "UPDATE convo_branches SET empty_generation = NULL"
            " WHERE session_id = :session_id AND branch_id = :branch_id",
            session_id=session_id,
            branch_id=branch_id,
        )


def fork_branch(tx: Transaction, session_id: str, source: str, turn: int, name: str | None) -> str:
    """Make a branch that shares the turns of `source` before `turn`, and return its id.

    `turn` is a turn of `source`, or the one after the last. Without `name`, the id is made of the turn and the time.

    Raises:
        ValueError: The name was used before.
    """
    reserve_existing_branches(tx, session_id)
    branch_id = _reserve_new(tx, session_id, name, turn)
    copied = tx.layout.copy_turns(tx, session_id, source, branch_id, turn)
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
    tx.layout.prepare_removal(tx)
    keep_shared_usage(tx, TurnKey(session_id, branch_id, 0, None))
    items, messages = tx.layout.delete_branch(tx, session_id, branch_id)
    sql = f"DELETE FROM {tx.tables.usage} WHERE session_id = :session_id AND branch_id = :branch_id"
    usage = tx.execute(sql, session_id=session_id, branch_id=branch_id).rowcount
    for table in (CONVO_BRANCHES.name, CONVO_PAUSED_RUNS.name):
        if tx.has_table(table):
            sql = f"DELETE FROM {table} WHERE session_id = :session_id AND branch_id = :branch_id"
            tx.execute(sql, session_id=session_id, branch_id=branch_id)
    if tx.has_table(CONVO_COMPACTIONS.name):
        tx.execute(
            "DELETE FROM convo_compactions"
            " WHERE session_id = :session_id AND (branch_id = :branch_id OR kept_branch_id = :branch_id)",
            session_id=session_id,
            branch_id=branch_id,
        )
    drop_label(tx, session_id, branch_id)
    delete_requests_without_usage(tx, session_id, branch_id)
    if messages:
        delete_stale_records(tx, session_id)
    return DeletedRows(items, usage, messages)


def delete_stale_records(tx: Transaction, session_id: str, message_id: int | None = None) -> None:
    """Delete kept usage, runs and requests whose message is gone; only those of `message_id` if it is given."""
    only = "" if message_id is None else " AND message_id = :message_id"
    for table in (CONVO_USAGE.name, CONVO_RUNS.name):
        if tx.has_table(table):
            tx.execute(
                f"DELETE FROM {table} WHERE session_id = :session_id{only}"
                f" AND {tx.layout.is_missing_sql(tx, f'{table}.message_id')}",
                session_id=session_id,
                message_id=message_id,
            )
    delete_stale_requests(tx, session_id, message_id)


def list_branches(tx: Transaction, session_id: str, current: str) -> list[dict[str, Any]]:
    """Return the branches that have items, oldest first, as the SDK's `list_branches` does."""
    rows = tx.execute(_LIST.format(rows=tx.layout.rows_sql(tx, session_id)), session_id=session_id)
    return [
        {
            "branch_id": branch_id,
            "message_count": items,
            "user_turns": turns,
            "is_current": branch_id == current,
            "created_at": created_at,
        }
        for branch_id, items, turns, created_at in rows
    ]
