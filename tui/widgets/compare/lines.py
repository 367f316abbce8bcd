"""Compared turns and requests as rows: in two columns, or in one if there is no room for two."""

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
from tui.render import ItemStyles, Line, wrap
from tui.render.markdown import markdown_lines
from tui.widgets.compare.chunks import Chunk, chunks
from tui.widgets.compare.marked import mark_words
from tui.widgets.format import fit_name

__all__ = ["Block", "DiffStyles", "Row", "draw_names", "draw_pairs", "draw_turns"]

Cells: TypeAlias = list[Segment]

_MAX_ROWS: Final = 600
"""Maximum number of rows of an item."""

_SUMMARY_ROWS: Final = 2
"""Rows of the text of an item that both sides have, unless it is shown in full."""

_SUMMARY_LENGTH: Final = 480
"""Characters of a shortened text that are enough to fill its rows."""

_SIGN_WIDTH: Final = 2
"""Cells to the left of a text: `−` or `+` if it differs, and a blank."""


_NO_SIGN: Final = Segment(" " * _SIGN_WIDTH)


class DiffStyles(NamedTuple):
    """The styles of a comparison.

    Attributes:
        item_styles: The styles of items.
        left: The left branch's name, and the sign of texts that only the left side has.
        right: The right branch's name, and the sign of texts that only the right side has.
        left_words: Words that only the left text has.
        right_words: Words that only the right text has.
    """

    item_styles: ItemStyles
    left: Style
    right: Style
    left_words: Style
    right_words: Style


class Row(NamedTuple):
    """A row in two columns, or in one.

    Attributes:
        left: The left column; with one column, the row.
        right: The right column; empty with one column.
        side: With one column, the side of the row: 0 for left, 1 for right, None for both.
    """

    left: Cells
    right: Cells
    side: int | None = None


class Block(NamedTuple):
    """Compared items as rows.

    Attributes:
        rows: The rows, one at least.
        differences: Numbers of the rows at which a difference begins.
    """

    rows: Sequence[Row]
    differences: Sequence[int]


def draw_turns(
    comparison: Comparison,
    turns: TurnComparison,
    width: int,
    column_count: int,
    styles: DiffStyles,
    *,
    full: bool = False,
) -> Block:
    """Draw two compared turns.

    Args:
        comparison: The comparison that the turns belong to.
        turns: The turns.
        width: Cells of a column.
        column_count: 2 for side by side, 1 for one below the other.
        styles: The styles.
        full: Whether to show items that both sides have in full.
    """
    drawing = _Drawing(width, column_count, styles, full=full)
    drawing.add_header(comparison, turns)
    one_sided = None in turns.pair
    differences = [0] if one_sided else []
    for pair in turns.items:
        if pair.differs and not one_sided:
            differences.append(len(drawing.rows))
        drawing.add_items(pair)
    drawing.add_omitted(turns.left_more, turns.right_more)
    drawing.rows.append(Row([], []))
    return Block(drawing.rows, differences)


def draw_names(left: str, right: str, width: int, column_count: int, styles: DiffStyles) -> Block:
    """Draw the names of two sides, which may be untrusted text."""
    drawing = _Drawing(width, column_count, styles, full=False)
    drawing.add_names(left, right)
    drawing.rows.append(Row([], []))
    return Block(drawing.rows, [])


def draw_pairs(
    heading: tuple[str, str] | None,
    pairs: Sequence[ItemPair],
    width: int,
    column_count: int,
    styles: DiffStyles,
    *,
    labels: bool = True,
    full: bool = False,
) -> Block:
    """Draw paired items.

    Args:
        heading: A heading and a note on it; None for no heading.
        pairs: The items.
        width: Cells of a column.
        column_count: 2 for side by side, 1 for one below the other.
        styles: The styles.
        labels: Whether each item gets a line with its role or tool.
        full: Whether to show in full what both sides have.
    """
    drawing = _Drawing(width, column_count, styles, full=full)
    if heading is not None:
        drawing.add_heading(*heading)
    differences = []
    for pair in pairs:
        if pair.differs:
            differences.append(len(drawing.rows))
        drawing.add_items(pair, labels=labels)
    return Block(drawing.rows or [Row([], [])], differences)


class _Drawing:
    """The rows that have been drawn so far."""

    def __init__(self, width: int, column_count: int, styles: DiffStyles, *, full: bool) -> None:
        self.rows: list[Row] = []
        self._width = max(width, _SIGN_WIDTH + 1)
        self._column_count = column_count
        self._styles = styles
        self._full = full

    def add_header(self, comparison: Comparison, turns: TurnComparison) -> None:
        """Add numbers and branches of the turns."""
        styles, pair = self._styles, turns.pair
        left = self._title(pair.left, comparison.left.name, styles.left)
        right = self._title(pair.right, comparison.right.name, styles.right)
        if self._column_count == 2:
            self.rows.append(Row(left, right))
        elif pair.left is None or pair.right is None:
            self.rows.append(Row(left or right, [], 0 if left else 1))
        else:
            self.rows.append(Row([*left, Segment("  "), *right], []))

    def add_names(self, left: str, right: str) -> None:
        """Add the name of each side."""
        styles = self._styles
        names = [
            [Segment(sign, style), Segment(fit_name(name, self._width - _SIGN_WIDTH), style)]
            for sign, name, style in (("− ", left, styles.left), ("+ ", right, styles.right))
        ]
        if self._column_count == 2:
            self.rows.append(Row(names[0], names[1]))
        else:
            self.rows += [Row(cells, [], side) for side, cells in enumerate(names)]

    def add_heading(self, heading: str, note: str) -> None:
        """Add a heading and a note on it."""
        styles = self._styles.item_styles
        cells = self._cut([Segment(heading, styles.title), Segment(f"  {note}" if note else "", styles.muted)])
        # The note is one for both sides.
        self.rows.append(Row(cells, []))

    def add_items(self, pair: ItemPair, *, labels: bool = True) -> None:
        """Add an item of each side; `labels` adds a line with its role or tool."""
        left, right, differs = pair
        if not differs and left is not None:
            self._add_common(left, labels=labels)
            return
        if labels:
            self._add_labels(left, right)
        first = len(self.rows)
        is_markdown = all(item is None or item.type == "assistant" for item in (left, right))
        for chunk in chunks(left, right, full=self._full):
            self._add_chunk(chunk, is_markdown=is_markdown and not chunk.in_code)
            if len(self.rows) - first > _MAX_ROWS:
                del self.rows[first + _MAX_ROWS :]
                self._add_note("… more lines, Enter goes to the turn")
                break
        omitted = max(item.omitted if item else 0 for item in (left, right))
        if omitted:
            self._add_note(f"… {omitted:,} more characters that are not compared")

    def add_omitted(self, left: int, right: int) -> None:
        """Add a line that tells how many items are not compared."""
        if left or right:
            self._add_columns([self._more(left)], [self._more(right)])

    def _more(self, count: int) -> Cells:
        text = "" if not count else "… 1 more item" if count == 1 else f"… {count:,} more items"
        return [Segment(text, self._styles.item_styles.muted)]

    def _title(self, turn: int | None, branch_name: str, style: Style) -> Cells:
        if turn is None:
            return []
        number = f"{turn}" if turn else "before turn 1"
        name = fit_name(branch_name, self._width - len(number) - 2)
        return [Segment(number, self._styles.item_styles.title), Segment("  "), Segment(name, style)]

    def _label(self, item: ComparedItem) -> Cells:
        styles = self._styles.item_styles
        if item.type in MESSAGE_TYPES:
            return [Segment("you" if item.type == "user" else "agent", styles.muted)]
        kind = item_type(item.type).kind
        if kind is ItemKind.REASONING:
            return [Segment("✻ thought", styles.muted)]
        if kind is ItemKind.OUTPUT:
            return [Segment(f"↳ {printable(item.tool_name or 'output')}", styles.muted)]
        return [Segment("⚙ ", styles.muted), Segment(printable(item.tool_name or item.type), styles.tool)]

    def _add_labels(self, left: ComparedItem | None, right: ComparedItem | None) -> None:
        if left is not None and right is not None:
            self._add_to_both(self._label(right))
            return
        signs = Segment("− ", self._styles.left), Segment("+ ", self._styles.right)
        self._add_columns(
            *(
                [] if item is None else [self._cut([sign, *self._label(item)])]
                for item, sign in zip((left, right), signs, strict=True)
            )
        )

    def _add_common(self, item: ComparedItem, *, labels: bool) -> None:
        """Add an item that both sides have, shortened unless everything is shown in full."""
        muted = self._styles.item_styles.muted
        if labels:
            self._add_to_both([*self._label(item), Segment("  =", muted)])
        text = item.text.strip()
        if not text:
            return
        limit = _MAX_ROWS if self._full else _SUMMARY_ROWS
        beginning = text if self._full else text[:_SUMMARY_LENGTH]
        lines = list(islice(self._common_lines(item, beginning), limit + 1))
        if len(lines) > limit:
            lines[limit - 1].content.append(Segment(" …", muted))
        for line in lines[:limit]:
            self._add_to_both(_indent([*line.prefix, *line.content]))

    def _common_lines(self, item: ComparedItem, text: str) -> Iterator[Line]:
        """Yield the lines of a text that both sides have, without the blank ones; answers are Markdown."""
        styles, width = self._styles.item_styles, self._width - _SIGN_WIDTH
        if item.type != "assistant":
            return iter(wrap([Segment(printable(text), styles.muted)], width))
        lines = markdown_lines(text, width, styles._replace(text=styles.muted))
        return (line for line in lines if line.content)

    def _add_chunk(self, chunk: Chunk, *, is_markdown: bool) -> None:
        styles, differs = self._styles, chunk.differs
        signs = (Segment("− ", styles.left), Segment("+ ", styles.right)) if differs else (_NO_SIGN, _NO_SIGN)
        sides = ((chunk.left, signs[0], styles.left_words), (chunk.right, signs[1], styles.right_words))
        rendered = [self._rendered(*side) for side in sides] if is_markdown else []
        # Both sides are drawn in the same way.
        drawn = [cells for cells in rendered if cells is not None]
        left, right = drawn if len(drawn) == 2 else [self._wrapped(*side) for side in sides]
        if differs or self._column_count == 2:
            self._add_columns(left, right)
        else:
            self.rows += [Row(cells, []) for cells in left]

    def _rendered(self, spans: Sequence[Span] | None, sign: Segment, words: Style) -> list[Cells] | None:
        """Draw a text as Markdown; return None if what differs cannot be marked then."""
        if spans is None:
            return []
        text = "".join(span.text for span in spans)
        if text.startswith(("    ", "\t")):
            # A part of a list would be taken for code.
            return None
        lines = markdown_lines(text, max(self._width - _SIGN_WIDTH, 1), self._styles.item_styles)
        marked = mark_words(lines, spans, words)
        return None if marked is None else [[sign, *line.prefix, *line.content] for line in marked[:_MAX_ROWS]]

    def _wrapped(self, spans: Sequence[Span] | None, sign: Segment, words: Style) -> list[Cells]:
        if spans is None:
            return []
        text = self._styles.item_styles.text
        content = [segment for span in spans for segment in _segments(span, words if span.differs else text, text)]
        lines = wrap(content, self._width, first_prefix=(sign,))
        return [[*line.prefix, *line.content] for line in islice(lines, _MAX_ROWS)]

    def _cut(self, cells: Cells) -> Cells:
        return list(Segment.adjust_line_length(cells, self._width, pad=False))

    def _add_note(self, text: str) -> None:
        self._add_to_both(_indent([Segment(text, self._styles.item_styles.muted)]))

    def _add_to_both(self, cells: Cells) -> None:
        self.rows.append(Row(cells, cells if self._column_count == 2 else []))

    def _add_columns(self, left: Sequence[Cells], right: Sequence[Cells]) -> None:
        if self._column_count == 2:
            self.rows += [
                Row(left_cells or [], right_cells or []) for left_cells, right_cells in zip_longest(left, right)
            ]
        else:
            self.rows += [Row(cells, [], side) for side, rows in enumerate((left, right)) for cells in rows if cells]


def _segments(span: Span, style: Style, blank_style: Style) -> Iterator[Segment]:
    """Yield the words of a span in one style, and the blanks after them in another."""
    text = printable(span.text)
    words = text.rstrip()
    yield Segment(words, style)
    yield Segment(text[len(words) :], blank_style)


def _indent(cells: Cells) -> Cells:
    return [_NO_SIGN, *cells]
