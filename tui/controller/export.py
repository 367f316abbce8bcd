"""Writing sessions and branches to files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.controller.base import ControllerBase
from tui.controller.progress import TaskProgress
from tui.errors import NotFoundError

if TYPE_CHECKING:
    from tui.formats import Format
    from tui.storage.queries.session_dump import SessionDump

__all__ = ["Exporting"]


class Exporting(ControllerBase):
    """Exports of the open session."""

    def branches_through(self) -> Sequence[str]:
        """The branches that hold the selected turn; the shown one where it has none."""
        branch_id, turn = self._aim
        chain = self.view.tree.chain_at(branch_id, turn)
        return (branch_id,) if chain is None else chain.holders

    async def export(
        self, branches: Sequence[str], form: Format, target: Path, progress: TaskProgress, *, overwrite: bool = False
    ) -> None:
        """Write branches of the open session to a file, wholly or not at all.

        Raises:
            Stopped: `progress` was told to stop.
            NotFoundError: One of them is gone.
            ConfigError: There is a file of that name already, or it cannot be written.
            FileError: The session cannot be read.
        """
        from tui.formats import export
        from tui.formats.atomic_file import save

        session = self.view.session
        if session is None:
            raise NotFoundError("There is no session to export.", "Let an agent write the file first.")

        def work(whole: SessionDump) -> None:
            if gone := [name for name in branches if name not in whole.tree.branches]:
                raise NotFoundError(f"Branch '{gone[0]}' is gone.", "Choose another one.")
            pieces = progress.counted(export(whole, branches, form), whole.count_rows(branches))
            save(pieces, target, overwrite=overwrite)

        await self._store.whole(session, work)
