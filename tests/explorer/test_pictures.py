"""Pictures of the explorer in its main states, at three widths, dark and light."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from math import ceil
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.conversations import assistant_message
from tests.explorer.driver import settle, typed
from tests.widgets.transcript.samples import items_of
from tui import app
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.model import Approval, ApprovalDecision, Outcome, PausedRun, Progress, Usage
from tui.runs.protocol import Hooks, RunResult
from tui.session.advanced import AdvancedSession
from tui.storage.store import Store
from tui.widgets.composer.approval import ApprovalPrompt
from tui.widgets.run_status import RunStatus

Snapshot = Callable[..., bool]

WIDE, MEDIUM, NARROW = (160, 45), (100, 30), (60, 24)
DARK, LIGHT = "textual-dark", "textual-light"

PARTIAL_ANSWER = """\
Here is the plan, with **two** stops:

1. the museum in the morning
2. the harbour, if the weather is"""


class ScriptedRunner:
    """Begins an answer and waits, so that a picture always shows the same part of it."""

    name = "scripted"

    def __init__(self, approvals: Sequence[Approval] = ()) -> None:
        self._approvals = approvals

    async def prepare(self) -> None:
        """Do nothing."""

    async def run(self, session: AdvancedSession, text: str, hooks: Hooks) -> RunResult:
        """Report the message and the beginning of the answer, then wait until the run is stopped."""
        answer = {**assistant_message(PARTIAL_ANSWER), "status": "in_progress"}
        items = items_of([{"role": "user", "content": text}, answer])
        live = tuple(item._replace(message_id=-1 - item.position, created_at=None) for item in items)
        hooks.progress(Progress("writing", live, Usage(1, 1200, 45, 1245)))
        try:
            if self._approvals:
                await hooks.approve(self._approvals, None)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
        return RunResult(Outcome.STOPPED, kept=False)

    async def compaction_model(self) -> str:
        raise NotImplementedError

    async def compact(self, session: AdvancedSession) -> None:
        raise NotImplementedError

    async def restore(self, session: AdvancedSession, run: PausedRun, state: str) -> None:
        raise NotImplementedError

    async def resume(
        self,
        session: AdvancedSession,
        run: PausedRun,
        restored: object,
        decisions: Sequence[ApprovalDecision | None],
        hooks: Hooks,
    ) -> RunResult:
        raise NotImplementedError


class PicturedApp(ConvoApp):
    """The program, which stops its runs after the picture was taken."""

    CSS_PATH = str(Path(app.__file__).with_name("app.tcss"))

    def __init__(self, controller: SessionController, theme: str) -> None:
        super().__init__(controller)
        self.theme = theme
        self._pictured = controller

    async def on_unmount(self) -> None:
        if self._pictured.agent is not None:
            await self._pictured.agent.stop_all()


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, and wait after each for what it does, as the panes behind a dialog are part of the picture."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)
    for field in (*pilot.app.screen.query(Input), *pilot.app.screen.query(TextArea)):
        field.cursor_blink = False


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [
        pytest.param(WIDE, DARK, "2", id="start-wide"),
        pytest.param(MEDIUM, LIGHT, "2", id="start-medium-light"),
        pytest.param(NARROW, DARK, "2", id="start-narrow"),
        pytest.param(NARROW, LIGHT, "1", id="tree-narrow-light"),
        pytest.param(WIDE, DARK, "kkf", id="fork-wide"),
        pytest.param(NARROW, LIGHT, "kkf", id="fork-narrow-light"),
        pytest.param(WIDE, LIGHT, "c", id="compare-wide-light"),
        pytest.param(WIDE, DARK, "2g/answer", id="search-wide"),
        pytest.param(MEDIUM, LIGHT, "?", id="help-medium-light"),
    ],
)
def test_a_state(path: Path, snap_compare: Snapshot, size: tuple[int, int], theme: str, keys: str) -> None:
    controller = open_scripted(path)

    async def prepare(pilot: Pilot[None]) -> None:
        await press(pilot, *typed(keys))

    assert snap_compare(PicturedApp(controller, theme), terminal_size=size, run_before=prepare)
    controller.close()


def test_the_palette(path: Path, snap_compare: Snapshot) -> None:
    controller = open_scripted(path)

    async def prepare(pilot: Pilot[None]) -> None:
        await press(pilot, "ctrl+p", *"copy")

    assert snap_compare(PicturedApp(controller, DARK), terminal_size=MEDIUM, run_before=prepare)
    controller.close()


@pytest.mark.parametrize(
    ("size", "theme"),
    [pytest.param(WIDE, LIGHT, id="wide-light"), pytest.param(NARROW, DARK, id="narrow")],
)
def test_an_answer_in_progress(path: Path, snap_compare: Snapshot, size: tuple[int, int], theme: str) -> None:
    controller = open_scripted(path, ScriptedRunner())

    async def prepare(pilot: Pilot[None]) -> None:
        await send(pilot, controller)

    assert snap_compare(PicturedApp(controller, theme), terminal_size=size, run_before=prepare)
    controller.close()


def test_an_approval(path: Path, snap_compare: Snapshot) -> None:
    approval = Approval("c1", "delete_file", '{"path": "/srv/reports/2026-02.csv"}', "Careful")
    controller = open_scripted(path, ScriptedRunner([approval]))

    async def prepare(pilot: Pilot[None]) -> None:
        await send(pilot, controller)
        while not pilot.app.screen.query("ApprovalPrompt") or not pilot.app.screen.query_one(ApprovalPrompt).is_open:
            await pilot.pause()
        await settle(pilot)

    assert snap_compare(PicturedApp(controller, DARK), terminal_size=MEDIUM, run_before=prepare)
    controller.close()


def test_the_list_of_changes(path: Path, snap_compare: Snapshot) -> None:
    controller = open_scripted(path)

    async def prepare(pilot: Pilot[None]) -> None:
        await press(pilot, "asterisk", "comma", *"Draft", "enter", "]", "a", "z")
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE convo_journal SET created_at = '2026-03-01 09:30:00'")
        await press(pilot, "at", "j")

    assert snap_compare(PicturedApp(controller, LIGHT), terminal_size=MEDIUM, run_before=prepare)
    controller.close()


def open_scripted(path: Path, runner: ScriptedRunner | None = None) -> SessionController:
    controller = SessionController(Store(path), runner)
    asyncio.run(controller.open())
    return controller


async def send(pilot: Pilot[None], controller: SessionController) -> None:
    """Send a message, and wait until the beginning of the answer is on the screen."""
    await press(pilot, "i", *typed("Plan the day"))
    await pilot.press("enter")
    while not any(run.progress.live for run in controller.view.runs.values()):
        await pilot.pause()
    started_at = controller.view.runs[controller.view.branch_id].started_at
    # A whole second, for the first frame of the spinner.
    pilot.app.query_one(RunStatus)._clock = lambda: ceil(started_at + 4)
    await settle(pilot)
