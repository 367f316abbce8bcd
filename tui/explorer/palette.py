"""The commands in Textual's command palette, found by title, synonyms and help."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from tui.commands import COMMANDS
from tui.explorer.actions import screen_actions
from tui.explorer.screen import Explorer
from tui.model.word_match import match_score

__all__ = ["CommandProvider"]


class _Entry(NamedTuple):
    """A command of the palette, which is also found by its synonyms."""

    title: str
    help: str
    run: IgnoreReturnCallbackType
    keys: str = ""
    synonyms: tuple[str, ...] = ()


class CommandProvider(Provider):
    """Finds the commands of the screen, then the commands that Textual has on every screen."""

    async def discover(self) -> Hits:
        """Yield all commands."""
        for entry in self._entries():
            yield DiscoveryHit(_prompt(Content(entry.title), entry.keys), entry.run, help=entry.help)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match the typed words."""
        matcher = self.matcher(query)
        for entry in self._entries():
            if score := match_score(query, entry.title, entry.synonyms, entry.help):
                prompt = _prompt(matcher.highlight(entry.title), entry.keys)
                yield Hit(score, prompt, entry.run, text=entry.title, help=entry.help)

    def _entries(self) -> Iterator[_Entry]:
        titles = {COMMANDS["app.palette"].title}
        actions = {action.id: action for action in screen_actions(self.screen)}
        if isinstance(self.screen, Explorer):
            # Also those whose keys the focused widget takes.
            for known in COMMANDS.values():
                if self.screen.check_action("command", (known.id,)) and known.title not in titles:
                    titles.add(known.title)
                    run = partial(self.screen.run_action, known.action)
                    shown = actions[known.id].keys if known.id in actions else ""
                    yield _Entry(known.title, known.help, run, shown, known.synonyms)
        else:
            for action in actions.values():
                if action.shown and action.title not in titles:
                    titles.add(action.title)
                    yield _Entry(action.title, action.help, action.run, action.keys, action.synonyms)
        system: SystemCommand
        for system in self.app.get_system_commands(self.screen):
            if system.title not in titles:
                yield _Entry(system.title, system.help, system.callback)


def _prompt(title: Content, keys: str) -> Content:
    return Content.assemble(title, (f"  {keys}", "$foreground-muted")) if keys else title
