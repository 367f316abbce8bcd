"""The keys of all bindings with an id: their defaults, the presets, and what the configuration file changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, format_key, key_to_character

from tui.commands import COMMANDS
from tui.config import Config
from tui.errors import ConfigError
from tui.explorer.layout import PANES
from tui.screens.compare import CompareScreen
from tui.screens.model_input import ModelInputScreen
from tui.widgets.compare.diff_view import DiffView
from tui.widgets.compare.side_by_side import SideBySide
from tui.widgets.lines.cursor_view import CursorView
from tui.widgets.request_view import RequestView
from tui.widgets.search_bar import SearchBar

__all__ = ["PRESETS", "KeyBinding", "key_bindings", "key_label", "keymap"]

PRESETS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "classic": MappingProxyType(
            {
                "chat.page_down": "pagedown,space",
                "compare.swap": "s",
                "find.blame": "B",
                "fork.after": "A",
                "lines.page_down": "pagedown,space",
                "manage.copy": "C",
                "manage.done": "H",
                "manage.name": "R",
                "manage.pin": "p",
                "manage.turns": "V",
                "menu.open": "f9",
                "model_input.difference": "d",
                "model_input.json": "J",
                "session.import": "I",
                "usage.chart": "U",
                "view.follow": "F",
            }
        )
    }
)
"""Sets of keys that `preset` in the `[keys]` of the configuration can name: keys by binding id."""

_PANES: Final[tuple[type[DOMNode], ...]] = tuple(owner for spec in PANES for owner in spec.classes)

_OWNERS: Final[tuple[type[DOMNode], ...]] = (
    *_PANES,
    SearchBar,
    CursorView,
    DiffView,
    SideBySide,
    RequestView,
    CompareScreen,
    ModelInputScreen,
)
"""The panes and screens that own bindings with ids."""

_EVERYWHERE: Final = "everywhere"
_EXPLORER: Final = "explorer"

_PLACES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "in the tree": ("tree", _EXPLORER, _EVERYWHERE),
        "in the chat": ("chat", _EXPLORER, _EVERYWHERE),
        "in the composer": ("composer", _EXPLORER, _EVERYWHERE),
        "in the search": ("search", _EXPLORER, _EVERYWHERE),
        "in the usage pane": ("usage", _EXPLORER, _EVERYWHERE),
        "in the comparison": ("compare", "difference", "lines", _EVERYWHERE),
        "in the model input": ("model_input", "chat", _EVERYWHERE),
        "in the model input as JSON": ("model_input", "lines", _EVERYWHERE),
        "in a request": ("model_input", "request", "lines", _EVERYWHERE),
        "in the difference of requests": ("model_input", "difference", "lines", _EVERYWHERE),
    }
)
"""The scopes whose bindings work at the same time."""

_MODIFIERS: Final = ("ctrl", "shift", "alt", "super", "hyper", "meta")
_NAMED_KEYS: Final = frozenset(
    (*(key.value for key in Keys if not key.value.startswith("<")), *KEY_NAME_REPLACEMENTS.values())
)


class KeyBinding(NamedTuple):
    """A binding whose keys can be changed.

    Attributes:
        keys: Its keys, with Textual's names.
        scope: Place where it works: `everywhere`, `explorer`, or the first part of its id.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    scope: str


@cache
def _default_bindings() -> Mapping[str, KeyBinding]:
    found = {
        command.id: KeyBinding(
            command.id,
            _split(command.keys),
            command.title,
            command.help,
            _EVERYWHERE if command.action.startswith("app.") else _EXPLORER,
        )
        for command in COMMANDS.values()
    }
    for owner in _OWNERS:
        for binding in owner.BINDINGS:
            if isinstance(binding, Binding) and binding.id:
                title, scope = binding.description, binding.id.partition(".")[0]
                found[binding.id] = KeyBinding(binding.id, _split(binding.key), title, binding.tooltip or title, scope)
    return MappingProxyType(found)


def key_bindings(config: Config | None = None) -> Mapping[str, KeyBinding]:
    """Return all bindings that have an id, with the keys of a configuration.

    Raises:
        ConfigError: See `keymap`.
    """
    changed = keymap(config) if config is not None else {}
    bindings = _default_bindings()
    return {
        name: binding._replace(keys=_split(changed[name])) if name in changed else binding
        for name, binding in bindings.items()
    }


def keymap(config: Config) -> Mapping[str, str]:
    """Return the keys that a configuration changes, by binding id.

    Raises:
        ConfigError: A preset, an id or a key does not exist, or two bindings that work at the same time share a key.
    """
    defaults = _default_bindings()
    if config.preset is not None and config.preset not in PRESETS:
        raise ConfigError(
            f"{config.path}: [keys] has no preset '{config.preset}'.", f"The presets are: {', '.join(PRESETS)}."
        )
    for name, keys in config.keys.items():
        if name not in defaults:
            near = get_close_matches(name, defaults, 3, 0.6)
            raise ConfigError(
                f"{config.path}: [keys] has no command '{name}'.",
                f"{_did_you_mean(near)}`convo-tui keys` lists all ids.",
            )
        for key in keys.split(","):
            if not is_key(key.strip()):
                near = get_close_matches(key.strip().lower().replace("-", "+"), _key_names(), 1, 0.6)
                raise ConfigError(
                    f"{config.path}: [keys] gives '{name}' a key that does not exist: '{key.strip()}'.",
                    f"{_did_you_mean(near)}Keys are written as f, F, ctrl+t, f2, space, question_mark or comma.",
                )
    preset = PRESETS[config.preset] if config.preset is not None else {}
    changed = {**preset, **config.keys}
    known = set(_shared_keys({**_default_keys(), **_split_all(preset)}))
    for shared in _shared_keys({**_default_keys(), **_split_all(changed)}):
        if shared not in known:
            key, place, first, second = shared
            raise ConfigError(
                f"{config.path}: [keys] gives '{first}' and '{second}' the same key {place}: '{key_label(key)}'.",
                "Give one of them another key. `convo-tui keys` lists the keys.",
            )
    return changed


def is_key(key: str) -> bool:
    """Return whether a key exists: a character, or a name of Textual's, after any modifiers."""
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    return (
        len(set(modifiers)) == len(modifiers)
        and set(modifiers) <= set(_MODIFIERS)
        and bool(base)
        and (len(base) == 1 or base in _NAMED_KEYS or key_to_character(base) is not None)
    )


def key_label(key: str) -> str:
    """Return a key as the configuration can name it, as a character if it has one."""
    shown = format_key(key)
    return shown if len(shown) == 1 and shown.isascii() and shown != "," else key


def _shared_keys(keys: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str, str]]:
    """Yield each key that two bindings share, with the place where both work and their ids."""
    scopes = {name: binding.scope for name, binding in _default_bindings().items()}
    for place, active in _PLACES.items():
        owners: dict[str, str] = {}
        for name, own in keys.items():
            if scopes[name] in active:
                for key in own:
                    owner = owners.setdefault(key, name)
                    if owner != name:
                        yield key, place, owner, name


def _default_keys() -> dict[str, tuple[str, ...]]:
    return {name: binding.keys for name, binding in _default_bindings().items()}


def _split_all(keys: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: _split(value) for name, value in keys.items()}


def _split(keys: str) -> tuple[str, ...]:
    """Return the keys of a comma-separated list, with Textual's names."""
    return tuple(binding.key for binding in Binding.make_bindings([Binding(keys, "")])) if keys else ()


def _key_names() -> list[str]:
    modified = [f"{modifier}+{letter}" for modifier in _MODIFIERS for letter in "abcdefghijklmnopqrstuvwxyz"]
    return [*_NAMED_KEYS, *modified, "space", "comma", "question_mark"]


def _did_you_mean(near: list[str]) -> str:
    names = " or ".join(f"'{name}'" for name in near)
    return f"Did you mean {names}? " if near else ""
