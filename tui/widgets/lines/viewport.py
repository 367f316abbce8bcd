"""Which lines of a long column of blocks are in sight, while only the blocks near by are measured."""

from __future__ import annotations

from collections.abc import Callable

from tui.widgets.lines.height_index import FenwickHeights

__all__ = ["Viewport"]


class Viewport:
    """A window on a column of blocks.

    The anchor, a block and a line of it at the window's top, is the truth: it stays when heights above or below turn
    out to be others than estimated. What a scrollbar shows is derived from it.
    """

    def __init__(self, measure: Callable[[int], int | None], estimate: int) -> None:
        """Start without blocks.

        Args:
            measure: The exact height of a block in lines; None while it is not known.
            estimate: The height of a block of which nothing is known.
        """
        self._measure = measure
        self._estimate = estimate
        self._map = FenwickHeights(0, estimate)
        self._exact = bytearray()
        self.anchor = (0, 0)
        """Block and line of it at the top of the window."""
        self.height = 0
        """Lines of the window."""
        self.at_end = False
        """Whether the last line was in sight when the window came to rest."""

    def __len__(self) -> int:
        return len(self._map)

    @property
    def total(self) -> int:
        """Lines of all blocks, as far as known."""
        return self._map.total

    @property
    def top(self) -> int:
        """Lines above the window, as far as known."""
        position, line = self.anchor
        return self._map.before(position) + line

    def reset(self, count: int) -> None:
        """Forget all heights; the anchor stays where there is such a block."""
        self._map = FenwickHeights(count, self._estimate)
        self._exact = bytearray(count)
        self._clamp()

    def resize(self, count: int) -> None:
        """Drop blocks from the end or add some there."""
        self._map.resize(count, self._estimate)
        del self._exact[count:]
        self._exact.extend(bytes(count - len(self._exact)))
        self._clamp()

    def guess(self, position: int, height: int) -> None:
        """Set a height that is better than the estimate, until the block is measured."""
        if not self._exact[position]:
            self._map[position] = height

    def forget(self, position: int) -> None:
        """Measure a block again when it is in sight."""
        self._exact[position] = 0

    def shift(self, position: int, lines: int) -> None:
        """Hold the anchor's place where a block got lines at its top."""
        if self.anchor[0] == position:
            self.anchor = position, max(self.anchor[1] + lines, 0)

    def block_height(self, position: int) -> int:
        """The height of a block, exact if that can be known."""
        if not self._exact[position]:
            height = self._measure(position)
            if height is not None:
                self._map[position] = height
                self._exact[position] = 1
        return self._map[position]

    def move(self, lines: int) -> None:
        """Move the window down, or up, by an exact number of lines."""
        self._rest(self._walk(*self.anchor, lines))

    def seek(self, line: int) -> None:
        """Move the window to a line counted from the top, as far as known."""
        if len(self):
            self._rest(self._map.find(line))

    def show(self, position: int, line: int = 0) -> None:
        """Move a block's line to the top of the window."""
        self._rest((position, line))

    def end(self) -> None:
        """Move the last line to the bottom of the window."""
        self._rest(self._last())

    def settle(self) -> None:
        """Measure what is in sight, and a window more on either side, after heights or the window have changed."""
        self._rest(self.anchor)

    def rows(self) -> list[tuple[int, int]]:
        """Block and line of each row of the window; fewer than its height where the column ends."""
        rows: list[tuple[int, int]] = []
        position, line = self.anchor
        while len(rows) < self.height and position < len(self):
            rows += [(position, at) for at in range(line, min(self._map[position], line + self.height - len(rows)))]
            position, line = position + 1, 0
        return rows

    def row_of(self, position: int) -> int:
        """The row on which a block begins: negative above the window, `height` or more below it."""
        return self._map.before(position) - self.top

    def _clamp(self) -> None:
        position, line = self.anchor
        if position >= len(self):
            self.anchor = max(len(self) - 1, 0), 0
        elif line >= self._map[position]:
            self.anchor = position, max(self._map[position] - 1, 0)

    def _rest(self, anchor: tuple[int, int]) -> None:
        if not len(self):
            self.anchor, self.at_end = (0, 0), True
            return
        position, line = anchor
        line = min(line, max(self.block_height(position) - 1, 0))
        self.at_end = self._reach(position, line, self.height + 1) <= self.height
        self.anchor = self._last() if self.at_end else (position, line)
        self._reach(*self.anchor, 2 * self.height)
        self._walk(*self.anchor, -self.height)

    def _reach(self, position: int, line: int, lines: int) -> int:
        """How many lines there are from a line on, up to `lines`; measures the blocks that they belong to."""
        found = -line
        while found < lines and position < len(self):
            found += self.block_height(position)
            position += 1
        return min(found, lines)

    def _last(self) -> tuple[int, int]:
        """The anchor that has the last line at the bottom of the window."""
        last = len(self) - 1
        return self._walk(last, self.block_height(last), -self.height) if last >= 0 else (0, 0)

    def _walk(self, position: int, line: int, lines: int) -> tuple[int, int]:
        """Go from one line to another over measured blocks; stops at the ends."""
        line += lines
        while line < 0 and position > 0:
            position -= 1
            line += self.block_height(position)
        if line < 0:
            return 0, 0
        while line >= self.block_height(position):
            if position == len(self) - 1:
                return position, max(self.block_height(position) - 1, 0)
            line -= self.block_height(position)
            position += 1
        return position, line
