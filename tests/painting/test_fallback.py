"""With a version of Textual whose private members differ, the explorer is slower, but shows the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from textual._compositor import Compositor
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget

from tests.conversations import open_sdk, run_result, set_times, turn
from tui.painting.textual_internals import FAST, has_expected_members

EXPLORE = """
import asyncio, json, sys
from pathlib import Path

import pyte
from textual._compositor import CompositorUpdate
from textual.app import App

from tui.app import ConvoApp
from tui.controller import SessionController
from tui.painting.textual_internals import FAST
from tui.storage.store import Store

terminal = pyte.Screen(140, 40)
stream = pyte.Stream(terminal)


def display(app, screen, update):
    if isinstance(update, CompositorUpdate) and not app._batch_count:
        stream.feed(update.render_segments(app.console))


App._display = display
KEYS = ["1", "k", "k", "G", "2", "g", "pagedown", "j", "3", "left", "b", "escape", "+", "+", "question_mark", "escape",
    "f", "x", "escape", "1", "down", "enter", "]", "slash", "w", "o", "enter"]


async def settle(pilot):
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def explore():
    controller = SessionController(Store(Path(sys.argv[1])))
    await controller.open()
    screens = []
    async with ConvoApp(controller).run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        screens.append(list(terminal.display))
        for key in KEYS:
            await pilot.press(key)
            await settle(pilot)
            screens.append(list(terminal.display))
        terminal.resize(30, 90)
        terminal.reset()
        await pilot.resize_terminal(90, 30)
        await settle(pilot)
        screens.append(list(terminal.display))
    controller.close()
    print(json.dumps([FAST, screens]))


asyncio.run(explore())
"""


@pytest.fixture
async def path(path: Path) -> Path:
    """Two branches, longer than the screen."""
    sdk = open_sdk(path)
    for number in range(1, 31):
        await sdk.add_items(turn(f"{number} " + "word " * 30, f"**Answer** {number}\n\n" * (number % 5), tool="look"))
        await sdk.store_run_usage(run_result(100 * number))
    await sdk.create_branch_from_turn(20, "fork")
    await sdk.add_items(turn("elsewhere"))
    sdk.close()
    set_times(path)
    return path


def explore(path: Path, **environment: str) -> tuple[bool, list[list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", EXPLORE, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    fast, screens = json.loads(done.stdout)
    return fast, screens


def test_both_ways_of_painting_show_the_same(path: Path) -> None:
    fast, painted = explore(path)
    slow, textual = explore(path, CONVO_TUI_PAINTING="textual")
    assert (fast, slow) == (True, False)
    for step, (ours, theirs) in enumerate(zip(painted, textual, strict=True)):
        assert ours == theirs, f"after {step} keys"


def test_the_installed_textual_has_the_expected_members() -> None:
    assert has_expected_members()
    assert (os.environ.get("CONVO_TUI_PAINTING") != "textual") == FAST


def test_a_method_with_another_signature_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def scroll_update(self: Widget, size: Size, reason: str) -> None: ...

    monkeypatch.setattr(Widget, "_scroll_update", scroll_update)
    assert not has_expected_members()


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Compositor, "_render_chops"), (Compositor, "_regions_to_spans"), (ScrollView, "_size_updated")],
)
def test_a_missing_method_is_noticed(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    monkeypatch.setattr(owner, name, None)
    assert not has_expected_members()


def test_a_missing_attribute_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(self: Compositor) -> None: ...

    monkeypatch.setattr(Compositor, "__init__", init)
    assert not has_expected_members()
