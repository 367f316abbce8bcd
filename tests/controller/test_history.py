"""Undo and redo."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.controller.views import notice
from tui.controller import SessionController
from tui.errors import ConvoError
from tui.model import EntryState
from tui.storage.store import Store


async def test_undo_and_redo_show_the_restored_branch(controller: SessionController) -> None:
    await controller.management.toggle_archive("support", "deep")
    assert controller.view.branch_id == "alt"
    await controller.history.undo()
    assert controller.view.branch_id == "deep"
    await controller.history.redo()
    assert controller.view.branch_id == "alt"


async def test_a_fork_is_undone_and_redone(controller: SessionController) -> None:
    await controller.forks.begin(2, "main")
    await controller.forks.make("second")
    assert controller.view.branch_id == "second"
    await controller.history.undo()
    assert "second" not in controller.view.tree.branches
    assert (controller.view.branch_id, controller.view.turn) == ("main", 2)
    assert notice(controller).startswith("Undone: Forked 'second' at turn 2 of 'main'.")
    await controller.history.redo()
    assert controller.view.branch_id == "second"


async def test_a_branch_whose_id_was_made_for_it_is_named_by_its_turn(controller: SessionController) -> None:
    await controller.forks.begin(2, "main")
    made = await controller.forks.make()
    await controller.management.toggle_pin("support", made)
    await controller.history.undo()
    assert notice(controller) == "Undone: Pinned fork from turn 2. Z redoes it."
    await controller.history.undo()
    assert notice(controller) == "Undone: Forked at turn 2 of 'main'. Z redoes it."


async def test_the_history_is_stored_in_the_file(path: Path, controller: SessionController) -> None:
    await controller.management.toggle_pin("support", "alt")
    await controller.management.delete("support", "deep")
    controller.close()
    later = SessionController(Store(path))
    await later.open()
    entries = await later.history.entries()
    assert [entry.description for entry in entries] == ["Deleted 'deep' (2 items of its own)", "Pinned 'alt'"]
    await later.history.undo(entries[-1].id)
    assert "deep" in later.view.tree.branches
    assert notice(later) == "Undone: 2 changes, the last: Pinned 'alt'. Z redoes it."
    await later.history.redo()
    assert [entry.state for entry in await later.history.entries()] == [EntryState.UNDONE, EntryState.DONE]
    await later.history.empty_trash()
    assert [entry.state for entry in await later.history.entries()] == [EntryState.PERMANENT]
    later.close()


async def test_two_controllers_of_one_file_share_one_history(path: Path, controller: SessionController) -> None:
    another = SessionController(Store(path))
    await another.open()
    await asyncio.gather(
        *(controller.management.toggle_pin("support", name) for name in ("main", None)),
        another.management.delete("support", "deep"),
    )
    assert len(await controller.history.entries()) == 3
    for _ in range(3):
        await another.history.undo()
    await controller.refresh()
    assert another.view.tree.branches == controller.view.tree.branches
    assert "deep" in controller.view.tree.branches
    with pytest.raises(ConvoError, match="Nothing to undo"):
        await controller.history.undo()
    another.close()
