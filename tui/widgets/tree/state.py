"""The state of the tree apart from its drawing: rows, folds and cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from tui.model import EMPTY_TREE, Session, TurnTree, View
from tui.widgets.pending_selections import PendingSelections
from tui.widgets.tree.rows import (
    FoldKey,
    SessionRow,
    Span,
    TreeRow,
    TreeRows,
    TurnRow,
    TurnRows,
    find_chain,
    fold_key,
)
from tui.widgets.tree.session_cache import SessionCache

__all__ = ["RowRef", "TreeState", "TurnRef"]

_NUMBER_CELLS = range(2, 7)
"""The least and the most cells of a turn's number."""


class TurnRef(NamedTuple):
    """Identifies a turn, while the tree changes, by its number and a branch that holds it."""

    branch_id: str
    turn: int


RowRef: TypeAlias = str | int | TurnRef
"""Identifies a row while the tree changes: the id of a session, its index if it was not read, or a turn."""


class TreeState:
    """Rows, folds, cursor and selected turn for the current view.

    Attributes:
        cursor: The row of the cursor.
        selected: The row of the selected turn; None if there is none.
        marks: The marked turns, each as the index of its chain and its number.
        path: Indices of the chains of the shown branch.
        opened_branch: The branch that a preview returns to.
        number_cells: Cells to which turn numbers are padded.
    """

    def __init__(self) -> None:
        self.view = View()
        self.sessions = SessionCache()
        self.rows = TreeRows(self.sessions)
        self.cursor = 0
        self.selected: int | None = None
        self.marks: frozenset[tuple[int, int]] = frozenset()
        self.path: frozenset[int] = frozenset()
        self.number_cells = _NUMBER_CELLS[0]
        self._turns = TurnRows()
        self._laid_out: tuple[TurnTree, frozenset[FoldKey]] = EMPTY_TREE, frozenset()
        self._folds: dict[str, set[FoldKey]] = {}
        self._folded_sessions: set[str] = set()
        self.opened_branch = ""
        self._cursor_ref: RowRef | None = None
        self._selections: PendingSelections[TurnRef] = PendingSelections()

    @property
    def session_id(self) -> str:
        """The open session; empty if none is open."""
        return "" if self.view.session is None else self.view.session.session_id

    @property
    def depth(self) -> int:
        """The depth of the deepest fork."""
        return self._turns.depth

    @property
    def layout_key(self) -> object:
        """A value that differs after rows were added, removed or moved."""
        return self._turns, self.session_id in self._folded_sessions

    def show(self, view: View) -> bool:
        """Show another view.

        Returns:
            Whether the cursor followed the view, which it does unless it caused the change itself.
        """
        before, session_id = self.view, self.session_id
        was_selected, selected_before = self.cursor == self.selected, self._selected_ref()
        self.view = view
        self.sessions.show(view)
        if self.session_id != session_id:
            self._selections.clear()
            self._cursor_ref = None
        if not view.preview:
            self.opened_branch = view.branch_id
        path = view.tree.path(view.branch_id) if view.branch_id in view.tree.branches else ()
        self.path = frozenset(chain.index for chain in path)
        marked = ((view.tree.chain_at(*mark), mark[1]) for mark in view.marks)
        self.marks = frozenset((chain.index, turn) for chain, turn in marked if chain is not None)
        moved = (self.session_id, view.branch_id, view.turn) != (session_id, before.branch_id, before.turn)
        follow = moved and not self._selections.confirm(TurnRef(view.branch_id, view.turn))
        if follow:
            self._cursor_ref = self._selected_ref()
            self._unfold_above(self._cursor_ref)
        elif was_selected and not moved and self._selected_ref() != selected_before:
            # The row of a branch without turns has become that of its first turn, which is not the selected one.
            self._cursor_ref = self._selected_ref()
        self.lay_out()
        return follow

    def receive_sessions(self, start: int, revision: int, sessions: Sequence[Session]) -> None:
        """Store sessions that were requested."""
        self.sessions.receive(start, revision, sessions)
        self._cursor_ref = self.ref_of(self.cursor)

    def _selected_ref(self) -> TurnRef:
        """Return the selected turn, or for a branch without turns of its own, the turn number of its row."""
        view = self.view
        if view.branch_id in view.tree.branches:
            last_chain = view.tree.last_chain(view.branch_id)
            if not len(last_chain) and view.turn >= last_chain.last:
                return TurnRef(view.branch_id, last_chain.first)
        return TurnRef(view.branch_id, view.turn)

    def _unfold_above(self, ref: TurnRef) -> None:
        """Unfold all folds that hide a turn."""
        self._folded_sessions.discard(self.session_id)
        folds = self._folds.get(self.session_id, set())
        chain = find_chain(self.view.tree, *ref) if folds else None
        while chain is not None:
            if chain.first < ref.turn:
                folds.discard(fold_key(chain))
            chain = None if chain.parent is None else self.view.tree.chains[chain.parent]

    def lay_out(self) -> None:
        """Lay out the rows; the cursor stays on its session or turn, or moves to the fold that hides it."""
        tree, folds = self.view.tree, frozenset(self._folds.get(self.session_id, ()))
        if self._laid_out != (tree, folds):
            self._turns, self._laid_out = TurnRows(tree, folds), (tree, folds)
            most_turns = max((branch.turns for branch in tree.branches.values()), default=1)
            self.number_cells = max(_NUMBER_CELLS[0], min(len(str(most_turns)), _NUMBER_CELLS[-1]))
        self.rows = TreeRows(self.sessions, None if self.session_id in self._folded_sessions else self._turns)
        self._place_cursor()

    def _place_cursor(self) -> None:
        refs = (self._cursor_ref, self._selected_ref(), self.session_id)
        rows = (self.row_of(ref) for ref in refs if ref is not None)
        self.move_to(next((row for row in rows if row is not None), 0))

    def row_of(self, ref: RowRef) -> int | None:
        """Return the row of a session or a turn, or of the fold that hides it; None if it is gone."""
        if isinstance(ref, str):
            return self.rows.row_of_session(ref)
        if isinstance(ref, int):
            return self.rows.row_of_index(ref) if ref < len(self.sessions) else None
        chain = find_chain(self.view.tree, *ref)
        return None if chain is None else self.rows.row_of_turn(chain, ref.turn)

    def ref_of(self, row: int) -> RowRef | None:
        """Return the session or the turn in a row; None if there is no such row."""
        shown = self.get(row)
        if isinstance(shown, TurnRow):
            return TurnRef(shown.span.chain.holders[0], shown.turn)
        if shown is None:
            return None
        return shown.session_index if shown.session is None else shown.session.session_id

    def get(self, row: int) -> TreeRow | None:
        """Return the content of a row; None if there is no such row."""
        return self.rows.get(row) if 0 <= row < len(self.rows) else None

    def turn_to_show(self, row: int) -> TurnRef | None:
        """Return the branch and turn to show when the cursor is on a row; None for the row of a session.

        The branch is the open branch if it holds the turn, else the shown branch if it does, else the branch that ends
        first.
        """
        shown = self.get(row)
        if not isinstance(shown, TurnRow):
            return None
        chain = shown.span.chain
        turn = shown.turn if len(chain) else chain.last
        for branch_id in (self.opened_branch, self.view.branch_id):
            if branch_id in chain.holders:
                return TurnRef(branch_id, turn)
        branches = self.view.tree.branches
        return TurnRef(min(chain.holders, key=lambda branch_id: branches[branch_id].turns), turn)

    def move_to(self, row: int) -> None:
        """Move the cursor to a row, or to the nearest row that exists."""
        self.cursor = max(0, min(row, len(self.rows) - 1))
        self._cursor_ref = self.ref_of(self.cursor)
        # A turn may have two rows, its own and that of a branch that ends there: the cursor decides between them.
        is_selected = self.turn_to_show(self.cursor) == (self.view.branch_id, self.view.turn)
        self.selected = self.cursor if is_selected else self.row_of(self._selected_ref())

    def take_announcement(self) -> TurnRef | None:
        """Return the turn to which the cursor moved, but only once; None if it was returned before or is shown."""
        turn = self.turn_to_show(self.cursor)
        if turn is None or turn == self._selections.latest(TurnRef(self.view.branch_id, self.view.turn)):
            return None
        self._selections.add(turn)
        return turn

    def toggle(self, span: Span) -> None:
        """Fold or unfold a fork."""
        self._folds.setdefault(self.session_id, set()).symmetric_difference_update({fold_key(span.chain)})
        self.lay_out()

    def toggle_session(self) -> None:
        """Fold or unfold all turns of the open session."""
        self._folded_sessions.symmetric_difference_update({self.session_id})
        self.lay_out()

    def row_for_left_key(self) -> int:
        """Return the row for the ← key: the first row of the cursor's fork, or the row under which the fork hangs."""
        row = self.get(self.cursor)
        if not isinstance(row, TurnRow):
            return self.cursor
        if row.span.is_fork and not row.is_first:
            return self.cursor - (row.turn - row.span.chain.first)
        parent = self.rows.parent_row(row.span)
        return self.cursor if parent is None else parent

    def row_for_right_key(self) -> int:
        """Return the row for the → key: the last row of the cursor's chain, or from there the first row under it."""
        row = self.get(self.cursor)
        if isinstance(row, SessionRow):
            return self.cursor + 1 if row.is_open and self.view.tree.roots else self.cursor
        if row is None or not row.is_last:
            return self.cursor if row is None else self.cursor + row.span.chain.last - row.turn
        return self.cursor + 1 if row.span.chain.children else self.cursor
