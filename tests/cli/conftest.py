"""A file of conversations, and `convo-tui` in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from tests.conftest import OpenSDK
from tests.conversations import run_result, turn
from tests.fork_server import fork_server

CONVO_TUI: Final = [sys.executable, "-m", "tui"]


def imported_packages(*arguments: object) -> set[str]:
    """Return the names of the packages that `convo-tui` imports with arguments."""
    code = (
        "import sys; from tui.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    packages = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[-2].split())
    assert "tui" in packages
    return packages


class Run(Protocol):
    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]: ...


class RunJSON(Protocol):
    def __call__(self, *arguments: object) -> Any: ...


@pytest.fixture
async def conversation(tmp_path: Path, sdk: OpenSDK) -> Path:
    """A file with two sessions: billing has one turn; support has main with turns 1 to 3, and alt, forked at turn 2."""
    path = tmp_path / "support.sqlite"
    billing = sdk(path, "billing")
    await billing.add_items(turn("Send me the invoice", "Sent."))
    support = sdk(path, "support")
    for number, text in enumerate(("hello \x1b[31mthere", "weather in Oslo", "오슬로 날씨"), 1):
        await support.add_items(turn(text, f"answer {number}", tool="get_weather" if number == 2 else None))
        await support.store_run_usage(run_result(1000 * number, cached=500 * number, reasoning=20))
    await support.create_branch_from_turn(2, "alt")
    await support.add_items(turn("in Bergen instead", "It rains."))
    return path


@pytest.fixture
def run() -> Run:
    """Run `convo-tui` with arguments in a process of its own."""
    return lambda *arguments: fork_server().run([str(argument) for argument in arguments])


@pytest.fixture
def run_json(run: Run) -> RunJSON:
    """Run `convo-tui` with arguments and --json, and decode its output."""

    def run_command(*arguments: object) -> Any:
        process = run(*arguments, "--json")
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    return run_command
