"""The session class, without the parts that depend on the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from tui.model import Outcome
from tui.model.requests import SentRequest
from tui.session import sdk_settings as sdk
from tui.session.compaction import CompactionSnapshot, replace_items
from tui.session.current_branch import CurrentBranch, SessionAccess
from tui.storage.engine import Engine, Transaction
from tui.storage.journal.recording import record_clear
from tui.storage.queries.branches import DeletedRows, delete_branch, fork_branch, list_branches
from tui.storage.queries.compaction import StoredItem, newest_items, turn_holder
from tui.storage.queries.items import EncodedItem, append_items, clear_session, encode_items, pop_item, read_items
from tui.storage.queries.requests import EndedRequest, prepare_request, record_request
from tui.storage.queries.runs import EndedRun, record_run
from tui.storage.queries.turns import (
    find_turns,
    items_by_turn,
    list_turns,
    require_user_turn,
    resolve_fork_turn,
    tool_usage,
)
from tui.storage.queries.usage import run_usage, session_usage, store_usage, turn_usage, usage_by_turn
from tui.storage.schema import MAIN

if TYPE_CHECKING:
    from typing import Self

    from agents import RunResult, RunResultStreaming, SessionSettings, TResponseInputItem

__all__ = ["AdvancedSession"]

T = TypeVar("T")


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


class AdvancedSession:
    """A conversation with branches, the structure of every item, and usage by turn, in a database of any kind.

    `tui.session.AdvancedSQLiteSession` describes what its users can rely on. Every method but `close` raises
    RuntimeError after `close`, and the database's own error where that fails.

    Attributes:
        session_id: Id of the session.
        around_compaction: Returns the context in which a compaction is made, given its transaction.
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
            logger: Where failures are logged; this module's logger if None.
            session_settings: Settings of the SDK, such as the default `limit` of `get_items`.

        Raises:
            TypeError: The settings are invalid.
        """
        self.session_id = session_id
        self._settings = None if session_settings is None else sdk.coerce_settings(session_settings)
        self._settings_given = session_settings is not None
        self._logger = logger if logger is not None else logging.getLogger(__name__)
        self._access = SessionAccess(open_engine(), session_id)
        self.around_compaction: Callable[[Transaction], AbstractContextManager[object]] = nullcontext

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
        return cast("list[TResponseInputItem]", await self._access.read(read_items, branch_id, limit))

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
            encoded = encode_items(items)
            await self._access.change(
                lambda tx, branch: append_items(tx, self.session_id, branch, encoded), self._access.current
            )
        except Exception as error:
            self._log_failure("Failed to add session items", error, "MODEL", "TOOL")
            raise

    async def pop_item(self) -> TResponseInputItem | None:
        """Delete and return the newest item of the branch that is current when the method is called.

        The stored message is deleted if no other branch holds it.

        Returns:
            The item; None if the branch has none.
        """
        item = await self._access.change(lambda tx, branch: pop_item(tx, self.session_id, branch), self._access.current)
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

        async def replace_suffix(start: int, output: list[TResponseInputItem]) -> bool:
            expected, encoded = stored[start:], encode_items(output)

            def work(tx: Transaction, branch: str) -> bool:
                if self._access.current.generation != at_read.generation:
                    return False
                if newest_items(tx, self.session_id, branch, len(expected)) != expected:
                    return False
                self._replace_items(tx, branch, encoded, expected[0].row_id)
                return True

            return bool(expected) and await self._access.change(work, at_read)

        return CompactionSnapshot(items, complete, replace_suffix)

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace all items of the current branch, and return whether that was done."""
        if self._transforms_items:
            return False
        encoded = encode_items(items)
        await self._access.change(
            lambda tx, branch: self._replace_items(tx, branch, encoded, None), self._access.current
        )
        return True

    @property
    def _transforms_items(self) -> bool:
        """Whether a subclass may store items in another form, so that it has to write them itself."""
        own = type(self)
        return own.get_items is not AdvancedSession.get_items or own.add_items is not AdvancedSession.add_items

    def _replace_items(self, tx: Transaction, branch: str, items: Sequence[EncodedItem], first_row: int | None) -> None:
        with self.around_compaction(tx):
            replace_items(tx, self.session_id, branch, items, first_row, undoable=self._access.is_durable)

    # Branches

    async def create_branch_from_turn(self, turn_number: int, branch_name: str | None = None) -> str:
        """Make a branch that shares the current branch's turns before `turn_number`, and switch to it.

        Args:
            turn_number: The first turn that is not shared.
            branch_name: Id of the new branch, never used before in this session; made from turn and time if None.

        Returns:
            The id of the new branch.

        Raises:
            ValueError: There is no such turn, or the name is blank or was used before.
        """
        _check_name(branch_name)

        def chosen(tx: Transaction, branch: str) -> int:
            require_user_turn(tx, self.session_id, branch, turn_number)
            return turn_number

        return await self._create(chosen, branch_name)

    async def create_branch_from_content(self, search_term: str, branch_name: str | None = None) -> str:
        """Make a branch from the first turn whose user message contains `search_term`, and switch to it.

        Args:
            search_term: Text to look for, as `find_turns_by_content` does.
            branch_name: Id of the new branch, never used before in this session; made from turn and time if None.

        Returns:
            The id of the new branch.

        Raises:
            ValueError: No turn contains the text, or the name is blank or was used before.
        """

        def first_match(tx: Transaction, branch: str) -> int:
            matches = find_turns(tx, self.session_id, branch, search_term)
            if not matches:
                raise ValueError(f"No user turns found containing '{search_term}'")
            _check_name(branch_name)
            turn: int = matches[0]["turn"]
            require_user_turn(tx, self.session_id, branch, turn)
            return turn

        return await self._create(first_match, branch_name)

    async def fork(
        self,
        turn: int | None = None,
        branch_name: str | None = None,
        *,
        source: str | None = None,
        switch: bool = True,
    ) -> str:
        """Make a branch that shares the turns of `source` before `turn`.

        Args:
            turn: The first turn that is not shared; to share all turns, None or the number after the last.
            branch_name: Id of the new branch, never used before in this session; made from turn and time if None.
            source: The branch to fork from; the current one if None.
            switch: Make the new branch the current one.

        Returns:
            The id of the new branch.

        Raises:
            ValueError: There is no such branch or turn, or the name is blank or was used before.
        """
        _check_name(branch_name)
        return await self._create(
            lambda tx, branch: resolve_fork_turn(tx, self.session_id, branch, turn),
            branch_name,
            source=source,
            switch=switch,
        )

    async def switch_to_branch(self, branch_id: str) -> None:
        """Make a branch the current one; nothing is written.

        Raises:
            ValueError: There is no such branch.
        """
        previous = await self._access.move(branch_id)
        self._logger.info("Switched from branch '%s' to '%s'", previous, branch_id)

    async def delete_branch(self, branch_id: str, force: bool = False) -> None:
        """Delete a branch with its usage, and the messages that no other branch holds.

        Its id stays reserved.

        Args:
            branch_id: Id of the branch.
            force: Delete the current branch too, and switch to `main`.

        Raises:
            ValueError: There is no such branch, it is `main`, or it is the current one and `force` is not set.
        """
        if not branch_id or not branch_id.strip():
            raise ValueError("Branch ID cannot be empty")
        if branch_id == MAIN:
            raise ValueError("Cannot delete the 'main' branch")
        access = self._access

        def refuse_current(current: str) -> None:
            if branch_id == current and not force:
                raise ValueError(f"Cannot delete current branch '{branch_id}'. Use force=True or switch branches first")

        def work(tx: Transaction, current: str) -> DeletedRows:
            # A switch that was called earlier may have been made since the check below.
            refuse_current(current)
            deleted = delete_branch(tx, self.session_id, branch_id)
            if branch_id == current:
                access.current = access.current._replace(branch_id=MAIN)
            return deleted

        refuse_current(access.current.branch_id)
        deleted = await access.change(work)
        self._logger.info(
            "Deleted branch '%s': %s message entries, %s usage entries, %s orphaned messages", branch_id, *deleted
        )

    async def list_branches(self) -> list[dict[str, Any]]:
        """Return the branches that have items, oldest first.

        Returns:
            For each `branch_id`, `message_count`, `user_turns`, `is_current` and `created_at` (UTC, one second).
        """
        return await self._access.read(list_branches, None)

    # Turns and tools

    async def get_conversation_turns(self, branch_id: str | None = None) -> list[dict[str, Any]]:
        """Return the user messages of a branch, the current one if None.

        Returns:
            For each turn `turn`, `content` (its first 100 characters), `full_content` (as stored), `timestamp` (UTC)
            and `can_branch` (always True).
        """
        return await self._access.read(list_turns, branch_id)

    async def find_turns_by_content(self, search_term: str, branch_id: str | None = None) -> list[dict[str, Any]]:
        """Return the user messages that contain a text, ignoring the case of ASCII letters.

        Args:
            search_term: The text, taken literally.
            branch_id: The branch; the current one if None.

        Returns:
            As `get_conversation_turns`, with the full text in `content`.
        """
        return await self._access.read(find_turns, branch_id, search_term)

    async def get_conversation_by_turns(self, branch_id: str | None = None) -> dict[int, list[dict[str, str | None]]]:
        """Return the types of the items of a branch, the current one if None, by turn.

        Returns:
            For each turn's number the `type` and `tool_name` of its items; turn 0 is before the first user message.
        """
        return await self._access.read(items_by_turn, branch_id)

    async def get_tool_usage(self, branch_id: str | None = None) -> list[tuple[str, int, int]]:
        """Return the number of calls of each tool in a branch, the current one if None.

        Returns:
            Tool name, number of calls, turn.
        """
        return await self._access.read(tool_usage, branch_id)

    # Usage

    async def store_run_usage(self, result: RunResult | RunResultStreaming) -> None:
        """Store a run's usage for the last turn of the current branch, in place of what was stored for it.

        Call it after the run. It never raises: a failure is logged.
        """
        try:
            usage = run_usage(result.context_wrapper.usage, self._logger)
            if usage is not None:
                await self._store_for_last_turn("usage store", store_usage, usage)
        except Exception as error:
            self._log_failure("Failed to store session usage", error, "MODEL")

    async def record_request(self, request: SentRequest, *, first: bool = False) -> None:
        """Record a request for the last turn of the current branch; record nothing without a turn.

        It counts at once in the usage of the turn. Where `store_run_usage` stores the same sum later, what was recorded
        of each request stays.

        Args:
            request: What was sent, and what it used.
            first: Whether it is the first request of its run, which replaces what is stored for the turn.
        """
        branch_id = self._access.current.branch_id

        def prepare(tx: Transaction, session_id: str, branch: str) -> EndedRequest | None:
            return prepare_request(tx, session_id, turn_holder(tx, session_id, branch), request)

        # The turn is found before other calls are made, and a long branch compared before other writers wait.
        ended = await self._access.read(prepare, branch_id)
        if ended is None or not await self._access.change(partial(_record_ended, ended, first)):
            self._logger.debug("Skipping request record: no current turn on branch %r", branch_id)

    async def record_run(
        self,
        *,
        outcome: str,
        model: str | None = None,
        agent: str | None = None,
        started_at: str | None = None,
        seconds: float | None = None,
        error: str | None = None,
        estimated: bool = False,
        reported: bool = True,
    ) -> None:
        """Record how a run ended for the last turn of the current branch; record nothing without a turn.

        Args:
            outcome: `done`, `stopped` or `failed`.
            model: Name of the model.
            agent: Name of the agent that answered last.
            started_at: When it began: UTC, naive, `YYYY-MM-DD HH:MM:SS`.
            seconds: How long it took.
            error: The error on one line, without secrets.
            estimated: Whether the tokens are estimates, not counted by a provider.
            reported: Whether the provider reported tokens.

        Raises:
            ValueError: There is no such outcome.
        """
        ended = EndedRun(Outcome(outcome), model, agent, started_at, seconds, error, estimated, reported)
        await self._store_for_last_turn("run record", record_run, ended)

    async def get_session_usage(self, branch_id: str | None = None) -> dict[str, int] | None:
        """Return the sum of the usage of one branch's turns, or of all branches'.

        Returns:
            `requests`, `input_tokens`, `output_tokens`, `total_tokens` and `total_turns`; None if none is stored.
        """
        return await self._access.read(session_usage, branch_id or "")

    async def get_turn_usage(
        self, user_turn_number: int | None = None, branch_id: str | None = None
    ) -> list[dict[str, Any]] | dict[str, Any]:
        """Return the usage of one turn, or of every turn.

        Args:
            user_turn_number: The turn; all if None.
            branch_id: The branch; the current one if None.

        Returns:
            `requests`, `input_tokens`, `output_tokens`, `total_tokens`, `input_tokens_details` and
            `output_tokens_details` (decoded, or None) of the turn, {} if none is stored; for all turns a list of
            these with `user_turn_number`.
        """
        if user_turn_number is None:
            return await self._access.read(usage_by_turn, branch_id)
        return await self._access.read(turn_usage, branch_id, user_turn_number)

    async def _create(
        self,
        choose_turn: Callable[[Transaction, str], int],
        name: str | None,
        *,
        source: str | None = None,
        switch: bool = True,
    ) -> str:
        access = self._access

        def work(tx: Transaction, current: str) -> tuple[str, int, str]:
            origin = current if source is None else source
            turn = choose_turn(tx, origin)
            branch_id = fork_branch(tx, self.session_id, origin, turn, name)
            if switch:
                access.current = access.current._replace(branch_id=branch_id)
            return branch_id, turn, origin

        created = await access.change(work)
        self._logger.debug("Created branch '%s' from turn %s in '%s'", *created)
        return created[0]

    async def _store_for_last_turn(
        self, what: str, store: Callable[[Transaction, str, str, T], bool], value: T
    ) -> None:
        access, at_call = self._access, self._access.current

        def work(tx: Transaction, branch: str) -> bool:
            # The session may have been cleared since the call, and the turn with it.
            cleared = access.current.generation != at_call.generation
            return not cleared and store(tx, self.session_id, turn_holder(tx, self.session_id, branch), value)

        if not await access.change(work, at_call):
            self._logger.debug("Skipping %s: no current turn on branch %r", what, at_call.branch_id)

    def _log_failure(self, message: str, error: Exception, *kinds: str) -> None:
        """Log a failure, with the error, which may quote a conversation, only if the SDK may log such data."""
        if sdk.may_log(*kinds):
            self._logger.error("%s: %s", message, error, exc_info=error)
        else:
            self._logger.error("%s", message)


def _record_ended(request: EndedRequest, first: bool, tx: Transaction, _branch: str) -> bool:
    return record_request(tx, request, first)


def _check_name(name: str | None) -> None:
    if name is not None and not name.strip():
        raise ValueError("Branch name cannot be empty")
