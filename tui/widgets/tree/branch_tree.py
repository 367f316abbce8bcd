"""The left pane: the sessions of the file, and under the open one its turns and branches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.model import Session
from tui.widgets.tree.drawing import Hit
from tui.widgets.tree.rows import SessionRow, Span, TurnRow
from tui.widgets.tree.view import TreeView

__all__ = ["BranchTree"]


class BranchTree(TreeView, can_focus=True, inherit_bindings=False):
    """Sessions, branches and turns as a flat tree in which only forks indent.

    Rows are drawn as they come into sight. Bind `view` to the screen's, answer `TurnsNeeded` with `receive_turns` and
    `SessionsNeeded` with `receive_sessions`.

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

    @property
    def cursor_row(self) -> int:
        """The row of the cursor, counted from the first session's."""
        return self._state.cursor

    @property
    def cursor_session(self) -> Session | None:
        """The session on whose row the cursor is; None where it is on another row, or the session is on its way."""
        row = self._state.at(self._state.cursor)
        return row.session if isinstance(row, SessionRow) else None

    @property
    def cursor_branch(self) -> str | None:
        """Id of the branch in which the turn under the cursor is shown; None on a session's row."""
        place = self._state.denoted(self._state.cursor)
        return None if place is None else place.branch_id

    @property
    def row_count(self) -> int:
        """How many rows there are, in sight or not."""
        return len(self._state.rows)

    # The cursor

    def _move_to(self, row: int, *, announce: bool = True) -> None:
        self.refresh_line(self._state.cursor)
        self._state.move_to(row)
        self.refresh_line(self._state.cursor)
        self._reveal()
        if announce:
            self._announce()

    def _announce(self) -> None:
        place = self._state.announce()
        if place is not None:
            self.post_message(self.TurnHighlighted(*place))

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def action_cursor_up(self) -> None:
        """Move up a row."""
        self._move_to(self._state.cursor - 1)

    def action_cursor_down(self) -> None:
        """Move down a row."""
        self._move_to(self._state.cursor + 1)

    def action_first(self) -> None:
        """Go to the first row."""
        self._move_to(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self._move_to(self.row_count - 1)

    def action_page_up(self) -> None:
        """Move up a page."""
        self._move_to(self._state.cursor - self._page)

    def action_page_down(self) -> None:
        """Move down a page."""
        self._move_to(self._state.cursor + self._page)

    # Folds

    def action_fold(self) -> None:
        """Fold what the row heads; else go to the head, or to where the fork parts."""
        row = self._state.at(self._state.cursor)
        if isinstance(row, SessionRow) and row.is_open and not row.folded:
            self._toggle_session()
        elif isinstance(row, TurnRow) and row.first and row.span.foldable and row.span.hidden is None:
            self._toggle(row.span)
        else:
            self._move_to(self._state.step_out())

    def action_unfold(self) -> None:
        """Unfold what the row heads; else go on to where branches part, or to the first of them."""
        row = self._state.at(self._state.cursor)
        if isinstance(row, SessionRow) and not row.is_open:
            self._open_session(row)
        elif isinstance(row, SessionRow) and row.folded:
            self._toggle_session()
        elif isinstance(row, TurnRow) and row.span.hidden is not None:
            self._toggle(row.span)
        else:
            self._move_to(self._state.step_in())

    def _toggle(self, span: Span) -> None:
        with self._kept_in_place():
            self._state.toggle(span)
        self._announce()

    def _toggle_session(self) -> None:
        with self._kept_in_place():
            self._state.toggle_session()

    # Opening

    def action_open(self) -> None:
        """Open the session, or the branch at the turn."""
        row = self._state.at(self._state.cursor)
        if isinstance(row, SessionRow):
            self._open_session(row)
        elif (place := self._state.denoted(self._state.cursor)) is not None:
            self.post_message(self.TurnOpened(*place))

    def _open_session(self, row: SessionRow) -> None:
        if row.folded:
            self._toggle_session()
        if row.session is not None:
            self.post_message(self.SessionOpened(row.session.session_id))

    def on_click(self, event: events.Click) -> None:
        """Open a session, fold, switch to a branch by its name, or fork from a turn."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.scroll_offset.y
        row, hit = self._state.at(index), self._hit(index, offset.x)
        if isinstance(row, SessionRow):
            self._move_to(index)
            if hit is Hit.FOLD:
                self._toggle_session()
            else:
                self._open_session(row)
        elif row is None:
            return
        elif hit is Hit.FOLD:
            self._toggle(row.span)
        elif hit is Hit.TAG and row.span.ends:
            self.post_message(self.BranchClicked(row.span.ends[0]))
        else:
            self._move_to(index, announce=False)
            if (place := self._state.denoted(index)) is not None:
                self.post_message(self.TurnClicked(*place))

    def _hit(self, row: int, x: int) -> Hit:
        """What a click on a cell of a row means."""
        for piece in self._draw(row):
            x -= cell_len(piece.text)
            if x < 0:
                return piece.hit
        return Hit.ROW
