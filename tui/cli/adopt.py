"""`convo-tui adopt`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tui.cli.open import open_editor, open_session
from tui.cli.output import Output, print_json
from tui.errors import ConvoError
from tui.words import plural

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Add the rows to a plain session that branches and usage need."""
    async with open_session(options.file, options.session) as found:
        session_id = found.session.session_id
    items = await open_editor(Path(options.file)).adopt(session_id)
    if not items:
        raise ConvoError(f"'{session_id}' is not a plain session.", "It has branches already.")
    if options.json:
        print_json({"session_id": session_id, "items": items})
    else:
        Output().line(f"Added branches to {session_id}, {plural(items, 'item')}. z undoes it in the explorer.")
    return 0
