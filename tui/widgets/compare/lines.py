"""Two turns as rows: side by side, or one below the other where there is no room for two columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Final, NamedTuple, TypeAlias

from rich.segment import Segment
from rich.style import Style

from tui.items.types import MESSAGE_TYPES, ItemKind, item_type
from tui.model.compare import ComparedItem, Comparison, ItemPair, TurnComparison
from tui.model.diff import Span
from tui.printable import printable
from tui.render import ItemStyles, wrap
from tui.widgets.format import fit_name

__all__ = ["Block", "DiffStyles", "Row", "draw_turns"]

Cells: TypeAlias = list[Segment]

_MOST_ROWS: Final = 600
"""Rows of one item at most."""

_LONG: Final = 480
"""Characters of a stretch that both sides have from which its middle is left out."""

_KEPT: Final = 160
"""Characters of it that are kept at either end."""

_SIGN: Final = 2
"""Cells left of a text: what says that it differs, and a blank."""


class DiffStyles(NamedTuple):
    """The styles of a comparison.

    Attributes:
        item_styles: Those of items.
        left: What only the left side has.
        right: What only the right side has.
        left_words: Words of a text that only the left side has.
        right_words: Words that only the right side has.
    """

    item_styles: ItemStyles
    left: Style
    right: Style
    left_words: Style
    right_words: Style


class Row(NamedTuple):
    """A row of two columns, or of one.

    Attributes:
        left: The left column, or the whole row in one column.
        right: The right column.
        side: In one column, whose row it is: 0 the left side's, 1 the right's, None of both.
    """

    left: Cells
    right: Cells
    side: int | None = None


class Block(NamedTuple):
    """Two turns, drawn.

    Attributes:
        rows: At least one.
        differences: The rows at which something begins that differs.
    """

    rows: Sequence[Row]
    differences: Sequence[int]


class _Piece(NamedTuple):
    """Lines of a text that answer to one another; None where a side has none.

    Words are marked as differing only where others are not: a text that differs as a whole has its sign for that.
    """

    left: Sequence[Span] | None
    right: Sequence[Span] | None
    differs: bool


class _Drawing:
    """Draws one pair of turns.

    Args:
        width: Cells of a column.
        columns: 2 for side by side, 1 for one below the other.
        inks: The styles.
        full: Whether what both sides have is shown in full.
    """

    def __init__(self, width: int, columns: int, inks: DiffStyles, *, full: bool) -> None:
        self._width = max(width, _SIGN + 1)
        self._columns = columns
        self._inks = inks
        self._full = full
        self.rows: list[Row] = []

    def head(self, comparison: Comparison, detail: TurnComparison) -> None:
        """Number and branch of the turns."""
        inks, pair = self._inks, detail.pair
        left = self._title(pair.left, comparison.left.branch_id, inks.left)
        right = self._title(pair.right, comparison.right.branch_id, inks.right)
        if self._columns == 2:
            self.rows.append(Row(left, right))
        elif pair.left is None or pair.right is None:
            self.rows.append(Row(left or right, [], 0 if left else 1))
        else:
            gap = Segment("  ")
            self.rows.append(Row([*left, gap, *right], []))

    def part(self, pair: ItemPair) -> None:
        """An item of each side."""
        left, right, differs = pair
        if not differs and left is not None:
            self._same(left)
            return
        heads = self._heads(left), self._heads(right)
        if self._columns == 2:
            self._rows([_cut(heads[0], self._width)] if left else [], [_cut(heads[1], self._width)] if right else [])
        elif left and right and heads[0] == heads[1]:
            self.rows.append(Row(_cut(heads[0], self._width), []))
        else:
            signs = Segment("− ", self._inks.left), Segment("+ ", self._inks.right)
            self.rows += [
                Row(_cut([signs[side], *heads[side]], self._width), [], side)
                for side, part in enumerate((left, right))
                if part
            ]
        first = len(self.rows)
        for piece in _pieces(left, right, full=self._full):
            self._piece(piece)
            if len(self.rows) - first > _MOST_ROWS:
                del self.rows[first + _MOST_ROWS :]
                self._note("… more lines, Enter goes to the turn")
                break
        left_out = max(part.omitted if part else 0 for part in (left, right))
        if left_out:
            self._note(f"… {left_out:,} more characters that are not compared")

    def more(self, left: int, right: int) -> None:
        """Items that were not read."""
        if left or right:
            self._rows([self._more(left)], [self._more(right)])

    def _more(self, count: int) -> Cells:
        words = f"… {count:,} more item{'s' * (count != 1)}" if count else ""
        return [Segment(words, self._inks.item_styles.muted)]

    def _title(self, turn: int | None, branch_id: str, ink: Style) -> Cells:
        if turn is None:
            return []
        title = self._inks.item_styles.title
        number = f"{turn}" if turn else "before turn 1"
        room = self._width - len(number) - 2
        return [Segment(number, title), Segment("  "), Segment(fit_name(branch_id, room), ink)]

    def _heads(self, part: ComparedItem | None) -> Cells:
        item_styles = self._inks.item_styles
        if part is None:
            return []
        if part.type in MESSAGE_TYPES:
            return [Segment("you" if part.type == "user" else "agent", item_styles.muted)]
        kind = item_type(part.type).kind
        if kind is ItemKind.REASONING:
            return [Segment("✻ thought", item_styles.muted)]
        if kind is ItemKind.OUTPUT:
            return [Segment(f"→ {printable(part.tool_name or 'output')}", item_styles.muted)]
        name = printable(part.tool_name or part.type)
        return [Segment("⚙ ", item_styles.muted), Segment(name, item_styles.tool)]

    def _same(self, part: ComparedItem) -> None:
        """An item that both sides have, as far as it takes to know it again."""
        muted = self._inks.item_styles.muted
        head = [*self._heads(part), Segment("  =", muted)]
        text = part.text.strip()
        spans = [Segment(printable(text if self._full else text[:_LONG]), muted)]
        most = _MOST_ROWS if self._full else 2
        lines = list(islice(wrap(spans, self._width - _SIGN), most + 1))
        if len(lines) > most:
            lines[most - 1].content.append(Segment(" …", muted))
        body = [_indent(line.content) for line in lines[:most]] if text else []
        for cells in (head, *body):
            self._both(cells)

    def _piece(self, piece: _Piece) -> None:
        inks, differs = self._inks, piece.differs
        left = self._wrapped(piece.left, "−", inks.left, inks.left_words, differs)
        right = self._wrapped(piece.right, "+", inks.right, inks.right_words, differs)
        if self._columns == 2:
            self._rows(left, right)
        elif not differs:
            self.rows += [Row(cells, []) for cells in left]
        else:
            self.rows += [Row(cells, [], 0) for cells in left]
            self.rows += [Row(cells, [], 1) for cells in right]

    def _wrapped(self, runs: Sequence[Span] | None, sign: str, ink: Style, words: Style, differs: bool) -> list[Cells]:
        if runs is None:
            return []
        text = self._inks.item_styles.text
        spans = [span for run in runs for span in _spans(run, words if run.differs else text, text)]
        mark = (Segment(f"{sign} ", ink),) if differs else (Segment(" " * _SIGN),)
        lines = islice(wrap(spans, self._width, first=mark), _MOST_ROWS)
        return [[*line.prefix, *line.content] for line in lines]

    def _both(self, cells: Cells) -> None:
        self.rows.append(Row(cells, list(cells) if self._columns == 2 else []))

    def _note(self, words: str) -> None:
        self._both(_indent([Segment(words, self._inks.item_styles.muted)]))

    def _rows(self, left: Sequence[Cells], right: Sequence[Cells]) -> None:
        if self._columns == 2:
            self.rows += [Row(ours or [], theirs or []) for ours, theirs in zip_longest(left, right)]
        else:
            self.rows += [Row(cells, [], side) for side, rows in enumerate((left, right)) for cells in rows if cells]


def draw_turns(
    comparison: Comparison, detail: TurnComparison, width: int, columns: int, inks: DiffStyles, *, full: bool = False
) -> Block:
    """Draw a pair of turns.

    Args:
        comparison: What it belongs to.
        detail: The turns.
        width: Cells of a column.
        columns: 2 for side by side, 1 for one below the other.
        inks: The styles.
        full: Whether what both sides have is shown in full.
    """
    drawing = _Drawing(width, columns, inks, full=full)
    drawing.head(comparison, detail)
    alone = None in detail.pair
    differences = [0] if alone else []
    for part in detail.items:
        if part.differs and not alone:
            differences.append(len(drawing.rows))
        drawing.part(part)
    drawing.more(detail.left_more, detail.right_more)
    drawing.rows.append(Row([], []))
    return Block(drawing.rows, differences)


def _spans(run: Span, style: Style, around: Style) -> Iterator[Segment]:
    """The words of a run in their style, the blanks after them in that of what is around."""
    shown = printable(run.text)
    words = shown.rstrip()
    yield Segment(words, style)
    yield Segment(shown[len(words) :], around)


def _cut(cells: Cells, width: int) -> Cells:
    return list(Segment.adjust_line_length(cells, width, pad=False))


def _indent(cells: Cells) -> Cells:
    return [Segment(" " * _SIGN), *cells]


def _pieces(left: ComparedItem | None, right: ComparedItem | None, *, full: bool) -> Iterator[_Piece]:
    """The texts of two items, parted at lines that both have, so that what follows stands on the same row again."""
    if left is None or right is None:
        part = left or right
        if part is not None and part.text.strip():
            runs = [Span(part.text.strip("\n"), differs=False)]
            yield _Piece(runs, None, differs=True) if left else _Piece(None, runs, differs=True)
        return
    if all(run.differs for run in (*left.spans, *right.spans)):
        ours, theirs = ([Span(part.text.strip("\n"), differs=False)] for part in (left, right))
        yield _Piece(ours, theirs, differs=True)
        return
    ours, theirs = [], []
    for changed, common in _steps(left.spans, right.spans):
        ours += changed[0]
        theirs += changed[1]
        if common is None:
            continue
        one, other = (_shortened(run.text) if not full else run.text for run in common)
        for before, after in zip(_thirds(one), _thirds(other), strict=False):
            ours.append(Span(before, differs=False))
            theirs.append(Span(after, differs=False))
            if before.endswith("\n") and after.endswith("\n"):
                yield _trimmed(ours, theirs)
                ours, theirs = [], []
    if any(run.text.strip() for run in (*ours, *theirs)):
        yield _trimmed(ours, theirs)


def _steps(
    left: Sequence[Span], right: Sequence[Span]
) -> Iterator[tuple[tuple[list[Span], list[Span]], tuple[Span, Span] | None]]:
    """What each side has alone, and the run of both that comes after it: of these both sides have equally many."""
    rest = iter(right)
    changed: tuple[list[Span], list[Span]] = ([], [])
    for run in left:
        if run.differs:
            changed[0].append(run)
            continue
        for other in rest:
            if not other.differs:
                yield changed, (run, other)
                break
            changed[1].append(other)
        changed = ([], [])
    changed[1].extend(rest)
    yield changed, None


def _thirds(text: str) -> tuple[str, str, str]:
    """The end of a line that began before, whole lines, and the beginning of a line."""
    first, last = text.find("\n") + 1, text.rfind("\n") + 1
    return text[:first], text[first:last], text[last:]


def _shortened(text: str) -> str:
    if len(text) <= _LONG:
        return text
    head, tail = text[:_KEPT], text[-_KEPT:]
    head = head[: head.rfind("\n") + 1] or head
    tail = tail[tail.find("\n") + 1 :] or tail
    left_out = len(text) - len(head) - len(tail)
    return f"{head.rstrip()}\n… {left_out:,} characters the same …\n{tail}"


def _trimmed(left: Sequence[Span], right: Sequence[Span]) -> _Piece:
    return _Piece(_without_end(left), _without_end(right), any(run.differs for run in (*left, *right)))


def _without_end(runs: Sequence[Span]) -> list[Span]:
    """The runs without the newline that ends their last line."""
    kept = [run for run in runs if run.text]
    if kept and kept[-1].text.endswith("\n"):
        kept[-1] = kept[-1]._replace(text=kept[-1].text[:-1])
    return kept
