"""Pages of a branch: its items by position, and the rows of the tree by turn.

In `ORDER BY`, a `+` before a column keeps SQLite on the index that finds the turn; otherwise it would read all of the
branch by another index, to avoid sorting a few rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tui.errors import NotFoundError
from tui.items.failure import is_error
from tui.items.text import item_text
from tui.items.types import MESSAGE_TYPES, is_call, shown_type, with_recorded_type
from tui.model import Item, Page, Session, Turn
from tui.storage.engine import Transaction
from tui.storage.queries.positions import PositionIndex
from tui.storage.queries.turn_usage import usage_of_turns
from tui.storage.schema import MAIN

__all__ = ["PageAround", "count_items", "last_branch", "read_page", "read_page_around", "read_turns", "read_user_text"]

_PAGE_ITEMS: Final = 64
"""Items that are read around a turn."""

_PAGE_LONG_ITEMS: Final = 16
"""The same if the items are long."""

_MAX_FULL_BYTES: Final = 1 << 16
"""Bytes up to which an item is read completely for a row of the tree."""

_BEGINNING_BYTES: Final = 1 << 13
"""Bytes that are read of a longer item: more than a row shows, and enough to recognize a failure."""

_PREVIEW_CHARACTERS: Final = 200
"""Characters of a user message that a row of the tree shows at most."""


class PageAround(NamedTuple):
    """Items around a turn.

    Attributes:
        items: Number of items of the branch.
        position: Number of items before the turn.
        page: Some of the items.
    """

    items: int
    position: int
    page: Page


def count_items(tx: Transaction, session: Session) -> dict[str, int]:
    """Return the number of items of each branch of a session that has items."""
    rows = tx.execute(
        f"SELECT branch_id, COUNT(*) FROM {tx.structure_table(session)} WHERE session_id = :session_id"
        " GROUP BY branch_id",
        session_id=session.session_id,
    )
    return dict(rows)


def last_branch(tx: Transaction, session: Session) -> str:
    """Return the branch of a session that received its newest item."""
    return tx.layout.last_branch(tx, session) or MAIN


def read_turns(tx: Transaction, session: Session, holders: Sequence[str], first: int, last: int) -> tuple[Turn, ...]:
    """Return the turns `first` to `last` of a chain for the tree; `holders` are the branches that hold them."""
    sql = (
        "SELECT t.user_turn_number, CAST(t.message_type AS TEXT), CAST(t.created_at AS TEXT),"
        f" m.id, {tx.dialect.is_missing('m.message_data')}"
        f" FROM {tx.structure_table(session)} t LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id"
        " WHERE t.session_id = :session_id AND t.branch_id = :branch_id"
        " AND t.user_turn_number >= :first AND t.user_turn_number <= :last ORDER BY +t.sequence_number"
    )
    with tx.narrowed(holders[0], turns=range(first, last + 1)):
        rows = tx.execute(sql, session_id=session.session_id, branch_id=holders[0], first=first, last=last).fetchall()
    usages = usage_of_turns(tx, session.session_id, holders, first, last)
    first_ids = {number: message_id for number, _, _, message_id, _ in reversed(rows)}
    shown = {message_id for message_id in first_ids.values() if message_id is not None}
    may_fail = {
        message_id for _, kind, _, message_id, is_missing in rows if kind not in MESSAGE_TYPES and not is_missing
    }
    texts: dict[int, str] = {}
    failed: set[int] = set()
    are_short: list[int] = []
    ids = [*(shown | may_fail)]
    for message_id, item in zip(ids, tx.messages.read_prefixes(ids, _MAX_FULL_BYTES, _BEGINNING_BYTES), strict=True):
        if message_id in may_fail and is_error(item.data):
            failed.add(message_id)
        if message_id in shown:
            texts[message_id] = _first_words(item.data)
            if not item.unread:
                are_short.append(message_id)
    # The time is stored after the text: to find it, a long item would be read completely.
    times = tx.messages.stored_times(are_short)
    turns: dict[int, Turn] = {}
    for number, kind, created_at, message_id, is_missing in rows:
        turn = turns.get(number)
        if turn is None:
            usage = usages.get(number)
            is_long = message_id in texts and message_id not in times
            turn = Turn(
                number=number,
                text=texts.get(message_id, "") if number else "",
                items=0,
                tokens=usage.usage.total_tokens if usage and usage.usage else None,
                estimated=bool(usage and usage.usage and usage.usage.estimated),
                created_at=created_at if is_long else times.get(message_id),
            )
        turns[number] = turn._replace(
            items=turn.items + 1,
            tools=turn.tools + is_call(kind),
            errors=turn.errors + (bool(is_missing) or message_id in failed),
        )
    return tuple(turns.values())


def read_user_text(tx: Transaction, session: Session, branch_id: str, turn: int) -> str:
    """Return the complete text of the user message of a turn.

    Raises:
        NotFoundError: There is no such turn, or its message cannot be decoded.
    """
    sql = (
        f"SELECT m.id FROM {tx.structure_table(session)} t JOIN {tx.tables.messages} m ON m.id = t.message_id"
        " WHERE t.session_id = :session_id AND t.branch_id = :branch_id AND t.user_turn_number = :turn"
        " AND t.message_type = 'user' ORDER BY +t.sequence_number LIMIT 1"
    )
    with tx.narrowed(branch_id, turns=(turn,)):
        row = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, turn=turn).fetchone()
    item = next(tx.messages.read_prefixes([row[0]], None)).data if row else None
    if item is None:
        raise NotFoundError(f"Turn {turn} of '{branch_id}' has no readable user message.")
    return item_text(item)


def read_page(
    tx: Transaction, positions: PositionIndex, session: Session, branch_id: str, start: int, stop: int
) -> Page:
    """Return the existing items of a branch from position `start` to before `stop`.

    Only the beginning of an item with more than `tui.storage.engine.MAX_READ_BYTES` is read.
    """
    (sequence, row_id), offset = positions.seek(tx, session, branch_id, start)
    with tx.narrowed(branch_id, positions=range(start, stop)):
        rows = tx.execute(
            "SELECT m.id, t.message_id, t.user_turn_number, CAST(t.message_type AS TEXT),"
            " CAST(t.tool_name AS TEXT), CAST(t.created_at AS TEXT)"
            f" FROM (SELECT * FROM {tx.structure_table(session)} WHERE session_id = :session_id"
            " AND branch_id = :branch_id AND (sequence_number, id) >= (:sequence, :id)"
            " ORDER BY sequence_number, id LIMIT :count OFFSET :offset) t"
            f" LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id ORDER BY t.sequence_number, t.id",
            session_id=session.session_id,
            branch_id=branch_id,
            sequence=sequence,
            id=row_id,
            count=stop - start,
            offset=offset,
        ).fetchall()
    read = [*tx.messages.read_prefixes([row[0] for row in rows])]
    times = tx.messages.stored_times(
        [row[0] for row, item in zip(rows, read, strict=True) if row[0] is not None and not item.unread]
    )
    items = []
    for position, ((stored, message_id, turn, kind, tool, created_at), item) in enumerate(
        zip(rows, read, strict=True), start
    ):
        data = with_recorded_type(item.data, kind, tool) if item.cut else item.data
        kind, tool = shown_type(kind, tool, data)
        time = created_at if item.unread else times.get(stored)
        turn = turn if isinstance(turn, int) else 0
        items.append(Item(message_id, position, turn, kind, tool, time, *item._replace(data=data)))
    return Page(branch_id, start, tuple(items))


def read_page_around(
    tx: Transaction, positions: PositionIndex, session: Session, branch_id: str, turn: int, *, at_end: bool
) -> PageAround:
    """Return items around the beginning of a turn, or, with `at_end`, the last items of the branch."""
    items = positions.count(tx, session, branch_id)
    position = positions.position(tx, session, branch_id, turn)
    count = _PAGE_LONG_ITEMS if tx.messages.are_long else _PAGE_ITEMS
    start = max(items - count if at_end else position - count // 4, 0)
    return PageAround(items, position, read_page(tx, positions, session, branch_id, start, start + count))


def _first_words(item: object) -> str:
    """Return the beginning of a user message on one line."""
    return " ".join(item_text(item)[: 4 * _PREVIEW_CHARACTERS].split())[:_PREVIEW_CHARACTERS]
