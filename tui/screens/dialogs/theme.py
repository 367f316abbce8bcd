"""Choosing a theme, which is shown while it is highlighted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Final

from textual import on
from textual.theme import Theme
from textual.timer import Timer

from tui.screens.dialogs.picker import Picker
from tui.widgets.lists.choices import Choice, ChoiceList

__all__ = ["ThemePicker"]

_REST_SECONDS: Final = 0.05
"""Seconds without a change of the highlight after which the themes beside it are prepared."""


class ThemePicker(Picker):
    """A list of themes that shows the highlighted one; its caller keeps the picked theme or restores the old one."""

    DEFAULT_CSS: ClassVar[str] = """
    ThemePicker { background: transparent; }
    """

    def __init__(self, themes: Mapping[str, Theme], current: str, prepare: Callable[[Collection[str]], bool]) -> None:
        """Create the list.

        Args:
            themes: All themes by name.
            current: Name of the theme that is shown now.
            prepare: Prepares one of some themes that may be shown next; returns whether there was one to prepare.
        """
        choices = [Choice(name, name, "dark" if theme.dark else "light") for name, theme in sorted(themes.items())]
        super().__init__("Themes", choices, current=current, placeholder="type part of a theme's name")
        self._prepare_themes = prepare
        self._rest: Timer | None = None

    @on(ChoiceList.OptionHighlighted)
    def _show_highlighted(self, event: ChoiceList.OptionHighlighted) -> None:
        event.stop()
        # Several keys may have moved the highlight meanwhile: only the last theme is shown.
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
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST_SECONDS, self._prepare)

    def _prepare(self) -> None:
        self._rest = None
        # The highlighted one may be shown next, too.
        here = [] if self._list.key is None else [self._list.key]
        if self._prepare_themes([*here, *self.neighbours()]):
            self._prepare_soon()
