"""The Textual application: themes, keys, and one explorer screen on one controller."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import ClassVar, cast

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from tui.commands import COMMANDS, bindings
from tui.config import Config
from tui.controller import SessionController
from tui.errors import ConfigError
from tui.screens.explorer import Explorer

__all__ = ["ConvoApp"]


class ConvoApp(App[None]):
    """Shows one open file."""

    TITLE = "convo-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(app=True)

    def __init__(self, controller: SessionController, config: Config | None = None) -> None:
        """Make the application.

        Raises:
            ConfigError: The configuration names a theme or a binding that does not exist.
        """
        super().__init__()
        self._controller = controller
        if config is not None:
            self._configure(config)

    def get_default_screen(self) -> Screen[None]:
        if not self._controller.answers:
            return Explorer(self._controller)
        from tui.screens.talking import TalkingExplorer
        from tui.talk import TalkController

        return TalkingExplorer(cast(TalkController, self._controller))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        if isinstance(screen, Explorer):
            keys = screen.keys()
            for command in COMMANDS:
                if command.id in keys and command.id not in ("app.palette", "app.quit"):
                    run = screen.command(command)
                    yield SystemCommand(f"{command.group}: {command.help}", keys[command.id][0], run)
            yield SystemCommand(
                "Look: Price as a model", "What turns cost whose model is not recorded", screen.price_as
            )
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as an SVG image", lambda: self.deliver_screenshot())
        yield SystemCommand("Quit", "Leave the program", self.action_quit)

    def copy_to_clipboard(self, text: str) -> None:
        # What was stored may hold half of a character of two, which no terminal can be told.
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    def on_ready(self) -> None:
        # What stands by now lives as long as the program; the collector need not look at it again.
        gc.freeze()
        gc.enable()

    def _configure(self, config: Config) -> None:
        if config.theme is not None:
            if config.theme not in self.available_themes:
                known = ", ".join(sorted(self.available_themes))
                raise ConfigError(f"{config.path}: there is no theme '{config.theme}'.", f"Known are: {known}.")
            self.theme = config.theme
        if config.keys:
            from tui.screens.bindings import binding_ids

            known_ids = binding_ids()
            for name in config.keys:
                if name not in known_ids:
                    listed = ", ".join(sorted(known_ids))
                    raise ConfigError(f"{config.path}: [keys] has no command '{name}'.", f"Known are: {listed}.")
            self.set_keymap(config.keys)
