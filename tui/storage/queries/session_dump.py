"""One session read whole and at one moment, for what leaves the program.

Nothing is held: messages and rows come from the file as they are asked for, in the order in which they stand there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from tui.items.codec import decode_or_none
from tui.model import Item, RunRecord, Session, TurnTree, TurnUsage
from tui.storage.engine import Transaction
from tui.storage.queries.turn_usage import runs_of, usage_of_turns

__all__ = ["Message", "Row", "SessionDump"]

_MARKS = ", ".join
_USAGE = (
    "user_turn_number, requests, input_tokens, output_tokens, total_tokens, input_tokens_details,"
    " output_tokens_details, CAST(created_at AS TEXT)"
)
_RUN = (
    "branch_id, user_turn_number, message_id, outcome, model, agent, CAST(started_at AS TEXT), seconds, error,"
    " estimated, reported, CAST(created_at AS TEXT)"
)


class Message(NamedTuple):
    """A stored message, whichever branches hold it.

    Attributes:
        message_id: Its key.
        created_at: When it was stored: UTC, naive.
        data: The decoded item; None where it cannot be decoded.
        text: What is stored, to the letter.
    """

    message_id: int
    created_at: str | None
    data: Any
    text: str


class Row(NamedTuple):
    """A message's place in a branch, as `message_structure` has it."""

    message_id: int
    sequence_number: int
    message_type: str
    user_turn_number: int | None
    branch_turn_number: int | None
    tool_name: str | None
    created_at: str | None


class SessionDump:
    """A session at one moment.

    Attributes:
        session: The session.
        tree: Its turns.
    """

    def __init__(self, tx: Transaction, session: Session, tree: TurnTree) -> None:
        self.session = session
        self.tree = tree
        self._tx = tx
        self._structure = tx.structure_table(session)

    def created_at(self) -> str | None:
        """Return the time when the session was created, if it is stored."""
        row = self._tx.execute(
            f"SELECT CAST(created_at AS TEXT) FROM {self._tx.tables.sessions} WHERE session_id = ?",
            (self.session.session_id,),
        ).fetchone()
        return row[0] if row else None

    def items(self, branch_id: str, first: int, last: int) -> Iterator[Item]:
        """The items of some turns of a branch, in order; their `position` is not looked up and stays 0."""
        rows = self._tx.execute(
            "SELECT t.message_id, t.user_turn_number, CAST(t.message_type AS TEXT), CAST(t.tool_name AS TEXT),"
            f" CAST(m.created_at AS TEXT), m.message_data FROM {self._structure} t"
            f" LEFT JOIN {self._tx.tables.messages} m ON m.id = t.message_id"
            " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number BETWEEN ? AND ?"
            " ORDER BY t.sequence_number",
            (self.session.session_id, branch_id, first, last),
        )
        for message_id, turn, kind, tool, created, text in rows:
            data = decode_or_none(text)
            raw = None if data is not None else ("" if text is None else str(text))
            yield Item(message_id, 0, turn if isinstance(turn, int) else 0, kind, tool, created, data, raw)

    def messages(self, branches: Collection[str]) -> Iterator[Message]:
        """The messages that any of the branches holds, each once, oldest first."""
        names = _MARKS("?" * len(branches))
        rows = self._tx.execute(
            f"SELECT m.id, CAST(m.created_at AS TEXT), m.message_data FROM {self._tx.tables.messages} m"
            f" WHERE m.session_id = ? AND m.id IN (SELECT message_id FROM {self._structure}"
            f" WHERE session_id = ? AND branch_id IN ({names})) ORDER BY m.id",
            (self.session.session_id, self.session.session_id, *branches),
        )
        for message_id, created, text in rows:
            stored = text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")
            yield Message(message_id, created, decode_or_none(text), stored)

    def count(self, branches: Collection[str]) -> int:
        """How many messages `messages` gives."""
        return self._counted("DISTINCT message_id", branches)

    def count_rows(self, branches: Collection[str]) -> int:
        """How many rows `rows` gives for all of them."""
        return self._counted("*", branches)

    def _counted(self, what: str, branches: Collection[str]) -> int:
        names = _MARKS("?" * len(branches))
        (count,) = self._tx.execute(
            f"SELECT COUNT({what}) FROM {self._structure} WHERE session_id = ? AND branch_id IN ({names})",
            (self.session.session_id, *branches),
        ).fetchone()
        return int(count)

    def rows(self, branch_id: str) -> Iterator[Row]:
        """The places of a branch's messages, in order."""
        branch_turn = "branch_turn_number" if self._structure == "message_structure" else "user_turn_number"
        rows = self._tx.execute(
            f"SELECT message_id, sequence_number, message_type, user_turn_number, {branch_turn}, tool_name,"
            " CAST(created_at AS TEXT)"
            f" FROM {self._structure} WHERE session_id = ? AND branch_id = ? ORDER BY sequence_number",
            (self.session.session_id, branch_id),
        )
        return map(Row._make, rows)

    def usage(self, branch_id: str, first: int, last: int) -> dict[int, TurnUsage]:
        """What some turns of a branch cost, whoever ran them, as far as it is stored."""
        chain = self.tree.chain_at(branch_id, first)
        through = (branch_id, *(name for name in chain.holders if name != branch_id)) if chain else (branch_id,)
        return usage_of_turns(self._tx, self.session.session_id, through, first, last)

    def usage_of_path(self, branch_id: str, first: int, last: int) -> dict[int, TurnUsage]:
        """What turns of a branch cost, forks among them or not."""
        found: dict[int, TurnUsage] = {}
        for chain in self.tree.path(branch_id):
            if chain.first <= last and chain.last >= first:
                found |= self.usage(branch_id, max(chain.first, first), min(chain.last, last))
        return found

    def runs(self, branch_id: str) -> dict[int, RunRecord]:
        """The last run of each turn of a branch that has one."""
        return runs_of(self._tx, self.session, branch_id)

    def stored_usage(self, branch_id: str) -> Iterator[dict[str, Any]]:
        """The rows of `turn_usage` of a branch, without their keys."""
        if self._tx.has_table("turn_usage"):
            yield from _records(
                self._tx.execute(
                    f"SELECT {_USAGE} FROM turn_usage WHERE session_id = ? AND branch_id = ? ORDER BY user_turn_number",
                    (self.session.session_id, branch_id),
                )
            )

    def stored_runs(self) -> Iterator[dict[str, Any]]:
        """The rows of `convo_runs` of the session, without their keys."""
        if self._tx.has_table("convo_runs"):
            yield from _records(
                self._tx.execute(
                    f"SELECT {_RUN} FROM convo_runs WHERE session_id = ? ORDER BY id", (self.session.session_id,)
                )
            )

    def kept_usage(self) -> Iterator[dict[str, Any]]:
        """The rows of `convo_usage` of the session, without their keys."""
        if self._tx.has_table("convo_usage"):
            yield from _records(
                self._tx.execute(
                    f"SELECT branch_id, message_id, {_USAGE} FROM convo_usage WHERE session_id = ? ORDER BY message_id",
                    (self.session.session_id,),
                )
            )


def _records(rows: Any) -> Iterator[dict[str, Any]]:
    names = [column[0].removeprefix("CAST(").removesuffix(" AS TEXT)") for column in rows.description]
    for row in rows:
        yield dict(zip(names, row, strict=True))
