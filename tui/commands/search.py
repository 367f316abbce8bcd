"""Commands that search."""

from __future__ import annotations

from tui.commands.context import Explorer
from tui.commands.registry import Target, command


@command(
    "find.here",
    keys="slash",
    title="Search",
    help="Search all text of this branch; Tab: of the session",
    on=(Target.BRANCH,),
    footer=True,
    synonyms=("find", "filter", "grep"),
    holds_keys=True,
)
async def search_here(explorer: Explorer) -> None:
    await explorer.search.begin_typing()


@command(
    "find.next",
    keys="n",
    title="Next hit",
    help="Go to the next hit",
    synonyms=("find next",),
    holds_keys=True,
)
async def next_hit(explorer: Explorer) -> None:
    explorer.search.step(1)


@command(
    "find.previous",
    keys="N",
    title="Previous hit",
    help="Go to the previous hit",
    synonyms=("find previous",),
    holds_keys=True,
)
async def previous_hit(explorer: Explorer) -> None:
    explorer.search.step(-1)


@command(
    "find.everywhere",
    keys="ctrl+f",
    title="Search all",
    help="Search the branch, the session or the file",
    on=(Target.OPEN_SESSION,),
    synonyms=("find all", "hits"),
    holds_keys=True,
)
async def search_everywhere(explorer: Explorer) -> None:
    await explorer.search.open_dialog()


@command(
    "find.blame",
    keys="number_sign",
    title="Origin",
    help="Origin of the selected text, and where it is repeated",
    on=(Target.ITEM,),
    synonyms=("blame", "source", "where"),
    holds_keys=True,
)
async def blame(explorer: Explorer) -> None:
    await explorer.search.open_origins()
