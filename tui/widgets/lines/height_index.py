"""The heights of blocks, and which block a line belongs to."""

from __future__ import annotations

from array import array

__all__ = ["FenwickHeights"]


class FenwickHeights:
    """The heights of a list of blocks in a Fenwick tree: sums, searches and changes take log(n) steps."""

    def __init__(self, count: int, height: int) -> None:
        """Create an index of `count` blocks of the same height."""
        self._heights = array("q", [height]) * count
        # The sum at an index covers as many blocks as the lowest set bit of the index.
        sums = array("q", [height])
        while len(sums) < count:
            sums += sums
            sums[-1] = height * len(sums)
        self._tree = array("q", [0]) + sums[:count]
        self._highest_step = 1 << max(count.bit_length() - 1, 0)

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    def __setitem__(self, index: int, height: int) -> None:
        change = height - self._heights[index]
        if not change:
            return
        self._heights[index] = height
        index += 1
        while index < len(self._tree):
            self._tree[index] += change
            index += index & -index

    @property
    def total(self) -> int:
        """The number of lines of all blocks."""
        return self.before(len(self._heights))

    def before(self, index: int) -> int:
        """Return the number of lines above a block."""
        lines = 0
        while index:
            lines += self._tree[index]
            index &= index - 1
        return lines

    def find(self, line: int) -> tuple[int, int]:
        """Return the block with a line, counted from 0, and the number of the line in it; clamped to the list.

        Raises:
            IndexError: There are no blocks.
        """
        if not self._heights:
            raise IndexError("no blocks")
        if line >= self.total:
            last = len(self._heights) - 1
            return last, max(self._heights[last] - 1, 0)
        index, left, step = 0, max(line, 0), self._highest_step
        while step:
            ahead = index + step
            if ahead < len(self._tree) and self._tree[ahead] <= left:
                index = ahead
                left -= self._tree[ahead]
            step >>= 1
        return index, left

    def resize(self, count: int, height: int) -> None:
        """Set the number of blocks: drop blocks from the end, or add blocks of the given height."""
        if count < len(self._heights):
            del self._heights[count:]
            del self._tree[count + 1 :]
        while len(self._heights) < count:
            self._heights.append(height)
            index = len(self._heights)
            lines, child, stop = height, index - 1, index - (index & -index)
            while child > stop:
                lines += self._tree[child]
                child &= child - 1
            self._tree.append(lines)
        self._highest_step = 1 << max(count.bit_length() - 1, 0)
