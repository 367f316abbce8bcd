"""The commands of the explorer: one decorated function each, in a module for each group."""

from __future__ import annotations

from tui.commands import app, branches, compare, export, fork, imports, manage, panes, run, search, usage, view
from tui.commands.registry import COMMANDS, Command, Target, bindings, register

__all__ = ["COMMANDS", "Command", "Target", "bindings"]

# The order of help, footer and README.
register("Fork", fork)
register("Branches", branches)
register("Talk", run)
register("Manage", manage, imports)
register("Search", search)
register("Look", compare, view, usage, export)
register("Panes", panes)
register("Program", app)
