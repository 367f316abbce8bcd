"""`x` writes what is looked at to a file, and nothing is lost by it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot

from tests.conversations import open_sdk, turn
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.controller.progress import Stopped, TaskProgress
from tui.formats import Format
from tui.screens.dialogs.export import Export, ExportDialog, Extent
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """main: 1 2 3; alt leaves it at 3."""
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    for number in (1, 2, 3):
        await sdk.add_items(turn(f"Question {number}", f"Answer {number} of main"))
    await sdk.create_branch_from_turn(3, "alt")
    await sdk.add_items(turn("Otherwise", "Answer of alt"))
    sdk.close()
    return path


@asynccontextmanager
async def exporting(
    path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Pilot[None]]:
    """The explorer, started in the file's folder, with the export dialog open."""
    monkeypatch.chdir(path.parent)
    controller = SessionController(Store(path))
    await controller.open()
    async with ConvoApp(controller).run_test(size=(120, 36)) as pilot:
        await pilot.press("x")
        await pilot.pause()
        yield pilot
    controller.close()


async def until_closed(pilot: Pilot[None]) -> None:
    while isinstance(pilot.app.screen, ExportDialog):
        await pilot.pause()


async def test_enter_writes_the_branch_that_is_shown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with exporting(path, monkeypatch) as pilot:
        await pilot.press("enter")
        await until_closed(pilot)
    text = (path.parent / "support-alt.md").read_text("utf-8")
    assert "Answer of alt" in text
    assert "Answer 3 of main" not in text


async def test_the_file_is_named_after_what_is_in_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with exporting(path, monkeypatch) as pilot:
        await pilot.press("shift+tab", "right", "space", "enter")
        await until_closed(pilot)
    assert (path.parent / "support-alt.html").read_text("utf-8").startswith("<!doctype html>")


async def test_a_file_that_is_there_is_replaced_by_a_second_enter_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = path.parent / "support-alt.md"
    target.write_text("precious")
    async with exporting(path, monkeypatch) as pilot:
        await pilot.press("enter")
        while "is there already" not in str(pilot.app.screen.query_one(".export--message").render()):
            await pilot.pause()
        assert target.read_text() == "precious"
        await pilot.press("enter")
        await until_closed(pilot)
    assert "Answer of alt" in target.read_text("utf-8")


async def test_an_error_leaves_the_dialog_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with exporting(path, monkeypatch) as pilot:
        await pilot.press(*"nowhere/out", "enter")
        while "cannot be written" not in str(pilot.app.screen.query_one(".export--message").render()):
            await pilot.pause()
        assert pilot.app.screen.query_one("Input").value == "nowhere/out"  # type: ignore[attr-defined]
        await pilot.press("escape")
        await until_closed(pilot)


async def test_what_was_stopped_leaves_nothing_behind(path: Path) -> None:
    controller = SessionController(Store(path))
    await controller.open()
    progress = TaskProgress(stopped=True)
    with pytest.raises(Stopped):
        await controller.exports.write(["main"], Format.JSON, path.parent / "out.json", progress)
    assert [file.name for file in path.parent.iterdir() if "out" in file.name] == []
    controller.close()


async def test_all_branches_through_a_turn(path: Path) -> None:
    controller = SessionController(Store(path))
    await controller.open(None, "main")
    await controller.navigation.select_turn(2)
    target = path.parent / "out.json"
    progress = TaskProgress()
    await controller.exports.write(controller.exports.branches_with_turn(), Format.JSON, target, progress)
    assert {branch["branch_id"] for branch in json.loads(target.read_text())["branches"]} == {"main", "alt"}
    assert progress.share > 0.5
    controller.close()


class Dialog(App[None]):
    """The dialog alone."""

    def on_mount(self) -> None:
        async def write(asked: Export, progress: TaskProgress) -> None:
            raise NotImplementedError

        extents = [
            Extent("branch [b]alt[/b]", "support-alt", ["alt"]),
            Extent("2 branches through turn 2", "support-turn-2", ["main", "alt"]),
            Extent("session, 3 branches", "support", ["main", "alt", "other"]),
        ]
        self.push_screen(ExportDialog(extents, write, Path()))


@pytest.mark.parametrize("size", [(120, 36), (60, 20)])
def test_looks(size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(Dialog(), terminal_size=size)
