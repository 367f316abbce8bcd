"""A pane with texts in its borders."""

from __future__ import annotations

from typing import Self

from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from tui.painting.stable_scroll import FixedSize

__all__ = ["Pane", "set_caption"]


class Pane(Vertical, FixedSize):
    """A container that redraws only its border when its caption changes."""

    _captioning = False

    def set_caption(self, title: str, subtitle: str = "") -> None:
        """Set the texts in the upper and the lower border, as plain text."""
        self._captioning = True
        try:
            set_caption(self, title, subtitle)
        finally:
            self._captioning = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Request a repaint, of the border alone if the caption changes."""
        if self._captioning and not regions:
            left, top = self.content_offset
            width, height = self.outer_size
            regions = Region(-left, -top, width, 1), Region(-left, height - top - 1, width, 1)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


def set_caption(widget: Widget, title: str, subtitle: str = "") -> None:
    """Set the texts in the upper and the lower border, as plain text.

    An unchanged text is not set again, because setting it redraws the entire widget.
    """
    if (widget.border_title or "") != Content(title).markup:
        widget.border_title = Content(title)
    if (widget.border_subtitle or "") != Content(subtitle).markup:
        widget.border_subtitle = Content(subtitle)
