"""The content of a session's JSON document, to compare it with that of a copy in another database.

Ids of messages, numbers of rows and times of rows depend on the database, so they do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tui.formats.json_document import FORMAT, VERSION
from tui.items.codec import decode_or_none
from tui.items.sealed import unsealed
from tui.storage.queries.items import encode_items
from tui.storage.schema import MAIN

__all__ = [
    "content_of",
    "differences",
    "document_of_items",
    "items_of_main",
    "left_out_of_main",
    "messages_without_branch",
    "state_of",
]

_LABEL: Final = ("title", "note", "pinned", "archived")
_OF_ROW: Final = ("created_at", "sequence_number")


def content_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a document by the names of its parts."""
    ranks = {message["id"]: rank for rank, message in enumerate(document["messages"])}

    def records(name: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        found = [{key: value for key, value in row.items() if key not in _OF_ROW} for row in rows]
        for row in found:
            for key in ("message_id", "last_message_id"):
                if row.get(key) is not None:
                    row[key] = ranks[row[key]]
        return found if name == "runs" else sorted(found, key=lambda row: json.dumps(row, sort_keys=True))

    branches = {branch["branch_id"]: branch for branch in document["branches"]}
    return {
        "messages": [message.get("item", message.get("raw")) for message in document["messages"]],
        "branches": {
            name: [branch.get("parent"), branch.get("fork_turn"), *_places(branch, ranks)]
            for name, branch in branches.items()
        },
        "titles and notes": {
            name: _label(labelled) for name, labelled in (("", document["session"]), *branches.items())
        },
        "usage": {name: records("usage", branch.get("usage", ())) for name, branch in branches.items()},
        "usage of deleted branches": records("orphaned_usage", document.get("orphaned_usage", ())),
        "compactions": records("compactions", document.get("compactions", ())),
        "runs": records("runs", document.get("runs", ())),
        "requests": [records("requests", document.get("requests", ())), document.get("texts", {})],
    }


def _places(branch: Mapping[str, Any], ranks: Mapping[Any, int]) -> list[list[Any]]:
    """Return the rank, the type, both turns and the tool of each item."""
    return [[ranks[row[0]], *row[2:6]] for row in branch["rows"]]


def _label(labelled: Mapping[str, Any]) -> list[Any]:
    return [labelled.get("title") or "", labelled.get("note") or "", *(bool(labelled.get(name)) for name in _LABEL[2:])]


def state_of(document: Mapping[str, Any]) -> str:
    """Return a text that is the same for documents with the same content."""
    return hashlib.sha256(json.dumps(content_of(document), sort_keys=True).encode()).hexdigest()


def differences(document: Mapping[str, Any], copy: Mapping[str, Any]) -> list[str]:
    """Return the parts in which a copy differs from a document."""
    copied = content_of(copy)
    return [name for name, part in content_of(document).items() if part != copied[name]]


def document_of_items(session_id: str, items: Sequence[Any], *, decrypt: bool = False) -> dict[str, Any]:
    """Return the document of a session with only these items, as the SDK's plain classes have it.

    What is encrypted stays so, unless `decrypt` is set.
    """
    plain = [unsealed(item, session_id) for item in items]
    rows: list[list[Any]] = []
    turn = 0
    for number, encoded in enumerate(encode_items(plain), 1):
        turn += encoded.starts_turn
        rows.append([number, number, encoded.message_type, turn, turn, encoded.tool_name, None])
    return {
        "format": FORMAT,
        "version": VERSION,
        "session": {"session_id": session_id},
        "messages": [{"id": number, "item": item} for number, item in enumerate(plain if decrypt else items, 1)],
        "branches": [{"branch_id": MAIN, "parent": None, "fork_turn": None, "rows": rows}] if rows else [],
    }


def items_of_main(document: Mapping[str, Any]) -> list[Any]:
    """Return the items of `main` that can be decoded, in order."""
    items = {message["id"]: message.get("item", decode_or_none(message.get("raw"))) for message in document["messages"]}
    rows = next((branch["rows"] for branch in document["branches"] if branch["branch_id"] == MAIN), ())
    return [items[row[0]] for row in rows if items.get(row[0]) is not None]


def left_out_of_main(document: Mapping[str, Any]) -> dict[str, int]:
    """Return what a copy of the items of `main` lacks of a document, and how often it occurs there."""
    branches = document["branches"]
    rows = [branch["rows"] for branch in branches if branch["branch_id"] == MAIN]
    counts = {
        "branch": len(branches) - len(rows),
        "item that is not JSON": sum(map(len, rows)) - len(items_of_main(document)),
        "turn with usage": sum(len(branch.get("usage", ())) for branch in branches),
        "run": len(document.get("runs", ())),
        "recorded request": len(document.get("requests", ())),
        "title or note": sum(map(_is_labelled, (document["session"], *branches))),
        "time": sum(message.get("created_at") is not None for message in document["messages"]),
    }
    return {name: count for name, count in counts.items() if count}


def messages_without_branch(document: Mapping[str, Any]) -> int:
    """Return the number of messages that are in no branch."""
    held = {row[0] for branch in document["branches"] for row in branch["rows"]}
    return sum(message["id"] not in held for message in document["messages"])


def _is_labelled(labelled: Mapping[str, Any]) -> bool:
    return any(_label(labelled))
