"""The turns of a session's branches.

The branches form a trie of turns: two branches share a turn when they hold the same messages there. The trie is kept
as *chains*, runs of turns with no fork among them, so that a branch of 100,000 turns is one chain and not 100,000
nodes; the rows of a chain are read when they come into sight.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, overload

__all__ = ["EMPTY_TREE", "Branch", "Chain", "Holders", "Turn", "TurnTree"]


class Branch(NamedTuple):
    """One branch of a session.

    Attributes:
        branch_id: Its id; the first branch of a session is `main`.
        turns: The number of its last turn, 0 for a branch without user messages.
        parent: The branch it was forked from, where that was recorded.
        fork_turn: The first turn it does not share with `parent`, where that was recorded.
        created_at: When its first row was written: UTC, naive; for a fork the time of the fork.
        title: What the user calls it; empty for its id.
        note: What the user wrote down about it.
        pinned: Whether the user wants it at hand.
        archived: Whether the user put it away.
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

    @property
    def name(self) -> str:
        """What it is called: its title, else its id."""
        return self.title or self.branch_id


class Holders(Sequence[str]):
    """The branches that hold the turns of a chain, oldest first: those that end in it or in what hangs under it.

    In a tree of 2,000 branches these are 100,000 names, of which hardly one is looked at: what all chains share says
    them, and a chain where in it they stand.
    """

    __slots__ = ("_ends", "_oldest", "_places", "_start", "_stop")

    def __init__(
        self, oldest: str, ends: Sequence[tuple[int, str]], places: Mapping[str, int], start: int, stop: int
    ) -> None:
        """Say where they stand.

        Args:
            oldest: The first of them.
            ends: All branches in the order in which chains end them, each with its place from the oldest on.
            places: The place of each branch in that order.
            start: Place of the first of them in that order.
            stop: Place after the last of them.
        """
        self._oldest, self._ends, self._places, self._start, self._stop = oldest, ends, places, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __contains__(self, name: object) -> bool:
        place = self._places.get(name) if isinstance(name, str) else None
        return place is not None and self._start <= place < self._stop

    def __iter__(self) -> Iterator[str]:
        return (name for _, name in sorted(self._ends[self._start : self._stop]))

    def beyond(self, inner: Sequence[str]) -> Iterator[str]:
        """Those that are not among the holders of a chain that hangs under this one, in no order."""
        if not isinstance(inner, Holders) or inner._ends is not self._ends:  # noqa: SLF001
            return (name for name in self if name not in inner)
        apart = self._ends[self._start : inner._start], self._ends[inner._stop : self._stop]  # noqa: SLF001
        return (name for part in apart for _, name in part)

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
    """A run of turns with no fork among them.

    Attributes:
        index: Its place in `TurnTree.chains`.
        parent: The chain that it continues; None for one that starts at the session's first turn.
        first: Number of its first turn.
        last: Number of its last turn; `first - 1` for a branch that has no turn of its own yet.
        holders: The branches that hold these turns, oldest first; read the turns from any of them.
        tip_of: The branch whose last turn is this chain's last, if any: its name stands there.
        children: Chains that go on after `last`; the first stays in this chain's column, the others are forks.
        hidden_holders: The branches that hold these turns too, and are not in the tree: usage may stand with them.
    """

    index: int
    parent: int | None
    first: int
    last: int
    holders: Sequence[str]
    tip_of: str | None = None
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
    """The turns of a session's branches, shared turns once; equal only to itself.

    Attributes:
        branches: By id, oldest first.
        chains: A chain, then all that hangs under it.
        roots: The chains that start at the session's first turn; more than one after a fork at turn 1.
        hidden_count: How many branches there are besides.
    """

    branches: Mapping[str, Branch] = field(default_factory=dict)
    chains: tuple[Chain, ...] = ()
    roots: tuple[int, ...] = ()
    _tips: Mapping[str, int] = field(default_factory=dict, repr=False)
    hidden_count: int = 0

    def tip(self, branch_id: str) -> Chain:
        """The chain in which a branch ends.

        Raises:
            KeyError: There is no such branch.
        """
        return self.chains[self._tips[branch_id]]

    def path(self, branch_id: str) -> tuple[Chain, ...]:
        """The chains of a branch from its first turn to its last.

        Raises:
            KeyError: There is no such branch.
        """
        found: list[Chain] = []
        index: int | None = self._tips[branch_id]
        while index is not None:
            chain = self.chains[index]
            found.append(chain)
            index = chain.parent
        return tuple(reversed(found))

    def chain_at(self, branch_id: str, turn: int) -> Chain | None:
        """The chain that holds a branch's turn; None where the branch has no such turn."""
        if branch_id not in self._tips:
            return None
        return next((chain for chain in self.path(branch_id) if chain.first <= turn <= chain.last), None)

    def alternatives(self, chain: Chain) -> tuple[Chain, ...]:
        """The chains that start where this one does, itself among them: what `‹2/3›` counts.

        Where a branch simply ends at the fork, the chain it ends in stands first.
        """
        if chain.parent is None:
            return tuple(self.chains[index] for index in self.roots)
        parent = self.chains[chain.parent]
        kin = tuple(self.chains[index] for index in parent.children)
        return (parent, *kin) if parent.tip_of is not None else kin

    def forks(self, branch_id: str) -> tuple[Chain, ...]:
        """The chains on a branch's path that have alternatives; a fork point is the first turn of each."""
        return tuple(chain for chain in self.path(branch_id) if len(self.alternatives(chain)) > 1)

    def without(self, branches: Collection[str]) -> TurnTree:
        """The tree without some branches, and without the turns that none but these hold."""
        hidden = {name for name in branches if name in self.branches}
        if not hidden:
            return self
        kept = [chain for chain in self.chains if not hidden.issuperset(chain.holders)]
        place = {chain.index: new for new, chain in enumerate(kept)}

        def moved(chain: Chain) -> Chain:
            return replace(
                chain,
                index=place[chain.index],
                parent=None if chain.parent is None else place[chain.parent],
                holders=tuple(name for name in chain.holders if name not in hidden),
                hidden_holders=(*chain.hidden_holders, *(name for name in chain.holders if name in hidden)),
                tip_of=None if chain.tip_of in hidden else chain.tip_of,
                children=tuple(place[index] for index in chain.children if index in place),
            )

        return TurnTree(
            branches={name: branch for name, branch in self.branches.items() if name not in hidden},
            chains=tuple(moved(chain) for chain in kept),
            roots=tuple(place[index] for index in self.roots if index in place),
            hidden_count=self.hidden_count + len(hidden),
            _tips={name: place[index] for name, index in self._tips.items() if name not in hidden},
        )

    def walk(self) -> Iterator[tuple[Chain, int]]:
        """Every chain with its depth in the order in which it is drawn.

        Forks come right after the turn where they part, one step deeper; the chain that goes on keeps its column.
        """
        stack: list[tuple[int, int]] = []

        def push(children: tuple[int, ...], depth: int, goes_on: bool) -> None:
            if goes_on:
                stack.append((children[0], depth))
                children = children[1:]
            stack.extend((child, depth + 1) for child in reversed(children))

        if self.roots:
            push(self.roots, 0, goes_on=True)
        while stack:
            index, depth = stack.pop()
            chain = self.chains[index]
            yield chain, depth
            if chain.children:
                push(chain.children, depth, goes_on=chain.tip_of is None)


EMPTY_TREE = TurnTree()


class Turn(NamedTuple):
    """One row of the tree: a user message and what followed it.

    Attributes:
        number: Its number within the branch; 0 for items before the first user message.
        text: Beginning of the user message, whitespace folded; untrusted, as stored.
        items: How many items it holds.
        tools: How many tool calls.
        errors: How many of its items report a failure.
        tokens: Total tokens of the run that made it; None where no usage is stored.
        created_at: When the user message was stored: UTC, naive.
    """

    number: int
    text: str
    items: int
    tools: int = 0
    errors: int = 0
    tokens: int | None = None
    created_at: str | None = None
