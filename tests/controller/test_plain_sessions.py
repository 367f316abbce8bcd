"""Plain sessions work like any other: the first change that needs branches adds them, and undo takes them away."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from agents import SQLiteSession

from tests.controller.views import quiet, until, user_texts
from tests.conversations import open_sdk, turn
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller import SessionController
from tui.formats.json_document import json_document, stored_form
from tui.runs.protocol import Runner
from tui.storage.editor import Editor
from tui.storage.store import Store
from tui.storage.transfer.imports import ImportedSession

_ITEMS: Final = [*turn("hello", "Hi."), *turn("weather in Oslo", "Rain.", tool="weather")]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with the plain session `notes`, which has two turns."""
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("notes", path)
    await plain.add_items(_ITEMS)
    plain.close()
    return path


@pytest.fixture
def runner() -> Runner:
    return AgentRunner(AgentSettings(model="offline"))


def dump(path: Path) -> list[str]:
    """Return the content of the tables that the SDK's plain class made, except when a session was written last."""
    with closing(sqlite3.connect(path)) as db:
        sessions = db.execute("SELECT session_id, created_at FROM agent_sessions").fetchall()
        return [repr(row) for row in (*sessions, *db.execute("SELECT * FROM agent_messages ORDER BY id"))]


async def fork(controller: SessionController) -> None:
    await controller.forks.begin(2)
    assert controller.view.fork is not None
    assert controller.view.fork.text == "weather in Oslo"
    assert await controller.forks.make("other") == "other"
    assert controller.view.tree.branches.keys() == {"main", "other"}


async def send(controller: SessionController) -> None:
    assert controller.agent is not None
    await controller.agent.send("and now")
    await until(controller, quiet)
    assert user_texts(controller.view) == ["hello", "weather in Oslo", "and now"]


async def run_again(controller: SessionController) -> None:
    assert controller.agent is not None
    await controller.agent.run_again(2)
    assert len(controller.view.tree.branches) == 3


async def copy_turn(controller: SessionController) -> None:
    controller.marks.toggle(1, "main")
    await controller.management.copy_marked()
    assert user_texts(controller.view) == ["hello", "weather in Oslo", "hello"]


async def delete(controller: SessionController) -> None:
    await controller.management.delete("notes", None)
    assert controller.view.session is None


async def copy_branch(controller: SessionController) -> None:
    await controller.management.copy_branch("main", "copy")
    assert {session.session_id for session in controller.view.sessions} == {"notes", "copy"}


@pytest.mark.parametrize("change", [fork, send, run_again, copy_turn, delete, copy_branch])
async def test_a_change_needs_no_adoption_and_is_undone(
    controller: SessionController, path: Path, change: Callable[[SessionController], Awaitable[None]]
) -> None:
    before = dump(path)
    await change(controller)
    sdk = open_sdk(path, "notes")
    if change in (fork, run_again):
        assert await sdk.get_items(branch_id="main") == _ITEMS
    sdk.close()
    while controller.view.session is None or not controller.view.session.plain or dump(path) != before:
        await controller.history.undo()
    plain = SQLiteSession("notes", path)
    assert await plain.get_items() == _ITEMS
    plain.close()


async def test_the_fork_and_its_branches_are_one_change(controller: SessionController, path: Path) -> None:
    before = dump(path)
    await fork(controller)
    await controller.history.undo()
    assert controller.view.session is not None
    assert controller.view.session.plain
    assert dump(path) == before
    await controller.history.redo()
    assert controller.view.tree.branches.keys() == {"main", "other"}


async def test_a_branch_of_a_plain_session_is_copied_to_a_file(
    controller: SessionController, path: Path, tmp_path: Path
) -> None:
    before = dump(path)
    await controller.management.copy_branch("main", "copy", tmp_path / "copy.sqlite")
    assert dump(path) == before
    copy = SessionController(Store(tmp_path / "copy.sqlite"))
    await copy.open()
    assert user_texts(copy.view) == ["hello", "weather in Oslo"]
    copy.close()


@pytest.fixture
async def mixed(tmp_path: Path) -> Path:
    """A file whose session `notes` has a branch, and before and after it two turns without one."""
    path = tmp_path / "mixed.sqlite"
    for text in ("old question", "new question", "late question"):
        session = open_sdk(path, "notes") if text.startswith("new") else SQLiteSession("notes", path)
        await session.add_items(turn(text))
        session.close()
    return path


async def test_messages_without_a_branch_are_reported_and_get_a_branch(mixed: Path) -> None:
    before = dump(mixed)
    controller = SessionController(Store(mixed))
    await controller.open()
    assert user_texts(controller.view) == ["new question"]
    await controller.load_rest()
    assert controller.view.notice is not None
    assert controller.view.notice.text.startswith("4 messages of 'notes' are in no branch")
    await controller.imports.adopt("notes")
    assert controller.view.tree.branches.keys() == {"main", "plain-messages"}
    await controller.navigation.switch_branch("plain-messages")
    assert user_texts(controller.view) == ["old question", "late question"]
    await controller.history.undo()
    assert controller.view.tree.branches.keys() == {"main"}
    assert dump(mixed) == before
    controller.close()


async def test_messages_without_a_branch_survive_export_and_import(mixed: Path, tmp_path: Path) -> None:
    editor = Editor(mixed, "agent_sessions", "agent_messages")
    store = Store(mixed)
    session = await store.session("notes")
    assert session is not None
    document = json.loads("".join(await store.dump(session, lambda data: list(json_document(data, ["main"])))))
    store.close()
    await editor.import_sessions([ImportedSession("copy", document=stored_form(document))])
    for name in ("notes", "copy"):
        plain = SQLiteSession(name, mixed)
        texts = ("old question", "new question", "late question")
        assert await plain.get_items() == [item for text in texts for item in turn(text)]
        plain.close()
