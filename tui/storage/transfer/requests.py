"""Copying the requests of a branch to a new session."""

from __future__ import annotations

from collections.abc import Mapping

from tui.storage.engine import Transaction
from tui.storage.queries.request_inputs import INPUT_COLUMNS, EncodedInput, read_texts, store_texts, text_hashes
from tui.storage.queries.requests import REQUEST_COLUMNS, insert_request
from tui.storage.schema import CONVO_REQUEST_INPUTS, CONVO_REQUESTS

__all__ = ["copy_requests"]


def copy_requests(
    source: Transaction,
    session_id: str,
    branch_id: str,
    runners: Mapping[int, str],
    target: Transaction,
    to: tuple[str, str],
    turns: Mapping[int, int],
    copies: Mapping[int, int],
) -> None:
    """Copy the requests of turns of a branch, and what they sent.

    Args:
        source: The transaction to read from.
        session_id: The session of the branch.
        branch_id: The branch.
        runners: The branch whose usage was copied, by the first message of each turn with usage.
        target: The transaction to write to; it may be `source`.
        to: The new session, and its branch.
        turns: The copy of the first message of each turn.
        copies: The copy of each message.
    """
    if not source.has_table(CONVO_REQUESTS.name):
        return
    new_session_id, new_branch_id = to
    sql = f"SELECT id, {', '.join(REQUEST_COLUMNS)} FROM convo_requests WHERE session_id = :session_id ORDER BY id"
    rows = [
        (request_id, dict(zip(REQUEST_COLUMNS, row, strict=True)))
        for request_id, *row in source.execute(sql, session_id=session_id).fetchall()
    ]
    has_inputs = source.has_table(CONVO_REQUEST_INPUTS.name)
    read_input = f"SELECT {', '.join(INPUT_COLUMNS)} FROM convo_request_inputs WHERE id = :id"
    inputs = []
    for request_id, row in rows:
        message_id = row["message_id"]
        if message_id not in turns or row["branch_id"] != runners.get(message_id, branch_id):
            continue
        found = source.execute(read_input, id=request_id).fetchone() if has_inputs else None
        columns = dict(zip(INPUT_COLUMNS, found or [None] * len(INPUT_COLUMNS), strict=True))
        inputs.append(dict(columns))
        columns["last_message_id"] = copies.get(columns["last_message_id"])
        row |= {"branch_id": new_branch_id, "message_id": turns[message_id]}
        insert_request(target, new_session_id, row, EncodedInput(columns, {}))
    if hashes := text_hashes(source, session_id, inputs):
        store_texts(target, new_session_id, read_texts(source, session_id, hashes).items())
