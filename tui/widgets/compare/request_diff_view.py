"""The difference of two requests, section by section."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from tui.model.compare import ItemPair
from tui.model.request_diff import RequestDiff, SectionDiff
from tui.widgets.compare.diff_view import DiffView
from tui.widgets.compare.lines import Block, DiffStyles, draw_names, draw_pairs
from tui.words import plural

__all__ = ["RequestDiffView"]

_HEADINGS: Final = {"instructions": "Instructions", "tools": "Tools", "settings": "Settings", "items": "Items"}
_WITH_LABELS: Final = frozenset({"tools", "items"})


class _Part(NamedTuple):
    """A block of a section: a heading with a note, a pair, or a note alone."""

    section: str
    heading: tuple[str, str] | None = None
    pair: ItemPair | None = None
    labels: bool = False


class RequestDiffView(DiffView):
    """The inputs of two requests, in two columns if there is room; equal parts are shortened.

    Pass the difference to `show`.
    """

    _ESTIMATE = 2

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._names = ("", "")
        self._diff: RequestDiff | None = None
        self._parts: list[_Part] = []

    def show(self, diff: RequestDiff, left: str, right: str) -> None:
        """Show a difference from its beginning; the names of its sides may be untrusted text."""
        self._names, self._diff = (left, right), diff
        self._list_parts()
        self.show_blocks(len(self._parts) + 1)

    def action_full(self) -> None:
        """Toggle between showing what both requests sent in full and shortened."""
        index = self.cursor[0] - 1
        before = self._parts[index] if 0 <= index < len(self._parts) else None
        self._full = not self._full
        self._list_parts()
        self._viewport.reset(len(self._parts) + 1)
        place = 0
        if before is not None:
            # The same pair, or the heading of its section.
            places = {id(part.pair): at for at, part in enumerate(self._parts, 1) if part.pair}
            heading = next(at for at, part in enumerate(self._parts, 1) if part.section == before.section)
            place = places.get(id(before.pair), heading)
        self.go_to(place, changed=True)

    def _list_parts(self) -> None:
        sections = () if self._diff is None else self._diff.sections
        self._parts = [part for section in sections for part in _parts(section, full=self._full)]
        self.clear_blocks()

    def measure(self, position: int) -> int | None:
        block = self.block(position)
        return None if block is None else len(block.rows)

    def request_blocks(self, start: int, end: int) -> None:
        """Request nothing: all is known."""

    def draw_block(self, position: int, styles: DiffStyles, *, full: bool) -> Block | None:
        width, column_count = self.column_width, self.column_count
        if position == 0:
            return draw_names(*self._names, width, column_count, styles)
        section, heading, pair, labels = self._parts[position - 1]
        if section == "tools" and pair is not None and not full:
            pair = _without_one_sided_text(pair)
        pairs = [] if pair is None else [pair]
        return draw_pairs(heading, pairs, width, column_count, styles, labels=labels, full=full)


def _without_one_sided_text(pair: ItemPair) -> ItemPair:
    """Return a pair without its text, which says no more than its name, if only one side has it."""
    if pair.left is not None and pair.right is not None:
        return pair
    left, right = (item and item._replace(text="", spans=()) for item in pair[:2])
    return pair._replace(left=left, right=right)


def _parts(section: SectionDiff, *, full: bool) -> Iterator[_Part]:
    """Yield the blocks of a section; neighbouring parts that are the same are one line unless `full`."""
    name, heading, labels = section.name, _HEADINGS[section.name], section.name in _WITH_LABELS
    noun = name.removesuffix("s")
    count, differing = len(section.pairs), sum(pair.differs for pair in section.pairs)
    removed, added = (sum(pair[side] is None for pair in section.pairs) for side in (1, 0))
    counts = {"changed": differing - removed - added, "removed": removed, "added": added}
    if section.unknown or not count:
        yield _Part(name, (heading, section.unknown or "none"))
        yield _Part(name)
        return
    if not labels:
        note = "" if differing else "identical"
    elif not differing:
        note = f"{count:,}, identical"
    else:
        note = ", ".join(f"{number:,} {word}" for word, number in counts.items() if number)
    yield _Part(name, (heading, note))
    for differs, group in groupby(section.pairs, key=lambda pair: pair.differs):
        pairs = list(group)
        if differs or full:
            yield from (_Part(name, pair=pair, labels=labels) for pair in pairs)
        elif differing:
            yield _Part(name, ("", f"… {plural(len(pairs), f'identical {noun}')} …"))
    yield _Part(name)
