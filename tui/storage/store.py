"""One file as the explorer reads it: sessions, the tree of turns, pages of turns and items, accounts.

Nothing here writes to the file. Every method is one round trip and one read transaction, so that what it returns is
of one moment. A `+` before a column to order by keeps SQLite on the index that finds the turn, where it would walk the
whole branch to save itself the sorting of a few rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from tui.errors import FileError, NotFoundError
from tui.items.failure import is_error
from tui.items.text import item_text
from tui.items.types import MESSAGE_TYPES, is_call, with_recorded_type
from tui.model import (
    BranchUsage,
    DeletionImpact,
    Item,
    JournalEntry,
    Page,
    ResendCost,
    Session,
    Turn,
    TurnTree,
    TurnUsage,
)
from tui.storage.engine import Transaction
from tui.storage.open import open_to_read
from tui.storage.queries import sessions as listing
from tui.storage.queries.branch_tree import IncrementalTree
from tui.storage.queries.branch_usage import BranchUsageCache, Priced
from tui.storage.queries.positions import PositionIndex
from tui.storage.queries.turn_usage import sent, turn_usages, usage_of_turns
from tui.storage.schema import unquoted

# A first screen does not wait for what it does not need: that is imported where it is used.
if TYPE_CHECKING:
    from tui.model.compare import Comparison, PriceTurns, Side, SideContents, TurnComparison, TurnPair
    from tui.model.model_input import InputSize, ItemRange, ModelInput
    from tui.model.query import Query
    from tui.model.search import SearchOrigin, SearchUpdate
    from tui.storage.queries.session_dump import SessionDump
    from tui.storage.search import Searcher

__all__ = ["PageAround", "Store", "Version"]

T = TypeVar("T")

Version: TypeAlias = tuple[int, Hashable]
"""How often the file was opened anew, and the version that the engine gives to its content."""

_AT_ONCE: Final = 64
"""Items that are read round a turn."""

_LONG_AT_ONCE: Final = 16
"""The same where the file's items are long."""

_LOOKED_AT: Final = 1 << 16
"""Bytes of an item that a row of the tree is made from."""

_GLANCE: Final = 1 << 13
"""Bytes that are looked at of a longer one: more than a row shows, and what tells a failure by its first words."""

_PREVIEW: Final = 200
"""Characters of a user message that a row of the tree shows at most."""


class PageAround(NamedTuple):
    """Items round a turn.

    Attributes:
        items: How many items the branch holds.
        position: How many of them stand before the turn.
        page: Some of them.
    """

    items: int
    position: int
    page: Page


class Store:
    """An open tx, for reading.

    Attributes:
        path: The file.
        sessions_table: Name of the table of sessions.
        messages_table: Name of the table of messages.
    """

    _priced: tuple[Sequence[int], BranchUsageCache] | None

    def __init__(self, path: str | Path, *, timeout: float = 5.0) -> None:
        """Open a file to look at.

        Args:
            path: The file.
            timeout: How long to wait for a program that has locked it, in seconds.

        Raises:
            FileError: It cannot be shown; the message says why, the hint what to do.
        """
        self.path = Path(path)
        self._timeout = timeout
        self._times_opened = 0
        self._searcher: Searcher | None = None
        self._open()

    async def changes(self) -> Version:
        """What is another one after another connection has written to the file, or another file took its place.

        Raises:
            FileError: The file is gone, or cannot be read now.
        """
        if not self._reader.is_current():
            old = self._reader, self._aside
            await asyncio.to_thread(self._open)
            for reader in old:
                await asyncio.to_thread(reader.close)
        return self._times_opened, await self._reader.read(lambda tx: tx.version)

    async def sessions(self, start: int = 0, stop: int = listing.FEW, *, archived: bool = True) -> tuple[Session, ...]:
        """The sessions of the file from a place to before another one, the one written last first.

        Args:
            start: The place.
            stop: The other place.
            archived: Whether those that are archived are among them.
        """
        if stop <= listing.FEW:
            return (await self._reader.read(lambda tx: listing.newest(tx, stop, archived=archived)))[start:]
        return await self._aside.read(lambda tx: self._ranking.page(tx, start, stop, archived=archived))

    async def count_sessions(self, *, archived: bool = True) -> int:
        """How many sessions the file holds, with those that are archived or without."""
        return await self._reader.read(lambda tx: listing.count(tx, archived=archived))

    async def session(self, session_id: str) -> Session | None:
        """The session of a name, if there is one."""
        return await self._reader.read(lambda tx: listing.find(tx, session_id))

    async def place(self, session_id: str, *, archived: bool = True) -> int | None:
        """How many sessions stand before one in `sessions`."""
        return await self._aside.read(lambda tx: self._ranking.place(tx, session_id, archived=archived))

    async def sessions_since(self, row: int | None) -> tuple[frozenset[str], int]:
        """Ids of the sessions that were made since an earlier call, none for None, and what to give to the next."""
        return await self._reader.read(lambda tx: listing.since(tx, row))

    async def matching_sessions(
        self, typed: str, most: int, *, archived: bool = True
    ) -> tuple[tuple[Session, ...], int]:
        """The sessions whose titles or ids match typed letters: the best, at most so many, and how many there are.

        With nothing typed, those that are pinned, then those written last.
        """
        if typed.strip():
            return await self._aside.read(lambda tx: listing.matching(tx, typed, most, archived=archived))
        pinned = await self._reader.read(lambda tx: listing.pinned(tx, archived=archived))
        others = await self.sessions(0, most, archived=archived)
        found = (*pinned, *(session for session in others if not session.pinned))
        return found[:most], await self.count_sessions(archived=archived)

    async def tree(self, session: Session) -> TurnTree:
        """The turns of a session's branches.

        `main` is always among them, and so is every branch whose fork was recorded, items or none.
        """

        return await self._reader.read(lambda tx: self._tree.read(tx, session))

    async def count_items(self, session: Session) -> dict[str, int]:
        """How many items each branch of a session holds, if any."""

        def read(tx: Transaction) -> dict[str, int]:
            rows = tx.execute(
                f"SELECT branch_id, COUNT(*) FROM {tx.structure_table(session)} WHERE session_id = ?"
                " GROUP BY branch_id",
                (session.session_id,),
            )
            return dict(rows)

        return await self._reader.read(read)

    async def whole(self, session: Session, work: Callable[[SessionDump], T]) -> T:
        """Do something with a whole session at one moment, on a connection of its own.

        Others are not kept waiting by it: neither who reads here nor who writes the file.

        Raises:
            FileError: The file cannot be read now.
        """
        from tui.storage.queries.session_dump import SessionDump

        reader = await asyncio.to_thread(open_to_read, self.path, self._timeout)
        try:
            return await reader.read(lambda tx: work(SessionDump(tx, session, IncrementalTree().read(tx, session))))
        finally:
            await asyncio.to_thread(reader.close)

    async def last_branch(self, session: Session) -> str:
        """The branch of a session that was written last."""

        def read(tx: Transaction) -> str:
            row = tx.execute(
                f"SELECT branch_id FROM {tx.structure_table(session)} WHERE session_id = ?"
                " ORDER BY sequence_number DESC LIMIT 1",
                (session.session_id,),
            ).fetchone()
            return str(row[0]) if row else "main"

        return await self._reader.read(read)

    async def turns(self, session: Session, through: Sequence[str], first: int, last: int) -> tuple[Turn, ...]:
        """Rows of the tree for some turns of a chain.

        Args:
            session: The session.
            through: The branches that share the turns.
            first: Number of the first turn.
            last: Number of the last one.
        """

        def read(tx: Transaction) -> tuple[Turn, ...]:
            glance = partial(tx.messages.beginning, most=_LOOKED_AT, part=_GLANCE)
            rows = tx.execute(
                "SELECT t.user_turn_number, CAST(t.message_type AS TEXT), CAST(t.created_at AS TEXT),"
                " m.id, typeof(m.message_data)"
                f" FROM {tx.structure_table(session)} t LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id"
                " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number BETWEEN ? AND ?"
                " ORDER BY +t.sequence_number",
                (session.session_id, through[0], first, last),
            ).fetchall()
            usage = usage_of_turns(tx, session.session_id, through, first, last)
            turns: dict[int, Turn] = {}
            for number, kind, created, message_id, stored in rows:
                failed = stored == "null" or (kind not in MESSAGE_TYPES and is_error(glance(message_id).data))
                before = turns.get(number)
                if before is None:
                    spent = usage.get(number)
                    piece = glance(message_id)
                    before = Turn(
                        number=number,
                        text=_first_words(piece.data) if number else "",
                        items=0,
                        tokens=spent.usage.total_tokens if spent and spent.usage else None,
                        created_at=created if piece.unread else tx.messages.stored_at(message_id),
                    )
                turns[number] = Turn(
                    number=number,
                    text=before.text,
                    items=before.items + 1,
                    tools=before.tools + is_call(kind),
                    errors=before.errors + failed,
                    tokens=before.tokens,
                    created_at=before.created_at,
                )
            return tuple(turns.values())

        return await self._reader.read(read)

    async def user_text(self, session: Session, branch_id: str, turn: int) -> str:
        """The whole user message of a turn, as it was typed.

        Raises:
            NotFoundError: The branch has no such turn, or its message cannot be decoded.
        """

        def read(tx: Transaction) -> str:
            row = tx.execute(
                f"SELECT m.id FROM {tx.structure_table(session)} t"
                f" JOIN {tx.tables.messages} m ON m.id = t.message_id"
                " WHERE t.session_id = ? AND t.branch_id = ? AND t.user_turn_number = ? AND t.message_type = 'user'"
                " ORDER BY +t.sequence_number LIMIT 1",
                (session.session_id, branch_id, turn),
            ).fetchone()
            item = tx.messages.beginning(row[0], None).data if row else None
            if item is None:
                raise NotFoundError(f"Turn {turn} of '{branch_id}' has no readable user message.")
            return item_text(item)

        return await self._reader.read(read)

    async def position(self, session: Session, branch_id: str, turn: int) -> int:
        """How many items a branch holds before a turn."""

        return await self._reader.read(lambda tx: self._ranks.position(tx, session, branch_id, turn))

    async def page(self, session: Session, branch_id: str, start: int, stop: int) -> Page:
        """The items of a branch from position `start` to before `stop`, as far as there are any.

        Of an item longer than `pieces.LONGEST` only the beginning is read; `whole` reads the rest.
        """
        return await self._reader.read(lambda tx: self._page(tx, session, branch_id, start, stop))

    async def around(self, session: Session, branch_id: str, turn: int, *, at_end: bool = False) -> PageAround:
        """The items round the beginning of a turn, and where in the branch that is.

        Args:
            session: The session.
            branch_id: The branch.
            turn: Number of the turn.
            at_end: Whether the last items of the branch are to be read instead.
        """

        def read(tx: Transaction) -> PageAround:
            items = self._ranks.count(tx, session, branch_id)
            position = self._ranks.position(tx, session, branch_id, turn)
            count = _LONG_AT_ONCE if tx.messages.are_long else _AT_ONCE
            start = max(items - count if at_end else position - count // 4, 0)
            return PageAround(items, position, self._page(tx, session, branch_id, start, start + count))

        return await self._reader.read(read)

    def _page(self, tx: Transaction, session: Session, branch_id: str, start: int, stop: int) -> Page:
        key, ahead = self._ranks.seek(tx, session, branch_id, start)
        rows = tx.execute(
            "SELECT m.id, t.message_id, t.user_turn_number, CAST(t.message_type AS TEXT),"
            " CAST(t.tool_name AS TEXT), CAST(t.created_at AS TEXT)"
            f" FROM (SELECT *, rowid AS row FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ?"
            " AND (sequence_number, rowid) >= (?, ?) ORDER BY sequence_number, rowid LIMIT ? OFFSET ?) t"
            f" LEFT JOIN {tx.tables.messages} m ON m.id = t.message_id ORDER BY t.sequence_number, t.row",
            (session.session_id, branch_id, *key, stop - start, ahead),
        ).fetchall()
        items = []
        for position, (stored, message_id, turn, kind, tool, created) in enumerate(rows, start):
            piece = tx.messages.beginning(stored)
            if piece.cut:
                piece = piece._replace(data=with_recorded_type(piece.data, kind, tool))
            # Behind a long text SQLite finds the time only by reading through it.
            created = created if piece.unread else tx.messages.stored_at(stored)
            turn = turn if isinstance(turn, int) else 0
            items.append(Item(message_id, position, turn, kind, tool, created, *piece))
        return Page(branch_id, start, tuple(items))

    async def full_item(self, item: Item) -> Item:
        """An item with all that is stored of it.

        Raises:
            NotFoundError: It is not stored any more.
        """
        return await self._aside.read(lambda tx: tx.messages.whole(item)) if item.unread else item

    async def branch_usage(
        self, session: Session, tree: TurnTree, branch_id: str, page: tuple[int, int] | None = None
    ) -> BranchUsage:
        """What a branch cost: the sums of each scope, the tools it called, and with `page` those of its turns."""

        def read(tx: Transaction) -> BranchUsage:
            branch_usage = self._books.branch_usage(tx, session, tree, branch_id)
            return (
                branch_usage
                if page is None
                else branch_usage._replace(page=turn_usages(tx, session, tree, branch_id, *page))
            )

        return await self._aside.read(read)

    def prefetch_usage(self, session: Session, tree: TurnTree, branch_id: str) -> None:
        """Have the accounts of a branch added up by the time that they are asked for."""
        self._aside.submit_read(lambda tx: self._books.branch_usage(tx, session, tree, branch_id))

    async def turn_usages(
        self, session: Session, tree: TurnTree, branch_id: str, first: int, last: int
    ) -> tuple[TurnUsage, ...]:
        """What some turns of a branch cost, one for each turn from `first` to `last`, as far as there are any."""
        return await self._aside.read(lambda tx: turn_usages(tx, session, tree, branch_id, first, last))

    async def deletion_impact(self, session: Session, branch_id: str | None) -> DeletionImpact:
        """What deleting a branch, or the whole session where it is None, would take away.

        Raises:
            NotFoundError: The session has no such branch.
        """
        from tui.storage.queries.deletion_impact import deletion_impact

        tree = await self.tree(session)
        if branch_id is not None and branch_id not in tree.branches:
            raise NotFoundError(f"There is no branch '{branch_id}' any more.")
        return await self._aside.read(lambda tx: deletion_impact(tx, session, tree, branch_id))

    async def journal(self) -> tuple[JournalEntry, ...]:
        """What the explorer did to the file, the newest first."""
        from tui.storage.journal.recording import read_entries

        return await self._reader.read(read_entries)

    async def priced(self, session: Session, tree: TurnTree, branch_id: str, limits: Sequence[int]) -> Priced:
        """What each scope of a branch spent, apart by price list: by model, hour, and these limits of a request."""
        if self._priced is None or self._priced[0] != limits:
            self._priced = limits, BranchUsageCache(limits)
        _, books = self._priced
        return await self._aside.read(lambda tx: books.priced(tx, session, tree, branch_id))

    async def resend_cost(self, session: Session, tree: TurnTree, branch_id: str) -> ResendCost:
        """What the turns of a branch cost again, by being sent with later requests."""
        from tui.model.resend_cost import resend_cost

        return await self._aside.read(lambda tx: resend_cost(branch_id, sent(tx, session, tree, branch_id)))

    async def compare(
        self,
        session: Session,
        tree: TurnTree,
        left: Side,
        right: Side,
        shared: int | None = None,
        price: PriceTurns | None = None,
    ) -> Comparison:
        """Put turns of two branches, or of one, side by side; `price` says what turns cost in money."""
        from tui.model.compare import compare_sides
        from tui.storage.queries.comparison import read_side

        def read(tx: Transaction) -> tuple[SideContents, SideContents]:
            return read_side(tx, session, tree, left), read_side(tx, session, tree, right)

        return await asyncio.to_thread(compare_sides, session, *await self._aside.read(read), shared, price)

    async def compare_turns(self, comparison: Comparison, pairs: Sequence[TurnPair]) -> tuple[TurnComparison, ...]:
        """Compare some turns of two sides item by item, pair by pair."""
        from tui.model import compare
        from tui.storage.queries.comparison import read_turns

        both = await self._reader.read(lambda tx: read_turns(tx, comparison, pairs))
        return await asyncio.to_thread(compare.compare_turns, pairs, *both)

    async def seen(
        self, session: Session, tree: TurnTree, branch_id: str, turn: int, rival: str | None = None
    ) -> ModelInput:
        """What a model was sent in a turn of a branch, and in the branch `rival` at the same turn."""
        from tui.storage.queries.model_input import read_model_input

        return await self._aside.read(lambda tx: read_model_input(tx, session, tree, branch_id, turn, rival))

    async def input_size(self, session: Session, stretch: ItemRange) -> InputSize:
        """How much some items are."""
        from tui.storage.queries.model_input import read_input_size

        return await self._aside.read(lambda tx: read_input_size(tx, session, stretch))

    async def input(self, session: Session, stretch: ItemRange) -> list[object]:
        """Some items of a branch exactly as the SDK's `get_items` gives them."""
        from tui.storage.queries.model_input import read_input

        return await self._aside.read(lambda tx: read_input(tx, session, stretch))

    def search(self, query: Query, where: SearchOrigin, limit: int | None = None) -> AsyncGenerator[SearchUpdate]:
        """What a query finds, while it is being found; ends when the iteration is left.

        Raises:
            FileError: The file cannot be read.
        """
        from tui.storage.search import Searcher

        if self._searcher is None:
            self._searcher = Searcher(self.path, self._timeout)
        return self._searcher.search(query, where, limit)

    async def place_of_item(self, session: Session, branch_id: str, turn: int, message_id: int) -> int | None:
        """The position in a branch of an item of one of its turns; None where it is not there."""
        from tui.storage.search import index_in_turn

        index = await self._reader.read(lambda tx: index_in_turn(tx, session, branch_id, turn, message_id))
        return None if index is None else index + await self.position(session, branch_id, turn)

    def close(self) -> None:
        """Close the file; safe to call again."""
        if self._searcher is not None:
            self._searcher.close()
        self._reader.close()
        self._aside.close()

    def _open(self) -> None:
        reader = open_to_read(self.path, self._timeout)
        try:
            # Sums over a long branch take a while, and what the user waits for must not wait for them.
            aside = open_to_read(self.path, self._timeout)
        except FileError:
            reader.close()
            raise
        self._reader, self._aside, self._ranks = reader, aside, PositionIndex()
        self._tree, self._ranking = IncrementalTree(), listing.SessionOrder()
        self._books = BranchUsageCache()
        self._priced = None
        self.sessions_table, self.messages_table = map(unquoted, reader.tables)
        self._times_opened += 1


def _first_words(item: object) -> str:
    """The beginning of a user message on one line."""
    return " ".join(item_text(item)[: 4 * _PREVIEW].split())[:_PREVIEW]
