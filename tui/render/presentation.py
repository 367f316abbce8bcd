"""The presentation of an item, which does not depend on a width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from rich.segment import Segment

from tui.printable import printable
from tui.render.lines import Line
from tui.render.styles import ItemStyles
from tui.words import plural

__all__ = ["Body", "ItemPresentation", "Presenter", "first_line", "more_lines_note"]

Body: TypeAlias = Callable[[int, ItemStyles], Iterable[Line]]
"""Draws lines at a width; a caller reads no more of them than it shows."""

Presenter: TypeAlias = "Callable[[dict[str, object], ItemStyles], ItemPresentation]"
"""Presents an item, given its decoded data."""

_MAX_TITLE_CHARS = 2_000


class ItemPresentation(NamedTuple):
    """A message, which has a role and a body, or a step, which has a mark, a title and a body that folds.

    Attributes:
        mark: The symbol of a step, one cell wide; empty for a message.
        title: The line of a folded step.
        unfolded_title: The line above the body of an unfolded step; None for the title, empty for no line.
        note: A note after the title of a folded step on what the body adds, such as `4 more lines`.
        has_more: Whether the body adds something even if the title fits its line and there is no note.
        body: The content in full; None if the title is all of it.
        failed: Whether the step reports a failure.
        role: The role of a message.
    """

    mark: str = ""
    title: Sequence[Segment] = ()
    unfolded_title: Sequence[Segment] | None = None
    note: str = ""
    has_more: bool = False
    body: Body | None = None
    failed: bool = False
    role: str = ""


def first_line(text: str) -> str:
    """Return the first non-blank line of a text, printable and cut to the length of a title."""
    beginning = text[:_MAX_TITLE_CHARS].lstrip()
    return printable(beginning.split("\n", 1)[0].rstrip())


def more_lines_note(text: str) -> str:
    """Return a note on the lines after the first one, such as `4 more lines`; empty if there are none."""
    lines = text.strip().count("\n")
    return plural(lines, "more line") if lines else ""
