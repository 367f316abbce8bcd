"""The left pane: the sessions of the file, and the turns and branches of the open session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType

from tui.model import Session
from tui.widgets.message import RIGHT_BUTTON, MenuRequested, WidgetMessage
from tui.widgets.tree.drawing import ClickTarget
from tui.widgets.tree.rows import SessionRow, Span, TurnRow
from tui.widgets.tree.view import TreeView

__all__ = ["BranchTree"]


class BranchTree(TreeView, can_focus=True, inherit_bindings=False):
    """Sessions and turns, row by row in columns; lines at the left join the alternatives of each fork.

    Bind `view` to the screen's `view`, answer `TurnsNeeded` with `receive_turns` and `SessionsNeeded` with
    `receive_sessions`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="tree.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="tree.down"),
        Binding("home,g", "first", "First row", show=False, id="tree.first"),
        Binding("end,G", "last", "Last row", show=False, id="tree.last"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="tree.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="tree.page_down"),
        Binding("left,h", "fold", "Fold or parent", show=False, id="tree.fold"),
        Binding("right,l", "unfold", "Unfold or child", show=False, id="tree.unfold"),
        Binding("enter", "open", "Open", id="tree.open"),
    ]

    @dataclass
    class TurnHighlighted(WidgetMessage["BranchTree"]):
        """Posted when the cursor has moved to a turn."""

        branch_id: str
        """The branch in which to show the turn: the open branch if it holds the turn."""
        turn: int
        """Number of the turn; the last of a branch without turns of its own."""

    @dataclass
    class SessionHighlighted(WidgetMessage["BranchTree"]):
        """Posted when the user has moved the cursor to the row of a session."""

    @dataclass
    class TurnOpened(WidgetMessage["BranchTree"]):
        """Posted when a turn was opened by a key."""

        branch_id: str
        turn: int

    @dataclass
    class TurnClicked(WidgetMessage["BranchTree"]):
        """Posted when a turn was clicked."""

        branch_id: str
        """The branch in which to show the turn."""
        turn: int

    @dataclass
    class BranchClicked(WidgetMessage["BranchTree"]):
        """Posted when the name of a branch was clicked."""

        branch_id: str

    @dataclass
    class SessionOpened(WidgetMessage["BranchTree"]):
        """Posted when a session was opened by key or click."""

        session_id: str

    @property
    def cursor_row(self) -> int:
        """The row of the cursor, counted from the row of the first session."""
        return self._state.cursor

    @property
    def cursor_session(self) -> Session | None:
        """The session in the row of the cursor; None if the row shows a turn, or if the session was not read."""
        row = self._state.get(self._state.cursor)
        return row.session if isinstance(row, SessionRow) else None

    @property
    def cursor_branch(self) -> str | None:
        """The branch in which the turn under the cursor is shown; None in the row of a session."""
        turn = self._state.turn_to_show(self._state.cursor)
        return None if turn is None else turn.branch_id

    @property
    def cursor_turn(self) -> tuple[str, int] | None:
        """The branch and the turn to show for the row of the cursor; None in the row of a session."""
        return self._state.turn_to_show(self._state.cursor)

    @property
    def cursor_y(self) -> int:
        """The line of the widget in which the cursor is."""
        return self._state.cursor - self.scroll_offset.y

    @property
    def row_count(self) -> int:
        """The number of rows, in sight or not."""
        return len(self._state.rows)

    # Cursor

    def _move_to(self, row: int, *, announce: bool = True) -> None:
        self.refresh_line(self._state.cursor)
        self._state.move_to(row)
        self.refresh_line(self._state.cursor)
        self._reveal_cursor()
        self._describe_cursor()
        if announce:
            self._announce()
            if self.cursor_session is not None:
                self.screen.post_message(self.SessionHighlighted(self))

    def _announce(self) -> None:
        turn = self._state.take_announcement()
        if turn is not None:
            # Posted to the screen, so that it arrives before the next key's command.
            self.screen.post_message(self.TurnHighlighted(self, *turn))

    def action_move(self, rows: int) -> None:
        """Move the cursor by a number of rows."""
        self._move_to(self._state.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a number of pages."""
        self.action_move(pages * max(1, self.scrollable_content_region.height - 1))

    def action_first(self) -> None:
        """Go to the first row."""
        self._move_to(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self._move_to(self.row_count - 1)

    # Folds

    def action_fold(self) -> None:
        """Fold the session or fork in the row; if it cannot be folded, go to `TreeState.row_for_left_key`."""
        row = self._state.get(self._state.cursor)
        if isinstance(row, SessionRow) and row.is_open and not row.is_folded:
            self._toggle_session()
        elif isinstance(row, TurnRow) and row.is_first and row.span.is_foldable and row.span.hidden is None:
            self._toggle(row.span)
        else:
            self._move_to(self._state.row_for_left_key())

    def action_unfold(self) -> None:
        """Unfold the session or fork in the row; if it is unfolded, go to `TreeState.row_for_right_key`."""
        row = self._state.get(self._state.cursor)
        if isinstance(row, SessionRow) and not row.is_open:
            self._open_session(row)
        elif isinstance(row, SessionRow) and row.is_folded:
            self._toggle_session()
        elif isinstance(row, TurnRow) and row.span.hidden is not None:
            self._toggle(row.span)
        else:
            self._move_to(self._state.row_for_right_key())

    def _toggle(self, span: Span) -> None:
        with self._rows_in_place():
            self._state.toggle(span)
        self._describe_cursor()
        self._announce()

    def _toggle_session(self) -> None:
        with self._rows_in_place():
            self._state.toggle_session()
        self._describe_cursor()

    # Opening

    def action_open(self) -> None:
        """Open the session, or the branch at the turn."""
        row = self._state.get(self._state.cursor)
        if isinstance(row, SessionRow):
            self._open_session(row)
        elif (turn := self._state.turn_to_show(self._state.cursor)) is not None:
            self.post_message(self.TurnOpened(self, *turn))

    def _open_session(self, row: SessionRow) -> None:
        if row.is_folded:
            self._toggle_session()
        if row.session is not None:
            self.post_message(self.SessionOpened(self, row.session.session_id))

    def on_click(self, event: events.Click) -> None:
        """Act on a click on a session, the sign of a fold, the name of a branch, or a turn."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.scroll_offset.y
        row, target = self._state.get(index), self._click_target(index, offset.x)
        if event.button == RIGHT_BUTTON:
            if row is not None:
                self._move_to(index)
                named = row.span.branch_ids if isinstance(row, TurnRow) and target is ClickTarget.BRANCH else ()
                self.post_message(MenuRequested(self, event.screen_offset, named[0] if named else None))
            return
        if isinstance(row, SessionRow):
            self._move_to(index)
            if target is ClickTarget.FOLD:
                self._toggle_session()
            else:
                self._open_session(row)
        elif row is None:
            return
        elif target is ClickTarget.FOLD:
            self._toggle(row.span)
        elif target is ClickTarget.BRANCH and row.span.branch_ids:
            self.post_message(self.BranchClicked(self, row.span.branch_ids[0]))
        else:
            self._move_to(index, announce=False)
            if (turn := self._state.turn_to_show(index)) is not None:
                self.post_message(self.TurnClicked(self, *turn))

    def _click_target(self, row: int, x: int) -> ClickTarget:
        """Return the target of a click on a cell of a row."""
        for part in self._draw(row):
            x -= cell_len(part.text)
            if x < 0:
                return part.target
        return ClickTarget.ROW
