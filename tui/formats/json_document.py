"""A session as JSON that loses nothing: every message as it is stored, every branch's rows, usage and runs.

The document, version 1::

    {
      "format": "convo-tui/session",
      "version": 1,
      "session": {"session_id": "support", "updated_at": "2026-03-01 09:30:00"},
      "messages": [{"id": 1, "created_at": "2026-03-01 09:30:00", "item": {...}}, ...],
      "branches": [{
        "branch_id": "main", "parent": null, "fork_turn": null, "created_at": "2026-03-01 09:30:00",
        "rows": [[1, 1, "user", 1, 1, null, "2026-03-01 09:30:00"], ...],
        "usage": [{"user_turn_number": 1, "requests": 1, "input_tokens": 10, ...}, ...]
      }, ...],
      "kept_usage": [{"branch_id": "gone", "message_id": 1, "user_turn_number": 1, ...}, ...],
      "runs": [{"branch_id": "main", "user_turn_number": 1, "message_id": 1, "outcome": "done", ...}, ...]
    }

`item` is the item as the model's API has it; a message that is not JSON has its stored text as `raw` in its place.
A row is the message's id, its number in the session's order, its type, turn, branch turn, tool name, and when it came
to the branch. Ids are those of the file it came from, and join the parts of the document; times are UTC. Usage is that
of `turn_usage`, `convo_usage` and `convo_runs`, as the file has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from tui.storage.queries.session_dump import Message, SessionDump

__all__ = ["FORMAT", "VERSION", "record"]

FORMAT: Final = "convo-tui/session"
VERSION: Final = 1


def record(whole: SessionDump, branches: Sequence[str]) -> Iterator[str]:
    """Write branches as one JSON document, a message on each line."""
    session = whole.session
    about = {"session_id": session.session_id, "updated_at": session.updated_at}
    yield f'{{\n"format": {json.dumps(FORMAT)},\n"version": {VERSION},\n"session": {json.dumps(about)},\n"messages": ['
    held: set[int] = set()
    for message in whole.messages(branches):
        yield f"{',' if held else ''}\n{json.dumps(_message(message))}"
        held.add(message.message_id)
    yield '\n],\n"branches": ['
    for place, branch_id in enumerate(branches):
        branch = whole.tree.branches[branch_id]
        about_branch = {
            "branch_id": branch_id,
            "parent": branch.parent,
            "fork_turn": branch.fork_turn,
            "created_at": branch.created_at,
        }
        yield f'{"," if place else ""}\n{json.dumps(about_branch)[:-1]}, "rows": ['
        yield from _joined(whole.rows(branch_id))
        yield '], "usage": ['
        yield from _joined(whole.stored_usage(branch_id))
        yield "]}"
    yield '\n],\n"kept_usage": ['
    yield from _joined(row for row in whole.kept_usage() if row["message_id"] in held)
    yield '],\n"runs": ['
    yield from _joined(row for row in whole.stored_runs() if row["message_id"] in held)
    yield "]\n}\n"


def _message(message: Message) -> dict[str, Any]:
    about: dict[str, Any] = {"id": message.message_id, "created_at": message.created_at}
    if message.data is None and message.text != "null":
        return {**about, "raw": message.text}
    return {**about, "item": message.data}


def _joined(values: Iterable[object]) -> Iterator[str]:
    for place, value in enumerate(values):
        yield f"{', ' if place else ''}{json.dumps(value)}"
