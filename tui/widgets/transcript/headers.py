"""The transcript's own lines: the header of a turn, what stands after the last item, an empty branch."""

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

_ROOM_FOR_TIME = 32


def turn_header(view: View, item: Item, width: int, item_styles: ItemStyles) -> Line:
    """The line above a user message: its turn, when it was said, and which of the branches parting here is shown."""
    name = [Segment(f"{item.turn}", item_styles.title), Segment("  you", item_styles.muted)]
    siblings = _siblings(view, view.tree.chain_at(view.branch_id, item.turn), item.turn, item_styles)
    time = format_time(item.created_at) if width >= _ROOM_FOR_TIME else ""
    right = [Segment(time, item_styles.muted), Segment("  " if time and siblings else ""), *siblings]
    space = width - sum(segment.cell_length for segment in (*name, *right))
    if space < 1:
        right, space = siblings, 1
    return Line([], (*name, Segment(" " * space), *right), "")


def _siblings(view: View, chain: Chain | None, turn: int, item_styles: ItemStyles) -> list[Segment]:
    if chain is None or chain.first != turn:
        return []
    kin = view.tree.alternatives(chain)
    return _counter(kin.index(chain), len(kin), turn, item_styles) if len(kin) > 1 else []


def _counter(place: int, count: int, turn: int, item_styles: ItemStyles) -> list[Segment]:
    def step(mark: str, by: int, possible: bool) -> Segment:
        return Segment(mark, item_styles.link + Style(meta={"sibling": (turn, by)}) if possible else item_styles.muted)

    return [
        step("‹", -1, place > 0),
        Segment(f"{place + 1}/{count}", item_styles.title),
        step("›", 1, place < count - 1),
    ]


def end_lines(view: View, width: int, item_styles: ItemStyles) -> Sequence[Line]:
    """What stands below the last item: other branches that go on where this one ends, or that nothing was said yet."""
    lines: list[Line] = []
    if not view.items and not live_items(view):
        lines += [Line([]), *wrap([Segment(_nothing(view), item_styles.muted)], width)]
    if view.branch_id not in view.tree.branches:
        return lines
    tip = view.tree.tip(view.branch_id)
    if tip.children:
        turn = view.tree.chains[tip.children[0]].first
        kin = view.tree.alternatives(view.tree.chains[tip.children[0]])
        if len(kin) > 1 and tip in kin:
            others = len(kin) - 1
            words = f"  {others} branch{'es' * (others != 1)} go{'es' * (others == 1)} on from here"
            counter = _counter(kin.index(tip), len(kin), turn, item_styles)
            lines += [Line([]), Line([], (*counter, Segment(words, item_styles.muted)))]
    return lines


def _nothing(view: View) -> str:
    if view.session is None:
        return "No conversation is open."
    if view.branch_id:
        return f"Nothing said on {printable(view.branch_id)} yet. What you send next begins it."
    return "Nothing said in this conversation yet."
