"""The runs under way and those that wait for approval: at most one on a branch, with further messages queued."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tui.errors import ConvoError
from tui.model import ApprovalDecision, Outcome, PausedRun, Run, RunState
from tui.runs.active_run import ActiveRun, BranchRef, RunListener
from tui.runs.protocol import RunLeftError, Runner, RunResult
from tui.runs.run_writer import RunWriter
from tui.runs.tool_input import branch_of_run
from tui.session.advanced import AdvancedSession
from tui.storage.editor import Editor

__all__ = ["BranchRef", "RunListener", "Runs"]


class Runs:
    """Runs of one agent on branches of one file.

    A run that waits for approval is stored. It goes on in the process that takes it out of the file first, so that no
    call is made twice.
    """

    def __init__(
        self,
        runner: Runner,
        listener: RunListener,
        open_session: Callable[[str], Awaitable[AdvancedSession]],
        edit: Callable[[], Awaitable[Editor]],
        paused_state: Callable[[int], Awaitable[str | None]],
    ) -> None:
        """Begin without runs.

        Args:
            runner: Runs the agent.
            listener: Is notified.
            open_session: Opens a session by its id.
            edit: Returns an editor of the file.
            paused_state: Returns the agent's state of a paused run by its number; None if there is none.
        """
        self._runner = runner
        self._listener = listener
        self._open_session = open_session
        self._edit = edit
        self._paused_state = paused_state
        self._active: dict[BranchRef, ActiveRun] = {}
        self._tasks: set[asyncio.Task[RunResult]] = set()
        self._is_closed = False

    def in_session(self, session_id: str) -> Mapping[str, Run]:
        """Return the runs of a session, by branch."""
        # Copied first, as a check inside a transaction calls this from the thread of the transaction.
        active = tuple(self._active.items())
        return {branch.branch_id: run.run for branch, run in active if branch.session_id == session_id}

    @property
    def stopped_by_end(self) -> list[Run]:
        """The runs that lose something when the program ends: an answer that nobody stopped, or queued messages."""
        return [
            active.run
            for active in self._active.values()
            if active.run.queued or (active.run.paused_id is None and active.run.state is not RunState.STOPPING)
        ]

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
        active = ActiveRun(branch, self._runner.name, self._listener)
        return self._begin(active, self._run(active, text), text)

    @property
    def paused(self) -> Mapping[int, BranchRef]:
        """The numbers and branches of the stored runs that wait for approval here."""
        active = self._active.values()
        return {one.run.paused_id: one.branch for one in active if one.run.paused_id is not None}

    def show_paused(self, paused: Sequence[PausedRun], gone: Mapping[int, str] = MappingProxyType({})) -> None:
        """Show the paused runs of the file as runs that wait for approval, and leave those that are `gone`, and why."""
        for active in self._active.values():
            if (why := gone.get(active.run.paused_id or 0)) is not None:
                active.leave(f"The run on '{active.branch.branch_id}' does not wait any more: {why}.")
        for run in paused:
            branch = BranchRef(run.session_id, run.branch_id)
            if not (branch in self._active or run.is_outdated or run.is_sealed or self._is_closed):
                self._restore(branch, run)

    async def answer(self, run: PausedRun, decisions: Sequence[ApprovalDecision | None]) -> RunResult:
        """Go on with a paused run that is not shown here, and return its result."""
        branch = BranchRef(run.session_id, run.branch_id)
        task = self._restore(branch, run)
        self.decide(branch, decisions)
        return await task

    def stop(self, branch: BranchRef) -> bool:
        """Stop the run of a branch, and return whether there was one."""
        active = self._active.get(branch)
        if active is None or active.task is None:
            return False
        active.stop()
        return True

    async def stop_and_wait(self, branch: BranchRef) -> None:
        """Stop the run of a branch, if there is one, and wait until its task has ended."""
        active = self._active.get(branch)
        if self.stop(branch) and active is not None and active.task is not None:
            await asyncio.wait([active.task])

    def decide(self, branch: BranchRef, decisions: Sequence[ApprovalDecision | None]) -> None:
        """Answer the approvals that a run asks for; None leaves a call unanswered."""
        if active := self._active.get(branch):
            active.decide(decisions)

    async def stop_all(self) -> None:
        """Stop all runs, and wait until their branches can be used again and the listener has been notified.

        Stored runs that wait for approval stay paused, and are not shown again.
        """
        self._is_closed = True
        while tasks := [task for task in self._tasks if not task.done()]:
            for active in tuple(self._active.values()):
                if not active.leave():
                    active.stop()
            await asyncio.wait(tasks)

    def _restore(self, branch: BranchRef, run: PausedRun) -> asyncio.Task[RunResult]:
        active = ActiveRun(branch, self._runner.name, self._listener)
        active.restore(run)
        return self._begin(active, self._resume(active, run), run.message)

    def _begin(self, active: ActiveRun, work: Coroutine[Any, Any, RunResult], text: str) -> asyncio.Task[RunResult]:
        self._active[active.branch] = active
        active.task = asyncio.create_task(work)
        task = asyncio.create_task(self._finish(active, active.task, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._listener.runs_changed()
        return task

    async def _finish(self, active: ActiveRun, task: asyncio.Task[RunResult], text: str) -> RunResult:
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

    async def _run(self, active: ActiveRun, text: str) -> RunResult:
        branch_of_run.set(active.branch)
        # The editor raises if the file is gone; a session would create a new one.
        editor = await self._edit()
        session = await self._open_session(active.branch.session_id)
        try:
            await session.switch_to_branch(active.branch.branch_id)
            writer = RunWriter(editor, session, await editor.take_checkpoint(*active.branch), text)
            active.begin(writer)
            return await _record(active, writer, await self._runner.run(session, text, active))
        finally:
            await asyncio.to_thread(session.close)

    async def _resume(self, active: ActiveRun, run: PausedRun) -> RunResult:
        """Wait for the decisions on a paused run, and go on with it."""
        branch_of_run.set(active.branch)
        try:
            writer, restored, decisions = await self._take_up(active, run)
        except RunLeftError as left:
            return RunResult(Outcome.STOPPED, error=str(left) or None, left=True)
        except asyncio.CancelledError:
            if active.run.state is not RunState.STOPPING:
                # The program ends, which is no answer.
                raise
            return await self._stop_paused(run)
        try:
            active.begin(writer)
            result = await self._runner.resume(writer.session, run, restored, decisions, active)
            return await _record(active, writer, result)
        finally:
            await asyncio.to_thread(writer.session.close)

    async def _take_up(
        self, active: ActiveRun, run: PausedRun
    ) -> tuple[RunWriter, Any, Sequence[ApprovalDecision | None]]:
        """Take a paused run out of the file once the user has decided, and it is sure that it can go on."""
        while True:
            try:
                decisions = await active.decisions()
                editor = await self._edit()
                if (state := await self._paused_state(run.id)) is None:
                    raise RunLeftError("It was answered in another program, or its branch or file is gone.")
                session = await self._open_session(run.session_id)
                try:
                    await session.switch_to_branch(run.branch_id)
                    restored = await self._runner.restore(session, run, state)
                    writer = RunWriter.of_paused_run(run, editor, session)
                    await active.take(editor, run.id)
                except BaseException:
                    await asyncio.to_thread(session.close)
                    raise
                return writer, restored, decisions
            except ConvoError as error:
                self._listener.answer_refused(active.branch, error)
                active.ask(run.approvals, run.id)

    async def _stop_paused(self, run: PausedRun) -> RunResult:
        """Take a paused run out of the file instead of going on with it."""
        editor = await self._edit()
        stopped = await editor.stop_paused_run(run.id)
        if stopped is None:
            error = f"The run on '{run.branch_id}' was answered in another program."
            return RunResult(Outcome.STOPPED, error=error, left=True)
        return RunResult(Outcome.STOPPED)


async def _record(active: ActiveRun, writer: RunWriter, result: RunResult) -> RunResult:
    """Record how a run ended, unless the last turn of the branch is not its turn."""
    active.kept = result.kept or result.left
    if result.kept and not result.left:
        await writer.record(result)
    return result
