"""An item to lines of segments: markdown, tool calls, reasoning, images, anything unknown. No widgets here."""

from tui.render.incremental import IncrementalItem
from tui.render.items import Rendered, estimated_height, is_step, item_text, render_item, starts_open
from tui.render.limits import format_size
from tui.render.lines import Line
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = [
    "IncrementalItem",
    "ItemStyles",
    "Line",
    "Rendered",
    "estimated_height",
    "format_size",
    "is_step",
    "item_text",
    "render_item",
    "starts_open",
    "wrap",
]
