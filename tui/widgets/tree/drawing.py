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
from tui.widgets.tree.rows import HiddenTurns, SessionRow, Span, TurnRow
from tui.words import plural

__all__ = ["ClickTarget", "PartStyle", "RowPart", "TurnAppearance", "draw_session", "draw_turn", "label_marks"]

_UNSEEN: Final = "✦ "
"""Mark of a branch that another program created and that was not shown since."""

_MIN_TEXT_CELLS: Final = 8
"""Minimum width of a turn's text; if there is less room, marks and numbers are omitted."""
_NAME_CELLS: Final = 24


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


class TurnAppearance(NamedTuple):
    """The content and state of the row of a turn.

    Attributes:
        turn: The turn; None until it is read.
        number_cells: Cells to which its number is padded.
        on_path: Whether it belongs to the shown branch.
        branch: The branch whose name is in the row; None for no name.
        is_current: Whether that branch is the shown branch.
        is_running: Whether an agent is running on that branch.
        is_unseen: Whether another program created that branch and it was not shown since.
        has_hit: Whether a search found text in the turn.
    """

    turn: Turn | None
    number_cells: int
    on_path: bool
    is_selected: bool
    is_marked: bool = False
    branch: Branch | None = None
    is_current: bool = False
    is_running: bool = False
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
    name = f"{_UNSEEN if is_unseen else ''}{label_marks(row.session)}{row.session.name}"
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


def draw_turn(row: TurnRow, appearance: TurnAppearance, width: int) -> list[RowPart]:
    """Draw the row of a turn: guides, number, text, marks, the branch that ends there, and tokens at the right."""
    left = list(_left_parts(row, appearance, width))
    room = max(0, width - sum(cell_len(part.text) for part in left))
    text, style = _text(row, appearance)
    text_cells = cell_len(text)
    for marks, right in _alternatives(row, appearance, room):
        taken = sum(1 + cell_len(mark.text) for mark in marks) + (1 + len(right) if right else 0)
        if min(text_cells, _MIN_TEXT_CELLS) + taken <= room:
            break
    text_room = max(0, room - taken)
    text = fit_name(text, text_room)
    parts = [*left, RowPart(text, style)]
    for mark in marks:
        parts += RowPart(" "), mark
    gap = text_room - cell_len(text) + (1 if right else 0)
    return [*parts, RowPart(" " * gap), RowPart(right, PartStyle.QUIET)]


def _left_parts(row: TurnRow, appearance: TurnAppearance, width: int) -> Iterator[RowPart]:
    span = row.span
    target = ClickTarget.FOLD if row.is_first and span.is_foldable else ClickTarget.ROW
    yield RowPart(_guides(span, row.is_first, width), PartStyle.GUIDE, target)
    node = _node(row, appearance)
    node_style = PartStyle.TEXT if appearance.on_path else PartStyle.GUIDE
    yield RowPart(node if appearance.is_marked else f"{node} ", node_style, target)
    if appearance.is_marked:
        yield RowPart("✓", PartStyle.MARK, target)
    number = f"{row.turn:>{appearance.number_cells}}"
    if appearance.has_hit:
        yield RowPart(number, PartStyle.HIT)
        yield RowPart(" ", PartStyle.NUMBER)
    else:
        yield RowPart(f"{number} ", PartStyle.NUMBER)


def _node(row: TurnRow, appearance: TurnAppearance) -> str:
    if row.span.hidden is not None:
        return "⊞"
    if appearance.is_selected:
        return "●"
    if row.is_first and row.span.is_foldable:
        return "⊟"
    return "•" if appearance.on_path else "·"


def _guides(span: Span, is_first: bool, width: int) -> str:
    """Draw the guides at the left of a row; if there are too many, the innermost after the number of the others."""
    columns = max(2, min(10, width // 6))
    left_out = (span.depth - 1) // columns * columns if span.depth else 0
    guides = ["│ " if span.lines_below >> column & 1 else "  " for column in range(left_out, span.depth)]
    if is_first and span.is_fork:
        guides[-1] = "├─" if span.lines_below >> (span.depth - 1) & 1 else "╰─"
    return (f"{left_out}⋯" if left_out else "") + "".join(guides)


def _text(row: TurnRow, appearance: TurnAppearance) -> tuple[str, PartStyle]:
    if not len(row.span.chain):
        return "no messages", PartStyle.QUIET
    if appearance.turn is None:
        return "…", PartStyle.QUIET
    if not appearance.turn.text:
        return ("before the first message" if row.turn == 0 else "no text"), PartStyle.QUIET
    return printable_line(appearance.turn.text), PartStyle.TEXT


def _alternatives(row: TurnRow, appearance: TurnAppearance, room: int) -> Iterator[tuple[Sequence[RowPart], str]]:
    """Yield the possible parts to the right of the text (marks and tokens), from the longest to the shortest."""
    turn, chain = appearance.turn, row.span.chain
    tokens = format_tokens(turn.tokens) if turn is not None and turn.tokens is not None else ""
    if row.span.hidden is not None:
        for summary in _fold_summaries(row.span.hidden, appearance, room):
            yield summary, tokens
            yield summary, ""
        return
    marks: list[RowPart] = []
    if turn is not None and turn.tools:
        marks.append(RowPart(f"⚙{turn.tools}", PartStyle.TOOLS))
    if turn is not None and turn.errors:
        marks.append(RowPart("✗", PartStyle.ERRORS))
    if row.is_last and (continuations := len(chain.children) + (chain.ending_branch is not None)) > 1:
        marks.append(RowPart(f"◆{continuations}", PartStyle.FORKS))
    name = list(_branch_name(appearance, room // 2)) if row.is_last and chain.ending_branch is not None else []
    without_tools = [mark for mark in marks if mark.style is not PartStyle.TOOLS]
    without_errors = [mark for mark in without_tools if mark.style is not PartStyle.ERRORS]
    yield [*marks, *name], tokens
    yield [*without_tools, *name], tokens
    yield [*without_tools, *name], ""
    yield [*without_errors, *name], ""
    yield name, ""


def _branch_name(appearance: TurnAppearance, room: int) -> Iterable[RowPart]:
    branch = appearance.branch
    if branch is None or room < 3:
        return
    marks = f"{'» ' if appearance.is_running else ''}{_UNSEEN if appearance.is_unseen else ''}{label_marks(branch)}"
    fit = fit_name if branch.title else _fit_branch_id
    name = marks + fit(branch.name, min(room, _NAME_CELLS) - 2 - len(marks))
    if appearance.is_current:
        yield RowPart(f" {name} ", PartStyle.CURRENT_TAG, ClickTarget.BRANCH)
    else:
        yield RowPart(f"[{name}]", PartStyle.TAG, ClickTarget.BRANCH)


def label_marks(labelled: Branch | Session) -> str:
    """Return the marks before a name: `★` for a pinned branch or session, `⊘` for an archived one."""
    return f"{'★ ' if labelled.pinned else ''}{'⊘ ' if labelled.archived else ''}"


def _fit_branch_id(branch_id: str, room: int) -> str:
    """Cut a branch's id in its middle: generated ids differ at the end."""
    name = printable_line(branch_id)
    if cell_len(name) <= room or room < 5:
        return fit_name(branch_id, room)
    end_cells = (room - 1) // 2
    beginning = set_cell_size(name, room - 1 - end_cells).rstrip()
    end = set_cell_size(name[::-1], end_cells).rstrip()[::-1]
    return f"{beginning}…{end}"


def _fold_summaries(hidden: HiddenTurns, appearance: TurnAppearance, room: int) -> Iterator[Sequence[RowPart]]:
    """Yield summaries of the turns and branches that a fold hides, from long to short; name a single branch."""
    for turns, unit in ((plural(hidden.turns, "turn"), "branches"), (f"{hidden.turns}", "br")):
        if len(hidden.branches) == 1:
            yield [RowPart(f"+{turns}", PartStyle.QUIET), *_branch_name(appearance, room // 2)]
        else:
            yield [RowPart(f"+{turns}, {len(hidden.branches)} {unit}", PartStyle.QUIET)]
    yield [RowPart(f"+{hidden.turns}", PartStyle.QUIET)]
