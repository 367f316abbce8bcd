"""Commands for the program itself."""

from __future__ import annotations

from tui.commands.context import Explorer
from tui.commands.registry import COMMANDS, command


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
    title="Leave",
    help="Leave what is open or zoomed, else remove all marks",
    synonyms=("stop", "cancel", "close", "unmark"),
    inline=True,
)
async def leave(explorer: Explorer) -> None:
    """Leave the first of these that exists: a run, search hits, the zoom, the fork editor, a preview, marks."""
    controller, editing = explorer.controller, explorer.view.fork is not None
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
    keys="question_mark",
    title="Help",
    help="Show all keys",
    footer=True,
    synonyms=("keys", "shortcuts", "bindings"),
    inline=True,
)
async def show_help(explorer: Explorer) -> None:
    from tui.screens.dialogs.help import Help, HelpRow

    keys = explorer.active_keys()
    # The id of a binding that is no command begins with the name of its widget.
    of_focus = [
        HelpRow(name.partition(".")[0].capitalize(), shown, description)
        for name, (shown, description) in keys.items()
        if name not in COMMANDS
    ]
    everywhere = [HelpRow(known.group, keys[name][0], known.help) for name, known in COMMANDS.items() if name in keys]
    explorer.app.push_screen(Help([*of_focus, *everywhere]))


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
    help="Leave the program",
    footer=True,
    synonyms=("exit", "close"),
    inline=True,
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
