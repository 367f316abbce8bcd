"""The commands that need no terminal."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from agents import SQLiteSession

from tests.cli.conftest import CONVO_TUI, Run, RunJSON, imported_packages
from tests.conftest import OpenOurs, OpenSDK
from tests.conversations import run_result, turn
from tests.fork_server import fork_server
from tui.formats import Format
from tui.items.codec import decode
from tui.model.requests import RequestUsage, SentRequest
from tui.storage.editor import Editor


async def test_list_prints_sessions_and_the_branches_of_the_one_written_last(conversation: Path, run: Run) -> None:
    editor = Editor(conversation, "agent_sessions", "agent_messages")
    await editor.label("support", "alt", note="the cheaper one", description="Noted")
    lines = run("list", conversation).stdout.split("\n")
    assert lines[0] == "2 sessions, the one written last first"
    assert [line.split()[0] for line in lines[1:3]] == ["support", "billing"]
    assert [line.split("  ")[2] for line in lines[1:3]] == ["“hello ␛[31mthere”", "“Send me the invoice”"]
    assert [line.split()[:5] for line in lines[5:7]] == [
        ["main", "3", "turns", "8", "items"],
        ["alt", "2", "turns", "4", "items"],
    ]
    assert lines[6].endswith("  the cheaper one")
    billing = run("list", conversation, "--session", "billing").stdout.split("\n")
    assert billing[4] == "1 branch of billing"
    assert billing[5].split() == ["main", "1", "turn", "2", "items"]


def test_list_as_json(conversation: Path, run_json: RunJSON) -> None:
    output = run_json("list", conversation)
    assert [session["session_id"] for session in output["sessions"]] == ["support", "billing"]
    assert output["session_id"] == "support"
    branches = [(branch["branch_id"], branch["turns"], branch["items"]) for branch in output["branches"]]
    assert branches == [("main", 3, 8), ("alt", 2, 4)]


def test_show_prints_text(conversation: Path, run: Run) -> None:
    assert run("show", conversation).stdout.split("\n") == [
        "support, branch alt, 2 turns",
        "",
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


def test_show_prints_some_turns_of_a_branch(conversation: Path, run: Run) -> None:
    text = run("show", conversation, "--branch", "main", "--turn", "2-3").stdout
    assert "turn 1" not in text
    assert "call get_weather:\n  {\n" in text
    assert "output get_weather:\n  12 °C, rain\n" in text
    assert "오슬로 날씨" in text


async def test_show_as_json_has_the_items_that_the_sdk_returns(
    conversation: Path, run_json: RunJSON, sdk: OpenSDK
) -> None:
    output = run_json("show", conversation, "--branch", "main")
    items = [item["item"] for turn in output["turns"] for item in turn["items"]]
    assert items == await sdk(conversation, "support").get_items()
    assert [turn["usage"]["input_tokens"] for turn in output["turns"]] == [1000, 2000, 3000]


@pytest.mark.parametrize("command", ["list", "show", "find"])
def test_times_in_json_are_iso_8601_in_utc(conversation: Path, run_json: RunJSON, command: str) -> None:
    output = run_json(command, conversation, *(["there"] if command == "find" else []))
    match command:
        case "list":
            times = [session["updated_at"] for session in output["sessions"]]
            times += [branch["created_at"] for branch in output["branches"]]
        case "show":
            times = [item["created_at"] for turn in output["turns"] for item in turn["items"]]
        case _:
            times = [hit["created_at"] for hit in output["hits"]]
    assert times
    for time in times:
        date, _, clock = time.partition("T")
        assert (len(date), clock[8:]) == (10, "Z")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "nowhere.sqlite"], "does not exist"),
        (["show", "FILE", "--session", "nobody"], "no session 'nobody'"),
        (["show", "FILE", "--branch", "none"], "no branch 'none'"),
        (["show", "FILE", "--turn", "9"], "has no turn 9"),
        (["show", "FILE", "--turn", "first"], "is not a turn"),
        (["show", "FILE", "--turn", "2-1"], "--turn 2-1 is reversed"),
        (["export", "FILE", "--through", "main"], "is not a turn of a branch"),
        (["export", "FILE", "--output", "FILE"], "exists already"),
        (["export", "FILE", "--output", "/nowhere/out.md"], "cannot be written"),
        (["export", "FILE", "--output", "x" * 300], "cannot be written: File name too long"),
        (["list", "x" * 300], "cannot be looked up: File name too long"),
        (["copy", "FILE", "x" * 300], "cannot be looked up: File name too long"),
    ],
)
def test_an_error_is_two_lines_and_exit_code_2(
    conversation: Path, run: Run, arguments: list[str], message: str
) -> None:
    before = conversation.read_bytes()
    process = run(*(conversation if argument == "FILE" else argument for argument in arguments))
    assert process.returncode == 2
    assert message in process.stderr
    assert len(process.stderr.strip().split("\n")) == 2
    assert process.stdout == ""
    assert conversation.read_bytes() == before


def test_export_writes_the_requested_branches_in_the_requested_format(
    conversation: Path, run: Run, run_json: RunJSON, tmp_path: Path
) -> None:
    text = run("export", conversation, "--branch", "alt", "--format", "md").stdout
    assert "> in Bergen instead" in text
    assert "weather in Oslo" not in text
    for through, branches in (("main:2", ["main"]), ("main:1", ["main", "alt"])):
        document = run_json("export", conversation, "--through", through)
        assert [branch["branch_id"] for branch in document["branches"]] == branches


BEGINNINGS = {Format.MARKDOWN: "# support", Format.HTML: "<!doctype html>", Format.JSON: "{"}


@pytest.mark.parametrize("suffix", [*Format, "HTML", "txt", ""])
def test_the_suffix_of_the_output_chooses_the_format_unless_one_is_given(
    conversation: Path, run: Run, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"out.{suffix}".rstrip(".")
    known = suffix.lower() in tuple(Format)
    assert run("export", conversation, "-o", target).returncode == 0
    assert target.read_text("utf-8").startswith(BEGINNINGS[Format(suffix.lower()) if known else Format.MARKDOWN])
    for given in Format:
        assert run("export", conversation, "--format", given, "-o", target, "--force").returncode == 0
        assert target.read_text("utf-8").startswith(BEGINNINGS[given])


def test_usage_counts_each_turn_once(conversation: Path, run: Run, run_json: RunJSON) -> None:
    output = run_json("usage", conversation, "--branch", "main")
    assert [turn["usage"]["total_tokens"] for turn in output["turns"]] == [1100, 2200, 3300]
    assert {name: scope["usage"]["total_tokens"] for name, scope in output["scopes"].items()} == {
        "own": 6600,
        "path": 6600,
        "all": 6600,
    }
    assert [turn["resend_cost"]["requests"] for turn in output["turns"]] == [2, 1, 0]
    assert output["resend_cost"]["input_tokens"] == 6000
    inherited = run_json("usage", conversation, "--branch", "alt")
    assert [turn["branch_id"] for turn in inherited["turns"]] == ["main", None]
    assert inherited["scopes"]["path"]["usage"]["total_tokens"] == 1100
    assert inherited["scopes"]["own"]["usage"] is None
    lines = run("usage", conversation, "--branch", "main", "--price-as", "gpt-5-mini").stdout.split("\n")
    assert lines[0] == "session support, branch main"
    assert [line.split()[0] for line in lines[2:8]] == ["1", "2", "3", "own", "path", "all"]
    assert all("$" in line for line in lines[2:8])
    printed = run("usage", conversation, "--branch", "main", "--requests").stdout
    assert "Requests are not recorded for 3 of 3 turns. To record requests, pass hooks=record(session)" in printed


async def test_requests_without_a_recorded_run_have_the_price_of_their_model(
    ours: OpenOurs, path: Path, run_json: RunJSON
) -> None:
    session = ours()
    await session.add_items([{"role": "user", "content": "hello"}])
    for number, model in enumerate(("gpt-5-mini", "gpt-5"), 1):
        await session.record_request(SentRequest(RequestUsage(2000, 100), model=model), first=number == 1)
    output = run_json("usage", path)
    costs = [float(request["cost"]["usd"]) for request in output["turns"][0]["requests"]]
    assert 0 < costs[0] < costs[1]
    assert float(output["scopes"]["path"]["cost"]["usd"]) == pytest.approx(sum(costs))


async def test_a_sum_without_some_of_its_turns_is_a_lower_bound(
    ours: OpenOurs, path: Path, run: Run, run_json: RunJSON
) -> None:
    session = ours()
    for model in ("gpt-5-mini", None):
        await session.add_items([{"role": "user", "content": "hello"}])
        await session.record_request(SentRequest(RequestUsage(2000, 100), model=model), first=True)
    await session.fork(1, "alt")
    await session.add_items([{"role": "user", "content": "hi"}])
    await session.record_request(SentRequest(RequestUsage(20, 10), model="of-our-own"), first=True)

    cost = run_json("usage", path, "--branch", "main")["scopes"]["path"]["cost"]
    assert (cost["usd"], cost["known_usd"], cost["unpriced_turns"]) == (None, "0.000700000", 1)
    assert "≥$0.00070 (1 turn unpriced)" in run("usage", path, "--branch", "main").stdout
    left, right = (run_json("compare", path, "main", "alt")[side]["summary"]["cost"] for side in ("left", "right"))
    assert (left["usd"], left["known_usd"], left["turns"]) == (None, "0.000700000", 2)
    assert (right["usd"], right["known_usd"], right["unpriced_turns"]) == (None, None, 1)
    printed = next(line for line in run("compare", path, "main", "alt").stdout.splitlines() if line.startswith("cost"))
    assert printed.split("  ")[-1] == "no price"
    assert "≥$0.00070 (1 turn unpriced)" in printed


async def test_usage_names_models_prices_and_what_has_none(
    ours: OpenOurs, path: Path, run: Run, run_json: RunJSON, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session = ours()
    for model in ("gpt-5-mini", "of-our-own", "nobody-knows-it", None, None):
        await session.add_items([{"role": "user", "content": "hello"}])
        await session.record_request(SentRequest(RequestUsage(2000, 100), model=model), first=True)
    config = tmp_path / "convo-tui" / "config.toml"
    config.parent.mkdir()
    config.write_text('[prices."of-our-own"]\ninput = 0.5\ncached_input = 0.05\noutput = 2\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    printed = run("usage", path).stdout
    assert [line.split()[-2:] for line in printed.splitlines()[2:7]] == [
        ["$0.00070", "gpt-5-mini"],
        ["$0.0012", "of-our-own"],
        ["price", "nobody-knows-it"],
        ["no", "price"],
        ["no", "price"],
    ]
    assert f"  of-our-own: input $0.5, cached input $0.05, output $2 ({config})" in printed
    assert "  gpt-5-mini: input $0.25, cached input $0.025, output $2 (genai-prices)" in printed
    assert "No price for 1 turn of 5: no price list has nobody-knows-it." in printed
    assert f"[prices] in {config}" in printed
    assert "No price for 2 turns of 5: the model is not recorded. --price-as MODEL" in printed
    output = run_json("usage", path)
    assert [turn["unpriced"] for turn in output["turns"]] == [
        None,
        None,
        "model_without_price",
        "model_not_recorded",
        "model_not_recorded",
    ]
    assert {price["model"]: (price["output_usd"], price["source"]) for price in output["prices"]} == {
        "gpt-5-mini": ("2", "genai-prices"),
        "of-our-own": ("2", str(config)),
    }
    assert "of-our-own: input $0.5" in run("usage", path, "--price-as", "of-our-own").stdout
    assert "No price" not in run("usage", path, "--price-as", "of-our-own").stdout
    config.write_text('[prices."of-our-own"]\ninput = "cheap"\n')
    refused = run("usage", path)
    assert refused.returncode == 2
    assert f'{config}: prices."of-our-own".input is not a price.' in refused.stderr


def test_usage_with_prices_as_json(conversation: Path, run_json: RunJSON) -> None:
    output = run_json("usage", conversation, "--branch", "main", "--price-as", "gpt-5-mini")
    costs = [turn["cost"] for turn in output["turns"]]
    assert all(float(cost["usd"]) > 0 and cost["unpriced_turns"] == 0 for cost in costs)
    assert float(output["scopes"]["own"]["cost"]["usd"]) == pytest.approx(sum(float(cost["usd"]) for cost in costs))
    assert output["price_as"] == "gpt-5-mini"


def test_usage_of_a_branch_without_usage_is_estimated(conversation: Path, run: Run, run_json: RunJSON) -> None:
    printed = run("usage", conversation, "--session", "billing").stdout
    output = run_json("usage", conversation, "--session", "billing")
    (turn,) = output["turns"]
    sizes = turn["text_estimate"]
    assert turn["usage"] is output["scopes"]["path"]["usage"] is None
    words = ["1", *(f"≈{size}" for size in (*sizes.values(), sum(sizes.values())))]
    assert words in [line.split() for line in printed.splitlines()]
    assert "estimated from the text" in printed
    assert "store_run_usage" in printed
    assert all(turn["text_estimate"] is None for turn in run_json("usage", conversation)["turns"])


def test_list_prints_local_times_with_their_zone(
    conversation: Path, run: Run, run_json: RunJSON, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "KST-9")
    updated_at = datetime.fromisoformat(run_json("list", conversation)["sessions"][0]["updated_at"])
    local = f"{updated_at + timedelta(hours=9):%Y-%m-%d %H:%M} +09:00"
    assert run("list", conversation).stdout.split("\n")[1].split("  ")[:2] == ["support", local]


def test_find_prints_turn_and_branches_of_each_hit(conversation: Path, run: Run, run_json: RunJSON) -> None:
    output = run_json("find", conversation, "there")
    assert [(hit["turn"], hit["branches"], hit["type"]) for hit in output["hits"]] == [(1, ["main", "alt"], "user")]
    assert (output["truncated"], output["timed_out_items"]) == (False, 0)
    heading, place, _ = run("find", conversation, "오슬로").stdout.splitlines()
    assert heading == "session support · “hello ␛[31mthere”"
    assert re.fullmatch(r"turn 3, main, user, \d{4}-\d\d-\d\d \d\d:\d\d [+-]\d\d:\d\d:", place)
    assert "session billing · “" in run("find", conversation, "invoice", "--everywhere").stdout
    assert run("find", conversation, "tool:get_weather").stdout.count("turn 2, main") == 2
    hits = run_json("find", conversation, "tool:get_weather")["hits"]
    assert all("get_weather" not in hit["context"] for hit in hits)


def test_find_is_truncated_at_the_limit(conversation: Path, run: Run, run_json: RunJSON) -> None:
    output = run_json("find", conversation, "answer", "--limit", "1")
    assert (len(output["hits"]), output["truncated"]) == (1, True)
    text = run("find", conversation, "answer", "--limit", "1").stdout
    assert text.endswith("There is more than 1 hit; --limit shows more.\n")


@pytest.mark.parametrize("words", [["show", "FILE", "nope"], ["keys", "x"], ["find"]])
def test_wrong_arguments_print_the_usage_of_the_command(run: Run, words: list[str]) -> None:
    process = run(*words)
    assert process.returncode == 2
    assert process.stderr.startswith(f"usage: convo-tui {words[0]} ")


def test_nothing_found_is_exit_code_1(conversation: Path, run: Run) -> None:
    assert run("find", conversation, "invoice").returncode == 1
    assert run("find", conversation, "x", "--branch", "none").returncode == 2
    invalid = run("find", conversation, "turn:x")
    assert invalid.returncode == 2
    assert "turn: takes a number" in invalid.stderr


def test_compare_prints_both_sides_from_the_fork_on(conversation: Path, run: Run, run_json: RunJSON) -> None:
    output = run_json("compare", conversation, "main", "alt")
    left, right = output["left"]["summary"], output["right"]["summary"]
    assert (output["shared_turns"], left["turns"], right["turns"]) == (1, 2, 1)
    assert (left["usage"]["total_tokens"], right["usage"]) == (5500, None)
    assert (left["turns_without_usage"], right["turns_without_usage"]) == (0, 1)
    lines = run("compare", conversation, "main", "alt").stdout.split("\n")
    assert lines[:3] == ["- main", "+ alt", "They share turn 1."]
    assert "-   weather in Oslo" in lines
    assert "+   in Bergen instead" in lines


async def test_an_export_is_imported_unchanged(
    conversation: Path, run: Run, run_json: RunJSON, sdk: OpenSDK, tmp_path: Path
) -> None:
    document, target = tmp_path / "out.json", tmp_path / "new.sqlite"
    assert run("export", conversation, "--format", "json", "-o", document).returncode == 0
    assert run("import", target, document).stdout == "Imported support.\n"
    before, after = sdk(conversation, "support"), sdk(target, "support")
    for branch in ("main", "alt"):
        assert await after.get_items(branch_id=branch) == await before.get_items(branch_id=branch)
        assert await after.get_turn_usage(branch_id=branch) == await before.get_turn_usage(branch_id=branch)
    conflict = run("import", target, document).stderr
    assert "already" in conflict
    assert "--session" in conflict
    assert run_json("import", target, document, "--session", "copy") == {"sessions": ["copy"], "left_out": {}}


def test_a_damaged_export_is_not_imported(conversation: Path, run: Run, tmp_path: Path) -> None:
    document = tmp_path / "out.json"
    document.write_text(run("export", conversation, "--json").stdout.replace('"rows": [[', '"rows": [[99, '))
    process = run("import", conversation, document, "--session", "copy")
    assert process.returncode == 2
    assert "is damaged" in process.stderr
    assert "copy" not in run("list", conversation).stdout


async def test_a_plain_session_is_adopted(path: Path, run: Run, run_json: RunJSON, sdk: OpenSDK) -> None:
    plain = SQLiteSession("notes", path)
    items = [*turn("One", tool="weather"), *turn("Two")]
    await plain.add_items(items)
    plain.close()
    assert run_json("list", path)["sessions"][0]["plain"]
    assert run("adopt", path).stdout.startswith("Added 6 messages of 'notes' to branch 'main'.")
    session = sdk(path, "notes")
    assert await session.get_items() == items
    assert [turn["content"] for turn in await session.get_conversation_turns()] == ["One", "Two"]
    assert await session.get_tool_usage() == [("weather", 1, 1)]
    await session.create_branch_from_turn(2, "fork")
    assert "are in branches" in run("adopt", path).stderr


async def test_messages_in_no_branch_are_named_found_and_adopted(
    path: Path, run: Run, run_json: RunJSON, sdk: OpenSDK
) -> None:
    await sdk(path, "notes").add_items(turn("One"))
    plain = SQLiteSession("notes", path)
    await plain.add_items(turn("Two"))
    plain.close()
    for command in ("list", "show", "tree"):
        assert "2 messages of 'notes' are in no branch" in run(command, path).stderr
    assert run_json("list", path)["messages_without_branch"] == run_json("tree", path)["messages_without_branch"] == 2
    heading, place, text = run("find", path, "two").stdout.splitlines()
    assert (heading, text) == ("session notes · “One”", "  Two")
    assert place.startswith("in no branch, user, 2")
    assert [(hit["branches"], hit["turn"]) for hit in run_json("find", path, "two")["hits"]] == [([], 0)]
    assert "to branch 'plain-messages'" in run("adopt", path).stdout
    assert run_json("list", path)["messages_without_branch"] == 0


async def test_show_of_a_branch_without_messages(path: Path, run: Run, ours: OpenOurs) -> None:
    session = ours()
    await session.add_items(turn("Hello"))
    await session.fork(1, branch_name="empty", switch=False)
    assert run("show", path, "--branch", "empty").stdout == "chat, branch empty, 0 turns\nNo messages.\n"


def test_keys_lists_ids_keys_and_titles_as_configured(
    run: Run, run_json: RunJSON, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert re.search(r"^fork\.here +f +Fork +explorer$", run("keys").stdout, re.MULTILINE)
    config = tmp_path / "convo-tui" / "config.toml"
    config.parent.mkdir()
    config.write_text('[keys]\n"fork.here" = "ctrl+t,="\n')
    listed = {binding["id"]: binding["keys"] for binding in run_json("keys")}
    assert listed["fork.here"] == ["ctrl+t", "="]
    assert listed["fork.after"] == ["F"]
    # What it prints can be written into the configuration.
    lines = "".join(f'"{name}" = "{",".join(keys)}"\n' for name, keys in listed.items() if keys)
    config.write_text(f"[keys]\n{lines}")
    assert {binding["id"]: binding["keys"] for binding in run_json("keys")} == listed
    config.write_text('[keys]\n"fork.hree" = "f"\n')
    refused = run("keys")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Did you mean 'fork.here'" in refused.stderr
    config.write_text('theme = "texutal-light"\n')
    assert f"{config}: there is no theme 'texutal-light'." in run("keys").stderr


def test_a_reader_that_closes_the_pipe_is_no_error(conversation: Path) -> None:
    command = [*CONVO_TUI, "show", str(conversation)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


def complete(line: str) -> list[str]:
    """Return the completions that the shell gets for a line."""
    process = fork_server().run(
        [],
        env={
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_STDOUT_FILENAME": "/dev/stdout",
            "_ARGCOMPLETE_IFS": "\n",
            "_ARGCOMPLETE_SHELL": "bash",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line.encode())),
        },
    )
    return [word.strip() for word in process.stdout.split("\n") if word]


def test_the_shell_completes_commands_options_files_sessions_and_branches(conversation: Path) -> None:
    path = str(conversation)
    assert "show" in complete("convo-tui sh")
    assert path in complete(f"convo-tui {path[:-5]}")
    assert path in complete(f"convo-tui show {path[:-5]}")
    assert "--branch" in complete("convo-tui show --")
    assert complete(f"convo-tui show {path} --session b") == ["billing"]
    assert complete(f"convo-tui show {path} --branch ") == ["main", "alt"]
    assert complete(f"convo-tui {path} --branch a") == ["alt"]
    assert "--through" in complete(f"convo-tui export {path} --th")
    assert complete("convo-tui completion b") == ["bash"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_setup_of_completion_names_the_program(shell: str, run: Run) -> None:
    assert "convo-tui" in run("completion", shell).stdout


def test_only_the_modules_of_the_command_are_imported(conversation: Path) -> None:
    assert not imported_packages("list", conversation) & {"textual", "agents", "genai_prices"}


def run_in(encoding: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command whose standard output has an encoding."""
    return fork_server().run([*map(str, arguments)], encoding=encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", [["show"], ["list"], ["usage"], ["find", "날씨"], ["compare", "main", "alt"]])
def test_text_in_an_encoding_without_some_letters_has_question_marks(
    conversation: Path, command: list[str], encoding: str
) -> None:
    name, *rest = command
    done = run_in(encoding, name, conversation, *rest, *(["--branch", "main"] if name == "show" else []))
    assert (done.returncode, done.stderr) == (0, "")
    if name in ("show", "find"):
        assert "??? ??" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_document_in_such_an_encoding_is_complete_or_refused(conversation: Path, encoding: str) -> None:
    done = run_in(encoding, "export", conversation, "--format", "json")
    assert json.loads(done.stdout)["session"]["session_id"] == "support"
    done = run_in(encoding, "export", conversation, "--format", "html")
    assert done.stdout.isascii()
    assert "오슬로 날씨" in unescape(done.stdout)
    done = run_in(encoding, "export", conversation, "--format", "md")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        rf"convo-tui: Standard output is {encoding}, which has no '\u241b'.",
        "  Set PYTHONIOENCODING=utf-8, or write a file with --output.",
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is full")
@pytest.mark.parametrize(
    "command", ["show", "list", "usage", "export", "export --format html", "list --json", "find the", "completion"]
)
def test_a_full_disk_is_an_error_of_two_lines(conversation: Path, command: str) -> None:
    name, *rest = command.split()
    arguments = [name, "bash"] if name == "completion" else [name, conversation, *rest]
    with Path("/dev/full").open("w") as full:
        done = fork_server().run([*map(str, arguments)], stdout=full)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "convo-tui: Standard output cannot be written: No space left on device.",
        "  Write to another place, or make room there.",
    ]


def test_a_closed_standard_output_is_an_error_of_two_lines(conversation: Path) -> None:
    command = shlex.join([*CONVO_TUI, "list", str(conversation)])
    done = subprocess.run(["sh", "-c", f"{command} >&-"], stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[0] == "convo-tui: Standard output is closed."


def nested(depth: int, kind: str) -> str:
    return "[" * depth + '"deep"' + "]" * depth if kind == "list" else '{"a":' * depth + '"deep"' + "}" * depth


ODD_ITEMS: list[str | bytes] = [
    *(f'{{"role": "user", "content": {nested(depth, kind)}}}' for depth in (400, 900) for kind in ("list", "dict")),
    *(f'{{"type": "shell_call", "action": {{"commands": {nested(depth, "list")}}}}}' for depth in (400, 20_000)),
    f'{{"type": "function_call", "call_id": "c", "name": "f", "arguments": {json.dumps(nested(900, "dict"))}}}',
    f'{{"type": "function_call_output", "call_id": "c", "output": {nested(400, "list")}}}',
    f'{{"type": "new", "x": {nested(400, "dict")}}}',
    '{"role": "user", "content": "x", "n": NaN}',
    '{"type": "function_call_output", "call_id": "c", "output": 1e999}',
    '{"role": "assistant", "content": [{"type": "output_text", "text": -Infinity}]}',
    r'{"role": "user", "content": "half \ud83d"}',
    r'{"\ud83d": "\ude00"}',
    b'{"role": "user", "content": "caf\xe9"}',
    b"\xff\xfe\x00",
    "null",
    "not JSON",
    '{"role": {}, "type": []}',
]


@pytest.fixture
async def odd(tmp_path: Path, sdk: OpenSDK) -> Path:
    """A session whose items are odd: nested deeply, with numbers that JSON does not have, no text, no JSON."""
    path = tmp_path / "odd.sqlite"
    session = sdk(path, "odd")
    await session.add_items([{"role": "user", "content": str(number)} for number in range(len(ODD_ITEMS))])
    await session.create_branch_from_turn(1, "other")
    await session.add_items(turn("another start"))
    session.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("UPDATE agent_messages SET message_data = ? WHERE id = ?", zip(ODD_ITEMS, count(1)))
    return path


def not_json(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize(
    "command",
    ["show", "show --json", "export", "export --format html", "export --format json", "find deep --json",
     "compare main other", "compare main other --json", "usage --json", "list --json"],
)  # fmt: skip
def test_odd_items_stop_no_command_and_json_is_valid(odd: Path, run: Run, command: str) -> None:
    name, *rest = command.split()
    done = run(name, odd, *rest, *(["--branch", "main"] if name == "show" else []))
    assert (done.returncode, done.stderr) == (0, "")
    if "json" in command:
        json.loads(done.stdout, parse_constant=not_json)


def test_an_export_of_odd_items_is_imported_as_they_were(odd: Path, run: Run, tmp_path: Path) -> None:
    run("export", odd, "--format", "json", "-o", tmp_path / "odd.json")
    assert run("import", tmp_path / "copy.sqlite", tmp_path / "odd.json").stdout == "Imported odd.\n"
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as db:
        copied = [text for (text,) in db.execute("SELECT message_data FROM agent_messages ORDER BY id")]
    for stored, copy in zip(ODD_ITEMS, copied, strict=False):
        text = stored.decode("utf-8", "replace") if isinstance(stored, bytes) else stored
        assert copy == text or decode(copy) == decode(text)


async def test_items_of_other_apis_and_unknown_types_are_printed(path: Path, sdk: OpenSDK, run: Run) -> None:
    items: list[Any] = [
        {"role": "user", "content": "hi"},
        {"type": "skill_call", "call_id": "1", "skill": "zebra", "params": {"q": "giraffe"}, "input": "lion"},
        {"type": "skill_call_output", "call_id": "1", "stdout": "okapi", "output": "gnu"},
        {"role": "assistant", "content": "heron", "tool_calls": [{"id": "1", "function": {"name": "walrus"}}]},
        {"role": "assistant", "parts": [{"type": "text", "text": "penguin"}]},
        {"role": "assistant", "brand_new": "emu"},
    ]
    await sdk().add_items(items)
    for arguments in (["show"], ["export", "--format", "md"], ["export", "--format", "html"]):
        text = run(arguments[0], path, *arguments[1:]).stdout
        for word in ("zebra", "giraffe", "lion", "okapi", "gnu", "heron", "walrus", "penguin", "emu"):
            assert word in text


async def test_the_cost_of_missing_and_of_unusual_numbers(path: Path, sdk: OpenSDK, run_json: RunJSON) -> None:
    session = sdk()
    for number in range(3):
        await session.add_items(turn(str(number)))
        await session.store_run_usage(run_result(100_000))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE turn_usage SET input_tokens = NULL WHERE user_turn_number = 1")
        details = json.dumps({"cached_tokens": 900_000})
        db.execute("UPDATE turn_usage SET input_tokens_details = ? WHERE user_turn_number = 2", (details,))
    output = run_json("usage", path, "--price-as", "claude-sonnet-4-0")
    missing, unusual, usual = (turn["cost"] for turn in output["turns"])
    assert (missing["usd"], missing["unpriced_turns"]) == (None, 1)
    assert unusual["estimated"]
    assert float(unusual["usd"]) > float(usual["usd"])
    assert not usual["estimated"]
    for scope in output["scopes"].values():
        assert (scope["cost"]["usd"], scope["cost"]["unpriced_turns"], scope["cost"]["estimated"]) == (None, 1, True)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text")
def test_names_that_are_no_text(tmp_path: Path, run: Run) -> None:
    path, transcript = tmp_path / "file\udcff.sqlite", tmp_path / "chat\udcff.json"
    transcript.write_text('[{"role": "user", "content": "hi"}]')
    assert run("import", path, transcript).stdout == "Imported chat\ufffd.\n"
    assert run("import", path, transcript, "--session", "own\udcff").stdout == "Imported own\ufffd.\n"
    assert "  hi" in run("show", path, "--session", "chat\ufffd").stdout
    assert run("export", path, "-o", tmp_path / "out\udcff.md").stdout.startswith("Wrote ")
    assert (tmp_path / "out\udcff.md").exists()
