"""Storing a run besides its items: its usage and record, its entry in the journal, and its pauses."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from tui.errors import ConvoError
from tui.model import Approval, PausedRun
from tui.model.journal import describe_run
from tui.runs.protocol import PauseSnapshot, RunResult
from tui.session.advanced import AdvancedSession
from tui.storage.editor import Editor, checkpoint_of
from tui.storage.engine import Transaction
from tui.storage.journal.recording import BranchCheckpoint, record_since, take_checkpoint
from tui.storage.journal.rows import RUN

__all__ = ["RunWriter"]


class RunWriter:
    """Stores what becomes of one run.

    Attributes:
        editor: The editor of the file.
        session: The session of the run, on its branch.
        checkpoint: The branch before the run.
    """

    def __init__(
        self,
        editor: Editor,
        session: AdvancedSession,
        checkpoint: BranchCheckpoint,
        text: str,
        started_at: str | None = None,
        seconds: float = 0,
    ) -> None:
        """Start timing a run that answers `text`; a paused one has run for `seconds` already."""
        self.editor = editor
        self.session = session
        self.checkpoint = checkpoint
        self._text = text
        self._started_at = started_at or datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        self._start = time.monotonic() - seconds
        session.around_compaction = self._around_compaction

    @classmethod
    def of_paused_run(cls, run: PausedRun, editor: Editor, session: AdvancedSession) -> RunWriter:
        """Return the writer of a paused run.

        Raises:
            ConvoError: It is not stored as this program stores it.
        """
        return cls(editor, session, checkpoint_of(run), run.message, run.started_at, run.seconds)

    @contextmanager
    def _around_compaction(self, tx: Transaction) -> Iterator[None]:
        """Record what the run has written before its branch is compacted, so that each can be undone."""
        before = self.checkpoint
        record_since(tx, before, RUN, self._describe(before.branch_id))
        yield
        self.checkpoint = take_checkpoint(tx, before.session_id, before.branch_id)
        tx.on_rollback(partial(setattr, self, "checkpoint", before))

    async def pause(self, approvals: Sequence[Approval], pause: PauseSnapshot) -> int | None:
        """Store that the run waits for approval, and return its number; None if the file cannot be written now."""
        if pause.usage is not None:
            await self.session.store_run_usage(pause.usage)
        run = PausedRun(
            self.checkpoint.session_id,
            self.checkpoint.branch_id,
            self._text,
            pause.agent,
            pause.model,
            tuple(approvals),
            started_at=self._started_at,
            seconds=time.monotonic() - self._start,
            estimated=pause.estimated,
            reported=pause.usage is not None,
            live_items=tuple(pause.live_items),
            stop_items=tuple(pause.stop_items),
            checkpoint=self.checkpoint._asdict(),
        )
        # It can be answered all the same, as long as this process runs.
        with suppress(ConvoError):
            return await self.editor.pause_run(run, pause.state)
        return None

    async def record(self, result: RunResult) -> None:
        """Record how the run ended, and make it undoable."""
        if result.usage is not None:
            await self.session.store_run_usage(result.usage)
        await self.session.record_run(
            outcome=result.outcome,
            model=result.model,
            agent=result.agent,
            started_at=self._started_at,
            seconds=time.monotonic() - self._start,
            error=result.error,
            estimated=result.estimated,
            reported=result.usage is not None,
        )
        # The answer is stored, even if it cannot be made undoable.
        with suppress(ConvoError):
            await self.editor.record_since(self.checkpoint, RUN, self._describe(self.checkpoint.branch_id))

    def _describe(self, branch_id: str) -> str:
        return describe_run(self._text if self.session.seal is None else None, branch_id)
