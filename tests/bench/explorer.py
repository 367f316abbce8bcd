"""Actions of a user in the explorer, measured in a real terminal, each with its budget."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tests.bench import long_answer
from tests.bench.generate import open_session
from tests.bench.program import Expected, Program, ScreenError, Timing

__all__ = [
    "ACTIONS",
    "KEY_PRESSES",
    "Action",
    "LoopDelay",
    "explore",
    "first_screen",
    "idle_share",
    "measure_stream",
    "press_navigation_keys",
]

Steps: TypeAlias = Callable[[Program], Iterator[Timing]]

UP, DOWN = "\x1b[5~", "\x1b[6~"
"""Page up, page down."""

KEY_PRESSES: Final = 300
_NAVIGATION_KEYS: Final = ("1", "2", "2", "2", "3", *"jkjkgG", *"[]{}-", "\r", *[UP] * 6, *[DOWN] * 8)
"""Keys that leave the explorer in its panes, without dialogs."""


@dataclass(frozen=True)
class Action:
    """A repeated action of a user.

    Attributes:
        name: Its name in the table.
        steps: Does it several times, and yields each time that it took.
        budget: Milliseconds until the screen should be finished.
        sdk: The calls of the SDK's class for the same data, as a name in `rivals.SDK_CALLS`; empty for none.
        files: The shapes of files that it is measured on; all if empty.
    """

    name: str
    steps: Steps
    budget: float | None = None
    sdk: str = ""
    files: tuple[str, ...] = ()


def explore(path: Path, home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Program:
    """Start the explorer on a file, without the user's configuration."""
    command = [sys.executable, "-m", "tui", str(path), *arguments]
    return Program(command, env={"XDG_CONFIG_HOME": str(home), **(env or {})})


def first_screen(program: Program) -> Timing:
    """Wait for the first screen: the end of the branch written last."""
    return program.first_screen(_at_end)


_PICKER: Final = "type part of a name"
_THEMES: Final = "type part of a theme"
"""Texts that are shown while a dialog is open."""


def _at_end(screen: str) -> bool:
    """Return whether the last turn is selected, and its text is shown with a bar beside it."""
    return re.search(r"turn (\d+) of \1\b", screen) is not None and re.search("│[▎▌]", screen) is not None


def _without(text: str) -> Callable[[str], bool]:
    return lambda screen: text not in screen


# Each of these can begin in any pane of the explorer, and end in any pane.


def _press_after(setup: Sequence[str], key: str, expected: Expected = "") -> Steps:
    """Return steps that press a key three times, each after the keys of `setup`, which are not measured."""

    def steps(program: Program) -> Iterator[Timing]:
        for _ in range(3):
            for setup_key in setup:
                program.press(setup_key)
            yield program.press(key, expected)

    return steps


def _switch(program: Program) -> Iterator[Timing]:
    program.press("b", _PICKER)
    program.press("main", "main")
    program.press("\r", "Chat · main")
    for place in range(6):
        name = "main" if place % 2 else "try-"
        yield program.press("-", f"Chat · {name}")


def _sibling(program: Program) -> Iterator[Timing]:
    for _ in range(3):
        yield program.press("]")
        yield program.press("[")


def _select_in_tree(program: Program) -> Iterator[Timing]:
    program.press("1")
    for key in "kkkjkj":
        yield program.press(key)


def _select_in_chart(program: Program) -> Iterator[Timing]:
    program.press("3")
    for key in "kkkjkj":
        program.press(key)
        yield program.press("\r")


def _page_cold(program: Program) -> Iterator[Timing]:
    program.press("2")
    program.press("g")
    for _ in range(8):
        yield program.press(DOWN)


def _page_warm(program: Program) -> Iterator[Timing]:
    program.press("2")
    program.press("g")
    for key in [DOWN] * 4 + [UP] * 4:
        program.press(key)
    for key in [DOWN] * 4 + [UP] * 4:
        yield program.press(key)


def _to_turn(program: Program) -> Iterator[Timing]:
    program.press("3")
    for keys in ("G", "g", DOWN, "G" + UP, "g" + DOWN + DOWN, "G"):
        program.press(keys)
        yield program.press("\r")


def _pick_session(program: Program) -> Iterator[Timing]:
    for _ in range(3):
        timing = program.press("s", _PICKER)
        # Later output is the blinking cursor, not the list.
        yield timing._replace(finished=timing.seen)
        program.press("\x1b", _without(_PICKER))


def _open_session(program: Program) -> Iterator[Timing]:
    for _ in range(3):
        program.press("s", _PICKER)
        yield program.press("\r", _without(_PICKER))


def _next_session(program: Program) -> Iterator[Timing]:
    for _ in range(3):
        for key in "1gh":
            program.press(key)
        program.press("j")
        yield program.press("\r")


def _open_themes(program: Program) -> None:
    program.press("\x10", "Search for commands")
    program.press("Theme", "Choose the colours")
    program.press("\r", _THEMES)


def _try_themes(program: Program) -> Iterator[Timing]:
    _open_themes(program)
    for key in ("\x1b[B", "\x1b[A", "\x1b[A", "\x1b[A", "\x1b[B"):
        yield program.press(key)
    program.press("\x1b", _without(_THEMES))


def _theme(program: Program) -> Iterator[Timing]:
    for name in ("nord", "textual-light", "textual-dark"):
        _open_themes(program)
        program.press(name)
        yield program.press("\r", _without(_THEMES))


def _resize(program: Program) -> Iterator[Timing]:
    for columns, rows in ((100, 30), (60, 20), (200, 50), (140, 40)):
        yield program.after(partial(program.resize, columns, rows))


ACTIONS: Final = (
    Action("switch branch", _switch, 100, "switch"),
    Action("next sibling", _sibling, 100, "sibling"),
    Action("select turn in the tree", _select_in_tree, 100, "turn"),
    Action("select turn in the chart", _select_in_chart, 100, "turn"),
    Action("page down, cold", _page_cold, 30, "page"),
    Action("page down, warm", _page_warm, 25, "page"),
    Action("jump to the end", _press_after("2g", "G", _at_end), 100, "page"),
    Action("jump to the start", _press_after("2G", "g", "turn 1 of"), 100, "all"),
    Action("jump to turn N", _to_turn, 100, "turn"),
    Action("list the sessions", _pick_session, None, "", ("wide",)),
    Action("open the session", _open_session, 500, "tree", ("bushy",)),
    Action("unfold all", _press_after("1gh", "l"), 500, "", ("bushy",)),
    Action("open another session", _next_session, None, "open", ("wide",)),
    Action("look at another theme", _try_themes, 150),
    Action("keep a theme", _theme, 150),
    Action("resize", _resize, 150),
    Action("terminal loses focus", _press_after(["\x1b[I"], "\x1b[O"), 150),
    Action("terminal gains focus", _press_after(["\x1b[O"], "\x1b[I"), 150),
)


def idle_share(program: Program, seconds: float = 5) -> float:
    """Return the percentage of a core that the program uses without any input."""
    program.press("")
    before = program.work()
    program.drain(seconds)
    return 100 * (program.work() - before) / seconds


def press_navigation_keys(program: Program) -> None:
    """Press random keys, which are the same in each measurement."""
    source = random.Random(1)
    for number in range(KEY_PRESSES):
        program.type(source.choice(_NAVIGATION_KEYS))
        program.drain(0.04)
        if number % 20 == 19:
            program.press("")


class LoopDelay(NamedTuple):
    """A sample of the event loop, in milliseconds.

    Attributes:
        late: How late the loop ran the task that takes the samples.
        work: Processor time of the loop's thread since the sample before.
    """

    late: float
    work: float


async def measure_stream(path: Path, folder: Path, home: Path, session_id: str, *, short: bool) -> list[LoopDelay]:
    """Measure the event loop while an agent streams a long answer and a user scrolls.

    Args:
        path: The file, which is copied.
        folder: The folder for the copy.
        home: A folder without a configuration.
        session_id: The session in which the agent answers.
        short: Whether to answer on a new branch of two turns, since an agent reads all items of its branch first.
    """
    copy, report = folder / f"{path.name}.copy", folder / f"{path.name}.json"
    try:
        shutil.copy(path, copy)
        with copy.open("rb") as written:
            # Otherwise the first commit of the explorer would wait until the copy is on the disk.
            os.fsync(written.fileno())
        if short:
            session = open_session(copy, session_id)
            await session.create_branch_from_turn(3, "short")
            session.close()
        arguments = ["--session", session_id, "--agent", f"{Path(long_answer.__file__)}:agent"]
        arguments += ["--branch", "short"] if short else []
        with explore(copy, home, *arguments, env={"CONVO_BENCH_REPORT": str(report)}) as program:
            first_screen(program)
            _chat(program, report)
        return [LoopDelay(*sample) for sample in json.loads(report.read_text())]
    finally:
        for file in (copy, report, *(copy.with_name(copy.name + end) for end in ("-wal", "-shm"))):
            file.unlink(missing_ok=True)


def _chat(program: Program, report: Path, patience: float = 90) -> None:
    """Send a message, move the focus to the chat, and scroll there until the agent has written its report."""
    program.press("i")
    program.type("go on")
    program.type("\r")
    program.type("\x1b[Z")
    deadline = time.perf_counter() + patience
    keys = cycle(("G", UP, UP, "g", DOWN, "G"))
    while not report.exists():
        program.drain(0.4)
        program.type(next(keys))
        if time.perf_counter() > deadline:
            raise ScreenError(f"no report after {patience:.0f} s", program.text)
