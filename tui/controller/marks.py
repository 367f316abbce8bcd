"""Turns that the user marked, to compare or to copy them."""

from __future__ import annotations

from tui.controller.base import ControllerBase

__all__ = ["Marking"]


class Marking(ControllerBase):
    """Marks on turns of the open session."""

    def mark_turn(self, turn: int | None = None, branch_id: str | None = None) -> None:
        """Mark a turn, by default the one the user went to last; or take its mark away.

        A turn that branches share is one turn: its mark goes in whichever of them it is asked for again.
        """
        tree = self.view.tree
        place = (self._aim[0] if branch_id is None else branch_id, self._aim[1] if turn is None else turn)
        chain = tree.chain_at(*place)
        if chain is None or place[1] < 1:
            self._tell("There is no turn to mark here.")
            return
        marks = self.view.marks
        kept = tuple(mark for mark in marks if mark[1] != place[1] or tree.chain_at(*mark) is not chain)
        self._show(marks=kept if len(kept) < len(marks) else (*marks, place))

    def clear_marks(self) -> None:
        """Take all marks away."""
        self._show(marks=())
