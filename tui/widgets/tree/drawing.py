"""What a row of the tree looks like in so many cells: pieces of text, each with the part it plays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.model import Branch, Session, Turn
from tui.printable import printable_line
from tui.widgets.format import fit_name, format_tokens
from tui.widgets.tree.rows import Hidden, SessionRow, Span, TurnRow

__all__ = ["Hit", "Piece", "Role", "TurnFace", "age", "draw_session", "draw_turn", "kept_mark"]

FRESH = "✦ "
"""What stands before that which another program made."""

MIN_TEXT = 8
"""Cells of a turn's text that marks and numbers give way to."""


class Role(StrEnum):
    """What a piece of a row is; the widget has a component class for each."""

    GUIDE = "guide"
    NUMBER = "number"
    TEXT = "text"
    QUIET = "quiet"
    SESSION = "session"
    TOOLS = "tools"
    ERRORS = "errors"
    FORKS = "forks"
    MARK = "mark"
    TAG = "tag"
    CURRENT_TAG = "current-tag"


class Hit(StrEnum):
    """What a click on a piece means, besides a click on its row."""

    ROW = "row"
    FOLD = "fold"
    TAG = "tag"


class Piece(NamedTuple):
    """A part of a row.

    Attributes:
        text: One line without control characters.
        role: How it looks.
        hit: What a click on it does.
    """

    text: str
    role: Role = Role.TEXT
    hit: Hit = Hit.ROW


class TurnFace(NamedTuple):
    """How a turn's row is to be shown.

    Attributes:
        turn: The turn; None while it is not known.
        on_path: Whether it belongs to the branch that is shown.
        selected: Whether it is the selected turn.
        current: Whether the branch that ends here is the one shown.
        running: Whether an agent answers on the branch that ends here.
        unseen: Whether another program made that branch, and the user has not seen it.
        marked: Whether the user marked it.
        branch: The branch whose name stands on the row, if one does.
        digits: Cells to which turn numbers are padded.
    """

    turn: Turn | None
    on_path: bool
    selected: bool
    current: bool
    digits: int
    running: bool = False
    unseen: bool = False
    marked: bool = False
    branch: Branch | None = None


def age(updated_at: str | None, now: datetime) -> str:
    """How long ago something was written: `now`, `5 min ago`, `2 h ago`, `3 d ago`, or the day; empty where not known.

    Args:
        updated_at: UTC, naive, `YYYY-MM-DD HH:MM:SS`.
        now: The moment to count from, aware.
    """
    try:
        then = datetime.fromisoformat(updated_at or "")
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    if minutes < 31 * 24 * 60:
        return f"{minutes // (24 * 60)} d ago"
    return then.date().isoformat()


def draw_session(row: SessionRow, width: int, now: datetime, note: str = "", *, unseen: bool = False) -> list[Piece]:
    """The row of a session: its name, and on the right what is to be said of it; dots while it is on its way."""
    mark = "▾ " if row.is_open and not row.folded else "▸ "
    if row.session is None:
        return [Piece(mark, Role.QUIET), Piece("…", Role.QUIET)]
    room = width - len(mark)
    when = age(row.session.updated_at, now)
    said = [note, "plain" if row.session.plain else ""]
    offers = ["  ".join(filter(None, words)) for words in ([*said, when], [*said, when.removesuffix(" ago")], said)]
    called = f"{FRESH if unseen else ''}{kept_mark(row.session)}{row.session.name}"
    full = cell_len(printable_line(called))
    fits = ((need, offer) for need in (full, MIN_TEXT) for offer in offers if need + 2 + len(offer) <= room)
    _, right = next(fits, (0, ""))
    name = fit_name(called, room - (len(right) + 2 if right else 0))
    gap = max(0, room - cell_len(name) - len(right))
    return [
        Piece(mark, Role.SESSION if row.is_open else Role.QUIET, Hit.FOLD if row.is_open else Hit.ROW),
        Piece(name, Role.SESSION if row.is_open else Role.TEXT),
        Piece(" " * gap),
        Piece(right, Role.QUIET),
    ]


def draw_turn(row: TurnRow, face: TurnFace, width: int) -> list[Piece]:
    """The row of a turn: guides, number, text, marks, the branch's name at its end, tokens on the right."""
    head = list(_head(row, face, width))
    room = max(0, width - sum(cell_len(piece.text) for piece in head))
    text, role = _text(row, face)
    full = cell_len(text)
    for marks, right in _offers(row, face, room):
        taken = sum(1 + cell_len(mark.text) for mark in marks) + (1 + len(right) if right else 0)
        if min(full, MIN_TEXT) + taken <= room:
            break
    left = max(0, room - taken)
    text = fit_name(text, left)
    body = [Piece(text, role)]
    for mark in marks:
        body += Piece(" "), mark
    gap = left - cell_len(text) + (1 if right else 0)
    return [*head, *body, Piece(" " * gap), Piece(right, Role.QUIET)]


def _head(row: TurnRow, face: TurnFace, width: int) -> Iterator[Piece]:
    span = row.span
    fold = Hit.FOLD if row.first and span.foldable else Hit.ROW
    yield Piece(_guides(span, row.first, width), Role.GUIDE, fold)
    node = _node(row, face)
    yield Piece(node if face.marked else f"{node} ", Role.TEXT if face.on_path else Role.GUIDE, fold)
    if face.marked:
        yield Piece("✓", Role.MARK, fold)
    yield Piece(f"{row.turn:>{face.digits}} ", Role.NUMBER)


def _node(row: TurnRow, face: TurnFace) -> str:
    if row.span.hidden is not None:
        return "⊞"
    if face.selected:
        return "●"
    if row.first and row.span.foldable:
        return "⊟"
    return "•" if face.on_path else "·"


def _guides(span: Span, first: bool, width: int) -> str:
    """The columns left of a row; of deep ones only the innermost, with the number of those left out."""
    columns = max(2, min(10, width // 6))
    hidden = (span.depth - 1) // columns * columns if span.depth else 0
    guides = ["│ " if span.rails >> column & 1 else "  " for column in range(hidden, span.depth)]
    if first and span.fork:
        guides[-1] = "├─" if span.rails >> (span.depth - 1) & 1 else "╰─"
    return (f"{hidden}⋯" if hidden else "") + "".join(guides)


def _text(row: TurnRow, face: TurnFace) -> tuple[str, Role]:
    if not len(row.span.chain):
        return "nothing said yet", Role.QUIET
    if face.turn is None:
        return "…", Role.QUIET
    if not face.turn.text:
        return ("before the first message" if row.turn == 0 else "no text"), Role.QUIET
    return printable_line(face.turn.text), Role.TEXT


def _offers(row: TurnRow, face: TurnFace, room: int) -> Iterator[tuple[list[Piece], str]]:
    """What may stand right of the text, from all of it to the least: the marks, and the tokens."""
    turn, chain = face.turn, row.span.chain
    cost = format_tokens(turn.tokens) if turn is not None and turn.tokens is not None else ""
    if row.span.hidden is not None:
        marks = [list(_summary(row.span.hidden, face, words, room)) for words in ("long", "short", "none")]
        yield from ((offer, right) for offer in marks for right in ((cost, "") if cost else ("",)))
        return
    marks_of_turn = {
        Role.TOOLS: f"⚙{turn.tools}" if turn is not None and turn.tools else "",
        Role.ERRORS: "✗" if turn is not None and turn.errors else "",
        Role.FORKS: f"◆{ways}" if row.last and (ways := _ways(row)) > 1 else "",
    }
    tag = list(_tag(face, room // 2)) if row.last and chain.tip_of is not None else []
    for left_out in ((), (Role.TOOLS,), (Role.TOOLS, Role.QUIET), (Role.TOOLS, Role.QUIET, Role.ERRORS)):
        shown = [Piece(text, role) for role, text in marks_of_turn.items() if text and role not in left_out]
        yield shown + tag, "" if Role.QUIET in left_out else cost
    yield tag, ""


def _ways(row: TurnRow) -> int:
    chain = row.span.chain
    return len(chain.children) + (chain.tip_of is not None)


def _tag(face: TurnFace, room: int) -> Iterable[Piece]:
    branch = face.branch
    if branch is None or room < 3:
        return
    mark = f"{'» ' if face.running else ''}{FRESH if face.unseen else ''}{kept_mark(branch)}"
    fit = fit_name if branch.title else _fit_tag
    name = mark + fit(branch.name, min(room, 24) - 2 - len(mark))
    if face.current:
        yield Piece(f" {name} ", Role.CURRENT_TAG, Hit.TAG)
    else:
        yield Piece(f"[{name}]", Role.TAG, Hit.TAG)


def kept_mark(what: Branch | Session) -> str:
    """What stands before the name of something that is pinned, or put away; empty before others."""
    return f"{'★ ' if what.pinned else ''}{'⊘ ' if what.archived else ''}"


def _fit_tag(branch_id: str, room: int) -> str:
    """A branch's name, cut in its middle: names that are made up for branches differ at the end."""
    name = printable_line(branch_id)
    if cell_len(name) <= room or room < 5:
        return fit_name(branch_id, room)
    end = (room - 1) // 2
    head = set_cell_size(name, room - 1 - end).rstrip()
    tail = set_cell_size(name[::-1], end).rstrip()[::-1]
    return f"{head}…{tail}"


def _summary(hidden: Hidden, face: TurnFace, words: str, room: int) -> Iterable[Piece]:
    """What a fold hides; a single branch by its name."""
    turns, branches = hidden.turns, len(hidden.branches)
    if words == "none":
        yield Piece(f"+{turns}", Role.QUIET)
        return
    counted = f"+{turns}" if words == "short" else f"+{turns} turn{'s' if turns != 1 else ''}"
    if branches == 1:
        yield Piece(counted, Role.QUIET)
        yield from _tag(face, room // 2)
    else:
        yield Piece(f"{counted}, {branches}{' branches' if words == 'long' else ' br'}", Role.QUIET)
