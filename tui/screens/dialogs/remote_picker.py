"""A picker that lets a function find the matching choices, of which there may be too many for memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar, NamedTuple, TypeAlias

from textual.binding import Binding, BindingType
from textual.worker import Worker

from tui.screens.dialogs.picker import FIRST_PAGE, Picker
from tui.widgets.lists.choices import Choice

__all__ = ["FindMatches", "Matches", "RemotePicker"]


class Matches(NamedTuple):
    """The best of the matching choices, and the total number of them."""

    choices: Sequence[Choice]
    total: int


FindMatches: TypeAlias = Callable[[str, int, str], Awaitable[Matches]]
"""Finds the choices that match a text, up to a limit, in an order; all choices match an empty text."""


class RemotePicker(Picker):
    """A picker that requests the matching choices, and more of them when the user nears the end."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "sort", "Sort", priority=True)]

    def __init__(self, title: str, find: FindMatches, sorts: Sequence[str], *, current: str | None = None) -> None:
        """Create the picker.

        Args:
            title: The word at the top.
            find: Finds the choices; the next call cancels an unfinished one.
            sorts: The names of the orders of the choices.
            current: Key of the current choice.
        """
        super().__init__(title, [], current=current)
        self._name = title
        self._sorts = deque(sorts)
        self._find = find
        self._matching = 0
        self._total: int | None = None
        self._finding = self._pick_when_found = False

    def on_mount(self) -> None:
        self._show_sort()
        self._list.show([], empty="…")

    def action_sort(self) -> None:
        """Show the choices in the next order."""
        self._sorts.rotate(-1)
        self._show_sort()
        self.narrow(self._input.value)

    def _show_sort(self) -> None:
        self._title.update(f"{self._name} · {self._sorts[0]} · Tab sorts {self._sorts[1]}")

    def narrow(self, typed: str) -> None:  # noqa: ARG002 the input holds it
        self._limit, self._pick_when_found = FIRST_PAGE, False
        self._request_matches()

    def show_more_matches(self) -> None:
        if not self._finding and self._list.option_count < self._matching:
            self._limit *= 4
            self._request_matches()

    def pick(self) -> None:
        """Close with the highlighted choice, as soon as the choices that match the typed text are listed."""
        if self._finding:
            self._pick_when_found = True
        else:
            super().pick()

    def _request_matches(self) -> None:
        self._finding = True
        # A coroutine whose worker is cancelled before it begins would be reported as never awaited.
        find = partial(self._find_and_show, self._input.value, self._limit)
        _: Worker[None] = self.run_worker(find, exclusive=True)

    async def _find_and_show(self, typed: str, limit: int) -> None:
        choices, self._matching = await self._find(typed, limit, self._sorts[0])
        if self._total is None or not typed:
            self._total = self._matching
        self._finding = False
        self._list.show(choices, typed=typed, current=self._current)
        self.show_count(self._matching, max(self._total, self._matching))
        if self._pick_when_found:
            self._pick_when_found = False
            super().pick()
