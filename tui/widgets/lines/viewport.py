"""A window over a column of blocks of lines, which measures only the blocks near the window."""

from __future__ import annotations

from collections.abc import Callable

from tui.widgets.lines.height_index import FenwickHeights

__all__ = ["Viewport"]


class Viewport:
    """A window over a column of blocks.

    The anchor, the block and line in the top row, is the window's position. It does not change when heights turn out to
    differ from their estimates; scroll offsets are derived from it.

    Attributes:
        anchor: Block and line of the window's top row.
        height: Rows of the window.
        at_end: Whether the last line was in sight after the last move.
    """

    def __init__(self, measure_block: Callable[[int], int | None], estimate: int) -> None:
        """Create a window over no blocks.

        Args:
            measure_block: Returns the height of a block in lines; None while it is not known.
            estimate: The height that is assumed for a block until it is measured.
        """
        self._measure_block = measure_block
        self._estimate = estimate
        self._heights = FenwickHeights(0, estimate)
        self._measured = bytearray()
        self.anchor = (0, 0)
        self.height = 0
        self.at_end = False

    def __len__(self) -> int:
        return len(self._heights)

    @property
    def total(self) -> int:
        """The height of all blocks, in part estimated."""
        return self._heights.total

    @property
    def top(self) -> int:
        """The number of lines above the window, in part estimated."""
        position, line = self.anchor
        return self._heights.before(position) + line

    def reset(self, count: int) -> None:
        """Forget all heights; keep the anchor if its block exists."""
        self._heights = FenwickHeights(count, self._estimate)
        self._measured = bytearray(count)
        self._clamp_anchor()

    def resize(self, count: int) -> None:
        """Set the number of blocks: drop blocks from the end, or add unmeasured blocks."""
        self._heights.resize(count, self._estimate)
        del self._measured[count:]
        self._measured.extend(bytes(count - len(self._measured)))
        self._clamp_anchor()

    def estimate(self, position: int, height: int) -> None:
        """Set a better estimate for a block's height, unless the block was measured."""
        if not self._measured[position]:
            self._heights[position] = height

    def invalidate(self, position: int) -> None:
        """Mark a block to be measured again when it is next needed."""
        self._measured[position] = 0

    def shift_anchor(self, position: int, lines: int) -> None:
        """Keep the anchor on the same content after lines were added or removed at the top of a block."""
        if self.anchor[0] == position:
            self.anchor = position, max(self.anchor[1] + lines, 0)

    def block_height(self, position: int) -> int:
        """Return the height of a block, measured if possible."""
        if not self._measured[position]:
            height = self._measure_block(position)
            if height is not None:
                self._heights[position] = height
                self._measured[position] = 1
        return self._heights[position]

    def scroll_by(self, lines: int) -> None:
        """Move the window down, or up if `lines` is negative."""
        self._move_to(self._walk(*self.anchor, lines))

    def seek(self, line: int) -> None:
        """Move the window's top to a line counted from the first, in part by estimated heights."""
        if len(self):
            self._move_to(self._heights.find(line))

    def scroll_to(self, position: int, line: int = 0) -> None:
        """Move the window's top to a line of a block."""
        self._move_to((position, line))

    def scroll_to_end(self) -> None:
        """Move the window's bottom to the last line."""
        self._move_to(self._last_anchor())

    def measure(self) -> None:
        """Measure the blocks in the window and one window above and below, after heights or the window changed."""
        self._move_to(self.anchor)

    def rows(self) -> list[tuple[int, int]]:
        """Return block and line of each row of the window; fewer than its height if there are not enough lines."""
        rows: list[tuple[int, int]] = []
        position, line = self.anchor
        while len(rows) < self.height and position < len(self):
            end = min(self._heights[position], line + self.height - len(rows))
            rows += [(position, number) for number in range(line, end)]
            position, line = position + 1, 0
        return rows

    def row_of(self, position: int) -> int:
        """Return the row at which a block begins: negative above the window, `height` or more below it."""
        return self._heights.before(position) - self.top

    def _clamp_anchor(self) -> None:
        position, line = self.anchor
        if position >= len(self):
            self.anchor = max(len(self) - 1, 0), 0
        elif line >= self._heights[position]:
            self.anchor = position, max(self._heights[position] - 1, 0)

    def _move_to(self, anchor: tuple[int, int]) -> None:
        if not len(self):
            self.anchor, self.at_end = (0, 0), True
            return
        position, line = anchor
        line = min(line, max(self.block_height(position) - 1, 0))
        self.at_end = self._lines_from(position, line, self.height + 1) <= self.height
        self.anchor = self._last_anchor() if self.at_end else (position, line)
        self._lines_from(*self.anchor, 2 * self.height)
        self._walk(*self.anchor, -self.height)

    def _lines_from(self, position: int, line: int, limit: int) -> int:
        """Measure the blocks from a line on, and return the number of lines from there, at most `limit`."""
        found = -line
        while found < limit and position < len(self):
            found += self.block_height(position)
            position += 1
        return min(found, limit)

    def _last_anchor(self) -> tuple[int, int]:
        """Return the anchor with which the bottom row shows the last line."""
        last = len(self) - 1
        return self._walk(last, self.block_height(last), -self.height) if last >= 0 else (0, 0)

    def _walk(self, position: int, line: int, lines: int) -> tuple[int, int]:
        """Return the line that is a number of lines below or above another line, clamped to the first and last line."""
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
