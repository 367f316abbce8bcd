"""`convo-tui input`: what a model was sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, RunJSON
from tests.recorded import as_recorded, as_sent
from tests.recorded_trip import write_recorded_trip
from tui.model.requests import Request, RequestInput


async def test_each_request_is_printed_as_it_was_sent(path: Path, run: Run, run_json: RunJSON) -> None:
    calls = iter(await write_recorded_trip(path))
    for branch, turn, requests in (("main", 1, 2), ("main", 2, 3), ("cheap", 2, 1)):
        for number in range(1, requests + 1):
            sent = run_json("input", path, "--branch", branch, "--turn", turn, "--request", number)
            assert (sent["turn"], sent["request"], sent["requests"], sent["recorded"]) == (turn, number, requests, True)
            parts = RequestInput(Request(0, branch, turn, number), *(sent[name] for name in RequestInput._fields[1:]))
            assert as_recorded(parts) == as_sent(next(calls))
    # Without a turn and a request, the last ones of the branch.
    assert sent == run_json("input", path, "--branch", "cheap")
    assert (sent["agent"], sent["model"], sent["response_id"]) == ("Travel agent", "ScriptedModel", "resp_560")
    assert (sent["usage"]["input_tokens"], sent["usage"]["cached_tokens"]) == (560, 384)

    lines = run("input", path, "--branch", "main", "--turn", "2", "--request", "2").stdout.split("\n")
    assert lines[0] == "trip, branch main, turn 2, request 2 of 3"
    assert lines[1].startswith("Travel agent · ScriptedModel · 20")
    assert lines[2:4] == ["640 tokens in (512 cached), 64 out", "response resp_640"]
    start = lines.index("instructions")
    assert lines[start + 1 : start + 3] == ["  You book trips.", "  Answer in one sentence: “short”."]
    tools = lines[lines.index("tools") + 1 : lines.index("settings") - 1]
    assert json.loads("\n".join(tools))[1]["description"] == "Book seats on a flight."
    start = lines.index("7 items")
    assert lines[start + 1 : start + 7] == [
        "user:", "  Find a flight to Lisboa in May", "call find_flight:", "  {", '    "city": "Lisboa",',
        '    "month": "May"',
    ]  # fmt: skip
    assert lines[-3:] == ["output book:", "  TP 571, 1 booked", ""]


async def test_what_is_known_of_a_turn_without_records(path: Path, run: Run, run_json: RunJSON) -> None:
    await write_recorded_trip(path)
    sent: dict[str, Any] = run_json("input", path, "--branch", "main")
    assert (sent["turn"], sent["requests"], sent["recorded"], sent["instructions"]) == (3, 1, False, None)
    assert sent["items"][-1] == {"role": "user", "content": "Thank you"}
    process = run("input", path, "--branch", "main")
    assert process.returncode == 0
    lines = process.stdout.split("\n")
    assert lines[1].startswith("What was sent is not recorded. To record requests, pass hooks=record(session)")
    assert lines[lines.index("tools") + 1] == "  not recorded"
    assert "11 items, as they are stored in the branch" in lines


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--turn", "9"], ["Branch 'main' has no turn 9.", "  Its last turn is 3."]),
        (["--turn", "2", "--request", "4"], ["Turn 2 has no request 4.", "  It has 3 requests."]),
        (["--turn", "3", "--request", "2"], ["Turn 3 has no request 2.", "  It has 1 request."]),
    ],
)
async def test_turns_and_requests_that_do_not_exist(
    path: Path, run: Run, arguments: list[str], lines: list[str]
) -> None:
    await write_recorded_trip(path)
    process = run("input", path, "--branch", "main", *arguments)
    assert process.returncode == 2
    assert process.stderr.splitlines() == [f"convo-tui: {lines[0]}", lines[1]]
