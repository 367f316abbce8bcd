"""What stands in the borders of a pane."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

__all__ = ["caption"]


def caption(widget: Widget, title: str, subtitle: str = "") -> None:
    """Set what stands in the upper and the lower border, none of it as markup.

    Setting one draws the whole widget anew: what it says already is left alone.
    """
    if (widget.border_title or "") != Content(title).markup:
        widget.border_title = Content(title)
    if (widget.border_subtitle or "") != Content(subtitle).markup:
        widget.border_subtitle = Content(subtitle)
