"""The session class, without the parts that depend on the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tui.items.sealed import Seal
from tui.model import Outcome
from tui.model.requests import SentRequest
from tui.session.branch_session import BranchSession
from tui.session.sdk_settings import log_failure
from tui.storage.engine import Transaction
from tui.storage.queries.compaction import turn_holder
from tui.storage.queries.requests import EndedRequest, TurnKey, prepare_request, record_request
from tui.storage.queries.runs import EndedRun, record_run
from tui.storage.queries.usage import run_usage, session_usage, store_usage, turn_usage, usage_by_turn

if TYPE_CHECKING:
    from agents import RunResult, RunResultStreaming

__all__ = ["AdvancedSession"]

T = TypeVar("T")


class AdvancedSession(BranchSession):
    """A conversation with branches, the structure of every item, and usage by turn, in a database of any kind.

    `tui.session.AdvancedSQLiteSession` describes what its users can rely on.
    """

    async def store_run_usage(self, result: RunResult | RunResultStreaming) -> None:
        """Store a run's usage for the last turn of the current branch, in place of what was stored for it.

        Call it after the run. It never raises: a failure is logged.
        """
        try:
            usage = run_usage(result.context_wrapper.usage, self._logger)
            if usage is not None:
                await self._store_for_last_turn("usage store", store_usage, usage)
        except Exception as error:
            log_failure(self._logger, "Failed to store session usage", error, "MODEL")

    async def record_request(self, request: SentRequest, *, first: bool = False, seal: Seal | None = None) -> None:
        """Record a request for the last turn of the current branch; record nothing without a turn.

        It counts at once in the usage of the turn. Where `store_run_usage` stores the same sum later, what was recorded
        of each request stays.

        Args:
            request: The request as it was sent, and its usage.
            first: Whether it is the first request of its run, which replaces what is stored for the turn.
            seal: Encrypts what was sent, if a wrapper encrypts the items of the session.
        """
        await self._record_request(request, self._current_branch_id, None, first=first, seal=seal)

    async def _record_request(
        self,
        request: SentRequest,
        branch_id: str,
        turn: TurnKey | None,
        *,
        first: bool,
        seal: Seal | None = None,
    ) -> TurnKey | None:
        """Record a request of a run on a branch, and return the turn of the run; None if nothing was recorded.

        `turn` is that of the run; None for the last one of the branch.
        """
        seal = seal or self.seal

        def prepare(tx: Transaction, session_id: str, branch: str) -> EndedRequest | None:
            holder = turn_holder(tx, session_id, branch)
            return prepare_request(tx, session_id, holder, request, seal, self._matched, turn)

        # The turn is found before other calls are made, and a long branch compared before other writers wait.
        ended = await self._access.read(prepare, branch_id)
        if ended is None or not await self._access.change(partial(_record_ended, ended, first)):
            self._logger.debug("Skipping request record: no such turn on branch %r", branch_id)
            return None
        return ended.turn

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
        turn: TurnKey | None = None,
    ) -> None:
        """Record how a run ended for the last turn of the current branch; record nothing without a turn.

        Args:
            outcome: `done`, `stopped`, `failed` or `paused`.
            model: Name of the model.
            agent: Name of the agent that answered last.
            started_at: Time at which it began: UTC, naive, `YYYY-MM-DD HH:MM:SS`.
            seconds: Seconds that it took.
            error: The error on one line, without secrets.
            estimated: Whether the tokens are estimates, not counted by a provider.
            reported: Whether the provider reported tokens.
            turn: The turn of the run, if it may not be the last.

        Raises:
            ValueError: There is no such outcome.
        """
        if error is not None and self.seal is not None:
            # It may quote what was sent.
            error = self.seal.text(error)
        ended = EndedRun(Outcome(outcome), model, agent, started_at, seconds, error, estimated, reported)
        await self._store_for_last_turn("run record", partial(record_run, turn=turn), ended)

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


def _record_ended(request: EndedRequest, first: bool, tx: Transaction, _branch: str) -> bool:
    return record_request(tx, request, first)
