"""The tree of turns of one session, read once and from then on only where branches came, grew or went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tui.model import EMPTY_TREE, Branch, Session, TurnTree
from tui.model.turn_trie import TurnTrie
from tui.storage.engine import Transaction
from tui.storage.queries.labels import label_branches
from tui.storage.schema import MAIN

__all__ = ["IncrementalTree"]

_LAST_TURN: Final = 10**7
"""A greater number is no turn's, and neither is what SQLite sorts after all numbers: texts and blobs."""

_MANY: Final = 64
"""Branches from which one statement for all of the session's costs less than one for each."""

# The first branch after each one found, by the index: as many steps as branches, however many rows they have.
_NAMES: Final = """
    WITH RECURSIVE names (branch_id) AS (
        SELECT MIN(branch_id) FROM {structure} WHERE session_id = :session
        UNION ALL
        SELECT (SELECT MIN(t.branch_id) FROM {structure} t
                WHERE t.session_id = :session AND t.branch_id > names.branch_id)
        FROM names WHERE typeof(names.branch_id) = 'text'
    )
"""

_ENDS: Final = (
    _NAMES
    + """
    SELECT branch_id,
        (SELECT t.id FROM {structure} t WHERE t.session_id = :session AND t.branch_id = names.branch_id
            ORDER BY t.sequence_number DESC LIMIT 1)
    FROM names WHERE typeof(branch_id) = 'text'
    """
)
"""The branches that have items, and the id of each one's last row, which no other row ever has."""

_DETAILS: Final = """
    branch_id,
        (SELECT t.id FROM {structure} t WHERE t.session_id = :session AND t.branch_id = names.branch_id
            ORDER BY t.sequence_number DESC LIMIT 1),
        (SELECT MAX(t.user_turn_number) FROM {structure} t WHERE t.session_id = :session
            AND t.branch_id = names.branch_id AND t.user_turn_number BETWEEN 0 AND {last_turn}),
        (SELECT t.id FROM {structure} t WHERE t.session_id = :session AND t.branch_id = names.branch_id
            ORDER BY t.sequence_number LIMIT 1)
"""
"""Four columns: the name of a branch, and those of `_Known` but for the time."""

_ONE: Final = "WITH names (branch_id) AS (VALUES (:branch))"

_TURN: Final = """
    (SELECT group_concat(t.message_id) FROM {structure} t
     WHERE t.session_id = :session AND t.branch_id = {branch} AND t.user_turn_number = {turn})
"""
"""What stands for a turn: the ids of its messages, NULL where there are none."""


class _Known(NamedTuple):
    """What was read of a branch that has items.

    Attributes:
        end: Id of its last row.
        turns: Number of its last turn; None without any.
        born: Id of its first row.
        created_at: When that was written; None also where the fork's time is recorded.
    """

    end: int
    turns: int | None
    born: int
    created_at: str | None = None


class _Lineage(NamedTuple):
    """What is recorded of a fork."""

    parent: str | None = None
    fork_turn: int | None = None
    created_at: str | None = None
    empty: bool = False

    @property
    def hint(self) -> tuple[str, int] | None:
        """A branch, and the turns to which the fork shared it."""
        if isinstance(self.parent, str) and isinstance(self.fork_turn, int):
            return self.parent, self.fork_turn - 1
        return None


class IncrementalTree:
    """The tree of the session that was read last; work for one thread.

    As long as nothing has changed in the session, the same tree is given again.
    """

    _session_id: str | None
    _known: dict[str, _Known]
    _held: dict[str, int | None]
    _trie: TurnTrie
    _tree: TurnTree

    def __init__(self) -> None:
        self._forget()

    def read(self, tx: Transaction, session: Session) -> TurnTree:
        """The turns of a session's branches.

        `main` is always among them, and so is every branch whose fork was recorded, items or none.
        """
        rows = _Rows(tx, session)
        # The rows of a plain session are made up each time, and their ids with them.
        if session.session_id != self._session_id or session.plain:
            self._forget()
        try:
            self._take_in(rows)
        except BaseException:
            self._forget()
            raise
        self._session_id = session.session_id
        return self._tree

    def _forget(self) -> None:
        self._session_id = None
        self._known = {}
        self._held = {}
        self._trie = TurnTrie()
        self._tree = EMPTY_TREE

    def _take_in(self, rows: _Rows) -> None:
        lineage = rows.lineage()
        if self._known:
            ends = rows.ends()
            changed = [name for name, end in ends.items() if name not in self._known or self._known[name].end != end]
            details = rows.details(changed)
        else:
            details = rows.all_details()
            ends = {name: known.end for name, known in details.items()}
        for name, known in details.items():
            if name not in lineage:
                details[name] = known._replace(created_at=rows.written_at(known.born))
        self._known = {name: details.get(name) or self._known[name] for name in ends}
        branches = rows.labelled(_branches(self._known, lineage))

        held = {branch.branch_id: ends.get(branch.branch_id) for branch in branches}
        old = [name for name, end in self._held.items() if name not in held or held[name] != end]
        for name in old:
            self._trie.remove(name)
        new = [branch for branch in branches if branch.branch_id not in self._trie]
        if len(new) > _MANY:
            rows.read_forks()
        for branch in new:
            hint = lineage.get(branch.branch_id, _Lineage()).hint
            self._trie.insert(branch.branch_id, branch.turns, rows.key, hint)
        self._held = held
        if old or new or branches != list(self._tree.branches.values()):
            self._tree = self._trie.tree(branches)


class _Rows:
    """What the file says of one session's branches, at one moment."""

    def __init__(self, tx: Transaction, session: Session) -> None:
        self._tx = tx
        self._structure = tx.structure_table(session)
        self._session_id = session.session_id
        self._keys: dict[tuple[str, int], str | None] = {}
        self._turn = f"SELECT {_TURN.format(structure=self._structure, branch=':branch', turn=':turn')}"

    def ends(self) -> dict[str, int]:
        """The branches that have items, with the id of each one's last row, which no other row ever has."""
        rows = self._tx.execute(_ENDS.format(structure=self._structure), {"session": self._session_id})
        return dict(rows)

    def all_details(self) -> dict[str, _Known]:
        """What is known of every branch that has items."""
        sql = f"{_NAMES} SELECT {_DETAILS} FROM names WHERE typeof(branch_id) = 'text'"
        sql = sql.format(structure=self._structure, last_turn=_LAST_TURN)
        rows = self._tx.fetch_as_json(sql, 4, {"session": self._session_id})
        return {name: _Known(*told) for name, *told in rows}

    def details(self, names: Sequence[str]) -> dict[str, _Known]:
        """What is known of some branches."""
        if len(names) > _MANY:
            known = self.all_details()
            return {name: known[name] for name in names}
        columns = _DETAILS.format(structure=self._structure, last_turn=_LAST_TURN)
        known = {}
        for name in names:
            values = {"session": self._session_id, "branch": name}
            _, *told = self._tx.execute(f"{_ONE} SELECT {columns} FROM names", values).fetchone()
            known[name] = _Known(*told)
        return known

    def written_at(self, row_id: int) -> str | None:
        """When a row was written."""
        sql = f"SELECT CAST(created_at AS TEXT) FROM {self._structure} WHERE id = ?"
        row = self._tx.execute(sql, (row_id,)).fetchone()
        return row[0] if row else None

    def lineage(self) -> dict[str, _Lineage]:
        """What is recorded of each fork, oldest first.

        A branch without items is there while its `empty_generation` is the session's; else it was deleted or cleared.
        """
        tx = self._tx
        if not tx.has_table("convo_branches"):
            return {}
        generation = None
        if tx.has_table("session_clear_generations"):
            generation = tx.execute(
                "SELECT generation FROM session_clear_generations WHERE session_id = ?", (self._session_id,)
            ).fetchone()
        rows = tx.execute(
            "SELECT branch_id, parent_branch_id, fork_turn, created_at, empty_generation IS ? FROM convo_branches"
            " WHERE session_id = ? ORDER BY created_at, rowid",
            (generation[0] if generation else 0, self._session_id),
        )
        return {name: _Lineage(parent, turn, created, bool(empty)) for name, parent, turn, created, empty in rows}

    def labelled(self, branches: Sequence[Branch]) -> list[Branch]:
        """Branches with the titles, notes and marks that they have."""
        return label_branches(self._tx, self._session_id, branches)

    def read_forks(self) -> None:
        """Read the turns round every recorded fork in one go: they tell of most branches where they part."""
        if not self._tx.has_table("convo_branches"):
            return
        sides, turns = ("c.branch_id", "c.parent_branch_id"), ("c.fork_turn - 1", "c.fork_turn")
        keys = [_TURN.format(structure=self._structure, branch=side, turn=turn) for turn in turns for side in sides]
        rows = self._tx.fetch_as_json(
            f"SELECT c.branch_id, c.parent_branch_id, c.fork_turn, {', '.join(keys)}"
            " FROM convo_branches c WHERE c.session_id = :session AND typeof(c.branch_id) = 'text'"
            " AND typeof(c.parent_branch_id) = 'text' AND typeof(c.fork_turn) = 'integer'",
            3 + len(keys),
            {"session": self._session_id},
        )
        for branch_id, parent, turn, *held in rows:
            places = ((branch_id, turn - 1), (parent, turn - 1), (branch_id, turn), (parent, turn))
            self._keys.update(zip(places, held, strict=True))

    def key(self, branch_id: str, turn: int) -> str | None:
        """What stands for a turn: the ids of its messages; None where the branch has no such turn."""
        place = branch_id, turn
        if place not in self._keys:
            values = {"session": self._session_id, "branch": branch_id, "turn": turn}
            (self._keys[place],) = self._tx.execute(self._turn, values).fetchone()
        return self._keys[place]


def _branches(known: Mapping[str, _Known], lineage: Mapping[str, _Lineage]) -> list[Branch]:
    """The branches of a session, oldest first."""
    unknown = _Lineage()
    branches = []
    for name, told in sorted(known.items(), key=lambda entry: (entry[0] != MAIN, entry[1].born)):
        fork = lineage.get(name, unknown)
        branches.append(Branch(name, told.turns or 0, fork.parent, fork.fork_turn, fork.created_at or told.created_at))
    for name, fork in lineage.items():
        if fork.empty and name not in known:
            branches.append(Branch(name, 0, fork.parent, fork.fork_turn, fork.created_at))
    if all(branch.branch_id != MAIN for branch in branches):
        branches.insert(0, Branch(MAIN, 0))
    return branches
