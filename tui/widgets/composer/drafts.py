"""The texts that were written and not sent: one for the next message of each branch, and one for each fork."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tui.model import View

__all__ = ["NEW_SESSION", "Destination", "Draft", "Drafts", "destination_of"]


class Destination(NamedTuple):
    """Where a text will be sent: to a branch, to a fork that is still to be made, or to a new session if all is empty.

    Attributes:
        fork_turn: The turn at which the fork will part from the branch; 0 for a message to the branch itself.
    """

    session_id: str = ""
    branch_id: str = ""
    fork_turn: int = 0


NEW_SESSION: Final = Destination()
"""The destination of the first message of a session that is begun."""


class Draft(NamedTuple):
    """A text, and the name of the branch or session that it begins."""

    text: str = ""
    name: str = ""


class Drafts:
    """The drafts that are not in the editor."""

    def __init__(self) -> None:
        self._drafts: dict[Destination, Draft] = {}

    def __iter__(self) -> Iterator[tuple[Destination, Draft]]:
        return iter(self._drafts.items())

    def put(self, destination: Destination, draft: Draft) -> None:
        """Keep a draft in the place of another one for the destination."""
        self._drafts[destination] = draft

    def get(self, destination: Destination) -> Draft:
        """Return the draft for a destination; an empty one if there is none."""
        return self._drafts.get(destination, Draft())

    def pop(self, destination: Destination) -> Draft | None:
        """Remove the draft for a destination and return it; None if there is none."""
        return self._drafts.pop(destination, None)

    def pop_orphaned(self, view: View) -> list[str]:
        """Remove the drafts for branches that the shown session does not have any more, and return their texts."""
        if view.session is None:
            return []
        session_id, branches = view.session.session_id, view.tree.branches
        gone = [place for place in self._drafts if place.session_id == session_id and place.branch_id not in branches]
        return [self._drafts.pop(destination).text for destination in gone]


def destination_of(view: View) -> Destination | None:
    """Return the destination of a text that is written now; None if there is none."""
    if view.new_session:
        return NEW_SESSION
    if view.session is None:
        return None
    if view.fork is not None:
        return Destination(view.session.session_id, view.fork.branch_id, view.fork.turn)
    return Destination(view.session.session_id, view.branch_id)
