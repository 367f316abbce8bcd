"""The rows of the tree: sessions, and the turns of the open session, without a list of all rows.

A chain of turns is one span of rows, however long it is. Laying out the rows takes a step for each chain; finding a
row takes a bisection.
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
    "HiddenTurns",
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
    """Identifies a fold while the tree changes: by the first turn of the folded chain, and its oldest branch."""

    branch_id: str
    turn: int


def fold_key(chain: Chain) -> FoldKey:
    """Return the key under which the fold of a chain is remembered."""
    return FoldKey(chain.holders[0], chain.first)


def find_chain(tree: TurnTree, branch_id: str, turn: int) -> Chain | None:
    """Return the chain whose row shows a branch's turn.

    The row of a branch without turns of its own counts as the turn after its last inherited turn.
    """
    chain = tree.chain_at(branch_id, turn)
    if chain is None and branch_id in tree.branches:
        last_chain = tree.last_chain(branch_id)
        return last_chain if not len(last_chain) and turn == last_chain.first else None
    return chain


class HiddenTurns(NamedTuple):
    """The turns and branches that a fold hides.

    Attributes:
        turns: Number of turns, except for the turn in the row of the fold.
        branches: Ids of the branches that end in the folded turns.
    """

    turns: int
    branches: tuple[str, ...]


@dataclass(slots=True)
class Span:
    """The rows of one chain.

    Attributes:
        depth: Number of forks on the way to its turns.
        alternative: Its number among the alternatives of its fork, from 1.
        alternatives: The number of alternatives of its fork; 1 if nothing forks at its first turn.
        start: Its first row, counted from the first row of all turns.
        lines: Bit `n` is set if the line of the fork at depth `n + 1` continues below its first row.
        hidden: The turns and branches that its fold hides; None if it is unfolded.
    """

    chain: Chain
    depth: int
    alternative: int
    alternatives: int
    start: int
    lines: int
    hidden: HiddenTurns | None = None

    @property
    def row_count(self) -> int:
        """The number of rows: one per turn, but one if the span is folded or its branch has no turns of its own."""
        return 1 if self.hidden is not None else max(1, len(self.chain))

    @property
    def branch_ids(self) -> tuple[str, ...]:
        """The branches that end in these rows or in hidden turns."""
        if self.hidden is not None:
            return self.hidden.branches
        return () if self.chain.ending_branch is None else (self.chain.ending_branch,)

    @property
    def is_fork(self) -> bool:
        """True if its first turn is one of several alternatives."""
        return self.alternatives > 1

    @property
    def is_foldable(self) -> bool:
        """True if the first row can be folded and unfolded."""
        return self.is_fork and (len(self.chain) > 1 or bool(self.chain.children))

    @property
    def begins_fork(self) -> bool:
        """True if a branch ends in its last row while others continue, so that it is the first alternative there."""
        return self.hidden is None and self.chain.ending_branch is not None and bool(self.chain.children)


class SessionRow(NamedTuple):
    """A row that shows a session.

    Attributes:
        session_index: Index of the session in the file.
        session: The session; None until it is read.
        is_folded: Whether it is the open session, and its turns are folded.
    """

    session_index: int
    session: Session | None
    is_open: bool
    is_folded: bool


class TurnRow(NamedTuple):
    """A row that shows a turn, or a branch without turns of its own.

    Attributes:
        turn: Number of the turn; for a branch without turns of its own, the number after its last turn.
    """

    span: Span
    turn: int

    @property
    def is_first(self) -> bool:
        """True if it is the first row of its chain."""
        return self.turn == self.span.chain.first

    @property
    def is_last(self) -> bool:
        """True if it is the last row of its chain."""
        return self.turn >= self.span.chain.last


TreeRow: TypeAlias = SessionRow | TurnRow


class TurnRows:
    """The rows of the turns of a session, some of whose chains are folded.

    Attributes:
        depth: The depth of the deepest fork, folded or not.
    """

    def __init__(self, tree: TurnTree = EMPTY_TREE, folds: AbstractSet[FoldKey] = frozenset()) -> None:
        self._tree = tree
        self._spans, self._span_of_chain, self.depth = _lay_out(tree, folds)
        self._starts = [span.start for span in self._spans]
        self._count = self._spans[-1].start + self._spans[-1].row_count if self._spans else 0

    def __len__(self) -> int:
        return self._count

    def get(self, row: int) -> TurnRow:
        """Return the content of a row, counted from the row of the first turn."""
        span = self._spans[bisect_right(self._starts, row) - 1]
        return TurnRow(span, span.chain.first + row - span.start)

    def row_of(self, chain: Chain, turn: int) -> int:
        """Return the row of a chain's turn, or of the fold that hides it."""
        span = self._span_of_chain[chain.index]
        is_hidden = span.chain is not chain or span.hidden is not None
        return span.start + (0 if is_hidden else max(0, min(turn, chain.last) - chain.first))

    def parent_row(self, span: Span) -> int | None:
        """Return the row of the turn after which a span forks; None if it starts at the first turn of the session."""
        if span.chain.parent is None:
            return None
        parent = self._tree.chains[span.chain.parent]
        return self.row_of(parent, parent.last)


class TreeRows:
    """The rows of the tree, from the first session to the last."""

    def __init__(self, sessions: SessionCache, turns: TurnRows | None = None) -> None:
        """Create the rows; `turns` is None if the turns of the open session are folded."""
        self._sessions = sessions
        self._open = sessions.open_index
        self._is_folded = turns is None
        self._turns = turns if turns is not None and self._open is not None else TurnRows()

    def __len__(self) -> int:
        return len(self._sessions) + len(self._turns)

    def get(self, row: int) -> TreeRow:
        """Return the content of a row.

        Raises:
            IndexError: There is no such row.
        """
        if not 0 <= row < len(self):
            raise IndexError(row)
        index = row
        if self._open is not None and row > self._open:
            turn_row = row - self._open - 1
            if turn_row < len(self._turns):
                return self._turns.get(turn_row)
            index -= len(self._turns)
        is_open = index == self._open
        return SessionRow(index, self._sessions.get(index), is_open, is_open and self._is_folded)

    def row_of_session(self, session_id: str) -> int | None:
        """Return the row of a session; None if the session was not read."""
        index = self._sessions.index_of(session_id)
        return None if index is None else self.row_of_index(index)

    def row_of_index(self, index: int) -> int:
        """Return the row of the session at an index of the file."""
        return index if self._open is None or index <= self._open else index + len(self._turns)

    def row_of_turn(self, chain: Chain, turn: int) -> int | None:
        """Return the row of a chain's turn, or of the fold that hides it; None if all turns are folded."""
        if self._open is None or self._is_folded:
            return None
        return self._open + 1 + self._turns.row_of(chain, turn)

    def parent_row(self, span: Span) -> int | None:
        """Return the row of the turn after which a span forks; else the row of the session."""
        parent = self._turns.parent_row(span)
        return self._open if parent is None or self._open is None else self._open + 1 + parent


def _lay_out(tree: TurnTree, folds: AbstractSet[FoldKey]) -> tuple[list[Span], dict[int, Span], int]:
    """Return the spans in the order of their rows, for the index of each chain its span, and the depth of the deepest.

    The span of a chain shows it, or hides it in a fold.
    """
    spans: list[Span] = []
    span_of_chain: dict[int, Span] = {}
    alternatives_so_far: dict[int | None, int] = {}
    folded: Span | None = None
    hidden: list[Chain] = []
    start = deepest = 0
    for chain, depth in tree.walk():
        deepest = max(deepest, depth)
        if folded is not None:
            if chain.parent is not None and span_of_chain[chain.parent] is folded:
                hidden.append(chain)
                span_of_chain[chain.index] = folded
                continue
            folded.hidden, folded, hidden = _hidden_turns(hidden), None, []
        parent = None if chain.parent is None else span_of_chain[chain.parent]
        ended_before = parent is not None and parent.chain.ending_branch is not None
        alternative = alternatives_so_far.get(chain.parent, int(ended_before)) + 1
        alternatives_so_far[chain.parent] = alternative
        alternatives = tree.alternative_count(chain)
        lines = 0 if parent is None else parent.lines
        if alternative < alternatives:
            lines |= 1 << (depth - 1)
        span = span_of_chain[chain.index] = Span(chain, depth, alternative, alternatives, start, lines)
        if folds and span.is_foldable and fold_key(chain) in folds:
            folded = span
            hidden.append(chain)
            # From now on the span takes one row, although the chains that it hides follow later.
            span.hidden = _hidden_turns(hidden)
        spans.append(span)
        start += span.row_count
    if folded is not None:
        folded.hidden = _hidden_turns(hidden)
    return spans, span_of_chain, deepest


def _hidden_turns(chains: Iterable[Chain]) -> HiddenTurns:
    """Return the turns and branches that a fold hides, given its own chain and the chains under it."""
    chains = tuple(chains)
    branches = (chain.ending_branch for chain in chains)
    return HiddenTurns(sum(map(len, chains)) - 1, tuple(name for name in branches if name is not None))
