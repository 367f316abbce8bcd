"""Which row of the tree shows what: sessions, and the turns of the open one, without a list of rows.

A chain of turns is one span of rows, however long it is; building the map costs one step for each chain, finding a
row one bisection.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tui.model import EMPTY_TREE, Chain, Session, TurnTree

__all__ = ["FoldKey", "Hidden", "SessionRow", "Span", "TreeRow", "TreeRows", "TurnRow", "find_chain", "fold_key"]


class FoldKey(NamedTuple):
    """What a fold is remembered by while the tree changes.

    Attributes:
        branch_id: The oldest branch through the folded chain.
        turn: The chain's first turn.
    """

    branch_id: str
    turn: int


def fold_key(chain: Chain) -> FoldKey:
    """The key by which the fold of a chain is remembered."""
    return FoldKey(chain.oldest, chain.first)


def find_chain(tree: TurnTree, branch_id: str, turn: int) -> Chain | None:
    """The chain whose row shows a branch's turn; a branch without turns of its own is found one after its last."""
    chain = tree.chain_at(branch_id, turn)
    if chain is None and branch_id in tree.branches:
        tip = tree.tip(branch_id)
        return tip if not len(tip) and turn == tip.first else None
    return chain


class Hidden(NamedTuple):
    """What a fold hides.

    Attributes:
        turns: Turns besides the one whose row stays.
        branches: The branches that end there.
    """

    turns: int
    branches: tuple[str, ...]


@dataclass(slots=True)
class Span:
    """The rows of one chain.

    Attributes:
        chain: The chain.
        depth: Columns of guides before its turns.
        fork: True where it hangs under the turn at which it parts, False where it goes on in its column.
        start: Its first row, counted from the first row of the turns.
        hidden: What its fold hides; None while it is unfolded.
        rails: Bit `n` is set where the column `n` goes on below these rows.
    """

    chain: Chain
    depth: int
    fork: bool
    start: int
    hidden: Hidden | None = None
    rails: int = 0

    @property
    def rows(self) -> int:
        """How many rows it takes: one for each turn, one when folded or empty."""
        return 1 if self.hidden is not None else max(1, len(self.chain))

    @property
    def ends(self) -> tuple[str, ...]:
        """The branches whose name stands here: the one that ends with the chain, or those that its fold hides."""
        if self.hidden is not None:
            return self.hidden.branches
        return () if self.chain.ends is None else (self.chain.ends,)

    @property
    def foldable(self) -> bool:
        """Whether its first row stands for more than itself."""
        return self.fork and (len(self.chain) > 1 or bool(self.chain.children))


class SessionRow(NamedTuple):
    """A row that shows a session.

    Attributes:
        session: The session.
        is_open: Whether its turns are shown.
        folded: Whether they are folded away.
    """

    session: Session
    is_open: bool
    folded: bool


class TurnRow(NamedTuple):
    """A row that shows a turn, or a branch without turns of its own.

    Attributes:
        span: The span it belongs to.
        turn: Number of the turn; one after the branch's last where it has none of its own.
    """

    span: Span
    turn: int

    @property
    def first(self) -> bool:
        """Whether it is its chain's first row."""
        return self.turn == self.span.chain.first

    @property
    def last(self) -> bool:
        """Whether it is its chain's last row."""
        return self.turn >= self.span.chain.last


TreeRow: TypeAlias = SessionRow | TurnRow


class TreeRows:
    """The rows of the tree from the first session to the last.

    Args:
        sessions: The sessions in order.
        open_id: Id of the session whose turns are shown; None where none is.
        tree: Its turns.
        folds: The chains that are folded.
        folded: Whether all turns of the open session are folded away.
    """

    def __init__(
        self,
        sessions: Sequence[Session] = (),
        open_id: str | None = None,
        tree: TurnTree = EMPTY_TREE,
        folds: AbstractSet[FoldKey] = frozenset(),
        *,
        folded: bool = False,
    ) -> None:
        self._sessions = sessions
        self._open = next((place for place, session in enumerate(sessions) if session.session_id == open_id), None)
        self._folded = folded
        shown = self._open is not None and not folded
        self._tree = tree if shown else EMPTY_TREE
        self._spans, self._span_of = _lay_out(self._tree, folds)
        self._starts = [span.start for span in self._spans]
        self._turns = self._spans[-1].start + self._spans[-1].rows if self._spans else 0

    def __len__(self) -> int:
        return len(self._sessions) + self._turns

    def at(self, row: int) -> TreeRow:
        """What a row shows.

        Raises:
            IndexError: There is no such row.
        """
        if not 0 <= row < len(self):
            raise IndexError(row)
        if self._open is not None and row > self._open:
            place = row - self._open - 1
            if place < self._turns:
                span = self._spans[bisect_right(self._starts, place) - 1]
                return TurnRow(span, span.chain.first + place - span.start)
            row -= self._turns
        is_open = row == self._open
        return SessionRow(self._sessions[row], is_open, is_open and self._folded)

    def of_session(self, session_id: str) -> int | None:
        """The row of a session."""
        for place, session in enumerate(self._sessions):
            if session.session_id == session_id:
                return place if self._open is None or place <= self._open else place + self._turns
        return None

    def of_turn(self, chain: Chain, turn: int) -> int | None:
        """The row of a chain's turn, or of the fold that hides it; None where the whole session is folded."""
        if self._open is None or chain.index >= len(self._span_of):
            return None
        span = self._span_of[chain.index]
        hidden = span.chain is not chain or span.hidden is not None
        return self._open + 1 + span.start + (0 if hidden else max(0, min(turn, chain.last) - chain.first))

    def parent(self, span: Span) -> int | None:
        """The row after which a span parts: the fork's turn, or the session's row."""
        if span.chain.parent is None:
            return self._open
        parent = self._tree.chains[span.chain.parent]
        return self.of_turn(parent, parent.last)


def _lay_out(tree: TurnTree, folds: AbstractSet[FoldKey]) -> tuple[list[Span], list[Span]]:
    """The spans in the order of their rows, and for each chain the span that shows or hides it."""
    spans: list[Span] = []
    span_of: dict[int, Span] = {}
    folded: Span | None = None
    start = 0
    for chain, depth in tree.walk():
        fork = _is_fork(tree, chain)
        if folded is not None:
            if depth > folded.depth or (depth == folded.depth and not fork):
                folded.hidden = _add(folded.hidden, chain)
                span_of[chain.index] = folded
                continue
            folded = None
        span = span_of[chain.index] = Span(chain, depth, fork, start)
        if span.foldable and fold_key(chain) in folds:
            span.hidden = _add(Hidden(-1, ()), chain)
            folded = span
        spans.append(span)
        start += span.rows
    _lay_rails(reversed(spans))
    return spans, [span_of[index] for index in range(len(tree.chains))]


def _is_fork(tree: TurnTree, chain: Chain) -> bool:
    if chain.parent is None:
        return chain.index != tree.roots[0]
    parent = tree.chains[chain.parent]
    return parent.ends is not None or parent.children[0] != chain.index


def _add(hidden: Hidden | None, chain: Chain) -> Hidden:
    turns, branches = hidden or Hidden(0, ())
    return Hidden(turns + len(chain), branches if chain.ends is None else (*branches, chain.ends))


def _lay_rails(spans_upwards: Iterable[Span]) -> None:
    below = 0
    for span in spans_upwards:
        span.rails = below
        below &= (1 << span.depth) - 1
        # A fork is joined to the column that it parts from; what goes on, to the turn above it in its own.
        below |= 1 << (span.depth - 1 if span.fork else span.depth)
