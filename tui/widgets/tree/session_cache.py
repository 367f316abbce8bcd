"""The sessions that the tree has read, by their index in the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tui.model import Session, View
from tui.widgets.page_cache import PageCache

__all__ = ["SessionCache"]

_PAGE: Final = 64
_CAPACITY: Final = 8192
"""Sessions that are kept besides those of the view."""


class SessionCache:
    """The sessions of a file in their order: the first sessions and the open one from the view, the others as read."""

    def __init__(self) -> None:
        self._first: tuple[Session, ...] = ()
        self._others: PageCache[Session] = PageCache(_PAGE, _CAPACITY)
        self._count = 0
        self._open: Session | None = None
        self._open_index: int | None = None
        self._shift = 0

    def show(self, view: View) -> None:
        """Store the sessions of a view."""
        if view.revision != self._others.revision:
            self._others.invalidate(view.revision)
        self._first, self._open = view.sessions, view.session
        self._count = len(view.sessions) + view.sessions_remaining
        self._open_index, self._shift = None, 0
        if view.session is not None:
            name = view.session.session_id
            indices = (index for index, session in enumerate(view.sessions) if session.session_id == name)
            self._open_index = next(indices, view.session_index)
            if self._open_index is None:
                # Until its index is known, the open session is shown before all others.
                self._open_index, self._shift = 0, 1

    def __len__(self) -> int:
        return self._count

    @property
    def open_index(self) -> int | None:
        """The index of the open session; None if none is open."""
        return self._open_index

    def get(self, index: int) -> Session | None:
        """Return the session at an index; None if it was not read."""
        if index == self._open_index:
            return self._open
        index -= self._shift
        return self._first[index] if index < len(self._first) else self._others.get(index)

    def index_of(self, session_id: str) -> int | None:
        """Return the index of a session; None if it was not read."""
        if self._open is not None and self._open.session_id == session_id:
            return self._open_index
        for known in (enumerate(self._first), self._others.items()):
            for index, session in known:
                if session.session_id == session_id:
                    return index + self._shift
        return None

    def missing_pages(self, indices: Iterable[int]) -> list[range]:
        """Return the missing pages of some indices, and remember them as requested."""
        needed = [index - self._shift for index in indices if index - self._shift >= len(self._first)]
        return self._others.missing_pages(needed, range(self._count))

    def receive(self, start: int, revision: int, sessions: Sequence[Session]) -> None:
        """Store sessions that were read under a revision, from an index on."""
        self._others.put(start, sessions, revision)
