"""What is imported when: the first screen must not wait for what it does not show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conversations import open_sdk, turn

SHOW = """
import asyncio, sys
from pathlib import Path
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.session.store import Store

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
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([*turn("one"), *turn("two")])
    sdk.close()
    return path


def test_opening_a_file_and_moving_about_imports_no_agents(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SHOW, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
