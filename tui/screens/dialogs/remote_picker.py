"""A picker for more choices than memory should hold, which lets a function find the matching choices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from textual.worker import Worker

from tui.screens.dialogs.picker import FIRST_PAGE, Picker
from tui.widgets.lists.choices import Choice

__all__ = ["Find", "Matches", "RemotePicker"]


class Matches(NamedTuple):
    """The choices that match.

    Attributes:
        choices: The best of them.
        total: How many match.
    """

    choices: Sequence[Choice]
    total: int


Find: TypeAlias = Callable[[str, int], Awaitable[Matches]]
"""Finds the choices that match a text, at most so many; all of them match the empty text."""


class RemotePicker(Picker):
    """A picker that asks for the choices that match, and for more of them when the user nears the end."""

    def __init__(
        self,
        title: str,
        find: Find,
        *,
        current: str | None = None,
        placeholder: str = "type part of a name",
    ) -> None:
        """Create the picker.

        Args:
            title: What is picked; untrusted text in it is shown as it is.
            find: Finds the choices; an answer that was overtaken by another question is dropped.
            current: Key of the choice that applies now.
            placeholder: Text of the empty input.
        """
        super().__init__(title, [], current=current, placeholder=placeholder)
        self._find = find
        self._matching = 0
        self._total: int | None = None
        self._finding = self._pick_when_found = False

    def on_mount(self) -> None:
        self._list.show([], empty="…")

    def narrow(self, typed: str) -> None:  # noqa: ARG002 the input holds it
        self._limit, self._pick_when_found = FIRST_PAGE, False
        self._ask()

    def show_more_matches(self) -> None:
        if not self._finding and self._list.option_count < self._matching:
            self._limit *= 4
            self._ask()

    def pick(self) -> None:
        """Close with the highlighted choice, once the choices that match the text are listed."""
        if self._finding:
            self._pick_when_found = True
        else:
            super().pick()

    def _ask(self) -> None:
        self._finding = True
        _: Worker[None] = self.run_worker(self._show(self._input.value, self._limit), exclusive=True)

    async def _show(self, typed: str, limit: int) -> None:
        choices, self._matching = await self._find(typed, limit)
        if self._total is None or not typed:
            self._total = self._matching
        self._finding = False
        self._list.show(choices, typed=typed, current=self._current)
        self.show_count(self._matching, max(self._total, self._matching))
        if self._pick_when_found:
            self._pick_when_found = False
            super().pick()
