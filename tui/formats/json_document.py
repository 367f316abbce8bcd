"""A session as a JSON document: every message as it is stored, every branch with its rows, usage, runs and label.

The document, version 1::

    {
      "format": "convo-tui/session",
      "version": 1,
      "session": {
        "session_id": "support", "created_at": "2026-03-01T09:30:00Z", "updated_at": "2026-03-01T09:30:00Z",
        "title": "", "note": "", "pinned": false, "archived": false
      },
      "messages": [{"id": 1, "created_at": "2026-03-01T09:30:00Z", "item": {...}}, ...],
      "branches": [{
        "branch_id": "main", "parent": null, "fork_turn": null, "created_at": "2026-03-01T09:30:00Z",
        "title": "", "note": "", "pinned": false, "archived": false,
        "rows": [[1, 1, "user", 1, 1, null, "2026-03-01T09:30:00Z"], ...],
        "usage": [{"user_turn_number": 1, "requests": 1, "input_tokens": 10, ...}, ...]
      }, ...],
      "compactions": [{
        "kept_branch_id": "main_before_compaction", "branch_id": "main", "first_turn": 1, "last_turn": 1,
        "created_at": "2026-03-01T09:30:00Z"
      }, ...],
      "orphaned_usage": [{"branch_id": "deleted", "message_id": 1, "user_turn_number": 1, ...}, ...],
      "runs": [{"branch_id": "main", "user_turn_number": 1, "message_id": 1, "outcome": "done", ...}, ...],
      "requests": [{
        "branch_id": "main", "user_turn_number": 1, "message_id": 1, "number": 1, "agent": "Support", ...,
        "instructions": "JjYn…", "tools": "9eJt…", "settings": "GdYX…", "input_items": 1, "input": [[0, 0]], ...
      }, ...],
      "texts": {"JjYn…": "Answer briefly.", "9eJt…": [...], "GdYX…": {...}, ...}
    }

`item` is the item of the Responses API; a message that is not JSON, also for NaN or an infinite number in it, has its
stored text as `raw` in its place. A row is the message's id, its sequence number in the session, its type, turn, branch
turn, tool name, and the time when it was added to the branch. Ids are those of the exported file, and join the parts of
the document. Usage, runs and compactions have the columns of `turn_usage`, `convo_usage`, `convo_runs` and
`convo_compactions`, requests those of `convo_requests` and, where it was recorded what they sent, of
`convo_request_inputs`; `texts` has the values whose hashes they refer to. Parts may be missing that older versions did
not write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from tui.formats.timestamps import to_iso, to_stored
from tui.items.codec import decode_or_none, to_json
from tui.model import Branch, Session
from tui.storage.queries.session_dump import Message, SessionDump

__all__ = ["FORMAT", "VERSION", "json_document", "stored_form"]

FORMAT: Final = "convo-tui/session"
VERSION: Final = 1

_TIMES: Final = ("updated_at", "created_at", "started_at")


def json_document(dump: SessionDump, branches: Sequence[str], *, decrypt: bool = False) -> Iterator[str]:
    """Write branches as one JSON document, with each message on a line of its own.

    What is stored encrypted stays so, unless `decrypt` is set, and the key opens it.
    """
    dump.decrypts = decrypt
    session = {
        "session_id": dump.session.session_id,
        "created_at": to_iso(dump.created_at()),
        "updated_at": to_iso(dump.session.updated_at),
        **_label(dump.session),
    }
    yield f'{{\n"format": {json.dumps(FORMAT)},\n"version": {VERSION},\n"session": {to_json(session)}'
    yield ',\n"messages": ['
    message_ids: set[int] = set()
    for message in dump.messages(branches):
        yield f"{',' if message_ids else ''}\n{_message(message)}"
        message_ids.add(message.message_id)
    yield '\n],\n"branches": ['
    for index, branch_id in enumerate(branches):
        branch = dump.tree.branches[branch_id]
        header = {
            "branch_id": branch_id,
            "parent": branch.parent,
            "fork_turn": branch.fork_turn,
            "created_at": to_iso(branch.created_at),
            **_label(branch),
        }
        yield f'{"," if index else ""}\n{to_json(header)[:-1]}, "rows": ['
        yield from _joined((*columns, to_iso(created_at)) for *columns, created_at in dump.rows(branch_id))
        yield '], "usage": ['
        yield from _joined(map(_with_iso_times, dump.stored_usage(branch_id)))
        yield "]}"
    yield '\n],\n"compactions": ['
    yield from _joined(
        _with_iso_times(row) for row in dump.compactions() if {row["kept_branch_id"], row["branch_id"]} <= {*branches}
    )
    yield '],\n"orphaned_usage": ['
    yield from _joined(_with_iso_times(row) for row in dump.orphaned_usage() if row["message_id"] in message_ids)
    yield '],\n"runs": ['
    yield from _joined(_with_iso_times(row) for row in dump.stored_runs() if row["message_id"] in message_ids)
    requests = [row for row in dump.stored_requests() if row["message_id"] in message_ids]
    yield '],\n"requests": ['
    yield from _joined(_request(row, message_ids) for row in requests)
    yield '],\n"texts": {'
    yield from _joined_members(dump.request_texts(requests))
    yield "}\n}\n"


def stored_form(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its times as they are stored.

    A document may have its times in the stored form already, and `kept_usage` in place of `orphaned_usage`. A part with
    another structure than the format has is left unchanged.
    """
    stored = dict(document)
    if "kept_usage" in stored:
        stored["orphaned_usage"] = stored.pop("kept_usage")
    stored["session"] = _with_stored_times(stored.get("session"))
    for part in ("messages", "compactions", "orphaned_usage", "runs", "requests"):
        stored[part] = _map_list(_with_stored_times, stored.get(part, []))
    stored["branches"] = _map_list(_stored_branch, stored.get("branches"))
    return stored


def _stored_branch(branch: Any) -> Any:
    if not isinstance(branch, dict):
        return branch
    rows = _map_list(_stored_row, branch.get("rows"))
    usage = _map_list(_with_stored_times, branch.get("usage", []))
    return {**_with_stored_times(branch), "rows": rows, "usage": usage}


def _stored_row(row: Any) -> Any:
    return [*row[:-1], *map(to_stored, row[-1:])] if isinstance(row, list) else row


def _map_list(function: Callable[[Any], Any], values: Any) -> Any:
    return [function(value) for value in values] if isinstance(values, list) else values


def _label(labelled: Session | Branch) -> dict[str, Any]:
    return {name: getattr(labelled, name) for name in ("title", "note", "pinned", "archived")}


def _message(message: Message) -> str:
    header: dict[str, Any] = {"id": message.message_id, "created_at": to_iso(message.created_at)}
    if message.data is not None or message.text == "null":
        # Python writes numbers that JSON does not have, and reads deeper lists than it writes.
        with suppress(ValueError, RecursionError):
            return json.dumps({**header, "item": message.data}, allow_nan=False)
    return to_json({**header, "raw": message.text})


def _with_iso_times(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_iso(value) if name in _TIMES else value for name, value in record.items()}


def _with_stored_times(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {name: to_stored(value) if name in _TIMES else value for name, value in record.items()}


def _request(row: Mapping[str, Any], message_ids: Container[int]) -> dict[str, Any]:
    request = _with_iso_times(row)
    if "input" in request:
        request["input"] = decode_or_none(request["input"])
        # The branch that was sent may have lost the message, or not be part of the document.
        if request["last_message_id"] not in message_ids:
            request["last_message_id"] = None
    return request


def _joined_members(members: Mapping[str, object]) -> Iterator[str]:
    for index, (name, value) in enumerate(members.items()):
        yield f"{',' if index else ''}\n{to_json(name)}: {to_json(value)}"


def _joined(values: Iterable[object]) -> Iterator[str]:
    for index, value in enumerate(values):
        yield f"{', ' if index else ''}{to_json(value)}"
