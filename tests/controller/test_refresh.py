"""Showing what other programs write."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.controller.views import selection, user_texts
from tests.conversations import open_sdk, turn
from tui.controller import SessionController
from tui.errors import FileError
from tui.model import Session, TurnTree
from tui.storage.store import Store


async def test_changes_by_others_are_shown(controller: SessionController, path: Path) -> None:
    assert not await controller.refresh()
    revision = controller.view.revision
    sdk = open_sdk(path)
    await sdk.switch_to_branch("deep")
    await sdk.add_items(turn("deep 5"))
    assert await controller.refresh()
    assert selection(controller.view) == ("deep", 4)
    assert controller.view.items == 10
    assert controller.view.revision > revision
    await sdk.switch_to_branch("main")
    await sdk.delete_branch("deep")
    await controller.refresh()
    assert "deep" not in controller.view.tree.branches
    assert controller.view.branch_id == "alt"
    assert controller.view.notice is not None
    assert "deep" in controller.view.notice.text
    await sdk.clear_session()
    sdk.close()
    await controller.refresh()
    assert controller.view.session is not None
    assert controller.view.session.session_id == "billing"


async def test_changes_by_others_are_shown_while_the_user_navigates(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path)
    await sdk.switch_to_branch("deep")
    for number in range(5, 10):
        await sdk.add_items(turn(f"deep {number}"))
        await asyncio.gather(
            controller.refresh(), controller.navigation.select_turn(2), controller.navigation.preview("main", 3)
        )
        assert controller.view.tree.branches["deep"].turns == number
        assert selection(controller.view) == ("main", 3)
        await asyncio.gather(controller.navigation.switch_branch("deep", 1), controller.refresh())
        assert (selection(controller.view), controller.view.items) == (("deep", 1), 2 * number)
    sdk.close()


async def test_the_branch_behind_a_preview_is_deleted(controller: SessionController, path: Path) -> None:
    await controller.navigation.switch_branch("alt")
    await controller.navigation.preview("main", 2)
    sdk = open_sdk(path)
    await sdk.delete_branch("alt", force=True)
    await controller.refresh()
    assert (selection(controller.view), controller.view.preview) == (("main", 2), False)
    await controller.navigation.preview("deep", 4)
    await sdk.delete_branch("deep", force=True)
    await controller.refresh()
    assert (selection(controller.view), controller.view.preview) == (("main", 2), False)
    sdk.close()


async def test_the_last_session_is_cleared_and_a_new_one_begins(controller: SessionController, path: Path) -> None:
    for session_id in ("billing", "support"):
        sdk = open_sdk(path, session_id)
        await sdk.clear_session()
        sdk.close()
    await controller.forks.begin(2, "main")
    await controller.refresh()
    view = controller.view
    assert (view.sessions, view.session, view.page, view.fork, selection(view)) == ((), None, None, None, ("", 0))
    assert view.notice is not None
    assert "'support' is gone" in view.notice.text
    sdk = open_sdk(path, "fresh")
    await sdk.add_items(turn("hello"))
    sdk.close()
    await controller.refresh()
    assert selection(controller.view) == ("main", 1)


async def test_another_file_replaces_the_open_one(controller: SessionController, path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)
    with pytest.raises(FileError, match="does not exist any more"):
        await controller.refresh()
    await controller.navigation.switch_branch("main", 1)
    assert user_texts(controller.view) == ["main 1", "main 2", "main 3", "main 4"]
    await controller.forks.begin()
    with pytest.raises(FileError, match="does not exist"):
        await controller.forks.make()
    assert not path.exists()
    sdk = open_sdk(path)
    await sdk.add_items(turn("anew"))
    sdk.close()
    assert await controller.refresh()
    assert user_texts(controller.view) == ["anew"]
    assert not await controller.refresh()
    other = path.with_name("other.sqlite")
    sdk = open_sdk(other, "billing")
    await sdk.add_items(turn("other"))
    sdk.close()
    other.replace(path)
    assert await controller.refresh()
    assert user_texts(controller.view) == ["other"]
    assert controller.view.notice is not None
    assert controller.view.notice.text == "Session 'support' is gone: the file was replaced."


async def test_a_branch_is_made_while_the_tree_is_read(path: Path) -> None:
    class Busy(Store):
        """A file to which another program writes right after its tree was read."""

        async def tree(self, session: Session) -> TurnTree:
            tree = await super().tree(session)
            sdk = open_sdk(path)
            await sdk.create_branch_from_turn(1, f"late-{len(tree.branches)}")
            await sdk.add_items(turn("late"))
            sdk.close()
            return tree

    controller = SessionController(Busy(path))
    await controller.open()
    assert selection(controller.view) == ("deep", 4)
    assert await controller.refresh()
    assert "late-3" in controller.view.tree.branches
    assert selection(controller.view) == ("deep", 4)
    controller.close()
