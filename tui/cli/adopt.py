"""`convo-tui adopt`."""

from __future__ import annotations

import argparse

from tui.cli.command_line import command_line
from tui.cli.open import open_editor, open_session
from tui.cli.output import Output, print_json
from tui.storage.transfer.adoption import added_to_branch

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Put the messages that are in no branch of their session in one."""
    async with open_session(options.file, options.session, quiet=True) as found:
        found.store.require_changeable()
        session_id = found.session.session_id
    adopted = await open_editor(options.file).adopt(session_id)
    if options.json:
        print_json({"session_id": session_id, **adopted._asdict()})
    else:
        undo = command_line("undo", options.file)
        Output().line(f"{added_to_branch(session_id, adopted)}. `{undo}` takes it back.")
    return 0
