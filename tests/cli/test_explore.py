"""`convo-tui` as it is typed: in a real process, and where it shows itself in a real terminal."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conversations import open_sdk, spend, turn
from tests.terminal import Terminal
from tui import __version__

CONVO_TUI = [sys.executable, "-m", "tui"]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    for number, text in enumerate(("hello there", "weather in Oslo", "and tomorrow", "thanks a lot"), 1):
        await sdk.add_items(turn(text, f"answer {number}", tool="get_weather" if number == 2 else None))
        await sdk.store_run_usage(spend(1000 * number, cached=500 * number, reasoning=20))
    await sdk.create_branch_from_turn(3, "alt")
    await sdk.add_items(turn("in Bergen instead", "It rains."))
    await sdk.switch_to_branch("main")
    await sdk.add_items(turn("one more thing", "answer 5"))
    sdk.close()
    return path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CONVO_TUI, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_help_and_version_load_neither_textual_nor_agents() -> None:
    code = (
        "import sys; from tui.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'textual', 'agents', 'rich', 'aiosqlite'}))"
    )
    for argument in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("[]\n")
    assert run("--version").stdout == f"convo-tui {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["a", "--demo"], ["--sessoin", "x", "a"], ["a", "b"]])
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: convo-tui" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_terminal_is_said(path: Path) -> None:
    done = run(str(path))
    assert done.returncode == 2
    assert "this is none" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.sqlite"], "does not exist"),
        ([".."], "is a folder"),
        ([__file__], "is not a SQLite database"),
        (["FILE", "--session", "nobody"], "no session 'nobody'"),
        (["FILE", "--branch", "no\x1b[31mthing"], "no branch 'no␛[31mthing'"),
        (["FILE", "--instructions", "be kind"], "Neither an agent nor a model is named"),
        (["FILE", "--agent", "nowhere"], "does not say where the agent is"),
        (["FILE", "--profile", "mine"], "there is no profile 'mine'"),
    ],
)
def test_what_cannot_be_opened_is_said_in_two_lines(path: Path, arguments: list[str], says: str) -> None:
    arguments = [str(path) if argument == "FILE" else argument for argument in arguments]
    with Terminal([*CONVO_TUI, *arguments]) as terminal:
        assert terminal.wait() == 2
    told = terminal.written.decode().strip().split("\r\n")
    assert len(told) == 2
    assert told[0].startswith("convo-tui: ")
    assert says in told[0]
    assert "\x1b" not in "".join(told)


def test_waiting_for_a_locked_file_can_be_given_up(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("BEGIN EXCLUSIVE")
        # Within an import Python may drop it, so it comes where the file is opened.
        tell = "lambda event, _: event == 'sqlite3.connect' and print('opening', flush=True)"
        code = f"import sys; sys.addaudithook({tell}); from tui.cli import main; sys.exit(main(sys.argv[1:]))"
        with Terminal([sys.executable, "-c", code, str(path)]) as terminal:
            terminal.until("opening")
            terminal.type("\x03")
            assert terminal.wait() == 130
    assert "Traceback" not in terminal.written.decode()


def test_a_wrong_configuration_is_said(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "convo-tui"
    folder.mkdir()
    (folder / "config.toml").write_text('[keys]\n"fork.hree" = "x"\n')
    with Terminal([*CONVO_TUI, str(path)], env={"XDG_CONFIG_HOME": str(tmp_path)}) as terminal:
        assert terminal.wait() == 2
    assert "has no command 'fork.hree'" in terminal.written.decode()


async def test_a_user_looks_forks_by_a_click_and_switches_with_keys(path: Path) -> None:
    with Terminal([*CONVO_TUI, str(path)], columns=140, rows=40) as terminal:
        terminal.until(lambda text: "answer 5" in text and "4.4k" in text)
        assert "1 Tree" in terminal.text
        assert "2 Chat · main" in terminal.text
        assert "3 Usage" in terminal.text

        terminal.click("weather in Oslo")
        terminal.until("Fork from turn 2 · main stays as it is")
        terminal.type(", please\r")
        terminal.until("2 Chat · branch_from_turn_2_")
        terminal.until("no model is set")
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
        assert terminal.wait() == 0
    sdk = open_sdk(path)
    made = [branch["branch_id"] for branch in await sdk.list_branches()]
    sdk.close()
    assert len(made) == 3
    assert any(name.startswith("branch_from_turn_2_") for name in made)


def test_a_window_that_is_smaller_for_a_moment_shows_all_of_it_again(path: Path) -> None:
    with Terminal([*CONVO_TUI, str(path)], columns=140, rows=40) as terminal:
        terminal.until(lambda text: "3 Usage" in text and "answer 5" in text and "q Quit" in text)
        terminal.resize(60, 20)
        terminal.resize(140, 40)
        assert "3 Usage" not in terminal.text
        terminal.until(lambda text: "3 Usage" in text and "answer 5" in text and "q Quit" in text)
        terminal.type("q")
        assert terminal.wait() == 0


async def test_a_user_forks_and_the_answer_streams(path: Path) -> None:
    with Terminal([*CONVO_TUI, str(path), "--model", "offline"], columns=140, rows=44) as terminal:
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
    sdk = open_sdk(path)
    (made,) = {branch["branch_id"] for branch in await sdk.list_branches()} - {"main", "alt"}
    turns = await sdk.get_conversation_turns(branch_id=made)
    assert [told["content"] for told in turns] == ["hello there", "weather in Oslo and in Bergen?"]
    used = await sdk.get_turn_usage(2, branch_id=made)
    assert isinstance(used, dict)
    assert used["total_tokens"] > 0
    sdk.close()


def test_the_demo_needs_nothing() -> None:
    with Terminal([*CONVO_TUI, "--demo"], columns=140, rows=40) as terminal:
        terminal.until(lambda text: "trip-to-lisbon" in text and "Sintra" in text and "2 Chat · main" in text)
        terminal.type("q")
        assert terminal.wait() == 0
