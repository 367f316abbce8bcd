"""Display names of branches and sessions, and the choices of pickers that list them."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model import Branch, Session, View
from tui.printable import printable_line
from tui.widgets.format import format_time
from tui.widgets.lists.choices import Choice
from tui.widgets.tree.drawing import label_marks
from tui.words import plural

__all__ = ["branch_choices", "display_name", "session_choices"]


def display_name(labelled: Branch | Session) -> str:
    """Return marks, title and id of a branch or session, in one line."""
    own_id = printable_line(labelled.branch_id if isinstance(labelled, Branch) else labelled.session_id)
    return label_marks(labelled) + (f"{printable_line(labelled.title)} · {own_id}" if labelled.title else own_id)


def branch_choices(view: View) -> list[Choice]:
    """Return the branches of the open session, pinned ones first."""
    branches = sorted(view.tree.branches.values(), key=lambda branch: not branch.pinned)
    return [
        Choice(
            branch.branch_id,
            display_name(branch),
            _detail(f"{plural(branch.turns, 'turn')} · {format_time(branch.created_at) or 'no messages'}", branch),
        )
        for branch in branches
    ]


def session_choices(sessions: Iterable[Session]) -> list[Choice]:
    """Return a choice for each session."""
    return [
        Choice(
            session.session_id,
            display_name(session),
            _detail(" · ".join(filter(None, (session.first_words, format_time(session.updated_at)))), session),
        )
        for session in sessions
    ]


def _detail(text: str, labelled: Branch | Session) -> str:
    return f"{labelled.note} · {text}" if labelled.note else text
