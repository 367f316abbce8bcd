"""Marking turns."""

from __future__ import annotations

from pathlib import Path

from tests.conversations import open_sdk
from tui.controller import SessionController


async def test_the_selected_turn_is_marked_and_a_shared_turn_only_once(controller: SessionController) -> None:
    controller.marks.toggle()
    await controller.navigation.switch_branch("main", 2)
    controller.marks.toggle()
    assert list(controller.view.marks) == [("deep", 4), ("main", 2)]
    await controller.navigation.switch_branch("alt", 2)
    controller.marks.toggle()
    assert list(controller.view.marks) == [("deep", 4)]
    controller.marks.toggle(3, "main")
    controller.marks.clear()
    assert list(controller.view.marks) == []


async def test_marks_are_removed_with_their_turns_and_session(controller: SessionController, path: Path) -> None:
    controller.marks.toggle(4, "deep")
    controller.marks.toggle(3, "main")
    sdk = open_sdk(path)
    await sdk.delete_branch("deep")
    sdk.close()
    await controller.refresh()
    assert list(controller.view.marks) == [("main", 3)]
    await controller.navigation.select_session("billing")
    assert list(controller.view.marks) == []
    controller.marks.toggle(7)
    assert list(controller.view.marks) == []
    assert controller.view.notice is not None
    assert controller.view.notice.text == "There is no turn to mark here."
