"""Reading a file for the explorer: sessions, the tree of turns, pages of turns and items, usage.

Most methods run one read transaction, so that their result shows the file at one moment. Nothing here writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from tui.errors import ConvoError, FileError, NotFoundError
from tui.items.sealed import Seal
from tui.model import (
    BranchUsage,
    DeletionImpact,
    Item,
    JournalEntry,
    Page,
    PausedRun,
    ResendCost,
    Session,
    SessionSort,
    TextSizes,
    Turn,
    TurnTree,
    TurnUsage,
)
from tui.storage.engine import Transaction
from tui.storage.open import Server, Target, create_database, open_to_read, target_of
from tui.storage.queries.branch_tree import IncrementalTree
from tui.storage.queries.branch_usage import BranchUsageCache, SpendingByScope, session_tools
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
    count_messages_without_branch,
    count_sessions,
    find_session,
    find_session_by_name,
    find_sessions,
    matching_sessions,
    newest_sessions,
    pinned_sessions,
    read_seal,
    read_seal_problem,
    sessions_since,
    with_first_words,
)
from tui.storage.queries.turn_records import turn_usages
from tui.storage.queries.turn_usage import turn_inputs
from tui.storage.schema import unquoted

# Modules that the first screen does not need are imported where they are used.
if TYPE_CHECKING:
    from tui.model.compare import Comparison, PriceTurns, Side, SideContents, TurnComparison, TurnPair
    from tui.model.model_input import InputSize, ItemRange, ModelInput
    from tui.model.query import Query
    from tui.model.requests import Request, RequestInput
    from tui.model.search import SearchTarget, SearchUpdate
    from tui.storage.queries.session_dump import SessionDump
    from tui.storage.search import Searcher

__all__ = ["PageAround", "Store", "Version"]

T = TypeVar("T")

Version: TypeAlias = tuple[int, Hashable]
"""The number of times that the file was opened, and the engine's version of its content."""


class Store:
    """A file that is open for reading.

    Attributes:
        path: The file, or the database on a server.
        sessions_table: Name of the sessions table.
        messages_table: Name of the messages table.
        times_replaced: Number of times that another file was found in its place.
    """

    _spending: tuple[Sequence[int], BranchUsageCache] | None

    def __init__(self, path: str | Target, *, timeout: float = 5.0, may_be_missing: bool = False) -> None:
        """Open a file, or the database of a URL.

        Args:
            path: The file or the URL.
            timeout: Seconds to wait for the lock of the file.
            may_be_missing: Whether the file need not exist yet; `create` makes it.

        Raises:
            FileError: It cannot be shown; the message says why, the hint what to do.
        """
        self.path = path if isinstance(path, Server) else target_of(path)
        self._timeout = timeout
        self._may_be_missing = may_be_missing
        self._times_opened = self.times_replaced = 0
        self._searcher: Searcher | None = None
        self._open()

    async def version(self) -> Version:
        """Return the version of the file, which changes when another connection writes or the file was replaced.

        A replaced file is opened again.

        Raises:
            FileError: The file is gone, or cannot be read now.
        """
        if not self._reader.is_current():
            if isinstance(self.path, Path) and not self.path.exists():
                raise FileError(f"{self.path} does not exist any more.", "It was moved or deleted: put it back.")
            old = self._reader, self._background
            await asyncio.to_thread(self._open)
            self._may_be_missing = False
            self.times_replaced += self._reader.identity != old[0].identity is not None
            for engine in old:
                await asyncio.to_thread(engine.close)
        return self._times_opened, await self._reader.version()

    @property
    def is_missing(self) -> bool:
        """True if the file does not exist yet."""
        return self._may_be_missing and isinstance(self.path, Path) and not self.path.exists()

    async def create(self) -> None:
        """Make the file if it is missing.

        Raises:
            FileError: It cannot be made.
        """
        if self.is_missing:
            await asyncio.to_thread(create_database, self.path)

    @property
    def is_corrected(self) -> bool:
        """True if the file is damaged, so that other values are read than are stored: it must not be changed."""
        return self._reader.is_corrected

    @property
    def can_be_changed(self) -> bool:
        """True if the program can change what is shown."""
        return self._reader.refusal is None

    def require_changeable(self) -> None:
        """Raise ReadOnlyError if the file is shown otherwise than it is stored, or the role may not change it."""
        if (refusal := self._reader.refusal) is not None:
            raise refusal

    def close(self) -> None:
        """Close the file; may be called again."""
        if self._searcher is not None:
            self._searcher.close()
        self._reader.close()
        self._background.close()

    def _open(self) -> None:
        reader = open_to_read(self.path, self._timeout, may_be_missing=self._may_be_missing)
        try:
            # Sums over a long branch take a while: reads that the user waits for have a connection of their own.
            background = open_to_read(self.path, self._timeout, may_be_missing=self._may_be_missing, beside=reader)
        except FileError:
            reader.close()
            raise
        self._reader, self._background = reader, background
        self._positions, self._tree, self._session_order = PositionIndex(), IncrementalTree(), SessionOrder()
        self._background_positions = PositionIndex()
        self._usage_cache = BranchUsageCache()
        self._spending = None
        self.sessions_table, self.messages_table = map(unquoted, reader.base_tables)
        self._times_opened += 1

    # Sessions

    async def sessions(self, start: int = 0, stop: int = FIRST_PAGE, *, archived: bool = True) -> tuple[Session, ...]:
        """Return the sessions from index `start` to before `stop`, ordered by the time of their last message.

        The newest is the first. `archived` includes archived sessions, here and in the methods below.
        """
        if stop <= FIRST_PAGE:
            return (await self._reader.read(lambda tx: newest_sessions(tx, stop, archived=archived)))[start:]
        return await self._background.read(lambda tx: self._session_order.page(tx, start, stop, archived=archived))

    async def count_sessions(self, *, archived: bool = True) -> int:
        """Return the number of sessions."""
        return await self._reader.read(lambda tx: count_sessions(tx, archived=archived))

    async def session(self, session_id: str) -> Session | None:
        """Return the session of an id; None if the file has no such session."""
        return await self._reader.read(lambda tx: find_session(tx, session_id))

    async def session_by_name(self, name: str) -> Session | None:
        """Return the session with an id, or else the one with a title; None if the file has no such session.

        Raises:
            NotFoundError: Several sessions have the title.
        """
        return await self._reader.read(lambda tx: find_session_by_name(tx, name))

    async def sessions_with_ids(self, session_ids: Iterable[str]) -> tuple[Session, ...]:
        """Return those of the sessions that the file has, in the order of the ids."""
        return await self._reader.read(lambda tx: find_sessions(tx, session_ids))

    async def count_messages_without_branch(self, session: Session) -> int:
        """Return the number of messages that a plain `SQLiteSession` stored in a session with branches."""
        return await self._background.read(lambda tx: count_messages_without_branch(tx, session))

    async def seal_problem(self, session: Session) -> ConvoError | None:
        """Return the error for a session whose newest or oldest message cannot be decrypted; None for any other."""
        return await self._background.read(lambda tx: read_seal_problem(tx, session.session_id))

    async def seal(self, session_id: str, *, for_some: bool = False) -> Seal | None:
        """Return with what a session is encrypted; None if none of its messages is.

        Raises:
            ConvoError: The newest of its encrypted messages cannot be decrypted; `for_some`, none of the newest can.
        """
        return await self._background.read(lambda tx: read_seal(tx, session_id, for_some=for_some))

    async def session_index(self, session_id: str, *, archived: bool = True) -> int | None:
        """Return the index of a session in `sessions`; None if it is not among them."""
        return await self._background.read(lambda tx: self._session_order.index(tx, session_id, archived=archived))

    async def sessions_since(self, mark: object) -> tuple[frozenset[str], object]:
        """Return the ids of the sessions that were created since an earlier call, and a mark for the next call.

        `mark` is the mark that the earlier call returned; for None no ids are returned.
        """
        return await self._reader.read(lambda tx: sessions_since(tx, mark))

    async def matching_sessions(
        self, typed: str, limit: int, sort: SessionSort = SessionSort.WRITTEN, *, archived: bool = True
    ) -> tuple[tuple[Session, ...], int]:
        """Return the `limit` sessions whose title or id matches typed letters best, and the number of all matches.

        If nothing is typed, all sessions match: first the pinned ones, then the others in the order of `sessions`, or
        all in another order. Sessions without a title have their first words.
        """
        if typed.strip() or sort is not SessionSort.WRITTEN:

            def match(tx: Transaction) -> tuple[tuple[Session, ...], int]:
                found, total = matching_sessions(tx, typed, limit, sort, archived=archived)
                return with_first_words(tx, found), total

            return await self._background.read(match)
        pinned = await self._reader.read(lambda tx: pinned_sessions(tx, archived=archived))
        others = await self.sessions(0, limit, archived=archived)
        found = (*pinned, *(session for session in others if not session.pinned))[:limit]
        return await self.with_first_words(found), await self.count_sessions(archived=archived)

    async def with_first_words(self, sessions: Iterable[Session]) -> tuple[Session, ...]:
        """Return sessions without a title with the beginning of their first message, if a user wrote it."""
        return await self._background.read(lambda tx: with_first_words(tx, sessions))

    async def dump(self, session: Session, work: Callable[[SessionDump], T]) -> T:
        """Run a function that reads a complete session in one snapshot, and return its result.

        The function has its own connection: neither other readers nor writers of the file wait for it.

        Raises:
            FileError: The file cannot be read now.
        """
        from tui.storage.queries.session_dump import SessionDump

        engine = await asyncio.to_thread(open_to_read, self.path, self._timeout, once=True)
        try:
            return await engine.read(lambda tx: work(SessionDump(tx, session, IncrementalTree().read(tx, session))))
        finally:
            await asyncio.to_thread(engine.close)

    async def copied_state(self, session_id: str) -> str | None:
        """Return the state of a session as it was copied to this database; None if it is no copy."""
        from tui.storage.transfer.sessions import copied_state

        return await self._reader.read(lambda tx: copied_state(tx, session_id))

    async def journal(self) -> tuple[JournalEntry, ...]:
        """Return the entries of the journal, the newest first."""
        from tui.storage.journal.recording import read_entries

        return await self._reader.read(read_entries)

    async def paused_runs(self, session_id: str | None = None) -> tuple[PausedRun, ...]:
        """Return the runs of a session, by default of all, that wait for approval; oldest first."""
        from tui.storage.queries.paused_runs import read_paused_runs

        return tuple(await self._background.read(lambda tx: read_paused_runs(tx, session_id)))

    async def unreadable_runs(self, session_id: str | None = None) -> int:
        """Return the number of paused runs of a session, by default of all, that this program cannot read."""
        from tui.storage.queries.paused_runs import count_unreadable_runs

        return await self._background.read(lambda tx: count_unreadable_runs(tx, session_id))

    async def paused_state(self, run_id: int) -> str | None:
        """Return the agent's state of a paused run; None if there is no such run."""
        from tui.storage.queries.paused_runs import read_paused_state

        return await self._background.read(lambda tx: read_paused_state(tx, run_id))

    # Branches, turns and items

    async def tree(self, session: Session) -> TurnTree:
        """Return the tree of a session's turns, which always contains `main` and all branches without items."""
        return await self._reader.read(lambda tx: self._tree.read(tx, session))

    async def count_items(self, session: Session) -> dict[str, int]:
        """Return the number of items of each branch of a session that has items."""
        return await self._reader.read(lambda tx: count_items(tx, session))

    async def last_branch(self, session: Session) -> str:
        """Return the branch of a session that was written last."""
        return await self._reader.read(lambda tx: last_branch(tx, session))

    async def turns(self, session: Session, holders: Sequence[str], first: int, last: int) -> tuple[Turn, ...]:
        """Return the turns `first` to `last` of a chain for the tree; `holders` are the branches that hold them."""
        return await self._reader.read(lambda tx: read_turns(tx, session, holders, first, last))

    async def user_text(self, session: Session, branch_id: str, turn: int) -> str:
        """Return the complete text of the user message of a turn.

        Raises:
            NotFoundError: There is no such turn, or its message cannot be decoded.
        """
        return await self._reader.read(lambda tx: read_user_text(tx, session, branch_id, turn))

    async def fork_words(self, session: Session, turns: Mapping[str, int]) -> dict[str, str]:
        """Return the text of the user message of a turn of each branch; leave out those that cannot be read."""

        def read(tx: Transaction) -> dict[str, str]:
            found = {}
            for branch_id, turn in turns.items():
                with suppress(NotFoundError):
                    found[branch_id] = read_user_text(tx, session, branch_id, turn)
            return found

        return await self._reader.read(read)

    async def turn_position(self, session: Session, branch_id: str, turn: int) -> int:
        """Return the number of items of a branch before a turn."""
        return await self._reader.read(lambda tx: self._positions.position(tx, session, branch_id, turn))

    async def item_position(self, session: Session, branch_id: str, turn: int, message_id: int) -> int | None:
        """Return the position in the branch of an item of a turn; None if the turn does not have the item."""
        from tui.storage.search import index_in_turn

        index = await self._reader.read(lambda tx: index_in_turn(tx, session, branch_id, turn, message_id))
        return None if index is None else index + await self.turn_position(session, branch_id, turn)

    async def page(self, session: Session, branch_id: str, start: int, stop: int) -> Page:
        """Return the existing items of a branch from position `start` to before `stop`.

        Only the beginning of a long item is read; `full_item` reads all of it.
        """
        return await self._reader.read(lambda tx: read_page(tx, self._positions, session, branch_id, start, stop))

    async def page_around(self, session: Session, branch_id: str, turn: int, *, at_end: bool = False) -> PageAround:
        """Return items around the beginning of a turn, or, with `at_end`, the last items of the branch."""
        return await self._reader.read(
            lambda tx: read_page_around(tx, self._positions, session, branch_id, turn, at_end=at_end)
        )

    async def full_item(self, item: Item) -> Item:
        """Read an item completely.

        Raises:
            NotFoundError: It is not stored any more.
        """
        if not item.unread:
            return item
        (read,) = await self._background.read(lambda tx: [*tx.messages.read_prefixes([item.message_id], None)])
        if not read.size:
            raise NotFoundError("The item is gone: another program removed it.")
        return item._replace(data=read.data, raw=read.raw, size=read.size, unread=0, cut=False)

    def search(self, query: Query, target: SearchTarget, limit: int | None = None) -> AsyncGenerator[SearchUpdate]:
        """Search for a query, as `Searcher.search` does."""
        from tui.storage.search import Searcher

        if self._searcher is None:
            self._searcher = Searcher(self.path, self._timeout, self._reader)
        return self._searcher.search(query, target, limit)

    async def deletion_impact(self, session: Session, branch_id: str | None) -> DeletionImpact:
        """Return what would be deleted with a branch, or with the session if the branch is None.

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
        """Return the sums of a branch and its tools, and the usage of each turn from `page[0]` to `page[1]`."""

        def read(tx: Transaction) -> BranchUsage:
            usage = self._usage_cache.branch_usage(tx, session, tree, branch_id)
            if page is None:
                return usage
            return usage._replace(page=turn_usages(tx, session, tree, branch_id, *page, self._background_positions))

        return await self._background.read(read)

    def prefetch_usage(self, session: Session, tree: TurnTree, branch_id: str) -> None:
        """Start to add up the usage of a branch, so that `branch_usage` finds it in the cache."""
        self._background.submit_read(lambda tx: self._usage_cache.branch_usage(tx, session, tree, branch_id))

    async def turn_usages(
        self, session: Session, tree: TurnTree, branch_id: str, first: int, last: int, *, evidence: bool = True
    ) -> tuple[TurnUsage, ...]:
        """Return the usage and the requests of each turn of a branch from `first` to `last`.

        By default, the requests have cache evidence.
        """
        positions = self._background_positions if evidence else None
        return await self._background.read(lambda tx: turn_usages(tx, session, tree, branch_id, first, last, positions))

    async def requests(
        self, session: Session, tree: TurnTree, branch_id: str, first: int, last: int
    ) -> dict[int, tuple[Request, ...]]:
        """Return the requests of those turns of a branch from `first` to `last` whose requests are all known."""
        from tui.storage.queries.requests import read_requests

        return await self._background.read(lambda tx: read_requests(tx, session, tree, branch_id, first, last))

    async def request_input(
        self, session: Session, tree: TurnTree, branch_id: str, turn: int, number: int
    ) -> RequestInput | None:
        """Return what a request of a turn sent, as far as it was recorded; None if there is no such request."""
        from tui.storage.queries.request_inputs import read_request_input
        from tui.storage.queries.requests import read_requests

        def read(tx: Transaction) -> RequestInput | None:
            requests = read_requests(tx, session, tree, branch_id, turn, turn).get(turn, ())
            request = next((request for request in requests if request.number == number), None)
            return None if request is None else read_request_input(tx, session, branch_id, request)

        return await self._background.read(read)

    async def spending(
        self, session: Session, tree: TurnTree, branch_id: str, tier_limits: Sequence[int]
    ) -> SpendingByScope:
        """Return the usage of each scope of a branch, separated by model, hour and price tier."""
        if self._spending is None or self._spending[0] != tier_limits:
            self._spending = tier_limits, BranchUsageCache(tier_limits)
        _, cache = self._spending
        return await self._background.read(lambda tx: cache.spending(tx, session, tree, branch_id))

    async def resend_cost(self, session: Session, tree: TurnTree, branch_id: str) -> ResendCost:
        """Return the resend cost of the turns of a branch."""
        from tui.model.resend_cost import resend_cost

        return await self._background.read(lambda tx: resend_cost(branch_id, turn_inputs(tx, session, tree, branch_id)))

    async def text_sizes(self, session: Session, tree: TurnTree, branch_id: str) -> TextSizes:
        """Return the sizes of the turns of a branch, estimated from their text."""
        from tui.storage.queries.text_sizes import text_sizes

        return await self._background.read(lambda tx: text_sizes(tx, session, tree, branch_id))

    async def session_tools(self, session: Session) -> tuple[tuple[str, int], ...]:
        """Return the name and the number of calls of each tool of a session, the tool with the most calls first."""
        return await self._background.read(lambda tx: session_tools(tx, session))

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
        """Compare turns of two branches, or of one branch; `price` computes what they cost."""
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
        """Return the input of the requests of a turn, and of the same turn of `other_branch` if it is given."""
        from tui.storage.queries.model_input import read_model_input

        return await self._background.read(
            lambda tx: read_model_input(tx, session, tree, branch_id, turn, other_branch)
        )

    async def input_size(self, session: Session, item_range: ItemRange) -> InputSize:
        """Return the number and the size of a range of items."""
        from tui.storage.queries.model_input import read_input_size

        return await self._background.read(lambda tx: read_input_size(tx, session, item_range))

    async def input_items(self, session: Session, item_range: ItemRange) -> list[object]:
        """Return the items of a range as `get_items` does: without those that cannot be decoded."""
        from tui.storage.queries.model_input import read_input

        return await self._background.read(lambda tx: read_input(tx, session, item_range))
