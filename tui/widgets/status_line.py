"""The line above the keys, which says in words what the cursor is on."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive

from tui.painting.stable_scroll import FixedSize

__all__ = ["StatusLine"]


class StatusLine(FixedSize):
    """One line of plain text; markup in it is not interpreted."""

    DEFAULT_CSS = """
    StatusLine {
        height: 1;
        padding: 0 1;
        color: $text-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    text: reactive[str] = reactive("")
    """The text to show."""

    def render(self) -> RenderResult:
        """Return the text."""
        return Content(self.text)
