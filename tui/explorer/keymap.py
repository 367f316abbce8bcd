"""What the configuration file may give new keys to."""

from __future__ import annotations

from textual.binding import Binding
from textual.dom import DOMNode

from tui.commands.registry import COMMANDS
from tui.screens.compare import CompareScreen
from tui.screens.model_input import ModelInputScreen
from tui.widgets.compare.side_by_side import SideBySide
from tui.widgets.composer.composer import Composer
from tui.widgets.lines.cursor_view import CursorView
from tui.widgets.transcript.transcript import Transcript
from tui.widgets.tree.branch_tree import BranchTree
from tui.widgets.usage.token_chart import TokenChart
from tui.widgets.usage.token_strip import TokenStrip

__all__ = ["binding_ids"]

_BOUND: tuple[type[DOMNode], ...] = (
    BranchTree,
    Transcript,
    TokenChart,
    TokenStrip,
    Composer,
    CursorView,
    SideBySide,
    CompareScreen,
    ModelInputScreen,
)


def binding_ids() -> frozenset[str]:
    """The ids of all commands, and of the keys of panes and screens."""
    of_panes = (binding.id for bound in _BOUND for binding in bound.BINDINGS if isinstance(binding, Binding))
    return frozenset(name for name in (*(command.id for command in COMMANDS), *of_panes) if name)
