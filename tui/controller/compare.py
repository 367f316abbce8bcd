"""Putting branches and turns side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.controller.fork import Forking
from tui.controller.usage import Accounting
from tui.errors import ConvoError, NotFoundError

if TYPE_CHECKING:
    from tui.model.compare import Comparison, TurnDetail, TurnPair

__all__ = ["Comparing"]


class Comparing(Accounting, Forking):
    """Comparing two branches after their fork, or two turns."""

    def rival(self) -> str | None:
        """The branch to compare the shown one with, unless told otherwise: its sibling at the nearest fork.

        Returns:
            None where the session has no other branch.
        """
        tree, (here, turn) = self.view.tree, self._aim
        if here not in tree.branches:
            return None
        tip = tree.tip(here)
        if tip.children and turn >= tree.branches[here].turns:
            # At its end a branch stands before the turn that others have and it has not.
            return self._branch_of(tree.chains[tip.children[0]])
        forks = tree.forks(here)
        fork = next((fork for fork in reversed(forks) if fork.first <= turn), None) or next(iter(forks), None)
        if fork is None:
            return next((name for name in tree.branches if name != here), None)
        return self._sibling_at(fork)

    async def compare_branches(self, other: str, branch_id: str | None = None) -> Comparison:
        """Put a branch, by default the shown one, beside another from their fork on.

        Raises:
            ConvoError: There is no such branch, or neither has a turn that the other has not.
        """
        from tui.model.compare import sides

        session, tree, branch_id = self.view.session, self.view.tree, branch_id or self._aim[0]
        if session is None:
            raise NotFoundError("The file has no session.", "Open one that has.")
        for name in (branch_id, other):
            if name not in tree.branches:
                raise NotFoundError(f"There is no branch '{name}'.", "Press b to see which there are.")
        left, right, shared = sides(tree, branch_id, other)
        if left.last < left.first and right.last < right.first:
            raise ConvoError(f"'{branch_id}' and '{other}' hold the same turns.", "There is nothing to compare yet.")
        return await self._store.compare(session, tree, left, right, shared, await self._price())

    async def compare_marks(self) -> Comparison:
        """Put the two turns that were marked last side by side.

        Raises:
            ConvoError: Fewer than two turns are marked.
        """
        from tui.model.compare import Side

        session, marks = self.view.session, self.view.marks[-2:]
        if session is None or len(marks) < 2:
            raise ConvoError("Two marked turns are needed.", "Go to a turn and press v.")
        left, right = (Side(branch_id, turn, turn) for branch_id, turn in marks)
        return await self._store.compare(session, self.view.tree, left, right, price=await self._price())

    async def compared_turns(self, comparison: Comparison, pairs: Sequence[TurnPair]) -> tuple[TurnDetail, ...]:
        """Compare some turns of a comparison item by item."""
        return await self._store.compare_turns(comparison, pairs)
