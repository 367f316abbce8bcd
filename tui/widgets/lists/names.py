"""How branches and sessions are called where one is picked or shown: by title and id, what is pinned first."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model import Branch, Session, View
from tui.printable import printable_line
from tui.widgets.lists.choices import Choice
from tui.widgets.tree.drawing import kept_mark

__all__ = ["branch_choices", "called", "session_choices"]


def called(what: Branch | Session) -> str:
    """What it is called in one line: its marks, its title, its id."""
    known = printable_line(what.branch_id if isinstance(what, Branch) else what.session_id)
    return kept_mark(what) + (f"{printable_line(what.title)} · {known}" if what.title else known)


def branch_choices(view: View) -> list[Choice[str]]:
    """The branches of the open session, those that are pinned first."""
    branches = sorted(view.tree.branches.values(), key=lambda branch: not branch.pinned)
    return [
        Choice(
            branch.branch_id,
            called(branch),
            _detail(f"{branch.turns} turns · {branch.created_at or 'nothing said yet'}", branch),
        )
        for branch in branches
    ]


def session_choices(sessions: Iterable[Session]) -> list[Choice[str]]:
    """Sessions in the order in which they come."""
    return [
        Choice(session.session_id, called(session), _detail(session.updated_at or "", session)) for session in sessions
    ]


def _detail(text: str, what: Branch | Session) -> str:
    return f"{what.note} · {text}" if what.note else text
