"""Exporting branches and sessions with `x`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import Input

from tests.conversations import open_sdk, turn
from tests.explorer.driver import ExplorerDriver, open_controller, open_explorer
from tui.controller.progress import Stopped, TaskProgress
from tui.formats import Format
from tui.screens.dialogs.export import ExportChoice, ExportDialog, Extent


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """main has turns 1 to 3; alt leaves it at turn 3."""
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    for number in (1, 2, 3):
        await sdk.add_items(turn(f"Question {number}", f"Answer {number} of main"))
    await sdk.create_branch_from_turn(3, "alt")
    await sdk.add_items(turn("Otherwise", "Answer of alt"))
    sdk.close()
    return path


@asynccontextmanager
async def open_dialog(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ExplorerDriver]:
    """Run the program in the folder of its file, and open the export dialog."""
    monkeypatch.chdir(path.parent)
    async with open_explorer(path, size=(120, 36)) as explorer:
        await explorer.press("x")
        yield explorer


async def until_closed(explorer: ExplorerDriver) -> None:
    await explorer.until(lambda: not isinstance(explorer.app.screen, ExportDialog))


async def until_refused(explorer: ExplorerDriver, reason: str) -> None:
    """Wait until the dialog shows why nothing was written."""
    await explorer.until(lambda: reason in str(explorer.app.screen.query_one(".export--message").render()))


async def test_enter_writes_the_branch_that_is_shown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_dialog(path, monkeypatch) as explorer:
        await explorer.pilot.press("enter")
        await until_closed(explorer)
    text = (path.parent / "support-alt.md").read_text("utf-8")
    assert "Answer of alt" in text
    assert "Answer 3 of main" not in text


async def test_the_name_of_the_file_follows_the_chosen_format(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_dialog(path, monkeypatch) as explorer:
        await explorer.pilot.press("h", "enter")
        await until_closed(explorer)
    assert (path.parent / "support-alt.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("form", Format)
async def test_the_suffix_that_is_typed_chooses_the_format(
    path: Path, monkeypatch: pytest.MonkeyPatch, form: Format
) -> None:
    beginnings = {Format.MARKDOWN: "# ", Format.HTML: "<!doctype html>", Format.JSON: "{"}
    other = next(another for another in Format if another is not form)
    async with open_dialog(path, monkeypatch) as explorer:
        await explorer.pilot.press("tab", *f"a.{other}", *("backspace",) * len(other), *form, "enter")
        await until_closed(explorer)
        # A format that is chosen after the name is kept, also when another part of the name is edited.
        await explorer.press("x", "tab", *f"b.{form}", "shift+tab", other[0], "tab", "home", "b", "enter")
        await until_closed(explorer)
    assert (path.parent / f"a.{form}").read_text("utf-8").startswith(beginnings[form])
    assert (path.parent / f"bb.{form}").read_text("utf-8").startswith(beginnings[other])


async def test_letters_choose_where_there_is_a_choice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_dialog(path, monkeypatch) as explorer:
        await explorer.pilot.press("j", "m", "x", "J", "shift+tab", "s", "tab")
        assert "support.json" in explorer.text
        # The letters so far count together: of two labels that begin with the same one, the second is reached.
        await explorer.pilot.press("shift+tab", "s", "e")
        assert "● session, 2 branches" in explorer.text
        await explorer.pilot.press("b", "enter")
        await until_closed(explorer)
    assert (path.parent / "support-alt.json").exists()


async def test_an_existing_file_is_replaced_only_by_a_second_enter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = path.parent / "support-alt.md"
    target.write_text("precious")
    async with open_dialog(path, monkeypatch) as explorer:
        await explorer.pilot.press("enter")
        await until_refused(explorer, "exists already")
        assert target.read_text() == "precious"
        await explorer.pilot.press("enter")
        await until_closed(explorer)
    assert "Answer of alt" in target.read_text("utf-8")


async def test_after_an_error_the_dialog_stays_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_dialog(path, monkeypatch) as explorer:
        await explorer.pilot.press("tab", *"nowhere/out", "enter")
        await until_refused(explorer, "cannot be written")
        assert explorer.app.screen.query_one(Input).value == "nowhere/out"
        await explorer.pilot.press("escape")
        await until_closed(explorer)


async def test_a_stopped_export_leaves_no_file(path: Path) -> None:
    controller = await open_controller(path)
    progress = TaskProgress(stopped=True)
    with pytest.raises(Stopped):
        await controller.exports.write(["main"], Format.JSON, path.parent / "out.json", progress)
    assert [file.name for file in path.parent.iterdir() if "out" in file.name] == []
    controller.close()


async def test_all_branches_with_a_turn_are_exported(path: Path) -> None:
    controller = await open_controller(path, "main")
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
        async def write(choice: ExportChoice, progress: TaskProgress) -> None:
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
