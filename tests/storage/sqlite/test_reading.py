"""Reading changes no file and leaves none behind, and another program that closes the file does not notice it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from tests.counting import counted, watch_reads
from tests.other_programs import Writer
from tui.errors import FileError
from tui.model.query import parse_query
from tui.model.search import SearchScope, SearchTarget
from tui.storage.engine import Transaction
from tui.storage.open import open_to_read
from tui.storage.sqlite.file_state import DatabaseFiles, FileState
from tui.storage.sqlite.reading import FileReader
from tui.storage.store import Store

LOG, INDEX = "-wal", "-shm"


def beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder, but the index of a log: programs count their readers in it."""
    return {found.name: b"" if found.name.endswith(INDEX) else found.read_bytes() for found in folder.iterdir()}


def texts_in(path: Path) -> list[str]:
    """Return the user's texts that a copy of the file alone has."""
    copy = path.with_name("copy-of-the-file")
    shutil.copyfile(path, copy)
    with closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as db:
        sql = "SELECT json_extract(message_data, '$.content') FROM agent_messages WHERE message_data LIKE '%\"user\"%'"
        found = [text for (text,) in db.execute(sql + " ORDER BY id")]
    copy.unlink()
    return found


def closed_file(path: Path) -> None:
    with Writer(path, "first", "second") as writer:
        writer.close()


def file_of_a_crash(path: Path) -> None:
    closed_file(path)
    with Writer(path, "third"):
        pass


def backup_with_its_log(path: Path) -> None:
    file_of_a_crash(path)
    beside(path, INDEX).unlink()


def file_with_an_empty_log(path: Path) -> None:
    """Make what a program leaves that may only read the file."""
    closed_file(path)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.execute("SELECT * FROM agent_messages").fetchall()
    assert beside(path, LOG).stat().st_size == 0


def file_without_a_log(path: Path) -> None:
    closed_file(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")


FILES: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "closed": (closed_file, ["first", "second"]),
    "left by a crash": (file_of_a_crash, ["first", "second", "third"]),
    "a backup with its log": (backup_with_its_log, ["first", "second", "third"]),
    "with an empty log": (file_with_an_empty_log, ["first", "second"]),
    "without a log": (file_without_a_log, ["first", "second"]),
}


def count_messages(tx: Transaction) -> int:
    return int(tx.execute("SELECT COUNT(*) FROM agent_messages").fetchone()[0])


async def user_texts(store: Store) -> list[str]:
    session = await store.session("support")
    assert session is not None
    return [turn.text for turn in await store.turns(session, ["main"], 1, 100)]


async def look_around(store: Store) -> list[str]:
    """Read what the explorer and the commands read, and return the user's texts."""
    session = await store.session("support")
    assert session is not None
    tree = await store.tree(session)
    await store.branch_usage(session, tree, "main", (1, 2))
    await store.page_around(session, "main", 1)
    await store.journal()
    await store.dump(session, lambda dump: [*dump.items("main", 1, 2)])
    async for _ in store.search(parse_query("first"), SearchTarget(SearchScope.FILE, session, "main")):
        pass
    await store.version()
    return await user_texts(store)


@pytest.mark.parametrize("kind", FILES)
async def test_reading_changes_nothing(path: Path, kind: str) -> None:
    make, texts = FILES[kind]
    make(path)
    before = contents(path.parent)
    store = Store(path)
    assert await look_around(store) == texts
    assert contents(path.parent) == before
    store.close()
    assert contents(path.parent) == before


async def test_reading_beside_a_writer_changes_nothing(path: Path) -> None:
    with Writer(path, "first") as writer:
        before = contents(path.parent)
        store = Store(path)
        assert await look_around(store) == ["first"]
        assert contents(path.parent) == before
        writer.add("second")
        assert await look_around(store) == ["first", "second"]
        writer.close()
        assert [found.name for found in path.parent.iterdir()] == [path.name]
        assert texts_in(path) == ["first", "second"]
        assert await look_around(store) == ["first", "second"]
        store.close()
    assert [found.name for found in path.parent.iterdir()] == [path.name]


async def test_a_writer_that_closes_the_file_during_a_read_leaves_its_content_in_the_file(path: Path) -> None:
    with Writer(path, "first") as writer:
        store = Store(path)
        session = await store.session("support")
        assert session is not None
        await store.dump(session, lambda _: writer.close())
        assert [found.name for found in path.parent.iterdir()] == [path.name]
        assert texts_in(path) == ["first"]
        store.close()


async def test_a_log_that_a_crash_left_is_not_moved_into_the_file_by_several_readers(path: Path) -> None:
    file_of_a_crash(path)
    before = contents(path.parent)
    store, other = Store(path), Store(path)
    session = await store.session("support")
    assert session is not None

    def read_again(_: object) -> int:
        engine = open_to_read(path, 5.0)
        try:
            return engine.submit_read(count_messages).result()
        finally:
            engine.close()

    assert await store.dump(session, read_again) == 6
    assert await look_around(other) == ["first", "second", "third"]
    for each in (store, other):
        each.close()
    assert contents(path.parent) == before


async def test_what_was_read_while_the_file_was_written_is_read_again(path: Path) -> None:
    closed_file(path)
    engine = open_to_read(path, 5.0)
    with Writer(path) as writer:
        writer.close()
        counts: list[int] = []

        def write_and_count(tx: Transaction) -> int:
            if not counts:
                writer.open()
                writer.add("third")
                writer.close()
            counts.append(count_messages(tx))
            return counts[-1]

        assert await engine.read(write_and_count) == 6
        assert len(counts) == 2
        assert not engine.is_current(), "what was kept of the first read may be wrong"
    engine.close()
    assert [found.name for found in path.parent.iterdir()] == [path.name]


async def test_what_is_read_once_is_of_one_moment_while_the_file_is_written(path: Path) -> None:
    closed_file(path)
    store = Store(path)
    session = await store.session("support")
    assert session is not None
    with Writer(path) as writer:
        writer.close()
        runs = []

        def write(_: object) -> None:
            runs.append(1)
            writer.open()
            writer.add("third")
            writer.close()

        await store.dump(session, write)
        assert runs == [1]
    store.close()
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert texts_in(path) == ["first", "second", "third"]


def test_commits_that_change_neither_size_nor_time_of_the_log_are_told_apart(path: Path) -> None:
    files = DatabaseFiles(path)
    with Writer(path, *map(str, range(5))) as writer, closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(FULL)")
        seen, size = [], beside(path, LOG).stat().st_size
        for number in range(3):
            writer.add(f"again {number}")
            assert beside(path, LOG).stat().st_size == size
            seen.append(files.last_commit_id())
        assert len(set(seen)) == 3
        assert files.last_commit_id() == seen[-1]


def test_a_commit_that_a_read_missed_changes_the_version(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as db:
        db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (0)")
        reader = FileReader(path, 5)
        for number in range(1, 300):
            writing = Thread(target=db.execute, args=("UPDATE t SET x = ?", (number,)))
            writing.start()
            found = []
            while writing.is_alive():
                found.append(reader.read(lambda db, version: (version, db.execute("SELECT x FROM t").fetchone()[0])))
            writing.join()
            assert {seen for version, seen in found if version == reader.version()} <= {number}
        reader.close()


def test_a_log_that_is_begun_during_a_read_changes_the_version(path: Path) -> None:
    closed_file(path)
    reader = FileReader(path, 5)
    connect = reader._connect
    with Writer(path) as writer:
        writer.close()

        def connect_and_let_others_write(state: FileState, *, locked: bool) -> object:
            opened = connect(state, locked=locked)
            writer.open()
            writer.add("third")
            return opened

        reader._connect = connect_and_let_others_write  # type: ignore[method-assign, assignment]
        sql = "SELECT COUNT(*) FROM agent_messages WHERE message_data LIKE '%third%'"
        version, found = reader.read(lambda db, version: (version, db.execute(sql).fetchone()[0]))
        assert (found, reader.version() == version) == (0, False)
    reader.close()


def test_what_is_written_to_the_log_is_no_commit_yet(path: Path) -> None:
    with Writer(path, "first") as writer:
        files = DatabaseFiles(path)
        before = files.last_commit_id()
        with beside(path, LOG).open("r+b") as log:
            last_frame = log.read()[-4096 - 24 :]
            log.write(last_frame)
        assert files.last_commit_id() == before
        writer.add("second")
        assert files.last_commit_id() != before


async def test_the_version_changes_with_each_commit_and_only_then(path: Path) -> None:
    with Writer(path, "first") as writer:
        store = Store(path)
        for number in range(4):
            version = await store.version()
            await look_around(store)
            assert await store.version() == version
            writer.add(f"turn {number}")
            assert await store.version() != version
        store.close()


async def test_the_version_is_read_without_a_lock(path: Path) -> None:
    with Writer(path, "first"):
        store = Store(path)
        opened: list[object] = []
        watch_reads(store._reader, opened.append)
        await store.version()
        assert not opened
        await store.session("support")
        assert len(opened) == 1
        store.close()


async def test_a_plain_session_is_not_read_anew_with_each_connection(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE agent_sessions (session_id TEXT PRIMARY KEY, created_at, updated_at);
            CREATE TABLE agent_messages (id INTEGER PRIMARY KEY, session_id TEXT, message_data TEXT, created_at);
            CREATE INDEX by_session ON agent_messages (session_id, id);
            INSERT INTO agent_sessions VALUES ('support', '2026-01-01', '2026-01-01');
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            INSERT INTO agent_messages
                SELECT i, 'support', '{"role": "user", "content": "turn ' || i || '"}', '2026-01-01' FROM n;
            """
        )
        # The file stays open in this process, as in another one.
        store = Store(path)
        session = await store.session("support")
        assert session is not None
        first = await counted(store, store.turns(session, ["main"], 1, 10))
        second = await counted(store, store.turns(session, ["main"], 1, 10))
        assert second.result == first.result
        assert second.steps * 10 < first.steps
        store.close()


def test_a_log_that_may_not_be_read_is_said(path: Path) -> None:
    backup_with_its_log(path)
    beside(path, LOG).chmod(0)
    if os.access(beside(path, LOG), os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(FileError, match="newest turns"):
        Store(path)
