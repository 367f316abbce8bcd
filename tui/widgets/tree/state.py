"""What the tree shows and where its cursor is, apart from how that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from tui.model import EMPTY_TREE, Session, TurnTree, View
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

__all__ = ["Place", "TreeState", "TurnPlace"]


class TurnPlace(NamedTuple):
    """A turn, told so that it is found again when the tree has changed.

    Attributes:
        branch_id: A branch that holds it.
        turn: Its number.
    """

    branch_id: str
    turn: int


Place: TypeAlias = str | int | TurnPlace
"""A row told by what it shows: a session, by its id or while that is not known by its place, or a turn of the open."""


class TreeState:
    """Rows, folds, cursor and selected turn for the newest view.

    Attributes:
        view: What is shown.
        sessions: The sessions that are known.
        rows: Its rows.
        cursor: The row of the cursor.
        selected: The row of the selected turn; None where there is none.
        marks: The marked turns, each as the index of its chain and its number.
        path: Indices of the chains of the branch that is shown.
        digits: Cells to which turn numbers are padded.
    """

    def __init__(self) -> None:
        self.view = View()
        self.sessions = SessionCache()
        self.rows = TreeRows(self.sessions)
        self.cursor = 0
        self.selected: int | None = None
        self.marks: frozenset[tuple[int, int]] = frozenset()
        self.path: frozenset[int] = frozenset()
        self.digits = 1
        self._turns = TurnRows()
        self._laid_out: tuple[TurnTree, frozenset[FoldKey]] = EMPTY_TREE, frozenset()
        self._folds: dict[str, set[FoldKey]] = {}
        self._folded_sessions: set[str] = set()
        self._opened = ""
        self._place: Place | None = None
        self._announced: list[TurnPlace] = []

    @property
    def session_id(self) -> str:
        """The open session; empty where none is."""
        return "" if self.view.session is None else self.view.session.session_id

    @property
    def arrangement(self) -> object:
        """Another one where rows came, went or moved."""
        return self._turns, self.session_id in self._folded_sessions

    def show(self, view: View) -> bool:
        """Take over a new view.

        Returns:
            Whether the cursor followed it; it does where it was not the cursor that caused the change.
        """
        old, before = self.view, self.session_id
        self.view = view
        self.sessions.show(view)
        if self.session_id != before:
            self._announced.clear()
            self._place = None
        if not view.preview:
            self._opened = view.branch_id
        branches = view.tree.branches
        path = view.tree.path(view.branch_id) if view.branch_id in branches else ()
        self.path = frozenset(chain.index for chain in path)
        marked = ((view.tree.chain_at(*mark), mark[1]) for mark in view.marks)
        self.marks = frozenset((chain.index, turn) for chain, turn in marked if chain is not None)
        moved = (self.session_id, view.branch_id, view.turn) != (before, old.branch_id, old.turn)
        follow = moved and not self._is_echo(TurnPlace(view.branch_id, view.turn))
        if follow:
            self._announced.clear()
            self._place = self._place_shown()
            self._unfold_over(self._place)
        self.lay_out()
        return follow

    def receive_sessions(self, start: int, revision: int, sessions: Sequence[Session]) -> None:
        """Take over sessions that were asked for."""
        self.sessions.receive(start, revision, sessions)
        self._place = self.place_of(self.cursor)

    def _is_echo(self, shown: TurnPlace) -> bool:
        """Whether the cursor announced what is shown now; it may have moved on since, and must not be called back."""
        if shown not in self._announced:
            return False
        del self._announced[: self._announced.index(shown) + 1]
        return True

    def _place_shown(self) -> TurnPlace:
        """The place of the selected turn; of a branch without turns of its own, the row of its name."""
        view = self.view
        if view.branch_id in view.tree.branches:
            tip = view.tree.tip(view.branch_id)
            if not len(tip) and view.turn >= tip.last:
                return TurnPlace(view.branch_id, tip.first)
        return TurnPlace(view.branch_id, view.turn)

    def _unfold_over(self, place: TurnPlace) -> None:
        """Unfold what hides a turn."""
        self._folded_sessions.discard(self.session_id)
        folds = self._folds.get(self.session_id, set())
        chain = find_chain(self.view.tree, *place) if folds else None
        while chain is not None:
            if chain.first < place.turn:
                folds.discard(fold_key(chain))
            chain = None if chain.parent is None else self.view.tree.chains[chain.parent]

    def lay_out(self) -> None:
        """Make the map of rows anew; the cursor stays on what it was on, or on the fold that hides it now."""
        tree, folds = self.view.tree, frozenset(self._folds.get(self.session_id, ()))
        if self._laid_out != (tree, folds):
            self._turns, self._laid_out = TurnRows(tree, folds), (tree, folds)
            self.digits = min(3, len(str(max((branch.turns for branch in tree.branches.values()), default=1))))
        self.rows = TreeRows(self.sessions, None if self.session_id in self._folded_sessions else self._turns)
        self._find_cursor()

    def _find_cursor(self) -> None:
        places = (self._place, self._place_shown(), self.session_id)
        rows = (self.row_of(place) for place in places if place is not None)
        self.move_to(next((row for row in rows if row is not None), 0))

    def row_of(self, place: Place) -> int | None:
        """The row of a place, or of the fold that hides it; None where it is gone."""
        if isinstance(place, str):
            return self.rows.of_session(place)
        if isinstance(place, int):
            return self.rows.of_place(place) if place < len(self.sessions) else None
        chain = find_chain(self.view.tree, *place)
        return None if chain is None else self.rows.of_turn(chain, place.turn)

    def place_of(self, row: int) -> Place | None:
        """What is found again by `row_of`; None where there is no such row."""
        shown = self.at(row)
        if isinstance(shown, TurnRow):
            return TurnPlace(shown.span.chain.holders[0], shown.turn)
        if shown is None:
            return None
        return shown.place if shown.session is None else shown.session.session_id

    def at(self, row: int) -> TreeRow | None:
        """What a row shows; None where there is no such row."""
        return self.rows.at(row) if 0 <= row < len(self.rows) else None

    def denoted(self, row: int) -> TurnPlace | None:
        """The branch and turn that are to be shown when the cursor is on a row; None for a session's row.

        The branch is the opened one where that holds the turn, else the one shown, else that which ends next.
        """
        shown = self.at(row)
        if not isinstance(shown, TurnRow):
            return None
        chain = shown.span.chain
        turn = shown.turn if len(chain) else chain.last
        for branch_id in (self._opened, self.view.branch_id):
            if branch_id in chain.holders:
                return TurnPlace(branch_id, turn)
        branches = self.view.tree.branches
        return TurnPlace(min(chain.holders, key=lambda branch_id: branches[branch_id].turns), turn)

    def move_to(self, row: int) -> None:
        """Put the cursor on a row, or the nearest that exists."""
        self.cursor = max(0, min(row, len(self.rows) - 1))
        self._place = self.place_of(self.cursor)
        # Two rows can stand for one turn, its own and that of a branch which ends there: the cursor knows which.
        on_it = self.denoted(self.cursor) == (self.view.branch_id, self.view.turn)
        self.selected = self.cursor if on_it else self.row_of(self._place_shown())

    def announce(self) -> TurnPlace | None:
        """What has to be told of the cursor, if anything has: the turn it came to. It counts as told from now on."""
        denoted = self.denoted(self.cursor)
        told = self._announced[-1] if self._announced else TurnPlace(self.view.branch_id, self.view.turn)
        if denoted is None or denoted == told:
            return None
        self._announced.append(denoted)
        return denoted

    def toggle(self, span: Span) -> None:
        """Fold or unfold a fork."""
        self._folds.setdefault(self.session_id, set()).symmetric_difference_update({fold_key(span.chain)})
        self.lay_out()

    def toggle_session(self) -> None:
        """Fold or unfold all turns of the open session."""
        self._folded_sessions.symmetric_difference_update({self.session_id})
        self.lay_out()

    def step_out(self) -> int:
        """The row to the left of the cursor's: the head of its fork, or where that parts."""
        row = self.at(self.cursor)
        if not isinstance(row, TurnRow):
            return self.cursor
        if row.span.fork and not row.first:
            return self.cursor - (row.turn - row.span.chain.first)
        parent = self.rows.parent(row.span)
        return self.cursor if parent is None else parent

    def step_in(self) -> int:
        """The row to the right of the cursor's: where its chain ends, or the first that hangs under it."""
        row = self.at(self.cursor)
        if isinstance(row, SessionRow):
            return self.cursor + 1 if row.is_open and self.view.tree.roots else self.cursor
        if row is None or not row.last:
            return self.cursor if row is None else self.cursor + row.span.chain.last - row.turn
        return self.cursor + 1 if row.span.chain.children else self.cursor
