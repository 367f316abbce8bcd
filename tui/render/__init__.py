"""An item to lines of segments: markdown, tool calls, reasoning, images, anything unknown. No widgets here."""

from tui.render.incremental import IncrementalItem
from tui.render.items import Rendered, estimated_height, is_step, item_text, render_item, starts_open
from tui.render.styles import Palette
from tui.render.text import Line, size, wrap

__all__ = [
    "IncrementalItem",
    "Line",
    "Palette",
    "Rendered",
    "estimated_height",
    "is_step",
    "item_text",
    "render_item",
    "size",
    "starts_open",
    "wrap",
]
