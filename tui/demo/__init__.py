"""Sample conversations, in the file `conversations.json`.

The texts are made up, tokens are estimated from their length, and times from the tokens. The requests of the trip to
Lisbon were recorded from runs of the SDK with a scripted model and the prefix cache of a provider.
"""

from __future__ import annotations

from importlib.resources import files

from tui.formats.transcripts import read_transcripts
from tui.storage.engine import Transaction
from tui.storage.open import Target, write_new_database
from tui.storage.transfer.imports import import_session

__all__ = ["write_demo"]


def write_demo(target: Target) -> None:
    """Write several sessions with forks, tools, reasoning, errors and a long branch to a new file or an empty database.

    The data file has no times, so that the sessions are as old as what is written.
    """
    conversations = read_transcripts(files(__name__).joinpath("conversations.json").read_text("utf-8"))

    def import_all(tx: Transaction) -> None:
        for session_id in sorted(conversation.session_id for conversation in conversations):
            tx.lock_session(session_id)
        for conversation in conversations:
            import_session(tx, conversation)

    write_new_database(target, import_all)
