"""Labels of sessions and branches: a title, a note, and whether they are pinned or archived.

An id can be neither changed nor used twice; a title is shown in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from tui.model import Branch, Session
from tui.storage.engine import Transaction
from tui.storage.schema import CONVO_LABELS

__all__ = ["Label", "drop_label", "label_branches", "label_sessions", "read_label", "write_label"]

_MAX_CHARACTERS: Final = 10_000
"""Characters of a title or note that are read; another program may have written a longer one."""


class Label(NamedTuple):
    """The label of a session or branch."""

    title: str = ""
    note: str = ""
    pinned: bool = False
    archived: bool = False


_COLUMNS: Final = (
    f"substr(CAST(title AS TEXT), 1, {_MAX_CHARACTERS}), substr(CAST(note AS TEXT), 1, {_MAX_CHARACTERS}),"
    " pinned, archived"
)
_KEY: Final = "session_id = :session_id AND kind = :kind AND branch_id = :branch_id"


def label_branches(tx: Transaction, session_id: str, branches: Iterable[Branch]) -> list[Branch]:
    """Return the branches with title, note, pin and archive state filled in."""
    labels = _read_labels(tx, "branch_id", "kind = 'branch' AND session_id = :session_id", session_id=session_id)
    return [branch._replace(**labels.get(branch.branch_id, {})) for branch in branches]


def label_sessions(tx: Transaction, sessions: Iterable[Session]) -> tuple[Session, ...]:
    """Return the sessions with title, note, pin and archive state filled in."""
    labels = _read_labels(tx, "session_id", "kind = 'session'")
    return tuple(session._replace(**labels.get(session.session_id, {})) for session in sessions)


def _read_labels(tx: Transaction, column: str, condition: str, **values: object) -> dict[str, dict[str, Any]]:
    """Read the labels that meet a condition, by the session or branch id in `column`."""
    if not tx.has_table(CONVO_LABELS.name):
        return {}
    rows = tx.execute(f"SELECT {column}, {_COLUMNS} FROM convo_labels WHERE {condition}", **values)
    return {labelled_id: _label(*cells)._asdict() for labelled_id, *cells in rows}


def read_label(tx: Transaction, session_id: str, branch_id: str | None) -> Label:
    """Return the label of a branch, or of the session if the branch is None."""
    if not tx.has_table(CONVO_LABELS.name):
        return Label()
    sql = f"SELECT {_COLUMNS} FROM convo_labels WHERE {_KEY}"
    row = tx.execute(sql, **_key(session_id, branch_id)).fetchone()
    return Label() if row is None else _label(*row)


def write_label(tx: Transaction, session_id: str, branch_id: str | None, label: Label) -> None:
    """Replace the label of a branch, or of the session if the branch is None."""
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
    """Delete the label of a branch, or of the session if the branch is None."""
    if tx.has_table(CONVO_LABELS.name):
        tx.execute(f"DELETE FROM convo_labels WHERE {_KEY}", **_key(session_id, branch_id))


def _key(session_id: str, branch_id: str | None) -> dict[str, object]:
    kind = "session" if branch_id is None else "branch"
    return {"session_id": session_id, "kind": kind, "branch_id": branch_id or ""}


def _label(title: str, note: str, pinned: object, archived: object) -> Label:
    return Label(title, note, bool(pinned), bool(archived))
