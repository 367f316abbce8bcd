"""From a choice to an agent: the user's own, from a module or a file, or a plain assistant; and what can be wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.recording_hooks import Watch
from tests.agent.server import Says, ScriptedServer
from tui.agent import AgentRunner, AgentSettings
from tui.agent.errors import AgentError
from tui.errors import ConfigError
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession

MakeRunner = Callable[..., AgentRunner]

FILE = """
import os
from agents import Agent
from beside_the_agent import NAME

agent = Agent(name=NAME)
number = 7

class Holder:
    inner = Agent(name="Inner")

def make():
    return Agent(name="Made")

async def make_later():
    return Agent(name="Made later")

def make_none():
    return None

def make_trouble():
    raise LookupError("no such thing")
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agent file that imports what stands beside it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "beside_the_agent.py").write_text("NAME = 'Mine'\n", encoding="utf-8")
    path = tmp_path / "my_agents.py"
    path.write_text(FILE, encoding="utf-8")
    return path


async def answers_as(runner: AgentRunner, session: AdvancedSQLiteSession) -> str | None:
    result = await runner.run(session, "Hello", Watch())
    assert (result.outcome, result.error) == (Outcome.DONE, None)
    return result.agent


@pytest.mark.parametrize(
    ("attribute", "name"),
    [("agent", "Mine"), ("make", "Made"), ("make_later", "Made later"), ("Holder.inner", "Inner")],
)
async def test_an_agent_from_a_file(
    runner: MakeRunner, session: AdvancedSQLiteSession, file: Path, attribute: str, name: str
) -> None:
    assert await answers_as(runner(agent=f"{file}:{attribute}", model="offline"), session) == name


async def test_an_agent_from_a_module_of_the_current_folder(
    runner: MakeRunner, session: AdvancedSQLiteSession, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert await answers_as(runner(agent="my_agents:agent", model="offline"), session) == "Mine"


async def test_a_file_is_loaded_once(runner: MakeRunner, tmp_path: Path) -> None:
    path = tmp_path / "counted.py"
    path.write_text(
        "from pathlib import Path\nfrom agents import Agent\n"
        "with Path(__file__).with_suffix('.log').open('a') as log:\n    log.write('x')\nagent = Agent(name='Once')\n",
        encoding="utf-8",
    )
    once = runner(agent=f"{path}:agent", model="offline")
    await once.prepare()
    await once.prepare()
    assert path.with_suffix(".log").read_text(encoding="utf-8") == "x"


async def test_a_file_that_was_mended_is_loaded_again(runner: MakeRunner, tmp_path: Path) -> None:
    path = tmp_path / "mended.py"
    path.write_text("agent =", encoding="utf-8")
    mended = runner(agent=f"{path}:agent", model="offline")
    with pytest.raises(ConfigError):
        await mended.prepare()
    path.write_text("from agents import Agent\nagent = Agent(name='Mended')\n", encoding="utf-8")
    await mended.prepare()


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("nobody", "has no 'nobody'"),
        ("number", "is no Agent but of type int"),
        ("make_none", "is no Agent but None"),
        ("make_trouble", "LookupError: no such thing, line 22 of my_agents.py"),
    ],
)
async def test_what_is_no_agent(runner: MakeRunner, file: Path, attribute: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        await runner(agent=f"{file}:{attribute}", model="offline").prepare()
    assert caught.value.hint


async def test_a_wrong_name_gets_the_right_ones(runner: MakeRunner, file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        await runner(agent=f"{file}:agnet", model="offline").prepare()
    assert caught.value.hint == "It has agent."


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
    runner: MakeRunner, tmp_path: Path, content: str, message: str, details: str
) -> None:
    path = tmp_path / "broken_agent.py"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(AgentError) as caught:
        await runner(agent=f"{path}:agent", model="offline").prepare()
    assert message in str(caught.value)
    assert details in caught.value.details
    assert "sk-abcdefghij" not in f"{caught.value}{caught.value.details}"
    assert "broken_agent" not in sys.modules


async def test_an_agent_that_cannot_be_had_is_a_result_of_the_run(
    runner: MakeRunner, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    result = await runner(agent=f"{tmp_path / 'missing.py'}:agent", model="offline").run(session, "Hello", Watch())
    assert (result.outcome, result.kept) == (Outcome.FAILED, False)
    assert result.error is not None
    assert "There is no file" in result.error
    assert await session.get_items() == []


@pytest.mark.parametrize(
    ("choice", "message"),
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
async def test_what_cannot_be_had(runner: MakeRunner, choice: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        await runner(**choice).prepare()
    assert caught.value.hint


async def test_an_agent_whose_model_is_no_model(
    runner: MakeRunner, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    path = tmp_path / "odd_model.py"
    path.write_text("from agents import Agent\nagent = Agent(name='Odd')\nagent.model = 7\n", encoding="utf-8")
    result = await runner(agent=f"{path}:agent").run(session, "Hello", Watch())
    assert (result.outcome, result.kept) == (Outcome.FAILED, False)
    assert result.error is not None
    assert result.error.startswith("The agent cannot be loaded: ")


async def test_an_agent_without_a_model_needs_a_key(runner: MakeRunner, file: Path) -> None:
    with pytest.raises(ConfigError, match="There is no key"):
        await runner(agent=f"{file}:agent").prepare()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({}, "Neither an agent nor a model"),
        ({"agent": "travel"}, "does not say where"),
        ({"agent": ":agent"}, "does not say where"),
        ({"agent": "travel:agent", "instructions": "Be kind."}, "its own instructions"),
        ({"model": "tiny", "base_url": "localhost:8080"}, "no address of a server"),
        ({"model": "tiny", "api": "telepathy"}, "no API 'telepathy'"),
        ({"model": "tiny", "max_turns": 0}, "0 turns"),
    ],
)
def test_a_choice_that_makes_no_sense(choice: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        AgentSettings(**choice)  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize(
    ("choice", "label"),
    [
        (AgentSettings(model="offline"), "offline"),
        (AgentSettings(agent="agents/travel.py:agent"), "travel:agent"),
        (AgentSettings(agent="shop.agents:desk", model="gpt-5"), "shop.agents:desk · gpt-5"),
    ],
)
def test_what_it_is_called(choice: AgentSettings, label: str) -> None:
    assert choice.label == label


async def test_a_file_named_like_a_module_that_is_there(
    runner: MakeRunner, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    (tmp_path / "agents.py").write_text("from agents import Agent\nagent = Agent(name='Shadow')\n", encoding="utf-8")
    assert await answers_as(runner(agent=f"{tmp_path / 'agents.py'}:agent", model="offline"), session) == "Shadow"


async def test_instructions_from_a_file(
    runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    (tmp_path / "role.txt").write_text("Answer in verse.\n", encoding="utf-8")
    server.will(Says("Roses are red."))
    poet = runner(model="tiny", base_url=server.url, api="responses", instructions=f"@{tmp_path / 'role.txt'}")
    await answers_as(poet, session)
    assert server.asked[0]["instructions"] == "Answer in verse."


async def test_a_model_name_with_a_slash_goes_to_the_server_as_it_is(
    runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("Hi."))
    await answers_as(runner(model="qwen/qwen3-8b", base_url=server.url), session)
    assert server.asked[0]["model"] == "qwen/qwen3-8b"


async def test_an_agents_own_model_name_goes_to_the_chosen_server(
    runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    (tmp_path / "named.py").write_text("from agents import Agent\nagent = Agent(name='N', model='small')\n", "utf-8")
    server.will(Says("Hi."))
    named = runner(agent=f"{tmp_path / 'named.py'}:agent", base_url=server.url)
    result = await named.run(session, "Hello", Watch())
    assert (result.outcome, result.model) == (Outcome.DONE, "small")
    assert server.asked[0]["model"] == "small"


async def test_keys_come_from_the_file_but_the_environment_goes_first(
    runner: MakeRunner,
    server: ScriptedServer,
    session: AdvancedSQLiteSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    env = tmp_path / "keys.env"
    env.write_text("OPENAI_API_KEY=from-the-file\n# a comment\nexport OTHER='x'\n", encoding="utf-8")
    server.will(Says("Hi."))
    await answers_as(runner(model="tiny", base_url=server.url, env_file=env), session)
    assert server.headers["authorization"] == "Bearer from-the-file"
    assert os.environ["OTHER"] == "x"

    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "from-the-shell")
    await answers_as(runner(model="tiny", base_url=server.url, env_file=env), session)
    assert server.headers["authorization"] == "Bearer from-the-shell"


async def test_no_trace_is_sent_unless_it_is_asked_for(runner: MakeRunner) -> None:
    from tui.agent.loading import load

    assert (await load(AgentSettings(model="offline"))).config.tracing_disabled
    assert not (await load(AgentSettings(model="offline", tracing=True))).config.tracing_disabled


def test_choosing_imports_no_sdk() -> None:
    script = (
        "import sys, tui.agent, tui.agent.settings\n"
        "runner = tui.agent.AgentRunner(tui.agent.AgentSettings(agent='a.py:b'))\n"
        "heavy = {'agents', 'openai', 'pydantic', 'dotenv'}\n"
        "print(runner.name, sorted({name.partition('.')[0] for name in sys.modules} & heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "a:b []"), done.stderr
