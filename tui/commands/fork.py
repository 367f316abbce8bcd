"""Commands that begin a new branch or message."""

from __future__ import annotations

from tui.commands.context import Explorer
from tui.commands.registry import Target, command


@command(
    "fork.here",
    keys="f",
    title="Fork",
    help="Fork here: edit this turn's message in a new branch",
    on=(Target.TURN,),
    footer=True,
    synonyms=("edit message", "new branch"),
    writes=True,
    holds_keys=True,
)
async def fork_here(explorer: Explorer) -> None:
    await explorer.controller.forks.begin()


@command(
    "fork.after",
    keys="F",
    title="Fork after",
    help="Fork after this turn: continue from its answer in a new branch",
    on=(Target.TURN,),
    synonyms=("continue", "append"),
    writes=True,
    holds_keys=True,
)
async def fork_after(explorer: Explorer) -> None:
    await explorer.controller.forks.begin(after=True)


@command(
    "composer.focus",
    keys="i",
    title="Write",
    help="Go to the composer",
    on=(Target.BRANCH,),
    synonyms=("message", "send", "type", "insert"),
    holds_keys=True,
)
async def focus_composer(explorer: Explorer) -> None:
    composer = explorer.panes.composer
    if composer.takes_text:
        # Also without a model: what is typed now must not run commands.
        explorer.panes.focus_composer()
    if composer.refusal:
        explorer.show_notice(f"{composer.refusal}.")
