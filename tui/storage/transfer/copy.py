"""Copies: a branch as a session of its own, in this file or in another one, and turns of one branch on another.

What is copied becomes new messages; the ones that it was copied from stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from tui.errors import ConvoError
from tui.items.codec import decode
from tui.items.types import ItemKind, item_type
from tui.storage.engine import Transaction
from tui.storage.queries.branches import branch_exists, missing_branch, reserve_existing_branches
from tui.storage.queries.items import EncodedItem, append_items
from tui.storage.schema import CONVO_RUNS, MAIN

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
    source: Transaction, session_id: str, branch_id: str, target: Transaction, new_session_id: str
) -> Copied:
    """Write a branch as a session, with the usage and the run records of its turns, whichever branch ran them.

    Args:
        source: The file that holds the branch.
        session_id: Its session.
        branch_id: The branch.
        target: A write transaction of a file with the SDK's tables; may be `source`.
        new_session_id: The session to write.

    Raises:
        ConvoError: The file has a session of that name.
        ValueError: There is no such branch.
    """
    if not branch_exists(source, session_id, branch_id):
        raise missing_branch(branch_id)
    _check_free(target, new_session_id)
    target.execute(f"INSERT INTO {target.tables.sessions} (session_id) VALUES (?)", (new_session_id,))
    firsts: dict[int, tuple[int, int]] = {}
    items = 0
    for rows in _items(source, session_id, branch_id):
        ids = target.insert_messages(new_session_id, [row[1] for row in rows], [row[2] for row in rows])
        target.executemany(
            "INSERT INTO message_structure (session_id, branch_id, message_id, sequence_number, message_type,"
            " user_turn_number, branch_turn_number, tool_name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (new_session_id, MAIN, message_id, number, *structure)
                for message_id, number, (_, _, _, *structure) in zip(
                    ids, range(items + 1, items + len(rows) + 1), rows, strict=True
                )
            ],
        )
        for message_id, (old_id, _, _, _, turn, *_) in zip(ids, rows, strict=True):
            firsts.setdefault(turn, (old_id, message_id))
        items += len(rows)
    target.executemany(
        f"INSERT INTO turn_usage (session_id, branch_id, user_turn_number, {_COUNTS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (new_session_id, MAIN, turn, *counts)
            for turn, counts in sorted(_usage(source, session_id, branch_id, firsts).items())
        ],
    )
    _copy_runs(source, session_id, branch_id, target, new_session_id, dict(firsts.values()))
    reserve_existing_branches(target, new_session_id)
    return Copied(sum(1 for turn in firsts if turn), items)


def copy_turns(tx: Transaction, session_id: str, turns: Iterable[tuple[str, int]], branch_id: str) -> Copied:
    """Append turns of branches to a branch, in the order given.

    Args:
        tx: A write transaction.
        session_id: The session.
        turns: Each a branch and the number of one of its turns.
        branch_id: The branch that gets them.

    Raises:
        ConvoError: There is no such turn, one cannot be read, or a tool call would be parted from its output.
        ValueError: There is no such branch.
    """
    copied: list[EncodedItem] = []
    count = 0
    for source, turn in turns:
        rows = tx.execute(
            "SELECT CAST(m.message_data AS BLOB), s.message_type, s.tool_name FROM message_structure AS s"
            f" CROSS JOIN {tx.tables.messages} AS m ON m.id = s.message_id"
            " WHERE s.session_id = ? AND s.branch_id = ? AND s.user_turn_number = ? ORDER BY +s.sequence_number",
            (session_id, source, turn),
        ).fetchall()
        if not rows:
            raise ConvoError(f"Turn {turn} of '{source}' is gone.", "Mark the turns anew.")
        try:
            items = [EncodedItem(data.decode(), kind, tool, kind == "user") for data, kind, tool in rows]
            _check_pairs([decode(item.data) for item in items], turn, source)
        except (ValueError, RecursionError) as error:
            raise ConvoError(f"Turn {turn} of '{source}' holds an item that cannot be read.") from error
        copied += items
        count += 1
    append_items(tx, session_id, branch_id, copied)
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


def _check_free(tx: Transaction, session_id: str) -> None:
    for table in (tx.tables.sessions, tx.tables.messages, "message_structure"):
        row = tx.execute(f"SELECT 1 FROM {table} WHERE session_id = ? LIMIT 1", (session_id,)).fetchone()
        if row is not None:
            raise ConvoError(f"The file has a session '{session_id}' already.", "Choose another name.")


def _items(tx: Transaction, session_id: str, branch_id: str) -> Iterator[list[tuple[Any, ...]]]:
    """The items of a branch, so many at once: id, content and time of the message, then its structure."""
    rows = tx.execute(
        "SELECT m.id, CAST(m.message_data AS BLOB), m.created_at, s.message_type, s.user_turn_number,"
        " s.branch_turn_number, s.tool_name, s.created_at FROM message_structure AS s"
        f" CROSS JOIN {tx.tables.messages} AS m ON m.id = s.message_id"
        " WHERE s.session_id = ? AND s.branch_id = ? ORDER BY s.sequence_number",
        (session_id, branch_id),
    )
    while some := rows.fetchmany(_AT_ONCE):
        yield some


def _usage(
    tx: Transaction, session_id: str, branch_id: str, firsts: dict[int, tuple[int, int]]
) -> dict[int, tuple[Any, ...]]:
    """The usage of turns that begin with these messages: what the branch ran itself first, then the oldest."""
    found: dict[int, tuple[Any, ...]] = {}
    for turn, runner, *counts in tx.execute(
        f"SELECT user_turn_number, branch_id, {_COUNTS} FROM turn_usage WHERE session_id = ?"
        " ORDER BY branch_id <> ?, id",
        (session_id, branch_id),
    ).fetchall():
        if turn in firsts and turn not in found:
            anchor = tx.execute(
                "SELECT message_id FROM message_structure WHERE session_id = ? AND branch_id = ?"
                " AND user_turn_number = ? ORDER BY +sequence_number LIMIT 1",
                (session_id, runner, turn),
            ).fetchone()
            if anchor is not None and anchor[0] == firsts[turn][0]:
                found[turn] = tuple(counts)
    if tx.has_table("convo_usage"):
        for turn, message_id, *counts in tx.execute(
            f"SELECT user_turn_number, message_id, {_COUNTS} FROM convo_usage WHERE session_id = ?",
            (session_id,),
        ):
            if turn in firsts and firsts[turn][0] == message_id:
                found.setdefault(turn, tuple(counts))
    return found


def _copy_runs(
    source: Transaction,
    session_id: str,
    branch_id: str,
    target: Transaction,
    new_session_id: str,
    new_ids: dict[int, int],
) -> None:
    if not source.has_table("convo_runs"):
        return
    columns = "user_turn_number, outcome, model, agent, started_at, seconds, error, estimated, reported, created_at"
    # Of the runs of one turn the last counts: the branch's own.
    rows = source.execute(
        f"SELECT message_id, {columns} FROM convo_runs WHERE session_id = ? ORDER BY branch_id = ?, id",
        (session_id, branch_id),
    )
    runs = [(new_session_id, MAIN, new_ids[old_id], *told) for old_id, *told in rows if old_id in new_ids]
    if runs:
        CONVO_RUNS.create(target)
        target.executemany(
            f"INSERT INTO convo_runs (session_id, branch_id, message_id, {columns})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            runs,
        )
