"""`convo-tui FILE` in a process and a terminal of its own."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import CONVO_TUI, Run, imported_packages
from tests.conftest import OpenSDK
from tests.conversations import run_result, turn
from tests.terminal import Terminal
from tui import __version__


@pytest.fixture
async def conversation(tmp_path: Path, sdk: OpenSDK) -> Path:
    """A file whose session support has main with 5 turns, and alt, forked at turn 3."""
    path = tmp_path / "support.sqlite"
    session = sdk(path, "support")
    for number, text in enumerate(("hello there", "weather in Oslo", "and tomorrow", "thanks a lot"), 1):
        await session.add_items(turn(text, f"answer {number}", tool="get_weather" if number == 2 else None))
        await session.store_run_usage(run_result(1000 * number, cached=500 * number, reasoning=20))
    await session.create_branch_from_turn(3, "alt")
    await session.add_items(turn("in Bergen instead", "It rains."))
    await session.switch_to_branch("main")
    await session.add_items(turn("one more thing", "answer 5"))
    # No connection is left, as one test changes the journal mode.
    session.close()
    return path


def test_help_and_version_import_neither_textual_nor_agents(run: Run) -> None:
    for argument in ("--help", "--version"):
        assert not imported_packages(argument) & {"textual", "agents", "rich", "aiosqlite"}
    assert run("--version").stdout == f"convo-tui {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["a", "b", "--demo"], ["--sessoin", "x", "a"], ["a", "b"], ["find", "a", "x", "--limit", "0"]]
)
def test_invalid_arguments(run: Run, arguments: list[str]) -> None:
    process = run(*arguments)
    assert process.returncode == 2
    assert "usage: convo-tui" in process.stderr
    assert "Traceback" not in process.stderr


def test_without_a_terminal(conversation: Path, run: Run) -> None:
    process = run(conversation)
    assert process.returncode == 2
    assert "needs a terminal" in process.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.sqlite"], "does not exist"),
        (["nowhere.sqlite", "--model", "offline", "--read-only"], "does not exist"),
        (["nowhere/new.sqlite", "--model", "offline"], "there is no folder"),
        ([".."], "is a folder"),
        ([__file__], "is not a SQLite database"),
        (["FILE", "--session", "nobody"], "no session 'nobody'"),
        (["FILE", "--branch", "no\x1b[31mthing"], "no branch 'no␛[31mthing'"),
        (["FILE", "--instructions", "be kind"], "Neither an agent nor a model is given"),
        (["FILE", "--agent", "nowhere"], "is not the location of an agent"),
        (["FILE", "--profile", "mine"], "there is no profile 'mine'"),
        (["--demo", "FILE"], "is there already"),
    ],
)
def test_an_error_is_two_lines_and_exit_code_2(conversation: Path, arguments: list[str], message: str) -> None:
    arguments = [str(conversation) if argument == "FILE" else argument for argument in arguments]
    with Terminal(arguments, forked=True) as terminal:
        assert terminal.wait() == 2
    lines = terminal.written.decode().strip().split("\r\n")
    assert len(lines) == 2
    assert lines[0].startswith("convo-tui: ")
    assert message in lines[0]
    assert "\x1b" not in "".join(lines)


def test_ctrl_c_ends_the_wait_for_a_locked_file(conversation: Path) -> None:
    with closing(sqlite3.connect(conversation, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("BEGIN EXCLUSIVE")
        # Ctrl+C is typed when the file is opened, as Python may drop it during an import.
        report = "lambda event, _: event == 'sqlite3.connect' and print('opening', flush=True)"
        code = f"import sys; sys.addaudithook({report}); from tui.cli import main; sys.exit(main(sys.argv[1:]))"
        with Terminal([sys.executable, "-c", code, str(conversation)]) as terminal:
            terminal.until("opening")
            terminal.type("\x03")
            assert terminal.wait() == 130
    assert "Traceback" not in terminal.written.decode()


def test_an_invalid_configuration(conversation: Path, tmp_path: Path) -> None:
    folder = tmp_path / "convo-tui"
    folder.mkdir()
    (folder / "config.toml").write_text('[keys]\n"fork.hree" = "x"\n')
    with Terminal([str(conversation)], forked=True, env={"XDG_CONFIG_HOME": str(tmp_path)}) as terminal:
        assert terminal.wait() == 2
    assert "has no command 'fork.hree'" in terminal.written.decode()


async def test_a_user_forks_with_a_click_and_switches_branches_with_keys(conversation: Path, sdk: OpenSDK) -> None:
    with Terminal([*CONVO_TUI, str(conversation)], columns=140, rows=40) as terminal:
        terminal.until(lambda text: "answer 5" in text and "4.4k" in text)
        assert "1 Tree" in terminal.text
        assert "2 Chat · main" in terminal.text
        assert "3 Usage" in terminal.text

        terminal.click("weather in Oslo")
        terminal.until("Fork from turn 2 · main stays as it is")
        terminal.type(", please\r")
        terminal.until("2 Chat · branch_from_turn_2_")
        terminal.until("Made a new branch.")
        terminal.until("weather in Oslo, please")

        terminal.type("\x1b")
        terminal.until("f Fork")
        terminal.type("b")
        terminal.until("type part of a name")
        terminal.type("alt\r")
        terminal.until("2 Chat · alt")
        terminal.until("It rains.")
        terminal.type("-")
        terminal.until("2 Chat · branch_from_turn_2_")
        terminal.resize(100, 30)
        terminal.until(lambda text: "2 Chat" in text and "│" in text)
        terminal.resize(40, 12)
        terminal.until("2 Chat")
        terminal.type("q")
        # The text of the fork was not sent, as there is no model.
        terminal.until("unsent")
        terminal.type("q")
        assert terminal.wait() == 0
    branches = [branch["branch_id"] for branch in await sdk(conversation, "support").list_branches()]
    assert len(branches) == 3
    assert any(name.startswith("branch_from_turn_2_") for name in branches)


def test_a_window_that_was_smaller_shows_all_panes_again(conversation: Path) -> None:
    with Terminal([str(conversation)], columns=140, rows=40, forked=True) as terminal:
        terminal.until(lambda text: "3 Usage" in text and "answer 5" in text and "q Quit" in text)
        terminal.resize(60, 20)
        terminal.resize(140, 40)
        assert "3 Usage" not in terminal.text
        terminal.until(lambda text: "3 Usage" in text and "answer 5" in text and "q Quit" in text)
        terminal.type("q")
        assert terminal.wait() == 0


async def test_a_user_forks_and_the_answer_streams(conversation: Path, sdk: OpenSDK) -> None:
    with Terminal([str(conversation), "--model", "offline"], columns=140, rows=44, forked=True) as terminal:
        terminal.until(lambda text: "answer 5" in text and "2 weather in Oslo" in text and "offline" in text)
        terminal.click("2 weather in Oslo")
        terminal.until("Fork from turn 2 · main stays as it is")
        terminal.type(" and in Bergen?\r")
        terminal.until(lambda text: "no server was asked" in text and "Esc stops" not in text and "estimated" in text)
        assert "t2" in terminal.text
        terminal.type("\x1b")
        terminal.until("f Fork")
        terminal.type("q")
        assert terminal.wait() == 0
    session = sdk(conversation, "support")
    (fork,) = {branch["branch_id"] for branch in await session.list_branches()} - {"main", "alt"}
    turns = await session.get_conversation_turns(branch_id=fork)
    assert [turn["content"] for turn in turns] == ["hello there", "weather in Oslo and in Bergen?"]
    usage = await session.get_turn_usage(2, branch_id=fork)
    assert isinstance(usage, dict)
    assert usage["total_tokens"] > 0


@pytest.mark.parametrize("file", [None, "samples.sqlite"])
def test_the_demo_needs_no_key_and_keeps_a_named_file(tmp_path: Path, file: str | None) -> None:
    arguments = [] if file is None else [str(tmp_path / file)]
    with Terminal(["--demo", *arguments], columns=140, rows=40, forked=True) as terminal:
        terminal.until(lambda text: "trip-to-lisbon" in text and "Sintra" in text and "2 Chat · main" in text)
        terminal.type("q")
        assert terminal.wait() == 0
    assert [path.name for path in tmp_path.iterdir()] == ([] if file is None else [file])
