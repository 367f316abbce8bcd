"""`AdvancedSQLiteSession`: branches, structure and usage of a conversation in SQLite, as the Agents SDK stores them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from tui.model import Outcome
from tui.session import sdk_settings as sdk
from tui.session.current_branch import CurrentBranch, SessionAccess
from tui.storage.engine import Transaction
from tui.storage.queries.branches import DeletedRows, delete_branch, fork_branch, list_branches
from tui.storage.queries.items import append_items, clear_session, encode_items, pop_item, read_items
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
from tui.storage.schema import DEFAULT_MESSAGES, DEFAULT_SESSIONS, MAIN, Tables
from tui.storage.sqlite.files import open_session

if TYPE_CHECKING:
    from typing import Self

    from agents import RunResult, RunResultStreaming, SessionSettings, TResponseInputItem

__all__ = ["AdvancedSQLiteSession"]

P = ParamSpec("P")


class _Closed:
    """What `close` returns: it is done, and may be awaited all the same."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


def _keywords_only(init: Callable[P, None]) -> Callable[P, None]:
    """Answer the usual mistakes, positional arguments and no session id, with what to write."""

    @wraps(init)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        if len(args) > 1 or "session_id" not in kwargs:
            raise TypeError(
                "AdvancedSQLiteSession takes keyword arguments alone: write "
                "AdvancedSQLiteSession(session_id=..., db_path=..., create_tables=True)"
            )
        init(*args, **kwargs)

    return checked


class AdvancedSQLiteSession:
    """A conversation stored in SQLite, with branches, the structure of every item, and usage by turn.

    Drop-in for `agents.extensions.memory.AdvancedSQLiteSession` on the same files, also at the same time. One object
    serves any number of tasks, threads and event loops; its calls take effect in their order. A change is made wholly
    or not at all, also when the call is cancelled: it is settled first, then the cancellation goes on.

    Where it differs from the SDK's class, it loses less: a branch without items (forked at turn 1, or emptied by
    `pop_item`) and `main` can always be entered and deleted; a branch that another object deleted is not revived by
    `add_items`; messages that a plain `SQLiteSession` stored, and the usage of turns that other branches still hold,
    survive `pop_item` and `delete_branch`. `fork` makes branches at any turn and after the last.

    Every method but `close` raises RuntimeError after `close`, and sqlite3.Error where the file fails.

    Attributes:
        session_id: Id of the session.
        db_path: The file, as it was given.
        sessions_table: Name of the base table of sessions.
        messages_table: Name of the base table of messages.
    """

    @_keywords_only
    def __init__(
        self,
        *,
        session_id: str,
        db_path: str | Path = ":memory:",
        create_tables: bool = False,
        logger: logging.Logger | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        sessions_table: str = DEFAULT_SESSIONS,
        messages_table: str = DEFAULT_MESSAGES,
    ) -> None:
        """Open the file, and make its tables where that is wanted. Blocks until that is done.

        Args:
            session_id: Id of the session; a new one starts empty.
            db_path: The file, or `:memory:` for a conversation that ends with this object.
            create_tables: Make missing tables; without it they must be there.
            logger: Where to report to; this module's logger if None.
            session_settings: Settings of the SDK, such as the default `limit` of `get_items`.
            sessions_table: Name of the base table of sessions.
            messages_table: Name of the base table of messages; a file serves one such pair.

        Raises:
            TypeError: Positional arguments, no session id, or settings that are none.
            ValueError: The tables are missing, or belong to another pair of base tables.
            sqlite3.OperationalError: The file cannot be opened or stays locked.
        """
        self.session_id = session_id
        self.db_path = db_path
        self.sessions_table = sessions_table
        self.messages_table = messages_table
        self._settings = None if session_settings is None else sdk.coerce_settings(session_settings)
        self._settings_given = session_settings is not None
        self._logger = logger if logger is not None else logging.getLogger(__name__)
        tables = Tables(sessions_table, messages_table)
        self._access = SessionAccess(open_session(db_path, tables, session_id, create_tables=create_tables), session_id)

    @property
    def session_settings(self) -> SessionSettings | None:
        """Settings of the SDK; its defaults unless some were given."""
        if not self._settings_given:
            self.session_settings = sdk.default_settings()
        return self._settings

    @session_settings.setter
    def session_settings(self, settings: SessionSettings | None) -> None:
        self._settings = settings
        self._settings_given = True

    def close(self) -> Awaitable[None]:
        """Finish what was begun and close the file, for good; may be called again, and awaited."""
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
        """Read a branch.

        Args:
            limit: How many of the newest items; None for the limit of `session_settings`, or all.
            branch_id: The branch; the current one if None. A branch that does not exist has no items.

        Returns:
            The items in their order, without those that cannot be decoded.
        """
        if limit is None and self._settings is not None:
            limit = sdk.coerce_settings(self._settings).limit
        return cast("list[TResponseInputItem]", await self._access.read(read_items, branch_id, limit))

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Append items to the branch that is current now.

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
                lambda tx, branch: append_items(tx, self.session_id, branch, encoded), self._access.pointer
            )
        except Exception as error:
            self._report("Failed to add session items", error, "MODEL", "TOOL")
            raise

    async def pop_item(self) -> TResponseInputItem | None:
        """Take the newest item from the branch that is current now.

        The stored message goes when no other branch holds it.

        Returns:
            The item; None where the branch has none.
        """
        item = await self._access.change(lambda tx, branch: pop_item(tx, self.session_id, branch), self._access.pointer)
        return cast("TResponseInputItem | None", item)

    async def clear_session(self) -> None:
        """Delete all branches and items of the session, and go back to `main`.

        The ids of the branches stay reserved, so that no other object can write into a later branch of that name.
        """

        def work(tx: Transaction, _branch: str) -> None:
            self._access.pointer = CurrentBranch(MAIN, clear_session(tx, self.session_id))

        await self._access.change(work)

    # Branches

    async def create_branch_from_turn(self, turn_number: int, branch_name: str | None = None) -> str:
        """Make a branch that shares the current branch's turns before `turn_number`, and switch to it.

        Args:
            turn_number: The first turn that the new branch leaves out.
            branch_name: Id of the new branch, never used before in this session; made of turn and time if None.

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
            branch_name: Id of the new branch, never used before in this session; made of turn and time if None.

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
        self, turn: int | None = None, *, source: str | None = None, name: str | None = None, switch: bool = True
    ) -> str:
        """Make a branch that shares the turns of `source` before `turn`.

        Args:
            turn: The first turn that is not shared: 1 shares none; None, or one more than the last, shares all.
            source: The branch to fork from; the current one if None.
            name: Id of the new branch, never used before in this session; made of turn and time if None.
            switch: Make the new branch the current one.

        Returns:
            The id of the new branch.

        Raises:
            ValueError: There is no such branch or turn, or the name is blank or was used before.
        """
        _check_name(name)

        def first_left_out(tx: Transaction, branch: str) -> int:
            return resolve_fork_turn(tx, self.session_id, branch, turn)

        return await self._create(first_left_out, name, source=source, switch=switch)

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
            branch_id: The branch, exactly as it is called.
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
            # A switch that was asked for before this call may have come between.
            refuse_current(current)
            deleted = delete_branch(tx, self.session_id, branch_id)
            if branch_id == current:
                access.pointer = access.pointer._replace(branch_id=MAIN)
            return deleted

        refuse_current(access.pointer.branch_id)
        deleted = await access.change(work)
        self._logger.info(
            "Deleted branch '%s': %s message entries, %s usage entries, %s orphaned messages", branch_id, *deleted
        )

    async def list_branches(self) -> list[dict[str, Any]]:
        """List the branches that have items, oldest first.

        Returns:
            For each `branch_id`, `message_count`, `user_turns`, `is_current` and `created_at` (UTC, one second).
        """
        return await self._access.read(list_branches, None)

    # Turns and tools

    async def get_conversation_turns(self, branch_id: str | None = None) -> list[dict[str, Any]]:
        """List the user messages of a branch, the current one if None.

        Returns:
            For each turn `turn`, `content` (its first 100 characters), `full_content` (as stored), `timestamp` (UTC)
            and `can_branch` (always True).
        """
        return await self._access.read(list_turns, branch_id)

    async def find_turns_by_content(self, search_term: str, branch_id: str | None = None) -> list[dict[str, Any]]:
        """Find user messages by a text in them, whatever the case of its ASCII letters.

        Args:
            search_term: The text, taken literally.
            branch_id: The branch; the current one if None.

        Returns:
            As `get_conversation_turns`, with the whole text in `content`.
        """
        return await self._access.read(find_turns, branch_id, search_term)

    async def get_conversation_by_turns(self, branch_id: str | None = None) -> dict[int, list[dict[str, str | None]]]:
        """Group the items of a branch, the current one if None, by turn.

        Returns:
            For each turn's number the `type` and `tool_name` of its items; 0 is before the first user message.
        """
        return await self._access.read(items_by_turn, branch_id)

    async def get_tool_usage(self, branch_id: str | None = None) -> list[tuple[str, int, int]]:
        """Count the tool calls of a branch, the current one if None.

        Returns:
            Tool name, number of calls, turn.
        """
        return await self._access.read(tool_usage, branch_id)

    # Usage

    async def store_run_usage(self, result: RunResult | RunResultStreaming) -> None:
        """Store what a run used for the last turn of the branch that is current now, in place of what was stored.

        Call it after the run. It never raises: a failure is logged.
        """
        access, asked = self._access, self._access.pointer
        try:
            spent = run_usage(result.context_wrapper.usage, self._logger)
            if spent is None:
                return

            def work(tx: Transaction, branch: str) -> bool:
                # A clear since the call took the turn away.
                cleared = access.pointer.generation != asked.generation
                return not cleared and store_usage(tx, self.session_id, branch, spent)

            if not await access.change(work, asked):
                self._logger.debug("Skipping usage store: no current turn on branch %r", asked.branch_id)
        except Exception as error:
            self._report("Failed to store session usage", error, "MODEL")

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
        """Record how a run ended for the last turn of the branch that is current now; nothing where it has no turn.

        Args:
            outcome: `done`, `stopped` or `failed`.
            model: Name of the model.
            agent: Name of the agent that answered last.
            started_at: When it began: UTC, naive, `YYYY-MM-DD HH:MM:SS`.
            seconds: How long it took.
            error: What went wrong, one line without secrets.
            estimated: The tokens are estimates and no provider's count.
            reported: False where the provider reported no tokens.

        Raises:
            ValueError: There is no such outcome.
        """
        ended = EndedRun(Outcome(outcome), model, agent, started_at, seconds, error, estimated, reported)
        access, asked = self._access, self._access.pointer

        def work(tx: Transaction, branch: str) -> bool:
            # A clear since the call took the turn away.
            cleared = access.pointer.generation != asked.generation
            return not cleared and record_run(tx, self.session_id, branch, ended)

        if not await access.change(work, asked):
            self._logger.debug("Skipping run record: no current turn on branch %r", asked.branch_id)

    async def get_session_usage(self, branch_id: str | None = None) -> dict[str, int] | None:
        """Add up the usage of one branch's turns, or of all branches'.

        Returns:
            `requests`, `input_tokens`, `output_tokens`, `total_tokens` and `total_turns`; None where none is stored.
        """
        return await self._access.read(session_usage, branch_id or "")

    async def get_turn_usage(
        self, user_turn_number: int | None = None, branch_id: str | None = None
    ) -> list[dict[str, Any]] | dict[str, Any]:
        """Tell the usage of one turn, or of every turn.

        Args:
            user_turn_number: The turn; all if None.
            branch_id: The branch; the current one if None.

        Returns:
            `requests`, `input_tokens`, `output_tokens`, `total_tokens`, `input_tokens_details` and
            `output_tokens_details` (decoded, or None) of the turn, {} where none is stored; for all turns a list of
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
                access.pointer = access.pointer._replace(branch_id=branch_id)
            return branch_id, turn, origin

        created = await access.change(work)
        self._logger.debug("Created branch '%s' from turn %s in '%s'", *created)
        return created[0]

    def _report(self, what: str, error: Exception, *kinds: str) -> None:
        """Log a failure; the error itself, which may quote a conversation, only where the SDK may log such data."""
        if sdk.may_log(*kinds):
            self._logger.error("%s: %s", what, error, exc_info=error)
        else:
            self._logger.error("%s", what)


def _check_name(name: str | None) -> None:
    if name is not None and not name.strip():
        raise ValueError("Branch name cannot be empty")
