"""The runs under way: at most one on a branch, with further messages queued."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from tui.errors import ConvoError
from tui.model import Approval, ApprovalDecision, Outcome, Progress, Run, RunState
from tui.runs.protocol import Runner, RunResult
from tui.session import AdvancedSQLiteSession
from tui.storage.editor import Editor
from tui.words import shorten

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
    """Is notified of the runs."""

    def runs_changed(self) -> None:
        """Handle that a run began, ended or changed."""

    async def items_stored(self, branch: BranchRef) -> None:
        """Show the items that a run has stored, if its session is open."""

    def run_ended(self, branch: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """Handle the end of a run; `queued` are the messages that are not sent, as it was stopped or failed."""


class Runs:
    """Runs of one agent on branches of one file."""

    def __init__(
        self,
        runner: Runner,
        listener: RunListener,
        open_session: Callable[[str], AdvancedSQLiteSession],
        edit: Callable[[], Awaitable[Editor]],
    ) -> None:
        """Begin without runs; `open_session` opens a session by its id, and `edit` returns an editor of the file."""
        self._runner = runner
        self._listener = listener
        self._open_session = open_session
        self._edit = edit
        self._active: dict[BranchRef, _ActiveRun] = {}
        self._tasks: set[asyncio.Task[RunResult]] = set()

    def in_session(self, session_id: str) -> Mapping[str, Run]:
        """Return the runs of a session, by branch."""
        # Copied first, as a check inside a transaction calls this from the thread of the transaction.
        active = tuple(self._active.items())
        return {branch.branch_id: run.run for branch, run in active if branch.session_id == session_id}

    async def prepare(self) -> None:
        """Load what the first run needs."""
        await self._runner.prepare()

    def start(self, branch: BranchRef, text: str) -> asyncio.Task[RunResult] | None:
        """Send a message on a branch and return the run; queue it and return None if a run is under way there."""
        if branch in self._active:
            active = self._active[branch]
            active.run = active.run._replace(queued=(*active.run.queued, text))
            self._listener.runs_changed()
            return None
        active = _ActiveRun(branch, self._runner.name, self._listener)
        self._active[branch] = active
        active.task = asyncio.create_task(self._run(active, text))
        task = asyncio.create_task(self._finish(active, active.task, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._listener.runs_changed()
        return task

    def stop(self, branch: BranchRef) -> bool:
        """Stop the run of a branch, and return whether there was one."""
        active = self._active.get(branch)
        if active is None or active.task is None:
            return False
        if active.run.state is not RunState.STOPPING:
            active.change(state=RunState.STOPPING, approvals=())
            active.task.cancel()
        return True

    def decide(self, branch: BranchRef, decisions: Sequence[ApprovalDecision]) -> None:
        """Answer the approvals that a run asks for."""
        if active := self._active.get(branch):
            active.decide(decisions)

    async def stop_all(self) -> None:
        """Stop all runs, and wait until their branches can be used again and the listener has been notified."""
        while tasks := [task for task in self._tasks if not task.done()]:
            for branch in tuple(self._active):
                self.stop(branch)
            await asyncio.wait(tasks)

    async def _finish(self, active: _ActiveRun, task: asyncio.Task[RunResult], text: str) -> RunResult:
        """Wait for the end of a run, show it, and send the next message."""
        branch = active.branch
        try:
            result = await task
        except asyncio.CancelledError:
            result = RunResult(Outcome.STOPPED, kept=active.kept)
        except Exception as error:
            hint, words = error.hint if isinstance(error, ConvoError) else "", f"The file refused the run: {error}"
            result = RunResult(Outcome.FAILED, error=words, hint=hint, kept=active.kept)
        active.close()
        # The live items are shown until the stored ones are.
        try:
            await self._listener.items_stored(branch)
        finally:
            del self._active[branch]
        queued = active.run.queued
        if queued and result.outcome is Outcome.DONE:
            for message in queued:
                self.start(branch, message)
            queued = ()
        self._listener.run_ended(branch, text, result, queued)
        return result

    async def _run(self, active: _ActiveRun, text: str) -> RunResult:
        # The editor raises if the file is gone; a session would create a new one.
        editor = await self._edit()
        session = self._open_session(active.branch.session_id)
        try:
            await session.switch_to_branch(active.branch.branch_id)
            checkpoint = await editor.take_checkpoint(*active.branch)
            active.begin(checkpoint.items)
            started_at, start = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"), time.monotonic()
            result = await self._runner.run(session, text, active)
            seconds = time.monotonic() - start
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
                started_at=started_at,
                seconds=seconds,
                error=result.error,
                estimated=result.estimated,
                reported=result.usage is not None,
            )
            # The answer is stored, even if it cannot be made undoable.
            with suppress(ConvoError):
                words = f"Sent “{shorten(text, _QUOTE_LENGTH)}” on '{active.branch.branch_id}'"
                await editor.record_since(checkpoint, "run", words)
            return result
        finally:
            await asyncio.to_thread(session.close)


class _ActiveRun:
    """One run, and the hooks through which it reports.

    Attributes:
        run: The run as the listener sees it.
        task: The task to cancel in order to stop the run.
        kept: Whether the branch has the message.
    """

    def __init__(self, branch: BranchRef, model: str, listener: RunListener) -> None:
        self.branch = branch
        self.run = Run(branch.branch_id, RunState.STARTING, time.time(), model)
        self.task: asyncio.Task[RunResult] | None = None
        self.kept = False
        self._listener = listener
        self._begin = 0
        self._stored_to = 0
        self._progress = Progress()
        self._frame: asyncio.TimerHandle | None = None
        self._showing: asyncio.Task[None] | None = None
        self._stored_again = False
        self._decisions: asyncio.Future[Sequence[ApprovalDecision]] | None = None

    def begin(self, items: int) -> None:
        """Begin the run after a number of items of the branch."""
        self._begin = self._stored_to = items
        self._progress = Progress(start=items)
        self.change(state=RunState.RUNNING)

    def change(self, *, state: RunState | None = None, approvals: tuple[Approval, ...] | None = None) -> None:
        """Change the run and notify the listener at once."""
        self.run = self.run._replace(
            state=self.run.state if state is None else state,
            approvals=self.run.approvals if approvals is None else approvals,
        )
        self._listener.runs_changed()

    def progress(self, progress: Progress) -> None:
        # The runner drops an item once it is stored; the screen needs it until it shows the stored one.
        live, start = self._progress.live, self._progress.start
        self._stored_to = self._begin + progress.start
        stored = self._stored_to - start
        if 0 <= stored <= len(live):
            self._progress = progress._replace(live=(*live[:stored], *progress.live), start=start)
        else:
            self._progress = progress._replace(start=self._stored_to)
        if self._frame is None:
            self._frame = asyncio.get_running_loop().call_later(_FRAME_SECONDS, self._report)

    def stored(self) -> None:
        self._stored_again = True
        if self._showing is None:
            self._showing = asyncio.create_task(self._show_stored())

    async def approve(self, approvals: Sequence[Approval]) -> Sequence[ApprovalDecision]:
        self._decisions = asyncio.get_running_loop().create_future()
        self.change(state=RunState.WAITING, approvals=tuple(approvals))
        try:
            return await self._decisions
        finally:
            self._decisions = None
            if self.run.state is RunState.WAITING:
                self.change(state=RunState.RUNNING, approvals=())

    def decide(self, decisions: Sequence[ApprovalDecision]) -> None:
        """End `approve` with these decisions."""
        if self._decisions is not None and not self._decisions.done():
            self._decisions.set_result(decisions)

    def close(self) -> None:
        """End the reports."""
        if self._frame is not None:
            self._frame.cancel()
        if self._showing is not None:
            self._showing.cancel()

    def _report(self) -> None:
        self._frame = None
        self.run = self.run._replace(progress=self._progress)
        self._listener.runs_changed()

    async def _show_stored(self) -> None:
        while self._stored_again:
            self._stored_again, shown_to = False, self._stored_to
            await self._listener.items_stored(self.branch)
            self._drop_before(shown_to)
        self._showing = None

    def _drop_before(self, position: int) -> None:
        """Forget the live items before a position, which are shown as stored."""
        live, start = self._progress.live, self._progress.start
        if start < position:
            self._progress = self._progress._replace(live=live[position - start :], start=position)
