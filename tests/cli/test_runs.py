"""`convo-tui runs`, `approve` and `reject`, and an explorer that is killed while a run waits, in own processes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run, RunJSON
from tests.cli.test_documentation import DOCUMENT, keys
from tests.conversations import open_sdk, turn, write_turns
from tests.databases import Place, open_ours
from tests.fork_server import fork_server
from tests.paying_agent import paid, pause_run, write_agent
from tests.terminal import Terminal

DOWN = "\x1b[B"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await write_turns(tmp_path, turn("hello", "Hi."))


@pytest.fixture
def clerk(tmp_path: Path) -> str:
    return f"{write_agent(tmp_path)}:clerk"


def test_a_run_survives_the_explorer_that_is_killed_while_it_waits(
    path: Path, tmp_path: Path, clerk: str, run: Run, run_json: RunJSON
) -> None:
    command = [str(path), "--agent", clerk]
    with Terminal(command, forked=True) as terminal:
        terminal.until("q Quit")
        terminal.type("i")
        terminal.until("⏎ Send")
        terminal.type("Pay 1 2 then 3")
        terminal.until("Pay 1 2 then 3")
        terminal.type("\r")
        terminal.until("1 of 2 · Approve pay?")
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait()
    assert paid(tmp_path) == []
    with Terminal(command, forked=True) as terminal:
        terminal.until("1 of 2 · Approve pay?")
        terminal.type("w")
        terminal.until("esc Later")
        terminal.type(DOWN + "\r")
        terminal.until("2 of 2 · Approve pay?")
        terminal.type(DOWN * 3 + "\r")
        terminal.until(lambda text: '"amount": 3' in text and "needs approval" in text)
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait()
    assert paid(tmp_path) == ["1"]

    (waiting,) = run_json("runs", path)["runs"]
    assert [call["arguments"] for call in waiting["calls"]] == ['{"amount":3}']
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: run("approve", path, waiting["run"], "--agent", clerk), range(2)))
    answered, refused = sorted(answers, key=lambda process: process.returncode)
    assert (answered.returncode, refused.returncode) == (0, 2)
    assert answered.stdout == "paid 1; Tool execution was not approved.; paid 3\n"
    assert re.fullmatch(rf"convo-tui: .*answered.*\n  `convo-tui runs {re.escape(str(path))}` .*\n", refused.stderr)
    assert paid(tmp_path) == ["1", "3"]
    assert run("runs", path).stdout == "No run waits for approval.\n"


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_the_calls_of_a_run_are_answered_one_by_one(
    engine: str, tmp_path: Path, run: Run, run_json: RunJSON, request: pytest.FixtureRequest
) -> None:
    path: Place = tmp_path / "paid.sqlite" if engine == "sqlite" else request.getfixturevalue("postgres")
    async with open_ours(path) as session:
        await session.add_items(turn("hello", "Hi."))
    noisy = ("    return f", "    print('noise'); __import__('os').system('echo noise')\n    return f")
    clerk = f"{write_agent(tmp_path, noisy)}:clerk"
    await pause_run(path, tmp_path / "paying.py", "Pay 1 2")
    listed = run("runs", path)
    assert re.search(r"\n1 +support +main +\S+ \S+ \S+ +Clerk +call-1 +pay +\{\"amount\":1\}\n", listed.stdout)
    document = DOCUMENT.read_text("utf-8")
    assert all(f'"{key}"' in document for key in keys(run_json("runs", path)))

    first = run_json("approve", path, 1, "--call", "call-2", "--agent", clerk)
    assert (first["outcome"], first["answer"]) == ("waiting", "")
    assert [call["call_id"] for call in first["waiting"]["calls"]] == ["call-1"]
    assert paid(tmp_path) == ["2"]
    assert run("approve", path, 1, "--agent", clerk).returncode == 2
    last = run("reject", path, first["waiting"]["run"], "--reason", "Too much.", "--agent", clerk)
    assert (last.returncode, last.stdout) == (0, "paid 2; Too much.\n")
    assert paid(tmp_path) == ["2"]
    assert "Undone: Sent “Pay 1 2”" in run("undo", path).stdout


def test_of_two_answers_to_calls_of_one_run_the_later_is_refused(path: Path, tmp_path: Path, run: Run) -> None:
    asyncio.run(pause_run(path, write_agent(tmp_path), "Pay 1 2"))
    waits = (
        "import Path\n",
        "import Path\nimport sys\nprint('read', file=sys.stderr, flush=True)\nsys.stdin.readline()\n",
    )
    late = f"{write_agent(tmp_path, waits, name='late.py')}:clerk"
    with fork_server().popen(["approve", str(path), "1", "--call", "call-1", "--agent", late]) as process:
        assert process.stderr.readline() == "read\n"
        first = run("approve", path, 1, "--call", "call-2", "--agent", f"{tmp_path / 'paying.py'}:clerk")
        assert (first.returncode, "as run 2:" in first.stdout) == (0, True)
        process.tell("")
        output, refusal = process.communicate()
    assert (process.returncode, output) == (2, "")
    assert refusal.startswith("convo-tui: It was answered in another program")
    assert paid(tmp_path) == ["2"]


@pytest.mark.parametrize("command", [("approve",), ("reject", "--stop")], ids=" ".join)
def test_an_answer_to_a_locked_file_says_that_it_waits(
    path: Path, tmp_path: Path, clerk: str, command: tuple[str, ...]
) -> None:
    asyncio.run(pause_run(path, tmp_path / "paying.py", "Pay 1"))
    name, *options = command
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with fork_server().popen([name, str(path), "1", "--agent", clerk, *options]) as process:
            said = process.stderr.readline()
            writer.execute("ROLLBACK")
            output, _ = process.communicate()
    assert said == f"{path} is locked by another program: waiting for up to 5 s.\n"
    assert (process.returncode, output) == (0, "Stopped run 1 on 'main'.\n" if options else "paid 1\n")


async def test_a_call_is_not_repeated_after_a_crash(path: Path, tmp_path: Path, run: Run) -> None:
    crash = ("    return f", "    __import__('os').kill(__import__('os').getpid(), 9)\n    return f")
    clerk = f"{write_agent(tmp_path, crash)}:clerk"
    await pause_run(path, tmp_path / "paying.py", "Pay 1")
    assert run("approve", path, 1, "--agent", clerk).returncode == -9
    assert paid(tmp_path) == ["1"]
    assert run("runs", path).stdout == "No run waits for approval.\n"
    assert run("approve", path, 1, "--agent", clerk).returncode == 2
    await pause_run(path, write_agent(tmp_path), "Pay 2")
    assert run("approve", path, 2, "--agent", clerk).returncode == 0
    assert paid(tmp_path) == ["1", "2"]
    await pause_run(path, tmp_path / "paying.py", "Pay 3")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE convo_paused_runs SET approvals = 'garbage'")
    assert run("runs", path).stderr.startswith("1 more run waits for approval, but cannot be read")


async def test_what_cannot_be_answered_is_refused_in_two_lines(
    path: Path, tmp_path: Path, clerk: str, run: Run
) -> None:
    await pause_run(path, tmp_path / "paying.py", "Pay 1")
    changed = f"{write_agent(tmp_path, ('amount: int', 'amount: float'), name='changed.py')}:clerk"
    for arguments, message in {
        ("1",): "No agent is given",
        ("7", "--agent", clerk): "No run 7 waits",
        ("1", "--call", "x", "--agent", clerk): "Run 1 has no call 'x'.",
        ("1", "--agent", changed): "since the run paused: the tool 'pay' of 'Clerk' has other parameters.",
        ("1", "--agent", "nowhere.py:agent"): "There is no file nowhere.py.",
    }.items():
        process = run("approve", path, *arguments)
        assert (process.returncode, process.stdout) == (2, ""), message
        lines = process.stderr.splitlines()
        assert len(lines) == 2
        assert message in lines[0]
    assert paid(tmp_path) == []
    both = run("reject", path, 1, "--stop", "--call", "call-1")
    assert (both.returncode, "--stop rejects all calls" in both.stderr) == (2, True)
    stopped = run("reject", path, 1, "--stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped run 1 on 'main'.\n")
    assert "Stopped before it finished." in run("show", path).stdout

    assert run("fork", path, "--name", "alt").returncode == 0
    await pause_run(path, tmp_path / "paying.py", "Pay 2")
    (waiting,) = re.findall(r"^\d+ +support +alt", run("runs", path).stdout, re.MULTILINE)
    assert run("delete", path, "--branch", "alt", "--yes").returncode == 0
    assert run("approve", path, waiting.split()[0], "--agent", clerk).returncode == 2
    assert run("undo", path).returncode == 0
    assert run("approve", path, waiting.split()[0], "--agent", clerk).stdout == "paid 2\n"
    assert paid(tmp_path) == ["2"]

    await pause_run(path, tmp_path / "paying.py", "Pay 3")
    with closing(open_sdk(path)) as sdk:
        await sdk.switch_to_branch("alt")
        await sdk.add_items(turn("another program", "Hi."))
        stored = await sdk.get_items()
        changed_since = run("reject", path, re.findall(r"^\d+", run("runs", path).stdout, re.MULTILINE)[-1], "--stop")
        assert changed_since.returncode == 0
        assert changed_since.stderr.startswith("Nothing was added to the branch")
        assert await sdk.get_items() == stored
