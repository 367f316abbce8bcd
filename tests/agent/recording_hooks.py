"""Hooks that record a run and let a test wait for it, and helpers that read live and stored items."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tui.items.text import item_text
from tui.items.types import message_type
from tui.model import Approval, ApprovalDecision, Item, Progress
from tui.runs.protocol import PauseSnapshot
from tui.session import AdvancedSQLiteSession

__all__ = ["RecordingHooks", "live_texts", "shows", "stored_texts"]


def live_texts(progress: Progress) -> list[tuple[str, str]]:
    """Return type and text of each live item."""
    return [(item.type, item_text(item.data)) for item in progress.live]


async def stored_texts(session: AdvancedSQLiteSession) -> list[tuple[str, str]]:
    """Return type and text of each item of the session's current branch."""
    return [(message_type(item), item_text(item)) for item in await session.get_items()]


class RecordingHooks:
    """Hooks of one run.

    Attributes:
        stored_count: How often items were stored.
        live_after_storing: The live items right after each of these times.
    """

    def __init__(self, *decisions: ApprovalDecision | Sequence[ApprovalDecision]) -> None:
        """Create them; each decision answers one request, or a sequence the approvals of one request."""
        self.progresses: list[Progress] = []
        self.stored_count = 0
        self.live_after_storing: list[list[tuple[str, str]]] = []
        self.approvals: list[tuple[Approval, ...]] = []
        self._decisions = list(decisions)
        self._changed = asyncio.Event()

    def progress(self, progress: Progress) -> None:
        self.progresses.append(progress)
        if len(self.live_after_storing) < self.stored_count:
            self.live_after_storing.append(live_texts(progress))
        self._changed.set()

    def stored(self) -> None:
        self.stored_count += 1

    async def approve(self, approvals: Sequence[Approval], pause: PauseSnapshot | None) -> Sequence[ApprovalDecision]:
        self.approvals.append(tuple(approvals))
        self._changed.set()
        if not self._decisions:
            await asyncio.get_running_loop().create_future()
        decision = self._decisions.pop(0)
        return [decision] * len(approvals) if isinstance(decision, ApprovalDecision) else decision

    async def until(self, condition: Callable[[RecordingHooks], bool]) -> None:
        """Wait until a condition holds after a report of the run."""
        async with asyncio.timeout(20):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    @property
    def last(self) -> Progress:
        return self.progresses[-1] if self.progresses else Progress()

    def states(self, kind: str) -> list[str]:
        """Return the successive texts of the first live item of a kind."""
        texts: list[str] = []
        first: Item | None = None
        for progress in self.progresses:
            for item in progress.live:
                if item.type == kind and (first is None or item.message_id == first.message_id):
                    first = item
                    text = item_text(item.data)
                    if not texts or texts[-1] != text:
                        texts.append(text)
        return texts


def shows(text: str) -> Callable[[RecordingHooks], bool]:
    """Return a condition for `until`: a live item contains a text."""
    return lambda hooks: any(text in live for _, live in live_texts(hooks.last))
