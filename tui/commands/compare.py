"""Commands that compare branches and turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from tui.commands.context import Explorer
from tui.commands.registry import Target, command
from tui.errors import ConvoError

if TYPE_CHECKING:
    from tui.model.compare import Comparison
    from tui.screens.compare import TurnToOpen

_NOTICE_DELAY: Final = 0.5
"""Seconds after which a notice says that the comparison takes a while."""


@command(
    "branch.compare",
    keys="c",
    title="Compare",
    help="Compare with another branch, or compare two marked turns",
    on=(Target.BRANCH,),
    synonyms=("diff", "side by side"),
    holds_keys=True,
)
async def compare(explorer: Explorer) -> None:
    """Compare the two marked turns if there are two, else the shown branch with another one, which the user picks."""
    comparison = explorer.controller.comparison
    if len(explorer.view.marks) == 2:
        await _show_comparison(explorer, comparison.compare_marks)
        return
    here, branches = explorer.view.branch_id, explorer.view.tree.branches
    others = [name for name in branches if name != here]
    kept = branches[here].before_compaction if here in branches else ""
    if kept and kept not in branches:
        others.insert(0, kept)

    async def show(other: str) -> None:
        await _show_comparison(explorer, partial(comparison.compare_branches, other, here))

    def picked(other: str | None) -> None:
        if other is not None:
            explorer.run_holding_keys(partial(show, other))

    if not others:
        raise ConvoError("There is no other branch to compare with.", "Mark two turns with v to compare them.")
    if len(others) == 1:
        await show(others[0])
    else:
        from tui.screens.dialogs.picker import Picker
        from tui.widgets.lists.choices import Choice
        from tui.widgets.lists.names import branch_choices

        fork_words = await explorer.controller.pages.fork_words()
        choices = [Choice(name, name, "before the compaction") for name in others if name not in branches]
        choices += [choice for choice in branch_choices(explorer.view, fork_words) if choice.key != here]
        name = explorer.panes.branch_tree.branch_name(here)
        picker = Picker(f"Compare {name} with", choices, current=comparison.suggest_branch())
        await explorer.push_dialog(picker, picked)


async def _show_comparison(explorer: Explorer, compare: Callable[[], Awaitable[Comparison]]) -> None:
    from tui.screens.compare import CompareScreen

    def closed(turn: TurnToOpen | None) -> None:
        if turn is not None:
            explorer.run_command(partial(explorer.controller.navigation.switch_branch, *turn))
            explorer.panes.go_to("chat")

    timer = explorer.set_timer(
        _NOTICE_DELAY, partial(explorer.show_notice, "Comparing. These branches are long; Esc cancels.")
    )
    try:
        comparison = await compare()
    finally:
        timer.stop()
    if explorer.is_active:
        screen = CompareScreen(comparison, explorer.controller.comparison.compare_turns)
        await explorer.push_dialog(screen, closed)


@command(
    "turn.mark",
    keys="v",
    title="Mark",
    help="Mark / unmark this turn",
    on=(Target.TURN,),
    synonyms=("select turn",),
)
async def toggle_mark(explorer: Explorer) -> None:
    explorer.controller.marks.toggle()
