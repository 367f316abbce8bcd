"""The command that exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands.context import Explorer
from tui.commands.registry import Target, command

if TYPE_CHECKING:
    from tui.controller.progress import TaskProgress
    from tui.screens.dialogs.export import ExportChoice


@command(
    "export.write",
    keys="x",
    title="Export",
    help="Export the branch or session to a file",
    on=(Target.BRANCH, Target.OPEN_SESSION),
    synonyms=("save", "markdown", "html", "json"),
    holds_keys=True,
)
async def export(explorer: Explorer) -> None:
    from tui.screens.dialogs.export import ExportDialog, Extent

    view, exports = explorer.view, explorer.controller.exports
    if view.session is None or view.branch_id not in view.tree.branches:
        explorer.show_notice("There is nothing to export.")
        return
    session, through = view.session.session_id, exports.branches_with_turn()
    everything, branch = list(view.tree.branches), explorer.panes.branch_tree.branch_name(view.branch_id)
    extents = [
        Extent(f"branch {branch}", f"{session}-{view.branch_id}", [view.branch_id]),
        Extent(f"{len(through)} branches through turn {view.turn}", f"{session}-turn-{view.turn}", through),
        Extent(f"session, {len(everything)} branches", session, everything),
    ]
    # An extent of one branch would write the same as the first extent.
    extents = [extent for index, extent in enumerate(extents) if not index or len(extent.branches) > 1]

    async def write(choice: ExportChoice, progress: TaskProgress) -> None:
        await exports.write(choice.branches, choice.file_format, choice.target, progress, overwrite=choice.overwrite)

    def written(target: Path | None) -> None:
        if target is not None:
            explorer.show_notice(f"Wrote {target}.")

    await explorer.push_dialog(ExportDialog(extents, write, Path.cwd()), written)
