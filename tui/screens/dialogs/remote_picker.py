"""Picking one of more than memory should hold: what matches is found elsewhere while the user types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from textual import on
from textual.worker import Worker

from tui.screens.dialogs.picker import Picker
from tui.widgets.lists.choices import Choice, Choices

__all__ = ["Find", "Found", "RemotePicker"]

KeyT = TypeVar("KeyT")

_FIRST: Final = 100
"""How many choices are asked for at first."""


class Found(NamedTuple, Generic[KeyT]):
    """What matches.

    Attributes:
        choices: The best.
        total: How many there are.
    """

    choices: Sequence[Choice[KeyT]]
    total: int


Find: TypeAlias = Callable[[str, int], Awaitable[Found[KeyT]]]
"""Finds what typed letters match, the best at most so many; with nothing typed, whatever there is."""


class RemotePicker(Picker[KeyT]):
    """A picker that asks for what matches, and for more of it when the user comes near the end."""

    def __init__(
        self,
        title: str,
        find: Find[KeyT],
        *,
        current: KeyT | None = None,
        placeholder: str = "type part of a name",
    ) -> None:
        """Make the picker.

        Args:
            title: What is picked; untrusted text in it is shown as it is.
            find: What finds the choices; an answer that was overtaken is dropped.
            current: Key of the choice that holds now.
            placeholder: What the empty input says.
        """
        super().__init__(title, [], placeholder=placeholder)
        self._find = find
        self._current_key = current
        self._most = _FIRST
        self._matching = self._total = 0
        self._finding = self._picking = False
        self._list.empty = "…"

    def on_mount(self) -> None:
        self._ask()

    def narrow(self, typed: str) -> None:  # noqa: ARG002 the input holds it
        self._most, self._picking = _FIRST, False
        self._ask()

    def pick(self) -> None:
        """Give the choice under the cursor, once it is one of those that match what was typed."""
        if self._finding:
            self._picking = True
        else:
            super().pick()

    @on(Choices.EndNeared)
    def _bring_more(self, event: Choices.EndNeared) -> None:
        event.stop()
        if not self._finding and len(self._keys) < self._matching:
            self._most *= 4
            self._ask()

    def _ask(self) -> None:
        self._finding = True
        _: Worker[None] = self.run_worker(self._show(self._input.value, self._most), exclusive=True)

    async def _show(self, typed: str, most: int) -> None:
        choices, self._matching = await self._find(typed, most)
        if not typed:
            self._total = self._matching
        self._finding = False
        self._keys = [choice.key for choice in choices]
        held = self._keys.index(self._current_key) if self._current_key in self._keys else None
        self._list.empty = "no match"
        self._list.replace([choice.label for choice in choices], [choice.detail for choice in choices], held, typed)
        self._tell_count()
        if self._picking:
            self._picking = False
            super().pick()

    def _tell_count(self) -> None:
        if not self._total and self._finding:
            return
        total = max(self._total, self._matching)
        self._count.update(f"{total:,}" if self._matching == total else f"{self._matching:,} of {total:,}")
