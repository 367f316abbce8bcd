"""A session controller whose branches answer: messages are sent, runs watched, stopped and asked again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tui.controller import SessionController
from tui.errors import ConvoError, ReadOnlyError
from tui.model import Decision, Failure, Outcome, Run, Session, View
from tui.runs.manager import BranchRef, Runs
from tui.runs.protocol import Runner, RunResult
from tui.storage.store import Store

__all__ = ["TalkController"]


class TalkController(SessionController):
    """The state of an explorer with an agent."""

    answers = True

    def __init__(self, store: Store, runner: Runner, *, read_only: bool = False) -> None:
        """Stand in front of an open file.

        Args:
            store: The open file.
            runner: What answers messages.
            read_only: Refuse everything that would write.
        """
        super().__init__(store, read_only=read_only)
        self.view = self.view._replace(model=runner.name)
        self._runs = Runs(runner, self, self._writer, self._edit)
        self._followed: set[BranchRef] = set()

    async def prepare(self) -> None:
        """Load what the first run needs, so that it need not wait.

        Raises:
            ConfigError: The agent or model cannot be had.
        """
        await self._runs.prepare()

    async def send(self, text: str) -> None:
        """Say something on the shown branch and let the agent answer; while it answers, the message waits its turn.

        Raises:
            ReadOnlyError: The file is open to look only.
            ConvoError: The session cannot be written.
        """
        _, place = self._place()
        await self.select_turn(self.view.tree.branches[place.branch_id].turns)
        self._runs.start(place, text)

    async def run_again(self, times: int = 1, *, together: bool = False) -> None:
        """Say the selected turn's message again on new branches that share the turns before it.

        Returns once all of them have run, or the user has stopped one.

        Args:
            times: How many branches.
            together: Run them all at once; else one after another.

        Raises:
            ReadOnlyError: The file is open to look only.
            ConvoError: The turn has no message, or the session cannot be written.
        """
        (session, place), (_, turn) = self._place(), self._aim
        text = await self._store.user_text(session, place.branch_id, turn)
        editor = await self._edit()
        made = await editor.fork(place.session_id, place.branch_id, turn, times=times)
        await self.refresh()
        await self.switch_branch(made[0])
        for branch_id in made:
            task = self._runs.start(place._replace(branch_id=branch_id), text)
            if task is not None and not together and (await task).outcome is Outcome.STOPPED:
                break

    def stop(self) -> bool:
        """Stop the run of the shown branch; whether there was one."""
        session = self.view.session
        return session is not None and self._runs.stop(BranchRef(session.session_id, self.view.branch_id))

    def decide(self, branch_id: str, decisions: Sequence[Decision]) -> None:
        """Answer the approvals that a run of the open session waits for."""
        if self.view.session is not None:
            self._runs.decide(BranchRef(self.view.session.session_id, branch_id), decisions)

    async def stop_all(self) -> None:
        """Stop every run, and wait until its branch is in order."""
        await self._runs.stop_all()

    # What the runs tell

    def run_began(self, place: BranchRef) -> None:
        """Take the user along to what is said there, if they are at its end."""
        self._followed.add(place)

    def runs_changed(self) -> None:
        """Show the runs as they are now."""
        self._show(runs=self._placed_runs(self.view))

    async def items_stored(self, place: BranchRef) -> None:
        """Show what a run has written, and no longer as its live tail."""
        await self._take_in_of(place)

    async def run_ended(self, place: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """Show how a run ended, and give back what was not said."""
        await self._take_in_of(place)
        if place.branch_id not in self._runs.of(place.session_id):
            self._followed.discard(place)
        if result.outcome is not Outcome.DONE:
            unsent = "\n\n".join([*([] if result.kept else [text]), *queued])
            serial = self.view.failure.serial + 1 if self.view.failure else 1
            error = result.error or "Stopped."
            self._show(failure=Failure(place.branch_id, error, result.hint, result.details, unsent, serial))

    async def _take_in_of(self, place: BranchRef) -> None:
        """Take in what a run has written, if its session is open; of a file that cannot be read the next look tells."""
        if self.view.session is not None and self.view.session.session_id == place.session_id:
            with suppress(ConvoError):
                await self.refresh()

    def _place(self) -> tuple[Session, BranchRef]:
        """The session and branch that a message would be said on.

        Raises:
            ReadOnlyError: The file is open to look only.
            ConvoError: The session cannot be written.
        """
        session, (branch_id, _) = self.view.session, self._aim
        if not self.view.writable:
            raise ReadOnlyError("The file is open to look only.", "Open it without --read-only to talk.")
        if session is None or branch_id not in self.view.tree.branches:
            raise ConvoError("There is no session to say it in.", "Let an agent write the file first.")
        if session.plain:
            raise ConvoError(f"'{session.session_id}' is a plain session.", "P adopts it.")
        return session, BranchRef(session.session_id, branch_id)

    def _placed_runs(self, view: View) -> Mapping[str, Run]:
        """The runs of a view's session, the live items of its branch continuing the stored ones."""
        runs = dict(self._runs.of(view.session.session_id) if view.session else {})
        if view.branch_id in runs:
            branch = view.tree.branches.get(view.branch_id)
            runs[view.branch_id] = _placed(runs[view.branch_id], view.items, branch.turns if branch else 0)
        return runs

    def _busy(self, session_id: str) -> Collection[str]:
        return self._runs.of(session_id).keys()

    def _follows(self, branch_id: str) -> bool:
        session = self.view.session
        return session is not None and BranchRef(session.session_id, branch_id) in self._followed

    def _show(self, **changes: Any) -> None:
        view, before = self.view._replace(**changes), self.view
        is_read = view.tree is not before.tree or view.session != before.session
        if is_read or (view.branch_id, view.items) != (before.branch_id, before.items):
            if view.session is not None:
                self._runs.take_stored(BranchRef(view.session.session_id, view.branch_id), view.items)
            changes["runs"] = self._placed_runs(view)
        super()._show(**changes)


def _placed(run: Run, position: int, turn: int) -> Run:
    """A run with its live items where they follow the stored ones of its branch."""
    live = []
    for place, item in enumerate(run.progress.live, position):
        turn += item.type == "user"
        live.append(item._replace(position=place, turn=turn))
    return run._replace(progress=run.progress._replace(live=tuple(live)))
