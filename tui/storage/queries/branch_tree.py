"""The tree of turns of a session: after the first time, only new, changed and deleted branches are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from tui.model import EMPTY_TREE, Branch, Session, TurnTree
from tui.model.turn_trie import TurnTrie
from tui.storage.dialect import Dialect
from tui.storage.engine import Transaction
from tui.storage.plausible import require_plausible_turn
from tui.storage.queries.compaction import kept_branches
from tui.storage.queries.labels import label_branches
from tui.storage.schema import LAST_TURN, MAIN

__all__ = ["IncrementalTree"]

_MANY_BRANCHES: Final = 64
"""For more branches, one statement for all branches of the session is faster than one for each branch."""

_MANY_TURNS: Final = 10_000
"""A branch with more turns is counted, as another program may have stored any number."""

_LAST_ROW: Final = """
    (SELECT t.id FROM {structure} t WHERE t.session_id = :session_id AND t.branch_id = names.branch_id
        ORDER BY t.sequence_number DESC LIMIT 1)
"""
"""The id of a branch's last row; ids are never used again, so that it changes whenever the branch changes."""

_DETAILS: Final = f"""
    branch_id,
    {_LAST_ROW},
    (SELECT MAX(t.user_turn_number) FROM {{structure}} t WHERE t.session_id = :session_id
        AND t.branch_id = names.branch_id AND t.user_turn_number BETWEEN 0 AND {LAST_TURN}),
    (SELECT t.id FROM {{structure}} t WHERE t.session_id = :session_id AND t.branch_id = names.branch_id
        ORDER BY t.sequence_number LIMIT 1)
"""
"""Four columns: the id of a branch, and the fields of `_BranchRows` without the time."""


class _BranchRows(NamedTuple):
    """The first and the last structure row of a branch.

    Attributes:
        last_row: Id of the last row.
        last_turn: Number of the last turn; None without turns.
        first_row: Id of the first row.
        created_at: Time at which the first row was written; None if `convo_branches` has the time of the fork.
    """

    last_row: int
    last_turn: int | None
    first_row: int
    created_at: str | None = None


class _Fork(NamedTuple):
    """A row of `convo_branches`."""

    parent: str | None = None
    fork_turn: int | None = None
    created_at: str | None = None
    empty: bool = False

    @property
    def hint(self) -> tuple[str, int] | None:
        """The parent, and the last turn that was shared with it when the fork was made."""
        if isinstance(self.parent, str) and isinstance(self.fork_turn, int):
            return self.parent, self.fork_turn - 1
        return None


class IncrementalTree:
    """Reads the tree of a session, and remembers it for the next time; for use by one thread.

    The same object is returned until the session changes.
    """

    _session_id: str | None
    _rows: dict[str, _BranchRows]
    _last_rows: dict[str, int | None]
    _trie: TurnTrie
    _tree: TurnTree

    def __init__(self) -> None:
        self._reset()

    def read(self, tx: Transaction, session: Session) -> TurnTree:
        """Return the tree of a session's turns, which always contains `main` and all branches without items."""
        # The rows of a plain session are made up each time, with new ids.
        if session.session_id != self._session_id or session.plain:
            self._reset()
        try:
            self._update(tx, session)
        except BaseException:
            self._reset()
            raise
        self._session_id = session.session_id
        return self._tree

    def _reset(self) -> None:
        self._session_id = None
        self._rows = {}
        self._last_rows = {}
        self._trie = TurnTrie()
        self._tree = EMPTY_TREE

    def _update(self, tx: Transaction, session: Session) -> None:
        reader = _Reader(tx, session)
        forks = reader.forks()
        if self._rows:
            last_rows = reader.last_rows()
            changed = [
                name
                for name, last_row in last_rows.items()
                if name not in self._rows or self._rows[name].last_row != last_row
            ]
            read = reader.branch_rows(changed)
        else:
            read = reader.all_branch_rows()
            last_rows = {name: rows.last_row for name, rows in read.items()}
        for name, rows in read.items():
            is_counted = name == MAIN and tx.layout.derives_main
            if rows.last_turn is not None and rows.last_turn > _MANY_TURNS and not is_counted:
                require_plausible_turn(rows.last_turn, reader.count_rows(name))
            if name not in forks:
                read[name] = rows._replace(created_at=reader.row_time(rows.first_row))
        self._rows = {name: read.get(name) or self._rows[name] for name in last_rows}
        branches = label_branches(tx, session.session_id, _branches(self._rows, forks))
        compacted = {name: kept for kept, name in kept_branches(tx, session.session_id) if kept in self._rows}
        branches = [branch._replace(before_compaction=compacted.get(branch.branch_id, "")) for branch in branches]

        current = {branch.branch_id: last_rows.get(branch.branch_id) for branch in branches}
        old = [name for name, last_row in self._last_rows.items() if name not in current or current[name] != last_row]
        for name in old:
            self._trie.remove(name)
        new = [branch for branch in branches if branch.branch_id not in self._trie]
        if len(new) > (0 if tx.dialect.is_remote else _MANY_BRANCHES):
            reader.read_turns_at_forks({fork.fork_turn for fork in forks.values() if isinstance(fork.fork_turn, int)})
        for branch in new:
            hint = forks.get(branch.branch_id, _Fork()).hint
            self._trie.insert(branch.branch_id, branch.turns, reader.turn_key, hint)
        self._last_rows = current
        if old or new or branches != list(self._tree.branches.values()):
            self._tree = self._trie.tree(branches)


class _Reader:
    """Reads the branches and turns of a session in one transaction."""

    def __init__(self, tx: Transaction, session: Session) -> None:
        self._tx = tx
        self._structure = tx.structure_table(session)
        self._session_id = session.session_id
        self._turn_keys: dict[tuple[str, int], str | None] = {}
        self._turn_key = f"SELECT {_turn_key(tx.dialect, self._structure, ':branch_id', ':turn')}"

    def last_rows(self) -> dict[str, int]:
        """Return the id of the last row of each branch that has items."""
        if self._tx.dialect.is_remote:
            return {name: rows.last_row for name, rows in self.all_branch_rows().items()}
        sql = f"{self._names()} SELECT branch_id, {_LAST_ROW} FROM names WHERE {self._tx.dialect.is_text('branch_id')}"
        return dict(self._tx.execute(sql.format(structure=self._structure), session_id=self._session_id))

    def all_branch_rows(self) -> dict[str, _BranchRows]:
        """Return the rows of every branch that has items."""
        if self._tx.dialect.is_remote:
            return self._grouped_rows()
        sql = f"{self._names()} SELECT {_DETAILS} FROM names WHERE {self._tx.dialect.is_text('branch_id')}"
        rows = self._tx.fetch_rows_via_json(sql.format(structure=self._structure), 4, session_id=self._session_id)
        return {name: _BranchRows(*details) for name, *details in rows}

    def _grouped_rows(self) -> dict[str, _BranchRows]:
        """Return the rows of every branch in one pass over all rows, which a server makes up for each statement."""
        with self._tx.narrowed(ends=True):
            rows = self._tx.execute(
                f"SELECT branch_id, MAX(id), MAX(CASE WHEN user_turn_number BETWEEN 0 AND {LAST_TURN}"
                f" THEN user_turn_number END), MIN(id) FROM {self._structure} WHERE session_id = :session_id"
                " GROUP BY branch_id",
                session_id=self._session_id,
            )
        return {name: _BranchRows(*details) for name, *details in rows}

    def branch_rows(self, names: Sequence[str]) -> dict[str, _BranchRows]:
        """Return the rows of some branches that have items."""
        if len(names) > _MANY_BRANCHES or (names and self._tx.dialect.is_remote):
            every = self.all_branch_rows()
            return {name: every[name] for name in names}
        sql = f"WITH names (branch_id) AS (VALUES (:branch_id)) SELECT {_DETAILS} FROM names"
        sql = sql.format(structure=self._structure)
        found = {}
        for name in names:
            _, *details = self._tx.execute(sql, session_id=self._session_id, branch_id=name).fetchone()
            found[name] = _BranchRows(*details)
        return found

    def count_rows(self, branch_id: str) -> int:
        """Return the number of items of a branch."""
        sql = f"SELECT COUNT(*) FROM {self._structure} WHERE session_id = :session_id AND branch_id = :branch_id"
        (count,) = self._tx.execute(sql, session_id=self._session_id, branch_id=branch_id).fetchone()
        return int(count)

    def row_time(self, row_id: int) -> str | None:
        """Return when a row was written."""
        sql = f"SELECT CAST(created_at AS TEXT) FROM {self._structure} WHERE id = :id AND session_id = :session_id"
        with self._tx.narrowed(ends=True):
            row = self._tx.execute(sql, id=row_id, session_id=self._session_id).fetchone()
        return row[0] if row else None

    def forks(self) -> dict[str, _Fork]:
        """Return the recorded forks by the id of the branch, oldest first."""
        tx = self._tx
        if not tx.has_table("convo_branches"):
            return {}
        generation = "0"
        if tx.has_table("session_clear_generations"):
            cleared = "SELECT generation FROM session_clear_generations WHERE session_id = :session_id"
            generation = f"COALESCE(({cleared}), 0)"
        rows = tx.execute(
            "SELECT branch_id, parent_branch_id, fork_turn, created_at,"
            f" COALESCE(empty_generation = {generation}, FALSE)"
            f" FROM convo_branches WHERE session_id = :session_id ORDER BY created_at, {tx.dialect.row_order}",
            session_id=self._session_id,
        )
        return {name: _Fork(parent, turn, created_at, bool(empty)) for name, parent, turn, created_at, empty in rows}

    def read_turns_at_forks(self, forks: Collection[int]) -> None:
        """Read the keys of the turns before and after every recorded fork, at these turns, in one statement."""
        tx = self._tx
        if not tx.has_table("convo_branches"):
            return
        branches, turns = ("c.branch_id", "c.parent_branch_id"), ("c.fork_turn - 1", "c.fork_turn")
        if tx.dialect.is_remote:
            sought = " UNION ".join(
                f"SELECT {branch} AS branch_id, {turn} AS turn FROM convo_branches c WHERE c.session_id = :session_id"
                for turn in turns
                for branch in branches
            )
            with tx.narrowed(turns={turn for fork in forks for turn in (fork - 1, fork)}):
                found = tx.execute(
                    f"SELECT p.branch_id, p.turn, {tx.dialect.joined('t.message_id')} FROM ({sought}) AS p"
                    f" LEFT JOIN {self._structure} AS t ON t.session_id = :session_id AND t.branch_id = p.branch_id"
                    " AND t.user_turn_number = p.turn GROUP BY p.branch_id, p.turn",
                    session_id=self._session_id,
                )
            self._turn_keys.update({(branch_id, turn): key for branch_id, turn, key in found.fetchall()})
            return
        keys = [_turn_key(tx.dialect, self._structure, branch, turn) for turn in turns for branch in branches]
        rows = tx.fetch_rows_via_json(
            f"SELECT c.branch_id, c.parent_branch_id, c.fork_turn, {', '.join(keys)}"
            f" FROM convo_branches c WHERE c.session_id = :session_id AND {tx.dialect.is_text('c.branch_id')}"
            f" AND {tx.dialect.is_text('c.parent_branch_id')} AND {tx.dialect.is_integer('c.fork_turn')}",
            3 + len(keys),
            session_id=self._session_id,
        )
        for branch_id, parent, turn, *values in rows:
            places = ((branch_id, turn - 1), (parent, turn - 1), (branch_id, turn), (parent, turn))
            self._turn_keys.update(zip(places, values, strict=True))

    def turn_key(self, branch_id: str, turn: int) -> str | None:
        """Return a key that is equal for turns with the same messages; None if the branch has no such turn."""
        place = branch_id, turn
        if place not in self._turn_keys:
            with self._tx.narrowed(branch_id, turns=(turn,)):
                (self._turn_keys[place],) = self._tx.execute(
                    self._turn_key, session_id=self._session_id, branch_id=branch_id, turn=turn
                ).fetchone()
        return self._turn_keys[place]

    def _names(self) -> str:
        # Each step finds the next branch by the index: there are as many steps as branches.
        return f"""
            WITH RECURSIVE names (branch_id) AS (
                SELECT MIN(branch_id) FROM {{structure}} WHERE session_id = :session_id
                UNION ALL
                SELECT (SELECT MIN(t.branch_id) FROM {{structure}} t
                        WHERE t.session_id = :session_id AND t.branch_id > names.branch_id)
                FROM names WHERE {self._tx.dialect.is_text("names.branch_id")}
            )
        """


def _turn_key(dialect: Dialect, structure: str, branch: str, turn: str) -> str:
    """Return an SQL expression for the ids of the messages of a turn; NULL if there are none."""
    return (
        f"(SELECT {dialect.joined('t.message_id')} FROM {structure} t"
        f" WHERE t.session_id = :session_id AND t.branch_id = {branch} AND t.user_turn_number = {turn})"
    )


def _branches(rows: Mapping[str, _BranchRows], forks: Mapping[str, _Fork]) -> list[Branch]:
    """Return the branches of a session, oldest first."""
    branches = []
    for name, known in sorted(rows.items(), key=lambda entry: (entry[0] != MAIN, entry[1].first_row)):
        fork = forks.get(name, _Fork())
        branches.append(
            Branch(name, known.last_turn or 0, fork.parent, fork.fork_turn, fork.created_at or known.created_at)
        )
    # Without items, a branch exists if it is recorded as empty; otherwise it was deleted or cleared.
    for name, fork in forks.items():
        if fork.empty and name not in rows:
            branches.append(Branch(name, 0, fork.parent, fork.fork_turn, fork.created_at))
    if all(branch.branch_id != MAIN for branch in branches):
        branches.insert(0, Branch(MAIN, 0))
    return branches
