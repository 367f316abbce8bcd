"""Comparisons of branches and turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.controller.pricing import Pricing
from tui.controller.siblings import branch_through, nearest_fork, sibling_at
from tui.controller.state import State
from tui.errors import ConvoError, NotFoundError

if TYPE_CHECKING:
    from tui.model.compare import Comparison, TurnComparison, TurnPair

__all__ = ["Comparisons"]


class Comparisons:
    """Compares two branches, each from their fork to its end, or two turns."""

    def __init__(self, state: State, pricing: Pricing) -> None:
        self._state = state
        self._pricing = pricing

    def suggest_branch(self) -> str | None:
        """Return the branch to compare the shown one with; None if the session has no other branch.

        That is the branch as it was before its compaction, else the one that it was forked from, else the oldest of its
        siblings at the nearest fork.
        """
        tree, (branch_id, turn) = self._state.view.tree, self._state.target
        if branch_id not in tree.branches:
            return None
        if kept := tree.branches[branch_id].before_compaction:
            return kept
        last_chain = tree.last_chain(branch_id)
        origin = tree.origin(branch_id)
        if origin is not None and origin[0] in tree.branches and origin[1] <= tree.branches[branch_id].turns:
            return origin[0]
        if last_chain.children and turn >= tree.branches[branch_id].turns:
            # The branch ends at a fork: its siblings are the branches that have a turn after this end.
            return branch_through(tree.chains[last_chain.children[0]], ())
        fork = nearest_fork(tree, branch_id, turn)
        if fork is None:
            return next((name for name in tree.branches if name != branch_id), None)
        return sibling_at(tree, fork, ())

    async def compare_branches(self, other: str, branch_id: str | None = None) -> Comparison:
        """Compare a branch, by default the shown one, with another, each from their fork to its end.

        Raises:
            ConvoError: There is no such branch, or the two have the same turns.
        """
        from tui.model.compare import sides

        session, tree, branch_id = self._state.view.session, self._state.view.tree, branch_id or self._state.target[0]
        if session is None:
            raise NotFoundError("The file has no session.", "Open one that has.")
        if other not in tree.branches:
            # It may be archived.
            tree = await self._state.store.tree(session)
        for name in (branch_id, other):
            if name not in tree.branches:
                raise NotFoundError(f"There is no branch '{name}'.", "Press b to see which there are.")
        left, right, shared = sides(tree, branch_id, other)
        if left.last < left.first and right.last < right.first:
            names = " and ".join(tree.branches[name].quoted_name for name in (branch_id, other))
            raise ConvoError(f"{names} hold the same turns.", "There is nothing to compare yet.")
        price = await self._pricing.price_function()
        return await self._state.store.compare(session, tree, left, right, shared, price)

    async def compare_marks(self) -> Comparison:
        """Compare the two turns that were marked last.

        Raises:
            ConvoError: Fewer than two turns are marked.
        """
        from tui.model.compare import Side

        view = self._state.view
        session, marks = view.session, view.marks[-2:]
        if session is None or len(marks) < 2:
            raise ConvoError("Two marked turns are needed.", "Go to a turn and press v.")
        branches = view.tree.branches
        titles = [branches[name].title if name in branches else "" for name, _ in marks]
        left, right = (Side(name, turn, turn, title) for (name, turn), title in zip(marks, titles, strict=True))
        price = await self._pricing.price_function()
        return await self._state.store.compare(session, view.tree, left, right, price=price)

    async def compare_turns(self, comparison: Comparison, pairs: Sequence[TurnPair]) -> tuple[TurnComparison, ...]:
        """Compare some turns of a comparison item by item."""
        return await self._state.store.compare_turns(comparison, pairs)
