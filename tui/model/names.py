"""Names that the user types for sessions and branches: the id, the title that they were given, or a branch's label."""

from __future__ import annotations

from collections.abc import Sequence

from tui.errors import NotFoundError
from tui.model.tree import Branch, TurnTree
from tui.model.view import Session

__all__ = ["find_branch", "only_session"]


def find_branch(tree: TurnTree, session_id: str, name: str) -> Branch | None:
    """Return the branch with an id, or else the one with a title, or else with a label; None if there is none.

    Raises:
        NotFoundError: Several branches have the title, or the label.
    """
    if name in tree.branches or not name:
        return tree.branches.get(name)
    for kind in ("title", "label"):
        found = [branch for branch in tree.branches.values() if getattr(branch, kind) == name]
        _require_one([branch.branch_id for branch in found], f"branches of session '{session_id}'", kind, name)
        if found:
            return found[0]
    return None


def only_session(sessions: Sequence[Session], title: str) -> Session | None:
    """Return the session that has a title; None if there is none.

    Raises:
        NotFoundError: There are several.
    """
    _require_one([session.session_id for session in sessions], "sessions", "title", title)
    return next(iter(sessions), None)


def _require_one(ids: Sequence[str], what: str, kind: str, name: str) -> None:
    if len(ids) > 1:
        raise NotFoundError(f"{len(ids):,} {what} have the {kind} '{name}': {', '.join(ids)}.", "Name one by its id.")
