"""Items of which only the beginning was read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from rich.segment import Segment

from tui.model import Item
from tui.render.code import text_lines
from tui.render.limits import excerpt, format_size, utf8_size
from tui.render.lines import Line
from tui.render.markdown import markdown_lines
from tui.render.presentation import Body
from tui.render.styles import ItemStyles

__all__ = ["beginning_lines", "drawable_part", "with_note_on_rest"]

_MARKDOWN_CHARS: Final = 4_000
"""Maximum number of characters that are parsed as Markdown."""


def drawable_part(item: Item) -> tuple[Item, int]:
    """Cut the last text of a partly read item to the part that is drawn; return the number of undrawn bytes, too."""
    if item.data is None:
        text = excerpt(item.raw or "").text
        return item._replace(raw=text), item.size - utf8_size(text)
    data, cut = _cut_last_text(item.data)
    return item._replace(data=data), item.unread + cut


def _cut_last_text(data: Any) -> tuple[Any, int]:
    """Cut the last text in a value; return the number of bytes that were cut off, too."""
    if isinstance(data, str):
        text = excerpt(data).text
        return text, utf8_size(data[len(text) :])
    if isinstance(data, dict) and data:
        key = next(reversed(data))
        value, cut = _cut_last_text(data[key])
        return {**data, key: value}, cut
    if isinstance(data, list) and data:
        value, cut = _cut_last_text(data[-1])
        return [*data[:-1], value], cut
    return data, 0


def with_note_on_rest(body: Body | None, size: int) -> Body:
    """Add a last line to a body, with the number of bytes that are not drawn."""

    def body_and_note(width: int, styles: ItemStyles) -> Iterable[Line]:
        note = Line([], (Segment(f"… {format_size(size)} more, y copies all", styles.muted),))
        return chain(() if body is None else body(width, styles), [note])

    return body_and_note


def beginning_lines(text: str, width: int, styles: ItemStyles) -> Iterable[Line]:
    """Draw the beginning of a text as Markdown and the rest as plain text: very long texts are rarely Markdown."""
    cut = text.rfind("\n\n", 0, _MARKDOWN_CHARS)
    cut = _MARKDOWN_CHARS if cut <= 0 else cut
    beginning, rest = markdown_lines(text[:cut], width, styles), text[cut:].lstrip("\n")
    return chain(beginning, [Line([])], text_lines(rest, width, styles.text, styles))
