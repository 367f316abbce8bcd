"""The dialog that picks a theme, and shows the highlighted one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Final

from textual import on
from textual.theme import Theme
from textual.timer import Timer

from tui.screens.dialogs.picker import Picker
from tui.widgets.lists.choices import Choice, ChoiceList

__all__ = ["ThemePicker"]

_PREPARE_DELAY: Final = 0.05
"""Seconds after the last change of the highlight until the themes beside it are prepared."""


class ThemePicker(Picker):
    """A list of themes that applies the highlighted one; the caller keeps the picked theme or restores the old one."""

    DEFAULT_CSS: ClassVar[str] = """
    ThemePicker { background: transparent; }
    """

    def __init__(self, themes: Mapping[str, Theme], current: str, prepare: Callable[[Collection[str]], bool]) -> None:
        """Create the list.

        Args:
            themes: All themes by name.
            current: Name of the current theme.
            prepare: Prepares one of the named themes; returns whether any of them was not prepared yet.
        """
        choices = [Choice(name, name, "dark" if theme.dark else "light") for name, theme in sorted(themes.items())]
        super().__init__("Themes", choices, current=current, placeholder="type part of a theme's name")
        self._prepare_themes = prepare
        self._prepare_timer: Timer | None = None

    @on(ChoiceList.OptionHighlighted)
    def _show_highlighted(self) -> None:
        # Further keys may move the highlight before the refresh: only the last theme is shown.
        self.call_after_refresh(self._show_theme)

    def _show_theme(self) -> None:
        name = self._list.key
        if name is not None and name != self.app.theme:
            self.app.theme = name
        self._prepare_soon()

    def neighbours(self) -> list[str]:
        """Return the themes below and above the highlighted one."""
        index = self._list.highlighted
        if index is None:
            return []
        names = [option.id or "" for option in self._list.options]
        return names[index + 1 : index + 2] + names[max(index - 1, 0) : index]

    def _prepare_soon(self) -> None:
        if self._prepare_timer is not None:
            self._prepare_timer.stop()
        self._prepare_timer = self.set_timer(_PREPARE_DELAY, self._prepare)

    def _prepare(self) -> None:
        self._prepare_timer = None
        # The user may return to the highlighted theme.
        highlighted = [] if self._list.key is None else [self._list.key]
        if self._prepare_themes([*highlighted, *self.neighbours()]):
            self._prepare_soon()
