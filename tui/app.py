"""The Textual application: themes, keys, and one explorer screen on one controller."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.constants import DEFAULT_THEME
from textual.css.stylesheet import Stylesheet
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from tui.commands import bindings
from tui.config import Config
from tui.controller import SessionController
from tui.errors import ConfigError
from tui.explorer.screen import Explorer
from tui.painting.deferred_refresh import suspend_refresh
from tui.painting.painted_screen import PaintedScreen

if TYPE_CHECKING:
    from textual.command import Provider

__all__ = ["ConvoApp"]


_YOUNG: Final = 5_000
"""New objects that the garbage collector lets come together before it looks at them."""


def _command_provider() -> type[Provider]:
    from tui.explorer.palette import CommandProvider

    return CommandProvider


class ConvoApp(App[None]):
    """Shows one open file."""

    TITLE = "convo-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(app=True)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_command_provider}

    theme: Reactive[str] = Reactive(DEFAULT_THEME, repaint=False)
    """The name of the theme. Its colours are drawn by `refresh_css`."""

    def __init__(self, controller: SessionController, config: Config | None = None) -> None:
        """Create the application.

        Raises:
            ConfigError: The configuration names a theme or a binding that does not exist.
        """
        super().__init__()
        self._controller = controller
        self._prepared: dict[str, Stylesheet] = {}
        if config is not None:
            self._configure(config)

    def get_default_screen(self) -> Screen[None]:
        return Explorer(self._controller)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Return the commands that the palette has on every screen."""
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as an SVG image", lambda: self.deliver_screenshot())
        yield SystemCommand("Quit", "Leave the program", self.action_quit)

    def search_themes(self) -> None:
        """Open the list of themes; each is shown while the cursor is on it."""
        from tui.screens.dialogs.theme import ThemePicker

        before = self.theme

        def closed(name: str | None) -> None:
            self.theme = name or before
            self._prepared.clear()

        self.push_screen(ThemePicker(self.available_themes, before, self.prepare_themes), closed)

    def prepare_themes(self, names: Collection[str]) -> bool:
        """Read the styles for one more of these themes, so that changing to it takes half as long.

        Args:
            names: The themes that may be next; what was read for others is forgotten.

        Returns:
            Whether there was one left.
        """
        # What was mounted since may have brought rules of its own.
        rules = self.stylesheet.source
        self._prepared = {
            name: sheet for name, sheet in self._prepared.items() if name in names and sheet.source == rules
        }
        for name in names:
            theme = self.get_theme(name)
            if theme is not None and name not in self._prepared and name != self.theme:
                sheet = self.stylesheet.copy()
                known = self.get_theme_variable_defaults()
                sheet.set_variables({**known, **theme.to_color_system().generate(), **theme.variables})
                sheet.parse()
                self._prepared[name] = sheet
                return True
        return False

    def refresh_css(self, animate: bool = True) -> None:
        """Style all screens, then draw the one in front, once; Textual's draws it before it styles those behind it."""
        variables = self.get_css_variables()
        prepared = self._prepared.pop(self.theme, None)
        if prepared is not None and prepared.source == self.stylesheet.source:
            self.stylesheet = prepared
        else:
            self.stylesheet.set_variables(variables)
            self.stylesheet.reparse()
        with suspend_refresh():
            self.stylesheet.update_nodes([self], animate=animate)
            for screen in self.screen_stack:
                self.stylesheet.update(screen, animate=animate)
                screen._css_update_count = self._css_update_count  # noqa: SLF001 so that it is not styled again
        for screen in self.screen_stack:
            for widget in screen.walk_children(Widget):
                # What it keeps of its picture is of the theme before. None of them need ask to be drawn.
                widget.refresh(repaint=False)
                widget._set_dirty()  # noqa: SLF001
        # A configured theme is worn before there is a screen.
        for front in self.screen_stack[-1:]:
            if isinstance(front, PaintedScreen):
                front.repaint()
            else:
                front.refresh(layout=True)

    def copy_to_clipboard(self, text: str) -> None:
        # Stored text may hold half of a surrogate pair, which cannot be encoded.
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    def on_ready(self) -> None:
        # What stands by now lives as long as the program; the collector need not look at it again.
        gc.freeze()
        # A look at everything takes as long as a frame or two; as often as by default, one in eight pages waits for it.
        gc.set_threshold(_YOUNG, 3, 100)
        gc.enable()

    async def action_quit(self) -> None:
        """Stop all runs, then leave the program."""
        if self._controller.agent is not None:
            await self._controller.agent.stop_all()
        await super().action_quit()

    def _configure(self, config: Config) -> None:
        if config.theme is not None:
            if config.theme not in self.available_themes:
                known = ", ".join(sorted(self.available_themes))
                raise ConfigError(f"{config.path}: there is no theme '{config.theme}'.", f"Known are: {known}.")
            self.theme = config.theme
        if config.keys:
            from tui.explorer.keymap import check_keys

            check_keys(config)
            self.set_keymap(config.keys)
