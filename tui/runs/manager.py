"""The runs under way: at most one on a branch, with further messages queued."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from tui.errors import ConvoError
from tui.model import Approval, Decision, Outcome, Progress, Run, RunState
from tui.runs.protocol import Runner, RunResult
from tui.session import AdvancedSQLiteSession
from tui.storage.editor import Editor

__all__ = ["BranchRef", "RunListener", "Runs"]

_FRAME_SECONDS: Final = 1 / 30
"""Seconds between two reports of a growing answer."""

_QUOTE_LENGTH: Final = 40
"""Characters of a message that its entry in the undo history quotes."""


class BranchRef(NamedTuple):
    """A branch of a session of the file."""

    session_id: str
    branch_id: str


class RunListener(Protocol):
    """Receives what happens to the runs."""

    def run_began(self, branch: BranchRef) -> None:
        """Handle the begin of a run."""

    def runs_changed(self) -> None:
        """Handle that a run began, ended or changed."""

    async def items_stored(self, branch: BranchRef) -> None:
        """Show the items that a run has stored, if its session is open."""

    async def run_ended(self, branch: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """Handle the end of a run.

        Args:
            branch: The branch.
            text: The message.
            result: How it ended.
            queued: The messages that were not sent because it did not end well.
        """


class Runs:
    """Runs of one agent on branches of one file."""

    def __init__(
        self,
        runner: Runner,
        listener: RunListener,
        open_session: Callable[[str], AdvancedSQLiteSession],
        edit: Callable[[], Awaitable[Editor]],
    ) -> None:
        """Create it without runs.

        Args:
            runner: Runs the agent.
            listener: Receives what happens.
            open_session: Opens a session, given its id, for writing.
            edit: Returns the editor that makes runs undoable.
        """
        self._runner = runner
        self._listener = listener
        self._open_session = open_session
        self._edit = edit
        self._active: dict[BranchRef, _ActiveRun] = {}
        self._tasks: set[asyncio.Task[RunResult]] = set()

    def in_session(self, session_id: str) -> Mapping[str, Run]:
        """Return the runs of a session, by branch."""
        return {
            branch.branch_id: active.run for branch, active in self._active.items() if branch.session_id == session_id
        }

    async def prepare(self) -> None:
        """Load what the first run needs."""
        await self._runner.prepare()

    def start(self, branch: BranchRef, text: str) -> asyncio.Task[RunResult] | None:
        """Send a message on a branch; queue it while a run is under way there.

        Returns:
            The run; None if the message is queued.
        """
        if branch in self._active:
            active = self._active[branch]
            active.run = active.run._replace(queued=(*active.run.queued, text))
            self._listener.runs_changed()
            return None
        active = _ActiveRun(branch, self._runner.name, self._listener)
        self._active[branch] = active
        active.task = asyncio.create_task(self._answer(active, text))
        self._tasks.add(active.task)
        active.task.add_done_callback(self._tasks.discard)
        self._listener.run_began(branch)
        self._listener.runs_changed()
        return active.task

    def stop(self, branch: BranchRef) -> bool:
        """Stop the run of a branch, and return whether there was one."""
        active = self._active.get(branch)
        if active is None or active.task is None:
            return False
        if active.run.state is not RunState.STOPPING:
            active.change(state=RunState.STOPPING, approvals=())
            active.task.cancel()
        return True

    def decide(self, branch: BranchRef, decisions: Sequence[Decision]) -> None:
        """Answer the approvals that a run asks for."""
        if active := self._active.get(branch):
            active.decide(decisions)

    def take_stored(self, branch: BranchRef, items: int) -> None:
        """Remove from the live items of a branch those that are among its first stored ones, which are shown next."""
        if active := self._active.get(branch):
            active.take_stored(items)

    async def stop_all(self) -> None:
        """Stop all runs, and wait until their branches can be used again and the listener has handled all of it."""
        while self._tasks:
            for branch in tuple(self._active):
                self.stop(branch)
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, active: _ActiveRun, text: str) -> RunResult:
        branch = active.branch
        try:
            result = await self._run(active, text)
        except asyncio.CancelledError:
            result = RunResult(Outcome.STOPPED, _now(), 0, kept=active.kept)
        except Exception as error:
            hint, words = error.hint if isinstance(error, ConvoError) else "", f"The file refused the run: {error}"
            result = RunResult(Outcome.FAILED, _now(), 0, error=words, hint=hint, kept=active.kept)
        finally:
            active.close()
            self._active.pop(branch, None)
        queued = active.run.queued
        if queued and result.outcome is Outcome.DONE:
            following = self.start(branch, queued[0])
            for waiting in queued[1:]:
                self.start(branch, waiting)
            queued = () if following else queued
        await self._listener.run_ended(branch, text, result, queued)
        self._listener.runs_changed()
        return result

    async def _run(self, active: _ActiveRun, text: str) -> RunResult:
        # The editor raises if the file is gone; a session would create a new one.
        editor = await self._edit()
        session = self._open_session(active.branch.session_id)
        try:
            await session.switch_to_branch(active.branch.branch_id)
            checkpoint = await editor.mark(*active.branch)
            active.items_before = checkpoint.items
            active.change(state=RunState.RUNNING)
            result = await self._runner.run(session, text, active)
            active.kept = result.kept
            if not result.kept:
                # The last turn of the branch is not the turn of this run.
                return result
            if result.usage is not None:
                await session.store_run_usage(result.usage)
            await session.record_run(
                outcome=result.outcome,
                model=result.model,
                agent=result.agent,
                started_at=result.started_at,
                seconds=result.seconds,
                error=result.error,
                estimated=result.estimated,
                reported=result.usage is not None,
            )
            # The answer is stored, even if it cannot be made undoable.
            with suppress(ConvoError):
                words = f"Sent “{_quote(text)}” on '{active.branch.branch_id}'"
                await editor.note_since(checkpoint, "run", words)
            return result
        finally:
            await asyncio.to_thread(session.close)


class _ActiveRun:
    """One run, and the hooks through which it reports."""

    def __init__(self, branch: BranchRef, model: str, listener: RunListener) -> None:
        self.branch = branch
        self.run = Run(branch.branch_id, RunState.STARTING, time.time(), model)
        self.task: asyncio.Task[RunResult] | None = None
        self.kept = False
        self.items_before = 0
        self._listener = listener
        self._next: Progress | None = None
        self._frame: asyncio.TimerHandle | None = None
        self._storing: asyncio.Task[None] | None = None
        self._stored_again = False
        self._decisions: asyncio.Future[Sequence[Decision]] | None = None

    def change(self, *, state: RunState | None = None, approvals: tuple[Approval, ...] | None = None) -> None:
        """Change the run and report it at once."""
        self.run = self.run._replace(
            state=self.run.state if state is None else state,
            approvals=self.run.approvals if approvals is None else approvals,
        )
        self._listener.runs_changed()

    def progress(self, progress: Progress) -> None:
        self._next = progress
        if self._frame is None and self._storing is None:
            self._frame = asyncio.get_running_loop().call_later(_FRAME_SECONDS, self._report)

    def stored(self) -> None:
        self._stored_again = True
        if self._storing is None:
            self._storing = asyncio.create_task(self._show_stored())

    async def approve(self, approvals: Sequence[Approval]) -> Sequence[Decision]:
        self._decisions = asyncio.get_running_loop().create_future()
        self.change(state=RunState.WAITING, approvals=tuple(approvals))
        try:
            return await self._decisions
        finally:
            self._decisions = None
            if self.run.state is RunState.WAITING:
                self.change(state=RunState.RUNNING, approvals=())

    def decide(self, decisions: Sequence[Decision]) -> None:
        """Answer `approve`."""
        if self._decisions is not None and not self._decisions.done():
            self._decisions.set_result(decisions)

    def take_stored(self, items: int) -> None:
        """Report the newest progress if the stored items include all that it counts as stored."""
        # The items may have been read before the newest of the run were stored.
        if self._next is not None and items >= self.items_before + self._next.stored:
            self._take_next()

    def close(self) -> None:
        """End the reports."""
        if self._frame is not None:
            self._frame.cancel()
        if self._storing is not None:
            self._storing.cancel()

    def _report(self) -> None:
        self._frame = None
        # Items that were stored stay live until they are shown as stored.
        if self._storing is None:
            self._take_next()
            self._listener.runs_changed()

    def _take_next(self) -> None:
        if self._next is not None:
            self.run, self._next = self.run._replace(progress=self._next), None

    async def _show_stored(self) -> None:
        while self._stored_again:
            self._stored_again = False
            await self._listener.items_stored(self.branch)
        self._storing = None
        self._report()


def _quote(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _QUOTE_LENGTH else f"{words[: _QUOTE_LENGTH - 1].rstrip()}…"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
