"""Several tasks, threads, event loops and processes in one conversation, and cancelled calls."""

from __future__ import annotations

import asyncio
import sqlite3
import textwrap
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession

from tests.conftest import OpenOurs, OpenSDK
from tests.counting import connection_of
from tests.databases import Place, Stored
from tests.fork_server import fork_server
from tests.session.samples import rows, run, turn, turns, user
from tui.session import AdvancedSQLiteSession

AnySession: TypeAlias = AdvancedSQLiteSession | SDKSession

WRITER = """
import asyncio, sys
kind, path, name, forks = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
if kind == "sdk":
    from agents.extensions.memory import AdvancedSQLiteSession
else:
    from tui.session import AdvancedSQLiteSession

async def main():
    session = AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(forks):
        await session.add_items([{"role": "user", "content": f"{number}"}, {"role": "assistant", "content": name}])
        if number % 5 == 4:
            print(await session.create_branch_from_turn(2), flush=True)
            await session.pop_item()
            await session.switch_to_branch("main")
    session.close()

asyncio.run(main())
"""


def test_two_processes_write_at_once(path: Path) -> None:
    printed = []
    with ExitStack() as stack:
        writers = [
            stack.enter_context(fork_server().popen(["-c", textwrap.dedent(WRITER), kind, str(path), kind, "20"]))
            for kind in ("sdk", "ours", "ours")
        ]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.tell("go")
        for writer in writers:
            output, errors = writer.communicate()
            assert writer.returncode == 0, errors
            printed += output.split()
    assert len(set(printed)) == len(printed) == 12
    turn_numbers = rows(
        path,
        "SELECT user_turn_number FROM message_structure WHERE branch_id = 'main' AND message_type = 'user'"
        " ORDER BY sequence_number",
    )
    assert [number for (number,) in turn_numbers] == list(range(1, 61))
    sequence = rows(path, "SELECT COUNT(*), COUNT(DISTINCT sequence_number) FROM message_structure")
    assert sequence[0][0] == sequence[0][1]
    lost = rows(path, "SELECT COUNT(*) FROM message_structure WHERE message_id NOT IN (SELECT id FROM agent_messages)")
    assert lost == [(0,)]


async def test_two_objects_of_both_classes_in_one_process(ours: OpenOurs, sdk: OpenSDK) -> None:
    sessions: list[AnySession] = [ours(), sdk(), ours()]
    await asyncio.gather(*(session.add_items(turn(1)) for _ in range(10) for session in sessions))
    expected = [item for _ in range(30) for item in turn(1)]
    for session in sessions:
        assert await session.get_items() == expected


async def test_many_objects_on_one_database_wait_for_each_other(ours: OpenOurs, stored: Stored) -> None:
    sessions = [ours(session_id=f"chat {number}") for number in range(12)]
    await asyncio.gather(*(session.add_items(turn(1)) for _ in range(10) for session in sessions))
    assert stored("SELECT COUNT(*) FROM message_structure GROUP BY session_id") == [(40,)] * 12


async def test_calls_take_effect_in_their_order(ours: OpenOurs) -> None:
    session = ours()
    await asyncio.gather(*(session.add_items([user(str(number))]) for number in range(50)))
    assert await session.get_items() == [user(str(number)) for number in range(50)]


async def test_a_write_goes_to_the_branch_of_its_call(ours: OpenOurs, sdk: OpenSDK, tmp_path: Path) -> None:
    results = []
    sessions: list[AnySession] = [ours(tmp_path / "ours"), sdk(tmp_path / "sdk")]
    for session in sessions:
        await session.add_items(turns(3))
        await session.create_branch_from_turn(3, "other")
        await session.switch_to_branch("main")
        await asyncio.gather(
            session.switch_to_branch("other"), session.add_items([user("to main")]), session.store_run_usage(run(7))
        )
        popped = await session.pop_item()
        results.append(
            (
                popped,
                await session.get_items(branch_id="main"),
                await session.get_items(branch_id="other"),
                await session.get_turn_usage(branch_id="main"),
            )
        )
    assert results[0] == results[1]
    assert results[0][1][-1] == user("to main")


async def test_usage_belongs_to_the_turn_that_was_last_when_it_was_stored(ours: OpenOurs) -> None:
    session = ours()
    await session.add_items(turn(1))
    await asyncio.gather(session.store_run_usage(run(5)), session.add_items(turn(2)), session.store_run_usage(run(6)))
    usage: Any = await session.get_turn_usage()
    assert [(each["user_turn_number"], each["input_tokens"]) for each in usage] == [(1, 5), (2, 6)]


def test_one_object_in_one_event_loop_after_another(ours: OpenOurs) -> None:
    session = ours()
    for number in range(1, 4):
        asyncio.run(session.add_items(turn(number)))
    assert asyncio.run(session.get_items()) == turns(3)


@pytest.mark.sqlite
def test_a_loop_may_be_closed_during_a_call(ours: OpenOurs) -> None:
    session = ours()
    busy, go_on = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        busy.set()
        go_on.wait()

    async def leave_early() -> None:
        connection_of(session._access.engine).submit(hold)
        reading = asyncio.ensure_future(session.get_items())
        await asyncio.sleep(0)
        reading.cancel()

    asyncio.run(leave_early())
    assert busy.wait(10)
    go_on.set()
    asyncio.run(session.add_items(turn(1)))
    assert asyncio.run(session.get_items()) == turn(1)


def test_one_object_in_many_threads(ours: OpenOurs) -> None:
    session = ours()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: asyncio.run(session.add_items(turn(number))), range(40)))
    items = asyncio.run(session.get_items())
    # The items of each call are consecutive.
    assert sorted(str(items[start : start + 4]) for start in range(0, 160, 4)) == sorted(
        str(turn(number)) for number in range(40)
    )
    assert len(asyncio.run(session.get_conversation_turns())) == 40


CHANGES: dict[str, Callable[[AdvancedSQLiteSession], Awaitable[object]]] = {
    "add": lambda session: session.add_items(turn(3)),
    "pop": lambda session: session.pop_item(),
    "fork": lambda session: session.create_branch_from_turn(2, "other"),
    "delete": lambda session: session.delete_branch("done"),
    "usage": lambda session: session.store_run_usage(run()),
    "clear": lambda session: session.clear_session(),
}


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("name", CHANGES)
async def test_a_cancelled_change_is_completed_or_not_begun(
    ours: OpenOurs, stored: Stored, name: str, steps: int
) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.fork(branch_name="done", switch=False)
    before = everything(stored)
    change = asyncio.ensure_future(CHANGES[name](session))
    for _ in range(steps):
        await asyncio.sleep(0)
    cancelled = change.cancel("enough")
    [outcome] = await asyncio.gather(change, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError) is cancelled
    # A call that is cancelled before its first step does nothing; after that step it is completed first.
    assert (everything(stored) == before) is (steps == 0)
    await session.add_items(turn(4))


def everything(stored: Stored) -> list[object]:
    order = {
        "agent_messages": "id",
        "message_structure": "branch_id, sequence_number",
        "turn_usage": "id",
        "convo_branches": "branch_id",
    }
    return [stored(f"SELECT * FROM {table} ORDER BY {columns}") for table, columns in order.items()]


async def test_a_change_is_complete_when_its_cancellation_is_raised(ours: OpenOurs, path: Path) -> None:
    session = ours()
    go_on = threading.Event()
    connection_of(session._access.engine).submit(lambda _: go_on.wait())
    adding = asyncio.create_task(session.add_items(turn(1)))
    await asyncio.sleep(0)
    adding.cancel("first")
    await asyncio.sleep(0)
    adding.cancel("second")
    await asyncio.sleep(0)
    assert not adding.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError, match="first"):
        await adding
    assert rows(path, "SELECT COUNT(*) FROM message_structure") == [(4,)]


@pytest.mark.parametrize("name", ["add", "fork"])
async def test_a_failed_change_writes_nothing(ours: OpenOurs, place: Place, stored: Stored, name: str) -> None:
    session = ours()
    await session.add_items(turns(2))
    await session.fork(branch_name="done", switch=False)
    before = everything(stored)
    if isinstance(place, str):
        with psycopg.connect(place) as db:
            db.execute("ALTER TABLE agent_messages ADD CONSTRAINT disk_full CHECK (id < 11) NOT VALID")
            db.execute("ALTER TABLE convo_structure ADD CONSTRAINT disk_full CHECK (sequence_number < 3) NOT VALID")
    else:
        connection_of(session._access.engine).run_sync(
            lambda db: db.execute(
                "CREATE TEMP TRIGGER refuse BEFORE INSERT ON message_structure WHEN NEW.sequence_number = 19"
                " BEGIN SELECT RAISE(ABORT, 'disk_full'); END"
            )
        )
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="disk_full"):
        await CHANGES[name](session)
    assert everything(stored) == before
    assert [branch["branch_id"] for branch in await session.list_branches() if branch["is_current"]] == ["main"]
