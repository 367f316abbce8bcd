"""The runs that are under way: started, watched, stopped, one on a branch at a time, the next message waiting."""

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

_FRAME: Final = 1 / 30
"""Seconds between two views of a growing answer: more than anyone can read."""

_QUOTED: Final = 40
"""Characters of a message that the list of what was done quotes."""


class BranchRef(NamedTuple):
    """A branch of a session of the file."""

    session_id: str
    branch_id: str


class RunListener(Protocol):
    """Who is told of the runs: the controller."""

    def run_began(self, place: BranchRef) -> None:
        """A run begins on a branch."""

    def runs_changed(self) -> None:
        """A run began, ended, or says something new about itself."""

    async def items_stored(self, place: BranchRef) -> None:
        """A run has written items; returns when they are shown, if its session is open."""

    async def run_ended(self, place: BranchRef, text: str, result: RunResult, queued: Sequence[str]) -> None:
        """A run is over: what was said, how it ended, and the messages that still wait, if it did not end well."""


class Runs:
    """Runs of one agent on branches of one file.

    Attributes:
        name: What answers.
    """

    def __init__(
        self,
        runner: Runner,
        watcher: RunListener,
        open_session: Callable[[str], AdvancedSQLiteSession],
        edit: Callable[[], Awaitable[Editor]],
    ) -> None:
        """Make it.

        Args:
            runner: What answers.
            watcher: Who is told.
            open_session: Opens the session of an id for writing.
            edit: Gives what writes down that a run can be undone.
        """
        self.name = runner.name
        self._runner = runner
        self._watcher = watcher
        self._open_session = open_session
        self._edit = edit
        self._underway: dict[BranchRef, _ActiveRun] = {}
        self._tasks: set[asyncio.Task[RunResult]] = set()

    def of(self, session_id: str) -> Mapping[str, Run]:
        """The runs of a session, by branch."""
        return {place.branch_id: run.run for place, run in self._underway.items() if place.session_id == session_id}

    async def prepare(self) -> None:
        """Load what the first run needs."""
        await self._runner.prepare()

    def start(self, place: BranchRef, text: str) -> asyncio.Task[RunResult] | None:
        """Say something on a branch; where a run is under way there, when that is over.

        Returns:
            The run; None where the message waits.
        """
        if place in self._underway:
            running = self._underway[place]
            running.run = running.run._replace(queued=(*running.run.queued, text))
            self._watcher.runs_changed()
            return None
        running = _ActiveRun(place, self.name, self._watcher)
        self._underway[place] = running
        running.task = asyncio.create_task(self._answer(running, text))
        self._tasks.add(running.task)
        running.task.add_done_callback(self._tasks.discard)
        self._watcher.run_began(place)
        self._watcher.runs_changed()
        return running.task

    def stop(self, place: BranchRef) -> bool:
        """Stop the run of a branch; whether there was one."""
        running = self._underway.get(place)
        if running is None or running.task is None:
            return False
        if running.run.state is not RunState.STOPPING:
            running.show(state=RunState.STOPPING, approvals=())
            running.task.cancel()
        return True

    def decide(self, place: BranchRef, decisions: Sequence[Decision]) -> None:
        """Answer the approvals that a run waits for."""
        if running := self._underway.get(place):
            running.decide(decisions)

    def take_stored(self, place: BranchRef, items: int) -> None:
        """Let go from the live tail of a branch what is about to be shown as stored, of so many items of the branch."""
        if running := self._underway.get(place):
            running.take_stored(items)

    async def stop_all(self) -> None:
        """Stop every run and wait until its branch is in order, and nobody is being told of it any more."""
        while self._tasks:
            for place in tuple(self._underway):
                self.stop(place)
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, running: _ActiveRun, text: str) -> RunResult:
        place = running.place
        try:
            result = await self._run(running, text)
        except asyncio.CancelledError:
            result = RunResult(Outcome.STOPPED, _now(), 0, kept=running.kept)
        except Exception as error:
            hint, words = error.hint if isinstance(error, ConvoError) else "", f"The file refused the run: {error}"
            result = RunResult(Outcome.FAILED, _now(), 0, error=words, hint=hint, kept=running.kept)
        finally:
            running.close()
            self._underway.pop(place, None)
        queued = running.run.queued
        if queued and result.outcome is Outcome.DONE:
            following = self.start(place, queued[0])
            for waiting in queued[1:]:
                self.start(place, waiting)
            queued = () if following else queued
        await self._watcher.run_ended(place, text, result, queued)
        self._watcher.runs_changed()
        return result

    async def _run(self, running: _ActiveRun, text: str) -> RunResult:
        # Where the file is gone that says so, and a session would make another one.
        editor = await self._edit()
        session = self._open_session(running.place.session_id)
        try:
            await session.switch_to_branch(running.place.branch_id)
            before = await editor.mark(*running.place)
            running.items_before = before.items
            running.show(state=RunState.RUNNING)
            result = await self._runner.run(session, text, running)
            running.kept = result.kept
            if not result.kept:
                # The branch's last turn is another one than this run's.
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
            # The answer stands, whether or not it can be undone.
            with suppress(ConvoError):
                await editor.note_since(before, "run", f"Said “{_beginning(text)}” on '{running.place.branch_id}'")
            return result
        finally:
            await asyncio.to_thread(session.close)


class _ActiveRun:
    """One run, and the hooks through which it tells of itself."""

    def __init__(self, place: BranchRef, model: str, watcher: RunListener) -> None:
        self.place = place
        self.run = Run(place.branch_id, RunState.STARTING, time.time(), model)
        self.task: asyncio.Task[RunResult] | None = None
        self.kept = False
        self.items_before = 0
        self._watcher = watcher
        self._next: Progress | None = None
        self._frame: asyncio.TimerHandle | None = None
        self._storing: asyncio.Task[None] | None = None
        self._stored_again = False
        self._answer: asyncio.Future[Sequence[Decision]] | None = None

    def show(self, *, state: RunState | None = None, approvals: tuple[Approval, ...] | None = None) -> None:
        """Change what is shown of the run at once."""
        self.run = self.run._replace(
            state=self.run.state if state is None else state,
            approvals=self.run.approvals if approvals is None else approvals,
        )
        self._watcher.runs_changed()

    def progress(self, progress: Progress) -> None:
        self._next = progress
        if self._frame is None and self._storing is None:
            self._frame = asyncio.get_running_loop().call_later(_FRAME, self._draw)

    def stored(self) -> None:
        self._stored_again = True
        if self._storing is None:
            self._storing = asyncio.create_task(self._show_stored())

    async def approve(self, approvals: Sequence[Approval]) -> Sequence[Decision]:
        self._answer = asyncio.get_running_loop().create_future()
        self.show(state=RunState.WAITING, approvals=tuple(approvals))
        try:
            return await self._answer
        finally:
            self._answer = None
            if self.run.state is RunState.WAITING:
                self.show(state=RunState.RUNNING, approvals=())

    def decide(self, decisions: Sequence[Decision]) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(decisions)

    def take_stored(self, items: int) -> None:
        # The items may have been read before the newest of the run were stored.
        if self._next is not None and items >= self.items_before + self._next.stored:
            self._take_next()

    def close(self) -> None:
        if self._frame is not None:
            self._frame.cancel()
        if self._storing is not None:
            self._storing.cancel()

    def _draw(self) -> None:
        self._frame = None
        # What was stored stays live until it is shown as stored.
        if self._storing is None:
            self._take_next()
            self._watcher.runs_changed()

    def _take_next(self) -> None:
        if self._next is not None:
            self.run, self._next = self.run._replace(progress=self._next), None

    async def _show_stored(self) -> None:
        while self._stored_again:
            self._stored_again = False
            await self._watcher.items_stored(self.place)
        self._storing = None
        self._draw()


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _QUOTED else f"{words[: _QUOTED - 1].rstrip()}…"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
