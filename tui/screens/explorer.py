"""The explorer: what every explorer is, and on top of it one class for each thing that can be done with branches."""

from __future__ import annotations

from tui.screens.base import ExplorerBase, binding_ids

__all__ = ["Explorer", "binding_ids"]


class Explorer(ExplorerBase):
    """Tree, chat and usage of one file."""
