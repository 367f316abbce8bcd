"""Commands that make sessions with branches from plain sessions and transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui.commands.context import Explorer
from tui.commands.registry import Target, command
from tui.errors import ConvoError


@command(
    "session.adopt",
    keys="P",
    title="Adopt",
    help="Add messages of a plain SQLiteSession to a branch",
    on=(Target.OPEN_SESSION,),
    synonyms=("convert", "upgrade"),
    writes=True,
)
async def adopt_session(explorer: Explorer) -> None:
    session = explorer.view.session
    if session is None:
        raise ConvoError("No session is open.")
    from tui.controller.progress import Stopped, TaskProgress
    from tui.screens.dialogs.progress import show_progress

    progress = TaskProgress()
    try:
        with show_progress(explorer.app, f"Adopting {session.session_id}", progress):
            await explorer.controller.imports.adopt(session.session_id, progress)
    except Stopped:
        explorer.show_notice("Stopped; nothing was written.")


@command(
    "session.import",
    keys="X",
    title="Import",
    help="Import a transcript as a new session",
    on=(Target.OPEN_SESSION,),
    synonyms=("load", "read transcript"),
    writes=True,
    holds_keys=True,
)
async def import_transcript(explorer: Explorer) -> None:
    from tui.screens.dialogs.form import Field, Form

    async def load(values: Sequence[str]) -> None:
        file, name = (value.strip() for value in values)
        if not file:
            raise ConvoError("No transcript is named.", "Name a JSON or JSONL file.")
        await explorer.controller.imports.import_transcripts(_path(file), name)

    fields = (
        Field("File", "", "items, chat messages or a log, as JSON(L)"),
        Field("Session", "", "by default its own name, else the file's"),
    )
    await explorer.push_dialog(Form("Import a transcript", fields, "imports", load))


def _path(typed: str) -> Path:
    return Path(typed).expanduser()
