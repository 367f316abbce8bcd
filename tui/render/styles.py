"""The styles a rendered item is drawn in."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

__all__ = ["ItemStyles"]

_NONE = Style.null()


class ItemStyles(NamedTuple):
    """One style for each part of an item; each says something without colour too.

    Attributes:
        text: Running text.
        muted: What may be overlooked: roles, marks, urls, notes on what is not shown.
        title: Headings in markdown.
        tool: Name of a tool.
        error: What failed.
        link: Text of a link.
        quote: Text in a quotation.
        code: Code within a line.
        keyword: Code: words of the language.
        string: Code: strings.
        number: Code: numbers and constants.
        comment: Code: comments.
        name: Code: names being defined, keys of objects.
        added: Lines a patch adds.
        removed: Lines a patch removes.
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
