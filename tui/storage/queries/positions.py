"""Which item of a branch stands where, also in one of a million items."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tui.model import Session
from tui.storage.engine import Transaction

__all__ = ["PositionIndex"]

_STEP: Final = 4096
"""Items from one anchor to the next; so many rows of an index are walked at most once the anchors are known."""

_Key: TypeAlias = tuple[int, int]
"""What the items of a branch are ordered by: sequence number and row id."""

_FIRST: Final[_Key] = (-(1 << 63), -(1 << 63))
_LAST: Final[_Key] = ((1 << 63) - 1, (1 << 63) - 1)


@dataclass(slots=True)
class _Checkpoints:
    """Every so many items the key of one, as far as anybody has looked."""

    keys: list[_Key] = field(default_factory=lambda: [_FIRST])
    complete: bool = False


class PositionIndex:
    """Finds items by position and positions of turns, walking a branch once and from then on the way from an anchor.

    What was found holds for one state of the file.
    """

    def __init__(self) -> None:
        self._version: Hashable = None
        self._anchors: dict[tuple[str, str], _Checkpoints] = {}

    def seek(self, tx: Transaction, session: Session, branch_id: str, position: int) -> tuple[_Key, int]:
        """A key at or before a position of a branch, and how many items further on the position is."""
        anchors = self._of(tx, session, branch_id)
        index = position // _STEP
        while len(anchors.keys) <= index and not anchors.complete:
            self._walk(tx, session, branch_id, anchors)
        at = min(index, len(anchors.keys) - 1)
        return anchors.keys[at], position - at * _STEP

    def count(self, tx: Transaction, session: Session, branch_id: str) -> int:
        """How many items a branch holds."""
        return self._before(tx, session, branch_id, None)

    def position(self, tx: Transaction, session: Session, branch_id: str, turn: int) -> int:
        """How many items a branch holds before a turn; all of them where it does not reach the turn."""
        key = tx.execute(
            f"SELECT sequence_number, rowid FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ?"
            " AND user_turn_number >= ? ORDER BY user_turn_number, rowid LIMIT 1",
            (session.session_id, branch_id, turn),
        ).fetchone()
        return self._before(tx, session, branch_id, key)

    def _before(self, tx: Transaction, session: Session, branch_id: str, key: _Key | None) -> int:
        """How many items a branch holds before a key; all of them for None."""
        anchors = self._of(tx, session, branch_id)
        # What SQLite sorts after all numbers is no key of an anchor.
        reached = key if key is not None and isinstance(key[0], int) else _LAST
        while anchors.keys[-1] <= reached and not anchors.complete:
            self._walk(tx, session, branch_id, anchors)
        at = bisect_right(anchors.keys, reached) - 1
        row = tx.execute(
            f"SELECT COUNT(*) FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ?"
            f" AND (sequence_number, rowid) >= (?, ?){'' if key is None else ' AND (sequence_number, rowid) < (?, ?)'}",
            (session.session_id, branch_id, *anchors.keys[at], *(key or ())),
        ).fetchone()
        return at * _STEP + int(row[0])

    def _of(self, tx: Transaction, session: Session, branch_id: str) -> _Checkpoints:
        if self._version != tx.version:
            self._version = tx.version
            self._anchors.clear()
        return self._anchors.setdefault((session.session_id, branch_id), _Checkpoints())

    def _walk(self, tx: Transaction, session: Session, branch_id: str, anchors: _Checkpoints) -> None:
        """Set one anchor more, or find that the branch ends before."""
        key = tx.execute(
            f"SELECT sequence_number, rowid FROM {tx.structure_table(session)} WHERE session_id = ? AND branch_id = ?"
            " AND (sequence_number, rowid) >= (?, ?) ORDER BY sequence_number, rowid LIMIT 1 OFFSET ?",
            (session.session_id, branch_id, *anchors.keys[-1], _STEP),
        ).fetchone()
        if key is None or not isinstance(key[0], int):
            anchors.complete = True
        else:
            anchors.keys.append(key)
