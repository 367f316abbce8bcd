"""Hooks of a run that keep what they are told, and let a test wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tui.items.text import item_text
from tui.model import Approval, Decision, Item, Progress

__all__ = ["Watch", "live"]


def live(progress: Progress) -> list[tuple[str, str]]:
    """Type and text of the live items."""
    return [(item.type, item_text(item.data)) for item in progress.live]


class Watch:
    """Hooks of one run.

    Attributes:
        told: All progress, in order.
        stored_times: How often items were stored.
        after_storing: What was live right after each of these times.
        asked: What was asked for.
    """

    def __init__(self, *decisions: Decision | Sequence[Decision]) -> None:
        """Make it; each decision answers one question, or a sequence of them all that are asked at once."""
        self.told: list[Progress] = []
        self.stored_times = 0
        self.after_storing: list[list[tuple[str, str]]] = []
        self.asked: list[tuple[Approval, ...]] = []
        self._decisions = list(decisions)
        self._changed = asyncio.Event()

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)
        if len(self.after_storing) < self.stored_times:
            self.after_storing.append(live(progress))
        self._changed.set()

    def stored(self) -> None:
        self.stored_times += 1

    async def approve(self, approvals: Sequence[Approval]) -> Sequence[Decision]:
        self.asked.append(tuple(approvals))
        self._changed.set()
        if not self._decisions:
            await asyncio.get_running_loop().create_future()
        decision = self._decisions.pop(0)
        return [decision] * len(approvals) if isinstance(decision, Decision) else decision

    async def until(self, reached: Callable[[Watch], bool]) -> None:
        """Wait until the run has told of something."""
        async with asyncio.timeout(20):
            while not reached(self):
                self._changed.clear()
                await self._changed.wait()

    async def until_live(self, text: str) -> None:
        """Wait until a text stands in the live tail."""
        await self.until(lambda watch: any(text in said for _, said in live(watch.last)))

    @property
    def last(self) -> Progress:
        return self.told[-1] if self.told else Progress()

    def grown(self, kind: str) -> list[str]:
        """The text of the first live item of a kind as it grew, each state once."""
        states: list[str] = []
        first: Item | None = None
        for progress in self.told:
            for item in progress.live:
                if item.type == kind and (first is None or item.message_id == first.message_id):
                    first = item
                    text = item_text(item.data)
                    if not states or states[-1] != text:
                        states.append(text)
        return states
