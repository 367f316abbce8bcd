"""Runs on encrypted sessions: the agent reads and writes plain text, and the database never holds any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from agents.extensions.memory import EncryptedSession as SDKEncryptedSession

from tests.agent.server import Call, Compaction, ErrorResponse, ScriptedServer, TextAnswer, ToolCalls
from tests.controller.views import agent_of, quiet, until, user_texts
from tests.conversations import turn
from tests.databases import Place, all_rows, open_ours, rows
from tests.recorded import read_recorded
from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller import SessionController
from tui.items.sealed import KEY_VARIABLE
from tui.model import ApprovalDecision, RunState, View
from tui.session import EncryptedSession
from tui.session.advanced import AdvancedSession
from tui.storage.store import Store

KEY = "a secret of this test"
MARKER = "Rumpelstiltskin"
APPROVE, REJECT = ApprovalDecision(approved=True), ApprovalDecision(approved=False, reason=f"{MARKER} says no.")

AGENT = f'''
from agents import Agent, function_tool

@function_tool(needs_approval=True)
def pay(to: str) -> str:
    """Pay {MARKER} or others."""
    return f"paid {{to}}"

clerk = Agent(name="Clerk", instructions="Serve {MARKER}.", tools=[pay])
'''

Open = Callable[[], Awaitable[SessionController]]


def encrypted(session: AdvancedSession, kind: type[SDKEncryptedSession] = EncryptedSession) -> Any:
    return kind("chat", session, KEY)  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", "postgres"])
async def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A database with an encrypted session of two turns, whose key is set."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path: Place = tmp_path / "secret.sqlite"
    if request.param == "postgres":
        path = request.getfixturevalue("postgres")
    async with open_ours(path, "chat") as session:
        for number in (1, 2):
            message, answer = turn(f"{MARKER} {number}", f"{MARKER} answers.")
            await encrypted(session).add_items([message, {**answer, "id": f"msg_{number}"}])
    return path


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.compaction = Compaction()
        yield server


@pytest.fixture
async def open_file(path: Place, tmp_path: Path, server: ScriptedServer) -> AsyncIterator[Open]:
    """Open the file in one more explorer with an agent."""
    opened: list[SessionController] = []
    file = tmp_path / "agent.py"
    file.write_text(AGENT, "utf-8")
    settings = AgentSettings(agent=f"{file}:clerk", model="gpt-5", base_url=server.url, api="responses")

    async def open_controller() -> SessionController:
        controller = SessionController(Store(path), AgentRunner(settings))
        opened.append(controller)
        await controller.open("chat", "main")
        await agent_of(controller).prepare()
        return controller

    yield open_controller
    for controller in opened:
        await agent_of(controller).stop_all()
        controller.close()


def asks(view: View) -> bool:
    return any(run.state is RunState.WAITING for run in view.runs.values())


def assert_secret(path: Place) -> None:
    """Check that no byte of the database, or of what lies beside a file, is plain text of the session."""
    if not isinstance(path, Path):
        assert MARKER not in repr(all_rows(path, complete=True))
        return
    for found in path.parent.glob(f"{path.name}*"):
        data = found.read_bytes()
        at = data.find(MARKER.encode())
        assert at < 0, (found.name, data[max(at - 200, 0) : at + 100])


async def test_nothing_that_a_run_stores_is_plain_text(path: Place, server: ScriptedServer, open_file: Open) -> None:
    first = await open_file()
    calls = ToolCalls([Call("pay", {"to": MARKER}, "c1")], text=f"{MARKER}?")
    server.script(calls)
    await agent_of(first).send(f"Pay {MARKER}")
    await until(first, asks)
    assert_secret(path)
    await agent_of(first).stop_all()

    second = await open_file()
    await until(second, asks)
    run = second.view.runs["main"]
    assert [call.arguments for call in run.approvals] == [f'{{"to": "{MARKER}"}}']
    server.script(TextAnswer(f"{MARKER} is paid."))
    agent_of(second).decide("main", [APPROVE])
    await until(second, quiet)
    assert user_texts(second.view)[-1] == f"Pay {MARKER}"
    assert server.requests[-1]["input"][-1]["output"] == f"paid {MARKER}"
    assert_secret(path)

    # The input that the file refers to is what the server got.
    shown = await second.model_input.load()
    for number, body in ((1, server.requests[-2]), (2, server.requests[-1])):
        sent = await second.model_input.request(shown, number)
        assert (sent.instructions, sent.items) == (body["instructions"], body["input"])
        assert sent.tools is not None
        assert MARKER in sent.tools[0]["description"]
    assert rows(path, "SELECT input FROM convo_request_inputs") == [("[[0, 4]]",), ("[[0, 7]]",)]

    # A fork whose message is edited, a run that fails, one that is stopped while it waits, and others.
    await second.forks.begin(2)
    await second.forks.make("edited")
    server.script(ErrorResponse(400, f"No {MARKER} here."))
    await agent_of(second).send(f"Edited {MARKER}")
    await until(second, quiet)
    assert second.view.failure is not None
    assert second.view.failure.unsent == f"Edited {MARKER}"
    server.script(calls, ErrorResponse(400, f"No {MARKER} here."))
    await agent_of(second).send(f"Edited {MARKER}")
    await until(second, asks)
    agent_of(second).decide("edited", [REJECT])
    await until(second, quiet)
    failed = (await read_recorded(path, "chat", "edited")).runs[-1]
    assert MARKER in (failed.error or "")
    server.script(calls)
    await agent_of(second).send(f"Again {MARKER}")
    await until(second, asks)
    agent_of(second).stop()
    await until(second, quiet)
    server.script(TextAnswer(f"{MARKER} once more."))
    await agent_of(second).run_again()
    await until(second, quiet)
    assert_secret(path)

    await second.navigation.switch_branch("main")
    await agent_of(second).compact("main")
    assert len(server.compactions) == 1
    assert MARKER in str(server.compactions[0]["input"])
    assert_secret(path)
    await second.history.undo()
    await second.management.delete("chat", "edited")
    await second.history.undo()
    await second.navigation.switch_branch("main")
    assert user_texts(second.view)[-1] == f"Pay {MARKER}"
    assert_secret(path)

    async with open_ours(path, "chat") as session:
        items = await encrypted(session, SDKEncryptedSession).get_items()
    assert [item["content"] for item in items if item.get("role") == "user"] == [
        f"{MARKER} 1", f"{MARKER} 2", f"Pay {MARKER}",
    ]  # fmt: skip
