"""Rows of the tree as parts of text that fill a width, without colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.model import Branch, Session, Turn
from tui.printable import printable_line
from tui.widgets.format import fit_name, format_age, format_tokens
from tui.widgets.tree.rows import HiddenTurns, SessionRow, TurnRow
from tui.words import plural

__all__ = [
    "FAILED",
    "UNSEEN",
    "ClickTarget",
    "Columns",
    "PartStyle",
    "RowPart",
    "TurnAppearance",
    "draw_heading",
    "draw_session",
    "draw_turn",
    "label_marks",
]

UNSEEN: Final = "✦ "
"""Mark of a branch that another program created and that was not shown since."""

FAILED: Final = "✗"
"""Mark of a turn in which something failed."""

_HIDDEN: Final = "…"
_COUNT_CELLS: Final = 3
"""Cells for the number of forks whose lines are left out."""

_MIN_TEXT_CELLS: Final = 8
"""Minimum width of a turn's text; if there is less room, what follows it is left out."""
_COMFORTABLE_TEXT_CELLS: Final = 12
"""Width of a turn's text beside its place at a fork and a name with its full share; with less, the name yields."""
_NAME_CELLS: Final = 24
_MIN_NAME_CELLS: Final = 8
"""Cells of a branch's name that words do not take from it."""
_LEAST_NAME_CELLS: Final = 3
"""Cells that tell something of a name that is longer; with fewer it is left out."""


class PartStyle(StrEnum):
    """The style of a part of a row; the widget has a component class for each style."""

    GUIDE = "guide"
    NUMBER = "number"
    TEXT = "text"
    QUIET = "quiet"
    SESSION = "session"
    TOOLS = "tools"
    ERRORS = "errors"
    FORKS = "forks"
    MARK = "mark"
    HIT = "hit"
    TAG = "tag"
    CURRENT_TAG = "current-tag"


class ClickTarget(StrEnum):
    """The target of a click on a part of a row."""

    ROW = "row"
    FOLD = "fold"
    BRANCH = "branch"


class RowPart(NamedTuple):
    """A part of a row; its text has no control characters."""

    text: str
    style: PartStyle = PartStyle.TEXT
    target: ClickTarget = ClickTarget.ROW


class Columns(NamedTuple):
    """The widths of the columns of all rows of turns, in cells.

    Attributes:
        hidden_count: The number of forks whose lines are left out; 0 if there is room for all lines.
        lanes: The lines of forks, one cell each.
        number: The number of the turn.
        words: Words of the turn, and what follows them.
        tools: Tool calls, and the mark of failures, which has room in a narrower tree; 0 if there is none.
        tokens: 0 if there is no room.
    """

    hidden_count: int
    lanes: int
    number: int
    words: int
    tools: int
    tokens: int

    @classmethod
    def fit(cls, width: int, depth: int, number: int) -> Columns:
        """Divide a width.

        Args:
            depth: Depth of the deepest fork.
            number: Cells for the number of a turn.
        """
        room = max(4, min(10, width // 6))
        count = 0 if depth <= room else _COUNT_CELLS
        lanes = min(depth, room - count)
        tools = 5 if width >= 40 else 2 if width >= 22 else 0
        tokens = 6 if width >= 26 else 0
        left = cls(count, lanes, number, 0, 0, 0).left
        return cls(count, lanes, number, max(0, width - left - tools - tokens), tools, tokens)

    def hidden_forks(self, depth: int) -> int:
        """Return the number of forks, from the outermost, whose lines are left out of a row at a depth."""
        # In steps of all lanes, so that the lines of rows of nearly the same depth are in the same cells.
        return (depth - 1) // self.lanes * self.lanes if self.hidden_count and depth else 0

    @property
    def shows_tools(self) -> bool:
        """True if there is room for the number of tool calls."""
        return self.tools > 2

    @property
    def left(self) -> int:
        """The cells before the words."""
        return (self.hidden_count + self.lanes + 1 if self.lanes else 0) + 2 + self.number + 1

    @property
    def width(self) -> int:
        """The cells of all columns."""
        return self.left + self.words + self.tools + self.tokens


class TurnAppearance(NamedTuple):
    """The content and state of the row of a turn.

    Attributes:
        turn: The turn; None until it is read.
        on_path: Whether it belongs to the shown branch.
        branch: The branch whose name is in the row; None for no name.
        label: The name of that branch.
        is_label_text: Whether the label is the text of a message.
        is_label_minor: Whether the label says no more than the row's number and words, so that it yields to them.
        is_current: Whether that branch is the shown branch.
        is_running: Whether an agent is running on that branch.
        is_waiting: Whether that agent waits for the approval of a tool call.
        is_unseen: Whether another program created that branch and it was not shown since.
        has_hit: Whether a search found text in the turn.
    """

    turn: Turn | None
    on_path: bool
    is_selected: bool
    is_marked: bool = False
    branch: Branch | None = None
    label: str = ""
    is_label_text: bool = False
    is_label_minor: bool = False
    is_current: bool = False
    is_running: bool = False
    is_waiting: bool = False
    is_unseen: bool = False
    has_hit: bool = False


def draw_session(
    row: SessionRow, width: int, now: datetime, note: str = "", *, is_unseen: bool = False
) -> list[RowPart]:
    """Draw the row of a session: its name, and a note and its age at the right; an ellipsis until it is read."""
    fold = RowPart(
        "▾ " if row.is_open and not row.is_folded else "▸ ",
        PartStyle.SESSION if row.is_open else PartStyle.QUIET,
        ClickTarget.FOLD if row.is_open else ClickTarget.ROW,
    )
    if row.session is None:
        return [fold, RowPart("…", PartStyle.QUIET)]
    room = width - len(fold.text)
    name = f"{UNSEEN if is_unseen else ''}{label_marks(row.session)}{row.session.name}"
    right = _fit_session_note(row.session, room, now, note, cell_len(printable_line(name)))
    name = fit_name(name, room - (len(right) + 2 if right else 0))
    gap = max(0, room - cell_len(name) - len(right))
    return [
        fold,
        RowPart(name, PartStyle.SESSION if row.is_open else PartStyle.TEXT),
        RowPart(" " * gap),
        RowPart(right, PartStyle.QUIET),
    ]


def _fit_session_note(session: Session, room: int, now: datetime, note: str, name_cells: int) -> str:
    """Return as much of note and age as fits beside the full name; if nothing fits, beside the shortened name."""
    age = format_age(session.updated_at, now)
    words = [note, "plain" if session.plain else ""]
    alternatives = ["  ".join(filter(None, [*words, shown])) for shown in (age, age.removesuffix(" ago"), "")]
    fitting = (
        alternative
        for cells in (name_cells, _MIN_TEXT_CELLS)
        for alternative in alternatives
        if cells + 2 + len(alternative) <= room
    )
    return next(fitting, "")


def draw_turn(row: TurnRow, appearance: TurnAppearance, columns: Columns) -> list[RowPart]:
    """Draw the row of a turn in its columns; the branch that ends there, and its place at a fork, follow its words."""
    room = columns.words
    text, style = _text(row, appearance)
    text_cells = cell_len(text)
    for notes, least in _alternative_notes(row, appearance, room, text_cells):
        taken = sum(1 + cell_len(note.text) for note in notes)
        if min(text_cells, least) + taken <= room:
            break
    text = fit_name(text, room - taken)
    parts = [*_left_parts(row, appearance, columns), RowPart(text, style)]
    parts.append(RowPart(" " * (room - taken - cell_len(text))))
    for note in notes:
        parts += RowPart(" "), note
    turn = appearance.turn
    if columns.tools:
        tools = str(min(turn.tools, 999)) if turn is not None and turn.tools and columns.shows_tools else ""
        parts.append(RowPart(f"{tools:>{columns.tools - 1}}", PartStyle.TOOLS))
        parts.append(RowPart(FAILED if turn is not None and turn.errors else " ", PartStyle.ERRORS))
    if columns.tokens:
        tokens = _tokens(turn)
        parts.append(RowPart(f"{tokens:>{columns.tokens}}", PartStyle.QUIET))
    return parts


def _tokens(turn: Turn | None) -> str:
    return "" if turn is None or turn.tokens is None else format_tokens(turn.tokens, estimated=turn.estimated)


def _left_parts(row: TurnRow, appearance: TurnAppearance, columns: Columns) -> Iterator[RowPart]:
    target = ClickTarget.FOLD if row.is_first and row.span.is_foldable else ClickTarget.ROW
    node_style = PartStyle.TEXT if appearance.on_path else PartStyle.GUIDE
    above, own = _guides(row, columns)
    yield RowPart(above, PartStyle.GUIDE, target)
    yield RowPart(own + _node(row, appearance), node_style, target)
    yield RowPart("✓" if appearance.is_marked else " ", PartStyle.MARK, target)
    number = f"{row.turn:>{columns.number}}"
    if appearance.has_hit:
        yield RowPart(number, PartStyle.HIT)
        yield RowPart(" ", PartStyle.NUMBER)
    else:
        yield RowPart(f"{number} ", PartStyle.NUMBER)


def _node(row: TurnRow, appearance: TurnAppearance) -> str:
    if row.span.hidden is not None:
        return "▸"
    if appearance.is_selected:
        return "●"
    if row.is_first and row.span.is_foldable:
        return "▾"
    return "•" if appearance.on_path else "·"


def _guides(row: TurnRow, columns: Columns) -> tuple[str, str]:
    """Return the lines at the left of a row: those of the forks above it, and the one that joins it to its own fork."""
    span = row.span
    joins, begins = row.is_first and span.is_fork, row.is_last and span.begins_fork
    hidden = columns.hidden_forks(span.depth)
    signs = ["│" if span.lines >> lane & 1 else " " for lane in range(hidden, span.depth)]
    if joins:
        signs[-1] = "╭" if span.alternative == 1 else "╰" if span.alternative == span.alternatives else "├"
    count = f"{hidden}{_HIDDEN}" if hidden else ""
    count = (
        f"{count if len(count) <= columns.hidden_count else _HIDDEN:>{columns.hidden_count}}"
        if columns.hidden_count
        else ""
    )
    above = count + "".join(signs[:-1] if joins else signs)
    own = signs[-1] if joins else ""
    if begins and len(signs) < columns.lanes:
        own += "┬" if joins else "╭"
    width = columns.hidden_count + columns.lanes + 1 if columns.lanes else 0
    return (above, f"{own:─<{width - len(above)}}") if own else (f"{above:<{width}}", "")


def _text(row: TurnRow, appearance: TurnAppearance) -> tuple[str, PartStyle]:
    if not len(row.span.chain):
        return "empty", PartStyle.QUIET
    if appearance.turn is None:
        return "…", PartStyle.QUIET
    if not appearance.turn.text:
        return ("before the first message" if row.turn == 0 else "no text"), PartStyle.QUIET
    return printable_line(appearance.turn.text), PartStyle.TEXT


def _alternative_notes(
    row: TurnRow, appearance: TurnAppearance, room: int, text_cells: int
) -> Iterator[tuple[Sequence[RowPart], int]]:
    """Yield the possible notes after the words of a row, from the longest, each with the least cells for the words.

    A branch's name has its share of the room, and what short words leave free. Its first cells go before words.
    """
    span = row.span
    place = (
        [RowPart(f"‹{span.alternative}/{span.alternatives}›", PartStyle.FORKS)] if row.is_first and span.is_fork else []
    )
    label_cells = cell_len(printable_line(appearance.label))
    # What says no more than the row is shown whole or not at all.
    min_cells = 0 if appearance.is_label_minor else min(label_cells, _MIN_NAME_CELLS)
    name_cells = len(_branch_marks(appearance)) + min_cells + 2
    share = max(min(_NAME_CELLS, room // 2, room - _MIN_TEXT_CELLS - 1), min(name_cells, room - 1))

    def notes(free: int) -> Iterator[Sequence[RowPart]]:
        if span.hidden is not None:
            return _fold_summaries(span.hidden, appearance, share, free)
        return iter([list(_branch_name(appearance, max(share, free)))])

    free = room - text_cells - 1
    place_cells = sum(1 + cell_len(part.text) for part in place)
    least = _COMFORTABLE_TEXT_CELLS if span.hidden is None else _MIN_TEXT_CELLS
    for beside_place, alone in zip(notes(free - place_cells), notes(free), strict=True):
        yield [*beside_place, *place], least
        if place and span.hidden is None:
            narrow_name = _branch_name(appearance, max(share - place_cells, name_cells))
            yield [*narrow_name, *place], _MIN_TEXT_CELLS
        yield alone, _MIN_TEXT_CELLS
    if span.hidden is None:
        yield list(_branch_name(appearance, share)), 0
    yield [], 0


def _branch_name(appearance: TurnAppearance, room: int) -> Iterable[RowPart]:
    least = cell_len(printable_line(appearance.label))
    if not appearance.is_label_minor:
        least = min(least, _LEAST_NAME_CELLS)
    if appearance.branch is None or room - 2 < least:
        return
    # The marks that are left out, each with its space, are the last ones.
    marks = _branch_marks(appearance)[: (room - 2 - least) // 2 * 2]
    fit = fit_name if appearance.is_label_text else _cut_middle
    name = marks + fit(appearance.label, room - 2 - len(marks))
    if appearance.is_current:
        yield RowPart(f" {name} ", PartStyle.CURRENT_TAG, ClickTarget.BRANCH)
    else:
        yield RowPart(f"[{name}]", PartStyle.TAG, ClickTarget.BRANCH)


def _branch_marks(appearance: TurnAppearance) -> str:
    """Return the marks before the name of a row's branch, each one cell and a space."""
    if appearance.branch is None:
        return ""
    run = "? " if appearance.is_waiting else "» " if appearance.is_running else ""
    return f"{run}{UNSEEN if appearance.is_unseen else ''}{label_marks(appearance.branch)}"


def draw_heading(columns: Columns) -> str:
    """Draw the line above the tree that names its columns."""
    heading = f"{'turn':>{columns.left - 1}} message"
    if columns.shows_tools:
        heading = f"{heading:<{columns.width - columns.tokens - 6}}tools "
    if columns.tokens:
        heading = f"{heading:<{columns.width - columns.tokens}}{'tokens':>{columns.tokens}}"
    return heading[: columns.width]


def label_marks(labelled: Branch | Session) -> str:
    """Return the marks before a name: `★` for what is pinned, `⊘` for what is archived, `≋` for a compacted branch."""
    is_compacted = isinstance(labelled, Branch) and bool(labelled.before_compaction)
    return f"{'★ ' if labelled.pinned else ''}{'⊘ ' if labelled.archived else ''}{'≋ ' if is_compacted else ''}"


def _cut_middle(label: str, room: int) -> str:
    """Cut a branch's name in its middle: names that begin alike differ at the end."""
    name = printable_line(label)
    if cell_len(name) <= room or room < 3:
        return fit_name(label, room)
    end_cells = (room - 1) // 2
    beginning = set_cell_size(name, room - 1 - end_cells).rstrip()
    end = set_cell_size(name[::-1], end_cells).rstrip()[::-1]
    return f"{beginning}…{end}"


def _fold_summaries(
    hidden: HiddenTurns, appearance: TurnAppearance, name_share: int, free: int
) -> Iterator[Sequence[RowPart]]:
    """Yield summaries of the turns and branches that a fold hides, from long to short; name a single branch."""
    for turns, unit in ((plural(hidden.turns, "turn"), "branches"), (f"{hidden.turns}", "br")):
        if len(hidden.branches) == 1:
            name_room = max(name_share, free - len(f"+{turns} "))
            yield [RowPart(f"+{turns}", PartStyle.QUIET), *_branch_name(appearance, name_room)]
        else:
            yield [RowPart(f"+{turns}, {len(hidden.branches)} {unit}", PartStyle.QUIET)]
    yield [RowPart(f"+{hidden.turns}", PartStyle.QUIET)]
