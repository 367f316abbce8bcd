"""The commands and bindings that work on the screen in front, for the help and the palette."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NamedTuple

from textual.screen import Screen

from tui.commands import COMMANDS
from tui.commands.registry import has_key
from tui.widgets.key_bar import ordered_bindings, takes_as_text

__all__ = ["Action", "screen_actions"]

_MOVING: Final = "Moving"
_GROUPS: Final = {
    "compare": "Comparison",
    "difference": "Comparison",
    "model_input": "Model input",
    "request": "Model input",
}
"""Headings of the bindings whose ids begin with these words."""


class Action(NamedTuple):
    """Something that the user can do on the screen in front.

    Attributes:
        id: The id of its binding; else Textual's name of the action.
        group: The heading of its group.
        keys: Its keys as they are shown; empty if it has none.
        key_names: Textual's names of its keys.
        shown: Whether it is more than a movement.
        run: Runs it.
    """

    id: str
    group: str
    title: str
    help: str
    keys: str
    key_names: tuple[str, ...]
    synonyms: tuple[str, ...]
    shown: bool
    run: Callable[[], Awaitable[object]]


def screen_actions(screen: Screen[Any]) -> list[Action]:
    """Return what works now: the bindings of the focused widget and of the screen, the commands, then movements."""
    found: dict[str, Action] = {}
    for node, binding, _, tooltip in ordered_bindings(screen):
        of_dialog = screen.is_modal and (binding.show or node is screen) and not binding.action.startswith("app.")
        if not binding.description or not (binding.id or of_dialog) or takes_as_text(screen, binding.key):
            continue
        name = binding.id or binding.action
        key = screen.app.get_key_display(binding) if has_key(binding) else ""
        key_names = (binding.key,) if key else ()
        if (before := found.get(name)) is not None:
            found[name] = before._replace(
                keys=f"{before.keys} {key}".strip(), key_names=(*before.key_names, *key_names)
            )
            continue
        known, help_text = COMMANDS.get(name), tooltip or binding.description
        if known is not None:
            group = known.group
        elif not binding.show and not screen.is_modal:
            group = _MOVING
        elif binding.id:
            prefix = binding.id.partition(".")[0]
            group = _GROUPS.get(prefix, prefix.capitalize())
        else:
            group = "This dialog"
        synonyms = known.synonyms if known is not None else ()
        run = partial(screen.app.run_action, binding.action, node)
        found[name] = Action(name, group, binding.description, help_text, key, key_names, synonyms, binding.show, run)
    own = [action for name, action in found.items() if name not in COMMANDS]
    return [
        *(action for action in own if action.group != _MOVING),
        *(found[name] for name in COMMANDS if name in found),
        *(action for action in own if action.group == _MOVING),
    ]
