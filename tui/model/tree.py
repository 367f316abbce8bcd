"""The tree of the turns of a session's branches.

The branches form a trie of turns: two branches share a turn if they hold the same messages there. The trie consists of
*chains* of consecutive turns without a fork between them, so that a branch of 100,000 turns is one chain and not
100,000 nodes; the turns of a chain are read when they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final, NamedTuple, overload

from tui.words import title_and_id

__all__ = ["EMPTY_TREE", "GENERATED_ID", "Branch", "Chain", "Holders", "Turn", "TurnTree"]


GENERATED_ID: Final = re.compile(r"branch_from_turn_(\d{1,9})_\d+(?:_\d+)?", re.ASCII)
"""An id that was made from the turn and the time of a fork."""


class Branch(NamedTuple):
    """A branch of a session.

    Attributes:
        branch_id: The id; the first branch of a session is `main`.
        turns: Number of the last turn; 0 for a branch without user messages.
        parent: The branch that it was forked from, if that is recorded.
        fork_turn: The first turn that it does not share with `parent`, if that is recorded.
        created_at: Time at which its first row was written: UTC, naive; the time of the fork for a fork.
        title: The title that the user gave it; may be empty.
        before_compaction: The branch that holds its items as they were before its last compaction; empty if it was
            not compacted.
    """

    branch_id: str
    turns: int
    parent: str | None = None
    fork_turn: int | None = None
    created_at: str | None = None
    title: str = ""
    note: str = ""
    pinned: bool = False
    archived: bool = False
    before_compaction: str = ""

    @property
    def name(self) -> str:
        """The title, or the id if there is no title."""
        return self.title or self.branch_id

    @property
    def title_and_id(self) -> str:
        """The title with the id beside it, or the id if there is no title."""
        return title_and_id(self.title, self.branch_id)

    @property
    def label(self) -> str:
        """The name; for an id that was made from turn and time, the turn."""
        number = None if self.title else self.turn_in_id
        return self.name if number is None else f"from turn {number}"

    @property
    def readable_name(self) -> str:
        """The name; `fork from turn 2` for an id that was made from turn and time."""
        return self.name if self.label == self.name else f"fork {self.label}"

    @property
    def quoted_name(self) -> str:
        """The name in quotes; `fork from turn 2`, without them, for an id that was made from turn and time."""
        return f"'{self.name}'" if self.label == self.name else self.readable_name

    @property
    def turn_in_id(self) -> int | None:
        """The turn in an id that was made from turn and time of a fork; None for ids that somebody chose."""
        match = GENERATED_ID.fullmatch(self.branch_id)
        return None if match is None else int(match[1])


class Holders(Sequence[str]):
    """The branches that hold the turns of a chain, oldest first: they end in it or in a chain under it.

    Each chain has a range of one list, which all chains of a tree share: the branches in the order of the chains where
    they end. The chains of 2,000 branches would otherwise hold 100,000 names, few of which are ever read.
    """

    __slots__ = ("_ends", "_oldest", "_positions", "_start", "_stop")

    def __init__(
        self, oldest: str, ends: Sequence[tuple[int, str]], positions: Mapping[str, int], start: int, stop: int
    ) -> None:
        """Create the range of a chain.

        Args:
            oldest: The oldest branch of the range.
            ends: All branches in the shared order, each with its rank by age before its id.
            positions: The index of each branch in `ends`.
            start: Index in `ends` of the first branch of the range.
            stop: Index in `ends` after the last branch of the range.
        """
        self._oldest, self._ends, self._positions, self._start, self._stop = oldest, ends, positions, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __contains__(self, name: object) -> bool:
        position = self._positions.get(name) if isinstance(name, str) else None
        return position is not None and self._start <= position < self._stop

    def __iter__(self) -> Iterator[str]:
        return (name for _, name in sorted(self._ends[self._start : self._stop]))

    def difference(self, inner: Sequence[str]) -> Iterator[str]:
        """Yield the branches that are not in `inner`, the holders of a chain under this one, in any order."""
        if not isinstance(inner, Holders) or inner._ends is not self._ends:  # noqa: SLF001
            return (name for name in self if name not in inner)
        parts = self._ends[self._start : inner._start], self._ends[inner._stop : self._stop]  # noqa: SLF001
        return (name for part in parts for _, name in part)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._oldest if index == 0 else tuple(self)[index]

    def __repr__(self) -> str:
        return repr(tuple(self))


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Consecutive turns without a fork between them.

    Attributes:
        index: Index in `TurnTree.chains`.
        parent: Index of the chain that it continues; None for a chain that starts at the session's first turn.
        last: Number of the last turn; `first - 1` for a branch without turns of its own.
        holders: The branches that hold these turns, oldest first; the turns can be read from any of them.
        ending_branch: The branch that ends with the last turn, if any.
        children: Indices of the chains that follow, in the order in which their oldest branches were created.
        hidden_holders: Branches that hold these turns too but are not in the tree; usage may be stored for them.
    """

    index: int
    parent: int | None
    first: int
    last: int
    holders: Sequence[str]
    ending_branch: str | None = None
    children: tuple[int, ...] = ()
    hidden_holders: tuple[str, ...] = ()

    @property
    def all_holders(self) -> tuple[str, ...]:
        """All branches that hold these turns, those in the tree first."""
        return (*self.holders, *self.hidden_holders)

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, eq=False)
class TurnTree:
    """The turns of a session's branches, with shared turns only once; a tree is equal only to itself.

    Attributes:
        branches: The branches by id, oldest first.
        chains: The chains, each followed by all chains under it.
        roots: Indices of the chains that start at the session's first turn; several after a fork at turn 1.
        hidden_count: Number of branches that are not in the tree.
    """

    branches: Mapping[str, Branch] = field(default_factory=dict)
    chains: tuple[Chain, ...] = ()
    roots: tuple[int, ...] = ()
    _last_chains: Mapping[str, int] = field(default_factory=dict, repr=False)
    hidden_count: int = 0

    def last_chain(self, branch_id: str) -> Chain:
        """Return the chain in which a branch ends.

        Raises:
            KeyError: There is no such branch.
        """
        return self.chains[self._last_chains[branch_id]]

    def path(self, branch_id: str) -> tuple[Chain, ...]:
        """Return the chains of a branch from its first turn to its last.

        Raises:
            KeyError: There is no such branch.
        """
        found: list[Chain] = []
        index: int | None = self._last_chains[branch_id]
        while index is not None:
            chain = self.chains[index]
            found.append(chain)
            index = chain.parent
        return tuple(reversed(found))

    def first_own_turn(self, branch_id: str) -> int:
        """Return the first turn of a branch that no older branch has; the one after its last turn if there is none.

        Raises:
            KeyError: There is no such branch.
        """
        own = (chain.first for chain in self.path(branch_id) if chain.holders[0] == branch_id)
        return next(own, self.branches[branch_id].turns + 1)

    def chain_at(self, branch_id: str, turn: int) -> Chain | None:
        """Return the chain that holds a branch's turn; None if the branch has no such turn."""
        if branch_id not in self._last_chains:
            return None
        return next((chain for chain in self.path(branch_id) if chain.first <= turn <= chain.last), None)

    def alternatives(self, chain: Chain) -> tuple[Chain, ...]:
        """Return the chains that part at the first turn of a chain, including it; the chat shows them as `‹2/3›`.

        They are in the order of their creation, which is the order of the tree. If a branch ends at the fork, the chain
        where it ends is the first of them.
        """
        parent, siblings = self._siblings(chain)
        chains = tuple(self.chains[index] for index in siblings)
        return chains if parent is None or parent.ending_branch is None else (parent, *chains)

    def alternative_count(self, chain: Chain) -> int:
        """Return the number of `alternatives`; 1 if nothing forks at the first turn of a chain."""
        parent, siblings = self._siblings(chain)
        return len(siblings) + (parent is not None and parent.ending_branch is not None)

    def _siblings(self, chain: Chain) -> tuple[Chain | None, Sequence[int]]:
        """Return the chain that a chain continues, and the indices of all chains that continue it."""
        if chain.parent is None:
            return None, self.roots
        parent = self.chains[chain.parent]
        return parent, parent.children

    def origin(self, branch_id: str) -> tuple[str, int] | None:
        """Return the branch that a branch was forked from, and the first turn that it does not share with it.

        If that is not recorded, it is the oldest of the older branches that share most turns.
        """
        branch = self.branches[branch_id]
        if branch.parent is not None and branch.fork_turn is not None:
            return branch.parent, branch.fork_turn
        older = set(takewhile(lambda name: name != branch_id, self.branches))
        for chain in reversed(self.path(branch_id)):
            parent = next((name for name in chain.holders if name in older), None)
            if parent is not None:
                return parent, chain.last + 1
        return None

    def forks(self, branch_id: str) -> tuple[Chain, ...]:
        """Return the chains on a branch's path that have alternatives; each starts with the first turn after a fork."""
        return tuple(chain for chain in self.path(branch_id) if self.alternative_count(chain) > 1)

    def without(self, branches: Collection[str]) -> TurnTree:
        """Return the tree without some branches and the turns that only they hold."""
        hidden = {name for name in branches if name in self.branches}
        if not hidden:
            return self
        kept = [chain for chain in self.chains if not hidden.issuperset(chain.holders)]
        new_index = {chain.index: index for index, chain in enumerate(kept)}

        def pruned(chain: Chain) -> Chain:
            return replace(
                chain,
                index=new_index[chain.index],
                parent=None if chain.parent is None else new_index[chain.parent],
                holders=tuple(name for name in chain.holders if name not in hidden),
                hidden_holders=(*chain.hidden_holders, *(name for name in chain.holders if name in hidden)),
                ending_branch=None if chain.ending_branch in hidden else chain.ending_branch,
                children=tuple(new_index[index] for index in chain.children if index in new_index),
            )

        return TurnTree(
            branches={name: branch for name, branch in self.branches.items() if name not in hidden},
            chains=tuple(pruned(chain) for chain in kept),
            roots=tuple(new_index[index] for index in self.roots if index in new_index),
            hidden_count=self.hidden_count + len(hidden),
            _last_chains={name: new_index[index] for name, index in self._last_chains.items() if name not in hidden},
        )

    def walk(self) -> Iterator[tuple[Chain, int]]:
        """Yield every chain with its depth, the number of forks on the way to it, in the order of the tree.

        The alternatives of a fork have the same depth, and each is followed by all chains under it.
        """
        depths: list[int] = []
        for chain in self.chains:
            above = 0 if chain.parent is None else depths[chain.parent]
            depths.append(above + (self.alternative_count(chain) > 1))
            yield chain, depths[-1]


EMPTY_TREE = TurnTree()


class Turn(NamedTuple):
    """A user message and the items that follow it: a row of the tree.

    Attributes:
        number: Number within the branch; 0 for items before the first user message.
        text: Beginning of the user message, with whitespace collapsed; untrusted.
        errors: Number of items that report a failure.
        tokens: Total tokens of the run that made the turn; None if no usage is stored.
        estimated: Whether the tokens are estimates.
        created_at: Time at which the user message was stored: UTC, naive.
    """

    number: int
    text: str
    items: int
    tools: int = 0
    errors: int = 0
    tokens: int | None = None
    estimated: bool = False
    created_at: str | None = None
