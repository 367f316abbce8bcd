"""A session as a run sees it: all that the run writes passes through here, and is known afterwards."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from tui.agent.live_items import ItemData, placed
from tui.items.types import is_user_message

if TYPE_CHECKING:
    from agents import SessionSettings, TResponseInputItem

    from tui.session import AdvancedSQLiteSession

__all__ = ["RecordingSession"]


class RecordingSession:
    """The SDK's session protocol over a session, with a record of what was written.

    Attributes:
        session_id: Id of the session.
        session_settings: Settings of the SDK.
        written: The items that the run has stored, in order.
    """

    def __init__(self, session: AdvancedSQLiteSession, stored: Callable[[Sequence[ItemData]], None]) -> None:
        """Make it.

        Args:
            session: Where the items go.
            stored: Told right after items were written.
        """
        self.session_id: str = session.session_id
        self.session_settings: SessionSettings | None = session.session_settings
        self.written: list[ItemData] = []
        self._session = session
        self._stored = stored
        self._writing: asyncio.Future[None] | None = None
        self._closed = False

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items of the branch, whoever wrote them, as the SDK can send them to any model."""
        items = [placed(item) for item in cast("list[ItemData]", await self._session.get_items(limit))]
        # No item is part of a circle, and the collector would look at all of a long branch while the answer streams.
        gc.freeze()
        return cast("list[TResponseInputItem]", items)

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Write items; what was begun is finished, also when the run is stopped meanwhile.

        Raises:
            RuntimeError: The run was closed: it outlived its stop.
        """
        if self._closed:
            raise RuntimeError("The run is over.")
        if items:
            self._writing = asyncio.ensure_future(self._write(items))
            await asyncio.shield(self._writing)

    async def pop_item(self) -> TResponseInputItem | None:
        """Take back the newest item."""
        item = await self._session.pop_item()
        if self.written:
            self.written.pop()
        return item

    async def clear_session(self) -> None:
        """Delete all branches."""
        await self._session.clear_session()
        self.written.clear()

    async def close(self) -> None:
        """Wait for what is being written, and let the run write no more."""
        self._closed = True
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def append(self, items: Sequence[ItemData]) -> None:
        """Write items of our own, after the run is closed."""
        if items:
            await self._write(cast("list[TResponseInputItem]", list(items)))

    async def take_back(self) -> bool:
        """Remove the user's message if the run has written nothing else and it is still the newest item.

        Returns:
            Whether the branch is as it was before the run.
        """
        if not all(is_user_message(item) for item in self.written):
            return False
        ours = len(self.written)
        if ours and await self._session.get_items(ours) != self.written:
            return False
        for _ in range(ours):
            await self.pop_item()
        if ours:
            self._stored(())
        return True

    async def _write(self, items: list[TResponseInputItem]) -> None:
        await self._session.add_items(items)
        # While it was written, who reads the run's events has read all that led to it.
        written = cast("list[ItemData]", items)
        self.written.extend(written)
        self._stored(written)
