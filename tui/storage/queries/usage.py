"""Tokens of the turns: storing them, adding them up, and keeping those of turns that outlive their branch.

Functions over a `Transaction`; those that write belong inside a write transaction.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tui.items.codec import decode
from tui.storage.engine import Transaction
from tui.storage.schema import CONVO_USAGE

if TYPE_CHECKING:
    from agents import Usage

__all__ = [
    "RunUsage",
    "drop_orphaned_usage",
    "keep_shared_usage",
    "run_usage",
    "session_usage",
    "store_usage",
    "turn_usage",
    "usage_by_turn",
]

_COUNTS: Final = "requests, input_tokens, output_tokens, total_tokens, input_tokens_details, output_tokens_details"

# Usage of a branch's turns whose first message other branches hold, unless one of those has its own usage for it.
_SHARED: Final = f"""
    WITH ran AS (
        SELECT session_id, branch_id, user_turn_number, {_COUNTS}, created_at,
               (SELECT message_id FROM message_structure WHERE id = (
                   SELECT MIN(id) FROM message_structure AS s
                   WHERE s.session_id = u.session_id AND s.branch_id = u.branch_id
                     AND s.user_turn_number = u.user_turn_number
               )) AS message_id
        FROM turn_usage AS u
        WHERE session_id = :session AND branch_id = :branch AND (:turn IS NULL OR user_turn_number = :turn)
    )
    SELECT session_id, message_id, branch_id, user_turn_number, {_COUNTS}, created_at FROM ran
    WHERE EXISTS (
        SELECT 1 FROM message_structure AS o WHERE o.message_id = ran.message_id AND o.branch_id <> ran.branch_id
    ) AND NOT EXISTS (
        SELECT 1 FROM message_structure AS o
        CROSS JOIN turn_usage AS t ON t.session_id = o.session_id AND t.branch_id = o.branch_id
            AND t.user_turn_number = o.user_turn_number
        WHERE o.message_id = ran.message_id AND o.branch_id <> ran.branch_id
    )
"""


class RunUsage(NamedTuple):
    """What a run used, as it is stored: the details as JSON, None where there are none."""

    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: str | None
    output_tokens_details: str | None


def run_usage(used: Usage | None, logger: logging.Logger) -> RunUsage | None:
    """What a run's usage stores; None where the run has none."""
    if used is None:
        return None
    return RunUsage(
        used.requests or 0,
        used.input_tokens or 0,
        used.output_tokens or 0,
        used.total_tokens or 0,
        _encoded(getattr(used, "input_tokens_details", None), logger),
        _encoded(getattr(used, "output_tokens_details", None), logger),
    )


def _encoded(details: object, logger: logging.Logger) -> str | None:
    if not details:
        return None
    try:
        return json.dumps(vars(details))
    except (TypeError, ValueError):
        logger.warning("%s", "Failed to serialize token details")
        return None


def store_usage(tx: Transaction, session_id: str, branch_id: str, spent: RunUsage) -> bool:
    """Store a run's usage for the branch's last turn, in place of what was stored for it.

    Returns:
        False where the branch has no items, and nothing was stored.
    """
    key = (session_id, branch_id)
    # MAX over no rows gives one row with NULL, LIMIT gives none.
    row = tx.execute(
        "SELECT user_turn_number FROM message_structure WHERE session_id = ? AND branch_id = ?"
        " ORDER BY user_turn_number DESC LIMIT 1",
        key,
    ).fetchone()
    if row is None:
        return False
    tx.execute(
        f"INSERT OR REPLACE INTO turn_usage (session_id, branch_id, user_turn_number, {_COUNTS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, row[0] or 0, *spent),
    )
    return True


def session_usage(tx: Transaction, session_id: str, branch_id: str) -> dict[str, int] | None:
    """The sum over one branch's turns, or over all branches' for the empty id; None where nothing is stored."""
    row = tx.execute(
        "SELECT SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens), COUNT(*)"
        f" FROM turn_usage WHERE session_id = :session {'AND branch_id = :branch' if branch_id else ''}",
        {"session": session_id, "branch": branch_id},
    ).fetchone()
    if row[0] is None:
        return None
    names = ("requests", "input_tokens", "output_tokens", "total_tokens", "total_turns")
    return {name: value or 0 for name, value in zip(names, row, strict=True)}


def turn_usage(tx: Transaction, session_id: str, branch_id: str, turn: int) -> dict[str, Any]:
    """The usage of one turn; empty where nothing is stored."""
    row = tx.execute(
        f"SELECT {_COUNTS} FROM turn_usage WHERE session_id = ? AND branch_id = ? AND user_turn_number = ?",
        (session_id, branch_id, turn),
    ).fetchone()
    return {} if row is None else _counts(*row)


def usage_by_turn(tx: Transaction, session_id: str, branch_id: str) -> list[dict[str, Any]]:
    """The usage of each of a branch's turns for which one is stored."""
    rows = tx.execute(
        f"SELECT user_turn_number, {_COUNTS} FROM turn_usage WHERE session_id = ? AND branch_id = ?"
        " ORDER BY user_turn_number",
        (session_id, branch_id),
    )
    return [{"user_turn_number": turn, **_counts(*counts)} for turn, *counts in rows]


def _counts(
    requests: int,
    input_tokens: int,
    output_tokens: int,
    total_tokens: int,
    input_details: str | None,
    output_details: str | None,
) -> dict[str, Any]:
    return {
        "requests": requests,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": total_tokens,
        "input_tokens_details": _details(input_details),
        "output_tokens_details": _details(output_details),
    }


def _details(stored: str | None) -> Any:
    if not stored:
        return None
    try:
        return decode(stored)
    except ValueError:
        return None


def keep_shared_usage(tx: Transaction, session_id: str, branch_id: str, turn: int | None = None) -> None:
    """Before a branch, or one turn of it, goes: keep the usage of turns that live on in other branches."""
    shared = tx.execute(_SHARED, {"session": session_id, "branch": branch_id, "turn": turn}).fetchall()
    if shared:
        tx.execute(CONVO_USAGE)
        tx.executemany(
            f"INSERT OR IGNORE INTO convo_usage (session_id, message_id, branch_id, user_turn_number, {_COUNTS},"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            shared,
        )


def drop_orphaned_usage(tx: Transaction, session_id: str) -> None:
    """Drop what was kept for turns whose messages are gone now."""
    if tx.has_table("convo_usage"):
        tx.execute(
            "DELETE FROM convo_usage WHERE session_id = ? AND NOT EXISTS"
            f" (SELECT 1 FROM {tx.tables.messages} AS m WHERE m.id = convo_usage.message_id)",
            (session_id,),
        )
