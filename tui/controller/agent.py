"""Messages to the agent, and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from tui.controller.navigation import Navigation
from tui.controller.reload import Reloader
from tui.controller.state import State
from tui.errors import ConvoError
from tui.model import ApprovalDecision, Failure, Outcome
from tui.runs.manager import BranchRef, Runs
from tui.runs.protocol import Runner, RunResult
from tui.session import AdvancedSQLiteSession

__all__ = ["AgentRuns"]


class AgentRuns:
    """Starts and stops the agent's runs on branches of the file, and shows them.

    `send` and `run_again` raise ReadOnlyError if the file is open read-only, and ConvoError if it cannot be written.
    """

    def __init__(self, state: State, navigation: Navigation, reloader: Reloader, runner: Runner) -> None:
        self._state = state
        self._navigation = navigation
        self._reloader = reloader
        self._runs = Runs(runner, self, self._open_session, state.editor)
        state.runs_in = self._runs.in_session
        state.publish(model=runner.name)

    async def prepare(self) -> None:
        """Load the agent, so that the first run starts without delay.

        Raises:
            ConfigError: The agent or its model is not available.
        """
        await self._runs.prepare()

    async def send(self, text: str) -> None:
        """Send a message on the shown branch, or queue it while an answer is under way there."""
        branch, session = self._target_branch(), self._state.require_session()
        if session.plain:
            await self._reloader.apply((await self._state.editor()).adopt(session.session_id))
            self._state.notify_adopted(session)
        await self._navigation.select_turn(self._state.view.tree.branches[branch.branch_id].turns)
        self._runs.start(branch, text)

    async def run_again(self, times: int = 1, *, together: bool = False) -> None:
        """Send the selected turn's message again on new branches that share the turns before it.

        Args:
            times: How many branches to make.
            together: Whether to start all runs now. Otherwise each starts after the one before it, unless the user has
                stopped that.
        """
        state = self._state
        branch, (_, turn) = self._target_branch(), state.target
        session = state.require_session()
        text = await state.store.user_text(session, branch.branch_id, turn)
        editor = await state.editor()
        branch_ids = await editor.fork(branch.session_id, branch.branch_id, turn, times=times)
        await self._reloader.refresh()
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

    def decide(self, branch_id: str, decisions: Sequence[ApprovalDecision]) -> None:
        """Answer the approvals that a run of the open session asks for."""
        session = self._state.view.session
        if session is not None:
            self._runs.decide(BranchRef(session.session_id, branch_id), decisions)

    async def stop_all(self) -> None:
        """Stop all runs, and wait until their branches can be used again."""
        await self._runs.stop_all()

    # The protocol `RunListener`

    def runs_changed(self) -> None:
        self._state.publish()

    async def items_stored(self, branch: BranchRef) -> None:
        session = self._state.view.session
        if session is not None and session.session_id == branch.session_id:
            # An error is reported by the next refresh.
            with suppress(ConvoError):
                await self._reloader.refresh()

    def run_ended(self, branch: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """Show a failure of the run, with the messages that were not sent."""
        failure = self._state.view.failure
        if result.outcome is not Outcome.DONE:
            unsent = "\n\n".join([*([] if result.kept else [text]), *queued])
            serial = failure.serial + 1 if failure else 1
            error = result.error or "Stopped."
            failure = Failure(branch.branch_id, error, result.hint, result.details, unsent, serial)
        self._state.publish(failure=failure)
        if result.left_out:
            self._state.notify(f"Sent without what the server does not take: {result.left_out}. It stays stored.")

    def _target_branch(self) -> BranchRef:
        """Return the branch on which to send a message."""
        state = self._state
        state.require_writable()
        branch_id = state.target[0]
        if state.view.session is None or branch_id not in state.view.tree.branches:
            raise ConvoError("There is no session to send it to.", "Let an agent write the file first.")
        return BranchRef(state.require_session().session_id, branch_id)

    def _open_session(self, session_id: str) -> AdvancedSQLiteSession:
        store = self._state.store
        return AdvancedSQLiteSession(
            session_id=session_id,
            db_path=self._state.path,
            sessions_table=store.sessions_table,
            messages_table=store.messages_table,
        )
