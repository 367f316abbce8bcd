"""Choosing the colours, which the panes wear while the cursor is on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Final

from textual.theme import Theme
from textual.timer import Timer

from tui.screens.dialogs.picker import Picker
from tui.widgets.lists.choices import Choice

__all__ = ["ThemePicker"]

_RESTS: Final = 0.05
"""Seconds after which the cursor is taken to rest."""


class ThemePicker(Picker[str]):
    """A list of themes, of which the one under the cursor is shown; who opened it keeps the picked one or goes back."""

    DEFAULT_CSS: ClassVar[str] = """
    ThemePicker { background: transparent; }
    """

    def __init__(self, themes: Mapping[str, Theme], current: str, prepare: Callable[[Collection[str]], bool]) -> None:
        """Make the list.

        Args:
            themes: All there are, by name.
            current: The name of the one that is shown.
            prepare: Called while the cursor rests with the themes beside it; gets one of them ready, if there is one.
        """
        choices = [Choice(name, name, "dark" if theme.dark else "light") for name, theme in sorted(themes.items())]
        super().__init__("Themes", choices, current=current, placeholder="type part of a theme's name")
        self._prepare_themes = prepare
        self._preparing: Timer | None = None

    def on_mount(self) -> None:
        self.watch(self._list, "cursor", self._try_on, init=False)
        self._prepare_soon()

    def narrow(self, typed: str) -> None:
        super().narrow(typed)
        self._try_on()

    def _try_on(self) -> None:
        # Where the cursor has gone on meanwhile, it is the next one's turn.
        self.call_after_refresh(self._wear)

    def _wear(self) -> None:
        name = self.pointed
        if name is not None and name != self.app.theme:
            self.app.theme = name
        self._prepare_soon()

    def _prepare_soon(self) -> None:
        if self._preparing is not None:
            self._preparing.stop()
        self._preparing = self.set_timer(_RESTS, self._prepare)

    def _prepare(self) -> None:
        self._preparing = None
        # The one under the cursor may be about to be worn.
        here = [] if self.pointed is None else [self.pointed]
        if self._prepare_themes([*here, *self.neighbours()]):
            self._prepare_soon()
