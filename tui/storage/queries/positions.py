"""The position of an item in its branch, found without reading the branch each time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tui.model import Session
from tui.storage.engine import MainPositions, Transaction
from tui.storage.schema import MAIN

__all__ = ["PositionIndex"]

_STEP: Final = 4096
"""Items between two checkpoints: no more rows are read to find a position, once the checkpoints are known."""

_Key: TypeAlias = tuple[int, int]
"""Sequence number and row id, which order the items of a branch."""

_FIRST: Final[_Key] = (-(1 << 63), -(1 << 63))
_LAST: Final[_Key] = ((1 << 63) - 1, (1 << 63) - 1)

_ON_BRANCH: Final = "session_id = :session_id AND branch_id = :branch_id"
_FROM_KEY: Final = "(sequence_number, id) >= (:sequence, :id)"


@dataclass(slots=True)
class _Checkpoints:
    """The key of every `_STEP`-th item of a branch, as far as the branch was read."""

    keys: list[_Key] = field(default_factory=lambda: [_FIRST])
    complete: bool = False


class PositionIndex:
    """Finds items by position, and the positions of turns.

    A branch is read once; after that, only the rows between a checkpoint and the position are read. The checkpoints are
    dropped when the session changes.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[Hashable, dict[str, _Checkpoints]]] = {}

    def seek(self, tx: Transaction, session: Session, branch_id: str, position: int) -> tuple[_Key, int]:
        """Return a key at or before a position of a branch, and the number of items from there to the position."""
        if _main(tx, session, branch_id) is not None:
            return (position + 1, _FIRST[1]), 0
        checkpoints = self._of(tx, session, branch_id)
        index = position // _STEP
        while len(checkpoints.keys) <= index and not checkpoints.complete:
            self._advance(tx, session, branch_id, checkpoints)
        at = min(index, len(checkpoints.keys) - 1)
        return checkpoints.keys[at], position - at * _STEP

    def count(self, tx: Transaction, session: Session, branch_id: str) -> int:
        """Return the number of items of a branch."""
        if (main := _main(tx, session, branch_id)) is not None:
            return len(main)
        return self._count_before(tx, session, branch_id, None)

    def position(self, tx: Transaction, session: Session, branch_id: str, turn: int) -> int:
        """Return the number of items of a branch before a turn; of all items if the branch ends before the turn."""
        if (main := _main(tx, session, branch_id)) is not None:
            return main.items_before(turn)
        sql = (
            f"SELECT sequence_number, id FROM {tx.structure_table(session)} WHERE {_ON_BRANCH}"
            " AND user_turn_number >= :turn ORDER BY user_turn_number, id LIMIT 1"
        )
        with tx.narrowed(branch_id):
            key = tx.execute(sql, session_id=session.session_id, branch_id=branch_id, turn=turn).fetchone()
        return self._count_before(tx, session, branch_id, key)

    def message(self, tx: Transaction, session: Session, branch_id: str, position: int) -> str | bytes | None:
        """Return the stored item at a position of a branch; None if there is none."""
        (sequence, row_id), skipped = self.seek(tx, session, branch_id, position)
        with tx.narrowed(branch_id, positions=range(position, position + 1)):
            row = tx.execute(
                f"SELECT {tx.dialect.as_utf8('m.message_data')} FROM (SELECT message_id"
                f" FROM {tx.structure_table(session)} WHERE {_ON_BRANCH} AND {_FROM_KEY}"
                f" ORDER BY sequence_number, id LIMIT 1 OFFSET :skipped) AS t JOIN {tx.tables.messages} AS m"
                " ON m.id = t.message_id",
                session_id=session.session_id,
                branch_id=branch_id,
                sequence=sequence,
                id=row_id,
                skipped=skipped,
            ).fetchone()
        return None if row is None else row[0]

    def _count_before(self, tx: Transaction, session: Session, branch_id: str, key: _Key | None) -> int:
        """Return the number of items of a branch before a key; of all items if the key is None."""
        checkpoints = self._of(tx, session, branch_id)
        # SQLite sorts texts and blobs after all numbers: such a key is beyond all checkpoints.
        reached = key if key is not None and isinstance(key[0], int) else _LAST
        while checkpoints.keys[-1] <= reached and not checkpoints.complete:
            self._advance(tx, session, branch_id, checkpoints)
        at = bisect_right(checkpoints.keys, reached) - 1
        sequence, row_id = checkpoints.keys[at]
        before = "" if key is None else " AND (sequence_number, id) < (:end_sequence, :end_id)"
        end_sequence, end_id = key or (None, None)
        with tx.narrowed(branch_id):
            (count,) = tx.execute(
                f"SELECT COUNT(*) FROM {tx.structure_table(session)} WHERE {_ON_BRANCH} AND {_FROM_KEY}{before}",
                session_id=session.session_id,
                branch_id=branch_id,
                sequence=sequence,
                id=row_id,
                end_sequence=end_sequence,
                end_id=end_id,
            ).fetchone()
        return at * _STEP + int(count)

    def _of(self, tx: Transaction, session: Session, branch_id: str) -> _Checkpoints:
        version = tx.session_version(session.session_id)
        known, branches = self._sessions.get(session.session_id, (None, {}))
        if known != version:
            branches = {}
            self._sessions[session.session_id] = version, branches
        return branches.setdefault(branch_id, _Checkpoints())

    def _advance(self, tx: Transaction, session: Session, branch_id: str, checkpoints: _Checkpoints) -> None:
        """Add the next checkpoint; if the branch ends before it, the checkpoints are complete.

        A server, to which each statement is a message, returns all of them.
        """
        if tx.dialect.is_remote:
            with tx.narrowed(branch_id):
                rows = tx.execute(
                    "SELECT sequence_number, id FROM (SELECT sequence_number, id,"
                    " row_number() OVER (ORDER BY sequence_number, id) - 1 AS place"
                    f" FROM {tx.structure_table(session)} WHERE {_ON_BRANCH}) AS placed"
                    f" WHERE place % {_STEP} = 0 AND place > 0 ORDER BY place",
                    session_id=session.session_id,
                    branch_id=branch_id,
                )
            checkpoints.keys += rows.fetchall()
            checkpoints.complete = True
            return
        sequence, row_id = checkpoints.keys[-1]
        sql = (
            f"SELECT sequence_number, id FROM {tx.structure_table(session)} WHERE {_ON_BRANCH} AND {_FROM_KEY}"
            " ORDER BY sequence_number, id LIMIT 1 OFFSET :step"
        )
        key = tx.execute(
            sql, session_id=session.session_id, branch_id=branch_id, sequence=sequence, id=row_id, step=_STEP
        ).fetchone()
        if key is None or not isinstance(key[0], int):
            checkpoints.complete = True
        else:
            checkpoints.keys.append(key)


def _main(tx: Transaction, session: Session, branch_id: str) -> MainPositions | None:
    return tx.main_positions(session) if branch_id == MAIN else None
