"""`convo-tui import`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tui.cli.open import open_editor
from tui.cli.output import Output, print_json
from tui.errors import ConfigError, ConvoError, SessionExistsError
from tui.formats.transcripts import left_out, left_out_words, load, read_transcripts, with_names

__all__ = ["run"]


async def run(options: argparse.Namespace) -> int:
    """Import the conversations of a transcript as sessions."""
    name = options.session or ""
    if options.transcript == "-":
        conversations = with_names(read_transcripts(_standard_input(), "Standard input"), name, "import")
    else:
        conversations = load(Path(options.transcript), name)
    try:
        await open_editor(options.file, create=True).import_sessions(conversations)
    except SessionExistsError as error:
        raise ConvoError(str(error), "Give the new one another id with --session.") from error
    session_ids = [conversation.session_id for conversation in conversations]
    if options.json:
        print_json({"sessions": session_ids, "left_out": left_out(conversations)})
    else:
        out = Output()
        out.line(f"Imported {', '.join(session_ids)}.")
        if words := left_out_words(conversations):
            out.line(f"Left out: {words}.")
    return 0


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise ConfigError("Standard input is closed.", "Name a file in place of -.")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise ConfigError(f"Standard input cannot be read: {error.strerror}.", "Name a file in place of -.") from error
