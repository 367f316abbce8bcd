"""What the configuration file may give new keys to."""

from __future__ import annotations

from textual.binding import Binding
from textual.dom import DOMNode

from tui.commands import COMMANDS
from tui.screens.compare import CompareScreen
from tui.screens.seen import SeenScreen
from tui.widgets._column import Column
from tui.widgets.branch_tree import BranchTree
from tui.widgets.compared import Compared
from tui.widgets.composer import Composer
from tui.widgets.token_chart import TokenChart
from tui.widgets.token_strip import TokenStrip
from tui.widgets.transcript import Transcript

__all__ = ["binding_ids"]

_BOUND: tuple[type[DOMNode], ...] = (
    BranchTree,
    Transcript,
    TokenChart,
    TokenStrip,
    Composer,
    Column,
    Compared,
    CompareScreen,
    SeenScreen,
)


def binding_ids() -> frozenset[str]:
    """The ids of all commands, and of the keys of panes and screens."""
    of_panes = (binding.id for bound in _BOUND for binding in bound.BINDINGS if isinstance(binding, Binding))
    return frozenset(name for name in (*(command.id for command in COMMANDS), *of_panes) if name)
