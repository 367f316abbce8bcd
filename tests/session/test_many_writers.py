"""Many processes write to one file while the explorer reads it: everything is stored, and there are no errors."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import OpenOurs
from tests.counting import connection_of
from tests.fork_server import PipedProcess, fork_server
from tests.session.samples import rows, turn, turns, user
from tests.terminal import Terminal
from tui.session import AdvancedSQLiteSession
from tui.storage.store import Store

WRITERS = 8
TURNS = 25

WRITER = """
import asyncio, json, sys
from tui.session import AdvancedSQLiteSession

async def main():
    async with AdvancedSQLiteSession(session_id=sys.argv[2], db_path=sys.argv[1], create_tables=True) as session:
        first, *others = json.loads(sys.stdin.readline())
        await session.add_items(first)
        print("ready", flush=True)
        sys.stdin.readline()
        for items in others:
            await session.add_items(items)

asyncio.run(main())
"""


@contextmanager
def writing(path: Path) -> Iterator[list[PipedProcess]]:
    """Start processes that each append turns to a session of their own, all at the same time."""
    with ExitStack() as stack:
        writers = [
            stack.enter_context(fork_server().popen(["-c", WRITER, str(path), f"session {number}"]))
            for number in range(WRITERS)
        ]
        conversation = json.dumps([turn(number) for number in range(1, TURNS + 1)])
        for writer in writers:
            stack.callback(writer.kill)
            writer.tell(conversation)
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.tell("go")
        yield writers


def all_done(writers: list[PipedProcess]) -> None:
    """Wait for the writers, which must print nothing."""
    for writer in writers:
        output, errors = writer.communicate()
        assert (writer.returncode, output, errors) == (0, "", "")


def assert_all_arrived(path: Path) -> None:
    expected = [(4 * (number - 1) + place, number) for number in range(1, TURNS + 1) for place in range(1, 5)]
    for number in range(WRITERS):
        name = f"session {number}"
        assert asyncio.run(items_of(path, name)) == turns(TURNS)
        numbering = (
            "SELECT sequence_number, user_turn_number FROM message_structure WHERE session_id = ?"
            " AND user_turn_number = branch_turn_number ORDER BY sequence_number"
        )
        assert rows(path, numbering, name) == expected
    counts = rows(path, "SELECT COUNT(*), COUNT(DISTINCT message_id) FROM message_structure")
    assert counts == [(WRITERS * TURNS * 4, WRITERS * TURNS * 4)]
    assert rows(path, "SELECT COUNT(*) FROM agent_messages") == [(WRITERS * TURNS * 4,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def items_of(path: Path, name: str) -> list[object]:
    async with AdvancedSQLiteSession(session_id=name, db_path=path) as session:
        return list(await session.get_items())


async def look_until_done(path: Path, writers: list[PipedProcess]) -> int:
    """Read the file as the explorer does whenever it has changed, and return how often it was read."""
    with closing(Store(path)) as store:
        looks, seen, known = 0, None, 0
        while any(writer.poll() is None for writer in writers) or looks == 0:
            if (version := await store.version()) == seen:
                continue
            seen = version
            looks += 1
            items = 0
            for session in await store.sessions():
                tree = await store.tree(session)
                count = (await store.count_items(session)).get("main", 0)
                page = await store.page(session, "main", 0, count)
                # The page is read after the count, so it is not shorter.
                assert [item.position for item in page.items] == list(range(count))
                await store.branch_usage(session, tree, "main")
                items += count
            # No item disappears.
            assert items >= known
            known = items
        return looks


def test_eight_processes_write_and_the_explorer_reads(path: Path) -> None:
    with writing(path) as writers:
        assert asyncio.run(look_until_done(path, writers)) > 0
        all_done(writers)
    assert_all_arrived(path)


def test_eight_processes_write_and_convo_tui_is_open(path: Path) -> None:
    with writing(path) as writers:
        with Terminal([str(path), "--session", "session 3"], forked=True) as terminal:
            terminal.until("question")
            terminal.type("t")
            text = terminal.until(f"answer {TURNS}")
            terminal.type("q")
            assert terminal.wait() == 0
        assert "locked" not in text
        assert "locked" not in terminal.written.decode(errors="replace")
        all_done(writers)
    assert_all_arrived(path)


@contextmanager
def held(path: Path, session: AdvancedSQLiteSession) -> Iterator[sqlite3.Connection]:
    """Lock the file by another connection; the session does not wait for it."""
    connection_of(session._access.engine).run_sync(lambda db: db.execute("PRAGMA busy_timeout = 0"))
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_writers_that_commit_are_waited_for(ours: OpenOurs, path: Path) -> None:
    session = ours()
    await session.add_items(turn(1))
    tries = 0

    def take_turns(statement: str) -> None:
        """Each time that the session finds the file locked, another writer has locked it."""
        nonlocal tries
        if statement == "BEGIN IMMEDIATE":
            tries += 1
            other.execute("INSERT INTO branch_reservations VALUES ('another', ?)", (tries,))
        elif tries and statement == "PRAGMA data_version":
            other.execute("COMMIT")
            if tries < 20:
                other.execute("BEGIN IMMEDIATE")

    with held(path, session) as other:
        connection = connection_of(session._access.engine)
        connection.run_sync(lambda db: db.set_trace_callback(take_turns))
        await session.add_items(turn(2))
        connection.run_sync(lambda db: db.set_trace_callback(None))
    assert tries > 10
    assert await session.get_items() == turns(2)


async def test_a_writer_that_holds_the_file_is_not_waited_for_forever(ours: OpenOurs, path: Path) -> None:
    session = ours()
    with held(path, session) as other:
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            await session.add_items([user("nobody hears")])
        other.execute("ROLLBACK")
        await session.add_items([user("once more")])
    assert await session.get_items() == [user("once more")]
