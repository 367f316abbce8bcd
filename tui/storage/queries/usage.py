"""The tokens of turns: storing them, adding them up, and keeping those of turns that outlive their branch.

Functions over a `Transaction`; those that write belong inside a write transaction.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tui.items.codec import decode
from tui.storage.engine import Transaction
from tui.storage.queries.usage_columns import COUNT_COLUMNS, DETAIL_COLUMNS, STORED_COLUMNS
from tui.storage.schema import CONVO_USAGE
from tui.storage.sql import insert_into

if TYPE_CHECKING:
    from agents import Usage

__all__ = [
    "RunUsage",
    "drop_stale_usage",
    "keep_shared_usage",
    "run_usage",
    "session_usage",
    "store_usage",
    "turn_usage",
    "usage_by_turn",
]

RunUsage: TypeAlias = Mapping[str, int | str | None]
"""The tokens of a run by `STORED_COLUMNS`: details as JSON, None where there are none."""

_STORED: Final = ", ".join(STORED_COLUMNS)
_KEPT_COLUMNS: Final = ("session_id", "message_id", "branch_id", "user_turn_number", *STORED_COLUMNS, "created_at")
_STORE: Final = insert_into("turn_usage", ("session_id", "branch_id", "user_turn_number", *STORED_COLUMNS))
_KEEP: Final = f"{insert_into('convo_usage', _KEPT_COLUMNS)} ON CONFLICT (session_id, message_id) DO NOTHING"


def _shared(tx: Transaction, *, one_turn: bool) -> str:
    """Return a query for usage of a branch's turns whose first message other branches hold.

    A turn is left out where one of those branches has its own usage for it.
    """
    which = "AND user_turn_number = :turn" if one_turn else ""
    return f"""
        WITH ran AS (
            SELECT session_id, branch_id, user_turn_number, {_STORED}, created_at,
                   (SELECT message_id FROM message_structure WHERE id = (
                       SELECT MIN(id) FROM message_structure AS s
                       WHERE s.session_id = u.session_id AND s.branch_id = u.branch_id
                         AND s.user_turn_number = u.user_turn_number
                   )) AS message_id
            FROM turn_usage AS u
            WHERE session_id = :session_id AND branch_id = :branch_id {which}
        )
        SELECT {", ".join(_KEPT_COLUMNS)} FROM ran
        WHERE EXISTS (
            SELECT 1 FROM message_structure AS o WHERE o.message_id = ran.message_id AND o.branch_id <> ran.branch_id
        ) AND NOT EXISTS (
            SELECT 1 FROM message_structure AS o
            {tx.dialect.ordered_join} turn_usage AS t ON t.session_id = o.session_id AND t.branch_id = o.branch_id
                AND t.user_turn_number = o.user_turn_number
            WHERE o.message_id = ran.message_id AND o.branch_id <> ran.branch_id
        )
    """


def run_usage(used: Usage | None, logger: logging.Logger) -> RunUsage | None:
    """Return the usage of a run as it is stored; None where the run has none."""
    if used is None:
        return None
    counts: dict[str, int | str | None] = {name: getattr(used, name) or 0 for name in COUNT_COLUMNS}
    return counts | {name: _encode_details(getattr(used, name, None), logger) for name in DETAIL_COLUMNS}


def _encode_details(details: object, logger: logging.Logger) -> str | None:
    if not details:
        return None
    try:
        return json.dumps(vars(details))
    except (TypeError, ValueError):
        logger.warning("%s", "Failed to serialize token details")
        return None


def store_usage(tx: Transaction, session_id: str, branch_id: str, usage: RunUsage) -> bool:
    """Store a run's usage for the branch's last turn, in place of what was stored for it.

    Returns:
        False where the branch has no items, and nothing was stored.
    """
    # MAX over no rows gives one row with NULL, LIMIT gives none.
    row = tx.execute(
        "SELECT user_turn_number FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id"
        " ORDER BY user_turn_number DESC LIMIT 1",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchone()
    if row is None:
        return False
    key = {"session_id": session_id, "branch_id": branch_id, "user_turn_number": row[0] or 0}
    # Deleted and inserted, not updated: the row gets a new id and time, by which others see that it is new.
    tx.execute(
        "DELETE FROM turn_usage WHERE session_id = :session_id AND branch_id = :branch_id"
        " AND user_turn_number = :user_turn_number",
        **key,
    )
    tx.execute(_STORE, **key, **usage)
    return True


def session_usage(tx: Transaction, session_id: str, branch_id: str) -> dict[str, int] | None:
    """Return the sum over one branch's turns, or over all branches' for the empty id; None where nothing is stored."""
    row = tx.execute(
        f"SELECT {', '.join(f'SUM({name})' for name in COUNT_COLUMNS)}, COUNT(*) FROM turn_usage"
        f" WHERE session_id = :session_id{' AND branch_id = :branch_id' if branch_id else ''}",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchone()
    if row[0] is None:
        return None
    return {name: value or 0 for name, value in zip((*COUNT_COLUMNS, "total_turns"), row, strict=True)}


def turn_usage(tx: Transaction, session_id: str, branch_id: str, turn: int) -> dict[str, Any]:
    """Return the usage of one turn; empty where nothing is stored."""
    sql = (
        f"SELECT {_STORED} FROM turn_usage"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :turn"
    )
    row = tx.execute(sql, session_id=session_id, branch_id=branch_id, turn=turn).fetchone()
    return {} if row is None else _decode(row)


def usage_by_turn(tx: Transaction, session_id: str, branch_id: str) -> list[dict[str, Any]]:
    """Return the usage of each turn of a branch for which some is stored."""
    rows = tx.execute(
        f"SELECT user_turn_number, {_STORED} FROM turn_usage"
        " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY user_turn_number",
        session_id=session_id,
        branch_id=branch_id,
    )
    return [{"user_turn_number": turn, **_decode(stored)} for turn, *stored in rows]


def _decode(stored: Sequence[Any]) -> dict[str, Any]:
    usage = dict(zip(STORED_COLUMNS, stored, strict=True))
    return usage | {name: _decode_details(usage[name]) for name in DETAIL_COLUMNS}


def _decode_details(stored: str | None) -> Any:
    if not stored:
        return None
    try:
        return decode(stored)
    except ValueError:
        return None


def keep_shared_usage(tx: Transaction, session_id: str, branch_id: str, turn: int | None = None) -> None:
    """Keep the usage of turns that other branches share, before a branch, or one turn of it, is deleted."""
    rows = tx.execute(
        _shared(tx, one_turn=turn is not None), session_id=session_id, branch_id=branch_id, turn=turn
    ).fetchall()
    if rows:
        CONVO_USAGE.create(tx)
        tx.executemany(_KEEP, [dict(zip(_KEPT_COLUMNS, row, strict=True)) for row in rows])


def drop_stale_usage(tx: Transaction, session_id: str, message_id: int | None = None) -> None:
    """Drop the kept usage of turns whose first message is gone.

    Args:
        tx: A write transaction.
        session_id: The session.
        message_id: The only first message to look for; None for all.
    """
    if tx.has_table(CONVO_USAGE.name):
        tx.execute(
            "DELETE FROM convo_usage WHERE session_id = :session_id"
            f"{'' if message_id is None else ' AND message_id = :message_id'}"
            f" AND NOT EXISTS (SELECT 1 FROM {tx.tables.messages} AS m WHERE m.id = convo_usage.message_id)",
            session_id=session_id,
            message_id=message_id,
        )
