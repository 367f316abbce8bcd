"""One run under way: its state for the screen, and the hooks through which its runner reports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from tui.errors import ConvoError
from tui.items.types import message_type, tool_name
from tui.model import Approval, ApprovalDecision, Item, PausedRun, Progress, Run, RunState
from tui.runs.protocol import PauseSnapshot, RunLeftError, RunResult
from tui.runs.run_writer import RunWriter
from tui.storage.editor import Editor

__all__ = ["ActiveRun", "BranchRef", "RunListener"]

_FRAME_SECONDS: Final = 1 / 30
"""Seconds between two reports of a growing answer."""


class BranchRef(NamedTuple):
    """A branch of a session of the file."""

    session_id: str
    branch_id: str


class RunListener(Protocol):
    """Is notified of the runs."""

    def runs_changed(self) -> None:
        """Handle that a run began, ended or changed."""

    def answer_refused(self, branch: BranchRef, error: ConvoError) -> None:
        """Handle that a run could not go on with the user's answer; it waits for another one."""

    async def items_stored(self, branch: BranchRef) -> None:
        """Show the items that a run has stored, if its session is open."""

    def run_ended(self, branch: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """Handle the end of a run; `queued` are the messages that are not sent, as it was stopped or failed."""


class ActiveRun:
    """One run, and the hooks through which it reports.

    Attributes:
        run: The run as the listener sees it.
        task: The task of the run.
        kept: Whether the branch has the message.
    """

    def __init__(self, branch: BranchRef, model: str, listener: RunListener) -> None:
        self.branch = branch
        self.run = Run(branch.branch_id, RunState.STARTING, time.time(), model)
        self.task: asyncio.Task[Any] | None = None
        self.kept = False
        self._listener = listener
        self._writer: RunWriter | None = None
        self._begin = 0
        self._stored_to = 0
        self._progress = Progress()
        self._frame: asyncio.TimerHandle | None = None
        self._showing: asyncio.Task[None] | None = None
        self._stored_again = False
        self._decisions: asyncio.Future[Sequence[ApprovalDecision | None]] | None = None
        self._is_taking = False

    def begin(self, writer: RunWriter) -> None:
        """Begin the run, or go on with a paused one."""
        self._writer, self._begin = writer, writer.checkpoint.items
        if not self.kept:
            self._stored_to = self._begin
            self._progress = Progress(start=self._begin)
        self._change(state=RunState.RUNNING)

    def restore(self, run: PausedRun) -> None:
        """Take the form of a paused run, which waits for the user."""
        self.kept = True
        self._stored_to = run.items
        live = (
            Item(-1 - index, index, 0, message_type(data), tool_name(data), data=data)
            for index, data in enumerate(run.live_items)
        )
        self._progress = Progress(live=tuple(live), start=run.items)
        self.run = self.run._replace(
            state=RunState.WAITING, progress=self._progress, approvals=run.approvals, paused_id=run.id
        )
        self._decisions = asyncio.get_running_loop().create_future()

    def stop(self) -> None:
        """Stop the run, also while it waits for the user."""
        if self.run.state is RunState.STOPPING or self.task is None:
            return
        self._change(state=RunState.STOPPING)
        if self._decisions is not None:
            self._decisions.cancel()
        elif not self._is_taking:
            self.task.cancel()

    def close(self) -> None:
        """End the reports."""
        if self._frame is not None:
            self._frame.cancel()
        if self._showing is not None:
            self._showing.cancel()

    # Approvals

    def ask(self, approvals: Sequence[Approval], paused_id: int | None) -> None:
        """Show that the run waits for the user; `paused_id` is its number in the file if it is stored."""
        self._decisions = asyncio.get_running_loop().create_future()
        self._change(state=RunState.WAITING, approvals=tuple(approvals), paused_id=paused_id)

    def decide(self, decisions: Sequence[ApprovalDecision | None]) -> None:
        """Answer what `ask` asked."""
        if self._decisions is not None and not self._decisions.done():
            self._decisions.set_result(decisions)

    def leave(self, reason: str = "") -> bool:
        """Leave the run to others if it is stored and waits for the user, and return whether it is."""
        if self.run.paused_id is None or self._decisions is None:
            return False
        if not self._decisions.done():
            self._decisions.set_exception(RunLeftError(reason))
        return True

    async def decisions(self) -> Sequence[ApprovalDecision | None]:
        """Wait for the answer.

        Raises:
            RunLeftError: The run is left to others.
            asyncio.CancelledError: The run is stopped.
        """
        if self._decisions is None:
            raise RuntimeError("The run asks for nothing.")
        try:
            return await self._decisions
        finally:
            self._decisions = None
            if self.run.state is RunState.WAITING:
                self._change(state=RunState.RUNNING)

    async def take(self, editor: Editor, paused_id: int) -> None:
        """Take the run out of the file, so that nobody else goes on with it; a stop meanwhile is made afterwards.

        Raises:
            RunLeftError: Others have taken or deleted it, or changed its branch.
            ConvoError: The file cannot be written.
        """
        self._is_taking = True
        try:
            taken = await editor.take_paused_run(paused_id)
        finally:
            self._is_taking = False
        if taken is None:
            raise RunLeftError("It was answered in another program, or its branch or file is gone.")
        if taken.is_outdated:
            raise RunLeftError(f"The run cannot go on: branch '{self.branch.branch_id}' has changed since it paused.")
        if self.run.state is RunState.STOPPING and self.task is not None:
            self.task.cancel()

    # The protocol `Hooks`

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

    async def approve(
        self, approvals: Sequence[Approval], pause: PauseSnapshot | None
    ) -> Sequence[ApprovalDecision | None]:
        writer = self._writer
        paused_id = None if writer is None or pause is None else await writer.pause(approvals, pause)
        while True:
            self.ask(approvals, paused_id)
            try:
                decisions = await self.decisions()
                if writer is not None and paused_id is not None:
                    await self.take(writer.editor, paused_id)
                return decisions
            except asyncio.CancelledError:
                if writer is not None and paused_id is not None:
                    # What a stopped run adds to its branch must not be added to that of another run.
                    await self.take(writer.editor, paused_id)
                raise
            except ConvoError as error:
                self._listener.answer_refused(self.branch, error)

    def _change(self, *, state: RunState, approvals: tuple[Approval, ...] = (), paused_id: int | None = None) -> None:
        """Change the run and notify the listener at once."""
        self.run = self.run._replace(state=state, approvals=approvals, paused_id=paused_id)
        self._listener.runs_changed()

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
