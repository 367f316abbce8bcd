"""The branches of a session as a trie of turns, found with few reads and kept while branches come, grow and go.

A fork copies whole turns, and only the end of a branch is ever popped; so when two branches hold the same messages
in a turn, they do in all turns before it. Where two branches part is then found by halving, and a branch of 100,000
turns costs some twenty look-ups. Where a branch was forked may be known: two look-ups tell whether that still holds,
and two more that nothing else is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

from tui.model import Branch, Chain, Holders, TurnTree

__all__ = ["TurnKey", "TurnTrie", "build_tree"]

TurnKey: TypeAlias = Callable[[str, int], Hashable]
"""What stands for the messages of a branch's turn, the same for the same messages; false where it has none."""


@dataclass(eq=False, slots=True)
class _Node:
    """Turns with no fork among them; the root is a node without turns.

    Attributes:
        first: Number of its first turn.
        last: Number of its last turn.
        some: A branch that holds them, to look them up: the one that the fewest forks lead to.
        start: What stands for its first turn.
        parent: The node that it continues.
        weight: How many branches hold its turns.
        ends: The branches whose last turn is this node's last.
        nexts: The nodes that go on, by their starts.
        heavy: The one among them that most branches hold.
        age: The place of the oldest branch that holds its turns; noted when a tree is made.
    """

    first: int
    last: int
    some: str = ""
    start: Hashable = None
    parent: _Node | None = None
    weight: int = 0
    ends: list[str] = field(default_factory=list)
    nexts: dict[Hashable, _Node] = field(default_factory=dict)
    heavy: _Node | None = None
    age: int = 0


class TurnTrie:
    """The turns of branches, shared turns once; the order in which they come does not matter."""

    def __init__(self) -> None:
        self._root = _Node(0, -1)
        self._tips: dict[str, _Node] = {}

    def __contains__(self, branch_id: object) -> bool:
        return branch_id in self._tips

    def insert(self, branch_id: str, turns: int, key: TurnKey, hint: tuple[str, int] | None = None) -> None:
        """Add a branch.

        Args:
            branch_id: Its id.
            turns: Number of its last turn.
            key: Looks up turns of this branch and of those in the trie.
            hint: A branch, and the number of turns that this one is likely to share with it.
        """
        node, other, shared = self._start(branch_id, turns, key, hint)
        while shared < turns:
            following = key(branch_id, shared + 1)
            if shared < node.last:
                if following != key(other, shared + 1):
                    break
            elif following in node.nexts:
                node = node.nexts[following]
            else:
                break
            other = node.some
            node, shared = self._follow(other, branch_id, shared + 1, turns, key)
        if shared < node.last:
            node = _split(node, shared, key(other, shared + 1))
        if shared < turns:
            node.nexts[following] = node = _Node(shared + 1, turns, branch_id, following, node)
        node.ends.append(branch_id)
        self._tips[branch_id] = node
        _count(node, branch_id)

    def remove(self, branch_id: str) -> None:
        """Take a branch out.

        Raises:
            KeyError: It is not there.
        """
        node = self._tips.pop(branch_id)
        node.ends.remove(branch_id)
        while True:
            node.weight -= 1
            if node.some == branch_id or (node.heavy is not None and node.heavy.parent is not node):
                node.heavy = max(node.nexts.values(), key=lambda child: child.weight, default=None)
                node.some = node.heavy.some if node.heavy is not None else "".join(node.ends[:1])
            parent = node.parent
            if parent is None:
                return
            if not node.weight:
                del parent.nexts[node.start]
                node.parent = None
            elif len(node.nexts) == 1 and not node.ends:
                _join(node, parent)
            node = parent

    def tree(self, branches: Iterable[Branch]) -> TurnTree:
        """The tree as it is shown.

        A branch that ends where an older one goes on, or ends too, has a chain without turns there: each branch has
        one chain that it ends in. The oldest branch comes first wherever branches part.

        Args:
            branches: All that are in the trie, oldest first.
        """
        known = {branch.branch_id: branch for branch in branches}
        names = list(known)
        age = {name: place for place, name in enumerate(names)}
        self._date(age)
        drawn = _Drawn(names)
        # The next to be drawn stands last: the age of its oldest branch, its node unless a branch only ends there,
        # and the place of the chain above it.
        waiting: list[tuple[int, _Node | None, int | None]] = [(0, self._root, None)]
        while waiting:
            oldest, node, above = waiting.pop()
            if node is None:
                drawn.add(oldest, above)
                continue
            if node is not self._root:
                above = drawn.add(oldest, above, node)
            below: list[tuple[int, _Node | None, int | None]] = [
                (child.age, child, above) for child in node.nexts.values()
            ]
            if node.ends:
                beside = (age[name] for name in node.ends)
                below.extend((place, None, above) for place in beside if place != oldest or node is self._root)
            if len(below) > 1:
                below.sort(key=itemgetter(0), reverse=True)
            waiting.extend(below)
        return drawn.tree(known)

    def _start(self, branch_id: str, turns: int, key: TurnKey, hint: tuple[str, int] | None) -> tuple[_Node, str, int]:
        """A node that holds turns of the branch, a branch through it, and the last turn that is known to be shared."""
        if hint is not None:
            other, shared = hint
            tip = self._tips.get(other)
            if tip is not None and 0 < shared <= min(turns, tip.last):
                held = key(branch_id, shared)
                if held and held == key(other, shared):
                    return _holding(tip, shared), other, shared
        return self._root, "", -1 if key(branch_id, 0) else 0

    def _follow(self, other: str, branch_id: str, shared: int, turns: int, key: TurnKey) -> tuple[_Node, int]:
        """The node with the last turn that a branch shares with another one, given one that they do share."""
        tip, low = self._tips[other], shared

        def same(turn: int) -> bool:
            return key(branch_id, turn) == key(other, turn)

        high = min(tip.last, turns)
        if same(high):
            low = high
        while high - low > 1:
            middle = (low + high) // 2
            if same(middle):
                low = middle
            else:
                high = middle
        return _holding(tip, low), low

    def _date(self, age: Mapping[str, int]) -> None:
        """Note the oldest branch of each node, as its place among all."""
        nodes = [self._root]
        for node in nodes:
            nodes.extend(node.nexts.values())
        for node in reversed(nodes):
            node.age = min((child.age for child in node.nexts.values()), default=len(age))
            for name in node.ends:
                node.age = min(node.age, age[name])


def build_tree(branches: Iterable[Branch], key: TurnKey) -> TurnTree:
    """The tree of turns of branches, oldest first."""
    known = list(branches)
    trie = TurnTrie()
    for branch in known:
        trie.insert(branch.branch_id, branch.turns, key)
    return trie.tree(known)


def _holding(tip: _Node, turn: int) -> _Node:
    """The node with a turn on the way to a tip."""
    node = tip
    while node.first > turn and node.parent is not None:
        node = node.parent
    return node


def _split(node: _Node, last: int, goes_on_with: Hashable) -> _Node:
    """Make the turns of a node to `last` one of their own, which is returned; the node keeps those after."""
    parent = node.parent
    upper = _Node(node.first, last, node.some, node.start, parent, node.weight, [], {goes_on_with: node}, node)
    if parent is not None:
        parent.nexts[node.start] = upper
        if parent.heavy is node:
            parent.heavy = upper
    node.first, node.start, node.parent = last + 1, goes_on_with, upper
    return upper


def _join(node: _Node, parent: _Node) -> None:
    """Let the only node that goes on after another one hold its turns too."""
    (child,) = node.nexts.values()
    child.first, child.start, child.parent = node.first, node.start, parent
    parent.nexts[node.start] = child
    node.parent = None


def _count(tip: _Node, branch_id: str) -> None:
    """Count a branch in on its way."""
    tip.weight += 1
    if tip.heavy is None:
        tip.some = branch_id
    node = tip
    while (parent := node.parent) is not None:
        parent.weight += 1
        if parent.heavy is None or node.weight > parent.heavy.weight:
            parent.heavy = node
        if parent.heavy is node:
            parent.some = node.some
        node = parent


class _Drawn:
    """Chains in the order in which they are put down: one, then all that hangs under it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._chains: list[tuple[int | None, int, int, str, str | None, int]] = []
        self._children: list[list[int]] = []
        self._roots: list[int] = []
        self._ends: list[tuple[int, str]] = []
        self._tips: dict[str, int] = {}

    def add(self, oldest: int, above: int | None, node: _Node | None = None) -> int:
        """Put down the chain of a node, or one without turns for a branch that only ends there; its place."""
        place, name = len(self._chains), self._names[oldest]
        if node is not None:
            first, last = node.first, node.last
        else:
            last = 0 if above is None else self._chains[above][2]
            first = last + 1
        start = len(self._ends)
        ends = name if node is None or name in node.ends else None
        if ends is not None:
            self._ends.append((oldest, name))
            self._tips[name] = place
        (self._roots if above is None else self._children[above]).append(place)
        self._chains.append((above, first, last, name, ends, start))
        self._children.append([])
        return place

    def tree(self, branches: Mapping[str, Branch]) -> TurnTree:
        """The tree of all that was put down."""
        ends = tuple(self._ends)
        places = {name: place for place, (_, name) in enumerate(ends)}
        # The branches that end under a chain stand together, up to the last that ends under its last child.
        stops = [*(start for *_, start in self._chains), len(ends)][1:]
        for place in reversed(range(len(stops))):
            if self._children[place]:
                stops[place] = stops[self._children[place][-1]]
        chains = [
            Chain(place, above, first, last, Holders(oldest, ends, places, start, stop), end, tuple(children))
            for place, ((above, first, last, oldest, end, start), children, stop) in enumerate(
                zip(self._chains, self._children, stops, strict=True)
            )
        ]
        return TurnTree(branches, tuple(chains), tuple(self._roots), self._tips)
