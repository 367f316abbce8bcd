"""Runs are recorded for their turn: every branch that holds the turn has them, and they are deleted with it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.conftest import OpenSDK
from tests.counting import connection_of
from tests.databases import Place, on_file, open_other, open_ours, rows
from tests.session.samples import assistant, run, turn, turns
from tui.session.advanced import AdvancedSession

Open: TypeAlias = Callable[..., AdvancedSession]


@pytest.fixture
def ours(place: Place, opened: ExitStack) -> Open:
    """Open a session with this project's class."""

    def open_session(session_id: str = "chat") -> AdvancedSession:
        session = open_ours(place, session_id)
        opened.callback(session.close)
        return session

    return open_session


def recorded(place: Place, columns: str = "branch_id, user_turn_number, message_id, outcome") -> list[tuple[Any, ...]]:
    """Return the recorded runs of a database, oldest first."""
    return rows(place, f"SELECT {columns} FROM convo_runs ORDER BY id")


async def test_a_run_is_recorded_for_the_last_turn_with_all_that_is_known(ours: Open, place: Place) -> None:
    session = ours()
    await session.add_items([assistant("before any turn"), *turns(2)])
    await session.record_run(
        outcome="failed",
        model="gpt-5-mini",
        agent="Billing",
        started_at="2026-03-04 05:06:07",
        seconds=1.25,
        error="The server went away.",
        estimated=True,
        reported=False,
    )
    await session.record_run(outcome="done")
    assert recorded(place) == [("main", 2, 6, "failed"), ("main", 2, 6, "done")]
    assert recorded(place, "model, agent, started_at, seconds, error, estimated, reported") == [
        ("gpt-5-mini", "Billing", "2026-03-04 05:06:07", 1.25, "The server went away.", 1, 0),
        (None, None, None, None, None, 0, 1),
    ]
    assert recorded(place, "session_id, created_at > '2026'") == [("chat", 1)] * 2


async def test_without_a_turn_nothing_is_recorded_and_no_table_of_a_file_created(ours: Open, place: Place) -> None:
    session = ours()
    await session.record_run(outcome="done")
    await session.add_items([assistant("before any turn")])
    await session.record_run(outcome="done")
    await session.fork(branch_name="empty")
    await session.record_run(outcome="done")
    await ours().delete_branch("empty")
    await session.record_run(outcome="done")
    if isinstance(place, Path):
        assert rows(place, "SELECT name FROM sqlite_master WHERE name LIKE 'convo_runs%'") == []
    else:
        assert recorded(place) == []


async def test_an_unknown_outcome_is_refused(ours: Open) -> None:
    session = ours()
    await session.add_items(turns(1))
    with pytest.raises(ValueError, match="'fine' is not a valid Outcome"):
        await session.record_run(outcome="fine")
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        await session.record_run(outcome="done")


async def test_a_run_belongs_to_the_branch_that_was_current_at_the_call(ours: Open, place: Place) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.fork(branch_name="other")
    await session.add_items(turn(3))
    await asyncio.gather(session.record_run(outcome="done"), session.switch_to_branch("main"))
    await session.record_run(outcome="stopped")
    assert recorded(place, "branch_id, user_turn_number, outcome") == [("other", 3, "done"), ("main", 2, "stopped")]


async def test_a_run_is_not_recorded_if_the_session_was_cleared_meanwhile(ours: Open, place: Place) -> None:
    session = ours()
    await session.add_items(turns(1))
    other = open_other(place, "chat")
    await other.clear_session()
    other.close()
    again = ours()
    await again.add_items(turns(1))
    await session.record_run(outcome="done")
    await again.record_run(outcome="stopped")
    assert recorded(place) == [("main", 1, 5, "stopped")]


async def test_the_record_of_a_shared_turn_outlives_the_branch_that_ran_it(ours: Open, place: Place) -> None:
    session = ours()
    await session.add_items(turns(1))
    await session.fork(branch_name="a")
    for number in (2, 3):
        await session.add_items(turn(number))
        await session.record_run(outcome="done", seconds=number)
    await session.fork(3, branch_name="b")
    await session.delete_branch("a")
    assert recorded(place, "branch_id, user_turn_number, outcome") == [("a", 2, "done")]
    await session.delete_branch("b", force=True)
    assert recorded(place) == []


async def test_a_record_is_deleted_with_the_last_item_of_its_turn(ours: Open, place: Place) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.record_run(outcome="done")
    await session.fork(branch_name="other", switch=False)
    for _ in range(4):
        await session.pop_item()
    assert recorded(place) == [("main", 2, 5, "done")]
    await session.switch_to_branch("other")
    for _ in range(3):
        await session.pop_item()
    assert recorded(place) == [("main", 2, 5, "done")]
    await session.pop_item()
    assert recorded(place) == []


async def test_clearing_a_session_deletes_only_its_records(ours: Open, place: Place) -> None:
    session, other = ours(), ours(session_id="other")
    for each in (session, other):
        await each.add_items(turns(1))
        await each.record_run(outcome="done")
    await session.clear_session()
    assert recorded(place, "session_id, message_id") == [("other", 5)]


@on_file
async def test_the_sdk_s_class_works_on_a_file_with_runs(ours: Open, sdk: OpenSDK, place: Place) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.record_run(outcome="done")
    theirs = sdk()
    assert await theirs.get_items() == turns(2)
    await theirs.create_branch_from_turn(2, "theirs")
    await theirs.add_items(turn(9))
    await theirs.store_run_usage(run(7))
    await session.switch_to_branch("theirs")
    await session.record_run(outcome="failed")
    assert recorded(place) == [("main", 2, 5, "done"), ("theirs", 2, 9, "failed")]
    # Rows that the SDK's class leaves behind are deleted by the next deletion of our class.
    await theirs.switch_to_branch("main")
    await theirs.delete_branch("theirs")
    assert await theirs.get_items() == turns(2)
    await session.switch_to_branch("main")
    await session.fork(2, branch_name="ours")
    await session.add_items(turn(3))
    await session.delete_branch("ours", force=True)
    assert recorded(place) == [("main", 2, 5, "done")]
    await theirs.clear_session()
    await theirs.add_items(turns(1))
    assert await session.get_items() == turns(1)


@on_file
async def test_recording_is_one_round_trip_and_scans_nothing(ours: Open) -> None:
    counts = []
    for size in (5, 500):
        session = ours(session_id=str(size))
        await session.add_items(turns(size))
        await session.record_run(outcome="done")
        connection = connection_of(session._access.engine)
        ran: list[str] = []
        connection.run_sync(lambda db, ran=ran: db.set_trace_callback(ran.append))  # type: ignore[misc]
        await session.record_run(outcome="done")
        connection.run_sync(lambda db: db.set_trace_callback(None))
        counts.append(len(ran))
        assert [statement for statement in ran if statement.startswith("BEGIN")] == ["BEGIN IMMEDIATE"]
        for statement in ran:
            if statement.startswith(("SELECT", "INSERT")) and "sqlite_master" not in statement:
                assert not connection.run_sync(partial(scans, statement)), statement
    assert counts[0] == counts[1]


def scans(statement: str, db: sqlite3.Connection) -> list[str]:
    """Return the steps of a statement's plan that read a complete table."""
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
