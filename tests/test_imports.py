"""Modules are imported when they are needed, so that the first screen does not wait for them, and in no circle."""

from __future__ import annotations

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from tests.conversations import turn, write_turns
from tests.terminal import Terminal

SHOW = """
import asyncio, sys
from pathlib import Path
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.storage.store import Store

async def show():
    controller = SessionController(Store(Path(sys.argv[1])))
    await controller.open()
    app = ConvoApp(controller)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.press("down", "up", "f", "escape", "b", "escape")
        await app.workers.wait_for_complete()
    controller.close()

asyncio.run(show())
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("agents", "openai", "pydantic", "mcp")))
"""


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await write_turns(tmp_path, turn("one"), turn("two"))


FIRST = """
import sys
import tui.cli
from tui.app import ConvoApp

def stop(app):
    app.call_after_refresh(app.exit)

ConvoApp.on_ready = stop
assert tui.cli.main([sys.argv[1]]) == 0
names = (
    "pygments", "tomllib", "tui.agent.settings", "tui.agent.runner", "tui.demo", "tui.formats", "tui.model.compare",
    "tui.render.highlight", "tui.runs.manager",
    "tui.screens.dialogs.remote_picker", "tui.screens.dialogs.help", "tui.screens.dialogs.picker", "tui.explorer.agent",
    "tui.explorer.palette", "tui.explorer.keymap",
    "tui.session.advanced", "tui.session.sqlite", "tui.storage.editor", "tui.storage.search", "tui.controller.agent",
)
found = sorted(name for name in names if name in sys.modules)
with open(sys.argv[2], "w") as file:
    print(found, file=file)
"""


def test_the_first_screen_imports_nothing_that_it_does_not_show(path: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.txt"
    with Terminal([sys.executable, "-c", FIRST, str(path), str(found)]) as terminal:
        assert terminal.wait() == 0, terminal.text
    assert found.read_text().strip() == "[]"


def test_opening_a_file_and_moving_about_imports_no_agents(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SHOW, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("tui", cache_dir=None)
    # A circle is reported as CycleError, which names its modules. Imports for types alone count too.
    TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}).prepare()
