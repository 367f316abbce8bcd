"""The loader of a view's fields from the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tui.controller.state import State
from tui.model import Session, TurnTree

__all__ = ["Loader", "listed", "nearest_turn"]


class Loader:
    """Reads sessions, trees and pages in the form in which `View` has them.

    Attributes:
        lists_archived: Whether the list of sessions includes archived ones.
    """

    def __init__(self, state: State) -> None:
        self.lists_archived = False
        self._state = state
        self._store = state.store

    async def session_list(self) -> dict[str, Any]:
        """Return the fields of a view about the sessions of the file.

        Archived sessions are left out unless the user asked for them or there are no others.
        """
        count = await self._store.count_sessions(archived=False)
        self.lists_archived = self._state.view.show_archived or not count
        if self.lists_archived:
            count = await self._store.count_sessions()
        sessions = await self._store.sessions(archived=self.lists_archived)
        return {"sessions": sessions, "sessions_remaining": max(0, count - len(sessions))}

    async def tree(self, session: Session, *kept: str | None) -> TurnTree:
        """Return the tree of a session.

        Archived branches are left out unless the user asked for them, they are in `kept`, or there are no others.
        """
        tree = await self._store.tree(session)
        hidden = [name for name, branch in tree.branches.items() if branch.archived and name not in kept]
        show_all = self._state.view.show_archived or len(hidden) == len(tree.branches)
        return tree if show_all else tree.without(hidden)

    async def last_branch(self, session: Session, tree: TurnTree) -> str:
        """Return the branch written last; if `tree` does not have it yet, the newest branch of the tree."""
        branch_id = await self._store.last_branch(session)
        return branch_id if branch_id in tree.branches else list(tree.branches)[-1]

    async def selection(self, session: Session, tree: TurnTree, branch_id: str, turn: int | None) -> dict[str, Any]:
        """Return the fields of a view about a branch and one of its turns, by default the last."""
        turn = nearest_turn(tree, branch_id, turn)
        at_end = turn == tree.branches[branch_id].turns
        page = await self._store.page_around(session, branch_id, turn, at_end=at_end)
        return {"branch_id": branch_id, "turn": turn, **page._asdict()}


def nearest_turn(tree: TurnTree, branch_id: str, turn: int | None) -> int:
    """Return the turn of a branch that is nearest to a number; its last turn for None."""
    last = tree.branches[branch_id].turns
    first = min((chain.first for chain in tree.path(branch_id)[:1]), default=0)
    return last if turn is None else max(min(turn, last), min(first, last))


def listed(names: Iterable[str], further: int = 0, limit: int = 8) -> str:
    """Return the first `limit` names, and how many more there are; `further` counts those that are not in `names`."""
    known = list(names)
    more = len(known[limit:]) + further
    return ", ".join(known[:limit]) + (f" and {more:,} more" if more else "")
