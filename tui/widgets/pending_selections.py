"""The selections that a widget has posted and that no view has shown yet."""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["PendingSelections"]

T = TypeVar("T")


class PendingSelections(Generic[T]):
    """Selections that were posted, oldest first.

    The view that answers a selection must not move the cursor back, which may have moved on since.
    """

    def __init__(self) -> None:
        self._posted: list[T] = []

    def __bool__(self) -> bool:
        return bool(self._posted)

    def add(self, selection: T) -> None:
        """Remember a selection that is posted now."""
        self._posted.append(selection)

    def latest(self, shown: T) -> T:
        """Return the selection that was posted last, or the one that is shown if all were answered."""
        return self._posted[-1] if self._posted else shown

    def confirm(self, shown: T) -> bool:
        """Return whether a selection that a view shows was posted, and drop it and those before it.

        If it was not posted, something else has selected it, and all are dropped.
        """
        is_answer = shown in self._posted
        del self._posted[: self._posted.index(shown) + 1 if is_answer else None]
        return is_answer

    def clear(self) -> None:
        """Drop all selections."""
        self._posted.clear()
