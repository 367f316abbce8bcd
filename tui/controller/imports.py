"""Adding branches to plain sessions, and conversations from transcripts to the file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui.controller.navigation import Navigation
from tui.controller.progress import TaskProgress
from tui.controller.reload import Reloader
from tui.controller.state import State
from tui.errors import ConvoError
from tui.words import plural

__all__ = ["Imports"]


class Imports:
    """Adopts plain sessions and imports transcripts; both can be undone."""

    def __init__(self, state: State, navigation: Navigation, reloader: Reloader) -> None:
        self._state = state
        self._navigation = navigation
        self._reloader = reloader

    async def adopt(self, session_id: str, progress: TaskProgress | None = None) -> None:
        """Add the rows to a plain session that branches and usage need.

        Args:
            session_id: The session.
            progress: Reports how much is done, and can stop it.

        Raises:
            Stopped: `progress` was stopped; nothing was written.
            ReadOnlyError: The file is open read-only.
            ConvoError: The session has branches already, or cannot be written.
        """
        self._state.require_writable()
        if not (await self._state.find_session(session_id)).plain:
            raise ConvoError(f"Session '{session_id}' has branches already.", "f forks from the selected turn.")
        counted = (progress or TaskProgress()).counted
        items = await self._reloader.apply((await self._state.editor()).adopt(session_id, counted))
        self._state.notify(f"Adopted '{session_id}', {plural(items, 'item')}: f forks from it. z undoes it.")

    async def import_transcripts(self, path: Path, name: str = "") -> None:
        """Add the conversations of a transcript to the file, and open the first of them.

        Args:
            path: The transcript.
            name: Id of the new session; by default the id that the transcript has, else the name of its file.

        Raises:
            ReadOnlyError: The file is open read-only.
            TranscriptError: The transcript is in no known format; nothing is written.
            ConvoError: There is a session of that id already, or the file cannot be written.
        """
        from tui.formats.transcripts import load

        self._state.require_writable()
        incoming = await asyncio.to_thread(load, path, name)
        await self._reloader.apply((await self._state.editor()).import_sessions(incoming))
        await self._navigation.select_session(incoming[0].session_id)
        count = f"{len(incoming)} sessions" if len(incoming) > 1 else f"session '{incoming[0].session_id}'"
        self._state.notify(f"Imported {count}. z undoes it.")
