"""A database of any size on a PostgreSQL server: `python -m tests.bench.generate_postgres URL [--sessions 10000]`.

One session is written with `AdvancedPostgresSession`; the server copies its rows to all other sessions, a minute later
for each. That takes a minute for a million items.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Final

import psycopg

from tests.bench.session import TURN, turn
from tests.conversations import run_result
from tui.session import AdvancedPostgresSession

__all__ = ["fill", "session_name"]

_OWN_TURNS: Final = 2
"""Turns of the fork of a session that `main` does not have."""

_COLUMNS: Final = """
    SELECT relname, attname, attidentity <> '', format_type(atttypid, NULL) LIKE 'timestamp%'
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relkind = 'r' AND pg_table_is_visible(attrelid) AND relnamespace <> 'pg_catalog'::regnamespace
        AND attnum > 0 AND NOT attisdropped AND EXISTS (
            SELECT 1 FROM pg_attribute AS own WHERE own.attrelid = pg_class.oid AND own.attname = 'session_id'
        )
    ORDER BY relname <> 'agent_sessions', relname, attnum
"""


def session_name(number: int) -> str:
    """Return the id of a session; the session with the greatest number is the newest."""
    return f"session {number}"


async def _write_first(url: str, turns: int) -> None:
    session = AdvancedPostgresSession(session_id=session_name(0), url=url, create_tables=True)
    for number in range(1, turns + 1):
        await session.add_items(turn(number))
        await session.store_run_usage(run_result(number))
    await session.fork(turns // 2, branch_name="fork")
    for number in range(turns, turns + _OWN_TURNS):
        await session.add_items(turn(number))
    await session.store_run_usage(run_result(turns))
    await asyncio.to_thread(session.close)


async def fill(url: str, sessions: int, turns: int) -> int:
    """Fill an empty database with sessions of `turns` turns and a fork each, and return the number of items."""
    await _write_first(url, turns)
    with psycopg.connect(url, autocommit=True) as db:
        tables: dict[str, dict[str, str]] = {}
        for table, column, is_identity, is_time in db.execute(_COLUMNS):
            value = column
            if column == "session_id":
                value = "'session ' || copy"
            elif column == "message_id" or (column == "id" and not is_identity):
                value = f"{column} + copy * %(ids)s"
            elif is_time:
                value = f"{column} + make_interval(mins => copy)"
            if column == "message_id" or not is_identity:
                tables.setdefault(table, {})[column] = value
        [(ids,)] = db.execute("SELECT MAX(message_id) FROM convo_structure").fetchall()
        values = {"first": session_name(0), "copies": sessions - 1, "ids": ids}
        for table, cells in tables.items():
            db.execute(
                f"INSERT INTO {table} ({', '.join(cells)}) SELECT {', '.join(cells.values())}"
                f" FROM generate_series(1, %(copies)s) AS copy, {table} WHERE session_id = %(first)s",
                values,
            )
        db.execute("SELECT setval(pg_get_serial_sequence('agent_messages', 'id'), MAX(id)) FROM agent_messages")
        db.execute("VACUUM ANALYZE")
    return sessions * (turns + _OWN_TURNS) * TURN


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.generate_postgres", description=__doc__)
    parser.add_argument("url", help="an empty database")
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=23, help="turns of main (default: %(default)s)")
    options = parser.parse_args()
    print(f"{asyncio.run(fill(options.url, options.sessions, options.turns)):,} items")


if __name__ == "__main__":
    main()
