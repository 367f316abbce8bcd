"""`convo-tui import`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tui.cli.open import open_editor
from tui.cli.output import Output, print_json
from tui.formats.transcripts import load, read_transcripts, with_names

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Import the conversations of a transcript as sessions."""
    name = options.session or ""
    if options.transcript == "-":
        conversations = with_names(read_transcripts(sys.stdin.read()), name, "import")
    else:
        conversations = load(Path(options.transcript), name)
    await open_editor(Path(options.file), create=True).import_sessions(conversations)
    session_ids = [conversation.session_id for conversation in conversations]
    if options.json:
        print_json({"sessions": session_ids})
    else:
        Output().line(f"Imported {', '.join(session_ids)}.")
    return 0
