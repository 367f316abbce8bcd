"""What was said and which tools were called, turn by turn: reads over one branch."""

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

__all__ = [
    "_user_message",
    "check_fork_turn",
    "check_user_turn",
    "find_turns",
    "items_by_turn",
    "list_turns",
    "tool_usage",
]

_PREVIEW: Final = 100

_COUNTED: Final = tuple(name for name, row in TYPES.items() if row.counted_by_sdk)
_UNNAMED: Final = tuple(name for name, row in TYPES.items() if row.unnamed_in_old_files)

# One pass. Older SDKs stored shell and patch calls without a name. Where a search was never called by name, its output
# stands for the call.
_TOOLS: Final = f"""
    SELECT name, calls + CASE WHEN searches = 0 OR name IS NULL THEN outputs ELSE 0 END AS used, turn
    FROM (
        SELECT COALESCE(
                   tool_name, CASE WHEN message_type IN {sql_list(_UNNAMED)} THEN message_type END
               ) AS name,
               user_turn_number AS turn,
               SUM(message_type <> 'tool_search_output') AS calls,
               SUM(message_type = 'tool_search_call') AS searches,
               SUM(message_type = 'tool_search_output') AS outputs
        FROM message_structure
        WHERE session_id = :session AND branch_id = :branch AND message_type IN {sql_list(_COUNTED)}
        GROUP BY user_turn_number, name
    )
    WHERE used > 0
    ORDER BY turn, name
"""


def _user_message(tx: Transaction, session_id: str, branch_id: str, turn: int) -> str | None:
    """The stored user message that a turn starts with; None where the branch has no such turn."""
    row: tuple[str] | None = tx.execute(
        f"""
        SELECT m.message_data FROM message_structure AS s
        CROSS JOIN {tx.tables.messages} AS m ON m.id = s.message_id
        WHERE s.session_id = ? AND s.branch_id = ? AND s.user_turn_number = ? AND s.message_type = 'user'
        """,
        (session_id, branch_id, turn),
    ).fetchone()
    return None if row is None else row[0]


def check_user_turn(tx: Transaction, session_id: str, branch_id: str, turn: int) -> int:
    """A turn of a branch that starts with a user message.

    Raises:
        ValueError: It does not.
    """
    if _user_message(tx, session_id, branch_id, turn) is None:
        raise ValueError(f"Turn {turn} does not contain a user message in branch '{branch_id}'")
    return turn


def check_fork_turn(tx: Transaction, session_id: str, branch_id: str, turn: int | None) -> int:
    """The first turn that a fork does not share: a turn of the branch, or the one after its last, which None means.

    Raises:
        ValueError: There is no such branch or turn.
    """
    if not branch_exists(tx, session_id, branch_id):
        raise missing_branch(branch_id)
    after_last = last_turn(tx, session_id, branch_id) + 1
    if turn is None or turn == after_last:
        return after_last
    return check_user_turn(tx, session_id, branch_id, turn)


def list_turns(tx: Transaction, session_id: str, branch_id: str) -> list[dict[str, Any]]:
    """The user messages of a branch, their beginnings under `content`."""
    found = []
    for turn, data, created_at in _user_messages(tx, session_id, branch_id):
        message = _message(data)
        if message is not None:
            content = message.get("content", "")
            text = _as_text(content)
            preview = text[:_PREVIEW] + "..." if len(text) > _PREVIEW else text
            found.append(_turn(turn, preview, content, created_at))
    return found


def find_turns(tx: Transaction, session_id: str, branch_id: str, term: str) -> list[dict[str, Any]]:
    """The user messages of a branch that contain `term`, whatever the case of its ASCII letters."""
    pattern = re.compile(re.escape(term), re.IGNORECASE | re.ASCII)
    # The stored JSON narrows the search down; it may match where the decoded text does not.
    escaped = re.sub(r"[\\%_]", r"\\\g<0>", json.dumps(term)[1:-1])
    found = []
    for turn, data, created_at in _user_messages(tx, session_id, branch_id, like=f"%{escaped}%"):
        message = _message(data)
        if message is not None:
            content = message.get("content", "")
            if any(pattern.search(text) for text in _texts(content)):
                found.append(_turn(turn, _as_text(content), content, created_at))
    return found


def _user_messages(tx: Transaction, session_id: str, branch_id: str, like: str = "%") -> Rows:
    return tx.execute(
        f"""
        SELECT s.branch_turn_number, m.message_data, s.created_at FROM message_structure AS s
        CROSS JOIN {tx.tables.messages} AS m ON m.id = s.message_id
        WHERE s.session_id = ? AND s.branch_id = ? AND s.message_type = 'user' AND m.message_data LIKE ? ESCAPE '\\'
        ORDER BY s.sequence_number
        """,
        (session_id, branch_id, like),
    )


def _message(data: str) -> dict[str, Any] | None:
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
    return {
        "turn": number,
        "content": preview,
        "full_content": content,
        "timestamp": created_at,
        "can_branch": True,
    }


def items_by_turn(tx: Transaction, session_id: str, branch_id: str) -> dict[int, list[dict[str, str | None]]]:
    """Type and tool of every item of a branch, under the number of its turn."""
    grouped: defaultdict[int, list[dict[str, str | None]]] = defaultdict(list)
    for turn, kind, tool in tx.execute(
        "SELECT user_turn_number, message_type, tool_name FROM message_structure"
        " WHERE session_id = ? AND branch_id = ? ORDER BY sequence_number",
        (session_id, branch_id),
    ):
        grouped[turn].append({"type": kind, "tool_name": tool})
    return dict(grouped)


def tool_usage(tx: Transaction, session_id: str, branch_id: str) -> list[tuple[str, int, int]]:
    """How often each tool was called in each turn: name, calls, turn.

    The output of a tool search counts as a call where the turn holds no call for it.
    """
    return tx.execute(_TOOLS, {"session": session_id, "branch": branch_id}).fetchall()
