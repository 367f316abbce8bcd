"""Items as lines of segments: messages in Markdown, tool calls, reasoning and all others. Uses no widgets."""

from tui.render.copied_text import copied_text
from tui.render.incremental import IncrementalItem
from tui.render.items import Rendered, estimated_height, is_step, render_item, starts_open
from tui.render.limits import format_size
from tui.render.lines import Line
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = [
    "IncrementalItem",
    "ItemStyles",
    "Line",
    "Rendered",
    "copied_text",
    "estimated_height",
    "format_size",
    "is_step",
    "render_item",
    "starts_open",
    "wrap",
]
