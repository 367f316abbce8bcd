"""Marked turns."""

from __future__ import annotations

from tui.controller.state import State

__all__ = ["Marks"]


class Marks:
    """Marks turns of the open session, to compare or to copy them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def toggle(self, turn: int | None = None, branch_id: str | None = None) -> None:
        """Mark a turn, by default the selected one, or remove its mark.

        A turn that branches share is one turn: its mark can be removed on any of them.
        """
        view, target = self._state.view, self._state.target
        mark = target[0] if branch_id is None else branch_id, target[1] if turn is None else turn
        chain = view.tree.chain_at(*mark)
        if chain is None or mark[1] < 1:
            self._state.notify("There is no turn to mark here.")
            return
        others = tuple(other for other in view.marks if other[1] != mark[1] or view.tree.chain_at(*other) is not chain)
        self._state.publish(marks=others if len(others) < len(view.marks) else (*view.marks, mark))

    def clear(self) -> None:
        """Remove all marks."""
        self._state.publish(marks=())
