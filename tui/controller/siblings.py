"""The choice of a sibling branch at a fork."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model import Chain, TurnTree

__all__ = ["branch_at", "branch_through", "nearest_fork", "sibling_at"]


def nearest_fork(tree: TurnTree, branch_id: str, turn: int) -> Chain | None:
    """Return the chain that begins at the last fork of a branch up to a turn; if there is none, at its first fork."""
    forks = tree.forks(branch_id)
    return next((fork for fork in reversed(forks) if fork.first <= turn), None) or next(iter(forks), None)


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
