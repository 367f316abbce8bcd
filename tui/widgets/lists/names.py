"""Display names of branches and sessions, and the choices of pickers that list them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from tui.model import Branch, Session, TurnTree, View
from tui.printable import printable_line
from tui.widgets.format import format_time
from tui.widgets.lists.choices import Choice
from tui.widgets.tree.drawing import UNSEEN, label_marks
from tui.words import plural, shorten, title_and_id

__all__ = ["branch_choices", "display_name", "session_choices"]

_MAX_WORDS: Final = 40
"""Characters of the words that stand in for a title."""


def display_name(labelled: Branch | Session, words: str = "") -> str:
    """Return marks, title and id of a branch or session, in one line; `words` stand in for a missing title."""
    own_id = printable_line(labelled.branch_id if isinstance(labelled, Branch) else labelled.session_id)
    title = printable_line(labelled.title) or shorten(printable_line(words), _MAX_WORDS)
    return label_marks(labelled) + title_and_id(title, own_id)


def branch_choices(view: View, fork_words: Mapping[str, str]) -> list[Choice]:
    """Return the branches of the open session, pinned ones first; `fork_words` has words for those without a name."""
    branches = sorted(view.tree.branches.values(), key=lambda branch: not branch.pinned)
    places = _places(view.tree)
    return [
        Choice(
            branch.branch_id,
            (UNSEEN if branch.branch_id in view.unseen else "")
            + display_name(branch, fork_words.get(branch.branch_id, "")),
            # If there is not room for all, the last part stays.
            _detail(
                f"{format_time(branch.created_at) or 'no messages'} · {plural(branch.turns, 'turn')}"
                f"{places.get(view.tree.last_chain(branch.branch_id).index, '')}",
                branch,
            ),
        )
        for branch in branches
    ]


def _places(tree: TurnTree) -> dict[int, str]:
    """Return the place of each chain at its fork, which tells branches with the same first words apart."""
    places: dict[int, str] = {}
    for first in tree.chains:
        if first.index not in places and tree.alternative_count(first) > 1:
            alternatives = tree.alternatives(first)
            for number, chain in enumerate(alternatives, 1):
                if chain.index != first.parent:
                    places[chain.index] = f" ‹{number}/{len(alternatives)}›"
    return places


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
