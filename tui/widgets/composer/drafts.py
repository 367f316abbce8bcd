"""The texts that were written and not sent: one for the next message of each branch, and one for each fork."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tui.model import View

__all__ = ["NEW_SESSION", "Destination", "Draft", "Drafts", "destination_of", "is_gone"]


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
        self._orphans: set[Destination] = set()

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

    def find_orphans(self, view: View) -> list[str]:
        """Return the texts whose branch or session has gone from the view since the last call.

        Their drafts stay, since an undo can bring the branch back.
        """
        gone = {destination for destination in self._drafts if is_gone(destination, view)}
        new, self._orphans = gone - self._orphans, gone
        return [self._drafts[destination].text for destination in self._drafts if destination in new]

    def pop_sent_orphans(self, text: str) -> None:
        """Remove the drafts without a branch that have a text, because it was recalled and sent elsewhere."""
        for destination in [name for name in self._orphans if self.get(name).text == text]:
            self.pop(destination)


def is_gone(destination: Destination, view: View) -> bool:
    """Return whether a view shows that the branch or the session of a destination does not exist."""
    if destination == NEW_SESSION:
        return False
    if view.session is not None and destination.session_id == view.session.session_id:
        return destination.branch_id not in view.tree.branches
    known = {session.session_id for session in view.sessions}
    return not view.sessions_remaining and destination.session_id not in known


def destination_of(view: View) -> Destination | None:
    """Return the destination of a text that is written now; None if there is none."""
    if view.new_session:
        return NEW_SESSION
    if view.session is None:
        return None
    if view.fork is not None:
        return Destination(view.session.session_id, view.fork.branch_id, view.fork.turn)
    return Destination(view.session.session_id, view.branch_id)
