"""Making branches."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.controller.views import selection
from tests.conversations import open_sdk, turn
from tui.controller import SessionController
from tui.errors import ConvoError, ReadOnlyError
from tui.model import ForkDraft
from tui.storage.store import Store


async def test_a_fork_is_prepared_edited_and_made(controller: SessionController, path: Path) -> None:
    await controller.navigation.switch_branch("main")
    await controller.forks.begin(2)
    draft = controller.view.fork
    assert draft == ForkDraft("main", 2, "main 2")
    assert selection(controller.view) == ("main", 2)
    branch_id = await controller.forks.make(" better ")
    assert branch_id == "better"
    assert selection(controller.view) == ("better", 1)
    assert controller.view.fork is None
    assert controller.view.tree.branches["better"].parent == "main"
    sdk = open_sdk(path)
    assert "better" in [branch["branch_id"] for branch in await sdk.list_branches()]
    assert len(await sdk.get_items(branch_id="better")) == 2
    sdk.close()
    await controller.navigation.switch_back()
    assert selection(controller.view) == ("main", 2)


async def test_leaving_the_fork_editor_writes_nothing(controller: SessionController, path: Path) -> None:
    store = Store(path)
    before = await store.version()
    await controller.forks.begin(2)
    controller.forks.cancel()
    assert not controller.view.fork
    assert await store.version() == before
    store.close()
    with pytest.raises(ConvoError, match="No fork is being prepared"):
        await controller.forks.make()


@pytest.mark.parametrize(("at", "draft", "items"), [(1, "main 1", 0), (5, "", 8)])
async def test_forks_at_both_ends_are_stored(path: Path, at: int, draft: str, items: int) -> None:
    first = SessionController(Store(path))
    await first.open("support", "main")
    await first.forks.begin(at)
    assert first.view.fork == ForkDraft("main", at, draft)
    branch_id = await first.forks.make()
    assert first.view.branch_id == branch_id
    assert first.view.items == items
    first.close()
    again = SessionController(Store(path))
    await again.open("support", branch_id)
    assert again.view.items == items
    branch = again.view.tree.branches[branch_id]
    assert (branch.parent, branch.fork_turn) == ("main", at)
    again.close()


async def test_a_used_name_keeps_the_fork_editor_open(controller: SessionController) -> None:
    await controller.forks.begin(3, "main")
    with pytest.raises(ConvoError, match="has already been used"):
        await controller.forks.make("alt")
    assert controller.view.fork == ForkDraft("main", 3, "main 3")


async def test_a_read_only_file_refuses_a_fork(path: Path) -> None:
    controller = SessionController(Store(path), read_only=True)
    await controller.open()
    await controller.forks.begin(2)
    assert controller.view.fork is None
    assert controller.view.notice is not None
    assert controller.view.notice.severity == "warning"
    with pytest.raises(ReadOnlyError):
        await controller.forks.make()
    controller.close()


async def test_an_error_of_the_file_is_reported(controller: SessionController, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TRIGGER no BEFORE INSERT ON message_structure BEGIN SELECT RAISE(ABORT, 'not today'); END")
    db.close()
    await controller.forks.begin(3, "main")
    with pytest.raises(ConvoError, match="not today"):
        await controller.forks.make("mine")
    assert controller.view.fork == ForkDraft("main", 3, "main 3")


async def test_a_turn_with_an_unreadable_message_can_be_forked(controller: SessionController, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE agent_messages SET message_data = '{' WHERE message_data LIKE '%main 2%'")
    db.close()
    await controller.forks.begin(2, "main")
    assert controller.view.fork == ForkDraft("main", 2)
    assert controller.view.notice is not None
    assert "no readable user message" in controller.view.notice.text
    await controller.forks.make("mended")
    assert selection(controller.view) == ("mended", 1)


async def test_the_fork_editor_opens_while_others_write(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path)
    await sdk.add_items(turn("deep 5"))
    sdk.close()
    await asyncio.gather(controller.forks.begin(2, "main"), controller.refresh())
    assert controller.view.fork == ForkDraft("main", 2, "main 2")
