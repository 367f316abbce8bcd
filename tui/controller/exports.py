"""Exports of branches to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.controller.progress import TaskProgress
from tui.controller.state import State
from tui.errors import NotFoundError

if TYPE_CHECKING:
    from tui.formats import Format
    from tui.storage.queries.session_dump import SessionDump

__all__ = ["Exports"]


class Exports:
    """Exports branches of the open session."""

    def __init__(self, state: State) -> None:
        self._state = state

    def branches_with_turn(self) -> Sequence[str]:
        """Return the branches that have the selected turn; the shown branch if no turn is selected."""
        branch_id, turn = self._state.target
        chain = self._state.view.tree.chain_at(branch_id, turn)
        return (branch_id,) if chain is None else chain.holders

    async def write(
        self, branches: Sequence[str], form: Format, target: Path, progress: TaskProgress, *, overwrite: bool = False
    ) -> None:
        """Write branches to a file, all of them or none; `progress` can stop it.

        Raises:
            Stopped: `progress` was stopped.
            NotFoundError: One of the branches does not exist any more.
            ConfigError: The file cannot be written, or it exists and `overwrite` is False.
            FileError: The session cannot be read.
        """
        from tui.formats import export
        from tui.formats.atomic_file import write_atomically

        session = self._state.view.session
        if session is None:
            raise NotFoundError("There is no session to export.", "Let an agent write the file first.")

        def work(dump: SessionDump) -> None:
            if missing := [name for name in branches if name not in dump.tree.branches]:
                raise NotFoundError(f"Branch '{missing[0]}' is gone.", "Choose another one.")
            pieces = progress.counted(export(dump, branches, form), dump.count_rows(branches))
            write_atomically(pieces, target, overwrite=overwrite)

        await self._state.store.dump(session, work)
