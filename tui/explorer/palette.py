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
from tui.explorer.screen import Explorer

__all__ = ["CommandProvider"]

_TITLE, _SYNONYM, _HELP = 4.0, 3.0, 1.0
"""Scores of a typed word that begins a word of the title, of a synonym or of the help."""

_COMPLETE_WORD = 1.5
"""Factor for a typed word that is equal to a word."""


class _Entry(NamedTuple):
    """A command of the palette, which is also found by its synonyms."""

    title: str
    help: str
    run: IgnoreReturnCallbackType
    keys: str = ""
    synonyms: tuple[str, ...] = ()

    def score(self, words: list[str]) -> float:
        """Return how well the command matches typed words; 0 unless each of them matches."""
        fields = ((self.title, _TITLE), (" ".join(self.synonyms), _SYNONYM), (self.help, _HELP))
        scores = [max(_score(word, text) * weight for text, weight in fields) for word in words]
        if not all(scores):
            return 0.0
        return sum(scores) + (self.title.casefold().split() == words)


class CommandProvider(Provider):
    """Finds the commands of the explorer, then the commands that Textual has on every screen."""

    async def discover(self) -> Hits:
        """Yield all commands."""
        for entry in self._entries():
            yield DiscoveryHit(_prompt(Content(entry.title), entry.keys), entry.run, help=entry.help)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match the typed words."""
        words, matcher = query.casefold().split(), self.matcher(query)
        for entry in self._entries():
            if score := entry.score(words):
                prompt = _prompt(matcher.highlight(entry.title), entry.keys)
                yield Hit(score, prompt, entry.run, text=entry.title, help=entry.help)

    def _entries(self) -> Iterator[_Entry]:
        titles = set()
        if isinstance(self.screen, Explorer):
            keys = self.screen.active_keys()
            for known in COMMANDS.values():
                if known.id != "app.palette" and self.screen.check_action("command", (known.id,)):
                    titles.add(known.title)
                    run = partial(self.screen.run_action, known.action)
                    shown = keys[known.id][0] if known.id in keys else ""
                    yield _Entry(known.title, known.help, run, shown, known.synonyms)
        system: SystemCommand
        for system in self.app.get_system_commands(self.screen):
            if system.title not in titles:
                yield _Entry(system.title, system.help, system.callback)


def _score(word: str, text: str) -> float:
    """Return how well a typed word matches a text."""
    words = text.casefold().replace("/", " ").split()
    if word in (known.strip(",;:.") for known in words):
        return _COMPLETE_WORD
    if any(known.startswith(word) for known in words):
        return 1.0
    return 0.2 if word in text.casefold() else 0.0


def _prompt(title: Content, keys: str) -> Content:
    return Content.assemble(title, (f"  {keys}", "$foreground-muted")) if keys else title
