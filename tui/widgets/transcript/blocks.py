"""The column of a branch's items as lines: what is at hand, how it is folded, what was rendered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.segment import Segment

from tui.model import Item, Page, View
from tui.render import IncrementalItem, Line, Palette, Rendered, estimated_height, is_step, render_item, starts_open
from tui.widgets.lines.viewport import Viewport
from tui.widgets.transcript.headers import end_lines, turn_header
from tui.widgets.transcript.item_cache import ItemCache
from tui.widgets.transcript.render_cache import RenderCache

__all__ = ["Blocks"]

_ESTIMATE = 3
_UNKNOWN, _MESSAGE, _STEP, _TURN, _OPEN = 0, 1, 2, 3, 4
_KIND = 3


class Blocks:
    """One block of lines for each item of a branch, the live ones included, and one for what stands after the last.

    A block is a blank line where one belongs, the header of the turn that begins there, and the rendered item. What
    decides on the first two is remembered for each position, so that a height once measured holds when the item
    above it has left memory.
    """

    def __init__(self) -> None:
        self.view = View()
        self.width = 1
        """Cells of a line."""
        self.palette = Palette()
        self.items = ItemCache()
        self.flow = Viewport(self._height, _ESTIMATE)
        self.flow.reset(1)
        self._stored = 0
        self._live: tuple[Item, ...] = ()
        self._kinds = bytearray()
        self._growing: dict[int, IncrementalItem] = {}
        self._rendered = RenderCache()
        self._all_open = False
        self._turned_over: set[int] = set()

    @property
    def count(self) -> int:
        """Blocks that are items, stored and live; one more is the end."""
        return len(self._kinds)

    @property
    def stored(self) -> int:
        """Blocks that are stored items: the first ones."""
        return self._stored

    def item(self, position: int) -> Item | None:
        """The item at a position, if it is at hand."""
        index = position - self._stored
        return self._live[index] if 0 <= index < len(self._live) else self.items.get(position)

    def restyle(self, palette: Palette) -> None:
        """Render in other styles from now on; heights stay."""
        if palette is self.palette:
            return
        if palette != self.palette:
            self._rendered.clear()
        self.palette = palette

    def show(self, stored: int, live: Sequence[Item]) -> None:
        """Take in another branch: forget all heights.

        Args:
            stored: How many items are stored.
            live: Those that a run gave after them; what among them is stored by now is left out.
        """
        self._stored = stored
        self._live = _after(stored, live)
        self.items.truncate(stored)
        self._growing = {position: IncrementalItem() for position, _ in enumerate(self._live, stored)}
        self._turned_over -= {known for known in self._turned_over if known < 0}
        self._kinds = bytearray(stored + len(self._live))
        self.flow.reset(self.count + 1)
        for position in self._at_hand():
            self._learn(position)

    def measure_anew(self, width: int | None = None) -> None:
        """Forget all heights: other folds, or another width."""
        self.width = self.width if width is None else width
        self.flow.reset(self.count + 1)
        for position in self._at_hand():
            self._guess(position)

    def follow(self, stored: int, live: Sequence[Item], *, revised: bool) -> None:
        """Take in that the branch got longer or shorter, or its live items grew or were stored.

        A live item that was stored is shown until the stored one is at hand, so that nothing flickers.

        Args:
            stored: How many items are stored.
            live: Those that a run gave after them; what among them is stored by now is left out.
            revised: The file changed: stored items at hand may be stale.
        """
        before = dict(enumerate(self._live, self._stored))
        if revised or stored != self._stored:
            self.items.invalidate()
            self.items.truncate(stored)
            for position, item in before.items():
                if position < stored:
                    self.items.put_placeholder(position, item)
        self._stored = stored
        self._live = _after(stored, live)
        self._resize(stored + len(self._live))
        for position, item in enumerate(self._live, stored):
            if item != before.get(position):
                self._growing.setdefault(position, IncrementalItem())
                self._learn(position)
                # Also out of sight: piece by piece it costs little, and all at once when the reader comes too much.
                self._draw(position, item)

    def _resize(self, count: int) -> None:
        if count != self.count:
            self.flow.forget(self.count)
            self.flow.resize(count + 1)
            for position in [position for position in self._growing if position >= count]:
                del self._growing[position]
            del self._kinds[count:]
            self._kinds.extend(bytes(count - len(self._kinds)))
        self.flow.forget(count)

    def take(self, page: Page) -> None:
        """Take the items of a page."""
        before = {position: self.items.get(position) for position in self._growing}
        for position in self.items.receive(page):
            if position < self._stored:
                self._learn(position)
                if position in self._growing:
                    self._adopt(position, before[position])
        self.items.truncate(self._stored)

    def _adopt(self, position: int, before: Item | None) -> None:
        """Let a stored item take the place of the live one that it was: with its lines, and folded as that."""
        growing, item = self._growing.pop(position), self.items.get(position)
        if item is None:
            return
        if before is not None and before.message_id in self._turned_over:
            self._turned_over ^= {before.message_id, item.message_id}
        key = (item.message_id, self.width, self._folded(position, item))
        self._rendered.put(key, growing.render(item, self.width, folded=key[2], palette=self.palette))

    def _at_hand(self) -> list[int]:
        return [*self.items.positions(), *range(self._stored, self.count)]

    def turn_of(self, position: int) -> int | None:
        """The turn of an item; None while it is not at hand."""
        item = self.item(position)
        return None if item is None else item.turn

    def start_of_turn(self, position: int) -> int | None:
        """Position of the first item of an item's turn; None while that is not at hand."""
        turn = self.turn_of(position)
        while position > 0 and (above := self.turn_of(position - 1)) == turn:
            position -= 1
        return position if position == 0 or above is not None else None

    def lead(self, position: int) -> int:
        """Blank lines above a block: none among the steps of an agent."""
        if not 0 < position < self.count:
            return 0
        here, above = self._kinds[position] & _KIND, self._kinds[position - 1] & _KIND
        return int(here != _STEP or above not in (_STEP, _UNKNOWN))

    def line(self, position: int, number: int) -> Line:
        """One line of a block that is in the flow."""
        if position == self.count:
            return end_lines(self.view, self.width, self.palette)[number]
        item = self.item(position)
        if item is None:
            return Line([], (Segment("·" if number == 1 else " ", self.palette.muted),))
        number -= self.lead(position)
        if number < 0:
            return Line([])
        if item.type == "user":
            if number == 0:
                return turn_header(self.view, item, self.width, self.palette)
            number -= 1
        return self._draw(position, item).lines[number]

    def lines(self, first: int, last: int) -> Iterator[tuple[int, int, Line]]:
        """Block, number and line for the items at hand from one position to another."""
        for position in self._at_hand():
            if first <= position <= last:
                for number in range(self.flow.block_height(position)):
                    yield position, number, self.line(position, number)

    def folds(self, position: int) -> bool:
        """Whether there is something to fold or unfold."""
        item = self.item(position)
        return item is not None and self._draw(position, item).folds

    def folded(self, position: int) -> bool:
        """Whether the item shows its first line only, where it folds at all."""
        item = self.item(position)
        return item is not None and self._folded(position, item)

    def toggle(self, position: int) -> None:
        """Fold an item, or unfold it."""
        item = self.item(position)
        if item is not None:
            self._turned_over ^= {item.message_id}
            self.flow.forget(position)

    def toggle_all(self) -> None:
        """Unfold all that folds, or fold it again."""
        self._all_open = not self._all_open
        self._turned_over.clear()
        self.measure_anew()

    def fold_as_begun(self) -> None:
        """Forget which single items were folded or unfolded."""
        self._turned_over.clear()

    def _folded(self, position: int, item: Item) -> bool:
        opened = self._all_open or bool(self._kinds[position] & _OPEN)
        return opened == (item.message_id in self._turned_over)

    def _draw(self, position: int, item: Item) -> Rendered:
        key = (item.message_id, self.width, self._folded(position, item))
        if position in self._growing:
            return self._growing[position].render(item, self.width, folded=key[2], palette=self.palette)
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = render_item(item, self.width, folded=key[2], palette=self.palette)
            self._rendered.put(key, rendered)
        return rendered

    def _height(self, position: int) -> int | None:
        if position == self.count:
            return len(end_lines(self.view, self.width, self.palette))
        item = self.item(position)
        if item is None:
            return None
        return self.lead(position) + (item.type == "user") + len(self._draw(position, item).lines)

    def _learn(self, position: int) -> None:
        """Take note of an item's kind and of about how tall it is."""
        item = self.item(position)
        if item is None:
            return
        after = position + 1
        before = self.lead(after)
        kind = _TURN if item.type == "user" else _STEP if is_step(item) else _MESSAGE
        self._kinds[position] = kind | (_OPEN if starts_open(item) else 0)
        self.flow.forget(position)
        self._guess(position)
        if change := self.lead(after) - before:
            self.flow.forget(after)
            self.flow.shift(after, change)

    def _guess(self, position: int) -> None:
        item = self.item(position)
        if item is not None:
            self.flow.guess(position, 1 + estimated_height(item, self.width, self._folded(position, item)))


def _after(stored: int, live: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(item for item in live if item.position >= stored)
