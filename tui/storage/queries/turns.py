"""The turns of a branch as the SDK's class returns them: user messages, types of items, and tool calls."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any, Final

from tui.items.codec import decode
from tui.items.types import TYPES
from tui.storage.engine import Rows, Transaction
from tui.storage.queries.branches import branch_exists, last_turn, missing_branch
from tui.storage.type_conditions import sql_list

__all__ = ["find_turns", "items_by_turn", "list_turns", "require_user_turn", "resolve_fork_turn", "tool_usage"]

_PREVIEW: Final = 100

_COUNTED: Final = tuple(name for name, row in TYPES.items() if row.in_sdk_tool_usage)
_UNNAMED: Final = tuple(name for name, row in TYPES.items() if row.unnamed_in_old_files)

# Early versions of the SDK stored shell and patch calls without a name. If a turn holds no calls of a tool search, the
# outputs of the search are counted in their place.
_TOOLS: Final = f"""
    SELECT name, used, turn FROM (
        SELECT name, calls + CASE WHEN searches = 0 OR name IS NULL THEN outputs ELSE 0 END AS used, turn
        FROM (
            SELECT COALESCE(
                       tool_name, CASE WHEN message_type IN {sql_list(_UNNAMED)} THEN message_type END
                   ) AS name,
                   user_turn_number AS turn,
                   COUNT(*) FILTER (WHERE message_type <> 'tool_search_output') AS calls,
                   COUNT(*) FILTER (WHERE message_type = 'tool_search_call') AS searches,
                   COUNT(*) FILTER (WHERE message_type = 'tool_search_output') AS outputs
            FROM {{rows}} AS s
            WHERE session_id = :session_id AND branch_id = :branch_id AND message_type IN {sql_list(_COUNTED)}
            GROUP BY user_turn_number, name
        ) AS counted
    ) AS calls_of_tools
    WHERE used > 0
    ORDER BY turn, name
"""


def require_user_turn(tx: Transaction, session_id: str, branch_id: str, turn: int) -> None:
    """Raise ValueError if a branch has no such turn, or the turn has no user message."""
    with tx.narrowed(branch_id, turns=(turn,)):
        row = tx.execute(
            f"""
            SELECT 1 FROM {tx.layout.rows_sql(tx, session_id, branch_id)} AS s
            {tx.dialect.ordered_join} {tx.layout.messages_sql(tx, branch_id)} AS m ON m.id = s.message_id
            WHERE s.session_id = :session_id AND s.branch_id = :branch_id AND s.user_turn_number = :turn
                AND s.message_type = 'user'
            LIMIT 1
            """,
            session_id=session_id,
            branch_id=branch_id,
            turn=turn,
        ).fetchone()
    if row is None:
        raise ValueError(f"Turn {turn} does not contain a user message in branch '{branch_id}'")


def resolve_fork_turn(tx: Transaction, session_id: str, branch_id: str, turn: int | None) -> int:
    """Return the first turn that a fork does not share: `turn`, or for None the turn after the last.

    Raises:
        ValueError: There is no such branch or turn.
    """
    if not branch_exists(tx, session_id, branch_id):
        raise missing_branch(branch_id)
    last = last_turn(tx, session_id, branch_id)
    if turn is None or turn == last + 1:
        return last + 1
    if not 1 <= turn <= last:
        known = f"its last turn is {last}" if last else "it has no turns"
        raise ValueError(f"Branch '{branch_id}' has no turn {turn}: {known}")
    require_user_turn(tx, session_id, branch_id, turn)
    return turn


def list_turns(tx: Transaction, session_id: str, branch_id: str) -> list[dict[str, Any]]:
    """Return the user messages of a branch; `content` holds the beginning of each."""
    found = []
    for turn, data, created_at in _user_messages(tx, session_id, branch_id):
        message = _decode_item(data)
        if message is not None:
            content = message.get("content", "")
            text = _as_text(content)
            preview = text[:_PREVIEW] + "..." if len(text) > _PREVIEW else text
            found.append(_turn(turn, preview, content, created_at))
    return found


def find_turns(tx: Transaction, session_id: str, branch_id: str, term: str) -> list[dict[str, Any]]:
    """Return the user messages of a branch that contain `term`, ignoring the case of ASCII letters."""
    pattern = re.compile(re.escape(term), re.IGNORECASE | re.ASCII)
    # The stored JSON narrows the search down; it may match although the decoded text does not.
    escaped = re.sub(r"[\\%_]", r"\\\g<0>", json.dumps(term)[1:-1])
    found = []
    for turn, data, created_at in _user_messages(tx, session_id, branch_id, like=f"%{escaped}%"):
        message = _decode_item(data)
        if message is not None:
            content = message.get("content", "")
            if any(pattern.search(text) for text in _texts(content)):
                found.append(_turn(turn, _as_text(content), content, created_at))
    return found


def _user_messages(tx: Transaction, session_id: str, branch_id: str, like: str | None = None) -> Rows:
    matches = "IS NOT NULL" if like is None else f"{tx.dialect.like} :like ESCAPE '\\'"
    with tx.narrowed(branch_id, message_type="user"):
        return tx.execute(
            f"""
            SELECT s.branch_turn_number, m.message_data, s.created_at
            FROM {tx.layout.rows_sql(tx, session_id, branch_id)} AS s
            {tx.dialect.ordered_join} {tx.layout.messages_sql(tx, branch_id)} AS m ON m.id = s.message_id
            WHERE s.session_id = :session_id AND s.branch_id = :branch_id AND s.message_type = 'user'
                AND m.message_data {matches}
            ORDER BY s.sequence_number
            """,
            session_id=session_id,
            branch_id=branch_id,
            like=like,
        )


def _decode_item(data: str) -> dict[str, Any] | None:
    try:
        item = decode(data)
    except ValueError:
        return None
    return item if isinstance(item, dict) else None


def _as_text(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        return []
    texts = (part.get("text", "") for part in content)
    return [text for text in texts if isinstance(text, str)]


def _turn(number: int, preview: str, content: object, created_at: str) -> dict[str, Any]:
    return {"turn": number, "content": preview, "full_content": content, "timestamp": created_at, "can_branch": True}


def items_by_turn(tx: Transaction, session_id: str, branch_id: str) -> dict[int, list[dict[str, str | None]]]:
    """Return the type and the tool of every item of a branch by the number of its turn."""
    grouped: defaultdict[int, list[dict[str, str | None]]] = defaultdict(list)
    for turn, kind, tool in tx.execute(
        f"SELECT user_turn_number, message_type, tool_name FROM {tx.layout.rows_sql(tx, session_id, branch_id)} AS s"
        " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number",
        session_id=session_id,
        branch_id=branch_id,
    ):
        grouped[turn].append({"type": kind, "tool_name": tool})
    return dict(grouped)


def tool_usage(tx: Transaction, session_id: str, branch_id: str) -> list[tuple[str, int, int]]:
    """Return the name, the number of calls and the turn of each tool that was called in a turn."""
    sql = _TOOLS.format(rows=tx.layout.rows_sql(tx, session_id, branch_id))
    return tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchall()
