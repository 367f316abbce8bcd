"""The items of a branch as blocks of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.segment import Segment

from tui.model import Item, Page, View
from tui.render import IncrementalItem, ItemStyles, Line, Rendered, estimated_height, is_step, render_item, starts_open
from tui.widgets.lines.viewport import Viewport
from tui.widgets.transcript.headers import end_lines, turn_header
from tui.widgets.transcript.item_cache import ItemCache
from tui.widgets.transcript.render_cache import RenderCache

__all__ = ["Blocks"]

_ESTIMATE = 3
_UNKNOWN, _MESSAGE, _STEP, _TURN, _UNFOLDED = 0, 1, 2, 3, 4
_KIND_MASK = 3
"""The bits of `Blocks._kinds` for the kind of an item; the bit `_UNFOLDED` is set if the item starts unfolded."""


class Blocks:
    """A block of lines for each item of a branch, stored or live, and a last block for the lines after the items.

    A block consists of a blank line, the header of the turn that begins there, and the rendered item. The first two
    depend on the kinds of items, which are remembered, so that a measured height stays right after the item above was
    dropped from memory.

    Attributes:
        items: The items that were read.
        viewport: The heights of the blocks, and which blocks are in sight.
        stored: Number of stored items; their blocks are the first ones.
    """

    def __init__(self) -> None:
        self.view = View()
        self.width = 1
        self.item_styles = ItemStyles()
        self.items = ItemCache()
        self.viewport = Viewport(self._height, _ESTIMATE)
        self.viewport.reset(1)
        self.stored = 0
        self._live: tuple[Item, ...] = ()
        self._kinds = bytearray()
        self._incremental: dict[int, IncrementalItem] = {}
        self._rendered = RenderCache()
        self.all_unfolded = False
        self._toggled: set[int] = set()

    @property
    def count(self) -> int:
        """The number of items, stored and live."""
        return len(self._kinds)

    def item(self, position: int) -> Item | None:
        """Return the item at a position; None if it was not read."""
        index = position - self.stored
        return self._live[index] if 0 <= index < len(self._live) else self.items.get(position)

    def restyle(self, item_styles: ItemStyles) -> None:
        """Change the styles of the lines; heights stay the same."""
        if item_styles is self.item_styles:
            return
        if item_styles != self.item_styles:
            self._rendered.clear()
        self.item_styles = item_styles

    def show_branch(self, stored: int, live: Sequence[Item]) -> None:
        """Show another branch with a number of stored items and live items after them; forget all heights."""
        self.stored = stored
        self._live = tuple(live)
        self.items.truncate(stored)
        self._incremental = {position: IncrementalItem() for position, _ in enumerate(self._live, stored)}
        self._toggled -= {message_id for message_id in self._toggled if message_id < 0}
        self._kinds = bytearray(stored + len(self._live))
        self.viewport.reset(self.count + 1)
        for position in self._known_positions():
            self._remember_kind(position)

    def reset_heights(self, width: int | None = None) -> None:
        """Forget all heights, because folds or the width have changed."""
        self.width = self.width if width is None else width
        self.viewport.reset(self.count + 1)
        for position in self._known_positions():
            self._estimate_height(position)

    def update_branch(self, stored: int, live: Sequence[Item], *, revised: bool) -> None:
        """Show the current items of the same branch; `revised` means that items that were read may be stale.

        A live item is shown until its stored version is read, so that nothing flickers.
        """
        before = dict(enumerate(self._live, self.stored))
        if revised or stored != self.stored:
            self.items.invalidate()
            self.items.truncate(stored)
            for position, item in before.items():
                if position < stored:
                    self.items.put_placeholder(position, item)
        self.stored = stored
        self._live = tuple(live)
        self._resize(stored + len(self._live))
        for position, item in enumerate(self._live, stored):
            if item != before.get(position):
                self._incremental.setdefault(position, IncrementalItem())
                self._remember_kind(position)
                # Even if it is out of sight: adding a piece is fast, rendering it all when it is scrolled to is slow.
                self._render(position, item)

    def _resize(self, count: int) -> None:
        if count != self.count:
            self.viewport.invalidate(self.count)
            self.viewport.resize(count + 1)
            for position in [position for position in self._incremental if position >= count]:
                del self._incremental[position]
            del self._kinds[count:]
            self._kinds.extend(bytes(count - len(self._kinds)))
        self.viewport.invalidate(count)

    def receive(self, page: Page) -> None:
        """Store the items of a page."""
        before = {position: self.items.get(position) for position in self._incremental}
        for position in self.items.receive(page):
            if position < self.stored:
                self._remember_kind(position)
                if position in self._incremental:
                    self._replace_live(position, before[position])
        self.items.truncate(self.stored)

    def _replace_live(self, position: int, before: Item | None) -> None:
        """Show a stored item in place of its live version, with the same rendered lines and fold."""
        incremental, item = self._incremental.pop(position), self.items.get(position)
        if item is None:
            return
        if before is not None and before.message_id in self._toggled:
            self._toggled ^= {before.message_id, item.message_id}
        folded = self._is_folded(position, item)
        rendered = incremental.render(item, self.width, folded=folded, styles=self.item_styles)
        self._rendered.put((item.message_id, self.width, folded), rendered)

    def _known_positions(self) -> list[int]:
        return [*self.items.positions(), *range(self.stored, self.count)]

    def turn_of(self, position: int) -> int | None:
        """Return the turn of an item; None if it was not read."""
        item = self.item(position)
        return None if item is None else item.turn

    def start_of_turn(self, position: int) -> int | None:
        """Return the position of the first item of an item's turn; None if the item was not read."""
        turn = self.turn_of(position)
        while position > 0 and (above := self.turn_of(position - 1)) == turn:
            position -= 1
        return position if position == 0 or above is not None else None

    def blank_lines_above(self, position: int) -> int:
        """Return the number of blank lines at the top of a block: 0 between the steps of an agent."""
        if not 0 < position < self.count:
            return 0
        here, above = self._kinds[position] & _KIND_MASK, self._kinds[position - 1] & _KIND_MASK
        return int(here != _STEP or above not in (_STEP, _UNKNOWN))

    def line(self, position: int, number: int) -> Line:
        """Return a line of a block in sight."""
        if position == self.count:
            return end_lines(self.view, self.width, self.item_styles)[number]
        item = self.item(position)
        if item is None:
            return Line([], (Segment("·" if number == 1 else " ", self.item_styles.muted),))
        number -= self.blank_lines_above(position)
        if number < 0:
            return Line([])
        if item.type == "user":
            if number == 0:
                return turn_header(self.view, item, self.width, self.item_styles)
            number -= 1
        return self._render(position, item).lines[number]

    def lines(self, first: int, last: int) -> Iterator[tuple[int, int, Line]]:
        """Iterate over the lines of the read items in a range, as position, line number and line."""
        for position in self._known_positions():
            if first <= position <= last:
                for number in range(self.viewport.block_height(position)):
                    yield position, number, self.line(position, number)

    def is_foldable(self, position: int) -> bool:
        """Return whether an item can be folded or unfolded."""
        item = self.item(position)
        return item is not None and self._render(position, item).folds

    def is_folded(self, position: int) -> bool:
        """Return whether an item is folded to its first line, if it is foldable."""
        item = self.item(position)
        return item is not None and self._is_folded(position, item)

    def toggle(self, position: int) -> None:
        """Fold or unfold an item."""
        item = self.item(position)
        if item is not None:
            self._toggled ^= {item.message_id}
            self.viewport.invalidate(position)

    def toggle_all(self) -> None:
        """Unfold all items, or fold them again."""
        self.all_unfolded = not self.all_unfolded
        self._toggled.clear()
        self.reset_heights()

    def reset_folds(self) -> None:
        """Forget which items were toggled one by one."""
        self._toggled.clear()

    def _is_folded(self, position: int, item: Item) -> bool:
        unfolded = self.all_unfolded or bool(self._kinds[position] & _UNFOLDED)
        return unfolded == (item.message_id in self._toggled)

    def _render(self, position: int, item: Item) -> Rendered:
        folded = self._is_folded(position, item)
        if position in self._incremental:
            return self._incremental[position].render(item, self.width, folded=folded, styles=self.item_styles)
        key = (item.message_id, self.width, folded)
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = render_item(item, self.width, folded=folded, styles=self.item_styles)
            self._rendered.put(key, rendered)
        return rendered

    def _height(self, position: int) -> int | None:
        if position == self.count:
            return len(end_lines(self.view, self.width, self.item_styles))
        item = self.item(position)
        if item is None:
            return None
        return self.blank_lines_above(position) + (item.type == "user") + len(self._render(position, item).lines)

    def _remember_kind(self, position: int) -> None:
        """Remember the kind of an item and estimate its height."""
        item = self.item(position)
        if item is None:
            return
        after = position + 1
        before = self.blank_lines_above(after)
        kind = _TURN if item.type == "user" else _STEP if is_step(item) else _MESSAGE
        self._kinds[position] = kind | (_UNFOLDED if starts_open(item) else 0)
        self.viewport.invalidate(position)
        self._estimate_height(position)
        if change := self.blank_lines_above(after) - before:
            self.viewport.invalidate(after)
            self.viewport.shift_anchor(after, change)

    def _estimate_height(self, position: int) -> None:
        item = self.item(position)
        if item is not None:
            self.viewport.estimate(position, 1 + estimated_height(item, self.width, self._is_folded(position, item)))
