"""Commands that read a file leave nothing behind, need no permission to write, and work beside another program."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.other_programs import Writer, look_as_other_user
from tests.storage.sqlite.test_reading import FILES, INDEX, LOG, beside, contents, texts_in
from tests.terminal import Terminal

LOOKS = {
    "list": ["list", "FILE", "--json"],
    "show": ["show", "FILE"],
    "find": ["find", "FILE", "first"],
    "usage": ["usage", "FILE", "--json"],
    "export": ["export", "FILE", "--format", "json"],
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, and that can be removed whatever its mode is."""
    made = Path(tempfile.mkdtemp(prefix="convo-tui-test-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "prepared.sqlite"
    FILES["closed"][0](path)
    return path


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", FILES)
def test_a_user_who_may_not_write_sees_everything(folder: Path, prepared: Path, kind: str, look: str) -> None:
    make, texts = FILES[kind]
    path = folder / "conversations.sqlite"
    make(path)
    for found in folder.iterdir():
        found.chmod(0o444)
    folder.chmod(0o555)
    before = contents(folder)
    done = look_as_other_user(prepared, path, LOOKS[look])
    assert (done.returncode, done.stderr) == (0, "")
    if look in ("show", "export"):
        assert [text for text in texts if text in done.stdout] == texts
    assert contents(folder) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("look", LOOKS)
def test_a_look_by_another_user_does_not_keep_the_owner_from_writing(folder: Path, prepared: Path, look: str) -> None:
    path = folder / "conversations.sqlite"
    FILES["closed"][0](path)
    folder.chmod(0o1777)
    before = contents(folder)
    assert look_as_other_user(prepared, path, LOOKS[look]).returncode == 0
    assert contents(folder) == before


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_beside_a_writer_leaves_nothing(tmp_path: Path, run: Run, look: str) -> None:
    path = tmp_path / "conversations.sqlite"
    with Writer(path, "first", "second") as writer:
        before = contents(tmp_path)
        done = run(*[path if word == "FILE" else word for word in LOOKS[look]])
        assert (done.returncode, done.stderr) == (0, "")
        assert contents(tmp_path) == before
        writer.close()
        assert texts_in(path) == ["first", "second"]
        assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", FILES)
def test_a_file_on_a_read_only_mount_is_shown(tmp_path: Path, kind: str) -> None:
    make, texts = FILES[kind]
    folder = tmp_path / "mounted"
    folder.mkdir()
    path = folder / "conversations.sqlite"
    make(path)
    in_namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "sh", "-c"]
    mount = f"mount --bind '{folder}' '{folder}' && mount -o remount,ro,bind '{folder}'"
    if (
        shutil.which("unshare") is None
        or subprocess.run([*in_namespace, mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("nothing can be mounted here")
    before = contents(folder)
    show = f"! touch '{folder}/file' 2> /dev/null && exec '{sys.executable}' -m tui show '{path}'"
    done = subprocess.run(
        [*in_namespace, f"{mount} && {show}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [text for text in texts if text in done.stdout] == texts
    assert contents(folder) == before


def test_the_explorer_does_not_keep_a_writer_from_moving_its_log_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite"
    with Writer(path, "first") as writer, Terminal([str(path)], columns=140, rows=44, forked=True) as terminal:
        terminal.until("Answer to first")
        writer.add("second")
        terminal.until("second")
        writer.close()
        terminal.type("q")
        assert terminal.wait() == 0
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert texts_in(path) == ["first", "second"]


def test_what_was_changed_is_in_the_file_at_the_end(tmp_path: Path, run: Run) -> None:
    path = plain_file(tmp_path)
    done = run("adopt", path, "--session", "plain")
    assert (done.returncode, done.stderr) == (0, "")
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_program_that_keeps_the_file_open_after_a_change_is_said(tmp_path: Path, run: Run) -> None:
    path = plain_file(tmp_path)
    with Writer(path, "first"):
        done = run("adopt", path, "--session", "plain")
        assert done.returncode == 0
        assert "is open in another program" in done.stderr
        assert f"{path.name}{LOG}" in done.stderr
        assert beside(path, INDEX).exists()


def plain_file(folder: Path) -> Path:
    """Return a file in WAL mode with a plain session."""
    path = folder / "conversations.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE agent_sessions (
                session_id TEXT PRIMARY KEY,
                created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
            );
            CREATE TABLE agent_messages (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                session_id TEXT NOT NULL,
                message_data TEXT NOT NULL,
                created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
                FOREIGN KEY (session_id) REFERENCES agent_sessions (session_id) ON DELETE CASCADE
            );
            INSERT INTO agent_sessions (session_id) VALUES ('plain');
            INSERT INTO agent_messages (session_id, message_data)
            VALUES ('plain', '{"role": "user", "content": "hello"}');
            """
        )
    return path
