"""The session of one run, which records the items that the run writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from tui import garbage_collection
from tui.agent.live_items import ItemData, with_id
from tui.items.codec import without_half_pairs
from tui.items.types import is_user_message

if TYPE_CHECKING:
    from agents import SessionSettings, TResponseInputItem

    from tui.session.advanced import AdvancedSession
    from tui.session.compaction import CompactionSnapshot

__all__ = ["RecordingSession"]


class RecordingSession:
    """Implements the SDK's session protocol with another session, and records the items that are written.

    Attributes:
        written: The items that the run has stored, in order.
    """

    def __init__(
        self,
        session: AdvancedSession,
        on_written: Callable[[Sequence[ItemData]], None],
        written: Sequence[ItemData] = (),
    ) -> None:
        """Wrap a session.

        Args:
            session: The session.
            on_written: Gets the items after each write, and no items after `remove_message`.
            written: The items that the run has stored before.
        """
        self.session_id: str = session.session_id
        self.session_settings: SessionSettings | None = session.session_settings
        self.written: list[ItemData] = [*written]
        self._session = session
        self._on_written = on_written
        self._write_task: asyncio.Future[None] | None = None
        self._is_closed = False

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the items of the branch in a form that the SDK can send to any model."""
        items = [with_id(item) for item in cast("list[ItemData]", await self._session.get_items(limit))]
        # The branch may be long, and none of its items is part of a cycle.
        garbage_collection.exclude_existing_objects()
        return cast("list[TResponseInputItem]", items)

    @property
    def left_out(self) -> int:
        """Number of items that the last `get_items` left out, as they are not encrypted with the session's key."""
        return self._session.left_out

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Write items; a write that has begun completes even if the run is stopped meanwhile.

        Raises:
            RuntimeError: The session is closed, and the run continues although it was stopped.
        """
        if self._is_closed:
            raise RuntimeError("The run has ended.")
        if items:
            self._write_task = asyncio.ensure_future(self._write(items))
            await asyncio.shield(self._write_task)

    async def _get_compaction_snapshot(self, limit: int) -> CompactionSnapshot | None:
        """Return the newest items of the branch as `get_items` does, for the SDK's compaction."""
        snapshot = await self._session._get_compaction_snapshot(limit)  # noqa: SLF001 named by the SDK
        if snapshot is None:
            return None
        items = [with_id(item) for item in cast("list[ItemData]", snapshot.items)]
        return snapshot._replace(items=cast("list[TResponseInputItem]", items))

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace the items of the branch, for the SDK's compaction."""
        return await self._session._atomic_replace_items(items)  # noqa: SLF001 named by the SDK

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove and return the newest item."""
        item = await self._session.pop_item()
        if self.written:
            self.written.pop()
        return item

    async def clear_session(self) -> None:
        """Delete all branches."""
        await self._session.clear_session()
        self.written.clear()

    async def close(self) -> None:
        """Wait for the current write, and refuse further ones."""
        self._is_closed = True
        if self._write_task is not None:
            await asyncio.wait({self._write_task})

    async def append(self, items: Sequence[ItemData]) -> None:
        """Write further items of the run after `close`."""
        if items:
            await self._write(cast("list[TResponseInputItem]", list(items)))

    async def remove_message(self) -> bool:
        """Remove the user's message if it is the newest item and the run has written nothing else.

        Return whether the branch is as it was before the run.
        """
        if not all(is_user_message(item) for item in self.written):
            return False
        count = len(self.written)
        if count and await self._session.get_items(count) != self.written:
            return False
        for _ in range(count):
            await self.pop_item()
        if count:
            self._on_written(())
        return True

    async def _write(self, items: list[TResponseInputItem]) -> None:
        # A tool may cut a text within a character; a server may send its halves in two pieces.
        items = without_half_pairs(items)
        await self._session.add_items(items)
        # While this task waited for the write, all events that led to these items have been read.
        written = cast("list[ItemData]", items)
        self.written.extend(written)
        self._on_written(written)
