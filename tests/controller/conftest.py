"""Controllers of files that tests write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversations import open_sdk, run_result, turn
from tui.controller import SessionController
from tui.runs.protocol import Runner
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with two sessions, `support` written last.

    The branches of `support`: main has turns 1 to 4, alt forks from it at turn 3, and deep from alt at turn 4.
    """
    path = tmp_path / "support.sqlite"
    other = open_sdk(path, "billing")
    await other.add_items(turn("an invoice"))
    other.close()
    sdk = open_sdk(path)
    for number in range(1, 5):
        await sdk.add_items(turn(f"main {number}"))
        await sdk.store_run_usage(run_result(100 * number))
    await sdk.create_branch_from_turn(3, "alt")
    for number in (3, 4):
        await sdk.add_items(turn(f"alt {number}"))
        await sdk.store_run_usage(run_result(1000))
    await sdk.create_branch_from_turn(4, "deep")
    await sdk.add_items(turn("deep 4"))
    sdk.close()
    return path


@pytest.fixture
def runner() -> Runner | None:
    """The runner that answers messages; None by default."""
    return None


@pytest.fixture
async def controller(path: Path, runner: Runner | None) -> AsyncIterator[SessionController]:
    """The controller of the file at `path`, with its first view."""
    controller = SessionController(Store(path), runner)
    await controller.open()
    yield controller
    if controller.agent is not None:
        await controller.agent.stop_all()
    controller.close()
