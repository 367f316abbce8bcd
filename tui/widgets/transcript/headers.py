"""The lines of a transcript that belong to no item: the header of a turn, and the lines after the last item."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from tui.model import Chain, Item, View
from tui.printable import printable
from tui.render import ItemStyles, Line, wrap
from tui.widgets.format import format_time
from tui.widgets.transcript.view_changes import live_items

__all__ = ["end_lines", "turn_header"]

_MIN_WIDTH_FOR_TIME = 32
"""Minimum width of a header that shows the time of its turn."""


def turn_header(view: View, item: Item, width: int, item_styles: ItemStyles) -> Line:
    """Return the line above a user message: number and time of the turn, and a counter of the branches there."""
    title = [Segment(f"{item.turn}", item_styles.title), Segment("  you", item_styles.muted)]
    counter = _branch_counter(view, view.tree.chain_at(view.branch_id, item.turn), item.turn, item_styles)
    time = format_time(item.created_at) if width >= _MIN_WIDTH_FOR_TIME else ""
    right = [Segment(time, item_styles.muted), Segment("  " if time and counter else ""), *counter]
    space = width - sum(segment.cell_length for segment in (*title, *right))
    if space < 1:
        right, space = counter, 1
    return Line([], (*title, Segment(" " * space), *right), "")


def end_lines(view: View, width: int, item_styles: ItemStyles) -> Sequence[Line]:
    """Return the lines below the last item: a note if there are no items, a counter of branches that continue."""
    lines: list[Line] = []
    if not view.items and not live_items(view):
        lines += [Line([]), *wrap([Segment(_empty_text(view), item_styles.muted)], width)]
    if view.branch_id not in view.tree.branches:
        return lines
    last_chain = view.tree.last_chain(view.branch_id)
    if last_chain.children:
        next_chain = view.tree.chains[last_chain.children[0]]
        branches = view.tree.alternatives(next_chain)
        if len(branches) > 1 and last_chain in branches:
            others = len(branches) - 1
            text = "  1 branch continues from here" if others == 1 else f"  {others:,} branches continue from here"
            counter = _counter(branches.index(last_chain), len(branches), next_chain.first, item_styles)
            lines += [Line([]), Line([], (*counter, Segment(text, item_styles.muted)))]
    return lines


def _branch_counter(view: View, chain: Chain | None, turn: int, item_styles: ItemStyles) -> list[Segment]:
    """Return a counter of the branches that part at a turn; empty if only one continues there."""
    if chain is None or chain.first != turn:
        return []
    branches = view.tree.alternatives(chain)
    return _counter(branches.index(chain), len(branches), turn, item_styles) if len(branches) > 1 else []


def _counter(index: int, count: int, turn: int, item_styles: ItemStyles) -> list[Segment]:
    """Return `‹2/3›`; a click on a mark goes to the branch on that side, one on the numbers to the next branch."""

    def target(step: int) -> Style:
        return Style(meta={"sibling": (turn, step)})

    def mark(text: str, step: int, enabled: bool) -> Segment:
        return Segment(text, item_styles.link + target(step) if enabled else item_styles.muted)

    return [
        mark("‹", -1, index > 0),
        Segment(f"{index + 1}/{count}", item_styles.title + target(1 if index < count - 1 else -1)),
        mark("›", 1, index < count - 1),
    ]


def _empty_text(view: View) -> str:
    if view.session is None:
        return "No session is open."
    if view.branch_id:
        branch = view.tree.branches.get(view.branch_id)
        return f"No messages on {printable(view.branch_id if branch is None else branch.readable_name)} yet."
    return "No messages in this session yet."
