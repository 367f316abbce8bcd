"""Copies: a branch as a session of its own, in this file or in another one, and turns of one branch on another.

What is copied becomes new messages; the ones that it was copied from stay as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from tui.errors import ConvoError
from tui.items.codec import decode
from tui.items.types import ItemKind, item_type
from tui.storage.queries import branches
from tui.storage.queries import items as history
from tui.storage.queries.items import Encoded
from tui.storage.schema import CONVO_RUNS, MAIN, RUN_INDEX, Conversation, has_table

__all__ = ["Copied", "copy_branch", "copy_turns"]

_AT_ONCE: Final = 500
"""Items read before they are written."""

_COUNTS: Final = (
    "requests, input_tokens, output_tokens, total_tokens, input_tokens_details, output_tokens_details, created_at"
)


class Copied(NamedTuple):
    """How much was copied."""

    turns: int
    items: int


def copy_branch(
    source: sqlite3.Connection,
    origin: Conversation,
    branch_id: str,
    target: sqlite3.Connection,
    copy: Conversation,
) -> Copied:
    """Write a branch as a session, with the usage and the run records of its turns, whichever branch ran them.

    Args:
        source: The file that holds the branch.
        origin: Its session.
        branch_id: The branch.
        target: Inside a write transaction, with the SDK's tables; may be `source`.
        copy: The session to write.

    Raises:
        ConvoError: The file has a session of that name.
        ValueError: There is no such branch.
    """
    if not branches.exists(source, origin, branch_id):
        raise branches.missing(branch_id)
    _check_free(target, copy)
    target.execute(
        f"INSERT INTO {copy.tables.sessions} (session_id) VALUES (?)",
        (copy.session_id,),
    )
    firsts: dict[int, tuple[int, int]] = {}
    items = 0
    for rows in _items(source, origin, branch_id):
        target.executemany(
            f"INSERT INTO {copy.tables.messages} (session_id, message_data, created_at) VALUES (?, CAST(? AS TEXT), ?)",
            [(copy.session_id, data, written) for _, data, written, *_ in rows],
        )
        # No other writer runs meanwhile, so the new ids follow each other.
        last_id: int = target.execute("SELECT last_insert_rowid()").fetchone()[0]
        first_id = last_id - len(rows) + 1
        target.executemany(
            "INSERT INTO message_structure (session_id, branch_id, message_id, sequence_number, message_type,"
            " user_turn_number, branch_turn_number, tool_name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (copy.session_id, MAIN, message_id, number, *structure)
                for message_id, number, (_, _, _, *structure) in zip(
                    range(first_id, last_id + 1), range(items + 1, items + len(rows) + 1), rows, strict=True
                )
            ],
        )
        for message_id, (old_id, _, _, _, turn, *_) in zip(range(first_id, last_id + 1), rows, strict=True):
            firsts.setdefault(turn, (old_id, message_id))
        items += len(rows)
    target.executemany(
        f"INSERT INTO turn_usage (session_id, branch_id, user_turn_number, {_COUNTS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (copy.session_id, MAIN, turn, *counts)
            for turn, counts in sorted(_usage(source, origin, branch_id, firsts).items())
        ],
    )
    _copy_runs(source, origin, branch_id, target, copy, dict(firsts.values()))
    branches.reserve_existing(target, copy)
    return Copied(sum(1 for turn in firsts if turn), items)


def copy_turns(
    db: sqlite3.Connection, conversation: Conversation, turns: Iterable[tuple[str, int]], branch_id: str
) -> Copied:
    """Append turns of branches to a branch, in the order given.

    Args:
        db: Inside a write transaction.
        conversation: The session.
        turns: Each a branch and the number of one of its turns.
        branch_id: The branch that gets them.

    Raises:
        ConvoError: There is no such turn, one cannot be read, or a tool call would be parted from its output.
        ValueError: There is no such branch.
    """
    copied: list[Encoded] = []
    count = 0
    for source, turn in turns:
        rows = db.execute(
            "SELECT CAST(m.message_data AS BLOB), s.message_type, s.tool_name FROM message_structure AS s"
            f" CROSS JOIN {conversation.tables.messages} AS m ON m.id = s.message_id"
            " WHERE s.session_id = ? AND s.branch_id = ? AND s.user_turn_number = ? ORDER BY +s.sequence_number",
            (conversation.session_id, source, turn),
        ).fetchall()
        if not rows:
            raise ConvoError(f"Turn {turn} of '{source}' is gone.", "Mark the turns anew.")
        try:
            items = [Encoded(data.decode(), kind, tool, kind == "user") for data, kind, tool in rows]
            _check_pairs([decode(item.data) for item in items], turn, source)
        except (ValueError, RecursionError) as error:
            raise ConvoError(f"Turn {turn} of '{source}' holds an item that cannot be read.") from error
        copied += items
        count += 1
    history.append(db, conversation, branch_id, copied)
    return Copied(count, len(copied))


def _check_pairs(items: Sequence[object], turn: int, branch_id: str) -> None:
    """Refuse a turn that holds a call without its output, or an output without its call."""
    calls: dict[str, str] = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(call_id := item.get("call_id"), str):
            continue
        kind, what = item_type(str(item.get("type"))).kind, f"of {item['name']}" if item.get("name") else f"'{call_id}'"
        if kind is ItemKind.CALL:
            calls[call_id] = what
        elif kind is ItemKind.OUTPUT and calls.pop(call_id, None) is None:
            raise ConvoError(
                f"Turn {turn} of '{branch_id}' holds the output of a call '{call_id}' that is not in it:"
                " copied, they would be parted.",
            )
    for what in calls.values():
        raise ConvoError(
            f"Turn {turn} of '{branch_id}' holds a call {what} without its output: a model would refuse the copy."
        )


def _check_free(db: sqlite3.Connection, copy: Conversation) -> None:
    for table in (copy.tables.sessions, copy.tables.messages, "message_structure"):
        row = db.execute(f"SELECT 1 FROM {table} WHERE session_id = ? LIMIT 1", (copy.session_id,)).fetchone()
        if row is not None:
            raise ConvoError(f"The file has a session '{copy.session_id}' already.", "Choose another name.")


def _items(db: sqlite3.Connection, conversation: Conversation, branch_id: str) -> Iterator[list[tuple[Any, ...]]]:
    """The items of a branch, so many at once: id, content and time of the message, then its structure."""
    rows = db.execute(
        "SELECT m.id, CAST(m.message_data AS BLOB), m.created_at, s.message_type, s.user_turn_number,"
        " s.branch_turn_number, s.tool_name, s.created_at FROM message_structure AS s"
        f" CROSS JOIN {conversation.tables.messages} AS m ON m.id = s.message_id"
        " WHERE s.session_id = ? AND s.branch_id = ? ORDER BY s.sequence_number",
        (conversation.session_id, branch_id),
    )
    while some := rows.fetchmany(_AT_ONCE):
        yield some


def _usage(
    db: sqlite3.Connection, conversation: Conversation, branch_id: str, firsts: dict[int, tuple[int, int]]
) -> dict[int, tuple[Any, ...]]:
    """The usage of turns that begin with these messages: what the branch ran itself first, then the oldest."""
    found: dict[int, tuple[Any, ...]] = {}
    for turn, runner, *counts in db.execute(
        f"SELECT user_turn_number, branch_id, {_COUNTS} FROM turn_usage WHERE session_id = ?"
        " ORDER BY branch_id <> ?, id",
        (conversation.session_id, branch_id),
    ).fetchall():
        if turn in firsts and turn not in found:
            anchor = db.execute(
                "SELECT message_id FROM message_structure WHERE session_id = ? AND branch_id = ?"
                " AND user_turn_number = ? ORDER BY +sequence_number LIMIT 1",
                (conversation.session_id, runner, turn),
            ).fetchone()
            if anchor is not None and anchor[0] == firsts[turn][0]:
                found[turn] = tuple(counts)
    if has_table(db, "convo_usage"):
        for turn, message_id, *counts in db.execute(
            f"SELECT user_turn_number, message_id, {_COUNTS} FROM convo_usage WHERE session_id = ?",
            (conversation.session_id,),
        ):
            if turn in firsts and firsts[turn][0] == message_id:
                found.setdefault(turn, tuple(counts))
    return found


def _copy_runs(
    source: sqlite3.Connection,
    origin: Conversation,
    branch_id: str,
    target: sqlite3.Connection,
    copy: Conversation,
    new_ids: dict[int, int],
) -> None:
    if not has_table(source, "convo_runs"):
        return
    columns = "user_turn_number, outcome, model, agent, started_at, seconds, error, estimated, reported, created_at"
    # Of the runs of one turn the last counts: the branch's own.
    rows = source.execute(
        f"SELECT message_id, {columns} FROM convo_runs WHERE session_id = ? ORDER BY branch_id = ?, id",
        (origin.session_id, branch_id),
    )
    runs = [(copy.session_id, MAIN, new_ids[old_id], *told) for old_id, *told in rows if old_id in new_ids]
    if runs:
        target.execute(CONVO_RUNS)
        target.execute(RUN_INDEX)
        target.executemany(
            f"INSERT INTO convo_runs (session_id, branch_id, message_id, {columns})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            runs,
        )
