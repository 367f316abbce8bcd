"""One file as the explorer reads it: sessions, the tree of turns, pages of turns and items, usage.

Nothing here writes to the file. Every method is one round trip and one read transaction, so that its result is of one
moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from tui.errors import FileError, NotFoundError
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
from tui.storage.queries.branch_tree import IncrementalTree
from tui.storage.queries.branch_usage import BranchUsageCache, SpendingByScope
from tui.storage.queries.pages import (
    PageAround,
    count_items,
    last_branch,
    read_page,
    read_page_around,
    read_turns,
    read_user_text,
)
from tui.storage.queries.positions import PositionIndex
from tui.storage.queries.sessions import (
    FIRST_PAGE,
    SessionOrder,
    count_sessions,
    find_session,
    matching_sessions,
    newest_sessions,
    pinned_sessions,
    sessions_since,
)
from tui.storage.queries.turn_usage import turn_inputs, turn_usages
from tui.storage.schema import unquoted

# The first screen does not wait for what it does not need: that is imported where it is used.
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
"""How often the file was opened, and the version that the engine gives to its content."""


class Store:
    """A file that is open for reading.

    Attributes:
        path: The file.
        sessions_table: Name of the sessions table.
        messages_table: Name of the messages table.
    """

    _spending: tuple[Sequence[int], BranchUsageCache] | None

    def __init__(self, path: str | Path, *, timeout: float = 5.0) -> None:
        """Open a file.

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

    async def version(self) -> Version:
        """Return the version of the file, and open the file again if another one has its name now.

        The version changes when another connection writes, and when the file is opened again.

        Raises:
            FileError: The file is gone, or cannot be read now.
        """
        if not self._reader.is_current():
            old = self._reader, self._background
            await asyncio.to_thread(self._open)
            for engine in old:
                await asyncio.to_thread(engine.close)
        return self._times_opened, await self._reader.read(lambda tx: tx.version)

    def close(self) -> None:
        """Close the file; may be called again."""
        if self._searcher is not None:
            self._searcher.close()
        self._reader.close()
        self._background.close()

    def _open(self) -> None:
        reader = open_to_read(self.path, self._timeout)
        try:
            # Sums over a long branch take a while: what the user waits for must not wait for them.
            background = open_to_read(self.path, self._timeout)
        except FileError:
            reader.close()
            raise
        self._reader, self._background = reader, background
        self._positions, self._tree, self._session_order = PositionIndex(), IncrementalTree(), SessionOrder()
        self._usage_cache = BranchUsageCache()
        self._spending = None
        self.sessions_table, self.messages_table = map(unquoted, reader.tables)
        self._times_opened += 1

    # Sessions

    async def sessions(self, start: int = 0, stop: int = FIRST_PAGE, *, archived: bool = True) -> tuple[Session, ...]:
        """Return the sessions from place `start` to before `stop`; the session that was written last comes first.

        Args:
            start: The place of the first session.
            stop: The place after the last session.
            archived: Whether archived sessions are included.
        """
        if stop <= FIRST_PAGE:
            return (await self._reader.read(lambda tx: newest_sessions(tx, stop, archived=archived)))[start:]
        return await self._background.read(lambda tx: self._session_order.page(tx, start, stop, archived=archived))

    async def count_sessions(self, *, archived: bool = True) -> int:
        """Return the number of sessions, including archived ones or not."""
        return await self._reader.read(lambda tx: count_sessions(tx, archived=archived))

    async def session(self, session_id: str) -> Session | None:
        """Return a session; None where the file has none of this id."""
        return await self._reader.read(lambda tx: find_session(tx, session_id))

    async def session_place(self, session_id: str, *, archived: bool = True) -> int | None:
        """Return the number of sessions before one in `sessions`; None where it is not among them."""
        return await self._background.read(lambda tx: self._session_order.place(tx, session_id, archived=archived))

    async def sessions_since(self, mark: object) -> tuple[frozenset[str], object]:
        """Return the ids of the sessions that were made since an earlier call, and a mark for the next one.

        Args:
            mark: The mark that the earlier call returned; None for no sessions.
        """
        return await self._reader.read(lambda tx: sessions_since(tx, mark))

    async def matching_sessions(
        self, typed: str, most: int, *, archived: bool = True
    ) -> tuple[tuple[Session, ...], int]:
        """Return up to `most` sessions that match typed letters best by title or id, and the number of all that match.

        With nothing typed, the pinned sessions come first, then those that were written last.
        """
        if typed.strip():
            return await self._background.read(lambda tx: matching_sessions(tx, typed, most, archived=archived))
        pinned = await self._reader.read(lambda tx: pinned_sessions(tx, archived=archived))
        others = await self.sessions(0, most, archived=archived)
        found = (*pinned, *(session for session in others if not session.pinned))
        return found[:most], await self.count_sessions(archived=archived)

    async def dump(self, session: Session, work: Callable[[SessionDump], T]) -> T:
        """Run a function over a complete session at one moment, on a connection of its own, and return its result.

        Neither other readers nor writers of the file wait for it.

        Raises:
            FileError: The file cannot be read now.
        """
        from tui.storage.queries.session_dump import SessionDump

        engine = await asyncio.to_thread(open_to_read, self.path, self._timeout)
        try:
            return await engine.read(lambda tx: work(SessionDump(tx, session, IncrementalTree().read(tx, session))))
        finally:
            await asyncio.to_thread(engine.close)

    async def journal(self) -> tuple[JournalEntry, ...]:
        """Return the changes that the explorer made to the file, the newest first."""
        from tui.storage.journal.recording import read_entries

        return await self._reader.read(read_entries)

    # Branches, turns and items

    async def tree(self, session: Session) -> TurnTree:
        """Return the turns of a session's branches.

        `main` is always among the branches, and so is every branch whose fork is recorded, with items or without.
        """
        return await self._reader.read(lambda tx: self._tree.read(tx, session))

    async def count_items(self, session: Session) -> dict[str, int]:
        """Return the number of items of each branch of a session that has items."""
        return await self._reader.read(lambda tx: count_items(tx, session))

    async def last_branch(self, session: Session) -> str:
        """Return the branch of a session that was written last."""
        return await self._reader.read(lambda tx: last_branch(tx, session))

    async def turns(self, session: Session, holders: Sequence[str], first: int, last: int) -> tuple[Turn, ...]:
        """Return the rows of the tree for some turns of a chain.

        Args:
            session: The session.
            holders: The branches that hold the turns.
            first: Number of the first turn.
            last: Number of the last turn.
        """
        return await self._reader.read(lambda tx: read_turns(tx, session, holders, first, last))

    async def user_text(self, session: Session, branch_id: str, turn: int) -> str:
        """Return the complete text of the user message of a turn.

        Raises:
            NotFoundError: The branch has no such turn, or its message cannot be decoded.
        """
        return await self._reader.read(lambda tx: read_user_text(tx, session, branch_id, turn))

    async def turn_position(self, session: Session, branch_id: str, turn: int) -> int:
        """Return the number of items of a branch before a turn."""
        return await self._reader.read(lambda tx: self._positions.position(tx, session, branch_id, turn))

    async def item_position(self, session: Session, branch_id: str, turn: int, message_id: int) -> int | None:
        """Return the position of an item of a turn of a branch; None where the turn does not have it."""
        from tui.storage.search import index_in_turn

        index = await self._reader.read(lambda tx: index_in_turn(tx, session, branch_id, turn, message_id))
        return None if index is None else index + await self.turn_position(session, branch_id, turn)

    async def page(self, session: Session, branch_id: str, start: int, stop: int) -> Page:
        """Return the items of a branch from position `start` to before `stop`, as far as there are any.

        Of an item longer than `tui.storage.engine.LONGEST` only the beginning is read; `full_item` reads all of it.
        """
        return await self._reader.read(lambda tx: read_page(tx, self._positions, session, branch_id, start, stop))

    async def page_around(self, session: Session, branch_id: str, turn: int, *, at_end: bool = False) -> PageAround:
        """Return the items around the beginning of a turn, or the last items of the branch, and their position.

        Args:
            session: The session.
            branch_id: The branch.
            turn: Number of the turn.
            at_end: Whether to read the last items of the branch instead.
        """
        return await self._reader.read(
            lambda tx: read_page_around(tx, self._positions, session, branch_id, turn, at_end=at_end)
        )

    async def full_item(self, item: Item) -> Item:
        """Return an item with all that is stored of it.

        Raises:
            NotFoundError: It is not stored any more.
        """
        if not item.unread:
            return item
        (read,) = await self._background.read(lambda tx: [*tx.messages.beginnings([item.message_id], None)])
        if not read.size:
            raise NotFoundError("The item is gone: another program removed it.")
        return item._replace(data=read.data, raw=read.raw, size=read.size, unread=0, cut=False)

    def search(self, query: Query, where: SearchOrigin, limit: int | None = None) -> AsyncGenerator[SearchUpdate]:
        """Yield what a query finds, as it is found; the search ends when the iteration is left.

        Raises:
            FileError: The file cannot be read.
        """
        from tui.storage.search import Searcher

        if self._searcher is None:
            self._searcher = Searcher(self.path, self._timeout)
        return self._searcher.search(query, where, limit)

    async def deletion_impact(self, session: Session, branch_id: str | None) -> DeletionImpact:
        """Return what the deletion of a branch, or of the session where it is None, takes away.

        Raises:
            NotFoundError: The session has no such branch.
        """
        from tui.storage.queries.deletion_impact import deletion_impact

        tree = await self.tree(session)
        if branch_id is not None and branch_id not in tree.branches:
            raise NotFoundError(f"There is no branch '{branch_id}' any more.")
        return await self._background.read(lambda tx: deletion_impact(tx, session, tree, branch_id))

    # Usage

    async def branch_usage(
        self, session: Session, tree: TurnTree, branch_id: str, page: tuple[int, int] | None = None
    ) -> BranchUsage:
        """Return the usage of a branch: the sum of each scope, the tools, and with `page` the usage of those turns."""

        def read(tx: Transaction) -> BranchUsage:
            usage = self._usage_cache.branch_usage(tx, session, tree, branch_id)
            return usage if page is None else usage._replace(page=turn_usages(tx, session, tree, branch_id, *page))

        return await self._background.read(read)

    def prefetch_usage(self, session: Session, tree: TurnTree, branch_id: str) -> None:
        """Begin to add up the usage of a branch, so that it is there when it is read."""
        self._background.submit_read(lambda tx: self._usage_cache.branch_usage(tx, session, tree, branch_id))

    async def turn_usages(
        self, session: Session, tree: TurnTree, branch_id: str, first: int, last: int
    ) -> tuple[TurnUsage, ...]:
        """Return the usage of the turns of a branch from `first` to `last`, one for each turn that exists."""
        return await self._background.read(lambda tx: turn_usages(tx, session, tree, branch_id, first, last))

    async def spending(
        self, session: Session, tree: TurnTree, branch_id: str, tier_limits: Sequence[int]
    ) -> SpendingByScope:
        """Return the usage of each scope of a branch, apart by model, hour, and these limits of a price tier."""
        if self._spending is None or self._spending[0] != tier_limits:
            self._spending = tier_limits, BranchUsageCache(tier_limits)
        _, cache = self._spending
        return await self._background.read(lambda tx: cache.spending(tx, session, tree, branch_id))

    async def resend_cost(self, session: Session, tree: TurnTree, branch_id: str) -> ResendCost:
        """Return the resend cost of the turns of a branch."""
        from tui.model.resend_cost import resend_cost

        return await self._background.read(lambda tx: resend_cost(branch_id, turn_inputs(tx, session, tree, branch_id)))

    # Comparison, and the input of a model

    async def compare(
        self,
        session: Session,
        tree: TurnTree,
        left: Side,
        right: Side,
        shared: int | None = None,
        price: PriceTurns | None = None,
    ) -> Comparison:
        """Compare turns of two branches, or of one; `price` adds what the turns cost in money."""
        from tui.model.compare import compare_sides
        from tui.storage.queries.comparison import read_side

        def read(tx: Transaction) -> tuple[SideContents, SideContents]:
            return read_side(tx, session, tree, left), read_side(tx, session, tree, right)

        return await asyncio.to_thread(compare_sides, session, *await self._background.read(read), shared, price)

    async def compare_turns(self, comparison: Comparison, pairs: Sequence[TurnPair]) -> tuple[TurnComparison, ...]:
        """Compare pairs of turns item by item."""
        from tui.model import compare
        from tui.storage.queries.comparison import read_turns

        both = await self._reader.read(lambda tx: read_turns(tx, comparison, pairs))
        return await asyncio.to_thread(compare.compare_turns, pairs, *both)

    async def model_input(
        self, session: Session, tree: TurnTree, branch_id: str, turn: int, other_branch: str | None = None
    ) -> ModelInput:
        """Return the input of the requests of a turn of a branch, and of the same turn of `other_branch` if given."""
        from tui.storage.queries.model_input import read_model_input

        return await self._background.read(
            lambda tx: read_model_input(tx, session, tree, branch_id, turn, other_branch)
        )

    async def input_size(self, session: Session, item_range: ItemRange) -> InputSize:
        """Return number and size of some items."""
        from tui.storage.queries.model_input import read_input_size

        return await self._background.read(lambda tx: read_input_size(tx, session, item_range))

    async def input_items(self, session: Session, item_range: ItemRange) -> list[object]:
        """Return some items of a branch as the SDK's `get_items` does."""
        from tui.storage.queries.model_input import read_input

        return await self._background.read(lambda tx: read_input(tx, session, item_range))
