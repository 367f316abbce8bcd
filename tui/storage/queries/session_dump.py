"""Reading a complete session in one snapshot, for export.

Messages and rows are read from the database as they are consumed, and not held in memory.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tui.items.codec import decode_or_none
from tui.items.sealed import UNREADABLE, open_text, unsealed
from tui.items.types import shown_type
from tui.model import Item, RunRecord, Session, TurnTree, TurnUsage
from tui.storage.engine import Transaction
from tui.storage.queries.compaction import COMPACTION_COLUMNS
from tui.storage.queries.request_inputs import INPUT_COLUMNS, read_texts, text_hashes
from tui.storage.queries.requests import REQUEST_COLUMNS
from tui.storage.queries.runs import EndedRun
from tui.storage.queries.turn_records import last_runs
from tui.storage.queries.turn_usage import usage_of_turns
from tui.storage.queries.usage_columns import STORED_COLUMNS

__all__ = ["DUMPED_RUN", "DUMPED_USAGE", "Message", "Row", "SessionDump"]

DUMPED_USAGE: Final = ("user_turn_number", *STORED_COLUMNS, "created_at")
"""The columns of a dumped row of `turn_usage`; a row of `convo_usage` has `branch_id` and `message_id` before them."""

DUMPED_RUN: Final = ("branch_id", "user_turn_number", "message_id", *EndedRun._fields, "created_at")
"""The columns of a dumped row of `convo_runs`."""

_TIMES: Final = {"created_at", "started_at"}


class Message(NamedTuple):
    """A stored message; an encrypted one stays encrypted, unless the dump decrypts.

    Attributes:
        message_id: Its id.
        created_at: Time at which it was stored: UTC, naive.
        data: The decoded item; None if it cannot be decoded.
        text: The stored text, unchanged.
    """

    message_id: int
    created_at: str | None
    data: Any
    text: str


class Row(NamedTuple):
    """A row of a branch in `message_structure`."""

    message_id: int
    sequence_number: int
    message_type: str
    user_turn_number: int | None
    branch_turn_number: int | None
    tool_name: str | None
    created_at: str | None


class SessionDump:
    """A session, with the tree of its turns, in one snapshot of the database.

    Attributes:
        decrypts: Whether messages, stored runs and texts are decrypted, as far as the key opens them. Items always are.
        not_decrypted: Number of messages, stored runs and texts that were read and that the key did not open.
    """

    def __init__(self, tx: Transaction, session: Session, tree: TurnTree) -> None:
        self.session = session
        self.tree = tree
        self.decrypts = False
        self.not_decrypted = 0
        self._tx = tx
        self._structure = tx.structure_table(session)

    def created_at(self) -> str | None:
        """Return when the session was created; None if that is not stored."""
        sql = f"SELECT CAST(created_at AS TEXT) FROM {self._tx.tables.sessions} WHERE session_id = :session_id"
        row = self._tx.execute(sql, session_id=self.session.session_id).fetchone()
        return row[0] if row else None

    def items(self, branch_id: str, first: int, last: int) -> Iterator[Item]:
        """Yield the items of some turns of a branch, in order; their `position` is always 0."""
        sql = (
            "SELECT t.message_id, t.user_turn_number, CAST(t.message_type AS TEXT), CAST(t.tool_name AS TEXT),"
            f" CAST(m.created_at AS TEXT), m.message_data FROM {self._structure} t"
            f" LEFT JOIN {self._tx.tables.messages} m ON m.id = t.message_id"
            " WHERE t.session_id = :session_id AND t.branch_id = :branch_id"
            " AND t.user_turn_number >= :first AND t.user_turn_number <= :last ORDER BY t.sequence_number"
        )
        rows = self._tx.execute(sql, session_id=self.session.session_id, branch_id=branch_id, first=first, last=last)
        for message_id, turn, kind, tool, created_at, text in rows:
            data = unsealed(decode_or_none(text), self.session.session_id)
            kind, tool = shown_type(kind, tool, data)
            raw = None if data is not None else ("" if text is None else str(text))
            yield Item(message_id, 0, turn if isinstance(turn, int) else 0, kind, tool, created_at, data, raw)

    def messages(self, branches: Collection[str]) -> Iterator[Message]:
        """Yield the messages that any of the branches holds, each once, oldest first.

        With all branches of the session, messages without a branch are among them.
        """
        selected = "TRUE"
        if not self.tree.branches.keys() <= set(branches):
            held = f"WHERE session_id = :session_id AND {self._tx.dialect.in_list('branch_id', 'branches')}"
            selected = f"m.id IN (SELECT message_id FROM {self._structure} {held})"
        rows = self._tx.execute(
            f"SELECT m.id, CAST(m.created_at AS TEXT), m.message_data FROM {self._tx.tables.messages} m"
            f" WHERE m.session_id = :session_id AND {selected} ORDER BY m.id",
            session_id=self.session.session_id,
            branches=json.dumps(list(branches)),
        )
        for message_id, created_at, text in rows:
            stored = text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")
            yield Message(message_id, created_at, self._decode(text), stored)

    def count_messages(self, branches: Collection[str]) -> int:
        """Return the number of messages that `messages` yields."""
        return self._count("DISTINCT message_id", branches)

    def count_rows(self, branches: Collection[str]) -> int:
        """Return the number of rows that `rows` yields for all of the branches."""
        return self._count("*", branches)

    def _count(self, counted: str, branches: Collection[str]) -> int:
        (count,) = self._tx.execute(
            f"SELECT COUNT({counted}) FROM {self._structure}"
            f" WHERE session_id = :session_id AND {self._tx.dialect.in_list('branch_id', 'branches')}",
            session_id=self.session.session_id,
            branches=json.dumps(list(branches)),
        ).fetchone()
        return int(count)

    def rows(self, branch_id: str) -> Iterator[Row]:
        """Yield the rows of a branch, in order."""
        rows = self._tx.execute(
            "SELECT message_id, sequence_number, message_type, user_turn_number, branch_turn_number, tool_name,"
            f" CAST(created_at AS TEXT) FROM {self._structure}"
            " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number",
            session_id=self.session.session_id,
            branch_id=branch_id,
        )
        return map(Row._make, rows)

    def usage(self, branch_id: str, first: int, last: int) -> dict[int, TurnUsage]:
        """Return the usage of turns of one chain of a branch, whichever branches ran them."""
        chain = self.tree.chain_at(branch_id, first)
        order = (branch_id, *(name for name in chain.holders if name != branch_id)) if chain else (branch_id,)
        return usage_of_turns(self._tx, self.session.session_id, order, first, last)

    def usage_of_path(self, branch_id: str, first: int, last: int) -> dict[int, TurnUsage]:
        """Return the usage of each turn in a range of a branch, inherited turns included."""
        found: dict[int, TurnUsage] = {}
        for chain in self.tree.path(branch_id):
            if chain.first <= last and chain.last >= first:
                found |= self.usage(branch_id, max(chain.first, first), min(chain.last, last))
        return found

    def runs(self, branch_id: str) -> dict[int, RunRecord]:
        """Return the last run of each turn of a branch that has one."""
        return last_runs(self._tx, self.session, branch_id)

    def stored_usage(self, branch_id: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of `turn_usage` of a branch."""
        condition = "branch_id = :branch_id ORDER BY user_turn_number"
        return self._records("turn_usage", DUMPED_USAGE, condition, branch_id=branch_id)

    def compactions(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of `convo_compactions` of the session, oldest first."""
        oldest_first = f"TRUE ORDER BY created_at, {self._tx.dialect.row_order}"
        return self._records("convo_compactions", COMPACTION_COLUMNS, oldest_first)

    def stored_runs(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of `convo_runs` of the session."""
        for run in self._records("convo_runs", DUMPED_RUN, "TRUE ORDER BY id"):
            opened = open_text(run["error"], self.session.session_id) if self.decrypts else None
            self.not_decrypted += self.decrypts and opened is None and run["error"] is not None
            yield run if opened is None else run | {"error": opened}

    def stored_requests(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of `convo_requests` of the session, each with that of `convo_request_inputs` if it has one."""
        rows = self._records("convo_request_inputs", ("id", *INPUT_COLUMNS), "TRUE")
        inputs = {row.pop("id"): row for row in rows}
        for request in self._records("convo_requests", ("id", *REQUEST_COLUMNS), "TRUE ORDER BY id"):
            yield request | inputs.get(request.pop("id"), {})

    def request_texts(self, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the texts that requests of `stored_requests` refer to, decoded, by hash."""
        session_id = self.session.session_id
        texts = read_texts(self._tx, session_id, text_hashes(self._tx, session_id, requests))
        return {key: self._decode(text) for key, text in texts.items()}

    def orphaned_usage(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of `convo_usage` of the session."""
        return self._records("convo_usage", ("branch_id", "message_id", *DUMPED_USAGE), "TRUE ORDER BY message_id")

    def _decode(self, text: Any) -> Any:
        stored = decode_or_none(text)
        opened = unsealed(stored, self.session.session_id) if self.decrypts else stored
        self.not_decrypted += opened is UNREADABLE
        return stored if opened is UNREADABLE else opened

    def _records(
        self, table: str, columns: Sequence[str], condition: str, **values: object
    ) -> Iterator[dict[str, Any]]:
        if not self._tx.has_table(table):
            return
        read = ", ".join(f"CAST({name} AS TEXT)" if name in _TIMES else name for name in columns)
        sql = f"SELECT {read} FROM {table} WHERE session_id = :session_id AND {condition}"
        rows = self._tx.execute(sql, session_id=self.session.session_id, **values)
        for row in rows:
            yield dict(zip(columns, row, strict=True))
