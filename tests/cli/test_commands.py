"""What works without a screen, as it is typed in a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from agents import SQLiteSession

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


def test_usage_counts_each_turn_once(path: Path) -> None:
    told = parsed("usage", path, "--branch", "main")
    assert [turn["usage"]["total_tokens"] for turn in told["turns"]] == [1100, 2200, 3300]
    assert {name: scope["usage"]["total_tokens"] for name, scope in told["scopes"].items()} == {
        "own": 6600,
        "path": 6600,
        "all": 6600,
    }
    inherited = parsed("usage", path, "--branch", "alt")
    assert [turn["branch_id"] for turn in inherited["turns"]] == ["main", None]
    assert inherited["scopes"]["path"]["usage"]["total_tokens"] == 1100
    assert inherited["scopes"]["own"]["usage"] is None
    lines = run("usage", path, "--branch", "main", "--price-as", "gpt-5-mini").stdout.split("\n")
    assert lines[0] == "session support, branch main"
    assert [line.split()[0] for line in lines[2:8]] == ["1", "2", "3", "own", "path", "all"]
    assert all("$" in line for line in lines[2:8])


def test_a_branch_that_ran_nothing_says_so(path: Path) -> None:
    assert "No usage stored." in run("usage", path, "--session", "billing").stdout


def test_find_tells_where_and_in_which_branches(path: Path) -> None:
    told = parsed("find", path, "there")
    assert [(hit["turn"], hit["branches"], hit["type"]) for hit in told["hits"]] == [(1, ["main", "alt"], "user")]
    assert run("find", path, "오슬로").stdout.startswith("turn 3, main, user:")
    assert "billing" in run("find", path, "invoice", "--everywhere").stdout
    assert run("find", path, "tool:get_weather").stdout.count("turn 2, main") == 2


def test_nothing_found_is_exit_code_1(path: Path) -> None:
    assert run("find", path, "invoice").returncode == 1
    assert run("find", path, "x", "--branch", "none").returncode == 2


def test_compare_shows_both_sides_from_the_fork_on(path: Path) -> None:
    told = parsed("compare", path, "main", "alt")
    assert (told["shared"], told["left"]["summary"]["turns"], told["right"]["summary"]["turns"]) == (1, 2, 1)
    assert told["left"]["summary"]["usage"]["total_tokens"] == 5500
    lines = run("compare", path, "main", "alt").stdout.split("\n")
    assert lines[:3] == ["- main", "+ alt", "They share turns 1 to 1."]
    assert "-   weather in Oslo" in lines
    assert "+   in Bergen instead" in lines


async def test_what_was_exported_is_imported_as_it_was(path: Path, tmp_path: Path) -> None:
    document, target = tmp_path / "out.json", tmp_path / "new.sqlite"
    assert run("export", path, "--format", "json", "-o", document).returncode == 0
    assert run("import", target, document).stdout == "Imported support.\n"
    before, after = open_sdk(path), open_sdk(target)
    for branch in ("main", "alt"):
        assert await after.get_items(branch_id=branch) == await before.get_items(branch_id=branch)
        assert await after.get_turn_usage(branch_id=branch) == await before.get_turn_usage(branch_id=branch)
    before.close()
    after.close()
    assert "already" in run("import", target, document).stderr
    assert parsed("import", target, document, "--session", "again") == {"sessions": ["again"]}


def test_a_damaged_export_leaves_the_file_as_it_was(path: Path, tmp_path: Path) -> None:
    document = tmp_path / "out.json"
    text = run("export", path, "--json").stdout.replace('"rows": [[', '"rows": [[99, ')
    document.write_text(text)
    done = run("import", path, document, "--session", "copy")
    assert done.returncode == 2
    assert "is damaged" in done.stderr
    assert "copy" not in run("list", path).stdout


async def test_a_plain_session_is_adopted(tmp_path: Path) -> None:
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("notes", path)
    items = [*turn("One", tool="weather"), *turn("Two")]
    await plain.add_items(items)
    plain.close()
    assert parsed("list", path)["sessions"][0]["plain"]
    assert run("adopt", path).stdout.startswith("Adopted notes, 6 items.")
    sdk = open_sdk(path, "notes")
    assert await sdk.get_items() == items
    assert [turn["content"] for turn in await sdk.get_conversation_turns()] == ["One", "Two"]
    assert await sdk.get_tool_usage() == [("weather", 1, 1)]
    await sdk.create_branch_from_turn(2, "fork")
    sdk.close()
    assert "is no plain session" in run("adopt", path).stderr


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
