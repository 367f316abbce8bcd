"""The explorer's exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.explorer.base import ExplorerBase

if TYPE_CHECKING:
    from tui.controller.progress import TaskProgress
    from tui.screens.dialogs.export import Export

__all__ = ["Exporting"]


class Exporting(ExplorerBase):
    """Writes sessions and branches to files."""

    async def action_export(self) -> None:
        from tui.screens.dialogs.export import ExportDialog, Extent

        view = self.view
        if view.session is None or view.branch_id not in view.tree.branches:
            self._notify("There is nothing to export.")
            return
        session, through = view.session.session_id, self._controller.exports.branches_with_turn()
        everything = list(view.tree.branches)
        extents = [
            Extent(f"branch {view.branch_id}", f"{session}-{view.branch_id}", [view.branch_id]),
            Extent(f"{len(through)} branches through turn {view.turn}", f"{session}-turn-{view.turn}", through),
            Extent(f"session, {len(everything)} branches", session, everything),
        ]
        # What would write the same once more is no choice.
        extents = [extent for place, extent in enumerate(extents) if not place or len(extent.branches) > 1]

        async def write(asked: Export, progress: TaskProgress) -> None:
            await self._controller.exports.write(
                asked.branches, asked.form, asked.target, progress, overwrite=asked.overwrite
            )

        def written(target: Path | None) -> None:
            if target is not None:
                self._notify(f"Wrote {target}.")

        await self.ask(ExportDialog(extents, write, Path.cwd()), written)
