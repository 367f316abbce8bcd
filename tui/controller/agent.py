"""Messages to the agent, and its runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from tui.controller.navigation import Navigation
from tui.controller.reload import Reloader
from tui.controller.state import State
from tui.errors import ConvoError
from tui.model import ApprovalDecision, CompactionPreview, EntryState, Failure, Outcome, Run, Scope, Session, View
from tui.runs.manager import BranchRef, Runs
from tui.runs.protocol import Runner, RunResult
from tui.runs.sessions import open_run_session
from tui.storage.schema import MAIN

__all__ = ["AgentRuns"]


class AgentRuns:
    """Starts and stops the agent's runs on branches of the file, and shows them.

    Attributes:
        left_waiting: The branches with runs that waited for approval when `stop_all` was called.

    `send` and `run_again` raise ReadOnlyError if the file is open read-only, and ConvoError if it cannot be written.
    """

    def __init__(self, state: State, navigation: Navigation, reloader: Reloader, runner: Runner) -> None:
        self._state = state
        self._navigation = navigation
        self._reloader = reloader
        self._runner = runner
        self._runs = Runs(runner, self, partial(open_run_session, state.store), state.editor, state.store.paused_state)
        self.left_waiting: Sequence[str] = ()
        self._is_prepared = False
        self._revision = -1
        self._times_replaced = 0
        self._following: asyncio.Task[None] | None = None
        self._outdated: set[int] = set()
        state.runs_in = self._runs.in_session
        state.publish(model=runner.name)

    async def prepare(self) -> None:
        """Show the runs that wait for approval, and load the agent, so that the first run starts without delay.

        Raises:
            ConfigError: The agent or its model is not available.
        """
        self._is_prepared = True
        if self._state.store.is_missing:
            self._state.notify(f"{self._state.path} does not exist yet. The first message creates it.")
        self._state.subscribe(self._follow_file)
        self._follow_file(self._state.view)
        await self._runs.prepare()

    async def send(self, text: str, to: BranchRef | None = None) -> None:
        """Send a message on a branch of the open session, by default the shown one.

        While an answer is under way on the branch, the message is queued.
        """
        session = self._state.require_session()
        if to is not None and to.session_id != session.session_id:
            raise ConvoError(
                f"Session '{self._state.view.session_name(to.session_id)}' is no longer open.",
                "Your text is kept there: open it and send again.",
            )
        branch = self._target_branch(self._state.target[0] if to is None else to.branch_id)
        await self._require_key(session)
        if session.plain:
            await self._reloader.apply((await self._state.editor()).adopt(session.session_id))
            self._state.notify_adopted(session)
        if self._state.target[0] == branch.branch_id:
            await self._navigation.select_turn(self._state.view.tree.branches[branch.branch_id].turns)
        self._runs.start(branch, text)

    async def prepare_session(self, session_id: str = "") -> None:
        """Let the user write the first message of a new session; nothing is written to the file yet.

        Args:
            session_id: The id to propose; by default one that is not used.
        """
        state = self._state
        state.require_writable()
        number = await state.store.count_sessions() + 1
        while not session_id or await state.store.session(session_id) is not None:
            session_id = f"session-{number}"
            number += 1
        state.publish(fork=None, new_session=session_id)

    async def begin_session(self, text: str, session_id: str = "") -> BranchRef:
        """Add a session to the file, which is created if it is missing, send its first message, and return its branch.

        Args:
            text: The message.
            session_id: The id of the session; by default the proposed one.

        Raises:
            ConfigError: The agent or its model is not available; nothing is written.
            ConvoError: The file cannot be written, or has a session of that id.
        """
        state = self._state
        state.require_writable()
        session_id = session_id.strip() or state.view.new_session
        await self._runs.prepare()
        async with state.write_lock:
            await self._reloader.apply((await state.editor(create=True)).create_session(session_id))
        await self._navigation.select_session(session_id)
        branch = BranchRef(session_id, MAIN)
        self._runs.start(branch, text)
        return branch

    async def run_again(self, times: int = 1, *, together: bool = False, at: tuple[str, int] | None = None) -> None:
        """Send a turn's message again on new branches that share the turns before it.

        Args:
            times: Number of branches to make.
            together: Whether to start all runs now. Otherwise each starts after the one before it, unless the user has
                stopped that.
            at: The branch and turn; by default the selected one.
        """
        state = self._state
        branch_id, turn = at or state.target
        branch = self._target_branch(branch_id)
        session = state.require_session()
        await self._require_key(session)
        text = await state.store.user_text(session, branch.branch_id, turn)
        fork = (await state.editor()).fork(branch.session_id, branch.branch_id, turn, times=times)
        branch_ids = await self._reloader.apply(fork)
        await self._navigation.switch_branch(branch_ids[0])
        state.notify_adopted(session)
        for branch_id in branch_ids:
            task = self._runs.start(branch._replace(branch_id=branch_id), text)
            if task is not None and not together and (await task).outcome is Outcome.STOPPED:
                break

    def stop(self) -> bool:
        """Stop the run of the shown branch, and return whether there was one."""
        view = self._state.view
        return view.session is not None and self._runs.stop(BranchRef(view.session.session_id, view.branch_id))

    async def stop_and_wait(self, branch: BranchRef) -> None:
        """Stop the run of a branch, if there is one, and wait until it has ended."""
        await self._runs.stop_and_wait(branch)

    def decide(self, branch_id: str, decisions: Sequence[ApprovalDecision]) -> None:
        """Answer the approvals that a run of the open session asks for."""
        self._state.require_writable()
        session = self._state.view.session
        if session is not None:
            self._runs.decide(BranchRef(session.session_id, branch_id), decisions)

    @property
    def stopped_by_end(self) -> Sequence[Run]:
        """The runs that lose something when the program ends."""
        return self._runs.stopped_by_end

    async def stop_all(self) -> None:
        """Stop all runs, and wait until their branches can be used again; those that wait for approval stay paused."""
        self.left_waiting = self.left_waiting or sorted({ref.branch_id for ref in self._runs.paused.values()})
        await self._runs.stop_all()

    # Compaction

    async def compaction_preview(self, branch_id: str) -> CompactionPreview:
        """Return what a compaction of a branch of the open session replaces.

        Raises:
            ConfigError: The agent's server cannot compact.
            ConvoError: The file cannot be written, an answer is under way on the branch, or it has no items.
        """
        state = self._state
        state.require_writable()
        session = state.require_session()
        state.require_idle(session.session_id, branch_id)
        await self._require_key(session)
        tree = await state.store.tree(session)
        items = (await state.store.count_items(session)).get(branch_id, 0)
        if not items:
            raise ConvoError(f"{state.view.quoted_branch(branch_id)} has no items.", "There is nothing to compact.")
        sizes = await state.store.text_sizes(session, tree, branch_id)
        model = await self._runner.compaction_model()
        turns, tokens = tree.branches[branch_id].turns, sizes.totals[Scope.PATH].total
        return CompactionPreview(turns, items, tokens, model)

    async def compact(self, branch_id: str) -> None:
        """Compact a branch of the open session; its history is kept under a new id."""
        state = self._state
        state.require_writable()
        session = state.require_session()
        state.require_idle(session.session_id, branch_id)
        await self._require_key(session)
        if session.plain:
            await self._reloader.apply((await state.editor()).adopt(session.session_id))
        state.notify(f"Compacting {state.view.quoted_branch(branch_id)}…")
        await self._reloader.apply(self._compact(session.session_id, branch_id))
        newest = next((entry for entry in await state.store.journal() if entry.state is EntryState.DONE), None)
        if newest is not None:
            state.notify(f"{newest.readable_description}. z undoes it, c compares them.")

    async def _compact(self, session_id: str, branch_id: str) -> None:
        session = await open_run_session(self._state.store, session_id)
        try:
            await session.switch_to_branch(branch_id)
            await self._runner.compact(session)
        finally:
            await asyncio.to_thread(session.close)

    # Paused runs

    def _follow_file(self, view: View) -> None:
        """Read the paused runs again when the content of the file has changed."""
        if self._is_prepared and view.writable and view.revision != self._revision and self._following is None:
            self._following = asyncio.create_task(self._show_paused())

    async def _show_paused(self) -> None:
        state = self._state
        try:
            while self._revision != state.view.revision:
                self._revision = state.view.revision
                waiting, times_replaced = self._runs.paused, state.store.times_replaced
                # An error is reported by the next refresh.
                with suppress(ConvoError):
                    paused = await state.store.paused_runs()
                    there = {run.id for run in paused}
                    gone = {run_id: await self._why_gone(ref) for run_id, ref in waiting.items() if run_id not in there}
                    self._times_replaced = times_replaced
                    self._runs.show_paused(paused, gone)
                    outdated = {run.id: run for run in paused if run.is_outdated}
                    for run in [run for run_id, run in outdated.items() if run_id not in self._outdated]:
                        name = state.view.quoted_branch(run.branch_id, run.session_id)
                        words = f"A run on {name} waited for approval, and cannot go on: the branch has changed."
                        state.notify(words, "warning")
                    self._outdated.update(outdated)
        finally:
            self._following = None

    async def _why_gone(self, branch: BranchRef) -> str:
        """Return in words what became of a run that waited for approval and is not in the file any more."""
        state = self._state
        if self._times_replaced != state.store.times_replaced:
            return "the file was replaced"
        session = await state.store.session(branch.session_id)
        if session is None:
            return f"session '{state.view.session_name(branch.session_id)}' is gone"
        is_open = state.view.session is not None and state.view.session.session_id == session.session_id
        tree = state.view.tree if is_open else await state.store.tree(session)
        if branch.branch_id not in tree.branches:
            return "its branch was deleted"
        return "it was answered in another program"

    # The protocol `RunListener`

    def runs_changed(self) -> None:
        self._state.publish()

    def answer_refused(self, branch: BranchRef, error: ConvoError) -> None:
        """Show why a run does not go on; it waits for another answer."""
        details = getattr(error, "details", "")
        self._state.publish(failure=self._failure(branch, str(error), error.hint, details))

    async def items_stored(self, branch: BranchRef) -> None:
        session = self._state.view.session
        if session is not None and session.session_id == branch.session_id:
            # An error is reported by the next refresh.
            with suppress(ConvoError):
                await self._reloader.refresh()

    def run_ended(self, branch: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """Show a failure of the run, with the messages that were not sent."""
        failure = self._state.view.failure
        if result.left:
            # It may wait again already, where it was answered.
            self._revision = -1
        if result.left and not queued:
            # Without a branch, it was the user who deleted it.
            if result.error and branch.branch_id in self._state.view.tree.branches:
                self._state.notify(result.error)
        elif result.outcome is not Outcome.DONE:
            unsent = "\n\n".join([*([] if result.kept else [text]), *queued])
            error, hint, details = result.error or "Stopped.", result.hint, result.details
            if self._is_gone(branch):
                details = f"{error}\n\n{details}".strip()
                error = f"The run on '{branch.branch_id}' has ended, since the branch is gone."
                hint = "Up in the composer brings back what was not sent." if unsent else ""
            failure = self._failure(branch, error, hint, details, unsent)
        self._state.publish(failure=failure)
        if result.not_compacted:
            name = self._state.view.quoted_branch(branch.branch_id, branch.session_id)
            words = f"The answer is stored, but {name} was not compacted. {result.not_compacted}"
            self._state.notify(words, "warning")
        if result.left_out:
            self._state.notify(f"Not sent: {result.left_out}. It stays stored.")

    def _failure(self, branch: BranchRef, error: str, hint: str, details: str, unsent: str = "") -> Failure:
        """Return a failure that is newer than the one in the view."""
        last = self._state.view.failure
        return Failure(*branch, error, hint, details, unsent, last.serial + 1 if last else 1)

    def _is_gone(self, branch: BranchRef) -> bool:
        view = self._state.view
        is_open = view.session is not None and view.session.session_id == branch.session_id
        return is_open and branch.branch_id not in view.tree.branches

    async def _require_key(self, session: Session) -> None:
        """Raise ConvoError if a session is encrypted, and cannot be decrypted."""
        await self._state.store.seal(session.session_id)

    def _target_branch(self, branch_id: str) -> BranchRef:
        """Return a branch to send a message on."""
        state = self._state
        state.require_writable()
        if state.view.session is None or branch_id not in state.view.tree.branches:
            raise ConvoError("There is no session to send it to.", "Let an agent write the file first.")
        return BranchRef(state.require_session().session_id, branch_id)
