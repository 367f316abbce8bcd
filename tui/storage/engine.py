"""The seam between the code that knows conversations and the code that knows one database.

Query functions take a `Transaction`, and name the values in their SQL. SQL that databases do not share comes from the
`Dialect`. An `Engine` is an open database: it runs such functions, each in one transaction.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from tui.errors import ConvoError, ReadOnlyError
from tui.model import Session
from tui.storage.dialect import Dialect
from tui.storage.layout import BranchEnd, BranchRows, EncodedItem, NewestItem, StructureRow
from tui.storage.sql import NamedValues
from tui.storage.tables import Tables

__all__ = [
    "MAX_READ_BYTES",
    "Engine",
    "Layout",
    "Messages",
    "PartialItem",
    "RecordedTable",
    "Rows",
    "Transaction",
    "shielded",
]

T = TypeVar("T")

MAX_READ_BYTES: Final = 1 << 17
"""Bytes of a long item that are read to show it: more than is shown of any text."""


class Rows(Protocol):
    """The result of a statement: rows that are read once, from the first to the last."""

    @property
    def rowcount(self) -> int:
        """The number of rows that the statement changed."""
        ...

    def fetchone(self) -> Any: ...
    def fetchmany(self, size: int) -> list[Any]: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...
    def close(self) -> None: ...


class PartialItem(NamedTuple):
    """A stored item, or the beginning of a long one.

    Attributes:
        data: The decoded item, as far as it was read; None if it cannot be decoded.
        raw: The text, as far as it was read, if it cannot be decoded; otherwise None.
        size: Bytes of the stored text.
        unread: Bytes of the stored text that were not read.
        cut: Whether the end of the text is among the unread bytes.
    """

    data: Any = None
    raw: str | None = ""
    size: int = 0
    unread: int = 0
    cut: bool = False


class Messages(Protocol):
    """The stored items."""

    @property
    def are_long(self) -> bool:
        """True if the items are so long on average that only few should be read at once."""
        ...

    def read_prefixes(
        self, ids: Sequence[int | None], limit: int | None = MAX_READ_BYTES, part: int | None = None
    ) -> Iterator[PartialItem]:
        """Yield the item of each id; of an item with more than `limit` bytes only the first `part` bytes.

        If such a beginning ends within encoded data, as of an image, `…` and the number of omitted bytes take its
        place, and the text after it is read too.

        Args:
            ids: The ids of the messages; None for a message that is missing.
            limit: The limit in bytes; None for no limit.
            part: Bytes to read of an item beyond the limit; `limit` if it is None.
        """
        ...

    def size(self, message_id: int) -> int:
        """Return the size of a stored item in bytes without reading it; 0 if it is missing."""
        ...

    def texts(self, ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
        """Return the complete stored text of messages, and when they were stored."""
        ...

    def stored_times(self, ids: Sequence[int]) -> dict[int, str | None]:
        """Return when messages were stored; this may take as long as reading them completely."""
        ...


class MainPositions(Protocol):
    """The positions of the turns in `main`; its length is the number of items."""

    def __len__(self) -> int: ...

    def items_before(self, turn: int) -> int:
        """Return the number of items before a turn."""
        ...


class RecordedTable(NamedTuple):
    """A table whose changes are recorded.

    Attributes:
        name: The name of the table in the record.
        identifier: The table, as an SQL identifier.
        columns: The columns to record, in order.
        keyed: Whether inserts are recorded in addition to updates and deletions.
    """

    name: str
    identifier: str
    columns: Sequence[str]
    keyed: bool


class Transaction(Protocol):
    """One transaction of an open database, as query functions see it.

    Attributes:
        dialect: Pieces of SQL that databases do not share.
        layout: Statements that depend on which tables hold the items of branches.
        tables: The base tables, as SQL identifiers, and the names of others.
        messages: The stored items.
        integrity_error: The error that is raised for a row that breaks a constraint.
        value_errors: The errors that are raised for a value that cannot be stored.
    """

    @property
    def dialect(self) -> Dialect: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def tables(self) -> Tables: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def integrity_error(self) -> type[Exception]: ...
    @property
    def value_errors(self) -> tuple[type[Exception], ...]: ...

    @property
    def version(self) -> Hashable:
        """The version of the content, which changes when another connection commits."""
        ...

    def session_version(self, session_id: str) -> Hashable:
        """Return the version of the content of a session, which changes when another connection changes it."""
        ...

    @property
    def has_structure(self) -> bool:
        """True if the database has the table of structure rows."""
        ...

    def execute(self, sql: str, /, **values: object) -> Rows:
        """Run a statement; `:name` in it is the value of that name."""
        ...

    def executemany(self, sql: str, rows: Iterable[Mapping[str, object]], /) -> None:
        """Run a statement for each row of named values."""
        ...

    def insert_rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert rows, each with its cells in the order of the columns."""
        ...

    def fetch_rows_via_json(self, sql: str, width: int, /, **values: object) -> list[list[Any]]:
        """Fetch all rows of a query in one step, encoded as JSON by the database.

        The values are numbers or texts, in `width` columns. This is faster than `execute` while other threads are busy:
        they do not run between two rows.
        """
        ...

    def insert_messages(
        self, session_id: str, texts: Sequence[str | bytes], created_at: Sequence[str | None] | None = None
    ) -> Sequence[int]:
        """Store encoded items as messages, and return their ids in order.

        Args:
            session_id: The session.
            texts: The encoded items, as texts or as UTF-8.
            created_at: The time of each message; None for now.
        """
        ...

    def delete_session_rows(self, table: str, session_id: str) -> None:
        """Delete a session's rows of a table."""
        ...

    def has_table(self, name: str) -> bool:
        """True if the database has a table of this name."""
        ...

    def create_table(self, name: str, columns: str) -> None:
        """Make a table with these columns if it is missing."""
        ...

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table; the columns of the primary key are the first."""
        ...

    def primary_key(self, table: str) -> list[str]:
        """Return the columns of a table's primary key, in order."""
        ...

    def structure_table(self, session: Session) -> str:
        """Return the table with a session's structure rows; the rows of a plain session are made up in memory."""
        ...

    def narrowed(
        self,
        branch_id: str | None = None,
        *,
        turns: Collection[int] | None = None,
        positions: range | None = None,
        message_type: str | None = None,
        ends: bool = False,
    ) -> AbstractContextManager[None]:
        """Announce that the statements in the context need no other rows of a session's structure.

        They may get others. A server, which derives the rows of `main`, derives no more than these.

        Args:
            branch_id: The branch; None for all branches.
            turns: The turns.
            positions: The positions in the branch, or in each of them.
            message_type: The type of the items.
            ends: Whether the first and the last row of each branch are enough, by their order and by their ids.
        """
        ...

    def main_positions(self, session: Session) -> MainPositions | None:
        """Return where the turns of `main` are if its items are numbered from 1 without gaps; None if they may not."""
        ...

    def rows_to_search(self, condition: str, values: NamedValues) -> tuple[str, str | None] | None:
        """Return the relations with structure rows and messages of all sessions, to write after FROM.

        Instead of the messages, None is returned if all rows have a message that meets the condition.

        Args:
            condition: The condition for a message `m` that may match. If none meets it, None is returned.
            values: The named values of the condition and the relations: `low` and `high` are the `id` of the last
                structure row before the window, and of the last one in it.
        """
        ...

    def last_row(self) -> int:
        """Return the greatest `id` in the windows of `rows_to_search`.

        Raises:
            ConvoError: There are far fewer rows.
        """
        ...

    def record_changes(self, entry_id: int, tables: Sequence[RecordedTable]) -> AbstractContextManager[Collection[str]]:
        """Copy the rows of tables to `convo_trash` when they are changed inside the context.

        The context is the names of the tables that were changed in it, maybe with others.

        A deleted row is copied with `side` 0, and so is an updated row as it was before; an inserted row of a keyed
        table with `side` 1.
        """
        ...

    def as_cell(self, table: str, column: str, name: str = "") -> str:
        """Return an expression for the value of a column as the trash has it; `name` is that of the table if given."""
        ...

    def from_cell(self, table: str, column: str, cell: str) -> str:
        """Return an expression for the value of a column, given a cell of the trash."""
        ...

    def lock_session(self, session_id: str) -> bool:
        """Wait until no other transaction changes a session, and return whether others may have done so meanwhile.

        Then, what was read of the session before has to be read again.
        """
        ...

    @property
    def of_own_sessions(self) -> str:
        """The condition that a row belongs to a session that is locked; true where all of the database is."""
        ...

    def on_rollback(self, action: Callable[[], object]) -> None:
        """Call `action` if the transaction is rolled back, before the next one begins."""
        ...


class Layout(Protocol):
    """The layout of sessions in a database: which tables hold the items of a branch, and their usage.

    SQLite has the SDK's layout: `message_structure` has a row for each item of each branch. On a server, `main` is what
    the SDK's plain session class reads, and has no rows of ours.

    A layout has no state. Relations are given as SQL to write after FROM or JOIN. Unless they are of one branch, they
    have the rows of all sessions; a query names the session and the branch in its condition in any case.

    Attributes:
        derives_main: Whether the rows of `main` are derived from its messages, so that others may change them.
        session_order: The order of sessions by their last message, the newest first; empty if messages are read for it.
        usage_columns: The columns of `TurnKey` that a row of usage has.
        usage_key: The condition that a row of usage belongs to a turn, given as the values of `TurnKey`.
    """

    @property
    def derives_main(self) -> bool: ...
    @property
    def session_order(self) -> str: ...
    @property
    def usage_columns(self) -> Sequence[str]: ...
    @property
    def usage_key(self) -> str: ...

    def known_generation(self, tx: Transaction, session_id: str) -> int | None:
        """Return how often a session was cleared when the transaction began; None if it was not read with that."""
        ...

    def rows_sql(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:
        """Return the relation with the columns of `message_structure`, of one branch or of all branches."""
        ...

    def messages_sql(self, tx: Transaction, branch_id: str) -> str:
        """Return the table with the messages of a branch."""
        ...

    def usage_sql(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:
        """Return the relation with the columns of `turn_usage`, of one branch or of all branches."""
        ...

    def all_messages_sql(self, tx: Transaction) -> str:
        """Return the relation with the messages of all branches."""
        ...

    def stored_at_sql(self, tx: Transaction, branch_id: str, name: str) -> str:
        """Return an expression for the time of a message of a branch, in UTC; `name` is that of its table."""
        ...

    def branch_rows(self, tx: Transaction, branch_id: str) -> BranchRows:
        """Return the stored rows of a branch's items, whose ids grow with each item that is added."""
        ...

    def from_turn_sql(self, tx: Transaction, session_id: str, branch_id: str) -> str:
        """Return the condition for the rows of `TURN_TABLES` of a branch from a turn on.

        The named values are `session_id`, `branch_id` and `turn`.
        """
        ...

    def insert_rows(self, tx: Transaction, session_id: str, branch_id: str, rows: Sequence[StructureRow]) -> None:
        """Add messages that `Transaction.insert_messages` stored to the end of a branch."""
        ...

    def insert_usage(
        self, tx: Transaction, session_id: str, branch_id: str, rows: Iterable[Mapping[str, object]]
    ) -> None:
        """Store the usage of turns of a branch, as the columns of `turn_usage`; None as the time for now."""
        ...

    def complete_insertion(self, tx: Transaction, session_id: str) -> None:
        """Complete a session after the items of all its branches were inserted."""
        ...

    def items_sql(self, tx: Transaction, branch_id: str, columns: str, *, newest_first: bool = False) -> str:
        """Return a query for the items of a branch in their order, which reads no more than the rows that it returns.

        Args:
            tx: The transaction.
            branch_id: The branch; the query has the named values `session_id` and `branch_id`.
            columns: `s.id`, `s.message_id`, `m.message_data`, separated by commas.
            newest_first: Whether the last item comes first.
        """
        ...

    def first_message_sql(self, tx: Transaction, session_id: str) -> str:
        """Return a subquery for the id of the first message of the session in a column."""
        ...

    def is_missing_sql(self, tx: Transaction, message_id: str) -> str:
        """Return the condition that there is no message with the id in a column."""
        ...

    def session_time_sql(self, tx: Transaction, text: str) -> str:
        """Return the time at which a session is listed that was last written at `text`, or now if it is NULL.

        Where sessions are listed by their times, it is after others that were written in the same second.
        """
        ...

    def last_branch(self, tx: Transaction, session: Session) -> str | None:
        """Return the branch that received the newest item, or was forked after it; None for `main` without others."""
        ...

    def has_items(self, tx: Transaction, session_id: str, branch_id: str) -> bool:
        """Return whether a branch has at least one item."""
        ...

    def end(self, tx: Transaction, session_id: str, branch_id: str) -> BranchEnd | None:
        """Return the end of a branch; None if it has no items."""
        ...

    def append(
        self, tx: Transaction, session_id: str, branch_id: str, items: Sequence[EncodedItem], end: BranchEnd
    ) -> None:
        """Append items to a branch; the row of the session is there."""
        ...

    def require_readable(self, tx: Transaction, session_id: str) -> None:
        """Raise ConvoError if the turns of `main` are unknown, as it has messages that cannot be decrypted."""
        ...

    def prepare_removal(self, tx: Transaction) -> None:
        """Make what a removal of items needs to be fast."""
        ...

    def newest(self, tx: Transaction, session_id: str, branch_id: str) -> NewestItem | None:
        """Return the last item of a branch; None if it has no items."""
        ...

    def remove(self, tx: Transaction, session_id: str, branch_id: str, item: NewestItem) -> tuple[str | None, bool]:
        """Remove an item from a branch, and delete its message if no other branch holds it.

        Returns:
            The text of the message, None if it is missing, and whether it was deleted.
        """
        ...

    def shared_usage_sql(self, tx: Transaction, *, one_turn: bool) -> str:
        """Return a query for the usage of a branch whose turn begins with a message that other branches hold too.

        Turns for which one of those branches has its own usage are left out. The columns are those of `convo_usage`,
        and the named values those of `TurnKey`.
        """
        ...

    def filled_branches(self, tx: Transaction, session_id: str) -> list[str]:
        """Return the ids of all branches that have items."""
        ...

    def reserve_filled_branches(self, tx: Transaction, session_id: str) -> None:
        """Reserve the ids of all branches that have items."""
        ...

    def copy_turns(self, tx: Transaction, session_id: str, source: str, branch_id: str, turn: int) -> int:
        """Share the turns of a branch before `turn` with a new branch, and return the number of items."""
        ...

    def reassign_rows(
        self,
        tx: Transaction,
        session_id: str,
        branch_id: str,
        new_id: str,
        first_turn: int,
        first_row: tuple[int, int] | None,
    ) -> tuple[int, int]:
        """Reassign rows as `tui.storage.queries.compaction.reassign_rows` does, without a run that waits."""
        ...

    def split_branch(self, tx: Transaction, session_id: str, branch_id: str, last_row: int, new_id: str) -> None:
        """Move the items of a branch after a row, with their usage, to a new branch that shares the rest."""
        ...

    def delete_branch(self, tx: Transaction, session_id: str, branch_id: str) -> tuple[int, int]:
        """Delete the items of a branch other than `main`, and the messages that no other branch holds.

        Returns:
            The number of items, and of messages.
        """
        ...

    def clear(self, tx: Transaction, session_id: str) -> None:
        """Delete all items of a session, their usage, and the row of the session."""
        ...


class Engine(ABC):
    """An open database.

    Work is a plain function that gets a `Transaction`. All work runs on one thread, in the order of the calls. Each
    function has its own transaction, which is committed when the function returns, and rolled back when it raises an
    error. The futures of `submit_read` and `submit_write` raise the database's own errors.

    Attributes:
        target: The database: a path, or a URL without its password.
        tables: The base tables, as SQL identifiers.
        identity: Tells the file at a path from another one that took its place; None on a server.
    """

    target: str
    tables: Tables
    identity: Hashable = None

    @abstractmethod
    def check_open(self) -> None:
        """Raise RuntimeError if the engine is closed."""

    @abstractmethod
    def submit_read(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue work that only reads, in one snapshot of the database; it can be cancelled until it begins.

        It may run again where a database does not keep writers from changing what is read.

        Raises:
            RuntimeError: The engine is closed.
        """

    def submit_version(self) -> Future[Hashable]:
        """Queue reading the version of the content, as `Transaction.version` is it; it takes no lock where it can.

        Raises:
            RuntimeError: The engine is closed.
        """
        return self.submit_read(lambda tx: tx.version)

    @abstractmethod
    def submit_write(self, work: Callable[[Transaction], T], session_id: str = "") -> Future[T]:
        """Queue work that writes; other writers wait from its beginning to its end.

        `session_id` is the session that the work changes; empty if it changes several.

        Raises:
            RuntimeError: The engine is closed.
        """

    @abstractmethod
    def explain(self, error: Exception) -> ConvoError | None:
        """Return the error to show in place of the database's own error; None for any other error."""

    @abstractmethod
    def is_current(self) -> bool:
        """Return whether the database that was opened is still found at `target`."""

    @property
    def base_tables(self) -> tuple[str, str]:
        """The base tables of sessions and messages, as SQL identifiers, under which they can be changed."""
        return self.tables.sessions, self.tables.messages

    @property
    def is_corrected(self) -> bool:
        """True if the file is damaged, so that other values are read than are stored: it must not be changed."""
        return False

    @property
    def refusal(self) -> ConvoError | None:
        """The error for changes if the database must not be changed; None if it may be."""
        if not self.is_corrected:
            return None
        return ReadOnlyError("This file is damaged.", "It can be shown and exported, not changed.")

    @abstractmethod
    def close(self) -> None:
        """Finish the queued work and close the database; may be called again."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run work that only reads; work that has not begun when the call is cancelled is dropped.

        Raises:
            FileError: The database cannot be read.
        """
        return await self._result(self.submit_read(work))

    async def version(self) -> Hashable:
        """Return the version of the content.

        Raises:
            FileError: The database cannot be read.
        """
        return await self._result(self.submit_version())

    async def _result(self, future: Future[T]) -> T:
        try:
            return await asyncio.wrap_future(future)
        except Exception as error:
            if (explained := self.explain(error)) is None:
                raise
            raise explained from error


async def shielded(change: Future[T]) -> T:
    """Wait until a change is complete or has failed, even if the caller is cancelled, and return its result.

    Raises:
        asyncio.CancelledError: The caller was cancelled; this is raised after the change has ended.
    """
    loop = asyncio.get_running_loop()
    cancelled: asyncio.CancelledError | None = None
    while not change.done():
        # The cancellation reaches only this future, not the change.
        done = loop.create_future()
        change.add_done_callback(partial(_wake, loop, done))
        try:
            await done
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
    if cancelled is not None:
        raise cancelled
    return change.result()


def _wake(loop: asyncio.AbstractEventLoop, done: asyncio.Future[None], _: Future[T]) -> None:
    def wake() -> None:
        if not done.done():
            done.set_result(None)

    # The loop may have been closed while the caller waited.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(wake)
