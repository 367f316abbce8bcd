"""The work of a call does not grow with the branch: the same statements, and no scan in any of their plans."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.conftest import OpenOurs
from tests.counting import connection_of
from tests.session.samples import rows, turn, turns
from tui.session import AdvancedSQLiteSession

pytestmark = pytest.mark.sqlite

NUMBERS = count(1)

Call: TypeAlias = Callable[[AdvancedSQLiteSession], Awaitable[object]]

CALLS: dict[str, Call] = {
    "append": lambda session: session.add_items(turn(1)),
    "pop": lambda session: session.pop_item(),
    "switch": lambda session: session.switch_to_branch("other"),
    "last": lambda session: session.get_items(20),
    # A generated name contains the time; within the same second another name has to be found.
    "fork": lambda session: session.fork(3, branch_name=f"fork {next(NUMBERS)}"),
    "fork at the end": lambda session: session.fork(branch_name=f"fork {next(NUMBERS)}"),
}

SIZES = {"a short branch": (5, 1), "a long branch": (500, 1), "many branches": (50, 100)}
"""Number of turns of `main`, and of other branches."""


async def fill(session: AdvancedSQLiteSession, turn_count: int, branches: int) -> None:
    await session.add_items(turns(turn_count))
    await session.fork(branch_name="other", switch=False)
    for number in range(1, branches):
        await session.fork(2 + number % turn_count, branch_name=f"branch {number}", switch=False)


async def statements(session: AdvancedSQLiteSession, call: Call) -> list[str]:
    """Return the statements that a call runs, with their values."""
    ran: list[str] = []
    connection = connection_of(session._access.engine)
    connection.run_sync(lambda db: db.set_trace_callback(ran.append))
    await call(session)
    connection.run_sync(lambda db: db.set_trace_callback(None))
    return ran


def plan(statement: str, db: sqlite3.Connection) -> list[str]:
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]


@pytest.mark.parametrize("name", CALLS)
async def test_the_number_of_statements_does_not_grow(ours: OpenOurs, tmp_path: Path, name: str) -> None:
    counts = {}
    for size, (turn_count, branches) in SIZES.items():
        session = ours(tmp_path / f"{size}.sqlite")
        await fill(session, turn_count, branches)
        # The first call may make an index or a table of this project.
        await CALLS[name](session)
        await session.switch_to_branch("main")
        counts[size] = len(await statements(session, CALLS[name]))
    assert len(set(counts.values())) == 1, counts


@pytest.mark.parametrize("size", ["a long branch", "many branches"])
@pytest.mark.parametrize("name", ["append", "pop", "switch", "last"])
async def test_no_statement_scans(ours: OpenOurs, name: str, size: str) -> None:
    session = ours()
    await fill(session, *SIZES[size])
    await CALLS[name](session)
    await session.switch_to_branch("main")
    for statement in await statements(session, CALLS[name]):
        if not statement.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            continue

        steps = connection_of(session._access.engine).run_sync(partial(plan, statement))
        assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"], statement
        assert not [step for step in steps if "TEMP B-TREE" in step], statement


@pytest.mark.parametrize("name", ["append", "pop", "switch", "last"])
async def test_the_number_of_rows_read_does_not_grow(ours: OpenOurs, tmp_path: Path, name: str) -> None:
    """The number of steps that SQLite counts grows with the depth of its trees, and with nothing else."""
    counts = {}
    for size, (turn_count, branches) in SIZES.items():
        session = ours(tmp_path / f"{size}.sqlite")
        await fill(session, turn_count, branches)
        await CALLS[name](session)
        await session.switch_to_branch("main")
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        connection = connection_of(session._access.engine)
        connection.run_sync(lambda db: db.set_progress_handler(count, 1))
        await CALLS[name](session)
        connection.run_sync(lambda db: db.set_progress_handler(None, 1))
        counts[size] = steps
    assert max(counts.values()) <= 1.5 * min(counts.values()), counts


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_is_one_round_trip(ours: OpenOurs, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    session = ours()
    await session.add_items(turns(5))
    await session.fork(branch_name="other", switch=False)
    connection = connection_of(session._access.engine)
    submit, submitted = connection.submit, []

    def count(work: Callable[[sqlite3.Connection], object]) -> Future[object]:
        submitted.append(work)
        return submit(work)

    monkeypatch.setattr(connection, "submit", count)
    await CALLS[name](session)
    assert len(submitted) == 1


async def test_reading_writes_nothing(ours: OpenOurs) -> None:
    session = ours()
    await session.add_items(turns(3))
    await session.fork(2, branch_name="other", switch=False)
    looks: list[Call] = [
        lambda session: session.get_items(),
        lambda session: session.list_branches(),
        lambda session: session.get_conversation_turns(),
        lambda session: session.get_conversation_by_turns(),
        lambda session: session.find_turns_by_content("2"),
        lambda session: session.get_tool_usage(),
        lambda session: session.get_session_usage(),
        lambda session: session.get_turn_usage(),
        lambda session: session.switch_to_branch("other"),
    ]
    for look in looks:
        ran = await statements(session, look)
        assert {sql.split()[0] for sql in ran} <= {"BEGIN", "SELECT", "WITH", "COMMIT"}
        assert "BEGIN IMMEDIATE" not in ran


async def test_convo_tables_are_created_by_the_first_write_that_needs_them(ours: OpenOurs, path: Path) -> None:
    def additions() -> set[str]:
        return {name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE name LIKE 'convo_%'")}

    session = ours()
    await session.add_items(turns(3))
    await session.get_items()
    assert additions() == set()
    await session.fork(2)
    assert additions() == {"convo_branches"}
    await session.pop_item()
    assert additions() == {"convo_branches", "convo_structure_message"}
