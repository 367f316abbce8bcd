"""The selections that a widget has posted, but no view has shown yet."""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["PendingSelections"]

T = TypeVar("T")


class PendingSelections(Generic[T]):
    """Selections that were posted, oldest first.

    The view that answers a selection must not move the cursor back: the user may have moved it further.
    """

    def __init__(self) -> None:
        self._posted: list[T] = []

    def __bool__(self) -> bool:
        return bool(self._posted)

    def add(self, selection: T) -> None:
        """Remember a selection that is being posted."""
        self._posted.append(selection)

    def latest(self, shown: T) -> T:
        """Return the selection posted last; `shown` if none is pending."""
        return self._posted[-1] if self._posted else shown

    def confirm(self, shown: T) -> bool:
        """Drop the pending selections that a view answers, and return whether the view shows one of them.

        Those are the shown selection and all before it. If the view shows another selection, all are dropped.
        """
        is_answer = shown in self._posted
        del self._posted[: self._posted.index(shown) + 1 if is_answer else None]
        return is_answer

    def clear(self) -> None:
        """Drop all selections."""
        self._posted.clear()
