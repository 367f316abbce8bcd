"""Opening and closing sessions, sessions that are never closed, and what is imported when."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import SessionSettings
from agents.memory import Session

from tests.conftest import OpenOurs, OpenSDK
from tests.conversations import turn
from tests.counting import connection_of
from tests.session.samples import rows, run, turns, user
from tui.session import AdvancedSQLiteSession


def python(code: str, *arguments: object) -> str:
    """Run a program that must end by itself, and return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_a_session_loads_neither_the_sdk_nor_the_terminal(path: Path) -> None:
    loaded = python(
        """
        import asyncio, sys
        from tui.session import AdvancedSQLiteSession

        async def main():
            session = AdvancedSQLiteSession(session_id="chat", db_path=sys.argv[1], create_tables=True)
            await session.add_items([{"role": "user", "content": "hello"}])
            assert await session.get_items()
            await session.fork()
            await session.pop_item()

        asyncio.run(main())
        print(*(name for name in ("agents", "openai", "psycopg", "textual", "rich") if name in sys.modules))
        """,
        path,
    )
    assert not loaded.strip()


def test_a_program_that_never_closes_a_session_ends(path: Path) -> None:
    python(
        """
        import asyncio, sys
        from tui.session import AdvancedSQLiteSession

        session = AdvancedSQLiteSession(session_id="chat", db_path=sys.argv[1], create_tables=True)
        asyncio.run(session.add_items([{"role": "user", "content": "kept"}]))
        """,
        path,
    )
    # Nothing was left in the write-ahead log.
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert rows(path, "SELECT message_data FROM agent_messages") == [('{"role": "user", "content": "kept"}',)]


def test_a_garbage_collected_session_is_closed(path: Path) -> None:
    session = AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True)
    asyncio.run(session.add_items([user("hello")]))
    worker = connection_of(session._access.engine)._worker._thread
    forgotten = weakref.ref(session)
    del session
    gc.collect()
    assert forgotten() is None
    worker.join(timeout=10)
    assert not worker.is_alive()


def test_an_error_leaves_no_thread_behind(path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(ValueError, match="create_tables=True"):
        AdvancedSQLiteSession(session_id="chat", db_path=path)
    assert threading.active_count() == before


async def test_closing_is_final_and_can_be_repeated(ours: OpenOurs, caplog: pytest.LogCaptureFixture) -> None:
    session = ours()
    await session.add_items([user("hello")])
    await session.close()
    session.close()
    for call in (
        session.add_items([]),
        session.add_items([user("too late")]),
        session.get_items(),
        session.pop_item(),
        session.clear_session(),
        session.switch_to_branch("main"),
        session.create_branch_from_turn(1),
        session.list_branches(),
    ):
        with pytest.raises(RuntimeError, match=r"^\w+Session is closed$"):
            await call
    assert not caplog.records
    await session.store_run_usage(run())
    assert [record.message for record in caplog.records] == ["Failed to store session usage"]


async def test_closing_waits_for_calls_that_were_made(ours: OpenOurs, path: Path) -> None:
    session = ours()
    writes = [asyncio.create_task(session.add_items(turns(1))) for _ in range(5)]
    await asyncio.sleep(0)
    session.close()
    await asyncio.gather(*writes)
    assert rows(path, "SELECT COUNT(*) FROM message_structure") == [(20,)]


async def test_leaving_the_async_with_block_closes_the_session(path: Path) -> None:
    async with AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True) as session:
        await session.add_items([user("hello")])
    with pytest.raises(RuntimeError, match="closed"):
        await session.get_items()


@pytest.mark.sqlite
async def test_in_memory(ours: OpenOurs) -> None:
    session = ours(":memory:")
    await session.add_items(turns(2))
    await session.create_branch_from_turn(2)
    assert await session.get_items() == turns(1)


def test_it_is_a_session_for_the_sdk(ours: OpenOurs) -> None:
    assert isinstance(ours(), Session)


def test_settings_are_handled_as_by_the_sdk(ours: OpenOurs, sdk: OpenSDK) -> None:
    for options in ({}, {"session_settings": {"limit": 2}}, {"session_settings": SessionSettings(limit=2)}):
        assert ours(**options).session_settings == sdk(**options).session_settings
    for wrong in ({"limits": 2}, "2", {"limit": "two"}):
        with pytest.raises((TypeError, ValueError)) as expected:
            sdk(session_settings=wrong)
        with pytest.raises(expected.type) as error:
            ours(session_settings=wrong)
        assert str(error.value) == str(expected.value)


async def test_settings_limit_the_items_that_are_read(ours: OpenOurs) -> None:
    session = ours(session_settings={"limit": 3})
    await session.add_items(turns(2))
    assert await session.get_items() == turns(2)[-3:]
    assert await session.get_items(limit=1) == turns(2)[-1:]
    session.session_settings = None
    assert await session.get_items() == turns(2)


def test_the_usual_mistakes_raise_an_error_that_shows_what_to_write() -> None:
    mistakes: list[Callable[[], object]] = [
        lambda: AdvancedSQLiteSession("chat"),  # type: ignore[call-arg]
        lambda: AdvancedSQLiteSession("chat", "file.sqlite"),  # type: ignore[call-arg]
        lambda: AdvancedSQLiteSession(db_path="file.sqlite", create_tables=True),  # type: ignore[call-arg]
    ]
    for mistake in mistakes:
        with pytest.raises(TypeError, match=r"write AdvancedSQLiteSession\(session_id=\.\.\."):
            mistake()
    with pytest.raises(TypeError, match="conversation_id"):
        AdvancedSQLiteSession(session_id="chat", conversation_id="chat")  # type: ignore[call-arg]


async def test_methods_can_be_replaced_on_an_object(ours: OpenOurs, monkeypatch: pytest.MonkeyPatch) -> None:
    session = ours()
    added: list[object] = []

    async def add_items(items: object) -> None:
        added.append(items)

    monkeypatch.setattr(session, "add_items", add_items)
    await session.add_items([user("hello")])
    assert added == [[user("hello")]]
    assert not hasattr(session, "run_compaction")


async def test_failures_are_logged_without_the_conversation(
    ours: OpenOurs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("my agent")
    session = ours(logger=logger)
    for allowed, logged in (("1", "Failed to add session items"), ("0", "Failed to add session items: Object of type")):
        for kind in ("MODEL", "TOOL"):
            monkeypatch.setenv(f"OPENAI_AGENTS_DONT_LOG_{kind}_DATA", allowed)
        caplog.clear()
        with pytest.raises(TypeError, match="not JSON serializable"):
            await session.add_items([user("hello"), {"role": "user", "content": object()}])  # type: ignore[misc,list-item]
        assert [record.name for record in caplog.records] == ["my agent"]
        assert caplog.records[0].message.startswith(logged)
    assert await session.get_items() == []


def test_a_subclass_that_overrides_what_is_never_called_is_refused() -> None:
    with pytest.raises(TypeError, match="Custom overrides _is_user_message, which only the SDK's class calls"):
        type("Custom", (AdvancedSQLiteSession,), {"_is_user_message": lambda _self, _item: True})


async def test_a_subclass_overrides_public_methods_and_reads_the_current_branch(path: Path) -> None:
    class Trimmed(AdvancedSQLiteSession):
        async def get_items(self, limit: int | None = None, branch_id: str | None = None) -> list[Any]:
            return (await super().get_items(limit, branch_id))[-1:]

    session = Trimmed(session_id="chat", db_path=path, create_tables=True)
    await session.add_items([*turn("one"), *turn("two")])
    branch = await session.create_branch_from_turn(2)
    assert session._current_branch_id == branch
    assert len(await session.get_items()) == 1
    session.close()
