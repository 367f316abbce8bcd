"""The branches of a session as a trie of turns, found with few reads.

A fork copies whole turns, and only the end of a branch is ever popped; so when two branches hold the same messages
in a turn, they do in all turns before it. Where two branches part is then found by halving, and a branch of 100,000
turns costs some twenty look-ups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from tui.model import Branch, Chain, TurnTree

__all__ = ["TurnKey", "build_tree"]

TurnKey: TypeAlias = Callable[[str, int], tuple[int, ...]]
"""The message ids of a branch's turn; empty where it has none."""


@dataclass(eq=False, slots=True)
class _Node:
    """A chain in the making; the root is a chain without turns."""

    first: int
    last: int
    through: list[str]
    parent: _Node | None = None
    ends: str | None = None
    children: list[_Node] = field(default_factory=list)
    starts: dict[tuple[int, ...], _Node] = field(default_factory=dict)

    def add(self, child: _Node, starts_with: tuple[int, ...] | None = None) -> None:
        child.parent = self
        self.children.append(child)
        if starts_with is not None:
            self.starts[starts_with] = child

    def split(self, last: int, goes_on_with: tuple[int, ...]) -> None:
        """End this chain at `last`; what followed becomes its only child."""
        rest = _Node(last + 1, self.last, self.through[:], self, self.ends, self.children, self.starts)
        for child in rest.children:
            child.parent = rest
        self.last, self.ends, self.children, self.starts = last, None, [rest], {goes_on_with: rest}


def build_tree(branches: Iterable[Branch], key: TurnKey) -> TurnTree:
    """Make the tree of turns.

    A branch that ends where an older one goes on, or ends too, gets a chain without turns there: each branch has one
    chain that it ends in.

    Args:
        branches: Oldest first.
        key: Looks up the messages of a turn; branches share a turn when these are the same.
    """
    known = {branch.branch_id: branch for branch in branches}
    root = _Node(0, -1, [])
    for branch in known.values():
        _insert(root, branch, key)

    nodes: list[_Node] = []
    waiting = root.children[::-1]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting.extend(reversed(node.children))
    index = {id(node): place for place, node in enumerate(nodes)}
    return TurnTree(
        branches=known,
        chains=tuple(
            Chain(
                index=place,
                parent=index.get(id(node.parent)),
                first=node.first,
                last=node.last,
                through=tuple(node.through),
                ends=node.ends,
                children=tuple(index[id(child)] for child in node.children),
            )
            for place, node in enumerate(nodes)
        ),
        roots=tuple(index[id(child)] for child in root.children),
        _tips={node.ends: place for place, node in enumerate(nodes) if node.ends is not None},
    )


def _insert(root: _Node, branch: Branch, key: TurnKey) -> None:
    name = branch.branch_id
    node, turn = root, 0 if key(name, 0) else 1
    while turn <= branch.turns:
        messages = key(name, turn)
        child = node.starts.get(messages)
        if child is None:
            node.add(_Node(turn, branch.turns, [name], ends=name), messages)
            return
        shared = _last_shared(child, branch, turn, key)
        if shared < child.last:
            child.split(shared, key(child.through[0], shared + 1))
        child.through.append(name)
        node, turn = child, shared + 1
    node.add(_Node(turn, turn - 1, [name], ends=name))


def _last_shared(chain: _Node, branch: Branch, turn: int, key: TurnKey) -> int:
    """The last turn that `branch` shares with `chain`, given that it shares `turn`."""

    def same(turn: int) -> bool:
        return key(branch.branch_id, turn) == key(chain.through[0], turn)

    low, high = turn, min(chain.last, branch.turns)
    if same(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if same(middle):
            low = middle
        else:
            high = middle
    return low
