"""The update of the view after a change of the file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, TypeVar

from tui.controller.follow import Follow
from tui.controller.loader import Loader
from tui.controller.navigation import Navigation, Place
from tui.controller.state import NO_USAGE, State
from tui.errors import FileError
from tui.model import Session, TurnTree, View
from tui.storage.open import Server
from tui.storage.store import Version

__all__ = ["Reloader"]

T = TypeVar("T")

_PATIENCE: Final = 2.0
"""Seconds that a server may take to answer before a notice says so."""

_SESSION_FIELDS: Final = (
    "session", "session_index", "tree", "branch_id", "turn", "items", "position", "page",
    "messages_without_branch", "preview", *NO_USAGE, "marks", "unseen", "fork",
)  # fmt: skip
"""Fields of the view that have their default in a file without sessions."""


class Reloader:
    """Reads the file again after this program or another one has changed it."""

    def __init__(self, state: State, loader: Loader, navigation: Navigation, follow: Follow) -> None:
        self._state = state
        self._loader = loader
        self._navigation = navigation
        self._follow = follow
        self._version: Version | None = None
        self._last_session: object = None
        self._times_replaced = 0
        self._changing = 0

    async def load_sessions(self) -> None:
        """Show the sessions of the file for the first time."""
        store = self._state.store
        self._version = await store.version()
        _, self._last_session = await store.sessions_since(None)
        self._state.publish(**await self._loader.session_list())

    async def refresh(self) -> bool:
        """Show changes made by other programs, and return whether there were any.

        Raises:
            FileError: The file cannot be read now; the next call tries again.
        """
        path = self._state.path
        try:
            # A file that is locked has a limit of its own. Another command that reads holds the lock.
            async with asyncio.timeout(_PATIENCE if isinstance(path, Server) else None) as limit:
                async with self._state.state_lock:
                    version = await self._state.store.version()
                    limit.reschedule(None)
                    changed = version != self._version
                    if changed:
                        await self._reload()
                        self._version = version
        except TimeoutError:
            raise FileError(f"{path} has not answered for {_PATIENCE:.0f} seconds.", "Wait, or quit.") from None
        if changed:
            await self._follow.report_other_branches()
        await self._navigation.load_rest()
        return changed

    async def apply(
        self,
        change: Awaitable[T],
        hide: Callable[[T], Collection[str | None]] = lambda _result: (),
        *,
        leave_session: bool = False,
        go_back: bool = False,
    ) -> T:
        """Change the file, show it as it is then, and return the result of the change.

        Args:
            change: Changes the file.
            hide: Returns, for the result of the change, the branches to leave if they are archived.
            leave_session: Whether to show another session.
            go_back: Whether to show where a deleted branch was forked from, or the session shown before a deleted one;
                by default what is next to it is shown.
        """
        self._changing += 1
        try:
            result = await change
            async with self._state.state_lock:
                version = await self._state.store.version()
                await self._reload(hide(result), leave_session=leave_session, go_back=go_back)
                self._version = version
        finally:
            self._changing -= 1
        await self._navigation.load_rest()
        return result

    async def reload(self) -> None:
        """Read the file again, after the user has chosen to show or hide archived branches and sessions."""
        async with self._state.state_lock:
            await self._reload()
        await self._navigation.load_rest()

    async def _reload(
        self, hide: Collection[str | None] | None = None, *, leave_session: bool = False, go_back: bool = False
    ) -> None:
        """Show the file as it is now, at the same branch and turn if they exist.

        `hide` has the branches to leave if they are archived; it is None if the user changed nothing.
        """
        state, view = self._state, self._state.view
        by_others = hide is None and not self._changing
        changes = await self._loader.session_list()
        added, self._last_session = await state.store.sessions_since(self._last_session)
        if by_others and added:
            changes["unseen_sessions"] = view.unseen_sessions | added
        changes |= {"revision": view.revision + 1, "writable": state.is_writable}
        session = None
        if view.session is not None and not leave_session:
            session = await state.store.session(view.session.session_id)
        if session is None:
            if view.session is not None and by_others:
                self._report_gone(f"Session '{view.session.name}'", "cleared")
            await self._open_next_session(changes, self._navigation.previous if go_back else None)
        else:
            await self._reload_session(session, hide, changes, by_others=by_others, go_back=go_back)
        self._times_replaced = state.store.times_replaced

    def _report_gone(self, what: str, verb: str) -> None:
        """Say what is gone, and why."""
        replaced = self._times_replaced != self._state.store.times_replaced
        cause = "the file was replaced" if replaced else f"another program {verb} it"
        self._state.notify(f"{what} is gone: {cause}.", "warning")

    async def _open_next_session(self, changes: dict[str, Any], place: Place | None) -> None:
        """Open the session at a place if it is there, else the one that took the place of the open one in the list."""
        state, open_id = self._state, self._state.view.session.session_id if self._state.view.session else ""
        sessions = [session for session in changes["sessions"] if session.session_id != open_id]
        if place is not None and (session := await state.store.session(place.session_id)) is not None:
            tree = await self._loader.tree(session, place.branch_id)
            branch_id, turn = place[1:] if place.branch_id in tree.branches else (None, None)
            await self._navigation.show_session(session, tree, branch_id, turn, **changes)
        elif state.view.session is None and state.view.new_session:
            # Another program has written the file in which the user begins a session.
            state.publish(**changes)
        elif sessions:
            listed = [session.session_id for session in state.view.sessions]
            index = listed.index(open_id) if open_id in listed else 0
            session = sessions[min(index, len(sessions) - 1)]
            await self._navigation.show_session(session, await self._loader.tree(session), **changes)
        else:
            state.target = state.committed = ("", 0)
            state.publish(**changes, **{name: View._field_defaults[name] for name in _SESSION_FIELDS})

    async def _reload_session(
        self,
        session: Session,
        hide: Collection[str | None] | None,
        changes: dict[str, Any],
        *,
        by_others: bool,
        go_back: bool,
    ) -> None:
        """Show the open session as it is now."""
        state, view = self._state, self._state.view
        shown = {view.branch_id, state.committed[0]}.difference(hide or ())
        tree = await self._loader.tree(session, *shown)
        branch_id, turn = view.branch_id, None if self._follow.stays_at_end() else view.turn or None
        if branch_id not in tree.branches:
            changes["following"] = False
            if by_others:
                self._report_gone(f"Branch {view.quoted_branch(branch_id)}", "deleted")
            origin = view.tree.origin(branch_id) if go_back and branch_id in view.tree.branches else None
            if origin is not None and origin[0] in tree.branches:
                neighbour: tuple[str, int] | None = origin
            else:
                neighbour = _neighbour(view.tree, branch_id, view.turn, tree)
            if state.committed[0] in tree.branches and (by_others or neighbour is None):
                branch_id, turn = state.committed
            elif neighbour is not None:
                branch_id, turn = neighbour
            else:
                branch_id = await self._loader.last_branch(session, tree)
            changes.update(NO_USAGE)
        changes["marks"] = tuple(mark for mark in view.marks if tree.chain_at(*mark))
        added = tree.branches.keys() - view.tree.branches.keys() if by_others else set()
        added = {name for name in added if not tree.branches[name].archived}
        changes["unseen"] = frozenset(name for name in (*view.unseen, *added) if name in tree.branches)
        selection = await self._loader.selection(session, tree, branch_id, turn)
        if state.target == (view.branch_id, view.turn):
            state.target = selection["branch_id"], selection["turn"]
        preview = view.preview and branch_id != state.committed[0] and state.committed[0] in tree.branches
        if not preview:
            state.committed = selection["branch_id"], selection["turn"]
            self._navigation.remember_turn(*state.committed)
        state.publish(**selection, **changes, session=session, tree=tree, preview=preview)


def _neighbour(before: TurnTree, branch_id: str, turn: int, tree: TurnTree) -> tuple[str, int] | None:
    """Return the branch and turn next to a branch that a tree does not have any more: its next or previous sibling.

    If other branches have all of its turns, one of them is returned, at the same turn. Archived branches are passed
    over; if only such are next to it, the newest other branch is returned, at its end.
    """
    if branch_id not in before.branches:
        return None
    path = before.path(branch_id)
    gone = next((chain for chain in path if tree.branches.keys().isdisjoint(chain.holders)), None)
    shown = {name for name, branch in tree.branches.items() if not branch.archived}
    if gone is None:
        same = [name for name in path[-1].holders if name in shown] if path else []
        return (same[0], turn) if same else _newest(tree, shown)
    alternatives = before.alternatives(gone)
    at = alternatives.index(gone)
    for other in (*alternatives[at + 1 :], *reversed(alternatives[:at])):
        names = [other.ending_branch] if other.index == gone.parent else other.holders
        if (name := next((name for name in names if name in shown), None)) is not None:
            return name, gone.first
    return _newest(tree, shown)


def _newest(tree: TurnTree, names: Collection[str]) -> tuple[str, int] | None:
    """Return the newest of some branches, and its last turn."""
    newest = max(names, key=lambda name: tree.branches[name].created_at or "", default=None)
    return None if newest is None else (newest, tree.branches[newest].turns)
