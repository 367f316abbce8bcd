"""Sessions, servers and runners that are closed when their test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.server import ScriptedServer
from tui.agent import AgentRunner, AgentSettings
from tui.session import AdvancedSQLiteSession


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key or address of the machine takes part."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_DEFAULT_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talk.sqlite"


@pytest.fixture
def session(path: Path) -> Iterator[AdvancedSQLiteSession]:
    session = AdvancedSQLiteSession(session_id="talk", db_path=path, create_tables=True)
    yield session
    session.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
async def runner() -> AsyncIterator[Callable[..., AgentRunner]]:
    """Make a runner of a choice."""
    made: list[AgentRunner] = []

    def make(**choice: Any) -> AgentRunner:
        made.append(AgentRunner(AgentSettings(**choice)))
        return made[-1]

    yield make
    for each in made:
        await each.close()
