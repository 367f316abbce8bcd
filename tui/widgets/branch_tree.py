"""The left pane: the sessions of the file, and under the open one its turns and branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.model import Chain, Turn, View
from tui.widgets._tree_drawing import Hit, Piece, Role, TurnFace, draw_session, draw_turn
from tui.widgets._tree_rows import FoldKey, SessionRow, Span, TreeRow, TreeRows, TurnRow, find_chain, fold_key
from tui.widgets._tree_turns import TurnStore
from tui.widgets.numbers import fit_name

__all__ = ["BranchTree"]


class _TurnPlace(NamedTuple):
    """A turn's row, told so that it is found again when the tree has changed."""

    branch_id: str
    turn: int


_Place: TypeAlias = str | _TurnPlace
"""Where the cursor is: on a session, by its id, or on a turn of the open one."""


class BranchTree(ScrollView, can_focus=True, inherit_bindings=False):
    """Sessions, branches and turns as a flat tree in which only forks indent.

    Rows are drawn as they come into sight. Bind `view` to the screen's, answer `TurnsNeeded` with `receive_turns`.

    Args:
        clock: The present moment, aware; the age of sessions is counted from it.
        id: Id of the widget.
        classes: Its CSS classes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False, id="tree.up"),
        Binding("down,j", "cursor_down", "Down", show=False, id="tree.down"),
        Binding("home,g", "first", "First row", show=False, id="tree.first"),
        Binding("end,G", "last", "Last row", show=False, id="tree.last"),
        Binding("pageup", "page_up", "Page up", show=False, id="tree.page_up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="tree.page_down"),
        Binding("left,h", "fold", "Fold or parent", show=False, id="tree.fold"),
        Binding("right,l", "unfold", "Unfold or child", show=False, id="tree.unfold"),
        Binding("enter", "open", "Open", id="tree.open"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | up, k | Move up a row. |
    | down, j | Move down a row. |
    | home, g | Go to the first row. |
    | end, G | Go to the last row. |
    | pageup | Move up a page. |
    | pagedown | Move down a page. |
    | left, h | Fold the fork, or go to where it parts. |
    | right, l | Unfold the fork, or go on to the next one. |
    | enter | Open the session, or the branch at the turn. |
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "branch-tree--current-tag",
        "branch-tree--cursor",
        "branch-tree--dim",
        "branch-tree--errors",
        "branch-tree--forks",
        "branch-tree--guide",
        "branch-tree--hover",
        "branch-tree--number",
        "branch-tree--quiet",
        "branch-tree--selected",
        "branch-tree--session",
        "branch-tree--tag",
        "branch-tree--text",
        "branch-tree--tools",
    }
    """
    | Class | Description |
    | :- | :- |
    | `branch-tree--current-tag` | The name of the branch that is shown. |
    | `branch-tree--cursor` | The row of the cursor while the tree has the focus. |
    | `branch-tree--dim` | What belongs to other branches than the one shown. |
    | `branch-tree--errors` | The mark of failed items. |
    | `branch-tree--forks` | The mark of a turn after which branches part. |
    | `branch-tree--guide` | The lines that join forks to their turn. |
    | `branch-tree--hover` | The row under the mouse. |
    | `branch-tree--number` | A turn's number. |
    | `branch-tree--quiet` | Times, tokens, and what stands for missing text. |
    | `branch-tree--selected` | The row of the selected turn. |
    | `branch-tree--session` | The name of a session. |
    | `branch-tree--tag` | The name of a branch. |
    | `branch-tree--text` | A turn's text. |
    | `branch-tree--tools` | The mark of tool calls. |
    """

    DEFAULT_CSS = """
    BranchTree {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;

        & > .branch-tree--current-tag { color: $text; background: $accent; text-style: bold; }
        & > .branch-tree--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
        & > .branch-tree--dim { color: $text-muted; }
        & > .branch-tree--errors { color: $text-error; text-style: bold; }
        & > .branch-tree--forks { color: $text-warning; }
        & > .branch-tree--guide { color: $foreground 40%; }
        & > .branch-tree--hover { background: $block-hover-background; }
        & > .branch-tree--number { color: $text-muted; }
        & > .branch-tree--quiet { color: $text-muted; }
        & > .branch-tree--selected { background: $primary 25%; }
        & > .branch-tree--session { color: $foreground; text-style: bold; }
        & > .branch-tree--tag { color: $text-accent; }
        & > .branch-tree--text { color: $foreground; }
        & > .branch-tree--tools { color: $text-success; }
    }
    """

    ALLOW_SELECT = False

    view: var[View] = var(View())
    """What is shown."""

    @dataclass
    class TurnsNeeded(Message):
        """Rows came into sight whose turns are not known; each is to be answered with `receive_turns`.

        Attributes:
            branch_id: A branch that holds the turns.
            first: Number of the first of them.
            last: Number of the last.
            session_id: The session; an answer that comes when another one is open has to be dropped.
        """

        branch_id: str
        first: int
        last: int
        session_id: str

    @dataclass
    class TurnHighlighted(Message):
        """The cursor came to a turn.

        Attributes:
            branch_id: The branch to show it in: the opened one where that holds the turn.
            turn: Its number; a branch's last where it has no turn of its own.
        """

        branch_id: str
        turn: int

    @dataclass
    class TurnOpened(Message):
        """A turn was chosen from the keyboard.

        Attributes:
            branch_id: The branch to open.
            turn: The turn to select in it.
        """

        branch_id: str
        turn: int

    @dataclass
    class TurnClicked(Message):
        """A turn was clicked.

        Attributes:
            branch_id: The branch to fork from.
            turn: Number of the turn.
        """

        branch_id: str
        turn: int

    @dataclass
    class BranchClicked(Message):
        """A branch's name was clicked.

        Attributes:
            branch_id: The branch to switch to.
        """

        branch_id: str

    @dataclass
    class SessionOpened(Message):
        """A session was chosen, by key or click.

        Attributes:
            session_id: Its id.
        """

        session_id: str

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._clock = clock
        self._rows = TreeRows()
        self._turns = TurnStore()
        self._folds: dict[str, set[FoldKey]] = {}
        self._folded_sessions: set[str] = set()
        self._path: frozenset[int] = frozenset()
        self._digits = 1
        self._opened = ""
        self._place: _Place | None = None
        self._cursor = 0
        self._selected: int | None = None
        self._hover: int | None = None
        self._announced: list[_TurnPlace] = []
        self._in_sight: dict[int, tuple[Chain, list[int]]] = {}

    @property
    def cursor_row(self) -> int:
        """The row of the cursor, counted from the first session's."""
        return self._cursor

    @property
    def row_count(self) -> int:
        """How many rows there are, in sight or not."""
        return len(self._rows)

    def receive_turns(self, branch_id: str, revision: int, turns: Sequence[Turn]) -> None:
        """Show turns that were asked for.

        Args:
            branch_id: The branch that they were read from, as asked for.
            revision: The view's revision when they were read.
            turns: The turns, each with its number.
        """
        self._turns.receive(branch_id, revision, turns)
        self.refresh()

    # The view

    def on_mount(self) -> None:
        self.set_interval(60, self.refresh, name="ages of sessions")

    def watch_view(self, old: View, new: View) -> None:
        """Show another view; the cursor follows it where it was not the cursor that caused the change."""
        if _session_id(new) != _session_id(old):
            self._turns.clear()
            self._announced.clear()
            self._place = None
        if not new.preview:
            self._opened = new.branch_id
        if new.revision != old.revision:
            self._turns.renew(new.revision)
        self._path = (
            frozenset(chain.index for chain in new.tree.path(new.branch_id))
            if new.branch_id in new.tree.branches
            else frozenset()
        )
        moved = (_session_id(new), new.branch_id, new.turn) != (_session_id(old), old.branch_id, old.turn)
        if moved and not self._is_echo(_TurnPlace(new.branch_id, new.turn)):
            self._announced.clear()
            self._place = self._place_shown(new)
            self._unfold_over(self._place)
        self._lay_out(reveal=moved)

    def _is_echo(self, shown: _TurnPlace) -> bool:
        """Whether the cursor announced what is shown now; it may have moved on since, and must not be called back."""
        if shown not in self._announced:
            return False
        del self._announced[: self._announced.index(shown) + 1]
        return True

    def _place_shown(self, view: View) -> _TurnPlace:
        """The place of the selected turn; of a branch without turns of its own, the row of its name."""
        if view.branch_id in view.tree.branches:
            tip = view.tree.tip(view.branch_id)
            if not len(tip) and view.turn >= tip.last:
                return _TurnPlace(view.branch_id, tip.first)
        return _TurnPlace(view.branch_id, view.turn)

    def _unfold_over(self, place: _TurnPlace) -> None:
        tree, session_id = self.view.tree, _session_id(self.view)
        self._folded_sessions.discard(session_id)
        chain = find_chain(tree, *place)
        folds = self._folds.get(session_id)
        while chain is not None and folds:
            if chain.first < place.turn:
                folds.discard(fold_key(chain))
            chain = None if chain.parent is None else tree.chains[chain.parent]

    def _lay_out(self, *, reveal: bool = False) -> None:
        """Make the map of rows anew; what is in sight stays where it is on the screen."""
        view, session_id = self.view, _session_id(self.view)
        height = self.scrollable_content_region.height
        offset = self._cursor - self.scroll_offset.y
        was_in_sight = 0 <= offset < height
        self._rows = TreeRows(
            view.sessions,
            session_id,
            view.tree,
            self._folds.get(session_id, frozenset()),
            folded=session_id in self._folded_sessions,
        )
        self._digits = min(3, len(str(max((chain.last for chain in view.tree.chains), default=1))))
        self.virtual_size = Size(0, len(self._rows))
        self._cursor = self._find_cursor()
        self._place = self._place_of(self._cursor)
        self._selected = self._find_selected()
        if was_in_sight:
            self.scroll_to(y=max(0, self._cursor - offset), animate=False, force=True, immediate=True)
        if reveal or was_in_sight:
            self._reveal()
        self.refresh()

    def _find_cursor(self) -> int:
        """The cursor's row in the present map, or the nearest that stands for it."""
        places = (self._place, self._place_shown(self.view), _session_id(self.view))
        rows = (self._row_of(place) for place in places if place is not None)
        return next((row for row in rows if row is not None), 0)

    def _find_selected(self) -> int | None:
        shown = _TurnPlace(self.view.branch_id, self.view.turn)
        if self._denoted(self._cursor) == shown:
            return self._cursor
        return self._row_of(self._place_shown(self.view))

    def _row_of(self, place: _Place) -> int | None:
        if isinstance(place, str):
            return self._rows.of_session(place)
        chain = find_chain(self.view.tree, *place)
        return None if chain is None else self._rows.of_turn(chain, place.turn)

    def _place_of(self, row: int) -> _Place | None:
        shown = self._at(row)
        if isinstance(shown, TurnRow):
            return _TurnPlace(shown.span.chain.through[0], shown.turn)
        return None if shown is None else shown.session.session_id

    def _at(self, row: int) -> TreeRow | None:
        return self._rows.at(row) if 0 <= row < len(self._rows) else None

    def _denoted(self, row: int) -> _TurnPlace | None:
        """The branch and turn that are shown when the cursor is on a row."""
        shown = self._at(row)
        if not isinstance(shown, TurnRow):
            return None
        chain = shown.span.chain
        turn = shown.turn if len(chain) else chain.last
        for branch_id in (self._opened, self.view.branch_id):
            if branch_id in chain.through:
                return _TurnPlace(branch_id, turn)
        branches = self.view.tree.branches
        return _TurnPlace(min(chain.through, key=lambda branch_id: branches[branch_id].turns), turn)

    # The cursor

    def _move_to(self, row: int, *, announce: bool = True) -> None:
        """Put the cursor on a row, the nearest that exists, and say so."""
        if not len(self._rows):
            return
        before, self._cursor = self._cursor, max(0, min(row, len(self._rows) - 1))
        self._place = self._place_of(self._cursor)
        self._reveal()
        self.refresh_line(before)
        self.refresh_line(self._cursor)
        if announce:
            self._announce()

    def _announce(self) -> None:
        denoted = self._denoted(self._cursor)
        shown = self._announced[-1] if self._announced else _TurnPlace(self.view.branch_id, self.view.turn)
        if denoted is not None and denoted != shown:
            self._announced.append(denoted)
            self.post_message(self.TurnHighlighted(*denoted))

    def _reveal(self) -> None:
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if height and not top <= self._cursor < top + height:
            y = self._cursor if self._cursor < top else self._cursor - height + 1
            self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._reveal()

    def action_cursor_up(self) -> None:
        """Move up a row."""
        self._move_to(self._cursor - 1)

    def action_cursor_down(self) -> None:
        """Move down a row."""
        self._move_to(self._cursor + 1)

    def action_first(self) -> None:
        """Go to the first row."""
        self._move_to(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self._move_to(len(self._rows) - 1)

    def action_page_up(self) -> None:
        """Move up a page."""
        self._move_to(self._cursor - max(1, self.scrollable_content_region.height - 1))

    def action_page_down(self) -> None:
        """Move down a page."""
        self._move_to(self._cursor + max(1, self.scrollable_content_region.height - 1))

    # Folds

    def action_fold(self) -> None:
        """Fold what the row heads; else go to the head, or to where the fork parts."""
        row = self._at(self._cursor)
        if isinstance(row, SessionRow):
            if row.is_open and not row.folded:
                self._toggle_session(row)
        elif row is not None:
            span = row.span
            if row.first and span.foldable and span.hidden is None:
                self._toggle(span)
            elif span.fork and not row.first:
                self._move_to(self._cursor - (row.turn - span.chain.first))
            else:
                parent = self._rows.parent(span)
                self._move_to(self._cursor if parent is None else parent)

    def action_unfold(self) -> None:
        """Unfold what the row heads; else go on to where branches part, or to the first of them."""
        row = self._at(self._cursor)
        if isinstance(row, SessionRow):
            if not row.is_open:
                self.post_message(self.SessionOpened(row.session.session_id))
            elif row.folded:
                self._toggle_session(row)
            elif self.view.tree.roots:
                self._move_to(self._cursor + 1)
        elif row is not None:
            if row.span.hidden is not None:
                self._toggle(row.span)
            elif not row.last:
                self._move_to(self._cursor + row.span.chain.last - row.turn)
            elif row.span.chain.children:
                self._move_to(self._cursor + 1)

    def _toggle(self, span: Span) -> None:
        """Fold or unfold a fork; a cursor that is folded away comes to the fork's row."""
        self._folds.setdefault(_session_id(self.view), set()).symmetric_difference_update({fold_key(span.chain)})
        self._lay_out()
        self._announce()

    def _toggle_session(self, row: SessionRow) -> None:
        self._folded_sessions.symmetric_difference_update({row.session.session_id})
        self._lay_out()

    # Opening

    def action_open(self) -> None:
        """Open the session, or the branch at the turn."""
        row = self._at(self._cursor)
        if isinstance(row, SessionRow):
            self._open_session(row)
        elif (denoted := self._denoted(self._cursor)) is not None:
            self.post_message(self.TurnOpened(*denoted))

    def _open_session(self, row: SessionRow) -> None:
        if row.folded:
            self._toggle_session(row)
        self.post_message(self.SessionOpened(row.session.session_id))

    def on_click(self, event: events.Click) -> None:
        """A click opens a session, folds, switches to a branch by its name, or forks from a turn."""
        offset = event.get_content_offset(self)
        index = None if offset is None else offset.y + self.scroll_offset.y
        row = None if index is None else self._at(index)
        if offset is None or index is None or row is None:
            return
        event.stop()
        hit = self._hit(index, offset.x)
        if isinstance(row, SessionRow):
            self._move_to(index)
            if hit is Hit.FOLD:
                self._toggle_session(row)
            else:
                self._open_session(row)
        elif hit is Hit.FOLD:
            self._toggle(row.span)
        elif hit is Hit.TAG:
            ends = row.span.hidden.branches[0] if row.span.hidden else row.span.chain.ends
            self.post_message(self.BranchClicked(ends or row.span.chain.through[0]))
        else:
            self._move_to(index, announce=False)
            if (denoted := self._denoted(index)) is not None:
                self.post_message(self.TurnClicked(*denoted))

    def _hit(self, row: int, x: int) -> Hit:
        for piece in self._draw(row):
            x -= Segment(piece.text).cell_length
            if x < 0:
                return piece.hit
        return Hit.ROW

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Mark the row under the mouse."""
        offset = event.get_content_offset(self)
        self._hover_over(None if offset is None else offset.y + self.scroll_offset.y)

    def on_leave(self) -> None:
        """The mouse went elsewhere."""
        self._hover_over(None)

    def _hover_over(self, row: int | None) -> None:
        if row != self._hover:
            changed, self._hover = (self._hover, row), row
            for line in changed:
                if line is not None:
                    self.refresh_line(line)

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what is in sight, and ask for the turns that are not known yet."""
        self._in_sight.clear()
        strips = super().render_lines(crop)
        session_id = _session_id(self.view)
        for chain, turns in self._in_sight.values():
            for page in self._turns.wanted(chain, turns):
                # Drawing runs in the screen's name, and a message that the screen sent would not bubble up to it.
                self.post_message(self.TurnsNeeded(*page, session_id).set_sender(self))
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        if not len(self._rows) and y == 0:
            return self._strip([Piece(fit_name("No sessions in this file", width), Role.QUIET)], width, self.rich_style)
        shown = self._at(row)
        if shown is None:
            return Strip.blank(width, self.rich_style)
        if isinstance(shown, TurnRow) and len(shown.span.chain):
            chain = shown.span.chain
            self._in_sight.setdefault(chain.index, (chain, []))[1].append(shown.turn)
        dim = isinstance(shown, TurnRow) and shown.span.chain.index not in self._path
        return self._strip(self._draw(row), width, self._ground(row), dim=dim, cursor=self._has_cursor(row))

    def _draw(self, row: int) -> list[Piece]:
        shown = self._rows.at(row)
        width = self.scrollable_content_region.width
        if isinstance(shown, SessionRow):
            empty = shown.is_open and not self.view.tree.roots
            return draw_session(shown, width, self._clock(), "empty" if empty else "")
        span = shown.span
        ends = span.hidden.branches if span.hidden is not None else (span.chain.ends,)
        face = TurnFace(
            turn=self._turns.get(span.chain, shown.turn),
            on_path=span.chain.index in self._path,
            selected=row == self._selected,
            current=self.view.branch_id in ends,
            digits=self._digits,
        )
        return draw_turn(shown, face, width)

    def _has_cursor(self, row: int) -> bool:
        return self.has_focus and row == self._cursor

    def _ground(self, row: int) -> Style:
        """The style of a row on which its pieces are laid."""
        if self._has_cursor(row):
            return self.get_component_rich_style("branch-tree--cursor")
        if row == self._selected:
            return self.get_component_rich_style("branch-tree--selected")
        if row == self._hover:
            return self.get_component_rich_style("branch-tree--hover")
        return self.rich_style

    def _strip(
        self, pieces: Sequence[Piece], width: int, ground: Style, *, dim: bool = False, cursor: bool = False
    ) -> Strip:
        segments = [
            Segment(
                piece.text, ground if cursor and piece.role is not Role.CURRENT_TAG else self._ink(piece, ground, dim)
            )
            for piece in pieces
            if piece.text
        ]
        return Strip(segments).adjust_cell_length(width, ground)

    def _ink(self, piece: Piece, ground: Style, dim: bool) -> Style:
        role = piece.role
        name = "dim" if dim and role not in (Role.GUIDE, Role.ERRORS, Role.TAG, Role.CURRENT_TAG) else role.value
        ink = self.get_component_rich_style(f"branch-tree--{name}")
        if role is Role.CURRENT_TAG:
            return ink
        return ground + Style(
            color=ink.color, bold=ink.bold, italic=ink.italic, underline=ink.underline, reverse=ink.reverse
        )


def _session_id(view: View) -> str:
    return "" if view.session is None else view.session.session_id
