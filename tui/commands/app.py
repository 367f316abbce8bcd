"""Commands for the program itself."""

from __future__ import annotations

from tui.commands.context import Explorer
from tui.commands.registry import command


@command(
    "app.refresh",
    keys="f5",
    title="Refresh",
    help="Read the file again now",
    synonyms=("reload", "update"),
)
async def refresh(explorer: Explorer) -> None:
    await explorer.controller.refresh()


@command(
    "app.leave",
    keys="escape",
    title="Close",
    help="Close what is open or zoomed, else remove all marks",
    synonyms=("stop", "cancel", "leave", "unmark"),
    holds_keys=True,
)
async def close_or_cancel(explorer: Explorer) -> None:
    """End the first of these that exists: a run, search hits, the zoom, a new branch or session, a preview, marks."""
    controller, editing = explorer.controller, explorer.view.is_drafting
    if not editing and explorer.agent is not None and explorer.agent.stop():
        return
    if not editing and explorer.search.is_walking:
        explorer.search.end()
    elif explorer.panes.is_zoomed:
        explorer.panes.toggle_zoom()
    elif editing:
        controller.forks.cancel()
    elif explorer.view.preview:
        explorer.run_command(controller.navigation.leave_preview)
    else:
        controller.marks.clear()


@command(
    "app.help",
    keys="question_mark,f1",
    title="Help",
    help="All keys and signs of this place, by typing part of a name",
    footer=True,
    synonyms=("keys", "shortcuts", "bindings", "legend", "symbols"),
    action="app.show_help",
)
async def show_help(explorer: Explorer) -> None:
    await explorer.app.run_action("app.show_help")


@command(
    "menu.open",
    keys="space",
    title="Menu",
    help="All commands for what is under the cursor; also a right click",
    footer=True,
    synonyms=("context menu", "actions"),
    holds_keys=True,
)
async def open_menu(explorer: Explorer) -> None:
    await explorer.open_menu()


@command(
    "app.palette",
    keys="ctrl+p",
    title="Commands",
    help="All commands, by typing part of their name",
    synonyms=("palette",),
    action="app.command_palette",
)
async def open_palette(explorer: Explorer) -> None:
    explorer.app.action_command_palette()


@command(
    "app.quit",
    keys="q,ctrl+q",
    title="Quit",
    help="Quit the program",
    footer=True,
    synonyms=("exit", "close"),
    action="app.quit",
)
async def quit_program(explorer: Explorer) -> None:
    await explorer.app.action_quit()


@command(
    "app.suspend",
    keys="ctrl+z",
    title="Suspend",
    help="Return to the shell; fg comes back",
    synonyms=("background", "shell"),
    action="app.suspend_process",
)
async def suspend(explorer: Explorer) -> None:
    explorer.app.action_suspend_process()
