"""The layout on a server: `main` is the SDK's pair of tables, and other branches have tables of their own.

Any program may change `main` at any time. So nothing is stored of the place of its items: their order is that of the
SDK's `SQLAlchemySession` (time, then id), and turns are counted when they are read. What a branch holds is copied, so
that no change of `main` changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from tui.items.codec import decode_or_none
from tui.items.sealed import missing_key, unsealed
from tui.items.types import message_type
from tui.model import Session
from tui.storage.engine import Transaction
from tui.storage.layout import BranchEnd, BranchRows, EncodedItem, NewestItem, StructureRow, TurnKey
from tui.storage.postgres.dialect import as_utc
from tui.storage.postgres.message_types import (
    complete_types,
    main_messages,
    server_transaction,
    stored_text,
    types_sql,
)
from tui.storage.queries.usage_columns import STORED_COLUMNS
from tui.storage.schema import CONVO_REQUESTS, CONVO_RUNS, MAIN

__all__ = ["POSTGRES_LAYOUT", "PostgresLayout"]

_ROW: Final = (
    "id, session_id, message_id, branch_id, message_type, sequence_number, user_turn_number, branch_turn_number,"
    " tool_name, created_at"
)
_COPIED: Final = "session_id, message_id, message_type, user_turn_number, branch_turn_number, tool_name"
_USAGE: Final = ", ".join(STORED_COLUMNS)

# Each step finds the next branch by the index: there are as many steps as branches.
_FILLED: Final = """
    WITH RECURSIVE found(branch_id) AS (
        SELECT MIN(branch_id) FROM convo_structure WHERE session_id = :session_id
        UNION ALL
        SELECT (
            SELECT MIN(branch_id) FROM convo_structure
            WHERE session_id = :session_id AND branch_id > found.branch_id
        )
        FROM found WHERE found.branch_id IS NOT NULL
    )
    SELECT :session_id, branch_id FROM found WHERE branch_id IS NOT NULL
    UNION ALL
    SELECT :session_id, 'main' WHERE EXISTS (SELECT 1 FROM {messages} WHERE session_id = :session_id)
"""

_RESERVE_EXISTING: Final = f"""
    INSERT INTO convo_branch_ids (session_id, branch_id)
    {_FILLED}
    ON CONFLICT (session_id, branch_id) DO NOTHING
"""

# The ids of the messages grow in the order of the items: they are drawn after the rows were sorted.
_APPEND_TO_MAIN: Final = """
    WITH added AS (
        INSERT INTO {messages} (session_id, message_data, created_at)
        SELECT :session_id, data, GREATEST({now}, (
            SELECT created_at FROM {messages} WHERE session_id = :session_id ORDER BY created_at DESC, id DESC LIMIT 1
        ))
        FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS item(data, number) ORDER BY number
        RETURNING id
    ), numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM added)
    INSERT INTO convo_message_types (session_id, message_id, message_type, tool_name)
    SELECT :session_id, id, kind, tool FROM numbered
    JOIN unnest(CAST(:kinds AS text[]), CAST(:tools AS text[])) WITH ORDINALITY AS item(kind, tool, number)
        USING (number)
"""

_APPEND_TO_BRANCH: Final = """
    WITH added AS (
        INSERT INTO convo_messages (id, session_id, message_data)
        SELECT {next_id}, :session_id, data FROM (
            SELECT data FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS item(data, number) ORDER BY number
        ) AS items
        RETURNING id
    ), numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM added)
    INSERT INTO convo_structure (session_id, branch_id, message_id, sequence_number, user_turn_number,
        branch_turn_number, message_type, tool_name)
    SELECT :session_id, :branch_id, id, :sequence_number + number, :user_turn_number + turn,
        :branch_turn_number + turn, kind, tool
    FROM numbered
    JOIN unnest(CAST(:kinds AS text[]), CAST(:tools AS text[]), CAST(:turns AS bigint[])) WITH ORDINALITY
        AS item(kind, tool, turn, number) USING (number)
    ORDER BY number
"""


# Others sort the items of `main` by time, so that none may be older than the one before it.
_INSERT_INTO_MAIN: Final = """
    INSERT INTO {messages} (id, session_id, message_data, created_at) OVERRIDING SYSTEM VALUE
    SELECT m.id, m.session_id, m.message_data, GREATEST(
        MAX(CAST(m.created_at || ' UTC' AS TIMESTAMPTZ)) OVER (ORDER BY number)
            + number * CAST(:step AS INTERVAL),
        (SELECT CAST(MAX(created_at) AS TIMESTAMPTZ) FROM {messages} WHERE session_id = :session_id)
            + number * CAST(:step AS INTERVAL)
    )
    FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS item(id, number) JOIN convo_messages AS m USING (id)
    ORDER BY number
"""

_INSERT_TYPES: Final = """
    INSERT INTO convo_message_types (session_id, message_id, message_type, tool_name)
    SELECT :session_id, id, kind, tool
    FROM unnest(CAST(:ids AS bigint[]), CAST(:kinds AS text[]), CAST(:tools AS text[])) AS item(id, kind, tool)
"""

# Times are known to the second. Within it, ids of messages tell what was written last, and of a fork an id of the same
# sequence: it counts while the last item of the branch is one that it shares.
_LAST_BRANCH: Final = f"""
    WITH main AS (
        SELECT id, {as_utc("created_at")} AS written_at FROM {{messages}}
        WHERE session_id = :session_id ORDER BY created_at DESC, id DESC LIMIT 1
    ), last AS (
        SELECT branch_id, message_id, created_at AS written_at FROM convo_structure
        WHERE session_id = :session_id ORDER BY created_at DESC, id DESC LIMIT 1
    ), other AS (
        SELECT branch_id, written_at, GREATEST(message_id, (
            SELECT row_order FROM convo_branches AS b
            WHERE b.session_id = :session_id AND b.branch_id = last.branch_id AND (
                EXISTS (SELECT 1 FROM {{messages}} AS m WHERE m.id = last.message_id) OR EXISTS (
                    SELECT 1 FROM convo_structure AS o
                    WHERE o.message_id = last.message_id AND o.branch_id <> last.branch_id
                )
            )
        )) AS id
        FROM last
    )
    SELECT CASE WHEN (main.written_at, main.id) > (other.written_at, other.id) THEN 'main' ELSE other.branch_id END
    FROM other LEFT JOIN main ON TRUE
"""

_INSERT_INTO_BRANCH: Final = """
    INSERT INTO convo_structure (session_id, branch_id, message_id, sequence_number, user_turn_number,
        branch_turn_number, message_type, tool_name, created_at)
    SELECT :session_id, :branch_id, id, sequence, COALESCE(turn, 0), COALESCE(branch_turn, 0), kind, tool,
        COALESCE(time, {now})
    FROM unnest(CAST(:ids AS bigint[]), CAST(:sequences AS bigint[]), CAST(:turns AS bigint[]),
        CAST(:branch_turns AS bigint[]), CAST(:kinds AS text[]), CAST(:tools AS text[]), CAST(:times AS text[]))
        AS item(id, sequence, turn, branch_turn, kind, tool, time)
    ORDER BY sequence
"""


class PostgresLayout:
    """PostgreSQL's `tui.storage.engine.Layout`."""

    derives_main: Final = True
    session_order: Final = "written_at DESC, session_id"
    usage_columns: Final = ("session_id", "branch_id", "user_turn_number", "message_id")
    usage_key: Final = "session_id = :session_id AND branch_id = :branch_id AND message_id = :message_id"

    def known_generation(self, tx: Transaction, session_id: str) -> int | None:
        known = server_transaction(tx).generation
        return known[1] if known is not None and known[0] == session_id else None

    def rows_sql(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:
        if branch_id is not None and branch_id != MAIN:
            return "convo_structure"
        main = self.main_rows_sql(tx, session_id)
        if branch_id == MAIN:
            return main
        return f"(SELECT {_ROW} FROM convo_structure UNION ALL SELECT {_ROW} FROM {main} AS main_rows)"

    def messages_sql(self, tx: Transaction, branch_id: str) -> str:
        return main_messages(tx) if branch_id == MAIN else "convo_messages"

    def usage_sql(self, tx: Transaction, session_id: str, branch_id: str | None = None) -> str:
        if branch_id is not None and branch_id != MAIN:
            return "convo_turn_usage"
        main = f"""
            SELECT u.id, u.session_id, u.branch_id, s.user_turn_number, u.message_id, {_USAGE}, u.created_at
            FROM convo_turn_usage AS u JOIN {self.main_rows_sql(tx, session_id)} AS s ON s.message_id = u.message_id
            WHERE u.session_id = :session_id AND u.branch_id = 'main'
        """
        if branch_id == MAIN:
            return f"({main})"
        return f"""(
            SELECT id, session_id, branch_id, user_turn_number, message_id, {_USAGE}, created_at FROM convo_turn_usage
            WHERE branch_id <> 'main' UNION ALL {main}
        )"""

    def all_messages_sql(self, tx: Transaction) -> str:
        main = main_messages(tx)
        # Where the columns of both parts have the same types, the database finds the messages of a session by an index,
        # and reads only the columns that are needed.
        messages = (
            "SELECT CAST(id AS BIGINT) AS id, CAST(session_id AS TEXT) AS session_id, message_data,"
            f" {as_utc('created_at')} AS created_at FROM {main}"
        )
        if not tx.has_table("convo_messages"):
            return f"({messages})"
        copies = "SELECT c.id, c.session_id, c.message_data, c.created_at FROM convo_messages AS c"
        return f"({messages} UNION ALL {copies} WHERE NOT EXISTS (SELECT 1 FROM {main} AS o WHERE o.id = c.id))"

    def stored_at_sql(self, tx: Transaction, branch_id: str, name: str) -> str:  # noqa: ARG002
        return as_utc(f"{name}.created_at") if branch_id == MAIN else f"{name}.created_at"

    def branch_rows(self, tx: Transaction, branch_id: str) -> BranchRows:
        if branch_id == MAIN:
            return BranchRows("messages", main_messages(tx), "session_id = :session_id")
        condition = "session_id = :session_id AND branch_id = :branch_id"
        return BranchRows("message_structure", "convo_structure", condition)

    def from_turn_sql(self, tx: Transaction, session_id: str, branch_id: str) -> str:
        rows = self.rows_sql(tx, session_id, branch_id)
        return (
            "session_id = :session_id AND branch_id = :branch_id AND message_id IN (SELECT s.message_id"
            f" FROM {rows} AS s WHERE s.session_id = :session_id AND s.branch_id = :branch_id"
            " AND s.user_turn_number >= :turn)"
        )

    def insert_rows(self, tx: Transaction, session_id: str, branch_id: str, rows: Sequence[StructureRow]) -> None:
        if not rows:
            return
        ids, sequences, turns, branch_turns, kinds, tools, times = map(list, zip(*rows, strict=True))
        values = {
            "session_id": session_id,
            "ids": ids,
            "kinds": [stored_text(kind) for kind in kinds],
            "tools": [stored_text(tool) for tool in tools],
        }
        if branch_id == MAIN:
            is_sorted = all(first < second for first, second in pairwise(ids))
            sql = _INSERT_INTO_MAIN.format(messages=main_messages(tx))
            tx.execute(sql, step="0" if is_sorted else "1 microsecond", **values)
            tx.execute(_INSERT_TYPES, **values)
            return
        tx.execute(
            _INSERT_INTO_BRANCH.format(now=tx.dialect.now),
            branch_id=branch_id,
            sequences=sequences,
            turns=turns,
            branch_turns=branch_turns,
            times=times,
            **values,
        )

    def insert_usage(
        self, tx: Transaction, session_id: str, branch_id: str, rows: Iterable[Mapping[str, object]]
    ) -> None:
        of_turn = {row["user_turn_number"]: row for row in rows}
        if not of_turn:
            return
        values = {"session_id": session_id, "branch_id": branch_id}
        firsts = tx.execute(
            f"SELECT DISTINCT ON (user_turn_number) user_turn_number, message_id"
            f" FROM {self.rows_sql(tx, session_id, branch_id)} AS s"
            " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY user_turn_number, sequence_number",
            **values,
        ).fetchall()
        columns = ("user_turn_number", *STORED_COLUMNS)
        tx.executemany(
            f"INSERT INTO convo_turn_usage (session_id, branch_id, message_id, {', '.join(columns)}, created_at)"
            f" VALUES (:session_id, :branch_id, :message_id, {', '.join(f':{name}' for name in columns)},"
            f" COALESCE(:created_at, {tx.dialect.now}))",
            [
                values | {"message_id": message_id} | {name: row.get(name) for name in (*columns, "created_at")}
                for turn, message_id in firsts
                if (row := of_turn.get(turn)) is not None
            ],
        )

    def complete_insertion(self, tx: Transaction, session_id: str) -> None:
        tx.execute(
            "DELETE FROM convo_messages WHERE session_id = :session_id"
            " AND NOT EXISTS (SELECT 1 FROM convo_structure AS s WHERE s.message_id = convo_messages.id)",
            session_id=session_id,
        )

    def items_sql(self, tx: Transaction, branch_id: str, columns: str, *, newest_first: bool = False) -> str:
        direction = "DESC" if newest_first else "ASC"
        if branch_id == MAIN:
            return f"""
                SELECT {columns} FROM {main_messages(tx)} AS m
                CROSS JOIN LATERAL (SELECT m.id AS id, m.id AS message_id) AS s
                WHERE m.session_id = :session_id ORDER BY m.created_at {direction}, m.id {direction}
            """
        return f"""
            SELECT {columns} FROM convo_structure AS s JOIN convo_messages AS m ON m.id = s.message_id
            WHERE s.session_id = :session_id AND s.branch_id = :branch_id AND m.session_id = s.session_id
            ORDER BY s.sequence_number {direction}
        """

    def first_message_sql(self, tx: Transaction, session_id: str) -> str:
        first = (
            f"SELECT m.id FROM {main_messages(tx)} AS m WHERE m.session_id = {session_id}"
            " ORDER BY m.created_at, m.id LIMIT 1"
        )
        if not tx.has_table("convo_structure"):
            return f"({first})"
        # Another program may have cleared `main`.
        return (
            f"COALESCE(({first}), (SELECT t.message_id FROM convo_structure AS t WHERE t.session_id = {session_id}"
            " ORDER BY t.branch_id, t.sequence_number LIMIT 1))"
        )

    def is_missing_sql(self, tx: Transaction, message_id: str) -> str:
        tables = (main_messages(tx), "convo_messages")
        return " AND ".join(f"NOT EXISTS (SELECT 1 FROM {table} AS m WHERE m.id = {message_id})" for table in tables)

    def session_time_sql(self, tx: Transaction, text: str) -> str:
        time, stored = tx.dialect.time_of(text), "CAST(updated_at AS TIMESTAMPTZ)"
        return (
            f"(SELECT COALESCE(MAX({stored}) + INTERVAL '1 microsecond', {time}) FROM {tx.tables.sessions}"
            f" WHERE {stored} >= {time} AND {stored} < {time} + INTERVAL '1 second')"
        )

    def last_branch(self, tx: Transaction, session: Session) -> str | None:
        if not tx.has_table("convo_structure"):
            return None
        row = tx.execute(_LAST_BRANCH.format(messages=main_messages(tx)), session_id=session.session_id).fetchone()
        return None if row is None else str(row[0])

    def has_items(self, tx: Transaction, session_id: str, branch_id: str) -> bool:
        if branch_id == MAIN:
            sql = f"SELECT 1 FROM {main_messages(tx)} WHERE session_id = :session_id LIMIT 1"
        else:
            sql = "SELECT 1 FROM convo_structure WHERE session_id = :session_id AND branch_id = :branch_id LIMIT 1"
        return tx.execute(sql, session_id=session_id, branch_id=branch_id).fetchone() is not None

    def end(self, tx: Transaction, session_id: str, branch_id: str) -> BranchEnd | None:
        if branch_id == MAIN:
            return BranchEnd() if self.has_items(tx, session_id, branch_id) else None
        row = tx.execute(
            "SELECT sequence_number, user_turn_number, branch_turn_number FROM convo_structure"
            " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number DESC LIMIT 1",
            session_id=session_id,
            branch_id=branch_id,
        ).fetchone()
        return None if row is None else BranchEnd(*row)

    def append(
        self, tx: Transaction, session_id: str, branch_id: str, items: Sequence[EncodedItem], end: BranchEnd
    ) -> None:
        values: dict[str, Any] = {
            "session_id": session_id,
            "texts": [item.data for item in items],
            "kinds": [stored_text(item.message_type) for item in items],
            "tools": [stored_text(item.tool_name) for item in items],
        }
        if branch_id == MAIN:
            now = server_transaction(tx).info.now
            tx.execute(_APPEND_TO_MAIN.format(messages=main_messages(tx), now=now), **values)
            return
        turn, turns = 0, []
        for item in items:
            turn += item.starts_turn
            turns.append(turn)
        sql = _APPEND_TO_BRANCH.format(next_id=server_transaction(tx).info.next_id)
        tx.execute(sql, branch_id=branch_id, turns=turns, **values, **end._asdict())

    def require_readable(self, tx: Transaction, session_id: str) -> None:
        self.main_rows_sql(tx, session_id)
        if server_transaction(tx).implicit:
            raise missing_key(session_id)

    def prepare_removal(self, tx: Transaction) -> None:
        pass

    def newest(self, tx: Transaction, session_id: str, branch_id: str) -> NewestItem | None:
        if branch_id == MAIN:
            return self._newest_of_main(tx, session_id)
        rows = tx.execute(
            "SELECT id, message_id, user_turn_number FROM convo_structure"
            " WHERE session_id = :session_id AND branch_id = :branch_id ORDER BY sequence_number DESC LIMIT 2",
            session_id=session_id,
            branch_id=branch_id,
        ).fetchall()
        if not rows:
            return None
        row_id, message_id, turn = rows[0]
        is_last = len(rows) == 1 or rows[1][2] != turn
        return NewestItem(row_id, message_id, TurnKey(session_id, branch_id, turn, message_id) if is_last else None)

    def remove(self, tx: Transaction, session_id: str, branch_id: str, item: NewestItem) -> tuple[str | None, bool]:
        # All parts of a statement see the rows as they were before it.
        if branch_id == MAIN:
            sql = f"""
                WITH removed AS (DELETE FROM {main_messages(tx)} WHERE id = :message_id RETURNING message_data),
                typed AS (
                    DELETE FROM convo_message_types WHERE session_id = :session_id AND message_id = :message_id
                )
                SELECT message_data, NOT EXISTS (SELECT 1 FROM convo_messages WHERE id = :message_id) FROM removed
            """
        else:
            sql = f"""
                WITH removed AS (DELETE FROM convo_structure WHERE id = :row_id),
                unheld AS (
                    DELETE FROM convo_messages WHERE id = :message_id AND NOT EXISTS (
                        SELECT 1 FROM convo_structure WHERE message_id = :message_id AND id <> :row_id
                    ) RETURNING id
                )
                SELECT message_data, EXISTS (SELECT 1 FROM unheld)
                    AND NOT EXISTS (SELECT 1 FROM {main_messages(tx)} WHERE id = :message_id)
                FROM convo_messages WHERE id = :message_id
            """
        row = tx.execute(sql, session_id=session_id, message_id=item.message_id, row_id=item.row_id).fetchone()
        return (None, False) if row is None else (row[0], row[1])

    def shared_usage_sql(self, tx: Transaction, *, one_turn: bool) -> str:
        is_in_main = f"EXISTS (SELECT 1 FROM {main_messages(tx)} AS m WHERE m.id = u.message_id)"
        return f"""
            SELECT session_id, message_id, branch_id, user_turn_number, {_USAGE}, created_at FROM convo_turn_usage AS u
            WHERE session_id = :session_id AND branch_id = :branch_id
            {"AND message_id = :message_id" if one_turn else ""} AND (
                EXISTS (
                    SELECT 1 FROM convo_structure AS o
                    WHERE o.message_id = u.message_id AND o.branch_id <> u.branch_id
                ) OR (branch_id <> 'main' AND {is_in_main})
            ) AND NOT EXISTS (
                SELECT 1 FROM convo_turn_usage AS t
                WHERE t.session_id = u.session_id AND t.message_id = u.message_id AND t.branch_id <> u.branch_id
                    AND (t.branch_id <> 'main' OR {is_in_main})
            )
        """

    def filled_branches(self, tx: Transaction, session_id: str) -> list[str]:
        rows = tx.execute(_FILLED.format(messages=main_messages(tx)), session_id=session_id)
        return [branch_id for _, branch_id in rows]

    def reserve_filled_branches(self, tx: Transaction, session_id: str) -> None:
        tx.execute(_RESERVE_EXISTING.format(messages=main_messages(tx)), session_id=session_id)

    def copy_turns(self, tx: Transaction, session_id: str, source: str, branch_id: str, turn: int) -> int:
        condition = "s.session_id = :session_id AND s.branch_id = :source AND s.user_turn_number < :turn"
        place = "row_number() OVER (ORDER BY s.sequence_number)"
        return tx.execute(
            self._copy(tx, self.rows_sql(tx, session_id, source), source, condition, {"sequence_number": place}),
            session_id=session_id,
            source=source,
            branch_id=branch_id,
            turn=turn,
        ).rowcount

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
        if branch_id == MAIN:
            moved, left = self._move_main(tx, session_id, new_id, first_row)
        else:
            sql = (
                "UPDATE convo_structure SET branch_id = :new_id"
                " WHERE session_id = :session_id AND branch_id = :branch_id"
            )
            moved, left = tx.execute(sql, **values).rowcount, 0
            if first_row is not None:
                sql = (
                    f"INSERT INTO convo_structure ({_COPIED}, created_at, branch_id, sequence_number)"
                    f" SELECT {_COPIED}, created_at, :branch_id, sequence_number FROM convo_structure"
                    " WHERE session_id = :session_id AND branch_id = :new_id AND sequence_number < :sequence"
                    " ORDER BY sequence_number"
                )
                left = tx.execute(sql, **values, sequence=first_row[0]).rowcount
        self._move_usage(tx, values, first_turn)
        return moved, left

    def split_branch(self, tx: Transaction, session_id: str, branch_id: str, last_row: int, new_id: str) -> None:
        values = {"session_id": session_id, "branch_id": branch_id, "new_id": new_id, "last_row": last_row}
        if branch_id == MAIN:
            self._copy_main(tx, session_id, new_id)
            self._delete_from_main(tx, session_id, "id > :last_row", last_row=last_row)
        else:
            of_branch = "WHERE session_id = :session_id AND branch_id = :branch_id"
            sql = f"UPDATE convo_structure SET branch_id = :new_id {of_branch} AND id > :last_row"
            tx.execute(sql, **values)
            tx.execute(
                f"INSERT INTO convo_structure ({_COPIED}, created_at, branch_id, sequence_number)"
                f" SELECT {_COPIED}, created_at, :new_id, sequence_number FROM convo_structure {of_branch}"
                " ORDER BY sequence_number",
                **values,
            )
        sql = (
            f"SELECT COALESCE(MAX(user_turn_number), 0) FROM {self.rows_sql(tx, session_id, branch_id)} AS s"
            " WHERE session_id = :session_id AND branch_id = :branch_id"
        )
        (last_turn,) = tx.execute(sql, **values).fetchone()
        self._move_usage(tx, values, last_turn + 1)

    def _move_usage(self, tx: Transaction, values: dict[str, Any], first_turn: int) -> None:
        """Move the usage, runs and requests of a branch from a turn of another branch on to that one."""
        for table in (tx.tables.usage, CONVO_RUNS.name, CONVO_REQUESTS.name):
            tx.execute(
                f"UPDATE {table} AS own SET branch_id = :new_id, user_turn_number = s.user_turn_number"
                " FROM convo_structure AS s WHERE s.session_id = :session_id AND s.branch_id = :new_id"
                " AND s.user_turn_number >= :turn AND own.session_id = :session_id AND own.branch_id = :branch_id"
                " AND own.message_id = s.message_id",
                **values,
                turn=first_turn,
            )

    def delete_branch(self, tx: Transaction, session_id: str, branch_id: str) -> tuple[int, int]:
        values = {"session_id": session_id, "branch_id": branch_id}
        unshared = """
            session_id = :session_id AND id IN (
                SELECT own.message_id FROM convo_structure AS own
                WHERE own.session_id = :session_id AND own.branch_id = :branch_id AND NOT EXISTS (
                    SELECT 1 FROM convo_structure AS other
                    WHERE other.message_id = own.message_id AND other.branch_id <> :branch_id
                )
            )
        """
        in_main = f"SELECT 1 FROM {main_messages(tx)} AS m WHERE m.id = c.id"
        sql = f"SELECT COUNT(*) FROM convo_messages AS c WHERE {unshared} AND NOT EXISTS ({in_main})"
        (messages,) = tx.execute(sql, **values).fetchone()
        tx.execute(f"DELETE FROM convo_messages WHERE {unshared}", **values)
        sql = "DELETE FROM convo_structure WHERE session_id = :session_id AND branch_id = :branch_id"
        return tx.execute(sql, **values).rowcount, messages

    def clear(self, tx: Transaction, session_id: str) -> None:
        server_transaction(tx).generation = None
        own = ("convo_structure", "convo_messages", "convo_message_types", "convo_turn_usage")
        for name in (main_messages(tx), tx.tables.sessions, *own):
            tx.delete_session_rows(name, session_id)

    def _move_main(
        self, tx: Transaction, session_id: str, new_id: str, first_row: tuple[int, int] | None
    ) -> tuple[int, int]:
        moved = self._copy_main(tx, session_id, new_id)
        first = f"(SELECT created_at, id FROM {main_messages(tx)} WHERE id = :row_id)"
        from_row = "TRUE" if first_row is None else f"(created_at, id) >= {first}"
        return moved, moved - self._delete_from_main(tx, session_id, from_row, row_id=first_row and first_row[1])

    def _copy_main(self, tx: Transaction, session_id: str, new_id: str) -> int:
        """Copy all items of `main` to a new branch, and return their number."""
        numbers = {"sequence_number": "s.sequence_number", "created_at": "s.created_at"}
        sql = self._copy(tx, self.main_rows_sql(tx, session_id), MAIN, "TRUE", numbers)
        return tx.execute(sql, session_id=session_id, branch_id=new_id).rowcount

    def _delete_from_main(self, tx: Transaction, session_id: str, condition: str, **values: object) -> int:
        """Delete items of `main`, and return their number."""
        messages = main_messages(tx)
        sql = f"DELETE FROM {messages} WHERE session_id = :session_id AND {condition}"
        deleted = tx.execute(sql, session_id=session_id, **values).rowcount
        tx.execute(
            "DELETE FROM convo_message_types AS k WHERE session_id = :session_id"
            f" AND NOT EXISTS (SELECT 1 FROM {messages} AS m WHERE m.id = k.message_id)",
            session_id=session_id,
        )
        return deleted

    def main_rows_sql(self, tx: Transaction, session_id: str | None, session_ids: Sequence[str] | None = None) -> str:
        """Return the rows of `main` of a session, of some or of all, with the numbers of its messages in their order.

        In the query, the named value `session_id` or `session_ids` is the same.
        """
        if session_id is not None and (kept := server_transaction(tx).main_rows(session_id)) is not None:
            return kept
        of_sessions = _of_session(session_id) if session_ids is None else "m.session_id = ANY(:session_ids)"
        complete_types(tx, of_sessions, session_id, session_ids)
        kind, tool, made = "k.message_type", "k.tool_name", ""
        if server_transaction(tx).implicit:
            # What is not known for good is not stored, and a transaction that only reads stores nothing. The list is
            # joined by the id alone: the server takes it for short, and for shorter with each condition.
            kind, tool = f"COALESCE({kind}, made.message_type)", f"COALESCE({tool}, made.tool_name)"
            made = """LEFT JOIN json_to_recordset(CAST(:convo_types AS json))
                AS made(message_id BIGINT, message_type TEXT, tool_name TEXT) ON made.message_id = m.id"""
        # The branch is outside of what is numbered: where another one is looked for, the database numbers nothing. A
        # session that is given is a constant: otherwise the server takes a query for it for one that finds few rows.
        session = "session_id" if session_id is None else "CAST(:session_id AS TEXT) AS session_id"
        return f"""(
            SELECT id, {session}, id AS message_id, CAST('main' AS TEXT) AS branch_id, message_type, sequence_number,
                user_turn_number, user_turn_number AS branch_turn_number, tool_name, created_at
            FROM (
                SELECT CAST(m.id AS BIGINT) AS id, CAST(m.session_id AS TEXT) AS session_id,
                    COALESCE({kind}, 'other') AS message_type, row_number() OVER w AS sequence_number,
                    COUNT(*) FILTER (WHERE {kind} = 'user') OVER w AS user_turn_number,
                    {tool} AS tool_name, {as_utc("m.created_at")} AS created_at
                FROM {main_messages(tx)} AS m
                LEFT JOIN {types_sql(tx)} AS k
                    ON k.session_id = m.session_id AND k.message_id = m.id AND {of_sessions.replace("m.", "k.")}
                {made}
                WHERE {of_sessions}
                WINDOW w AS (PARTITION BY m.session_id ORDER BY m.created_at, m.id)
            ) AS numbered
        )"""

    def _copy(self, tx: Transaction, rows: str, source: str, condition: str, numbers: dict[str, str]) -> str:
        """Return a statement that copies rows of a branch to another one, and messages of `main` with them.

        Args:
            rows: The relation of the rows, which the statement names `s`.
            numbers: Columns that are not copied as they are, with what they get.
        """
        copied = ""
        if source == MAIN:
            copied = f""", copied AS (
                INSERT INTO convo_messages (id, session_id, message_data, created_at)
                SELECT m.id, m.session_id, m.message_data, {as_utc("m.created_at")}
                FROM shared JOIN {main_messages(tx)} AS m ON m.id = shared.message_id
                ON CONFLICT (id) DO NOTHING
            )"""
        # The server takes a new table for an empty one, and the rows for few: it must look for none of them in either.
        return f"""
            WITH shared AS MATERIALIZED (
                SELECT {_COPIED}, {", ".join(f"{number} AS {column}" for column, number in numbers.items())}
                FROM {rows} AS s WHERE {condition}
            ){copied}
            INSERT INTO convo_structure ({_COPIED}, branch_id, {", ".join(numbers)})
            SELECT {_COPIED}, :branch_id, {", ".join(numbers)} FROM shared ORDER BY sequence_number
        """

    def _newest_of_main(self, tx: Transaction, session_id: str) -> NewestItem | None:
        kind = (
            "(SELECT k.message_type FROM convo_message_types AS k"
            " WHERE k.session_id = m.session_id AND k.message_id = m.id)"
        )
        sql = self.items_sql(tx, MAIN, f"s.id, m.message_data, {kind}", newest_first=True)
        rows = tx.execute(f"{sql} LIMIT 2", session_id=session_id).fetchall()
        if not rows:
            return None
        message_id, text, stored_type = rows[0]
        is_user = (stored_type or message_type(unsealed(decode_or_none(text), session_id))) == "user"
        is_last = is_user or len(rows) == 1
        # The number of the turn is not needed: its usage is found by the message.
        return NewestItem(message_id, message_id, TurnKey(session_id, MAIN, 0, message_id) if is_last else None)


def _of_session(session_id: str | None) -> str:
    return "TRUE" if session_id is None else "m.session_id = :session_id"


POSTGRES_LAYOUT: Final = PostgresLayout()
