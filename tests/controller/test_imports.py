"""Adopting plain sessions and importing transcripts."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.conversations import open_sdk, turn
from tui.controller import SessionController
from tui.controller.progress import Stopped, TaskProgress
from tui.errors import ConvoError, ReadOnlyError, TranscriptError
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with the plain session `notes`, which has two turns."""
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("notes", path)
    await plain.add_items([*turn("One"), *turn("Two", tool="weather")])
    plain.close()
    return path


async def test_a_session_is_adopted_and_the_adoption_is_undone(controller: SessionController, path: Path) -> None:
    await controller.imports.adopt("notes")
    view = controller.view
    assert view.session is not None
    assert not view.session.plain
    assert (list(view.tree.branches), view.tree.branches["main"].turns) == (["main"], 2)
    await controller.forks.begin(2)
    branch_id = await controller.forks.make("other")
    assert branch_id in controller.view.tree.branches
    await controller.history.undo()
    await controller.history.undo()
    assert controller.view.session is not None
    assert controller.view.session.plain
    plain = SQLiteSession("notes", path)
    assert len(await plain.get_items()) == 6
    plain.close()
    await controller.history.redo()
    assert controller.view.session is not None
    assert not controller.view.session.plain


async def test_a_session_with_branches_is_not_adopted_again(controller: SessionController) -> None:
    await controller.imports.adopt("notes")
    with pytest.raises(ConvoError, match="are in branches"):
        await controller.imports.adopt("notes")


async def test_a_transcript_is_imported_and_the_import_is_undone(controller: SessionController, tmp_path: Path) -> None:
    transcript = tmp_path / "chat.jsonl"
    transcript.write_text("\n".join(json.dumps(item) for item in turn("Hello", "Hi.")))
    await controller.imports.import_transcripts(transcript)
    assert controller.view.session is not None
    assert controller.view.session.session_id == "chat"
    sdk = open_sdk(Path(controller.view.file), "chat")
    assert await sdk.get_items() == turn("Hello", "Hi.")
    sdk.close()
    with pytest.raises(ConvoError, match="There is a session 'chat' already"):
        await controller.imports.import_transcripts(transcript)
    await controller.history.undo()
    assert [session.session_id for session in controller.view.sessions] == ["notes"]
    await controller.history.redo()
    assert {session.session_id for session in controller.view.sessions} == {"chat", "notes"}


async def test_all_conversations_of_a_transcript_are_imported_or_none(
    controller: SessionController, tmp_path: Path
) -> None:
    transcript = tmp_path / "many.jsonl"
    named = [{"id": "notes", "messages": turn("x")}, {"id": "new", "messages": turn("y")}]
    transcript.write_text("\n".join(map(json.dumps, reversed(named))))
    with pytest.raises(ConvoError, match="There is a session 'notes' already"):
        await controller.imports.import_transcripts(transcript)
    with closing(sqlite3.connect(Path(controller.view.file))) as db, db:
        assert db.execute("SELECT DISTINCT session_id FROM agent_messages").fetchall() == [("notes",)]
    await controller.imports.import_transcripts(transcript, "fresh")
    assert {session.session_id for session in controller.view.sessions} == {"fresh-1", "fresh-2", "notes"}


async def test_a_file_that_is_no_transcript_changes_nothing(controller: SessionController, tmp_path: Path) -> None:
    before = Path(controller.view.file).read_bytes()
    for name, content in (("not.json", b"\xff\xfe"), ("empty.json", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TranscriptError):
            await controller.imports.import_transcripts(tmp_path / name)
    with pytest.raises(TranscriptError, match="cannot be read"):
        await controller.imports.import_transcripts(tmp_path / "nowhere.json")
    assert Path(controller.view.file).read_bytes() == before


async def test_a_read_only_file_refuses_imports(path: Path, tmp_path: Path) -> None:
    controller = SessionController(Store(path), read_only=True)
    await controller.open()
    with pytest.raises(ReadOnlyError):
        await controller.imports.adopt("notes")
    with pytest.raises(ReadOnlyError):
        await controller.imports.import_transcripts(tmp_path / "x.json")
    controller.close()


async def test_a_stopped_adoption_writes_nothing(controller: SessionController, path: Path) -> None:
    progress = TaskProgress(stopped=True)
    with pytest.raises(Stopped):
        await controller.imports.adopt("notes", progress)
    assert controller.view.session is not None
    assert controller.view.session.plain
    with closing(sqlite3.connect(path)) as db:
        assert [name for (name,) in db.execute("SELECT name FROM sqlite_master") if "structure" in name] == []
