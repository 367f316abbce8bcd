"""A picker that lets a function find the matching choices, of which there may be too many for memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from textual.worker import Worker

from tui.screens.dialogs.picker import FIRST_PAGE, Picker
from tui.widgets.lists.choices import Choice

__all__ = ["FindMatches", "Matches", "RemotePicker"]


class Matches(NamedTuple):
    """The best of the matching choices, and the total number of them."""

    choices: Sequence[Choice]
    total: int


FindMatches: TypeAlias = Callable[[str, int], Awaitable[Matches]]
"""Finds the choices that match a text, up to a limit; all choices match an empty text."""


class RemotePicker(Picker):
    """A picker that requests the matching choices, and more of them when the user nears the end."""

    def __init__(self, title: str, find: FindMatches, *, current: str | None = None) -> None:
        """Create the picker.

        Args:
            title: The line at the top; it may contain untrusted text.
            find: Finds the choices; the next call cancels an unfinished one.
            current: Key of the current choice.
        """
        super().__init__(title, [], current=current)
        self._find = find
        self._matching = 0
        self._total: int | None = None
        self._finding = self._pick_when_found = False

    def on_mount(self) -> None:
        self._list.show([], empty="…")

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
        _: Worker[None] = self.run_worker(self._find_and_show(self._input.value, self._limit), exclusive=True)

    async def _find_and_show(self, typed: str, limit: int) -> None:
        choices, self._matching = await self._find(typed, limit)
        if self._total is None or not typed:
            self._total = self._matching
        self._finding = False
        self._list.show(choices, typed=typed, current=self._current)
        self.show_count(self._matching, max(self._total, self._matching))
        if self._pick_when_found:
            self._pick_when_found = False
            super().pick()
