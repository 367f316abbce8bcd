"""The explorer's adoption of plain sessions, and its imports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui.errors import ConvoError, ReadOnlyError
from tui.explorer.base import ExplorerBase

__all__ = ["Importing"]


class Importing(ExplorerBase):
    """Makes sessions with branches of what is none yet."""

    def action_adopt(self) -> None:
        self._then(self._adopt)

    async def _adopt(self) -> None:
        session = self.view.session
        if session is None:
            raise ConvoError("No session is open.")
        from tui.controller.progress import Stopped, TaskProgress
        from tui.screens.dialogs.progress import show_progress

        work = TaskProgress()
        try:
            with show_progress(self, f"Adopting {session.session_id}", work):
                await self._controller.imports.adopt(session.session_id, work)
        except Stopped:
            self._notify("Stopped; nothing was written.")

    async def action_import_transcript(self) -> None:
        await self.at_once(self._ask_for_transcript)

    async def _ask_for_transcript(self) -> None:
        from tui.screens.dialogs.form import Field, Form

        if not self.view.writable:
            raise ReadOnlyError("This file is open read-only.", "Open it without --read-only to change it.")

        async def bring_in(said: Sequence[str]) -> None:
            file, name = (line.strip() for line in said)
            if not file:
                raise ConvoError("No transcript is named.", "Name a JSON or JSONL file.")
            await self._controller.imports.import_transcripts(_path(file), name)

        fields = (
            Field("File", "", "JSON or JSONL: items, chat messages, or an export"),
            Field("Session", "", "as it calls itself, or as the file is called"),
        )
        await self.ask(Form("Import a transcript", fields, "imports", bring_in))


def _path(typed: str) -> Path:
    """The file that was typed; `~` is the user's folder."""
    return Path(typed).expanduser()
