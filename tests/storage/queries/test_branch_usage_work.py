"""The work of reading usage does not grow with the branch: the same statements and rows for a page of turns."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.conversations import run_result, turn
from tests.counting import on_reader, watch_reads
from tui.model import Scope, Session, TurnTree
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store

Look: TypeAlias = Callable[[Store, Session, TurnTree], Awaitable[object]]

LOOKS: dict[str, Look] = {
    "a page": lambda store, session, tree: store.turn_usages(session, tree, "main", 11, 20),
    "a page of a fork": lambda store, session, tree: store.turn_usages(session, tree, "fork-0", 1, 10),
    "a turn": lambda store, session, tree: store.turn_usages(session, tree, "main", 20, 20),
}


async def write(path: Path, turns: int, forks: int) -> None:
    async with AdvancedSQLiteSession(session_id="support", db_path=path, create_tables=True) as session:
        for number in range(turns):
            await session.add_items(turn(f"turn {number}", tool="weather"))
            items: list[Any] = [*await session.get_items()]
            sent = SentRequest(
                RequestUsage(2000, 200, 1920), "Weather", instructions="Be short.", tools=[], settings={}
            )
            await session.record_request(sent._replace(items=items), first=True)
            await session.store_run_usage(run_result(2000, cached=1920))
            await session.record_run(outcome="done", model="gpt-5-mini")
        for number in range(forks):
            await session.fork(11, source="main", branch_name=f"fork-{number}")
            await session.add_items(turn("on"))
            await session.store_run_usage(run_result(10))
        # A deleted branch leaves kept usage, so that all tables exist.
        await session.fork(branch_name="heir", source="fork-1")
        await session.delete_branch("fork-1")


async def cost(path: Path, look: Look) -> tuple[int, int]:
    """Return the number of statements of a call, and hundreds of steps of SQLite's virtual machine."""
    store = Store(path)
    (session,) = await store.sessions()
    tree = await store.tree(session)
    statements: list[str] = []
    steps: list[int] = []
    await look(store, session, tree)
    watch_reads(store._background, lambda db: db.set_trace_callback(statements.append))
    watch_reads(store._background, lambda db: db.set_progress_handler(lambda: steps.append(1), 100))
    await look(store, session, tree)
    store.close()
    return len(reads(statements)), len(steps)


def reads(ran: list[str]) -> list[str]:
    """Return the statements that read tables of the file."""
    return [sql for sql in ran if "FROM" in sql and "sqlite_master" not in sql]


DERIVED = ("json_each", "newest", "ranked", "found")
"""Names in the queries that are not tables of the file."""


def plan(sql: str, db: sqlite3.Connection) -> list[str]:
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("accounts")
    made = {"short": (25, 3), "long": (500, 3), "forked": (25, 60)}
    for name, (turns, forks) in made.items():
        asyncio.run(write(folder / name, turns, forks))
    return {name: folder / name for name in made}


@pytest.mark.parametrize("name", LOOKS)
async def test_a_page_of_turns_costs_the_same_on_a_long_branch(files: dict[str, Path], name: str) -> None:
    statements, steps = await cost(files["short"], LOOKS[name])
    on_long = await cost(files["long"], LOOKS[name])
    assert statements == on_long[0] == 8
    assert on_long[1] <= steps * 1.2


async def test_more_branches_take_no_more_statements(files: dict[str, Path]) -> None:
    for look in LOOKS.values():
        assert (await cost(files["forked"], look))[0] == 8


@pytest.mark.parametrize("file", ["short", "long", "forked"])
async def test_the_sums_take_few_statements_and_are_cached_until_the_file_changes(
    files: dict[str, Path], file: str
) -> None:
    store = Store(files[file])
    (session,) = await store.sessions()
    tree = await store.tree(session)
    ran: list[str] = []
    watch_reads(store._background, lambda db: db.set_trace_callback(ran.append))

    async def statements(branch_id: str) -> int:
        ran.clear()
        await store.branch_usage(session, tree, branch_id)
        return len(reads(ran))

    # Usage of each branch, kept usage, and the models; then kept usage on this path, and the tools.
    assert await statements("main") == 5
    # Usage of partly shared branches, then the last two of the above.
    assert await statements("fork-0") == 3
    assert [await statements("main"), await statements("fork-0")] == [0, 0]
    async with AdvancedSQLiteSession(session_id="support", db_path=files[file]) as other:
        await other.add_items(turn("more"))
        assert await statements("main") == 5
        for _ in range(2):
            await other.pop_item()
    store.close()


async def test_prefetched_usage_is_not_read_again(files: dict[str, Path]) -> None:
    store = Store(files["long"])
    (session,) = await store.sessions()
    tree = await store.tree(session)
    store.prefetch_usage(session, tree, "main")
    ran: list[str] = []
    watch_reads(store._background, lambda db: db.set_trace_callback(ran.append))
    foreseen = await store.branch_usage(session, tree, "main")
    assert reads(ran) == []
    store.close()
    other = Store(files["long"])
    assert await other.branch_usage(session, await other.tree(session), "main") == foreseen
    other.close()


async def test_no_statement_scans(files: dict[str, Path]) -> None:
    store = Store(files["long"])
    (session,) = await store.sessions()
    tree = await store.tree(session)
    ran: list[str] = []
    watch_reads(store._background, lambda db: db.set_trace_callback(ran.append))
    results = await store.branch_usage(session, tree, "fork-0")
    await store.turn_usages(session, tree, "fork-0", 1, 64)
    assert results.totals[Scope.PATH]
    for sql in reads(ran):
        steps = on_reader(store._background, partial(plan, sql))
        # The sharing branches, and rows that were selected or added up before.
        scanned = [step.split()[1] for step in steps if step.startswith("SCAN")]
        assert not [name for name in scanned if name not in DERIVED and not name.startswith("(subquery")], sql
    store.close()
