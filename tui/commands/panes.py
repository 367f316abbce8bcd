"""Commands that go from pane to pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.registry import command

if TYPE_CHECKING:
    from tui.commands.context import Explorer


@command("pane.tree", keys="1", title="Tree", help="Go to the tree", group="Panes", inline=True)
async def go_to_tree(explorer: Explorer) -> None:
    explorer.panes.go_to("tree")
    _count(explorer, 1)


@command("pane.chat", keys="2", title="Chat", help="Go to the chat", group="Panes", inline=True)
async def go_to_chat(explorer: Explorer) -> None:
    explorer.panes.go_to("chat")
    _count(explorer, 2)


@command("pane.usage", keys="3", title="Usage", help="Go to the usage", group="Panes", inline=True)
async def go_to_usage(explorer: Explorer) -> None:
    explorer.panes.go_to("usage")
    _count(explorer, 3)


def _count(explorer: Explorer, number: int) -> None:
    """Let the digit also be the count of a command that follows at once, as in `3r`."""
    if explorer.agent is not None:
        explorer.agent.set_count(number)


@command(
    "pane.zoom",
    keys="plus",
    title="Zoom",
    help="Show this pane alone, or all panes again",
    group="Panes",
    synonyms=("maximize", "full screen"),
    inline=True,
)
async def toggle_zoom(explorer: Explorer) -> None:
    explorer.panes.toggle_zoom()
