"""Giving a branch to messages that have none, as a plain `SQLiteSession` stores them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain, count
from typing import Any, Final, NamedTuple, TypeAlias

from tui.items.codec import decode_or_none
from tui.items.sealed import UNREADABLE, seal_problem, unsealed
from tui.items.types import message_type, tool_name
from tui.storage.engine import Transaction
from tui.storage.queries.branches import reserve_branch, reserve_existing_branches
from tui.storage.queries.sessions import is_plain, messages_without_branch
from tui.storage.schema import MAIN, create_branch_tables
from tui.words import plural

__all__ = ["Adoption", "TrackProgress", "added_to_branch", "adopt_messages", "adopt_plain_session"]

TrackProgress: TypeAlias = Callable[[Iterable[list[Any]], int], Iterable[list[Any]]]
"""Gets batches of rows and their approximate number, and yields the batches; may raise to stop the work."""

_BATCH: Final = 1000

_COLUMNS: Final = (
    "session_id",
    "message_id",
    "branch_id",
    "message_type",
    "sequence_number",
    "user_turn_number",
    "branch_turn_number",
    "tool_name",
    "created_at",
)

_BRANCH: Final = "plain-messages"
"""The branch of messages that were stored in a session with branches."""


class Adoption(NamedTuple):
    """The branch that messages were added to, and their number."""

    branch_id: str
    items: int


def added_to_branch(session_id: str, adopted: Adoption) -> str:
    """Return what was done, in words."""
    return f"Added {plural(adopted.items, 'message')} of '{session_id}' to branch '{adopted.branch_id}'"


def adopt_plain_session(tx: Transaction, session_id: str) -> None:
    """Add the messages of a plain session to `main`; do nothing if the session has branches."""
    tx.layout.require_readable(tx, session_id)
    if is_plain(tx, session_id):
        adopt_messages(tx, session_id)


def adopt_messages(tx: Transaction, session_id: str, track: TrackProgress | None = None) -> Adoption:
    """Write the structure rows of the messages that have none, as if they had been added one by one.

    They form `main`, or a new branch if the session has branches. Each row has the time of its message.

    Args:
        tx: A write transaction.
        session_id: The session.
        track: Gets the batches of rows and their approximate number, and yields the batches.

    Raises:
        ConvoError: A message is encrypted, and cannot be decrypted.
    """
    branch_id = MAIN
    if tx.layout.derives_main:
        # All messages are in branches.
        return Adoption(branch_id, 0)
    if not is_plain(tx, session_id):
        reserve_existing_branches(tx, session_id)
        names = chain([_BRANCH], (f"{_BRANCH}-{number}" for number in count(2)))
        branch_id = next(name for name in names if reserve_branch(tx, session_id, name))
    create_branch_tables(tx)
    sql = "SELECT COALESCE(MAX(sequence_number), 0) FROM message_structure WHERE session_id = :session_id"
    (last,) = tx.execute(sql, session_id=session_id).fetchone()
    without_branch = messages_without_branch(tx)
    (total,) = tx.execute(f"SELECT COUNT(*) {without_branch}", session_id=session_id).fetchone()
    messages = tx.execute(f"SELECT id, message_data, created_at {without_branch} ORDER BY id", session_id=session_id)
    batches: Iterable[list[Any]] = iter(partial(messages.fetchmany, _BATCH), [])
    turn = items = 0
    for batch in batches if track is None else track(batches, total // _BATCH):
        rows = []
        for message_id, text, created_at in batch:
            stored = decode_or_none(text)
            item = unsealed(stored, session_id)
            if item is UNREADABLE and (problem := seal_problem(stored, session_id)) is not None:
                # Its structure would be wrong for ever.
                raise problem
            kind = message_type(item)
            turn += kind == "user"
            items += 1
            sequence_number = last + items
            rows.append(
                (session_id, message_id, branch_id, kind, sequence_number, turn, turn, tool_name(item), created_at)
            )
        tx.insert_rows("message_structure", _COLUMNS, rows)
    return Adoption(branch_id, items)
