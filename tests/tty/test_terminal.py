"""The explorer and its terminal: what the terminal sends, what others write to it, and how it is given back."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.agent.server import Call, ScriptedServer, TextAnswer, ToolCalls
from tests.cli.conftest import CONVO_TUI
from tests.terminal import Terminal

COLOURS, VERSION = b"\x1b]11;rgb:1e1e/1e1e/1e1e\x07", b"\x1bP>|XTerm(390)\x1b\\"

AGENT = """
import os, subprocess, time
from agents import Agent, AsyncOpenAI, OpenAIChatCompletionsModel, function_tool

subprocess.run("echo CHILD-OUT; echo CHILD-ERR >&2", shell=True)
os.write(2, b"DIRECT")
model = OpenAIChatCompletionsModel(model="m", openai_client=AsyncOpenAI(base_url=os.environ["URL"], api_key="x"))

@function_tool
def wait_long() -> str:
    open(os.environ["STARTED"], "w").close()
    time.sleep(600)
    return "slept"

@function_tool
def read_input() -> str:
    print("PRINTED")
    return subprocess.run("cat; echo END", shell=True, capture_output=True, text=True).stdout

@function_tool
def ask_name() -> str:
    return "name: " + input("[bold]\\x1b[2J" * 1_000_000 + "\\nWhose name? ")

@function_tool
async def ask_in_loop() -> str:
    try:
        return input("Whose name? ")
    except EOFError:
        return "nothing to read"

agent = Agent(name="Tester", model=model, tools=[wait_long, read_input, ask_name, ask_in_loop])
"""

SLOW_AGENT = """
import os, time
from agents import Agent

open(os.environ["STARTED"], "w").close()
time.sleep(600)
"""


@pytest.fixture
def state_folder(tmp_path: Path) -> Path:
    """The folder below which the log is written."""
    return tmp_path / "state"


@contextmanager
def explorer(path: Path, *arguments: str, forked: bool = True, **env: str) -> Iterator[Terminal]:
    """Open a file in the explorer."""
    command = [str(path), *arguments] if forked else [*CONVO_TUI, str(path), *arguments]
    with Terminal(command, columns=140, forked=forked, env=env) as terminal:
        terminal.until(lambda text: "q Quit" in text and "It snows." in text)
        yield terminal


def send_message(terminal: Terminal, text: str) -> None:
    terminal.type("i")
    terminal.until("⏎ Send")
    terminal.type(text)
    terminal.until(text)
    terminal.type("\r")


def branch_names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as db:
        return {name for (name,) in db.execute("SELECT DISTINCT branch_id FROM message_structure")}


def test_the_first_frame_has_the_size_of_the_terminal(conversation: Path) -> None:
    with explorer(conversation, forked=False) as terminal:
        # The title of the tree: in the first frame, and once more when the rest of the screen has come.
        assert terminal.written.count(b"Tree") <= 3


def test_a_late_answer_of_the_terminal_does_nothing(conversation: Path) -> None:
    with explorer(conversation, "--model", "offline") as terminal:
        terminal.send(COLOURS + VERSION + b"\x1b[?62;22c")
        terminal.type("f")
        terminal.until("Fork from turn 2")
        terminal.type("\x11")
        assert terminal.wait() == 0
    assert branch_names(conversation) == {"main"}


def test_an_answer_before_the_screen_stands_does_nothing(conversation: Path) -> None:
    with Terminal([*CONVO_TUI, str(conversation), "--model", "offline"], columns=140) as terminal:
        terminal.send(COLOURS + VERSION)
        terminal.until("q Quit")
        terminal.type("f")
        terminal.until("Fork from turn 2")
        terminal.type("\x11")
        assert terminal.wait() == 0
    assert branch_names(conversation) == {"main"}


def test_keys_of_one_burst_meet_what_the_keys_before_them_open(conversation: Path) -> None:
    with explorer(conversation, "--model", "offline") as terminal:
        for keys, seen in (
            ("fq a d", "and tomorrowq a d"),
            ("\x1b[27u,First title\r", "First title"),
            (" ,\x15Second title\r", "Second title"),
            ("\x10rename\r\x15Third title\r", "Third title"),
            ("i1 2 d\x1b[27u1i f\x1b[27u3i h", "1 2 d f h"),
            ("\x1b[27u1kf: changed\r", "2 branches"),
        ):
            terminal.type(keys)
            terminal.until(seen)


@pytest.mark.parametrize("keys", ["qls\r", "qqqq", "iab\x1b[27u\x11\x11more text\r", "iab\x1b[27uqynot for it\r"])
def test_keys_behind_the_one_that_quits_do_nothing(conversation: Path, keys: str) -> None:
    with explorer(conversation, "--model", "offline") as terminal:
        terminal.type(keys)
        assert terminal.wait() == 0
    assert b"Traceback" not in terminal.written


def test_text_that_is_not_utf8_can_be_typed(conversation: Path) -> None:
    with explorer(conversation, "--model", "offline") as terminal:
        # A click of a terminal without SGR reports, right of column 95.
        terminal.send(b"\x1b[M" + bytes([32, 132, 37]))
        terminal.type("i")
        terminal.until("⏎ Send")
        terminal.send(b"caf\xe9 \x1b[200~cr\xe8me\x1b[201~\x1b[1;1:3A")
        terminal.until("café crème")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(conversation: Path, number: signal.Signals) -> None:
    with explorer(conversation, forked=False) as terminal:
        shown = len(terminal.written)
        os.kill(terminal.pid, number)
        assert terminal.wait() == 128 + number
        for mode in (b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?2004l", b"\x1b[<u", b"\x1b[?25h"):
            assert mode in terminal.written[shown:]
        assert terminal.echoes
    assert b"Traceback" not in terminal.written


def test_ctrl_z_suspends(conversation: Path) -> None:
    with explorer(conversation, forked=False) as terminal:
        shown = len(terminal.written)
        terminal.type("\x1a")
        terminal.wait_until_stopped()
        assert terminal.echoes
        assert b"\x1b[?1049l" in terminal.written[shown:]
        terminal.show(b"\x1b[2J\x1b[H$ fg\r\n")
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.until(lambda text: "1 Tree" in text and "It snows." in text and "q Quit" in text)
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_terminal_that_is_too_simple_is_named(conversation: Path) -> None:
    with Terminal([*CONVO_TUI, str(conversation)], env={"TERM": "dumb"}) as terminal:
        assert terminal.wait() == 2
    assert "cannot draw on a terminal of type 'dumb'" in terminal.written.decode()


def test_the_encoding_of_the_locale_does_not_matter(conversation: Path) -> None:
    with explorer(conversation, forked=False, PYTHONIOENCODING="latin-1") as terminal:
        assert "╭─ 1 Tree" in terminal.text
        terminal.type("q")
        assert terminal.wait() == 0


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def agent(tmp_path: Path) -> str:
    file = tmp_path / "agent_of_test.py"
    file.write_text(AGENT)
    return f"{file}:agent"


def test_what_tools_and_children_write_goes_to_the_log(
    conversation: Path, agent: str, server: ScriptedServer, state_folder: Path
) -> None:
    server.script(ToolCalls([Call("read_input")]), TextAnswer("The end."))
    with explorer(conversation, "--agent", agent, URL=server.url, XDG_STATE_HOME=str(state_folder)) as terminal:
        send_message(terminal, "hello")
        # Quitting asks while the answer is still being stored.
        terminal.until(lambda text: "The end." in text and "Esc stops" not in text)
        terminal.type("\x11")
        assert terminal.wait() == 0
    (log,) = state_folder.rglob("output.log")
    assert f"wrote to {log}" in terminal.written.decode()
    words = {"CHILD-OUT", "CHILD-ERR", "DIRECT", "PRINTED"}
    assert {word for word in words if word in log.read_text()} == words
    assert not {word for word in words if word.encode() in terminal.written}
    assert '"output": "END\\n"' in _stored(conversation)


def test_a_tool_that_calls_input_asks_in_a_dialog(conversation: Path, agent: str, server: ScriptedServer) -> None:
    server.script(ToolCalls([Call("ask_name")]), TextAnswer("The end."))
    with explorer(conversation, "--agent", agent, URL=server.url) as terminal:
        send_message(terminal, "hello")
        terminal.until("Whose name?")
        terminal.type("Ada\r")
        terminal.until("The end.")
    assert '"output": "name: Ada"' in _stored(conversation)


def test_a_tool_that_calls_input_can_be_stopped(conversation: Path, agent: str, server: ScriptedServer) -> None:
    server.script(ToolCalls([Call("ask_name")]))
    with explorer(conversation, "--agent", agent, URL=server.url) as terminal:
        send_message(terminal, "hello")
        terminal.until("Whose name?")
        terminal.type("\x1b")
        terminal.until("Stopped")
        terminal.type("\x11")
        assert terminal.wait() == 0
    assert "Please try again" not in _stored(conversation)


def test_the_program_can_be_left_while_a_tool_asks(conversation: Path, agent: str, server: ScriptedServer) -> None:
    server.script(ToolCalls([Call("ask_name")]))
    with explorer(conversation, "--agent", agent, URL=server.url) as terminal:
        send_message(terminal, "hello")
        terminal.until("Whose name?")
        quit_twice(terminal)
        assert terminal.wait() == 0


def test_input_in_the_event_loop_is_at_its_end(conversation: Path, agent: str, server: ScriptedServer) -> None:
    server.script(ToolCalls([Call("ask_in_loop")]), TextAnswer("The end."))
    with explorer(conversation, "--agent", agent, URL=server.url) as terminal:
        send_message(terminal, "hello")
        terminal.until("The end.")
    assert '"output": "nothing to read"' in _stored(conversation)


def quit_twice(terminal: Terminal) -> None:
    """Quit, and agree that the run is stopped."""
    terminal.type("\x11")
    terminal.until("Quit, and stop 1 answer?")
    terminal.type("\x11")


def test_a_tool_that_never_ends_does_not_keep_the_program(
    conversation: Path, agent: str, server: ScriptedServer, tmp_path: Path
) -> None:
    server.script(ToolCalls([Call("wait_long")]))
    started = tmp_path / "started"
    with explorer(conversation, "--agent", agent, URL=server.url, STARTED=str(started)) as terminal:
        send_message(terminal, "hello")
        terminal.until(lambda _: started.exists())
        quit_twice(terminal)
        assert terminal.wait() == 0
    assert "hello" in _stored(conversation)


def test_the_program_can_be_left_while_an_agent_is_loaded(conversation: Path, tmp_path: Path) -> None:
    file, started = tmp_path / "slow_agent_of_test.py", tmp_path / "started"
    file.write_text(SLOW_AGENT)
    with explorer(conversation, "--agent", f"{file}:agent", STARTED=str(started)) as terminal:
        send_message(terminal, "hello")
        terminal.until(lambda text: started.exists() and "starting" in text)
        quit_twice(terminal)
        assert terminal.wait() == 0
    assert b"Traceback" not in terminal.written


def test_a_window_that_is_closed_stops_the_run(
    conversation: Path, agent: str, server: ScriptedServer, tmp_path: Path
) -> None:
    server.script(ToolCalls([Call("wait_long")]))
    started = tmp_path / "started"
    with explorer(conversation, "--agent", agent, URL=server.url, STARTED=str(started)) as terminal:
        send_message(terminal, "hello")
        terminal.until(lambda _: started.exists())
        terminal.hang_up()
    assert '"type": "function_call_output"' in _stored(conversation)


def _stored(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return "\n".join(data for (data,) in db.execute("SELECT message_data FROM agent_messages"))
