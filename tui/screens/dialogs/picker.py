"""The dialog that picks one of many choices by a part of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.widgets import Input

from tui.model.fuzzy import FuzzyFilter
from tui.screens.dialogs.list_modal import ListModal
from tui.widgets.lists.choices import Choice, ChoiceList, plain

__all__ = ["FIRST_PAGE", "Picker"]

FIRST_PAGE: Final = 100
"""Choices that are listed at first; more follow when the user nears the end."""


class Picker(ListModal[str | None]):
    """A list that narrows while the user types; returns the key of the choice that Enter or a click picked."""

    _list: ChoiceList

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        current: str | None = None,
        placeholder: str = "type part of a name",
    ) -> None:
        """Create the picker.

        Args:
            title: The line at the top; it may contain untrusted text.
            choices: The choices in their order.
            current: Key of the current choice.
            placeholder: Text of the empty input.
        """
        self._input = Input(placeholder=placeholder, select_on_focus=False)
        super().__init__(title, ChoiceList(), above=[self._input])
        self._choices = choices
        self._current = current
        self._limit = FIRST_PAGE
        self._filter = FuzzyFilter(plain(choice.label) for choice in choices)

    def on_mount(self) -> None:
        self.narrow("")

    def narrow(self, typed: str) -> None:
        """Show the choices that match the typed text, the best match first."""
        self._filter.narrow(typed)
        self._limit = FIRST_PAGE
        if not self._filter.query:
            keys = [choice.key for choice in self._choices]
            self._limit += keys.index(self._current) if self._current in keys else 0
        self._show_matches()

    def show_more_matches(self) -> None:
        """List more of the matching choices."""
        if self._list.option_count < len(self._filter.matches):
            self._limit *= 4
            self._show_matches()

    def pick(self) -> None:
        """Close with the highlighted choice."""
        if self._list.key is not None:
            self.dismiss(self._list.key)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self.narrow(event.value)

    @on(ChoiceList.EndNeared)
    def _show_more_matches(self) -> None:
        self.show_more_matches()

    @on(Input.Submitted)
    def _pick(self) -> None:
        self.pick()

    @on(ChoiceList.OptionSelected)
    def _pick_clicked(self, event: ChoiceList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def _show_matches(self) -> None:
        matches = self._filter.matches
        choices = [self._choices[index] for index in matches[: self._limit]]
        self._list.show(choices, typed=self._filter.query, current=self._current)
        self.show_count(len(matches), len(self._choices))

    def show_count(self, matching: int, total: int) -> None:
        """Show how many of all choices match."""
        self._count.update(f"{total:,}" if matching == total else f"{matching:,} of {total:,}")
