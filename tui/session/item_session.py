"""A session of the SDK: the items of the current branch of a conversation, in a database of any kind."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, cast

from tui.items.sealed import Seal, is_sealed
from tui.model.requests import SentRequest
from tui.session import sdk_settings as sdk
from tui.session.compaction import CompactionSnapshot, replace_items
from tui.session.current_branch import CurrentBranch, SessionAccess
from tui.storage.engine import Engine, Transaction
from tui.storage.journal.recording import record_clear
from tui.storage.queries.compaction import StoredItem, newest_items
from tui.storage.queries.items import EncodedItem, append_items, clear_session, encode_items, pop_item, read_items
from tui.storage.queries.request_inputs import MatchMemory
from tui.storage.queries.requests import TurnKey, last_turn_key
from tui.storage.schema import MAIN

if TYPE_CHECKING:
    from typing import Self

    from agents import SessionSettings, TResponseInputItem

__all__ = ["ItemSession", "RunWrites"]


class _Closed:
    """The result of `close`, which may be awaited or not."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_SDK_HOOKS: Final = frozenset(
    {
        "_add_structure_metadata",
        "_classify_message_type",
        "_extract_tool_name",
        "_get_connection",
        "_init_db_for_connection",
        "_insert_items",
        "_insert_structure_metadata",
        "_is_user_message",
        "_write_connection",
    }
)
"""Private methods of the SDK's class that subclasses are known to override."""


class RunWrites:
    """The turn that a run writes its message to. The SDK reads the items when a run begins, and then writes.

    Attributes:
        session: The session that the run reads and writes.
        turn: The turn; None until the run has written.
    """

    def __init__(self, session: ItemSession) -> None:
        self.session = weakref.ref(session)
        self.turn: TurnKey | None = None

    @staticmethod
    def of(session: ItemSession) -> RunWrites | None:
        """Return those of the run that the caller is part of; None if that has not read the session."""
        writes = _run_writes.get()
        return None if writes is None or writes.session() is not session else writes

    def note(self, tx: Transaction, session_id: str, branch_id: str) -> None:
        """Note the turn of what was written, if it is the first."""
        if self.turn is None:
            tx.on_rollback(self._forget)
            self.turn = last_turn_key(tx, session_id, branch_id)

    def _forget(self) -> None:
        self.turn = None


_run_writes: ContextVar[RunWrites | None] = ContextVar("run_writes", default=None)


class ItemSession:
    """A conversation in a database, with the methods that the SDK's sessions have.

    Every method but `close` raises RuntimeError after `close`, and the database's own error where that fails.

    Attributes:
        session_id: Id of the session.
        around_compaction: Returns the context in which a compaction is made, given its transaction.
        seal: Encrypts and decrypts the items, and the texts of requests; None to store them as they are. Then, as
            with the SDK's `EncryptedSession`, there are no items but those that it decrypts.
        left_out: Number of items that the last `get_items` left out for that.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Refuse overrides that would never be called.

        Raises:
            TypeError: The subclass overrides a private method of the SDK's class.
        """
        super().__init_subclass__(**arguments)
        if hooks := sorted(_SDK_HOOKS & vars(cls).keys()):
            raise TypeError(
                f"{cls.__name__} overrides {', '.join(hooks)}, which only the SDK's class calls."
                " Override a public method, such as add_items or get_items."
            )

    @property
    def _current_branch_id(self) -> str:
        """The id of the current branch, for subclasses of the SDK's class that read it."""
        return self._access.current.branch_id

    def __init__(
        self,
        session_id: str,
        open_engine: Callable[[], Engine],
        *,
        logger: logging.Logger | None,
        session_settings: SessionSettings | dict[str, Any] | None,
    ) -> None:
        """Open the database, and block until that is done.

        Args:
            session_id: Id of the session.
            open_engine: Opens the database, with its tables ready.
            logger: Logger for failures; that of `tui.session.advanced` if None.
            session_settings: Settings of the SDK, such as the default `limit` of `get_items`.

        Raises:
            TypeError: The settings are invalid.
        """
        self.session_id = session_id
        self._settings = None if session_settings is None else sdk.coerce_settings(session_settings)
        self._settings_given = session_settings is not None
        self._logger = logger if logger is not None else logging.getLogger("tui.session.advanced")
        self._access = SessionAccess(open_engine(), session_id)
        self._matched = MatchMemory()
        self.around_compaction: Callable[[Transaction], AbstractContextManager[object]] = nullcontext
        self.seal: Seal | None = None
        self.left_out = 0
        self._is_recorded = False

    @property
    def session_settings(self) -> SessionSettings | None:
        """Settings of the SDK; its defaults if none were given."""
        if not self._settings_given:
            self.session_settings = sdk.default_settings()
        return self._settings

    @session_settings.setter
    def session_settings(self, settings: SessionSettings | None) -> None:
        self._settings = settings
        self._settings_given = True

    def close(self) -> Awaitable[None]:
        """Finish the calls that were made, and close the database; may be called again, and be awaited or not."""
        self._access.close()
        return _Closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._access.close)

    # Items: the SDK's session protocol

    async def get_items(self, limit: int | None = None, branch_id: str | None = None) -> list[TResponseInputItem]:
        """Return the items of a branch.

        Args:
            limit: The number of newest items to return; None for the limit of `session_settings`, or all.
            branch_id: The branch; the current one if None. A branch that does not exist has no items.

        Returns:
            The items in their order, without those that cannot be decoded.
        """
        if limit is None and self._settings is not None:
            limit = sdk.coerce_settings(self._settings).limit
        if self._is_recorded and branch_id is None:
            _run_writes.set(RunWrites(self))
        query = read_items if self.seal is None else partial(_read_opened, self)
        return cast("list[TResponseInputItem]", await self._access.read(query, branch_id, limit))

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Append items to the branch that is current when the method is called.

        Raises:
            ValueError: The branch was deleted by another object; nothing is written.
            TypeError: An item is not JSON; nothing is written.
        """
        self._access.check_open()
        if not items:
            return
        try:
            encoded = encode_items(items, self.seal)
            writes = RunWrites.of(self)

            def append(tx: Transaction, branch: str) -> None:
                append_items(tx, self.session_id, branch, encoded)
                if writes is not None:
                    writes.note(tx, self.session_id, branch)

            await self._access.change(append, self._access.current)
        except Exception as error:
            sdk.log_failure(self._logger, "Failed to add session items", error, "MODEL", "TOOL")
            raise

    async def pop_item(self) -> TResponseInputItem | None:
        """Delete and return the newest item of the branch that is current when the method is called.

        The stored message is deleted if no other branch holds it.

        Returns:
            The item; None if the branch has none.
        """
        if (writes := RunWrites.of(self)) is not None:
            # The SDK takes a message back to send it once more.
            writes.turn = None
        item = await self._access.change(lambda tx, branch: pop_item(tx, self.session_id, branch), self._access.current)
        if self.seal is not None and is_sealed(item):
            item = self.seal.open(item)
        return cast("TResponseInputItem | None", item)

    async def clear_session(self) -> None:
        """Delete all branches and items of the session, and make `main` the current branch.

        The ids of the branches stay reserved, so that no other object can write into a later branch of that name. The
        explorer can undo it, until its trash is emptied or newer clears have filled it.
        """
        clear = record_clear if self._access.is_durable else clear_session

        def work(tx: Transaction, _branch: str) -> None:
            self._access.current = CurrentBranch(MAIN, clear(tx, self.session_id))

        await self._access.change(work)

    # Compaction: the private methods that the SDK's `OpenAIResponsesCompactionSession` looks for

    async def _get_compaction_snapshot(
        self,
        limit: int,
        *,
        prune_prefix: Callable[[Any], bool] | None = None,  # noqa: ARG002
    ) -> CompactionSnapshot | None:
        """Return the newest `limit` items of the current branch, with the function that replaces some of them.

        Expired items before these, which `prune_prefix` finds, are not deleted.
        """
        if self._transforms_items:
            return None

        def read(tx: Transaction, _session_id: str, branch: str) -> tuple[CurrentBranch, list[StoredItem]]:
            at_read = self._access.current._replace(branch_id=branch)
            return at_read, newest_items(tx, self.session_id, branch, limit + 1)

        at_read, stored = await self._access.read(read, None)
        complete = len(stored) <= limit
        stored = stored[-limit:]
        try:
            items = [cast("TResponseInputItem", item.decode()) for item in stored]
        except ValueError:
            return None
        if self.seal is not None:
            items = self.seal.opened(items)
            if len(items) < len(stored):
                return None

        async def replace_suffix(
            start: int, output: list[TResponseInputItem], request: SentRequest | None = None
        ) -> bool:
            expected, encoded = stored[start:], encode_items(output, self.seal)

            def work(tx: Transaction, branch: str) -> bool:
                if self._access.current.generation != at_read.generation:
                    return False
                if newest_items(tx, self.session_id, branch, len(expected)) != expected:
                    return False
                self._replace_items(tx, branch, encoded, expected[0].row_id, request)
                return True

            return bool(expected) and await self._access.change(work, at_read)

        return CompactionSnapshot(items, complete, replace_suffix)

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace all items of the current branch, and return whether that was done."""
        if self._transforms_items:
            return False
        encoded = encode_items(items, self.seal)
        await self._access.change(
            lambda tx, branch: self._replace_items(tx, branch, encoded, None), self._access.current
        )
        return True

    @property
    def _transforms_items(self) -> bool:
        """True if a subclass may store items in another form: it then writes them itself."""
        own = type(self)
        return own.get_items is not ItemSession.get_items or own.add_items is not ItemSession.add_items

    def _replace_items(
        self,
        tx: Transaction,
        branch: str,
        items: Sequence[EncodedItem],
        first_row: int | None,
        request: SentRequest | None = None,
    ) -> None:
        with self.around_compaction(tx):
            replace_items(tx, self.session_id, branch, items, first_row, request, undoable=self._access.is_durable)


def _read_opened(
    session: ItemSession, tx: Transaction, session_id: str, branch_id: str, limit: int | None
) -> list[object]:
    """Return the newest items that the seal of a session decrypts, on the engine's thread."""
    items = read_items(tx, session_id, branch_id)
    opened = [] if session.seal is None else session.seal.opened(items)
    session.left_out = len(items) - len(opened)
    return opened if limit is None or limit < 0 else opened[max(len(opened) - limit, 0) :]
