"""The choice of a sibling branch at a fork."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model import Chain, TurnTree

__all__ = ["branch_at", "branch_through", "fork_at", "nearest_fork", "own_alternative", "sibling_at"]


def nearest_fork(tree: TurnTree, branch_id: str, turn: int) -> Chain | None:
    """Return the chain that begins at the last fork of a branch up to a turn; if there is none, at its first fork."""
    forks = tree.forks(branch_id)
    return next((fork for fork in reversed(forks) if fork.first <= turn), None) or next(iter(forks), None)


def fork_at(tree: TurnTree, branch_id: str, turn: int) -> Chain | None:
    """Return a chain that begins at the fork whose alternatives a turn of a branch has; None if there is no fork.

    It is the fork at the turn itself. At the end of the branch it is the one where other branches continue, and
    elsewhere the nearest one.
    """
    last_chain = tree.last_chain(branch_id)
    is_end = turn >= tree.branches[branch_id].turns
    if is_end and not len(last_chain) and tree.alternative_count(last_chain) > 1:
        return last_chain
    here = next((fork for fork in tree.forks(branch_id) if fork.first == turn), None)
    if here is None and is_end and last_chain.children:
        return tree.chains[last_chain.children[0]]
    return here or nearest_fork(tree, branch_id, turn)


def own_alternative(tree: TurnTree, fork: Chain, branch_id: str) -> int:
    """Return the index of the alternative at a fork that a branch continues with, or with whose last turn it ends."""
    alternatives = enumerate(tree.alternatives(fork))
    return next(
        (index for index, chain in alternatives if chain.index != fork.parent and branch_id in chain.holders), 0
    )


def branch_through(chain: Chain, visited: Iterable[str]) -> str:
    """Return the branch with a chain that is first in `visited`, which has the last one first; else the oldest."""
    return next((name for name in visited if name in chain.holders), chain.holders[0])


def branch_at(fork: Chain, other: Chain, visited: Iterable[str]) -> str:
    """Return the branch to show for another alternative at a fork."""
    # A branch that ends at the fork has no turn after it, so its end is shown.
    return other.ending_branch if other.index == fork.parent and other.ending_branch else branch_through(other, visited)


def sibling_at(tree: TurnTree, fork: Chain, visited: Iterable[str]) -> str:
    """Return the branch of the next alternative to a chain at its fork, or of the previous one if there is none."""
    alternatives = tree.alternatives(fork)
    index = alternatives.index(fork)
    others = (*alternatives[index + 1 :], *reversed(alternatives[:index]))
    # A branch with turns after the fork is preferred to one that ends there.
    continued = (other for other in others if other.index != fork.parent and len(other))
    return branch_at(fork, next(continued, others[0]), visited)
