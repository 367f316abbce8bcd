"""How an item is presented, before its width is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from rich.segment import Segment

from tui.printable import printable
from tui.render.lines import Line
from tui.render.styles import ItemStyles
from tui.words import plural

__all__ = ["Body", "ItemPresentation", "Presenter", "first_line", "more_lines"]

Body: TypeAlias = Callable[[int, ItemStyles], Iterable[Line]]
"""Draws lines of a width, lazily: no more of them are read than are shown."""

Presenter: TypeAlias = "Callable[[dict[str, object], ItemStyles], ItemPresentation]"
"""Makes the presentation of an item from its decoded data."""

_TITLE_CHARS = 2_000


class ItemPresentation(NamedTuple):
    """A message, which has a role and a body, or a step, which has a mark, a title and a body that folds.

    Attributes:
        mark: The sign of a step in one cell; empty for a message.
        title: The line of a folded step.
        unfolded_title: The line above the body of an unfolded step; the title where None, no line where empty.
        note: A note after the title of a folded step on what its body adds, as `4 more lines`.
        has_more: Whether the body adds something even where the title fits its line and has no note.
        body: The content in full; None where the title is all of it.
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
    """Return the first line of a text that is not blank, printable and no longer than a title needs."""
    beginning = text[:_TITLE_CHARS].lstrip()
    return printable(beginning.split("\n", 1)[0].rstrip())


def more_lines(text: str) -> str:
    """Return a note on how many lines a text has after the first, as `4 more lines`; empty for one line."""
    lines = text.strip().count("\n")
    return plural(lines, "more line") if lines else ""
