"""Commands that change a file: each is one change, which `convo-tui undo` and the explorer take back."""

from __future__ import annotations

import argparse
import asyncio

from tui.cli.command_line import command_line
from tui.cli.locks import reported_lock
from tui.cli.open import OpenSession, missing_turn, open_editor, open_session
from tui.cli.output import Output, print_json
from tui.errors import ConvoError, NotFoundError
from tui.storage.editor import Editor
from tui.words import plural

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Make the change that the command names, and print what was done."""
    path = options.file
    async with reported_lock(path):
        lines = await _make(options, await asyncio.to_thread(open_editor, path))
    _report(options, lines)
    return 0


async def _make(options: argparse.Namespace, editor: Editor) -> list[str]:
    if options.command in ("undo", "redo"):
        try:
            entries = await (editor.undo() if options.command == "undo" else editor.redo())
        except NotFoundError as error:
            raise ConvoError(str(error), "The explorer lists all changes.") from error
        done = "Undone" if options.command == "undo" else "Redone"
        return [f"{done}: {entry.description}" for entry in entries]
    async with open_session(options.file, options.session, quiet=True) as found:
        # Of a large file, damage is found when it is read.
        found.store.require_changeable()
        description = await _change(options, editor, found)
    return [f"{description}. `{command_line('undo', options.file)}` takes it back."]


def _report(options: argparse.Namespace, lines: list[str]) -> None:
    if options.json:
        print_json({"done": lines})
        return
    for line in lines:
        Output().line(line)


async def _change(options: argparse.Namespace, editor: Editor, found: OpenSession) -> str:
    session_id = found.session.session_id
    if options.command == "fork":
        branch = await found.branch(options.branch)
        turn = branch.turns + 1 if options.turn is None else options.turn
        if turn > branch.turns + 1:
            raise missing_turn(branch, turn)
        [name] = await editor.fork(session_id, branch.branch_id, turn, options.name)
        forked = f"Forked '{name}' at turn {turn} of '{branch.branch_id}' in session '{session_id}'"
        return f"{forked}; without --branch, commands mean '{name}' now"
    if options.session is None and options.branch is None:
        await _require_one_target(found)
    branch_id = None if options.branch is None else (await found.branch(options.branch)).branch_id
    session = f"session '{session_id}'"
    what = session if branch_id is None else f"branch '{branch_id}' of {session}"
    if options.command == "delete":
        if not options.yes:
            impact = await found.store.deletion_impact(found.session, branch_id)
            raise ConvoError(
                f"This deletes {what} with {plural(impact.items, 'item')} of its own.",
                f"Add --yes to do it; `{command_line('undo', options.file)}` brings it back.",
            )
        await (editor.delete_session(session_id) if branch_id is None else editor.delete_branch(session_id, branch_id))
        return f"Deleted {what}"
    if options.command == "rename":
        description = f"Named {what} '{options.title}'" if options.title else f"Removed the title of {what}"
        await editor.label(session_id, branch_id, title=options.title, description=description)
        return description
    archived = options.command == "archive"
    description = f"{'Archived' if archived else 'Unarchived'} {what}"
    await editor.label(session_id, branch_id, archived=archived, description=description)
    return description


async def _require_one_target(found: OpenSession) -> None:
    """Raise ConvoError if it is not clear which session or branch a change without names is for."""
    sessions, branches = await found.store.count_sessions(), len(found.tree.branches)
    if sessions > 1 or branches > 1:
        counts = f"{plural(sessions, 'session')}, and '{found.session.session_id}' {plural(branches, 'branch')}"
        raise ConvoError(f"The file has {counts}.", "Say what is meant: --session ID, or --branch ID.")
