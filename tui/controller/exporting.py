"""Writing sessions and branches to files of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui.controller.base import ControllerBase
from tui.errors import NotFoundError

if TYPE_CHECKING:
    from tui.exchange import Format
    from tui.session.whole import Whole

__all__ = ["ExportProgress", "Exporting", "Stopped"]


class Stopped(Exception):  # noqa: N818 it is no error
    """The user stopped it; nothing was written."""


@dataclass(eq=False, slots=True)
class ExportProgress:
    """How far an export is; written by the thread that does it, read by whoever shows it.

    Attributes:
        share: How much of it is done, from 0 to 1.
        stopped: Set it to have the export end with `Stopped`.
    """

    share: float = 0.0
    stopped: bool = False

    def counted(self, pieces: Iterable[str], total: int) -> Iterator[str]:
        """Hand the pieces on, and count them against about how many there will be."""
        for done, piece in enumerate(pieces):
            if self.stopped:
                raise Stopped
            self.share = min(done / max(total, 1), 1.0)
            yield piece


class Exporting(ControllerBase):
    """Exports of the open session."""

    def branches_through(self) -> Sequence[str]:
        """The branches that hold the selected turn; the shown one where it has none."""
        branch_id, turn = self._aim
        chain = self.view.tree.chain_at(branch_id, turn)
        return (branch_id,) if chain is None else chain.through

    async def export(
        self, branches: Sequence[str], form: Format, target: Path, progress: ExportProgress, *, overwrite: bool = False
    ) -> None:
        """Write branches of the open session to a file, wholly or not at all.

        Raises:
            Stopped: `progress` was told to stop.
            NotFoundError: One of them is gone.
            ConfigError: There is a file of that name already, or it cannot be written.
            FileError: The session cannot be read.
        """
        from tui.exchange import export
        from tui.exchange.saving import save

        session = self.view.session
        if session is None:
            raise NotFoundError("There is no session to export.", "Let an agent write the file first.")

        def work(whole: Whole) -> None:
            if gone := [name for name in branches if name not in whole.tree.branches]:
                raise NotFoundError(f"Branch '{gone[0]}' is gone.", "Choose another one.")
            total = sum(whole.tree.branches[name].items for name in branches)
            save(progress.counted(export(whole, branches, form), total), target, overwrite=overwrite)

        await self._store.whole(session, work)
