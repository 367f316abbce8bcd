"""The fork editor, and the branches that it makes."""

from __future__ import annotations

from tui.controller.navigation import Navigation
from tui.controller.reload import Reloader
from tui.controller.state import NO_DRAFT, State
from tui.errors import ConvoError, NotFoundError
from tui.model import ForkDraft

__all__ = ["Forks"]


class Forks:
    """Opens and closes the fork editor, and makes branches."""

    def __init__(self, state: State, navigation: Navigation, reloader: Reloader) -> None:
        self._state = state
        self._navigation = navigation
        self._reloader = reloader

    async def begin(self, turn: int | None = None, branch_id: str | None = None, *, after: bool = False) -> None:
        """Open the fork editor for a turn, by default the selected one; nothing is written yet.

        The new branch shares the turns before it; with `after` that turn, too.
        """
        state = self._state
        session, branch_id = state.view.session, branch_id or state.target[0]
        branch = state.view.tree.branches.get(branch_id)
        if session is None or branch is None:
            return
        turn = (state.target[1] if turn is None else turn) + after
        if not state.view.writable:
            state.notify("This file is open read-only: no fork can be made.", "warning")
            return
        turn = min(max(turn, 1), branch.turns + 1)
        navigation_id = state.next_navigation()
        selected = turn - after
        state.target = branch_id, selected
        text = ""
        if turn <= branch.turns and not after:
            try:
                text = await state.store.user_text(session, branch_id, turn)
            except NotFoundError as error:
                state.notify(f"{error} Write one for the new branch.", "warning")
        if navigation_id == state.navigation_id:
            draft = ForkDraft(branch_id, turn, text)
            await self._navigation.navigate(navigation_id, branch_id, selected, fork=draft, new_session="")

    def cancel(self) -> None:
        """Prepare no branch or session any more."""
        self._state.publish(**NO_DRAFT)

    async def make(self, name: str = "") -> str:
        """Make the branch that the fork editor describes, switch to it, and return its id.

        The id is `name`, or made of turn and time if that is empty.

        Raises:
            ReadOnlyError: The file is open read-only.
            ConvoError: The branch cannot be made; the fork editor stays open.
        """
        state = self._state
        draft, session = state.view.fork, state.view.session
        state.require_writable()
        if draft is None or session is None:
            raise ConvoError("No fork is being prepared.", "Select a turn and press f.")
        async with state.write_lock:
            editor = await state.editor()
            fork = editor.fork(session.session_id, draft.branch_id, draft.turn, name.strip() or None)
            [branch_id] = await self._reloader.apply(fork)
        navigation_id = state.next_navigation()
        await self._navigation.navigate(navigation_id, branch_id, None, **NO_DRAFT)
        return branch_id
