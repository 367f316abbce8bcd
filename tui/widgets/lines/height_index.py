"""Which line of a long list stands where, while most heights are only estimated."""

from __future__ import annotations

from array import array

__all__ = ["FenwickHeights"]


class FenwickHeights:
    """The heights of a list of blocks, in a Fenwick tree: sums, searches and changes take log(n) steps."""

    def __init__(self, count: int, height: int) -> None:
        """Start with `count` blocks of the same height."""
        self._heights = array("q", [height]) * count
        # The sum that stands at an index reaches over as many blocks as the lowest bit of the index says.
        sums = array("q", [height])
        while len(sums) < count:
            sums += sums
            sums[-1] = height * len(sums)
        self._tree = array("q", [0]) + sums[:count]
        self._top = 1 << max(count.bit_length() - 1, 0)

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
        """Lines of all blocks."""
        return self.before(len(self._heights))

    def before(self, index: int) -> int:
        """Lines above a block."""
        lines = 0
        while index:
            lines += self._tree[index]
            index &= index - 1
        return lines

    def find(self, line: int) -> tuple[int, int]:
        """The block that holds a line, counted from 0, and the line within it; clamped to the list's ends.

        Raises:
            IndexError: There are no blocks.
        """
        if not self._heights:
            raise IndexError("no blocks")
        if line >= self.total:
            last = len(self._heights) - 1
            return last, max(self._heights[last] - 1, 0)
        index, left, step = 0, max(line, 0), self._top
        while step:
            ahead = index + step
            if ahead < len(self._tree) and self._tree[ahead] <= left:
                index = ahead
                left -= self._tree[ahead]
            step >>= 1
        return index, left

    def resize(self, count: int, height: int) -> None:
        """Drop blocks from the end, or add some of the given height there."""
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
        self._top = 1 << max(count.bit_length() - 1, 0)
