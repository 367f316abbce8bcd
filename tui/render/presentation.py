"""What an item looks like before the width is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from rich.segment import Segment

from tui.printable import printable
from tui.render.lines import Line
from tui.render.styles import ItemStyles

__all__ = ["Body", "ItemPresentation", "Presenter", "first_line"]

Body: TypeAlias = Callable[[int, ItemStyles], Iterable[Line]]
"""Draws at a width, lazily: nobody reads further than is shown."""

Presenter: TypeAlias = "Callable[[dict[str, object], ItemStyles], ItemPresentation]"
"""Makes the face of one type of item."""

_TITLE_READ = 2_000


class ItemPresentation(NamedTuple):
    """A message (no mark: a role and its body) or a step (a mark and a title, with a body that folds).

    Attributes:
        mark: One cell that says what kind of step it is; empty for a message.
        title: One line that stands for the step while it is folded.
        opened: The line above the body while it is unfolded; the title where None.
        note: What the folded line says of the rest, as `4 lines more`.
        more: The body says more than the title even where the title fits.
        body: All of it; None where the title says all.
        failed: It reports a failure.
        role: Who speaks, for a message.
    """

    mark: str = ""
    title: Sequence[Segment] = ()
    opened: Sequence[Segment] | None = None
    note: str = ""
    more: bool = False
    body: Body | None = None
    failed: bool = False
    role: str = ""


def first_line(text: str) -> str:
    """The first line of a text that is not blank, printable, as far as a title may reach."""
    head = text[:_TITLE_READ].lstrip()
    return printable(head.split("\n", 1)[0].rstrip())
