"""The styles in which items are drawn."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

__all__ = ["ItemStyles"]

_NONE = Style.null()


class ItemStyles(NamedTuple):
    """A style for each part of an item; most parts differ without colour, too.

    Attributes:
        text: Running text.
        muted: Secondary text: roles, marks, URLs, notes on undrawn text.
        title: Headings in Markdown.
        tool: The name of a tool.
        error: A failure.
        link: The text of a link.
        quote: Text in a quotation.
        code: Code inside a paragraph.
        keyword: Keywords in code; likewise `string` and `comment`.
        number: Numbers and constants in code.
        name: Names that code defines, and keys of JSON objects.
        added: Lines that a patch adds.
        removed: Lines that a patch removes.
    """

    text: Style = _NONE
    muted: Style = Style(dim=True)
    title: Style = Style(bold=True)
    tool: Style = Style(bold=True)
    error: Style = Style(bold=True)
    link: Style = Style(underline=True)
    quote: Style = Style(italic=True)
    code: Style = Style(bold=True)
    keyword: Style = _NONE
    string: Style = _NONE
    number: Style = _NONE
    comment: Style = Style(italic=True)
    name: Style = _NONE
    added: Style = _NONE
    removed: Style = _NONE
