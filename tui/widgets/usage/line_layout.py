"""Texts arranged on a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

__all__ = ["MUTED", "first_fitting", "join_with_dots", "spread"]

MUTED: Final = "$foreground-muted"
_MIN_GAP: Final = 3


def spread(left: Content, right: Content, width: int) -> Content:
    """Put two texts at the ends of a line; the line is longer than `width` if they do not fit."""
    gap = max(_MIN_GAP, width - left.cell_length - right.cell_length)
    return Content.assemble(left, " " * gap, right)


def join_with_dots(*texts: Content) -> Content:
    """Join the texts that are not empty, with dots between them."""
    return Content.styled(" · ", MUTED).join(text for text in texts if text)


def first_fitting(lines: Sequence[Content], width: int) -> Content:
    """Return the first line that fits; if none fits, the last line, cut."""
    fitting = (line for line in lines if line.cell_length <= width)
    return next(fitting, lines[-1].truncate(width, ellipsis=True))
