"""A session, a scripted model server, and runners of agents; all are closed when their test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from tests.agent.server import ScriptedServer
from tests.conftest import OpenOurs
from tui.agent import AgentRunner, AgentSettings, Api
from tui.session import AdvancedSQLiteSession


class MakeRunner(Protocol):
    def __call__(self, **settings: Any) -> AgentRunner: ...


class MakeAgent(Protocol):
    def __call__(self, source: str, name: str = ..., **settings: Any) -> AgentRunner: ...


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's keys and addresses from the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_DEFAULT_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def session(ours: OpenOurs) -> AdvancedSQLiteSession:
    return ours()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(params=["responses", "chat"])
def api(request: pytest.FixtureRequest) -> Api:
    return cast("Api", request.param)


@pytest.fixture
async def make_runner() -> AsyncIterator[MakeRunner]:
    """Create runners from settings."""
    runners: list[AgentRunner] = []

    def make(**settings: Any) -> AgentRunner:
        runners.append(AgentRunner(AgentSettings(**settings)))
        return runners[-1]

    yield make
    for runner in runners:
        await runner.close()


@pytest.fixture
def make_agent(tmp_path: Path, make_runner: MakeRunner, server: ScriptedServer) -> MakeAgent:
    """Create runners of an agent in a source text, by default on the server's model."""

    def make(source: str, name: str = "agent", **settings: Any) -> AgentRunner:
        path = tmp_path / "agents_under_test.py"
        path.write_text(source, encoding="utf-8")
        return make_runner(**{"agent": f"{path}:{name}", "model": "tiny", "base_url": server.url, **settings})

    return make


@pytest.fixture
def assistant(make_runner: MakeRunner, server: ScriptedServer, api: Api) -> AgentRunner:
    """The plain assistant on the server's model, once with each API."""
    return make_runner(model="tiny", base_url=server.url, api=api)
