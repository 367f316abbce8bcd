"""Names that the user types for sessions and branches: the id, or the title that they were given."""

from __future__ import annotations

from collections.abc import Sequence

from tui.errors import NotFoundError
from tui.model.tree import Branch, TurnTree
from tui.model.view import Session

__all__ = ["find_branch", "only_session"]


def find_branch(tree: TurnTree, session_id: str, name: str) -> Branch | None:
    """Return the branch with an id, or else the one with a title; None if there is none.

    Raises:
        NotFoundError: Several branches have the title.
    """
    if name in tree.branches or not name:
        return tree.branches.get(name)
    found = {branch_id: branch for branch_id, branch in tree.branches.items() if branch.title == name}
    _require_one([*found], f"branches of session '{session_id}'", name)
    return next(iter(found.values()), None)


def only_session(sessions: Sequence[Session], title: str) -> Session | None:
    """Return the session that has a title; None if there is none.

    Raises:
        NotFoundError: There are several.
    """
    _require_one([session.session_id for session in sessions], "sessions", title)
    return next(iter(sessions), None)


def _require_one(ids: Sequence[str], kind: str, title: str) -> None:
    if len(ids) > 1:
        raise NotFoundError(f"{len(ids):,} {kind} have the title '{title}': {', '.join(ids)}.", "Name one by its id.")
