"""Commands that go from pane to pane."""

from __future__ import annotations

from tui.commands.context import Explorer
from tui.commands.registry import command


@command("pane.tree", keys="1", title="Tree", help="Go to the tree", holds_keys=True)
async def go_to_tree(explorer: Explorer) -> None:
    explorer.panes.go_to("tree")


@command("pane.chat", keys="2", title="Chat", help="Go to the chat", holds_keys=True)
async def go_to_chat(explorer: Explorer) -> None:
    explorer.panes.go_to("chat")


@command("pane.usage", keys="3", title="Usage", help="Go to the usage", holds_keys=True)
async def go_to_usage(explorer: Explorer) -> None:
    explorer.panes.go_to("usage")


@command(
    "pane.zoom",
    keys="plus",
    title="Zoom",
    help="Show this pane alone, or all panes again",
    synonyms=("maximize", "full screen"),
    holds_keys=True,
)
async def toggle_zoom(explorer: Explorer) -> None:
    explorer.panes.toggle_zoom()
