"""The following of new turns."""

from __future__ import annotations

from tui.controller.navigation import Navigation
from tui.controller.state import State
from tui.controller.usage import UsageViews

__all__ = ["Follow"]


class Follow:
    """Keeps the end of the branch that was written last in view.

    Only the process that writes knows its current branch, so this is taken to be the branch that was written last.
    """

    def __init__(self, state: State, navigation: Navigation, usage: UsageViews) -> None:
        self._state = state
        self._navigation = navigation
        self._usage = usage

    async def toggle(self) -> None:
        """Begin or stop showing each new turn of the open session; any navigation also stops it."""
        state = self._state
        if state.view.following:
            state.publish(following=False)
            return
        state.next_navigation()
        async with state.state_lock:
            state.publish(following=True)
            await self._navigation.show_newest()
        await self._usage.load()
