"""Usage as the SDK's class stores and returns it, and the usage of turns that outlive their branch."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tui.items.codec import decode
from tui.model.requests import RequestUsage, adds_up
from tui.storage.engine import Transaction
from tui.storage.layout import TurnKey
from tui.storage.queries.requests import last_turn_key, replace_requests, replace_usage
from tui.storage.queries.usage_columns import COUNT_COLUMNS, DETAIL_COLUMNS, STORED_COLUMNS, request_usage
from tui.storage.schema import CONVO_USAGE
from tui.storage.sql import insert_into

if TYPE_CHECKING:
    from agents import Usage

__all__ = [
    "RunUsage",
    "keep_shared_usage",
    "run_usage",
    "session_usage",
    "store_usage",
    "turn_usage",
    "usage_by_turn",
]


class RunUsage(NamedTuple):
    """The tokens and requests of a run.

    Attributes:
        stored: The values of `STORED_COLUMNS`; details are JSON, or None.
        requests: Number of its requests.
        total: Their sum.
        usages: Usage of each request; empty if that is not known.
    """

    stored: dict[str, int | str | None]
    requests: int
    total: RequestUsage
    usages: tuple[RequestUsage, ...]


_STORED: Final = ", ".join(STORED_COLUMNS)
_KEPT_COLUMNS: Final = ("session_id", "message_id", "branch_id", "user_turn_number", *STORED_COLUMNS, "created_at")
_KEEP: Final = f"{insert_into('convo_usage', _KEPT_COLUMNS)} ON CONFLICT (session_id, message_id) DO NOTHING"


def run_usage(used: Usage | None, logger: logging.Logger) -> RunUsage | None:
    """Return the usage of a run; None if the run has none."""
    if used is None:
        return None
    stored: dict[str, int | str | None] = {name: getattr(used, name) or 0 for name in COUNT_COLUMNS}
    stored |= {name: _encode_details(getattr(used, name, None), logger) for name in DETAIL_COLUMNS}
    requests, total = used.requests or 0, request_usage(used)
    entries = getattr(used, "request_usage_entries", None)
    usages = tuple(map(request_usage, entries)) if isinstance(entries, list) else ()
    if not adds_up(usages, requests, total):
        usages = (total,) if requests == 1 else ()
    return RunUsage(stored, requests, total, usages)


def _encode_details(details: object, logger: logging.Logger) -> str | None:
    if not details:
        return None
    try:
        return json.dumps(vars(details))
    except (TypeError, ValueError):
        logger.warning("%s", "Failed to serialize token details")
        return None


def store_usage(tx: Transaction, session_id: str, branch_id: str, usage: RunUsage) -> bool:
    """Replace the usage of the branch's last turn and of its requests, and return False if the branch has no items."""
    turn = last_turn_key(tx, session_id, branch_id)
    if turn is None:
        return False
    replace_usage(tx, turn, usage.stored)
    replace_requests(tx, turn, usage.usages, usage.requests, usage.total)
    return True


def session_usage(tx: Transaction, session_id: str, branch_id: str) -> dict[str, int] | None:
    """Return the sum of the usage of a branch, or of the session if `branch_id` is empty; None without usage."""
    row = tx.execute(
        f"SELECT {', '.join(f'SUM({name})' for name in COUNT_COLUMNS)}, COUNT(*)"
        f" FROM {tx.layout.usage_sql(tx, session_id, branch_id or None)} AS u"
        f" WHERE session_id = :session_id{' AND branch_id = :branch_id' if branch_id else ''}",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchone()
    if row[0] is None:
        return None
    return {name: value or 0 for name, value in zip((*COUNT_COLUMNS, "total_turns"), row, strict=True)}


def turn_usage(tx: Transaction, session_id: str, branch_id: str, turn: int) -> dict[str, Any]:
    """Return the usage of one turn; an empty dict without usage."""
    sql = (
        f"SELECT {_STORED} FROM {tx.layout.usage_sql(tx, session_id, branch_id)} AS u"
        " WHERE session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :turn"
    )
    row = tx.execute(sql, session_id=session_id, branch_id=branch_id, turn=turn).fetchone()
    return {} if row is None else _decode(row)


def usage_by_turn(tx: Transaction, session_id: str, branch_id: str) -> list[dict[str, Any]]:
    """Return the usage of each turn of a branch that has usage."""
    rows = tx.execute(
        f"SELECT user_turn_number, {_STORED} FROM {tx.layout.usage_sql(tx, session_id, branch_id)} AS u"
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


def keep_shared_usage(tx: Transaction, turn: TurnKey) -> None:
    """Copy the usage of a turn to `convo_usage` if other branches share it, before the turn is deleted.

    If the turn has no message, that is done for all turns of the branch.
    """
    rows = tx.execute(tx.layout.shared_usage_sql(tx, one_turn=turn.message_id is not None), **turn._asdict()).fetchall()
    if rows:
        CONVO_USAGE.create(tx)
        tx.executemany(_KEEP, [dict(zip(_KEPT_COLUMNS, row, strict=True)) for row in rows])
