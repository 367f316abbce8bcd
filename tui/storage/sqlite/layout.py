"""The layout of the SDK's class: `message_structure` has a row for each item of each branch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tui.model import Session
from tui.storage.engine import Transaction
from tui.storage.layout import BranchEnd, BranchRows, EncodedItem, NewestItem, StructureRow, TurnKey
from tui.storage.queries.usage_columns import STORED_COLUMNS
from tui.storage.schema import MESSAGE_INDEX, TURN_TABLES

__all__ = ["SQLITE_LAYOUT", "SQLiteLayout"]

# Each subquery is served by an index of its own.
_END: Final = """
    SELECT
        (SELECT MAX(sequence_number) FROM message_structure WHERE session_id = :session_id),
        (SELECT MAX(user_turn_number) FROM message_structure
         WHERE session_id = :session_id AND branch_id = :branch_id),
        (SELECT branch_turn_number FROM message_structure
         WHERE session_id = :session_id AND branch_id = :branch_id
         ORDER BY sequence_number DESC LIMIT 1)
"""

_COLUMNS: Final = (
    "session_id",
    "branch_id",
    "message_id",
    "sequence_number",
    "user_turn_number",
    "branch_turn_number",
    "message_type",
    "tool_name",
)
"""The columns of the rows that `_structure_rows` yields."""

# Each step finds the next branch by the index: there are as many steps as branches.
_FILLED: Final = """
    WITH RECURSIVE found(branch_id) AS (
        SELECT MIN(branch_id) FROM message_structure WHERE session_id = :session_id
        UNION ALL
        SELECT (
            SELECT MIN(branch_id) FROM message_structure
            WHERE session_id = :session_id AND branch_id > found.branch_id
        )
        FROM found WHERE found.branch_id IS NOT NULL
    )
    SELECT :session_id, branch_id FROM found WHERE branch_id IS NOT NULL
"""

_RESERVE_EXISTING: Final = f"""
    INSERT INTO branch_reservations (session_id, branch_id)
    {_FILLED}
    ON CONFLICT (session_id, branch_id) DO NOTHING
"""

_COPY_TURNS: Final = """
    INSERT INTO message_structure
        (session_id, message_id, branch_id, message_type, sequence_number,
         user_turn_number, branch_turn_number, tool_name)
    SELECT session_id, message_id, :branch_id, message_type,
           (SELECT MAX(sequence_number) FROM message_structure WHERE session_id = :session_id)
               + row_number() OVER (ORDER BY sequence_number),
           user_turn_number, branch_turn_number, tool_name
    FROM message_structure
    WHERE session_id = :session_id AND branch_id = :source AND user_turn_number < :turn
    ORDER BY sequence_number
"""

_INSERT_ROW: Final = """
    INSERT INTO message_structure
        (session_id, branch_id, message_id, sequence_number, user_turn_number, branch_turn_number, message_type,
         tool_name, created_at)
    VALUES (:session_id, :branch_id, :message_id, :sequence_number, :user_turn_number, :branch_turn_number,
        :message_type, :tool_name, COALESCE(:created_at, CURRENT_TIMESTAMP))
"""

_USAGE: Final = ("user_turn_number", *STORED_COLUMNS)
_INSERT_USAGE: Final = f"""
    INSERT INTO turn_usage (session_id, branch_id, {", ".join(_USAGE)}, created_at)
    VALUES (:session_id, :branch_id, {", ".join(f":{name}" for name in _USAGE)},
        COALESCE(:created_at, CURRENT_TIMESTAMP))
"""

_COPY_ROWS: Final = """
    INSERT INTO message_structure
        (session_id, message_id, branch_id, message_type, sequence_number,
         user_turn_number, branch_turn_number, tool_name, created_at)
    SELECT session_id, message_id, :new_id, message_type, sequence_number,
           user_turn_number, branch_turn_number, tool_name, created_at
    FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number, id
"""

_COPY_BEFORE: Final = """
    INSERT INTO message_structure
        (session_id, message_id, branch_id, message_type, sequence_number,
         user_turn_number, branch_turn_number, tool_name, created_at)
    SELECT session_id, message_id, :branch_id, message_type,
           (SELECT MAX(sequence_number) FROM message_structure WHERE session_id = :session_id)
               + row_number() OVER (ORDER BY sequence_number, id),
           user_turn_number, branch_turn_number, tool_name, created_at
    FROM message_structure
    WHERE session_id = :session_id AND branch_id = :new_id AND (sequence_number, id) < (:sequence, :id)
    ORDER BY sequence_number, id
"""


class SQLiteLayout:
    """SQLite's `tui.storage.engine.Layout`."""

    derives_main: Final = False
    session_order: Final = ""
    usage_columns: Final = ("session_id", "branch_id", "user_turn_number")
    usage_key: Final = "session_id = :session_id AND branch_id = :branch_id AND user_turn_number = :user_turn_number"

    def known_generation(self, tx: Transaction, session_id: str) -> int | None:  # noqa: ARG002
        return None

    def rows_sql(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:  # noqa: ARG002
        return "message_structure"

    def messages_sql(self, tx: Transaction, branch_id: str) -> str:  # noqa: ARG002
        return tx.tables.messages

    def usage_sql(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:  # noqa: ARG002
        return "turn_usage"

    def all_messages_sql(self, tx: Transaction) -> str:
        return tx.tables.messages

    def stored_at_sql(self, tx: Transaction, branch_id: str, name: str) -> str:  # noqa: ARG002
        return f"{name}.created_at"

    def branch_rows(self, tx: Transaction, branch_id: str) -> BranchRows:  # noqa: ARG002
        condition = "session_id = :session_id AND branch_id = :branch_id"
        return BranchRows("message_structure", "message_structure", condition)

    def from_turn_sql(self, tx: Transaction, session_id: str, branch_id: str) -> str:  # noqa: ARG002
        return "session_id = :session_id AND branch_id = :branch_id AND user_turn_number >= :turn"

    def insert_rows(self, tx: Transaction, session_id: str, branch_id: str, rows: Sequence[StructureRow]) -> None:
        branch = {"session_id": session_id, "branch_id": branch_id}
        tx.executemany(_INSERT_ROW, [branch | row._asdict() for row in rows])

    def insert_usage(
        self, tx: Transaction, session_id: str, branch_id: str, rows: Iterable[Mapping[str, object]]
    ) -> None:
        branch = {"session_id": session_id, "branch_id": branch_id}
        columns = (*_USAGE, "created_at")
        tx.executemany(_INSERT_USAGE, [branch | {name: row.get(name) for name in columns} for row in rows])

    def complete_insertion(self, tx: Transaction, session_id: str) -> None:
        pass

    def items_sql(self, tx: Transaction, branch_id: str, columns: str, *, newest_first: bool = False) -> str:  # noqa: ARG002
        direction = "DESC" if newest_first else "ASC"
        # The structure is read first: its index has the order, so that nothing is sorted.
        return f"""
            SELECT {columns} FROM message_structure AS s
            {tx.dialect.ordered_join} {tx.tables.messages} AS m ON m.id = s.message_id
            WHERE s.session_id = :session_id AND s.branch_id = :branch_id AND m.session_id = s.session_id
            ORDER BY s.sequence_number {direction}, s.id {direction}
        """

    def first_message_sql(self, tx: Transaction, session_id: str) -> str:
        return f"(SELECT m.id FROM {tx.tables.messages} AS m WHERE m.session_id = {session_id} ORDER BY m.id LIMIT 1)"

    def is_missing_sql(self, tx: Transaction, message_id: str) -> str:
        return f"NOT EXISTS (SELECT 1 FROM {tx.tables.messages} AS m WHERE m.id = {message_id})"

    def session_time_sql(self, tx: Transaction, text: str) -> str:
        return tx.dialect.time_of(text)

    def last_branch(self, tx: Transaction, session: Session) -> str | None:
        sql = (
            f"SELECT branch_id FROM {tx.structure_table(session)} WHERE session_id = :session_id"
            " ORDER BY sequence_number DESC LIMIT 1"
        )
        row = tx.execute(sql, session_id=session.session_id).fetchone()
        return None if row is None else str(row[0])

    def has_items(self, tx: Transaction, session_id: str, branch_id: str) -> bool:
        sql = "SELECT 1 FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id LIMIT 1"
        return tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchone() is not None

    def end(self, tx: Transaction, session_id: str, branch_id: str) -> BranchEnd | None:
        sequence_number, turn, branch_turn = tx.execute(_END, session_id=session_id, branch_id=branch_id).fetchone()
        end = BranchEnd(sequence_number or 0, turn or 0, branch_turn or 0)
        # Rows of other programs may have no turn.
        return end if turn is not None or self.has_items(tx, session_id, branch_id) else None

    def append(
        self, tx: Transaction, session_id: str, branch_id: str, items: Sequence[EncodedItem], end: BranchEnd
    ) -> None:
        if not end.sequence_number:
            # The branch is empty; the numbers of others go on in it.
            (last, *_) = tx.execute(_END, session_id=session_id, branch_id=branch_id).fetchone()
            end = end._replace(sequence_number=last or 0)
        ids = tx.insert_messages(session_id, [item.data for item in items])
        tx.insert_rows("message_structure", _COLUMNS, _structure_rows(session_id, branch_id, items, ids, end))

    def require_readable(self, tx: Transaction, session_id: str) -> None:
        pass

    def prepare_removal(self, tx: Transaction) -> None:
        tx.execute(MESSAGE_INDEX)

    def newest(self, tx: Transaction, session_id: str, branch_id: str) -> NewestItem | None:
        values = {"session_id": session_id, "branch_id": branch_id}
        row = tx.execute(
            "SELECT id, message_id, user_turn_number FROM message_structure"
            " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number DESC LIMIT 1",
            **values,
        ).fetchone()
        if row is None:
            return None
        row_id, message_id, turn = row
        if turn is not None:
            sql = (
                "SELECT 1 FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id"
                " AND user_turn_number = :turn AND id <> :id LIMIT 1"
            )
            if tx.execute(sql, **values, turn=turn, id=row_id).fetchone() is None:
                return NewestItem(row_id, message_id, TurnKey(session_id, branch_id, turn, message_id))
        return NewestItem(row_id, message_id, None)

    def remove(self, tx: Transaction, session_id: str, branch_id: str, item: NewestItem) -> tuple[str | None, bool]:  # noqa: ARG002
        tx.execute("DELETE FROM message_structure WHERE id = :id", id=item.row_id)
        messages, values = tx.tables.messages, {"message_id": item.message_id}
        row = tx.execute(f"SELECT message_data FROM {messages} WHERE id = :message_id", **values).fetchone()
        deleted = tx.execute(
            f"DELETE FROM {messages} WHERE id = :message_id AND session_id = :session_id"
            " AND NOT EXISTS (SELECT 1 FROM message_structure WHERE message_id = :message_id)",
            **values,
            session_id=session_id,
        ).rowcount
        return None if row is None else row[0], bool(deleted)

    def shared_usage_sql(self, tx: Transaction, *, one_turn: bool) -> str:
        only = "AND user_turn_number = :user_turn_number" if one_turn else ""
        stored = ", ".join(STORED_COLUMNS)
        return f"""
            WITH ran AS (
                SELECT session_id, branch_id, user_turn_number, {stored}, created_at,
                       (SELECT message_id FROM message_structure WHERE id = (
                           SELECT MIN(id) FROM message_structure AS s
                           WHERE s.session_id = u.session_id AND s.branch_id = u.branch_id
                             AND s.user_turn_number = u.user_turn_number
                       )) AS message_id
                FROM turn_usage AS u
                WHERE session_id = :session_id AND branch_id = :branch_id {only}
            )
            SELECT session_id, message_id, branch_id, user_turn_number, {stored}, created_at FROM ran
            WHERE EXISTS (
                SELECT 1 FROM message_structure AS o
                WHERE o.message_id = ran.message_id AND o.branch_id <> ran.branch_id
            ) AND NOT EXISTS (
                SELECT 1 FROM message_structure AS o
                {tx.dialect.ordered_join} turn_usage AS t ON t.session_id = o.session_id
                    AND t.branch_id = o.branch_id AND t.user_turn_number = o.user_turn_number
                WHERE o.message_id = ran.message_id AND o.branch_id <> ran.branch_id
            )
        """

    def filled_branches(self, tx: Transaction, session_id: str) -> list[str]:
        return [branch_id for _, branch_id in tx.execute(_FILLED, session_id=session_id)]

    def reserve_filled_branches(self, tx: Transaction, session_id: str) -> None:
        tx.execute(_RESERVE_EXISTING, session_id=session_id)

    def copy_turns(self, tx: Transaction, session_id: str, source: str, branch_id: str, turn: int) -> int:
        values = {"session_id": session_id, "source": source, "branch_id": branch_id, "turn": turn}
        return tx.execute(_COPY_TURNS, **values).rowcount

    def reassign_rows(
        self,
        tx: Transaction,
        session_id: str,
        branch_id: str,
        new_id: str,
        first_turn: int,
        first_row: tuple[int, int] | None,
    ) -> tuple[int, int]:
        values = {"session_id": session_id, "branch_id": branch_id, "new_id": new_id}
        of_branch = "SET branch_id = :new_id WHERE session_id = :session_id AND branch_id = :branch_id"
        for table in TURN_TABLES:
            if tx.has_table(table):
                tx.execute(f"UPDATE {table} {of_branch} AND user_turn_number >= :turn", **values, turn=first_turn)
        moved = tx.execute(f"UPDATE message_structure {of_branch}", **values).rowcount
        if first_row is None:
            return moved, 0
        return moved, tx.execute(_COPY_BEFORE, **values, sequence=first_row[0], id=first_row[1]).rowcount

    def split_branch(self, tx: Transaction, session_id: str, branch_id: str, last_row: int, new_id: str) -> None:
        values = {"session_id": session_id, "branch_id": branch_id, "new_id": new_id}
        of_branch = "SET branch_id = :new_id WHERE session_id = :session_id AND branch_id = :branch_id"
        tx.execute(f"UPDATE message_structure {of_branch} AND id > :last_row", **values, last_row=last_row)
        sql = (
            "SELECT COALESCE(MAX(user_turn_number), 0) FROM message_structure"
            " WHERE session_id = :session_id AND branch_id = :branch_id"
        )
        (turn,) = tx.execute(sql, **values).fetchone()
        for table in TURN_TABLES:
            if tx.has_table(table):
                tx.execute(f"UPDATE {table} {of_branch} AND user_turn_number > :turn", **values, turn=turn)
        tx.execute(_COPY_ROWS, **values)

    def delete_branch(self, tx: Transaction, session_id: str, branch_id: str) -> tuple[int, int]:
        values = {"session_id": session_id, "branch_id": branch_id}
        messages = tx.execute(
            f"""
            DELETE FROM {tx.tables.messages} WHERE session_id = :session_id AND id IN (
                SELECT own.message_id FROM message_structure AS own
                WHERE own.session_id = :session_id AND own.branch_id = :branch_id AND NOT EXISTS (
                    SELECT 1 FROM message_structure AS other
                    WHERE other.message_id = own.message_id AND other.branch_id <> :branch_id
                )
            )
            """,
            **values,
        ).rowcount
        sql = "DELETE FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id"
        return tx.execute(sql, **values).rowcount, messages

    def clear(self, tx: Transaction, session_id: str) -> None:
        for name in (tx.tables.messages, tx.tables.sessions, "message_structure", "turn_usage"):
            tx.delete_session_rows(name, session_id)


def _structure_rows(
    session_id: str, branch_id: str, items: Sequence[EncodedItem], ids: Sequence[int], end: BranchEnd
) -> Iterator[tuple[object, ...]]:
    last_sequence, turn, branch_turn = end
    for sequence_number, (item, message_id) in enumerate(zip(items, ids, strict=True), start=last_sequence + 1):
        turn += item.starts_turn
        branch_turn += item.starts_turn
        yield session_id, branch_id, message_id, sequence_number, turn, branch_turn, item.message_type, item.tool_name


SQLITE_LAYOUT: Final = SQLiteLayout()
