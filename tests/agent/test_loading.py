"""From settings to an agent: the user's own, from a module or a file, or a plain assistant; and every mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.conftest import MakeRunner
from tests.agent.recording_hooks import RecordingHooks
from tests.agent.server import ScriptedServer, TextAnswer
from tests.fork_server import fork_server
from tui.agent import AgentRunner, AgentSettings
from tui.agent.settings import AgentError
from tui.errors import ConfigError
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession

AGENTS = """
import os
from agents import Agent
from neighbour import NAME

agent = Agent(name=NAME)
number = 7

class Holder:
    inner = Agent(name="Inner")

def make():
    return Agent(name="Made")

async def make_async():
    return Agent(name="Made async")

def make_none():
    return None

def fail():
    raise LookupError("no such thing")
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agent file that imports its neighbour."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "neighbour.py").write_text("NAME = 'Mine'\n", encoding="utf-8")
    path = tmp_path / "my_agents.py"
    path.write_text(AGENTS, encoding="utf-8")
    return path


async def name_of_agent(runner: AgentRunner, session: AdvancedSQLiteSession) -> str | None:
    """Return the name of the agent that answers."""
    result = await runner.run(session, "Hello", RecordingHooks())
    assert (result.outcome, result.error) == (Outcome.DONE, None)
    return result.agent


@pytest.mark.parametrize(
    ("attribute", "name"),
    [("agent", "Mine"), ("make", "Made"), ("make_async", "Made async"), ("Holder.inner", "Inner")],
)
async def test_an_agent_from_a_file(
    make_runner: MakeRunner, session: AdvancedSQLiteSession, file: Path, attribute: str, name: str
) -> None:
    assert await name_of_agent(make_runner(agent=f"{file}:{attribute}", model="offline"), session) == name


async def test_an_agent_from_a_module_of_the_current_folder(
    make_runner: MakeRunner, session: AdvancedSQLiteSession, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert await name_of_agent(make_runner(agent="my_agents:agent", model="offline"), session) == "Mine"


async def test_a_file_is_loaded_once(make_runner: MakeRunner, tmp_path: Path) -> None:
    path = tmp_path / "counted.py"
    path.write_text(
        "from pathlib import Path\nfrom agents import Agent\n"
        "with Path(__file__).with_suffix('.log').open('a') as log:\n    log.write('x')\nagent = Agent(name='Once')\n",
        encoding="utf-8",
    )
    runner = make_runner(agent=f"{path}:agent", model="offline")
    await runner.prepare()
    await runner.prepare()
    assert path.with_suffix(".log").read_text(encoding="utf-8") == "x"


async def test_a_corrected_file_is_loaded_again(make_runner: MakeRunner, tmp_path: Path) -> None:
    path = tmp_path / "corrected.py"
    path.write_text("agent =", encoding="utf-8")
    runner = make_runner(agent=f"{path}:agent", model="offline")
    with pytest.raises(ConfigError):
        await runner.prepare()
    path.write_text("from agents import Agent\nagent = Agent(name='Corrected')\n", encoding="utf-8")
    await runner.prepare()


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("nobody", "has no 'nobody'"),
        ("number", "is no Agent but of type int"),
        ("make_none", "is no Agent but None"),
        ("fail", "LookupError: no such thing, line 22 of my_agents.py"),
    ],
)
async def test_an_attribute_that_is_no_agent(make_runner: MakeRunner, file: Path, attribute: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        await make_runner(agent=f"{file}:{attribute}", model="offline").prepare()
    assert raised.value.hint


async def test_an_unknown_attribute_gets_a_list_of_agents(make_runner: MakeRunner, file: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        await make_runner(agent=f"{file}:agnet", model="offline").prepare()
    assert raised.value.hint == "It has agent."


@pytest.mark.parametrize(
    ("content", "message", "details"),
    [
        (
            "import agents\nimport nowhere_to_be_found\n",
            "No module named 'nowhere_to_be_found', line 2",
            "import nowhere",
        ),
        ("x = 1\ny = (\n", "SyntaxError", "y = ("),
        ("raise SystemExit('no')\n", "SystemExit: no, line 1", "raise SystemExit"),
        ("key = 'sk-abcdefghij123456'\nassert not key, key\n", "AssertionError", "assert not key"),
    ],
)
async def test_a_file_that_cannot_be_imported(
    make_runner: MakeRunner, tmp_path: Path, content: str, message: str, details: str
) -> None:
    path = tmp_path / "broken_agent.py"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(AgentError) as raised:
        await make_runner(agent=f"{path}:agent", model="offline").prepare()
    assert message in str(raised.value)
    assert details in raised.value.details
    assert "sk-abcdefghij" not in f"{raised.value}{raised.value.details}"
    assert "broken_agent" not in sys.modules


async def test_an_agent_that_cannot_be_loaded_fails_the_run(
    make_runner: MakeRunner, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    runner = make_runner(agent=f"{tmp_path / 'missing.py'}:agent", model="offline")
    result = await runner.run(session, "Hello", RecordingHooks())
    assert (result.outcome, result.kept) == (Outcome.FAILED, False)
    assert result.error is not None
    assert "There is no file" in result.error
    assert await session.get_items() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"agent": "no_such_module_here:agent"}, "There is no module 'no_such_module_here'"),
        ({"agent": "json.nothing:agent"}, "There is no module 'json.nothing'"),
        ({"model": "gpt-5"}, "There is no key for the model 'gpt-5'"),
        ({"model": "litellm/anthropic/claude"}, "needs litellm, which is not installed"),
        ({"model": "nobody/knows"}, "There is no model 'nobody/knows'"),
        ({"model": "offline", "instructions": "@nowhere.txt"}, "nowhere.txt cannot be read"),
        ({"model": "offline", "env_file": Path("nowhere.env")}, "nowhere.env cannot be read"),
    ],
)
async def test_something_that_is_missing(make_runner: MakeRunner, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        await make_runner(**settings).prepare()
    assert raised.value.hint


async def test_an_agent_whose_model_is_no_model(
    make_runner: MakeRunner, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    path = tmp_path / "odd_model.py"
    path.write_text("from agents import Agent\nagent = Agent(name='Odd')\nagent.model = 7\n", encoding="utf-8")
    result = await make_runner(agent=f"{path}:agent").run(session, "Hello", RecordingHooks())
    assert (result.outcome, result.kept) == (Outcome.FAILED, False)
    assert result.error is not None
    assert result.error.startswith("The agent cannot be loaded: ")


async def test_an_agent_without_a_model_needs_a_key(make_runner: MakeRunner, file: Path) -> None:
    with pytest.raises(ConfigError, match="There is no key"):
        await make_runner(agent=f"{file}:agent").prepare()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Neither an agent nor a model"),
        ({"agent": "travel"}, "is not the location of an agent"),
        ({"agent": ":agent"}, "is not the location of an agent"),
        ({"agent": "travel:agent", "instructions": "Be kind."}, "its own instructions"),
        ({"model": "tiny", "base_url": "localhost:8080"}, "not the address of a server"),
        ({"model": "tiny", "api": "telepathy"}, "no API 'telepathy'"),
        ({"model": "tiny", "max_turns": 0}, "max_turns is 0"),
    ],
)
def test_invalid_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        AgentSettings(**settings)  # type: ignore[arg-type]
    assert raised.value.hint


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        (AgentSettings(model="offline"), "offline"),
        (AgentSettings(agent="agents/travel.py:agent"), "travel:agent"),
        (AgentSettings(agent="shop.agents:desk", model="gpt-5"), "shop.agents:desk · gpt-5"),
    ],
)
def test_labels(settings: AgentSettings, label: str) -> None:
    assert settings.label == label


async def test_a_file_with_the_name_of_a_loaded_module(
    make_runner: MakeRunner, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    path = tmp_path / "agents.py"
    path.write_text("from agents import Agent\nagent = Agent(name='Shadow')\n", encoding="utf-8")
    assert await name_of_agent(make_runner(agent=f"{path}:agent", model="offline"), session) == "Shadow"


async def test_instructions_from_a_file(
    make_runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    path = tmp_path / "role.txt"
    path.write_text("Answer in verse.\n", encoding="utf-8")
    server.script(TextAnswer("Roses are red."))
    runner = make_runner(model="tiny", base_url=server.url, api="responses", instructions=f"@{path}")
    await name_of_agent(runner, session)
    assert server.requests[0]["instructions"] == "Answer in verse."


async def test_a_model_name_with_a_slash_is_sent_unchanged(
    make_runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(TextAnswer("Hi."))
    await name_of_agent(make_runner(model="qwen/qwen3-8b", base_url=server.url), session)
    assert server.requests[0]["model"] == "qwen/qwen3-8b"


async def test_an_agents_own_model_name_is_sent_to_the_given_server(
    make_runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    path = tmp_path / "named.py"
    path.write_text("from agents import Agent\nagent = Agent(name='N', model='small')\n", "utf-8")
    server.script(TextAnswer("Hi."))
    result = await make_runner(agent=f"{path}:agent", base_url=server.url).run(session, "Hello", RecordingHooks())
    assert (result.outcome, result.model) == (Outcome.DONE, "small")
    assert server.requests[0]["model"] == "small"


async def test_keys_of_the_environment_take_precedence_over_the_file(
    make_runner: MakeRunner,
    server: ScriptedServer,
    session: AdvancedSQLiteSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    env_file = tmp_path / "keys.env"
    env_file.write_text("OPENAI_API_KEY=from-the-file\n# a comment\nexport OTHER='x'\n", encoding="utf-8")
    server.script(TextAnswer("Hi."))
    await name_of_agent(make_runner(model="tiny", base_url=server.url, env_file=env_file), session)
    assert server.headers["authorization"] == "Bearer from-the-file"
    assert os.environ["OTHER"] == "x"

    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "from-the-shell")
    await name_of_agent(make_runner(model="tiny", base_url=server.url, env_file=env_file), session)
    assert server.headers["authorization"] == "Bearer from-the-shell"


async def test_tracing_is_off_by_default() -> None:
    from tui.agent.loading import load_agent

    assert (await load_agent(AgentSettings(model="offline"))).config.tracing_disabled
    assert not (await load_agent(AgentSettings(model="offline", tracing=True))).config.tracing_disabled


def run_python(code: str) -> list[str]:
    """Return the lines that a new process prints."""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


def test_settings_and_runner_import_no_sdk() -> None:
    code = """
import sys, tui.agent
runner = tui.agent.AgentRunner(tui.agent.AgentSettings(agent="a.py:b"))
heavy = {"agents", "openai", "pydantic", "dotenv"}
print(runner.name, sorted({name.partition(".")[0] for name in sys.modules} & heavy))
"""
    assert run_python(code) == ["a:b []"]


def test_warming_up_builds_the_types_of_events_and_the_tracing() -> None:
    code = """
from agents.tracing import setup
from openai.types.responses import ResponseCompletedEvent, ResponseOutputItemAddedEvent, ResponseTextDeltaEvent
from tui.agent.loading import warm_up

kinds = ResponseCompletedEvent, ResponseOutputItemAddedEvent, ResponseTextDeltaEvent
print([kind.__pydantic_complete__ for kind in kinds], setup.GLOBAL_TRACE_PROVIDER is not None)
warm_up()
print([kind.__pydantic_complete__ for kind in kinds], setup.GLOBAL_TRACE_PROVIDER is not None)
"""
    printed = fork_server().run(["-c", code])
    assert printed.stdout.splitlines() == ["[False, False, False] False", "[True, True, True] True"], printed.stderr
