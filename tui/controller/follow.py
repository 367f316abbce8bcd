"""Keeping to the newest of what others write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tui.controller.base import ControllerBase

__all__ = ["Following"]


class Following(ControllerBase):
    """A controller that can stay where the open session is written.

    Which branch another process has open is known to that process alone: the one written last stands for it.
    """

    async def toggle_following(self) -> None:
        """Go to the newest of the open session and stay there, or stay here from now on.

        Wherever the user goes meanwhile, following ends.
        """
        if self.view.following:
            self._show(following=False)
            return
        self._move()
        async with self._steps:
            self._show(following=True)
            await self._to_newest()
        await self.load_usage()

    async def _take_in(self, letting_go: Collection[str | None] | None = None, *, leave_session: bool = False) -> None:
        await super()._take_in(letting_go, leave_session=leave_session)
        if self.view.following:
            await self._to_newest()

    async def _to_newest(self) -> None:
        session, tree, before = self.view.session, self.view.tree, self.view.branch_id
        if session is None:
            return
        move = self._moves
        shown = await self._read(session, tree, await self._last_branch(session, tree), None)
        if move != self._moves:
            return
        changes: dict[str, Any] = {} if shown["branch_id"] == before else {"branch_usage": None, "resend_cost": None}
        self._enter(shown["branch_id"], shown["turn"])
        self._aim = self._opened
        self._show(**shown, **changes, preview=False)

    def _move(self) -> int:
        if self.view.following:
            self._show(following=False)
        return super()._move()
