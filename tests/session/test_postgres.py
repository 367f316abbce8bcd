"""The session class on a server: many processes and hosts, lost connections, restarts, roles, and passwords."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

import psycopg
import pytest
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession

from tests.databases import plain_engine
from tests.fork_server import fork_server
from tests.postgres_server import Server, new_schema, run_server
from tests.session.samples import run, turn, turns, user
from tui.errors import ConvoError
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedPostgresSession
from tui.storage.postgres.connection import LostConnection

# Each turn is two items with the same text, which is printed when the turn is stored.
WRITER = """
import asyncio, sys
import psycopg
from tui.session import AdvancedPostgresSession
url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

async def store(session, text):
    while True:
        try:
            if not any(item["content"] == text for item in await session.get_items(50)):
                await session.add_items([{"role": "user", "content": text}, {"role": "assistant", "content": text}])
            return
        except psycopg.OperationalError:
            await asyncio.sleep(0.1)

async def main():
    session = AdvancedPostgresSession(session_id="chat", url=url)
    for number in range(count):
        text = f"{name} {number}"
        await store(session, text)
        print(text, flush=True)

asyncio.run(main())
"""


@contextmanager
def opened(url: str, session_id: str = "chat", **options: Any) -> Iterator[AdvancedPostgresSession]:
    session = AdvancedPostgresSession(session_id=session_id, url=url, **{"create_tables": True, **options})
    try:
        yield session
    finally:
        session.close()


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_lines(stream: IO[str] | None, count: int) -> list[str]:
    assert stream is not None
    return [stream.readline().strip() for _ in range(count)]


def rest_of(writer: subprocess.Popen[str]) -> list[str]:
    """Return the lines that were not read; `communicate` would miss those that are in the buffer of the stream."""
    with writer:
        assert writer.stdout is not None
        return writer.stdout.read().splitlines()


async def contents(url: str) -> list[str]:
    with opened(url) as session:
        return [str(item["content"]) for item in await session.get_items()]  # type: ignore[typeddict-item]


def test_twenty_processes_make_the_tables_at_once(postgres: str) -> None:
    code = """
        import asyncio, sys
        from tui.session import AdvancedPostgresSession
        sys.stdin.readline()
        session = AdvancedPostgresSession(session_id="chat", url=sys.argv[1], create_tables=True)
        asyncio.run(session.add_items([{"role": "user", "content": sys.argv[2]}]))
    """
    with ExitStack() as stack:
        processes = [
            stack.enter_context(fork_server().popen(["-c", textwrap.dedent(code), postgres, str(number)]))
            for number in range(20)
        ]
        for process in processes:
            process.tell("go")
        for process in processes:
            assert process.communicate() == ("", "")
    assert sorted(asyncio.run(contents(postgres)), key=int) == list(map(str, range(20)))


def test_what_was_stored_outlives_a_killed_writer(postgres: str) -> None:
    with opened(postgres):
        pass
    acknowledged: list[str] = []
    for name in "abc":
        writer = python(WRITER, postgres, name, 10_000)
        acknowledged += read_lines(writer.stdout, 10)
        writer.kill()
        acknowledged += rest_of(writer)
    stored = asyncio.run(contents(postgres))
    assert stored[::2] == stored[1::2]
    assert set(acknowledged) <= set(stored)


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """A server that can be stopped, and that waits for the disk."""
    with run_server(durable=True) as server:
        yield server


def test_what_was_stored_outlives_the_server(durable: Server) -> None:
    url = new_schema(durable.url)
    with opened(url):
        pass
    writers = [python(WRITER, url, name, 60) for name in "abcd"]
    acknowledged = [line for writer in writers for line in read_lines(writer.stdout, 5)]
    for _ in range(2):
        durable.stop("immediate")
        durable.start()
        acknowledged += [line for writer in writers for line in read_lines(writer.stdout, 5)]
    for writer in writers:
        acknowledged += rest_of(writer)
        assert writer.wait() == 0
    stored = asyncio.run(contents(url))
    assert stored[::2] == stored[1::2]
    # A change whose outcome was not known was looked for before it was repeated.
    assert sorted(acknowledged) == sorted(stored[::2])


async def test_a_connection_that_was_lost_between_two_calls_is_made_again(postgres: str) -> None:
    with opened(postgres) as session:
        await session.add_items(turn(1))
        end_connections(postgres)
        await session.add_items(turn(2))
        end_connections(postgres)
        assert await session.get_items() == turns(2)


async def test_a_connection_that_is_lost_during_a_change_is_told(postgres: str) -> None:
    with opened(postgres) as session, psycopg.connect(postgres) as other:
        await session.add_items(turn(1))
        # The change waits for this lock.
        other.execute("SELECT 1 FROM agent_sessions WHERE session_id = 'chat' FOR UPDATE")
        adding = asyncio.create_task(session.add_items(turn(2)))
        await asyncio.to_thread(wait_for_lock, postgres)
        end_connections(postgres, "wait_event_type = 'Lock'")
        await asyncio.to_thread(wait_for_lock, postgres)
        other.rollback()
        await adding
        assert await session.get_items() == turns(2)
        # Later in a change nothing is done twice.
        other.execute("LOCK TABLE agent_messages IN EXCLUSIVE MODE")
        adding = asyncio.create_task(session.add_items(turn(3)))
        await asyncio.to_thread(wait_for_lock, postgres)
        end_connections(postgres, "wait_event_type = 'Lock'")
        with pytest.raises(LostConnection, match="nothing was changed"):
            await adding
        other.rollback()
        assert await session.get_items() == turns(2)


def end_connections(url: str, condition: str = "application_name = 'convo-tui'") -> None:
    with psycopg.connect(url) as db:
        db.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {condition}")


def wait_for_lock(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        while not db.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone():
            pass


async def test_sessions_share_a_few_connections(postgres: str) -> None:
    with ExitStack() as stack:
        sessions = [stack.enter_context(opened(postgres, f"chat {number}")) for number in range(300)]
        await asyncio.gather(*(session.add_items(turn(1)) for session in sessions))
        assert all(await asyncio.gather(*(session.get_items() for session in sessions)))
        assert 1 <= connections(postgres) <= 8
        # A session that waits for a lock does not keep others from going on.
        with psycopg.connect(postgres) as other:
            other.execute("SELECT 1 FROM agent_sessions WHERE session_id = 'chat 0' FOR UPDATE")
            waiting = asyncio.create_task(sessions[0].add_items(turn(2)))
            await asyncio.gather(*(session.add_items(turn(2)) for session in sessions[1:]))
            assert not waiting.done()
        await waiting
        threads = {thread for thread in threading.enumerate() if thread.name == "convo-postgres"}
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert connections(postgres) == 0


def connections(url: str) -> int:
    with psycopg.connect(url) as db:
        row = db.execute("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'convo-tui'").fetchone()
        assert row is not None
        return int(row[0])


def test_a_program_that_never_closes_a_session_ends(postgres: str) -> None:
    code = """
        import asyncio, sys
        from tui.session import AdvancedPostgresSession
        session = AdvancedPostgresSession(session_id="chat", url=sys.argv[1], create_tables=True)
        asyncio.run(session.add_items([{"role": "user", "content": "kept"}]))
    """
    assert python(code, postgres).communicate(timeout=30) == ("", "")
    assert asyncio.run(contents(postgres)) == ["kept"]


async def test_a_role_that_may_only_read_reads(postgres: str) -> None:
    with opened(postgres) as session, psycopg.connect(postgres) as db:
        await session.add_items(turns(3))
        await session.store_run_usage(run(5))
        await session.fork(2, "branch", switch=False)
        # A plain session has items of which no type is stored.
        engine = plain_engine(postgres)
        await SQLAlchemySession("chat", engine=engine).add_items(turn(4))
        await engine.dispose()
        db.execute("DROP ROLE IF EXISTS reader")
        db.execute("CREATE ROLE reader LOGIN")
        schema = postgres.rpartition("%3D")[2]
        db.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader")
        db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
        db.commit()
        expected = await everything(session)
        for url in (
            postgres.replace("postgres@", "reader@"),
            f"{postgres}%20-cdefault_transaction_read_only%3Don",
        ):
            with opened(url, create_tables=False) as reading:
                assert await everything(reading) == expected
        with (
            opened(postgres.replace("postgres@", "reader@"), create_tables=False) as reading,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            await reading.add_items(turn(5))
        db.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM reader")
        db.execute(f"REVOKE ALL ON SCHEMA {schema} FROM reader")
        db.execute("DROP ROLE reader")


async def everything(session: AdvancedPostgresSession) -> list[object]:
    found: list[object] = [await session.list_branches(), await session.get_session_usage()]
    for branch in ("main", "branch"):
        found += [
            await session.get_items(branch_id=branch),
            await session.get_conversation_turns(branch),
            await session.get_conversation_by_turns(branch),
            await session.find_turns_by_content("question", branch),
            await session.get_tool_usage(branch),
            await session.get_turn_usage(branch_id=branch),
        ]
    return found


async def test_tables_of_other_names_and_types(postgres: str) -> None:
    with psycopg.connect(postgres) as db:
        db.execute('CREATE TABLE "Chats" (session_id TEXT PRIMARY KEY, updated_at TIMESTAMPTZ, owner TEXT)')
        db.execute(
            "CREATE TABLE chat_items (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            ' session_id TEXT REFERENCES "Chats" ON DELETE CASCADE, message_data TEXT,'
            " created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP)"
        )
    names = {"sessions_table": "Chats", "messages_table": "chat_items"}
    with opened(postgres, **names) as session:
        await session.add_items(turns(3))
        await session.create_branch_from_turn(2)
        await session.add_items(turn(9))
        assert await session.get_items() == [*turn(1), *turn(9)]
        assert await session.get_items(branch_id="main") == turns(3)
    with pytest.raises(ValueError, match="belong to 'Chats/chat_items', not to the configured 'agent_sessions/"):
        AdvancedPostgresSession(session_id="chat", url=postgres, create_tables=True)


def test_missing_tables_have_a_hint(postgres: str) -> None:
    with pytest.raises(ValueError, match=r"has no table agent_messages, .*create_tables=True"):
        AdvancedPostgresSession(session_id="chat", url=postgres)


async def test_times_are_in_utc_in_the_order_of_the_items(postgres: str) -> None:
    # The zone of a connection decides what a time without a zone means.
    zones = [f"{postgres}%20-ctimezone%3D{zone}" for zone in ("Asia/Tokyo", "America/New_York", "UTC")]
    for number, url in enumerate(zones):
        with opened(url) as session:
            await session.add_items([user(str(number))])
    with opened(postgres) as session:
        assert await session.get_items() == [user(str(number)) for number in range(3)]


def test_no_password_is_shown(postgres: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[BaseException] = []
    secret = "hunter2"
    for url in (
        f"postgresql://postgres:{secret}@127.0.0.1:1/postgres",
        f"postgresql://postgres:a@{secret}@127.0.0.1/postgres",
        f"postgresql://postgres:a/{secret}@127.0.0.1/postgres",
        f"postgresql://postgres:{secret}/a@127.0.0.1/postgres",
        f"postgresql://postgres:{secret}?a@127.0.0.1/postgres",
        f"postgresql://postgres:{secret}:a@127.0.0.1/postgres",
        f"postgresql://postgres:{secret}@[::1/postgres",
        f"host=127.0.0.1 password={secret} nonsense={secret}",
    ):
        with pytest.raises((ConvoError, psycopg.Error)) as raised:
            AdvancedPostgresSession(session_id="chat", url=url)
        error: BaseException | None = raised.value
        while error is not None:
            errors.append(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    with opened(postgres.replace("postgres@", f"postgres:{secret}@")) as session:
        assert session.url.startswith("postgresql://postgres@127.0.0.1:")
        shown = [str(vars(session)), session.url, session._access.engine.target]
    shown += [text for error in errors for text in (str(error), repr(error))]
    assert secret not in "\n".join([*shown, caplog.text])


async def test_a_url_of_sqlalchemy_is_taken(postgres: str) -> None:
    url = postgres.replace("postgresql://", "postgresql+asyncpg://")
    async with AdvancedPostgresSession.from_url("chat", url=url, create_tables=True) as session:
        await session.add_items(turn(1))


CALLS: dict[str, tuple[int, Callable[[AdvancedPostgresSession], Awaitable[object]]]] = {
    "last": (3, lambda session: session.get_items(20)),
    "append": (5, lambda session: session.add_items(turn(1))),
    "pop": (8, lambda session: session.pop_item()),
    "switch": (3, lambda session: session.switch_to_branch("main")),
}
"""The most messages to the server that a call takes."""


async def test_the_number_of_round_trips_does_not_grow(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    execute = psycopg.Cursor.execute

    def counting(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        # Nobody waits for the end of a transaction that reads.
        sent.extend([query] if query != "COMMIT" else [])
        return execute(cursor, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    for turn_count in (5, 500):
        with opened(postgres, f"chat of {turn_count}") as session:
            await session.add_items(turns(turn_count))
            await session.fork(branch_name="other")
            for branch in ("main", "other"):
                for name, (most, call) in CALLS.items():
                    await session.switch_to_branch(branch)
                    sent.clear()
                    await call(session)
                    assert len(sent) <= most, (name, branch, sent)


def granted(url: str, role: str) -> str:
    """Make a role with the rights that docs/postgres.md names, and return the URL with which it connects."""
    text = (Path(__file__).parents[2] / "docs" / "postgres.md").read_text("utf-8")
    (statements,) = (sql for sql in re.findall(r"```sql\n(.*?)```", text, re.DOTALL) if f"TO {role};" in sql)
    with psycopg.connect(url) as db:
        db.execute(f"CREATE ROLE {role} LOGIN")
        db.execute(statements.replace("SCHEMA public", f"SCHEMA {url.rpartition('%3D')[2]}"))
    return url.replace("postgres@", f"{role}@")


async def test_the_rights_of_an_agent_are_enough(postgres: str) -> None:
    with opened(postgres):
        pass
    agent, viewer = granted(postgres, "agent"), granted(postgres, "viewer")
    with opened(agent, create_tables=False) as session:
        for number in range(1, 4):
            await session.add_items(turn(number))
            await session.store_run_usage(run(number))
        await session.record_run(outcome="done", model="gpt-5")
        sent = SentRequest(RequestUsage(7, 3, 1, 0, 0), instructions="long" * 20, items=cast(Any, turns(3)))
        await session.record_request(sent, first=True)
        await session.fork(2, "other")
        await session.add_items(turn(4))
        await session.store_run_usage(run(5))
        await session.fork(3, "shares it", switch=False)
        for _ in turn(4):
            await session.pop_item()
        await session.delete_branch("other", force=True)
        await session._atomic_replace_items([user("summary")])
        await session.fork(1, "empty", switch=False)
        snapshot = await session._get_compaction_snapshot(10)
        assert snapshot is not None
        assert await snapshot.replace_suffix(0, [user("shorter")])
        with opened(viewer, create_tables=False) as looking:
            assert await everything(looking) == await everything(session)
        await session.clear_session()
        await session.add_items(turn(5))
        assert await session.get_items() == turn(5)
    with psycopg.connect(postgres) as db:
        for role in ("agent", "viewer"):
            db.execute(f"DROP OWNED BY {role}")
            db.execute(f"DROP ROLE {role}")
