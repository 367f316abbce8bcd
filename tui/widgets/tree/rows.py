"""Which row of the tree shows what: sessions, and the turns of the open one, without a list of rows.

A chain of turns is one span of rows, however long it is; building the map costs one step for each chain, finding a
row one bisection.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tui.model import EMPTY_TREE, Chain, Session, TurnTree
from tui.widgets.tree.session_cache import SessionCache

__all__ = [
    "FoldKey",
    "Hidden",
    "SessionRow",
    "Span",
    "TreeRow",
    "TreeRows",
    "TurnRow",
    "TurnRows",
    "find_chain",
    "fold_key",
]


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
    return FoldKey(chain.holders[0], chain.first)


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
        return () if self.chain.tip_of is None else (self.chain.tip_of,)

    @property
    def foldable(self) -> bool:
        """Whether its first row stands for more than itself."""
        return self.fork and (len(self.chain) > 1 or bool(self.chain.children))


class SessionRow(NamedTuple):
    """A row that shows a session.

    Attributes:
        place: How many sessions stand before it.
        session: The session; None while it is not known.
        is_open: Whether its turns are shown.
        folded: Whether they are folded away.
    """

    place: int
    session: Session | None
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


class TurnRows:
    """The rows of the turns of a session.

    Args:
        tree: The turns.
        folds: The chains that are folded.
    """

    def __init__(self, tree: TurnTree = EMPTY_TREE, folds: AbstractSet[FoldKey] = frozenset()) -> None:
        self._tree = tree
        self._spans, self._span_of = _lay_out(tree, folds)
        self._starts = [span.start for span in self._spans]
        self._count = self._spans[-1].start + self._spans[-1].rows if self._spans else 0

    def __len__(self) -> int:
        return self._count

    def at(self, row: int) -> TurnRow:
        """What a row shows, counted from the first turn's."""
        span = self._spans[bisect_right(self._starts, row) - 1]
        return TurnRow(span, span.chain.first + row - span.start)

    def of_turn(self, chain: Chain, turn: int) -> int:
        """The row of a chain's turn, or of the fold that hides it."""
        span = self._span_of[chain.index]
        hidden = span.chain is not chain or span.hidden is not None
        return span.start + (0 if hidden else max(0, min(turn, chain.last) - chain.first))

    def parent(self, span: Span) -> int | None:
        """The row of the turn after which a span parts; None for one that starts at the session's first turn."""
        if span.chain.parent is None:
            return None
        parent = self._tree.chains[span.chain.parent]
        return self.of_turn(parent, parent.last)


class TreeRows:
    """The rows of the tree from the first session to the last.

    Args:
        sessions: The sessions in order.
        turns: The turns of the open one; None where they are folded away.
    """

    def __init__(self, sessions: SessionCache, turns: TurnRows | None = None) -> None:
        self._sessions = sessions
        self._open = sessions.open_index
        self._folded = turns is None
        self._turns = turns if turns is not None and self._open is not None else TurnRows()

    def __len__(self) -> int:
        return len(self._sessions) + len(self._turns)

    def at(self, row: int) -> TreeRow:
        """What a row shows.

        Raises:
            IndexError: There is no such row.
        """
        if not 0 <= row < len(self):
            raise IndexError(row)
        if self._open is not None and row > self._open:
            place = row - self._open - 1
            if place < len(self._turns):
                return self._turns.at(place)
            row -= len(self._turns)
        is_open = row == self._open
        return SessionRow(row, self._sessions.get(row), is_open, is_open and self._folded)

    def of_session(self, session_id: str) -> int | None:
        """The row of a session; None where it is not known."""
        place = self._sessions.index_of(session_id)
        return None if place is None else self.of_place(place)

    def of_place(self, place: int) -> int:
        """The row of the session that so many stand before."""
        return place if self._open is None or place <= self._open else place + len(self._turns)

    def of_turn(self, chain: Chain, turn: int) -> int | None:
        """The row of a chain's turn, or of the fold that hides it; None where the whole session is folded."""
        if self._open is None or self._folded:
            return None
        return self._open + 1 + self._turns.of_turn(chain, turn)

    def parent(self, span: Span) -> int | None:
        """The row after which a span parts: the fork's turn, or the session's row."""
        parent = self._turns.parent(span)
        return self._open if parent is None or self._open is None else self._open + 1 + parent


def _lay_out(tree: TurnTree, folds: AbstractSet[FoldKey]) -> tuple[list[Span], dict[int, Span]]:
    """The spans in the order of their rows, and for each chain the span that shows or hides it."""
    spans: list[Span] = []
    span_of: dict[int, Span] = {}
    folded: Span | None = None
    hidden: list[Chain] = []
    start = 0
    for chain, depth in tree.walk():
        fork = _is_fork(tree, chain)
        if folded is not None:
            if depth > folded.depth or (depth == folded.depth and not fork):
                hidden.append(chain)
                span_of[chain.index] = folded
                continue
            folded.hidden, folded, hidden = _hide(hidden), None, []
        span = span_of[chain.index] = Span(chain, depth, fork, start)
        if folds and span.foldable and fold_key(chain) in folds:
            folded = span
            hidden.append(chain)
            span.hidden = _hide(hidden)
        spans.append(span)
        start += span.rows
    if folded is not None:
        folded.hidden = _hide(hidden)
    _lay_rails(reversed(spans))
    return spans, span_of


def _is_fork(tree: TurnTree, chain: Chain) -> bool:
    if chain.parent is None:
        return chain.index != tree.roots[0]
    parent = tree.chains[chain.parent]
    return parent.tip_of is not None or parent.children[0] != chain.index


def _hide(chains: Iterable[Chain]) -> Hidden:
    """What a fold hides, given its own chain and those under it."""
    known = tuple(chains)
    return Hidden(sum(map(len, known)) - 1, tuple(chain.tip_of for chain in known if chain.tip_of is not None))


def _lay_rails(spans_upwards: Iterable[Span]) -> None:
    below = 0
    for span in spans_upwards:
        span.rails = below
        below &= (1 << span.depth) - 1
        # A fork is joined to the column that it parts from; what goes on, to the turn above it in its own.
        below |= 1 << (span.depth - 1 if span.fork else span.depth)
