"""The Textual application: themes, keys, and one explorer screen on one controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.constants import DEFAULT_THEME
from textual.driver import Driver
from textual.geometry import Offset
from textual.notifications import SeverityLevel
from textual.reactive import Reactive
from textual.screen import Screen

from tui import garbage_collection
from tui.commands import COMMANDS, bindings
from tui.config import Config, save_theme
from tui.contrast import readable_variables
from tui.controller import SessionController
from tui.errors import ConvoError
from tui.explorer.screen import Explorer
from tui.model import Run
from tui.painting.textual_internals import FAST
from tui.painting.theme_switch import ThemeSwitch
from tui.printable import printable_line
from tui.screens.key_order import KeyOrderApp
from tui.tty.descriptors import print_to_log

if TYPE_CHECKING:
    from textual.command import Provider

__all__ = ["ConvoApp"]


def _command_provider() -> type[Provider]:
    from tui.explorer.palette import CommandProvider

    return CommandProvider


class ConvoApp(KeyOrderApp[None]):
    """The application, with one open file."""

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
        self.theme_switch = ThemeSwitch(self)
        self._config = config
        if config is not None:
            self._configure(config)

    def get_default_screen(self) -> Screen[None]:
        return Explorer(self._controller)

    def get_driver_class(self) -> type[Driver]:
        """Return the driver for terminals, or another one where Textual or its user has chosen it."""
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver
        from tui.tty.driver import TerminalDriver

        return TerminalDriver

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Return the commands that the palette has on every screen."""
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as an SVG image", lambda: self.deliver_screenshot())
        yield SystemCommand("Quit", "Quit the program", self.action_quit)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing, if its command needs an agent and there is none."""
        screen = self.screen
        if isinstance(screen, Explorer) and screen.agent is None:
            from tui.explorer.keymap import key_bindings

            for binding in key_bindings(self._config).values():
                command = COMMANDS.get(binding.id)
                if command is not None and command.needs_agent and event.key in binding.keys:
                    screen.report(ConvoError(f"{command.title} needs an agent.", "Start with --model or --agent."))

    async def action_show_help(self) -> None:
        """Open the help of the screen in front."""
        from tui.explorer.actions import screen_actions
        from tui.screens.dialogs.help import Help, HelpRow

        actions = screen_actions(self.screen)
        rows = [HelpRow(action.group, action.keys, action.help, action.title, action.synonyms) for action in actions]

        def closed(index: int | None) -> None:
            if index is not None:
                self.call_later(actions[index].run)

        await self.push_screen(Help(rows), closed)

    async def action_screen_menu(self, *at: int) -> None:
        """Open the menu of the full screen in front, beside a cell of it."""
        from tui.explorer.menu import open_screen_menu

        await open_screen_menu(self.screen, Offset(*at) if at else None)

    async def action_command_palette(self) -> None:  # type: ignore[override]
        """Open the palette, and return once it takes keys."""
        from textual.command import CommandPalette

        if not isinstance(self.screen, CommandPalette):
            await self.push_screen(CommandPalette(id="--command-palette"))

    def search_themes(self) -> None:
        """Open the list of themes; each is shown while the cursor is on it."""
        from tui.screens.dialogs.theme import ThemePicker

        before = self.theme

        def closed(name: str | None) -> None:
            self.theme = name or before
            self.theme_switch.forget()
            if name is not None and self._config is not None:
                try:
                    save_theme(self._config, name)
                except OSError as error:
                    reason = f"The theme is not kept for the next start: {error.strerror or error}."
                    self.notify(printable_line(reason), severity="warning", markup=False)

        self.push_screen(ThemePicker(self.available_themes, before, self.theme_switch.prepare), closed)

    def refresh_css(self, animate: bool = True) -> None:
        """Style and draw everything for the present theme."""
        if FAST:
            self.theme_switch.restyle(animate=animate)
        else:
            super().refresh_css(animate)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice in place of the last one."""
        self.clear_notifications()
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def clear_notifications(self) -> None:
        """Remove all notices from all screens, also those that are not drawn yet."""
        super().clear_notifications()
        for screen in self.screen_stack:
            # Textual leaves the space of a notice that it clears, and keeps one that was shown just now.
            screen.query("ToastRack > *").remove()

    def get_css_variables(self) -> dict[str, str]:
        """Return the variables of the theme, with texts and marks that can be told from their background."""
        self.theme_variables = readable_variables(super().get_css_variables())
        return self.theme_variables

    def copy_to_clipboard(self, text: str) -> None:
        # Stored text may hold half of a surrogate pair, which cannot be encoded.
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    def on_ready(self) -> None:
        garbage_collection.start()
        if not self.is_headless:
            print_to_log()

    async def action_quit(self) -> None:
        """Leave the program, once the user agrees if runs are stopped or a text that was typed is lost by that."""
        agent, explorer = self._controller.agent, self.screen_stack[0]
        runs = agent.stopped_by_end if agent is not None else ()
        unsent = explorer.panes.composer.unsent_texts if isinstance(explorer, Explorer) else ()
        if not runs and not unsent:
            await self.leave()
            return
        from tui.screens.dialogs.quit import QuitDialog

        def answered(agreed: bool | None) -> None:
            if agreed:
                self.call_later(self.leave)

        view = self._controller.view

        def branch_name(run: Run) -> str:
            # A run may be of another session.
            branch = view.tree.branches.get(run.branch_id) if run in view.runs.values() else None
            return run.branch_id if branch is None else branch.readable_name

        await self.push_screen(QuitDialog(runs, unsent, branch_name), answered)

    async def leave(self, code: int = 0) -> None:
        """Stop all runs, then leave the program with an exit code."""
        if self._controller.agent is not None:
            await self._controller.agent.stop_all()
        self.exit(return_code=code)

    def _configure(self, config: Config) -> None:
        if config.theme is not None:
            config.require_theme(self.available_themes)
            self.theme = config.theme
        if config.chosen_theme in self.available_themes:
            self.theme = config.chosen_theme
        if config.keys or config.preset is not None:
            from tui.explorer.keymap import keymap

            self.set_keymap(keymap(config))
