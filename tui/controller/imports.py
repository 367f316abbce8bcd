"""Bringing in what is not stored as sessions with branches yet: plain sessions, and transcripts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui.controller.manage import Managing
from tui.controller.progress import TaskProgress
from tui.errors import ConvoError

__all__ = ["Importing"]


class Importing(Managing):
    """Adoption of plain sessions, and imports; each can be undone."""

    async def adopt(self, session_id: str, work: TaskProgress | None = None) -> None:
        """Give a plain session the structure that branches and usage need.

        Raises:
            Stopped: `work` was told to stop; nothing was written.
            ReadOnlyError: The file is open to look only.
            ConvoError: It has that structure already, or cannot be written.
        """
        self._check_writable()
        if not (await self._session(session_id)).plain:
            raise ConvoError(f"Session '{session_id}' has branches already.", "f forks from the selected turn.")
        counted = (work or TaskProgress()).counted
        items = await self._change((await self._edit()).adopt(session_id, counted))
        self._tell(f"Adopted '{session_id}', {items:,} item{'s' * (items != 1)}: f forks from it. z undoes it.")

    async def import_transcripts(self, path: Path, name: str = "") -> None:
        """Add the conversations of a transcript to the file, and open the first of them.

        Args:
            path: The transcript.
            name: What the session is to be called; by default as it calls itself, else as the transcript's file.

        Raises:
            ReadOnlyError: The file is open to look only.
            TranscriptError: It is not in a form that can be imported; nothing is written.
            ConvoError: A session of that name is there already, or the file cannot be written.
        """
        from tui.formats.transcripts import load

        self._check_writable()
        incoming = await asyncio.to_thread(load, path, name)
        await self._change((await self._edit()).bring_in(incoming))
        await self.select_session(incoming[0].session_id)
        count = f"{len(incoming)} sessions" if len(incoming) > 1 else f"session '{incoming[0].session_id}'"
        self._tell(f"Imported {count}. z undoes it.")
