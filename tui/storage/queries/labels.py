"""Labels of sessions and branches: a title, a note, and whether they are pinned or archived.

Ids can be neither changed nor used twice; a title is shown in place of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from tui.model import Branch, Session
from tui.storage.engine import Transaction
from tui.storage.schema import CONVO_LABELS

__all__ = ["Label", "drop_label", "label_branches", "label_sessions", "read_label", "write_label"]

_LONGEST: Final = 10_000
"""Characters of a title or note that are read; another program may have written a longer one."""


class Label(NamedTuple):
    """The label of a session or branch."""

    title: str = ""
    note: str = ""
    pinned: bool = False
    archived: bool = False


_READ: Final = (
    f"SELECT branch_id, session_id, substr(CAST(title AS TEXT), 1, {_LONGEST}),"
    f" substr(CAST(note AS TEXT), 1, {_LONGEST}), pinned, archived FROM convo_labels"
)
_KEY: Final = "session_id = :session_id AND kind = :kind AND branch_id = :branch_id"


def label_branches(tx: Transaction, session_id: str, branches: Iterable[Branch]) -> list[Branch]:
    """Return the branches of a session with their labels."""
    labels: dict[str, Label] = {}
    if tx.has_table(CONVO_LABELS.name):
        rows = tx.execute(f"{_READ} WHERE kind = 'branch' AND session_id = :session_id", session_id=session_id)
        labels = {branch_id: _label(*label) for branch_id, _, *label in rows}
    return [
        branch._replace(**labels[branch.branch_id]._asdict()) if branch.branch_id in labels else branch
        for branch in branches
    ]


def label_sessions(tx: Transaction, sessions: Iterable[Session]) -> tuple[Session, ...]:
    """Return sessions with their labels."""
    labels: dict[str, Label] = {}
    if tx.has_table(CONVO_LABELS.name):
        rows = tx.execute(f"{_READ} WHERE kind = 'session'")
        labels = {session_id: _label(*label) for _, session_id, *label in rows}
    return tuple(
        session._replace(**labels[session.session_id]._asdict()) if session.session_id in labels else session
        for session in sessions
    )


def read_label(tx: Transaction, session_id: str, branch_id: str | None) -> Label:
    """Return the label of a branch, or of a session where the branch is None."""
    if not tx.has_table(CONVO_LABELS.name):
        return Label()
    row = tx.execute(f"{_READ} WHERE {_KEY}", **_key(session_id, branch_id)).fetchone()
    return Label() if row is None else _label(*row[2:])


def write_label(tx: Transaction, session_id: str, branch_id: str | None, label: Label) -> None:
    """Replace the label of a branch, or of a session where the branch is None."""
    CONVO_LABELS.create(tx)
    if label == Label():
        drop_label(tx, session_id, branch_id)
        return
    tx.execute(
        "INSERT INTO convo_labels (session_id, kind, branch_id, title, note, pinned, archived)"
        " VALUES (:session_id, :kind, :branch_id, :title, :note, :pinned, :archived)"
        " ON CONFLICT (session_id, kind, branch_id) DO UPDATE SET title = excluded.title, note = excluded.note,"
        " pinned = excluded.pinned, archived = excluded.archived",
        **_key(session_id, branch_id),
        title=label.title,
        note=label.note,
        pinned=int(label.pinned),
        archived=int(label.archived),
    )


def drop_label(tx: Transaction, session_id: str, branch_id: str | None) -> None:
    """Delete the label of a branch, or of a session where the branch is None."""
    if tx.has_table(CONVO_LABELS.name):
        tx.execute(f"DELETE FROM convo_labels WHERE {_KEY}", **_key(session_id, branch_id))


def _key(session_id: str, branch_id: str | None) -> dict[str, object]:
    kind = "session" if branch_id is None else "branch"
    return {"session_id": session_id, "kind": kind, "branch_id": branch_id or ""}


def _label(title: str, note: str, pinned: object, archived: object) -> Label:
    return Label(title, note, bool(pinned), bool(archived))
