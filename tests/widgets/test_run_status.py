"""The line about the current run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.reactive import var
from textual.widgets import Static

from tui.model import Progress, Run, RunState, Usage, View
from tui.widgets.run_status import RunStatus

Snapshot = Callable[..., bool]

STARTED_AT = 1_000.0
IDLE = View(branch_id="main")


class StatusApp(App[None]):
    """Shows the line between two texts, at a fixed time."""

    CSS = "Static { height: 1fr; } "

    view: var[View] = var(View(), init=False)

    def __init__(self, start: View = IDLE, seconds: float = 42.3) -> None:
        super().__init__()
        self.seconds = seconds
        self.status = RunStatus(lambda: STARTED_AT + self.seconds)
        self._start = start

    def compose(self) -> ComposeResult:
        yield Static("the conversation")
        yield self.status.data_bind(StatusApp.view)
        yield Static("the composer")

    def on_mount(self) -> None:
        self.view = self._start

    @property
    def line(self) -> str:
        return self.status.render_line(0).text.strip() if self.status.display else ""


def run_of(
    branch_id: str = "main", state: RunState = RunState.RUNNING, activity: str = "writing", **fields: object
) -> Run:
    run = Run(branch_id, state, STARTED_AT, "m", Progress(activity))
    return run._replace(**fields)  # type: ignore[arg-type]


def view_of(*runs: Run) -> View:
    return View(branch_id="main", runs={run.branch_id: run for run in runs})


USAGE = Progress("calling get_weather", usage=Usage(2, 11_000, 1_340, 12_340))


@pytest.mark.parametrize(
    ("runs", "line"),
    [
        ([], ""),
        ([run_of("other")], ""),
        ([run_of()], "writing · 0:42 · Esc stops"),
        ([run_of(state=RunState.STARTING, activity="")], "starting · 0:42 · Esc stops"),
        ([run_of(progress=USAGE)], "calling get_weather · 0:42 · 12.3k tokens · Esc stops"),
        ([run_of(queued=("a", "b"))], "writing · 0:42 · 2 queued · Esc stops"),
        ([run_of(), run_of("x"), run_of("y")], "writing · 0:42 · Esc stops · 2 more on other branches"),
        ([run_of(state=RunState.WAITING)], "? needs approval · w answers"),
        ([run_of(state=RunState.STOPPING)], "stopping…"),
        ([run_of(activity="[/x] \x1b[31m\nred")], "[/x] ␛[31m␊red · 0:42 · Esc stops"),
    ],
)
async def test_it_shows_the_run_on_the_shown_branch(runs: list[Run], line: str) -> None:
    async with StatusApp(view_of(*runs)).run_test(size=(80, 5)) as pilot:
        app = pilot.app
        assert isinstance(app, StatusApp)
        await pilot.pause()
        assert app.line.lstrip("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ") == line


@pytest.mark.parametrize(("seconds", "shown"), [(-3, "0:00"), (7, "0:07"), (750, "12:30"), (4265, "71:05")])
async def test_it_shows_the_elapsed_time(seconds: float, shown: str) -> None:
    app = StatusApp(view_of(run_of()), seconds)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert f" · {shown} · " in app.line


async def test_parts_are_omitted_by_rank() -> None:
    full = run_of(progress=USAGE, queued=("a",))
    lines = []
    for width in (90, 70, 58, 44, 36, 20):
        app = StatusApp(view_of(full, run_of("other")))
        async with app.run_test(size=(width, 5)) as pilot:
            await pilot.pause()
            lines.append(app.line[2:])
    assert lines == [
        "calling get_weather · 0:42 · 12.3k tokens · 1 queued · Esc stops",
        "calling get_weather · 0:42 · 12.3k tokens · 1 queued · Esc stops",
        "calling get_weather · 0:42 · 1 queued · Esc stops",
        "calling get_weather · Esc stops",
        "calling get_weather · Esc stops",
        "calling get_wea…",
    ]


async def test_the_spinner_turns_unless_the_run_waits_for_the_user() -> None:
    app = StatusApp()
    async with app.run_test() as pilot:
        is_turning = []
        for runs in ([], [run_of()], [run_of(state=RunState.WAITING)], [run_of(state=RunState.STOPPING)], []):
            app.view = view_of(*runs)
            await pilot.pause()
            is_turning.append(app.status.auto_refresh is not None)
        assert is_turning == [False, True, False, True, False]


async def test_the_spinner_has_ten_frames_a_second() -> None:
    app = StatusApp(view_of(run_of()))
    async with app.run_test() as pilot:
        await pilot.pause()
        frames = []
        for tenths in range(11):
            app.seconds = tenths / 10 + 0.01
            app.status.refresh()
            await pilot.pause()
            frames.append(app.line[0])
        assert len(set(frames[:10])) == 10
        assert frames[10] == frames[0]


async def test_it_takes_no_room_without_a_run() -> None:
    async with StatusApp().run_test(size=(60, 9)) as pilot:
        app = pilot.app
        assert isinstance(app, StatusApp)
        heights = []
        for runs in ([], [run_of()], []):
            app.view = view_of(*runs)
            await pilot.pause()
            heights.append(sum(text.size.height for text in app.query(Static)))
        assert heights == [9, 8, 9]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.WAITING, RunState.STOPPING])
def test_looks(snap_compare: Snapshot, state: RunState) -> None:
    run = run_of(state=state, progress=USAGE, queued=("a",))
    assert snap_compare(StatusApp(view_of(run, run_of("other"))), terminal_size=(100, 5))
