"""Copying a branch to a new session, in the same file or in another one, and turns to another branch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tui.errors import ConvoError
from tui.items.codec import decode
from tui.items.types import ItemKind, item_type
from tui.model import Session
from tui.storage.engine import Transaction
from tui.storage.layout import StructureRow
from tui.storage.queries.branches import branch_exists, branch_has_items, missing_branch, reserve_existing_branches
from tui.storage.queries.compaction import COMPACTION_COLUMNS, read_compactions, reserve_numbered
from tui.storage.queries.items import EncodedItem, append_items
from tui.storage.queries.labels import read_label, write_label
from tui.storage.queries.runs import EndedRun
from tui.storage.queries.sessions import find_session
from tui.storage.queries.usage_columns import STORED_COLUMNS
from tui.storage.schema import CONVO_BRANCHES, CONVO_COMPACTIONS, CONVO_RUNS, MAIN
from tui.storage.sql import insert_into
from tui.storage.transfer.requests import copy_requests

__all__ = ["CopyCounts", "copy_branch", "copy_turns"]

_BATCH: Final = 500
"""Items that are read and written at once."""

_KEY: Final = ("session_id", "branch_id")
_STRUCTURE_COLUMNS: Final = StructureRow._fields[2:]
"""The columns of structure rows whose values are copied."""

_USAGE_COLUMNS: Final = (*STORED_COLUMNS, "created_at")
_RUN_COLUMNS: Final = ("user_turn_number", *EndedRun._fields, "created_at")


class CopyCounts(NamedTuple):
    """The numbers of copied turns and items."""

    turns: int
    items: int


class _TurnUsage(NamedTuple):
    """The branch that stored the usage of a turn, and its `_USAGE_COLUMNS`."""

    branch_id: str
    cells: list[Any]


class _FirstMessage(NamedTuple):
    """The id of the first message of a turn in the original, and in the copy."""

    original: int
    copy: int


def copy_branch(
    source: Transaction, session_id: str, branch_id: str, target: Transaction, new_session_id: str
) -> CopyCounts:
    """Copy a branch to a new session, with the usage and the runs of its turns, whichever branch ran them.

    The branches that hold it as it was before its compactions are copied too; they do not count in the result.

    `target` is a write transaction of a file with the SDK's tables; it may be `source`.

    Raises:
        ConvoError: The target has a session with the new id.
        ValueError: There is no such branch.
    """
    session = None if source.layout.derives_main else find_session(source, session_id)
    is_plain = session is not None and session.plain
    if branch_id != MAIN if is_plain else not branch_exists(source, session_id, branch_id):
        raise missing_branch(branch_id)
    _require_unused(target, new_session_id)
    target.execute(insert_into(target.tables.sessions, ["session_id"]), session_id=new_session_id)
    copied = _Copy(source, session or Session(session_id), target, new_session_id)
    counts = copied.add_branch(branch_id, MAIN)
    if not is_plain:
        copied.add_history(branch_id)
    target.layout.complete_insertion(target, new_session_id)
    reserve_existing_branches(target, new_session_id)
    return counts


class _Copy:
    """A session that is a copy of a branch, and of the branches that hold it as it was before its compactions."""

    def __init__(self, source: Transaction, session: Session, target: Transaction, session_id: str) -> None:
        """Begin with the new session `session_id` of the `target`, which has no items."""
        self._source = source
        self._session = session
        self._target = target
        self._session_id = session_id
        self._sequence_number = 0
        self._copies: dict[int, int] = {}
        self._turns: set[int] = set()

    def add_branch(self, branch_id: str, name: str) -> CopyCounts:
        """Copy a branch; turns that were copied with another branch keep their usage there."""
        source, target = self._source, self._target
        first_messages: dict[int, _FirstMessage] = {}
        count = 0
        for items in _read_items(source, self._session, branch_id):
            count += len(items)
            new = {item[0]: item[1:3] for item in items if item[0] not in self._copies}
            texts, times = [text for text, _ in new.values()], [time for _, time in new.values()]
            self._copies.update(zip(new, target.insert_messages(self._session_id, texts, times), strict=True))
            rows = []
            for original_id, _, _, turn, *cells in items:
                self._sequence_number += 1
                message_id = self._copies[original_id]
                if turn not in first_messages:
                    first_messages[turn] = _FirstMessage(original_id, message_id)
                rows.append(StructureRow(message_id, self._sequence_number, turn, *cells))
            target.layout.insert_rows(target, self._session_id, name, rows)
        turns = {turn: first for turn, first in first_messages.items() if first.original not in self._turns}
        self._turns.update(first.original for first in turns.values())
        self._add_usage(branch_id, name, turns)
        return CopyCounts(sum(1 for turn in first_messages if turn), count)

    def _add_usage(self, branch_id: str, name: str, turns: Mapping[int, _FirstMessage]) -> None:
        """Copy the usage, the requests and the runs of some turns of a branch."""
        source, session_id = self._source, self._session.session_id
        usage = {} if self._session.plain else _read_usage(source, session_id, branch_id, turns)
        rows = [
            {"user_turn_number": turn, **dict(zip(_USAGE_COLUMNS, usage[turn].cells, strict=True))}
            for turn in sorted(usage)
        ]
        self._target.layout.insert_usage(self._target, self._session_id, name, rows)
        runners = {turns[turn].original: used.branch_id for turn, used in usage.items()}
        new_ids = dict(turns.values())
        to = (self._session_id, name)
        copy_requests(source, session_id, branch_id, runners, self._target, to, new_ids, self._copies)
        if runs := _read_runs(source, session_id, branch_id, new_ids):
            CONVO_RUNS.create(self._target)
            columns = (*_KEY, "message_id", *_RUN_COLUMNS)
            self._target.insert_rows("convo_runs", columns, [(self._session_id, name, *run) for run in runs])

    def add_history(self, branch_id: str) -> None:
        """Copy the branches that were kept when the branch was compacted, and those that were kept of them."""
        source, target, session_id = self._source, self._target, self._session.session_id
        compactions = [*read_compactions(source, session_id)]
        names, copied = {branch_id: MAIN}, []
        for name in (compacted := [branch_id]):
            for kept, of, *cells in compactions:
                if of != name or kept in names or not branch_has_items(source, session_id, kept):
                    continue
                names[kept] = reserve_numbered(target, self._session_id, f"{names[name]}_before_compaction")
                copied.append((self._session_id, names[kept], names[name], *cells))
                compacted.append(kept)
        if not copied:
            return
        # What several of them hold was run by the newest.
        for kept in reversed(compacted[1:]):
            self.add_branch(kept, names[kept])
            write_label(target, self._session_id, names[kept], read_label(source, session_id, kept))
        CONVO_COMPACTIONS.create(target)
        target.insert_rows("convo_compactions", ("session_id", *COMPACTION_COLUMNS), copied)
        columns = ("branch_id", "parent_branch_id", "fork_turn", "created_at")
        sql = f"SELECT {', '.join(columns)} FROM convo_branches WHERE session_id = :session_id"
        forks = source.execute(sql, session_id=session_id).fetchall() if source.has_table("convo_branches") else []
        CONVO_BRANCHES.create(target)
        target.insert_rows(
            "convo_branches",
            ("session_id", *columns),
            [
                (self._session_id, names[name], names[parent], *cells)
                for name, parent, *cells in forks
                if name in names and parent in names
            ],
        )


def copy_turns(tx: Transaction, session_id: str, turns: Iterable[tuple[str, int]], branch_id: str) -> CopyCounts:
    """Append copies of turns, each given as a branch and a number, to a branch.

    Raises:
        ConvoError: There is no such turn, a turn cannot be read, or a tool call would be separated from its output.
        ValueError: There is no such branch.
    """
    copies: list[EncodedItem] = []
    count = 0
    for source, turn in turns:
        sql = (
            f"SELECT {tx.dialect.as_utf8('m.message_data')}, s.message_type, s.tool_name"
            f" FROM {tx.layout.rows_sql(tx, session_id, source)} AS s"
            f" {tx.dialect.ordered_join} {tx.layout.messages_sql(tx, source)} AS m ON m.id = s.message_id"
            " WHERE s.session_id = :session_id AND s.branch_id = :branch_id AND s.user_turn_number = :turn"
            " ORDER BY +s.sequence_number"
        )
        rows = tx.execute(sql, session_id=session_id, branch_id=source, turn=turn).fetchall()
        if not rows:
            raise ConvoError(f"Turn {turn} of '{source}' is gone.", "Mark the turns again.")
        try:
            items = [EncodedItem(data.decode(), kind, tool, kind == "user") for data, kind, tool in rows]
            _check_pairs([decode(item.data) for item in items], turn, source)
        except (ValueError, RecursionError) as error:
            raise ConvoError(f"Turn {turn} of '{source}' has an item that cannot be read.") from error
        copies += items
        count += 1
    append_items(tx, session_id, branch_id, copies)
    return CopyCounts(count, len(copies))


def _check_pairs(items: Sequence[object], turn: int, branch_id: str) -> None:
    """Raise ConvoError if a turn has a call without its output, or an output without its call."""
    calls: dict[str, str] = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(call_id := item.get("call_id"), str):
            continue
        kind = item_type(str(item.get("type"))).kind
        if kind is ItemKind.CALL:
            calls[call_id] = f"of {item['name']}" if item.get("name") else f"'{call_id}'"
        elif kind is ItemKind.OUTPUT and calls.pop(call_id, None) is None:
            raise ConvoError(
                f"Turn {turn} of '{branch_id}' has the output of call '{call_id}', which is in another turn:"
                " a copy would separate them."
            )
    for call in calls.values():
        raise ConvoError(
            f"Turn {turn} of '{branch_id}' has a call {call} without its output: a model would refuse the copy."
        )


def _require_unused(tx: Transaction, session_id: str) -> None:
    for table in (tx.tables.sessions, tx.layout.all_messages_sql(tx), tx.tables.structure):
        sql = f"SELECT 1 FROM {table} AS t WHERE session_id = :session_id LIMIT 1"
        if tx.execute(sql, session_id=session_id).fetchone() is not None:
            raise ConvoError(f"The file has a session '{session_id}' already.", "Choose another name.")


def _read_items(tx: Transaction, session: Session, branch_id: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the items of a branch in batches: id, content and time of the message, then `_STRUCTURE_COLUMNS`."""
    columns = ", ".join(f"s.{column}" for column in _STRUCTURE_COLUMNS)
    rows = tx.execute(
        f"SELECT m.id, {tx.dialect.as_utf8('m.message_data')}, {tx.layout.stored_at_sql(tx, branch_id, 'm')}, {columns}"
        f" FROM {_structure(tx, session, branch_id)} AS s"
        f" {tx.dialect.ordered_join} {tx.layout.messages_sql(tx, branch_id)} AS m ON m.id = s.message_id"
        " WHERE s.session_id = :session_id AND s.branch_id = :branch_id ORDER BY s.sequence_number",
        session_id=session.session_id,
        branch_id=branch_id,
    )
    while batch := rows.fetchmany(_BATCH):
        yield batch


def _structure(tx: Transaction, session: Session, branch_id: str) -> str:
    if session.plain:
        return tx.structure_table(session)
    return tx.layout.rows_sql(tx, session.session_id, branch_id)


def _read_usage(
    tx: Transaction, session_id: str, branch_id: str, first_messages: Mapping[int, _FirstMessage]
) -> dict[int, _TurnUsage]:
    """Return the usage of each turn; of several rows of a turn, that of the branch itself, else the oldest."""
    found: dict[int, _TurnUsage] = {}
    columns = ", ".join(_USAGE_COLUMNS)
    for turn, runner, *cells in tx.execute(
        f"SELECT user_turn_number, branch_id, {columns} FROM {tx.layout.usage_sql(tx, session_id)} AS u"
        " WHERE session_id = :session_id ORDER BY branch_id <> :branch_id, id",
        session_id=session_id,
        branch_id=branch_id,
    ).fetchall():
        if turn in first_messages and turn not in found:
            sql = (
                f"SELECT message_id FROM {tx.layout.rows_sql(tx, session_id, runner)} AS s"
                " WHERE session_id = :session_id AND branch_id = :branch_id"
                " AND user_turn_number = :turn ORDER BY +sequence_number LIMIT 1"
            )
            first = tx.execute(sql, session_id=session_id, branch_id=runner, turn=turn).fetchone()
            if first is not None and first[0] == first_messages[turn].original:
                found[turn] = _TurnUsage(runner, cells)
    if tx.has_table("convo_usage"):
        sql = (
            f"SELECT user_turn_number, branch_id, message_id, {columns} FROM convo_usage WHERE session_id = :session_id"
        )
        for turn, runner, message_id, *cells in tx.execute(sql, session_id=session_id):
            if turn in first_messages and first_messages[turn].original == message_id:
                found.setdefault(turn, _TurnUsage(runner, cells))
    return found


def _read_runs(tx: Transaction, session_id: str, branch_id: str, new_ids: Mapping[int, int]) -> list[tuple[Any, ...]]:
    """Return the runs of turns: the id of the turn's first message in the copy, then `_RUN_COLUMNS`.

    `new_ids` maps the first message of each turn to its copy.
    """
    if not tx.has_table("convo_runs"):
        return []
    # The last run of a turn counts, so the branch's own runs are the last.
    rows = tx.execute(
        f"SELECT message_id, {', '.join(_RUN_COLUMNS)} FROM convo_runs WHERE session_id = :session_id"
        " ORDER BY branch_id = :branch_id, id",
        session_id=session_id,
        branch_id=branch_id,
    )
    return [(new_ids[original_id], *cells) for original_id, *cells in rows if original_id in new_ids]
