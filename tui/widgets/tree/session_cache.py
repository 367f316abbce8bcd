"""The sessions that the tree has read so far, by their places, and which of them it has to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.model import Session, View

__all__ = ["SessionStore"]

PAGE = 64
"""How many sessions are asked for at once."""

CAPACITY = 8192
"""How many sessions are kept besides the newest."""


class SessionStore:
    """The sessions of a file in their order: the newest of them and the open one, and others as they come.

    A session of an older revision is still given, so that the pane does not flicker, and is asked for again.
    """

    def __init__(self) -> None:
        self._newest: tuple[Session, ...] = ()
        self._later: dict[int, tuple[int, Session]] = {}
        self._asked: set[int] = set()
        self._count = 0
        self._revision = 0
        self._open: Session | None = None
        self._open_place: int | None = None
        self._shift = 0

    def show(self, view: View) -> None:
        """Take over what a view knows."""
        if view.revision != self._revision:
            self._asked.clear()
        self._newest, self._revision, self._open = view.sessions, view.revision, view.session
        self._count = len(view.sessions) + view.sessions_remaining
        self._open_place, self._shift = None, 0
        if view.session is not None:
            name = view.session.session_id
            places = (place for place, session in enumerate(view.sessions) if session.session_id == name)
            self._open_place = next(places, view.session_index)
            if self._open_place is None:
                # Until it is known where it stands, it stands before all others.
                self._open_place, self._shift = 0, 1

    def __len__(self) -> int:
        return self._count

    @property
    def open_place(self) -> int | None:
        """The place of the open session; None where none is."""
        return self._open_place

    def at(self, place: int) -> Session | None:
        """The session of a place as far as it is known."""
        if place == self._open_place:
            return self._open
        place -= self._shift
        if place < len(self._newest):
            return self._newest[place]
        entry = self._later.get(place)
        return None if entry is None else entry[1]

    def place_of(self, session_id: str) -> int | None:
        """The place of a session; None where it is not known."""
        if self._open is not None and self._open.session_id == session_id:
            return self._open_place
        for place, session in enumerate(self._newest):
            if session.session_id == session_id:
                return place + self._shift
        later = (place for place, (_, session) in self._later.items() if session.session_id == session_id)
        found = next(later, None)
        return None if found is None else found + self._shift

    def wanted(self, places: Iterable[int]) -> list[tuple[int, int]]:
        """The pages, from a place to before another one, that hold those of some places that are not fresh.

        Those that were asked for before are left out; the others count as asked for from now on.
        """
        starts = {
            place - place % PAGE
            for place in (place - self._shift for place in places)
            if place >= len(self._newest) and not self._fresh(place)
        }
        new = sorted(starts - self._asked)
        self._asked.update(new)
        return [(start, min(start + PAGE, self._count)) for start in new]

    def receive(self, start: int, revision: int, sessions: Sequence[Session]) -> None:
        """Keep sessions that were read under a revision, from a place on."""
        for place, session in enumerate(sessions, start):
            self._later.pop(place, None)
            self._later[place] = revision, session
        while len(self._later) > CAPACITY:
            del self._later[next(iter(self._later))]

    def _fresh(self, place: int) -> bool:
        entry = self._later.get(place)
        return entry is not None and entry[0] >= self._revision
