"""Which branch to show next at a fork."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model import Chain, TurnTree

__all__ = ["branch_at", "branch_through", "nearest_fork", "sibling_at"]


def nearest_fork(tree: TurnTree, branch_id: str, turn: int) -> Chain | None:
    """Return the chain of a branch that begins at its last fork up to a turn; if there is none, at its first fork."""
    forks = tree.forks(branch_id)
    return next((fork for fork in reversed(forks) if fork.first <= turn), None) or next(iter(forks), None)


def branch_through(chain: Chain, visited: Iterable[str]) -> str:
    """Return the branch that shows a chain: the one visited last, else the oldest.

    Args:
        chain: The chain.
        visited: The branches that were shown, the last one first.
    """
    return next((name for name in visited if name in chain.holders), chain.holders[0])


def branch_at(fork: Chain, other: Chain, visited: Iterable[str]) -> str:
    """Return the branch that shows another alternative of a fork."""
    # A branch that ends at the fork has no turn there: its end is shown.
    return other.ending_branch if other.index == fork.parent and other.ending_branch else branch_through(other, visited)


def sibling_at(tree: TurnTree, fork: Chain, visited: Iterable[str]) -> str:
    """Return the branch of the next alternative after a chain at its fork; at the last one, of the previous."""
    alternatives = tree.alternatives(fork)
    index = alternatives.index(fork)
    others = (*alternatives[index + 1 :], *reversed(alternatives[:index]))
    # A branch with turns after the fork is preferred to one that ends there.
    continued = (other for other in others if other.index != fork.parent and len(other))
    return branch_at(fork, next(continued, others[0]), visited)
