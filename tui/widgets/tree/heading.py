"""The line above the tree that names its columns."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content

from tui.painting.stable_scroll import FixedSize
from tui.widgets.tree.drawing import draw_heading
from tui.widgets.tree.view import TreeView

__all__ = ["TreeHeading"]


class TreeHeading(FixedSize):
    """Names the columns of a tree, in which they may change with width and content."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    TreeHeading {
        height: 1;
        background: $surface;
        color: $text-muted;
        text-wrap: nowrap;
    }
    """

    def __init__(self, tree: TreeView) -> None:
        super().__init__()
        self._tree_view = tree

    def on_mount(self) -> None:
        self.watch(self._tree_view, "columns", self._columns_changed)

    def _columns_changed(self) -> None:
        self.refresh()

    def render(self) -> RenderResult:
        """Return the names above their columns."""
        return Content(draw_heading(self._tree_view.columns))
