"""The ids of the bindings that the configuration file can change."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding
from textual.dom import DOMNode

from tui.commands import COMMANDS
from tui.config import Config
from tui.errors import ConfigError
from tui.explorer.layout import PANES
from tui.screens.compare import CompareScreen
from tui.screens.model_input import ModelInputScreen
from tui.widgets.compare.side_by_side import SideBySide
from tui.widgets.lines.cursor_view import CursorView

__all__ = ["binding_ids", "check_keys"]

_OWNERS: Final[tuple[type[DOMNode], ...]] = (
    *(owner for spec in PANES for owner in spec.classes),
    CursorView,
    SideBySide,
    CompareScreen,
    ModelInputScreen,
)
"""The panes and screens that own bindings with ids."""


def binding_ids() -> frozenset[str]:
    """Return the ids of all commands that have keys, and of the bindings of panes and screens."""
    of_commands = (command.id for command in COMMANDS.values() if command.keys)
    of_panes = (binding.id for owner in _OWNERS for binding in owner.BINDINGS if isinstance(binding, Binding))
    return frozenset(name for name in (*of_commands, *of_panes) if name)


def check_keys(config: Config) -> None:
    """Check that every binding in the `[keys]` of the configuration exists.

    Raises:
        ConfigError: A binding does not exist.
    """
    known = binding_ids()
    for name in config.keys:
        if name not in known:
            raise ConfigError(
                f"{config.path}: [keys] has no command '{name}'.", f"Known are: {', '.join(sorted(known))}."
            )
