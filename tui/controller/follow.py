"""The following of new turns."""

from __future__ import annotations

from tui.controller.loader import Loader
from tui.controller.navigation import Navigation
from tui.controller.state import State

__all__ = ["Follow"]


class Follow:
    """Keeps the end of the shown branch in view while the branch grows.

    Other branches are reported and never shown instead. Nothing moves while another screen covers the panes.
    """

    def __init__(self, state: State, loader: Loader, navigation: Navigation) -> None:
        self._state = state
        self._loader = loader
        self._navigation = navigation
        self._covered = False
        self._behind: int | None = None
        """The navigation that showed an end which has moved on while the panes were covered."""
        self._reported: set[str] = set()

    async def toggle(self) -> None:
        """Begin or stop following the shown branch; any navigation also stops it."""
        state = self._state
        if state.view.following:
            state.publish(following=False)
            return
        self._reported.clear()
        await self._navigation.navigate(state.next_navigation(), state.view.branch_id, None, following=True)
        await self.report_other_branches()

    def stays_at_end(self) -> bool:
        """Return whether to show the end of the shown branch when it grows: if the user follows it, or its run."""
        view = self._state.view
        branch = view.tree.branches.get(view.branch_id)
        if branch is None or not (view.following or (view.branch_id in view.runs and view.turn >= branch.turns)):
            return False
        if self._covered:
            self._behind = self._state.navigation_id
        return not self._covered

    def cover(self) -> None:
        """Let nothing move until `uncover`."""
        self._covered = True

    async def uncover(self) -> None:
        """Show the end that has moved on meanwhile, unless the user went elsewhere."""
        self._covered = False
        behind, self._behind = self._behind, None
        if behind is not None:
            await self._navigation.navigate(behind, self._state.view.branch_id, None)

    async def report_other_branches(self) -> None:
        """Tell the user once about each new branch, and each branch that is written instead of the followed one."""
        state = self._state
        view = state.view
        if not view.following or view.session is None:
            return
        written = await state.store.last_branch(view.session)
        others = [name for name in view.tree.branches if name in view.unseen or name == written]
        unreported = [name for name in others if name not in self._reported and name != view.branch_id]
        if not unreported:
            return
        self._reported.update(unreported)
        name = written if written in unreported else unreported[-1]
        quoted = view.quoted_branch(name)
        words = f"New branch {quoted}" if name in view.unseen else f"{quoted} was written last"
        more = f", and {len(unreported) - 1} more" if len(unreported) > 1 else ""
        state.notify(f"{words}{more}. b goes there; this view follows {view.quoted_branch(view.branch_id)}.")
