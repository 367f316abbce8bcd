"""What the user says of sessions and branches: a title, a note, whether it is pinned, whether it is put away.

Ids can be neither changed nor used twice; a title stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from tui.model import Branch, Session
from tui.storage.engine import Transaction
from tui.storage.schema import CONVO_LABELS

__all__ = ["Label", "drop_label", "label_branches", "label_sessions", "read_label", "write_label"]

_LONGEST: Final = 10_000
"""Characters of a title or note that are read; others than this program may have written it."""


class Label(NamedTuple):
    """What is said of a session or branch."""

    title: str = ""
    note: str = ""
    pinned: bool = False
    archived: bool = False


_READ: Final = (
    f"SELECT branch_id, session_id, substr(CAST(title AS TEXT), 1, {_LONGEST}),"
    f" substr(CAST(note AS TEXT), 1, {_LONGEST}), pinned, archived FROM convo_labels"
)


def label_branches(tx: Transaction, session_id: str, branches: Iterable[Branch]) -> list[Branch]:
    """The branches of a session with what is said of them."""
    known: dict[str, Label] = {}
    if tx.has_table("convo_labels"):
        rows = tx.execute(f"{_READ} WHERE kind = 'branch' AND session_id = ?", (session_id,))
        known = {branch_id: _label(*said) for branch_id, _, *said in rows}
    return [
        branch._replace(**known[branch.branch_id]._asdict()) if branch.branch_id in known else branch
        for branch in branches
    ]


def label_sessions(tx: Transaction, sessions: Iterable[Session]) -> tuple[Session, ...]:
    """The sessions of a file with what is said of them."""
    known: dict[str, Label] = {}
    if tx.has_table("convo_labels"):
        known = {session_id: _label(*said) for _, session_id, *said in tx.execute(f"{_READ} WHERE kind = 'session'")}
    return tuple(
        session._replace(**known[session.session_id]._asdict()) if session.session_id in known else session
        for session in sessions
    )


def read_label(tx: Transaction, session_id: str, branch_id: str | None) -> Label:
    """What is said of a branch, or of a session where the branch is None."""
    if not tx.has_table("convo_labels"):
        return Label()
    row = tx.execute(f"{_READ} WHERE session_id = ? AND kind = ? AND branch_id = ?", _key(session_id, branch_id))
    found = row.fetchone()
    return Label() if found is None else _label(*found[2:])


def write_label(tx: Transaction, session_id: str, branch_id: str | None, label: Label) -> None:
    """Say something of a branch, or of a session where the branch is None, in place of what was said before."""
    tx.execute(CONVO_LABELS)
    if label == Label():
        drop_label(tx, session_id, branch_id)
        return
    tx.execute(
        "INSERT INTO convo_labels (session_id, kind, branch_id, title, note, pinned, archived)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET title = excluded.title, note = excluded.note,"
        " pinned = excluded.pinned, archived = excluded.archived",
        (*_key(session_id, branch_id), *label),
    )


def drop_label(tx: Transaction, session_id: str, branch_id: str | None) -> None:
    """Say nothing any more of a branch, or of a session where the branch is None."""
    if tx.has_table("convo_labels"):
        tx.execute(
            "DELETE FROM convo_labels WHERE session_id = ? AND kind = ? AND branch_id = ?", _key(session_id, branch_id)
        )


def _key(session_id: str, branch_id: str | None) -> tuple[str, str, str]:
    return (session_id, "session", "") if branch_id is None else (session_id, "branch", branch_id)


def _label(title: str, note: str, pinned: object, archived: object) -> Label:
    return Label(title, note, bool(pinned), bool(archived))
