"""What works without a screen, as it is typed in a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conversations import open_sdk, spend, turn

CONVO_TUI = [sys.executable, "-m", "tui"]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """billing: one turn; support: main 1 2 3, alt leaves it at 2 and was written last."""
    path = tmp_path / "support.sqlite"
    other = open_sdk(path, "billing")
    await other.add_items(turn("Send me the invoice", "Sent."))
    other.close()
    sdk = open_sdk(path)
    for number, text in enumerate(("hello \x1b[31mthere", "weather in Oslo", "오슬로 날씨"), 1):
        await sdk.add_items(turn(text, f"answer {number}", tool="get_weather" if number == 2 else None))
        await sdk.store_run_usage(spend(1000 * number, cached=500 * number, reasoning=20))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("in Bergen instead", "It rains."))
    sdk.close()
    return path


def run(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CONVO_TUI, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **env},
    )


def parsed(*arguments: object) -> Any:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_list_shows_sessions_and_the_branches_of_the_one_written_last(path: Path) -> None:
    lines = run("list", path).stdout.split("\n")
    assert lines[0] == "2 sessions, the one written last first"
    assert [line.split()[0] for line in lines[1:3]] == ["support", "billing"]
    assert [line.split()[:5] for line in lines[5:7]] == [
        ["main", "3", "turns", "8", "items"],
        ["alt", "2", "turns", "4", "items"],
    ]
    assert "1 branch of billing" in run("list", path, "--session", "billing").stdout


def test_list_as_json(path: Path) -> None:
    told = parsed("list", path)
    assert [session["session_id"] for session in told["sessions"]] == ["support", "billing"]
    assert told["session_id"] == "support"
    assert [(branch["branch_id"], branch["turns"]) for branch in told["branches"]] == [("main", 3), ("alt", 2)]


def test_show_reads_as_text(path: Path) -> None:
    assert run("show", path).stdout.split("\n") == [
        "turn 1 · 1,100 tokens: 1,000 in, 500 of it cached, 100 out, 20 of it reasoning",
        "user:",
        "  hello ␛[31mthere",
        "assistant:",
        "  answer 1",
        "",
        "turn 2",
        "user:",
        "  in Bergen instead",
        "assistant:",
        "  It rains.",
        "",
    ]


def test_show_some_turns_of_a_branch(path: Path) -> None:
    text = run("show", path, "--branch", "main", "--turn", "2-3").stdout
    assert "turn 1" not in text
    assert "  call get_weather:\n    {\n" in text
    assert "  output get_weather:\n    12 °C, rain\n" in text
    assert "오슬로 날씨" in text


async def test_show_as_json_has_the_items_as_the_sdk_returns_them(path: Path) -> None:
    told = parsed("show", path, "--branch", "main")
    sdk = open_sdk(path)
    assert [item["item"] for turn in told["turns"] for item in turn["items"]] == await sdk.get_items()
    assert [turn["usage"]["input_tokens"] for turn in told["turns"]] == [1000, 2000, 3000]
    sdk.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "nowhere.sqlite"], "does not exist"),
        (["show", "FILE", "--session", "nobody"], "no session 'nobody'"),
        (["show", "FILE", "--branch", "none"], "no branch 'none'"),
        (["show", "FILE", "--turn", "9"], "has no turn 9"),
        (["show", "FILE", "--turn", "first"], "is no turn"),
        (["export", "FILE", "--through", "main"], "names no turn"),
        (["export", "FILE", "--output", "FILE"], "is there already"),
        (["export", "FILE", "--output", "/nowhere/out.md"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines(path: Path, arguments: list[str], says: str) -> None:
    before = path.read_bytes()
    done = run(*(str(path) if word == "FILE" else word for word in arguments))
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().split("\n")) == 2
    assert done.stdout == ""
    assert path.read_bytes() == before


def test_export_writes_what_was_asked_for(path: Path, tmp_path: Path) -> None:
    done = run("export", path, "--branch", "alt", "--format", "md")
    assert "> in Bergen instead" in done.stdout
    assert "weather in Oslo" not in done.stdout
    target = tmp_path / "out.html"
    assert run("export", path, "--format", "html", "-o", target).returncode == 0
    assert target.read_text("utf-8").startswith("<!doctype html>")
    assert run("export", path, "-o", target, "--force").returncode == 0
    assert target.read_text("utf-8").startswith("# support")
    shared = json.loads(run("export", path, "--through", "main:2", "--json").stdout)
    assert [branch["branch_id"] for branch in shared["branches"]] == ["main"]
    shared = json.loads(run("export", path, "--through", "main:1", "--json").stdout)
    assert [branch["branch_id"] for branch in shared["branches"]] == ["main", "alt"]


def test_a_reader_that_stops_is_no_error(path: Path) -> None:
    with subprocess.Popen([*CONVO_TUI, "show", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


def complete(line: str) -> list[str]:
    """What the shell is offered for a line."""
    done = subprocess.run(
        [*CONVO_TUI],
        env={
            **os.environ,
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_STDOUT_FILENAME": "/dev/stdout",
            "_ARGCOMPLETE_IFS": "\n",
            "_ARGCOMPLETE_SHELL": "bash",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line.encode())),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return [word.strip() for word in done.stdout.split("\n") if word]


def test_the_shell_completes_commands_options_files_sessions_and_branches(path: Path) -> None:
    assert "show" in complete("convo-tui sh")
    assert str(path) in complete(f"convo-tui {str(path)[:-5]}")
    assert str(path) in complete(f"convo-tui show {str(path)[:-5]}")
    assert complete(f"convo-tui show {path} --session b") == ["billing"]
    assert complete(f"convo-tui show {path} --branch ") == ["main", "alt"]
    assert complete(f"convo-tui {path} --branch a") == ["alt"]
    assert "--through" in complete(f"convo-tui export {path} --th")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_set_up_by_what_is_printed(shell: str) -> None:
    assert "convo-tui" in run("completion", shell).stdout
