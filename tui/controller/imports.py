"""The adoption of plain sessions, and the import of transcripts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui.controller.navigation import Navigation
from tui.controller.progress import TaskProgress
from tui.controller.reload import Reloader
from tui.controller.state import State

__all__ = ["Imports"]


class Imports:
    """Adopts plain sessions and imports transcripts; both can be undone.

    Both raise ReadOnlyError if the file is open read-only, and ConvoError if it cannot be written.
    """

    def __init__(self, state: State, navigation: Navigation, reloader: Reloader) -> None:
        self._state = state
        self._navigation = navigation
        self._reloader = reloader

    async def adopt(self, session_id: str, progress: TaskProgress | None = None) -> None:
        """Give a branch to the messages of a session that have none; `progress` can stop it.

        Raises:
            Stopped: `progress` was stopped; nothing was written.
            ConvoError: All messages are in branches already.
        """
        from tui.storage.transfer.adoption import added_to_branch

        self._state.require_writable()
        counted = (progress or TaskProgress()).counted
        adopted = await self._reloader.apply((await self._state.editor()).adopt(session_id, counted))
        self._state.notify(f"{added_to_branch(session_id, adopted)}. z undoes it.")

    async def import_transcripts(self, path: Path, name: str = "") -> None:
        """Add the conversations of a transcript to the file, and open the first of them.

        The new session has the id `name`, by default the id in the transcript, else the name of the transcript's file.

        Raises:
            TranscriptError: The transcript is in no known format; nothing is written.
            ConvoError: There is a session of that id already.
        """
        from tui.formats.transcripts import left_out_words, load

        self._state.require_writable()
        incoming = await asyncio.to_thread(load, path, name)
        await self._reloader.apply((await self._state.editor(create=True)).import_sessions(incoming))
        await self._navigation.select_session(incoming[0].session_id)
        count = f"{len(incoming)} sessions" if len(incoming) > 1 else f"session '{incoming[0].session_id}'"
        left_out = left_out_words(incoming)
        self._state.notify(f"Imported {count}.{f' Left out: {left_out}.' if left_out else ''} z undoes it.")
