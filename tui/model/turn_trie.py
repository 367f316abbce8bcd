"""The branches of a session as a trie of turns, kept up to date as branches are added and removed, with few look-ups.

A fork copies complete turns, and items are only ever removed from the end of a branch. So if two branches hold the same
messages in a turn, they hold the same messages in all turns before it, and a binary search finds the last shared turn:
some twenty look-ups for 100,000 turns. If the turn of the fork is recorded, two look-ups confirm it, and two more that
the next turn is not shared.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

from tui.model import Branch, Chain, Holders, TurnTree

__all__ = ["TurnKey", "TurnTrie", "build_tree"]

TurnKey: TypeAlias = Callable[[str, int], Hashable]
"""Returns a key for the messages of a branch's turn, equal for equal messages and false for a turn without messages."""


@dataclass(eq=False, slots=True)
class _Node:
    """Consecutive turns without a fork between them; the root has no turns.

    Attributes:
        representative: The branch by which the turns are looked up: the one at the end of the heaviest children.
        start: Key of the first turn.
        weight: Number of branches that hold the turns.
        ending_branches: The branches that end with the last turn.
        children: The nodes after the last turn, by their start.
        heaviest_child: The child that most branches hold.
        age: Index of the oldest branch that holds the turns, set when a tree is made.
    """

    first: int
    last: int
    representative: str = ""
    start: Hashable = None
    parent: _Node | None = None
    weight: int = 0
    ending_branches: list[str] = field(default_factory=list)
    children: dict[Hashable, _Node] = field(default_factory=dict)
    heaviest_child: _Node | None = None
    age: int = 0


class TurnTrie:
    """The turns of branches, with shared turns only once; branches can be added in any order."""

    def __init__(self) -> None:
        self._root = _Node(0, -1)
        self._last_nodes: dict[str, _Node] = {}

    def __contains__(self, branch_id: object) -> bool:
        return branch_id in self._last_nodes

    def insert(self, branch_id: str, turns: int, key: TurnKey, hint: tuple[str, int] | None = None) -> None:
        """Add a branch.

        Args:
            turns: Number of the branch's last turn.
            key: Looks up turns of this branch and of those in the trie.
            hint: Another branch, and the number of turns that both are likely to share.
        """
        node, other, shared = self._start(branch_id, turns, key, hint)
        while shared < turns:
            next_key = key(branch_id, shared + 1)
            if shared < node.last:
                if next_key != key(other, shared + 1):
                    break
            elif next_key in node.children:
                node = node.children[next_key]
            else:
                break
            other = node.representative
            node, shared = self._follow(other, branch_id, shared + 1, turns, key)
        if shared < node.last:
            node = _split(node, shared, key(other, shared + 1))
        if shared < turns:
            node.children[next_key] = node = _Node(shared + 1, turns, branch_id, next_key, node)
        node.ending_branches.append(branch_id)
        self._last_nodes[branch_id] = node
        _count(node, branch_id)

    def remove(self, branch_id: str) -> None:
        """Remove a branch.

        Raises:
            KeyError: The branch is not in the trie.
        """
        node = self._last_nodes.pop(branch_id)
        node.ending_branches.remove(branch_id)
        while True:
            node.weight -= 1
            heaviest = node.heaviest_child
            if node.representative == branch_id or (heaviest is not None and heaviest.parent is not node):
                heaviest = max(node.children.values(), key=lambda child: child.weight, default=None)
                node.heaviest_child = heaviest
                node.representative = "".join(node.ending_branches[:1]) if heaviest is None else heaviest.representative
            parent = node.parent
            if parent is None:
                return
            if not node.weight:
                del parent.children[node.start]
                node.parent = None
            elif len(node.children) == 1 and not node.ending_branches:
                _join(node, parent)
            node = parent

    def tree(self, branches: Iterable[Branch]) -> TurnTree:
        """Return the tree of turns to be shown; at each fork, the oldest branch is the first.

        Each branch has a last chain of its own. A branch that ends where an older branch continues or ends has a last
        chain without turns.

        Args:
            branches: All branches in the trie, oldest first.
        """
        known = {branch.branch_id: branch for branch in branches}
        names = list(known)
        age = {name: index for index, name in enumerate(names)}
        self._set_ages(age)
        chains = _ChainList(names)
        # The chains to add: the rank of the oldest branch by age, the node (None for a chain without turns), and the
        # index of the parent chain.
        pending: list[tuple[int, _Node | None, int | None]] = [(0, self._root, None)]
        while pending:
            oldest, node, parent = pending.pop()
            if node is None:
                chains.add(oldest, parent)
                continue
            if node is not self._root:
                parent = chains.add(oldest, parent, node)
            children: list[tuple[int, _Node | None, int | None]] = [
                (child.age, child, parent) for child in node.children.values()
            ]
            if node.ending_branches:
                others = (age[name] for name in node.ending_branches)
                children.extend((other, None, parent) for other in others if other != oldest or node is self._root)
            if len(children) > 1:
                children.sort(key=itemgetter(0), reverse=True)
            pending.extend(children)
        return chains.tree(known)

    def _start(self, branch_id: str, turns: int, key: TurnKey, hint: tuple[str, int] | None) -> tuple[_Node, str, int]:
        """Return where to start looking for the last shared turn.

        Returns:
            A node on the branch's path, a branch in the trie that holds it, and a turn that both branches share.
        """
        if hint is not None:
            other, shared = hint
            last_node = self._last_nodes.get(other)
            if last_node is not None and 0 < shared <= min(turns, last_node.last):
                held = key(branch_id, shared)
                if held and held == key(other, shared):
                    return _node_with(last_node, shared), other, shared
        return self._root, "", -1 if key(branch_id, 0) else 0

    def _follow(self, other: str, branch_id: str, shared: int, turns: int, key: TurnKey) -> tuple[_Node, int]:
        """Return the node and the number of the last turn that a branch shares with another one, which is in the trie.

        Args:
            other: The branch in the trie.
            branch_id: The branch that is added.
            shared: A turn that both branches share.
            turns: Number of the last turn of the branch that is added.
            key: Looks up turns.
        """
        last_node, low = self._last_nodes[other], shared

        def is_shared(turn: int) -> bool:
            return key(branch_id, turn) == key(other, turn)

        high = min(last_node.last, turns)
        if is_shared(high):
            low = high
        while high - low > 1:
            middle = (low + high) // 2
            if is_shared(middle):
                low = middle
            else:
                high = middle
        return _node_with(last_node, low), low

    def _set_ages(self, age: Mapping[str, int]) -> None:
        nodes = [self._root]
        for node in nodes:
            nodes.extend(node.children.values())
        for node in reversed(nodes):
            node.age = min((child.age for child in node.children.values()), default=len(age))
            for name in node.ending_branches:
                node.age = min(node.age, age[name])


def build_tree(branches: Iterable[Branch], key: TurnKey) -> TurnTree:
    """Return the tree of the turns of branches.

    Args:
        branches: The branches, oldest first.
        key: Looks up their turns.
    """
    known = list(branches)
    trie = TurnTrie()
    for branch in known:
        trie.insert(branch.branch_id, branch.turns, key)
    return trie.tree(known)


def _node_with(last_node: _Node, turn: int) -> _Node:
    """Return the node that holds a turn, on the path from the root to a branch's last node."""
    node = last_node
    while node.first > turn and node.parent is not None:
        node = node.parent
    return node


def _split(node: _Node, last: int, next_start: Hashable) -> _Node:
    """Move the turns of a node up to `last` to a new parent, and return the parent.

    The node keeps the later turns; `next_start` is the key of the first of them.
    """
    parent = node.parent
    upper = _Node(node.first, last, node.representative, node.start, parent, node.weight, [], {next_start: node}, node)
    if parent is not None:
        parent.children[node.start] = upper
        if parent.heaviest_child is node:
            parent.heaviest_child = upper
    node.first, node.start, node.parent = last + 1, next_start, upper
    return upper


def _join(node: _Node, parent: _Node) -> None:
    """Move the turns of a node to its only child, and remove the node."""
    (child,) = node.children.values()
    child.first, child.start, child.parent = node.first, node.start, parent
    parent.children[node.start] = child
    node.parent = None


def _count(last_node: _Node, branch_id: str) -> None:
    """Add a branch to the weights of the nodes on its path."""
    last_node.weight += 1
    if last_node.heaviest_child is None:
        last_node.representative = branch_id
    node = last_node
    while (parent := node.parent) is not None:
        parent.weight += 1
        if parent.heaviest_child is None or node.weight > parent.heaviest_child.weight:
            parent.heaviest_child = node
        if parent.heaviest_child is node:
            parent.representative = node.representative
        node = parent


class _ChainList:
    """The chains of a tree, each followed by all chains under it."""

    def __init__(self, names: Sequence[str]) -> None:
        """Create an empty list for branches, which are given oldest first."""
        self._names = names
        self._chains: list[tuple[int | None, int, int, str, str | None, int]] = []
        self._children: list[list[int]] = []
        self._roots: list[int] = []
        self._ends: list[tuple[int, str]] = []
        self._last_chains: dict[str, int] = {}

    def add(self, oldest: int, parent: int | None, node: _Node | None = None) -> int:
        """Add the chain of a node, or a chain without turns if there is no node, and return its index.

        Args:
            oldest: Rank by age of the oldest branch that holds the turns of the chain.
            parent: Index of the parent chain.
            node: The node.
        """
        index, name = len(self._chains), self._names[oldest]
        if node is not None:
            first, last = node.first, node.last
        else:
            last = 0 if parent is None else self._chains[parent][2]
            first = last + 1
        start = len(self._ends)
        ending_branch = name if node is None or name in node.ending_branches else None
        if ending_branch is not None:
            self._ends.append((oldest, name))
            self._last_chains[name] = index
        (self._roots if parent is None else self._children[parent]).append(index)
        self._chains.append((parent, first, last, name, ending_branch, start))
        self._children.append([])
        return index

    def tree(self, branches: Mapping[str, Branch]) -> TurnTree:
        """Return the tree of the chains."""
        ends = tuple(self._ends)
        positions = {name: position for position, (_, name) in enumerate(ends)}
        # The branches that end under a chain are next to one another in `ends`: up to those under its last child.
        stops = [*(start for *_, start in self._chains), len(ends)][1:]
        for index in reversed(range(len(stops))):
            if self._children[index]:
                stops[index] = stops[self._children[index][-1]]
        chains = [
            Chain(
                index,
                parent,
                first,
                last,
                Holders(oldest, ends, positions, start, stop),
                ending_branch,
                tuple(children),
            )
            for index, ((parent, first, last, oldest, ending_branch, start), children, stop) in enumerate(
                zip(self._chains, self._children, stops, strict=True)
            )
        ]
        return TurnTree(branches, tuple(chains), tuple(self._roots), self._last_chains)
