"""Comparing, as the explorer does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from tui.explorer.base import ExplorerBase

if TYPE_CHECKING:
    from tui.model.compare import Comparison
    from tui.screens.compare import TurnToOpen

__all__ = ["Comparing"]

_PATIENCE: Final = 0.5
"""Seconds after which it is said that something is under way."""


class Comparing(ExplorerBase):
    """Puts two branches side by side, or two marked turns."""

    def action_compare(self) -> None:
        self.call_after_refresh(self._compare)

    def _compare(self) -> None:
        """Compare the marked turns where there are two; else with another branch, asked for where there are several."""
        if len(self.view.marks) == 2:
            self._do(partial(self._show_comparison, self._controller.comparison.compare_marks))
            return
        here = self.view.branch_id
        others = [name for name in self.view.tree.branches if name != here]
        if not others:
            self._notify("There is no other branch to compare with. Mark two turns with v to compare them.")
        elif len(others) == 1:
            self._compare_with(here, others[0])
        else:
            from tui.screens.dialogs.picker import Picker
            from tui.widgets.lists.choices import Choice

            branches = self.view.tree.branches
            choices = [Choice(name, name, f"{branches[name].turns} turns") for name in others]
            picker = Picker(f"Compare {here} with", choices, current=self._controller.comparison.suggest_branch())
            self.app.push_screen(picker, partial(self._compare_with, here))

    def _compare_with(self, here: str, other: str | None) -> None:
        if other is not None:
            self._do(partial(self._show_comparison, partial(self._controller.comparison.compare_branches, other, here)))

    async def _show_comparison(self, compare: Callable[[], Awaitable[Comparison]]) -> None:
        from tui.screens.compare import CompareScreen

        def left(place: TurnToOpen | None) -> None:
            if place is not None:
                self._do(partial(self._controller.navigation.switch_branch, *place))
                self.go_to("chat")

        patience = self.set_timer(_PATIENCE, partial(self._notify, "Comparing. These branches are long."))
        try:
            comparison = await compare()
        finally:
            patience.stop()
        if self.is_active:
            self.app.push_screen(CompareScreen(comparison, self._controller.comparison.compare_turns), left)
